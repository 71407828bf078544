"""Rung 2: which component pushes the right token, or the right key, and do the parts sum to the whole?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..circuits.heads import Head, attention_scale, head_label
from ..engine.cache import ActivationCache
from ..engine.linearize import linear_norm, norms_after, write_matrix
from ..engine.positions import position_info
from ..engine.sites import Site
from ..engine.taps import CacheTap
from ..engine.transformer import upcast
from ..engine.weights import block_weights, unembedding, unlayered
from ..errors import InterventionError
from ..methods.attribution import (
    LinearizedRead,
    query_key_vectors,
    reading_sites,
    seen_keys,
    uncapped_logits,
    written_sites,
)
from .claim import OUTPUT, Claim, Edge, Role
from .clue import Scores
from .measurement import Floors, Measurement, Outcome, Tables, in_words
from .statistics import SIGN_FLIP, interval, sign_flip_p
from .trial import PerSequence, Piece, Trial, per_sequence

SUM_TOLERANCE = 1e-4
"""Of the largest logit difference: some hundreds of parts are summed in float32."""


@dataclass(frozen=True, eq=False)
class DirectAttribution:
    """Each head's direct push for the right token against the mean of the sequence's other tokens, in logits."""

    heads: dict[Head, PerSequence]
    residual: float
    """Largest difference between the sum of all parts and the model's own number, as a share of the latter."""


def direct_attribution(trial: Trial) -> DirectAttribution:
    """part · (W_U[right] − mean W_U[others]), the last norm's scale as in this run; parts sum to the logits' own."""
    errors, sizes = [], []

    def measured(piece: Piece) -> dict[Head, PerSequence]:
        heads, error, size = _direct(trial, piece)
        errors.append(error)
        sizes.append(size)
        return heads

    return DirectAttribution(trial.by_piece(measured), max(errors) / max(sizes))


@torch.no_grad()
def _direct(trial: Trial, piece: Piece) -> tuple[dict[Head, PerSequence], float, float]:
    """Each head's push, the largest difference between the sum of all parts and the model's number, the largest such
    number.
    """
    config, at, tokens = trial.config, piece.of(trial.told), piece.of(trial.batch.tokens).to(trial.model.device)
    scale = [] if config.normalization_type is None else [Site("ln_final.scale")]
    tap = CacheTap(
        [*written_sites(config, config.n_layers), *scale], keep=lambda x: x[at] if x.shape[:2] == at.shape else x[0]
    )
    stream = trial.run(tokens, tap)
    trial.row_logits(stream, at, tap)
    logits = uncapped_logits(config, trial.weights, stream[at][None])[0]
    W_U = upcast(unembedding(trial.weights)).T
    right, sequence = tokens.roll(-1, 1)[at], at.nonzero()[:, 0]
    everything = trial.batch.tokens[piece.rows].to(tokens.device)
    member = W_U.new_zeros(len(tokens), config.n_out).scatter_(1, everything, 1.0)
    count = member.sum(1, keepdim=True)
    # Right minus the mean of the others is (right minus the mean of all) · count / (count − 1).
    stretch = (count / (count - 1))[sequence]
    direction = (W_U[right] - (member @ W_U / count)[sequence]) * stretch * config.logit_scale
    of_right = logits.gather(1, right[:, None])
    whole = ((of_right - (logits * member[sequence]).sum(1, keepdim=True) / count[sequence]) * stretch)[:, 0]
    w_final, parts = (
        unlayered(trial.weights, "ln_final_w"),
        ActivationCache(tap.store, trial.model, has_batch_dim=False),
    )

    def share(part: Float[Tensor, "row d_model"]) -> Float[Tensor, " row"]:
        part = linear_norm(config, w_final, upcast(part))
        part = part if config.normalization_type is None else part / tap.store["ln_final.hook_scale"]
        return (part * direction).sum(-1)

    heads: dict[Head, PerSequence] = {}
    summed = torch.zeros_like(whole)
    for site in written_sites(config, config.n_layers):
        if site.name == "z" and site.layer is not None:
            w = block_weights(trial.weights, site.layer)
            for head in range(config.n_heads):
                written = upcast(tap.store[site.path][:, head] @ w.W_O[head])
                own = share(parts.as_written(written, "attn_out", site.layer))
                heads[site.layer, head] = per_sequence(own, at)
                summed += own
            if w.b_O is not None:
                summed += share(parts.as_written(upcast(w.b_O).expand(len(right), -1), "attn_out", site.layer))
        elif site.name in ("embed", "pos_embed", "mlp_out"):
            summed += share(tap.store[site.path])
    b, b_U = unlayered(trial.weights, "ln_final_b"), unlayered(trial.weights, "b_U")
    summed += 0 if b is None else direction @ upcast(b)
    if b_U is not None:
        b_U = upcast(b_U)
        of_bias = b_U[right] - (member @ b_U[:, None] / count)[sequence, 0]
        summed += of_bias * stretch[:, 0] * config.logit_scale
    return heads, float((whole - summed).abs().max()), float(whole.abs().max())


def key_attribution(trial: Trial, receiver: Head, into: Literal["Q", "K"]) -> dict[Head, PerSequence]:
    """What each earlier head's write adds, through the receiver's K (or Q), to its score of the right key.

    Of a told query: the score at the token after the first occurrence minus the mean over the query's other keys, the
    scale of every norm on the way as in this run; a query that does not see that token adds nothing. Before a cap.
    Raises InterventionError where the receiver's keys (queries) were cut off.
    """
    return trial.by_piece(lambda piece: _relayed(trial, piece, receiver, into))


@torch.no_grad()
def _relayed(trial: Trial, piece: Piece, receiver: Head, into: Literal["Q", "K"]) -> dict[Head, PerSequence]:
    layer = receiver[0]
    config, tokens, at = trial.config, piece.of(trial.batch.tokens), piece.of(trial.told)
    behind = [Site("ln1_post.scale", under) for under in range(layer)] if norms_after(config) else []
    tap = CacheTap([*reading_sites(config, layer), *(Site("z", under) for under in range(layer)), *behind])
    trial.run(tokens, tap, stop=layer + 1)
    run = tap.store
    frame = position_info(config, trial.weights, tokens.shape, trial.model.device)
    read = LinearizedRead.of(trial.model, receiver, into, run, frame)
    q, k = query_key_vectors(trial.model, receiver, run)
    n = tokens.shape[1]
    seen = seen_keys(frame, layer, n)
    right = (torch.arange(n) - trial.batch.back[piece.rows][:, None] + 1).clamp(0, n - 1).to(q.device)[:, :, None]
    found = seen.expand(len(tokens), -1, -1).gather(2, right)[..., 0]

    def pushed(sender: Head) -> PerSequence:
        # Every norm on the way is linear, so the weights are multiplied first: d_head is small.
        under, head = sender
        W = write_matrix(config, block_weights(trial.weights, under), head) @ read.matrix
        part = upcast(run[Site("z", under).path][:, :, head]) @ W / (read.before * read.after)
        part = read.turned(part / run[Site("ln1_post.scale", under).path] if behind else part)
        scores = (q @ part.mT if into == "K" else part @ k.mT) / attention_scale(config)
        own = scores.gather(2, right)[..., 0]
        others = ((scores * seen).sum(2) - own) / (seen.sum(1) - 1).clamp(min=1)
        return per_sequence(((own - others) * found)[at], at)

    return {(under, head): pushed((under, head)) for under in range(layer) for head in range(config.n_heads)}


def contribution(
    trial: Trial, claim: Claim, scores: Scores, floors: Floors, seed: int, tables: Tables
) -> list[Measurement]:
    """Rung 2: a role that writes to the output pushes the right token, one that writes for another the right key."""
    found = []
    direct = direct_attribution(trial)
    for role in claim.roles:
        if role.writes_to == OUTPUT:
            tables["attribution", role.name] = direct.heads
            found.append(_push(role, claim, direct.heads, scores, floors, seed, "direct", "logits"))
            continue
        for edge in (edge for edge in claim.edges if edge.sender == role.name):
            found.append(_relay(trial, claim, role, edge, scores, floors, seed, tables))
    found.append(
        Measurement(
            rung=2,
            test="parts sum to the whole",
            subject="the model",
            outcome=Outcome.HOLDS if direct.residual <= SUM_TOLERANCE else Outcome.FAILS,
            required=True,
            value=direct.residual,
            unit="of the largest logit difference",
            n=trial.n,
            floor=SUM_TOLERANCE,
            said=f"parts sum within {direct.residual:.0e}",
        )
    )
    return found


def _relay(
    trial: Trial, claim: Claim, role: Role, edge: Edge, scores: Scores, floors: Floors, seed: int, tables: Tables
) -> Measurement:
    receivers = claim.role(edge.receiver)
    if edge.into == "V":
        return Measurement(
            rung=2,
            test=f"attribution through {edge.into}",
            subject=role.labels,
            outcome=Outcome.NOT_APPLICABLE,
            required=True,
            said=f"{role.labels} is said to write values, which no score reads: there is nothing to attribute",
        )
    try:
        reads = [key_attribution(trial, head, edge.into) for head in receivers.heads]
    except InterventionError as error:
        return Measurement(
            rung=2,
            test=f"attribution through {edge.into}",
            subject=role.labels,
            outcome=Outcome.INCONCLUSIVE,
            required=True,
            n=trial.n,
            said=str(error),
        )
    common = set.intersection(*(set(read) for read in reads))
    heads = {head: np.mean([read[head] for read in reads], axis=0) for head in common}
    tables["attribution", role.name] = heads
    return _push(role, claim, heads, scores, floors, seed, f"through {receivers.labels}'s {edge.into}", "score")


def _push(
    role: Role,
    claim: Claim,
    heads: dict[Head, PerSequence],
    scores: Scores,
    floors: Floors,
    seed: int,
    way: str,
    unit: str,
) -> Measurement:
    """The role's heads together, each of them no trifle, against every head that fills no role.

    A head with the role's own signature that is as strong is a sibling, not a rival: not unique is not false.
    """
    together = np.sum([heads[head] for head in role.heads], axis=0)
    ends = {head: interval(heads[head], seed) for head in role.heads}
    low, high = interval(together, seed) if len(role.heads) > 1 else ends[role.heads[0]]
    siblings = {head for head in heads if scores[role.signature][head].mean() >= floors.clue}
    rivals = {h: float(x.mean()) for h, x in heads.items() if h not in claim.heads and h not in siblings}
    best, rival = max(((x, head_label(h)) for h, x in rivals.items()), default=(0.0, "none"))
    p = sign_flip_p(together, seed)
    floor = floors.contribution * max(float(x.mean()) for x in heads.values())
    pushes = all(end[0] > max(floor, 0.0) for end in ends.values()) and p <= floors.alpha
    wrong = Outcome.CONTRADICTED if high < -abs(floor) and high < 0 else Outcome.FAILS
    outcome = Outcome.HOLDS if pushes and low > best else wrong
    share = together.mean() / len(role.heads)
    strong = sorted(head for head in siblings - set(claim.heads) if heads[head].mean() >= share)
    named = ", ".join(map(head_label, strong))
    also = f"; not unique, as much comes from {named}" if strong and outcome is Outcome.HOLDS else ""
    trifles = [head_label(head) for head, end in ends.items() if end[0] <= max(floor, 0.0)]
    if trifles and len(ends) > 1:
        also = f"; {', '.join(trifles)} alone: a trifle beside the strongest head"
    return Measurement(
        rung=2,
        test=f"attribution, {way}",
        subject=role.labels,
        outcome=outcome,
        required=True,
        value=float(together.mean()),
        unit=unit,
        n=len(together),
        interval=(low, high),
        p=p,
        p_test=SIGN_FLIP,
        floor=floor,
        control=best,
        control_name=f"best head in no role: {rival}",
        said=in_words(
            f"{role.labels} {way} {together.mean():+.2f} {unit} [{low:.2f}, {high:.2f}], next {best:+.2f}{also}"
        ),
    )
