"""Rung 2: which component pushes the right token, or the right key, and do the parts sum to the whole?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..circuits.heads import Head, attention_scale, head_label, kv_head
from ..engine.positions import locate, turn
from ..engine.sites import Site
from ..engine.taps import CacheTap
from ..engine.transformer import upcast
from ..engine.weights import block_weights, single, unembedding
from .claim import OUTPUT, Claim, Edge, Role
from .clue import Scores
from .measurement import Floors, Measurement, Outcome, Tables, in_words
from .statistics import SIGN_FLIP, interval, sign_flip_p
from .trial import PerSequence, Trial, per_sequence

SUM_TOLERANCE = 1e-4
"""Of the largest logit difference: some hundreds of parts are summed in float32."""


@dataclass(frozen=True, eq=False)
class DirectAttribution:
    """Each head's direct push for the right token against the mean of the sequence's other tokens, in logits."""

    heads: dict[Head, PerSequence]
    residual: float
    """Largest difference between the sum of all parts and the model's own number, as a share of the latter."""


@torch.no_grad()
def direct_attribution(trial: Trial) -> DirectAttribution:
    """part · (W_U[right] − mean W_U[others]), the last norm's scale as in this run; parts sum to the logits' own."""
    config, at, tokens = trial.config, trial.told, trial.batch.tokens.to(trial.model.device)
    tap = CacheTap(_writers(trial), keep=lambda x: x[at] if x.shape[:2] == at.shape else x[0])
    logits = trial.row_logits(trial.run(trial.batch.tokens, tap), at, tap)
    W_U = upcast(unembedding(trial.weights)).T
    right, sequence = tokens.roll(-1, 1)[at], at.nonzero()[:, 0]
    member = torch.zeros(len(tokens), config.d_vocab, device=tokens.device).scatter_(1, tokens, 1.0)
    count = member.sum(1, keepdim=True)
    # Right minus the mean of the others is (right minus the mean of all) · count / (count − 1).
    stretch = (count / (count - 1))[sequence]
    direction = (W_U[right] - (member @ W_U / count)[sequence]) * stretch
    of_right = logits.gather(1, right[:, None])
    whole = ((of_right - (logits * member[sequence]).sum(1, keepdim=True) / count[sequence]) * stretch)[:, 0]

    def share(part: Float[Tensor, "row d_model"]) -> Float[Tensor, " row"]:
        part, w = upcast(part), single(trial.weights, "ln_final_w")
        if config.normalization_type in ("LN", "LNPre"):
            part = part - part.mean(-1, keepdim=True)
        if config.normalization_type is not None:
            part = part / tap.store["ln_final.hook_scale"]
        return ((part if w is None else part * w) * direction).sum(-1)

    heads: dict[Head, PerSequence] = {}
    summed = torch.zeros_like(whole)
    for site in tap.sites:
        if site.name == "z" and site.layer is not None:
            w = block_weights(trial.weights, site.layer)
            for head in range(config.n_heads):
                own = share(tap.store[site.path][:, head] @ w.W_O[head])
                heads[site.layer, head] = per_sequence(own, at)
                summed += own
            summed += 0 if w.b_O is None else share(w.b_O.expand(len(right), -1))
        elif site.name in ("embed", "pos_embed", "mlp_out"):
            summed += share(tap.store[site.path])
    b, b_U = single(trial.weights, "ln_final_b"), single(trial.weights, "b_U")
    summed += 0 if b is None else direction @ upcast(b)
    summed += 0 if b_U is None else (b_U[right] - (member @ b_U[:, None] / count)[sequence, 0]) * stretch[:, 0]
    return DirectAttribution(heads, float((whole - summed).abs().max() / whole.abs().max()))


def _writers(trial: Trial) -> list[Site]:
    config = trial.config
    sites = [Site("embed"), *(Site("z", layer) for layer in range(config.n_layers))]
    if config.positional_embedding_type in ("standard", "sinusoidal"):
        sites.append(Site("pos_embed"))
    if not config.attn_only:
        sites += [Site("mlp_out", layer) for layer in range(config.n_layers)]
    return sites if config.normalization_type is None else [*sites, Site("ln_final.scale")]


@torch.no_grad()
def key_attribution(trial: Trial, receiver: Head, into: str) -> dict[Head, PerSequence]:
    """What each earlier head's write adds, through the receiver's K (or Q), to its score of the right key.

    Of a told query: the score at the token after the first occurrence minus the mean over the query's other keys, the
    norm before the receiver scaled as in this run.
    """
    layer, index = receiver
    config, batch, w = trial.config, trial.batch, block_weights(trial.weights, receiver[0])
    group, queries_of = kv_head(config, receiver), "rot_q" if config.rotary else "q"
    keys_of = "rot_k" if config.rotary else "k"
    sites = [Site(queries_of, layer), Site(keys_of, layer)]
    sites += [] if config.normalization_type is None else [Site("ln1.scale", layer)]
    tap = CacheTap(sites)
    trial.run(batch.tokens, tap)
    frame = locate(config, trial.weights, batch.tokens.shape, trial.model.device)
    scale = tap.store[Site("ln1.scale", layer).path] if config.normalization_type else None
    W = w.W_K[group] if into == "K" else w.W_Q[index]
    fixed = tap.store[sites[0].path][:, :, index] if into == "K" else tap.store[sites[1].path][:, :, group]

    def read(z: Float[Tensor, "batch pos d_head"], W_O: Tensor) -> PerSequence:
        written = upcast(z @ W_O)
        if config.normalization_type in ("LN", "LNPre"):
            written = written - written.mean(-1, keepdim=True)
        written = written if scale is None else written / scale
        written = written if w.ln1_w is None else written * w.ln1_w
        part = written @ upcast(W)
        part = turn(config, layer, part.unsqueeze(2), frame)[:, :, 0]
        scores = (fixed @ part.mT if into == "K" else part @ fixed.mT) / attention_scale(config)
        return _right_against_others(trial, scores)

    return {
        (at, head): read(z[:, :, head], block_weights(trial.weights, at).W_O[head])
        for at, z in trial.z(range(layer)).items()
        for head in range(config.n_heads)
    }


def _right_against_others(trial: Trial, scores: Float[Tensor, "batch query key"]) -> PerSequence:
    batch, at = trial.batch, trial.told
    n = scores.shape[1]
    seen = torch.ones(n, n, dtype=torch.bool, device=scores.device).tril()
    right = (torch.arange(n) - batch.back[:, None] + 1).clamp(0, n - 1).to(scores.device)
    own = scores.gather(2, right[:, :, None])[..., 0]
    others = ((scores * seen).sum(2) - own) / (seen.sum(1) - 1).clamp(min=1)
    return per_sequence((own - others)[at], at)


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
    reads = [key_attribution(trial, head, edge.into) for head in receivers.heads]
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
