"""Rungs 0 and 1: is there anything to explain, and where does each head look?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from ..circuits.heads import Head, head_label
from ..engine.sites import Site
from ..tasks.induction import InductionBatch
from .claim import Claim, Role, Signature
from .measurement import Floors, Measurement, Outcome
from .statistics import SIGN_FLIP, interval, sign_flip_p
from .trial import PerSequence, Piece, Trial, per_sequence

Scores = Mapping[Signature, np.ndarray]
"""By signature: [layer, head, sequence]."""


def behaviour(trial: Trial, floors: Floors, alpha_seed: int) -> list[Measurement]:
    """Rung 0: the gain in every stratum, and more than the bag of the first copy's tokens would give, in every stratum.

    A model may know which tokens return and not in which order, and one that expects text may pay more for random
    tokens than either explains. So what counts is the loss among the tokens that are left: no one who knows only those
    does better than ln(n − k) on average, however sure of himself.
    """
    gain, second = trial.gain, trial.clean
    left, bound = trial.bag_losses()
    strata = {name: rows.numpy() for name, rows in trial.batch.strata.items() if bool(rows.any())}
    least, where = min((gain[rows].mean(), name) for name, rows in strata.items())
    p = sign_flip_p(gain, alpha_seed)
    # With so few signs to flip, or a stratum empty, nothing can be told either way.
    few = 0.5**trial.n > floors.alpha or len(strata) < len(trial.batch.strata)
    finite = bool(np.isfinite(gain).all() and np.isfinite(left).all())
    enough = finite and least >= floors.gain and p <= floors.alpha
    too_few = f"too few sequences to tell, {trial.n}"
    worst, bagged = max(((left - bound)[rows].mean(), name) for name, rows in strata.items())
    p_order = sign_flip_p(bound - left, alpha_seed)
    ordered = finite and worst < 0 and p_order <= floors.alpha
    first, ln_n = gain + second, float(trial.batch.period.double().log().mean())
    return [
        Measurement(
            rung=0,
            test="gain",
            subject="the model",
            outcome=Outcome.INCONCLUSIVE if few else Outcome.HOLDS if enough else Outcome.FAILS,
            required=True,
            value=float(gain.mean()),
            unit="nats",
            n=trial.n,
            interval=interval(gain, alpha_seed),
            p=p,
            p_test=SIGN_FLIP,
            floor=floors.gain,
            control=float(least),
            control_name=f"least stratum: {where}",
            said=too_few
            if few
            else f"loss {first.mean():.2f} → {second.mean():.2f} nats on the second copy, "
            f"least gain {least:.2f} with {where}",
        ),
        Measurement(
            rung=0,
            test="order within the bag",
            subject="the model",
            outcome=Outcome.INCONCLUSIVE if few else Outcome.HOLDS if ordered else Outcome.FAILS,
            required=True,
            value=float(left.mean()),
            unit="nats, among the tokens that are left",
            n=trial.n,
            interval=interval(left, alpha_seed),
            p=p_order,
            p_test=SIGN_FLIP,
            floor=float(bound.mean()),
            control=float(worst),
            control_name=f"most above its bound: {bagged}",
            said=f"{left.mean():.2f} nats among the tokens left; who knows them and not their order pays "
            f"{bound.mean():.2f}, ln(n − k)",
        ),
        Measurement(
            rung=0,
            test="second copy against ln n",
            subject="the model",
            outcome=Outcome.NOT_APPLICABLE,
            required=False,
            value=float(second.mean()),
            unit="nats",
            n=trial.n,
            interval=interval(second, alpha_seed),
            floor=ln_n,
            control=math.log(trial.config.d_vocab),
            control_name="ln V",
            said=f"second copy {second.mean():.2f} nats, ln n {ln_n:.2f}: describes, does not decide",
        ),
    ]


def signature_scores(trial: Trial, batch: InductionBatch) -> Scores:
    """Every head's attention where each signature says, averaged within sequences. Patterns are reduced as they come.

    previous_token: queries of the first copy but its first token, one back. induction: told queries, the token after
    the first occurrence, not divided by what is parked on BOS.
    """
    tokens = batch.tokens
    places: dict[Signature, tuple[Tensor, Tensor]] = {}
    at = torch.arange(tokens.shape[1])
    after_first = batch.first_copy.roll(1, 1)
    places["previous_token"] = (after_first, (at - 1).clamp(min=0).expand_as(tokens))
    places["induction"] = (batch.predictable, (at - batch.back[:, None] + 1).clamp(min=0))
    held = {name: np.zeros((trial.config.n_layers, trial.config.n_heads, len(tokens))) for name in get_args(Signature)}

    class Reduce:
        sites = frozenset(Site("pattern", layer) for layer in range(trial.config.n_layers))

        def __init__(self, piece: Piece) -> None:
            self.piece = piece

        def __call__(self, name: str, layer: int | None, x: Tensor) -> Tensor:
            if name == "pattern" and layer is not None:
                for signature, place in places.items():
                    queries, keys = (self.piece.of(one.to(x.device)) for one in place)
                    keys = keys.clamp(max=x.shape[-1] - 1)  # what lies behind is no query's
                    picked = x.gather(-1, keys[:, None, :, None].expand(*x.shape[:3], 1))[..., 0]
                    for head in range(x.shape[1]):
                        found = per_sequence(picked[:, head][queries], queries)
                        held[signature][layer, head, self.piece.rows] = found
            return x

    for piece in trial.pieces:
        trial.run(piece.of(tokens), Reduce(piece))
    return held


def uniform_scores(batch: InductionBatch, window: int | None = None) -> PerSequence:
    """What even attention over all positions that a query sees gives the previous token: 1/(query + 1), 1/window."""
    seen = torch.arange(1.0, batch.tokens.shape[1] + 1).clamp(max=torch.inf if window is None else window)
    queries = batch.first_copy.roll(1, 1)
    return per_sequence((1 / seen).expand(queries.shape)[queries], queries)


def clue(trial: Trial, claim: Claim, scores: Scores, control: Scores, floors: Floors, seed: int) -> list[Measurement]:
    """Rung 1: each claimed head shows its role's signature in every stratum, well above the same place elsewhere."""
    return [_signature(trial, role, head, scores, control, floors, seed) for role in claim.roles for head in role.heads]


def _signature(
    trial: Trial, role: Role, head: Head, scores: Scores, control: Scores, floors: Floors, seed: int
) -> Measurement:
    own = scores[role.signature][head]
    # A head that looks one back does so on any text: its control is attention that prefers nothing.
    if role.signature == "previous_token":
        elsewhere, name = float(uniform_scores(trial.batch, trial.config.window(head[0])).mean()), "even attention"
    else:
        elsewhere, name = float(control[role.signature][head].mean()), "same offset, nothing repeated"
    strata = {label: rows.numpy() for label, rows in trial.batch.strata.items() if bool(rows.any())}
    least, where = min((own[rows].mean(), label) for label, rows in strata.items())
    means = scores[role.signature].mean(-1)
    others = np.array([means[other] for other in np.ndindex(means.shape) if other not in role.heads])
    enough = least >= floors.clue and own.mean() >= floors.clue_ratio * elsewhere
    next_best = f", next head {others.max():.2f}" if len(others) else ""
    weak = "" if enough else f" (floor {floors.clue:g}; least {least:.2f} with {where}, control {elsewhere:.2f})"
    return Measurement(
        rung=1,
        test=f"{role.signature} score",
        subject=head_label(head),
        outcome=Outcome.HOLDS if enough else Outcome.FAILS,
        required=True,
        value=float(own.mean()),
        unit="attention",
        n=trial.n,
        interval=interval(own, seed),
        floor=floors.clue,
        control=elsewhere,
        control_name=name,
        said=f"{head_label(head)} {role.signature.replace('_', '-')} {own.mean():.2f}{next_best}{weak}",
    )
