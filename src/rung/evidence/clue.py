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
from .trial import PerSequence, Trial, per_sequence

Scores = Mapping[Signature, np.ndarray]
"""By signature: [layer, head, sequence]."""


def behaviour(trial: Trial, floors: Floors, alpha_seed: int) -> list[Measurement]:
    """Rung 0: the gain in every stratum, and the second copy's loss below ln n in every stratum."""
    gain, second = trial.gain, trial.clean
    bag = trial.batch.period.double().log().numpy()
    strata = {name: rows.numpy() for name, rows in trial.batch.strata.items() if bool(rows.any())}
    least, where = min((gain[rows].mean(), name) for name, rows in strata.items())
    p = sign_flip_p(gain, alpha_seed)
    # With so few signs to flip, or a stratum empty, nothing can be told either way.
    few = 0.5**trial.n > floors.alpha or len(strata) < len(trial.batch.strata)
    finite = bool(np.isfinite(gain).all())
    enough = finite and least >= floors.gain and p <= floors.alpha
    too_few = f"too few sequences to tell, {trial.n}"
    worst = max(second[rows].mean() - bag[rows].mean() for rows in strata.values())
    first = gain + second
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
            test="second copy against ln n",
            subject="the model",
            outcome=Outcome.INCONCLUSIVE if few else Outcome.HOLDS if finite and worst < 0 else Outcome.FAILS,
            required=True,
            value=float(second.mean()),
            unit="nats",
            n=trial.n,
            interval=interval(second, alpha_seed),
            floor=float(bag.mean()),
            control=math.log(trial.config.d_vocab),
            control_name="ln V",
            said=f"second copy {second.mean():.2f} nats, knowing the bag of tokens {bag.mean():.2f} (ln n)",
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
    after_first = batch.untold.roll(1, 1)
    places["previous_token"] = (after_first, (at - 1).clamp(min=0).expand_as(tokens))
    places["induction"] = (batch.told, (at - batch.back[:, None] + 1).clamp(min=0))
    held = {name: np.zeros((trial.config.n_layers, trial.config.n_heads, len(tokens))) for name in get_args(Signature)}

    class Reduce:
        sites = frozenset(Site("pattern", layer) for layer in range(trial.config.n_layers))

        def __call__(self, name: str, layer: int | None, x: Tensor) -> Tensor:
            if name == "pattern" and layer is not None:
                for signature, (queries, keys) in places.items():
                    picked = x.gather(-1, keys.to(x.device)[:, None, :, None].expand(*x.shape[:3], 1))[..., 0]
                    for head in range(x.shape[1]):
                        rows = picked[:, head][queries.to(x.device)]
                        held[signature][layer, head] = per_sequence(rows, queries.to(x.device))
            return x

    trial.run(tokens, Reduce())
    return held


def uniform_scores(batch: InductionBatch) -> PerSequence:
    """What even attention over all earlier positions gives the previous token: 1/(query + 1)."""
    at = torch.arange(batch.tokens.shape[1])
    queries = batch.untold.roll(1, 1)
    return per_sequence((1 / (at + 1.0)).expand(queries.shape)[queries], queries)


def clue(trial: Trial, claim: Claim, scores: Scores, control: Scores, floors: Floors, seed: int) -> list[Measurement]:
    """Rung 1: each claimed head shows its role's signature in every stratum, well above the same place elsewhere."""
    return [_signature(trial, role, head, scores, control, floors, seed) for role in claim.roles for head in role.heads]


def _signature(
    trial: Trial, role: Role, head: Head, scores: Scores, control: Scores, floors: Floors, seed: int
) -> Measurement:
    own = scores[role.signature][head]
    # A head that looks one back does so on any text: its control is attention that prefers nothing.
    if role.signature == "previous_token":
        elsewhere, name = float(uniform_scores(trial.batch).mean()), "even attention"
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
