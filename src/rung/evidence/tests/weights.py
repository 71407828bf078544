"""Rung 4: is it built to do that? What the weights of the claimed heads and edges do, token by token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ...circuits.argmax_diagonal import diagonal
from ...circuits.composition import routed_qk
from ...circuits.heads import (
    Head,
    head_label,
    head_weights,
    keys_of,
    ov_copying,
    queries_of,
    turned_apart,
)
from ...circuits.positional import RELATIVE, kernel_looks_back, looks_back
from ...engine.factored import FactoredMatrix
from ...engine.positions import position_info
from ...engine.taps import CacheTap
from ...engine.transformer import upcast
from ...engine.weights import embedding
from ...errors import NotDefinedError
from ...methods.names_runner import NamesRunner
from ...methods.runner import TaskRunner
from ...methods.scores import LinearizedRead, reading_sites
from ...methods.triples_runner import TriplesRunner
from ..observation import Observation, Quantity, TestSpec
from ..setting import Setting
from .inputs import Inputs, at_worst, inputs_of
from .names import names_qk
from .triples import source_ov, source_qk

ROTATIONS = 20
"""Random directions that the senders' output is rotated to, for comparison."""
ROTATED_TOKENS = 512
"""Tokens that those are asked about; fewer tokens are easier to tell apart, so the comparison is on the safe side."""


def positional(setting: Setting, spec: TestSpec) -> Observation:
    """Share of positions (rotary, slopes: of query tokens) that position alone sends one back, with most of the
    attention: a best score too weak to be felt beside content does not count.
    """
    relative = setting.runner.config.positional_embedding_type in RELATIVE
    unit = "of tokens, kernel averaged over keys" if relative else "of positions"
    role = setting.claim.role(spec.role)
    try:
        found = {head: _one_back(setting, head) for head in _heads_of_layers(setting, role.heads)}
    except NotDefinedError as error:
        return Observation({}, unit, undefined=str(error))
    shares = {head: float(right.mean()) for head, right in found.items()}
    setting.tables["weights", role.name] = {head: np.array([share]) for head, share in shares.items()}
    (head,) = spec.heads
    inputs = setting.once(inputs_of)
    quantity = inputs.share(found[head]) if relative else Quantity(found[head], share=True, exact=True)
    controls, notes = _best_other(shares, role.heads)
    return Observation({"one_back": quantity}, unit, controls, notes=notes)


def _one_back(setting: Setting, head: Head) -> np.ndarray:
    runner = setting.runner
    n = runner.batch.tokens.shape[1]
    if runner.config.positional_embedding_type in RELATIVE:
        found = kernel_looks_back(runner.model, head, setting.once(inputs_of).at(head[0]), n)
    else:
        found = looks_back(runner.model, head, n=n)
    return ((found.margin > 0) & (found.attention > 0.5)).double().cpu().numpy()


def ov(setting: Setting, spec: TestSpec) -> Observation:
    """For each token attended to: does the head raise that token's own logit most? Of skip-trigrams: for each source,
    of all tokens, special ones too, its output's?
    """
    if isinstance(setting.runner, TriplesRunner):
        return source_ov(setting, spec)
    role, inputs, runner = setting.claim.role(spec.role), setting.once(inputs_of), setting.runner
    tokens = inputs.tokens.to(runner.model.device)
    found = {
        head: ov_copying(runner.model, head, tokens, inputs.at(head[0]))
        for head in _heads_of_layers(setting, role.heads)
    }
    shares = {head: copies.share for head, copies in found.items()}
    setting.tables["weights", role.name] = {head: np.array([share]) for head, share in shares.items()}
    (head,) = spec.heads
    controls, notes = _best_other(shares, role.heads)
    notes["read"] = inputs.name(head[0])
    return Observation({"copied": inputs.share(found[head].rank == 0)}, "of tokens", controls, notes=notes)


def own_token_qk(setting: Setting, spec: TestSpec) -> Observation:
    """For each token: is it, of all tokens as queries, the one that scores it highest as a key?

    Of skip-trigrams: for each source, do the queries of the table score it above 95 % of the tokens beside the table?
    """
    if isinstance(setting.runner, TriplesRunner):
        return source_qk(setting, spec)
    role, inputs, runner = setting.claim.role(spec.role), setting.once(inputs_of), setting.runner
    found = {head: own_token_share(runner, head, inputs) for head in _heads_of_layers(setting, role.heads)}
    shares = {head: float(right.mean()) for head, right in found.items()}
    setting.tables["weights", role.name] = {head: np.array([share]) for head, share in shares.items()}
    (head,) = spec.heads
    controls, notes = _best_other(shares, role.heads)
    notes["read"] = inputs.name(head[0])
    return Observation({"matched": inputs.share(found[head])}, "of tokens", controls, notes=notes)


def own_token_share(runner: TaskRunner, head: Head, inputs: Inputs) -> np.ndarray:
    """For each token, 1 if the same token is its best query; rotary: at several distances, the worst of them."""
    table = inputs.at(head[0])

    def right(back: int | None) -> np.ndarray:
        q, k = queries_of(runner.model, head, table), keys_of(runner.model, head, table)
        if back is not None:
            q, k = turned_apart(runner.config, head[0], q, k, back)
        return (diagonal(FactoredMatrix(k, q.T), "QK").rank == 0).double().cpu().numpy()

    return at_worst(runner, head, runner.batch.distances_of("duplicate_token"), right)


def composed_qk(setting: Setting, spec: TestSpec) -> Observation:
    """For one receiver: does what its claimed senders write make it look where it should, token by token?

    Into K of a head that matches: what the senders write together, read as its key; is each token its own best query?
    Beside it the best other pair of these layers, and the senders' output rotated to random directions. Other edges:
    `names_qk`.
    """
    inputs, runner, (receiver,) = setting.once(inputs_of), setting.runner, spec.receivers
    try:
        _check_whole_keys(runner, receiver)
        if isinstance(runner, NamesRunner):
            return names_qk(setting, spec)
        if spec.into != "K":
            return Observation(
                {}, "of tokens", undefined=f"composed QK is a test of edges into K; this one ends in {spec.into}"
            )
        right = routed_share(runner, spec.heads, receiver, inputs)
        controls, notes = _other_pairs(setting, spec, inputs)
    except NotDefinedError as error:
        return Observation({}, "of tokens", undefined=str(error))
    tables = sorted({inputs.name(sender[0]) for sender in spec.heads})
    notes |= {"query": inputs.name(receiver[0]), "routed": ", ".join(tables)}
    return Observation({"matched": inputs.share(right)}, "of tokens", controls=controls, notes=notes)


def _other_pairs(setting: Setting, spec: TestSpec, inputs: Inputs) -> tuple[dict[str, float], dict[str, str]]:
    shares, runner = setting.pair_shares, setting.runner
    # Of a large model, other pairs are asked about fewer tokens, which are easier to tell apart: on the safe side.
    most = ROTATED_TOKENS if runner.large else None
    for sender in _heads_of_layers(setting, spec.heads):
        for receiver in _heads_of_layers(setting, spec.receivers):
            if sender[0] < receiver[0] and (sender, receiver) not in shares:
                right = routed_share(runner, [sender], receiver, inputs, most=most)
                shares[sender, receiver] = float(right.mean())
    claimed = {pair for edge in setting.claim.edges for pair in setting.claim.pairs(edge)}
    rest = {pair: share for pair, share in shares.items() if pair not in claimed}
    best = max(rest, key=lambda pair: rest[pair], default=None)
    turned = rotated_shares(runner, spec.heads, spec.receivers[0], inputs)
    controls = {"best other pair": rest[best] if best else 0.0, "rotated": max(turned)}
    controls |= {" → ".join(map(head_label, pair)): shares[pair] for pair in sorted(claimed) if pair in shares}
    return controls, {"best other pair": " → ".join(map(head_label, best)) if best else ""}


def _check_whole_keys(runner: TaskRunner, receiver: Head) -> None:
    """Raises NotDefinedError where keys were clamped in a run: they are then no sum of what was written into them."""
    if runner.config.clip_qkv is None:
        return
    for chunk in runner.chunks:
        tokens, tap = chunk.of(runner.batch.tokens), CacheTap(reading_sites(runner.config, receiver[0]))
        runner.run(tokens, tap, stop=receiver[0] + 1)
        info = position_info(runner.config, runner.weights, tokens.shape, runner.model.device)
        LinearizedRead.of(runner.model, receiver, "K", tap.store, info)


def routed_share(
    runner: TaskRunner,
    senders: Sequence[Head],
    receiver: Head,
    inputs: Inputs,
    frames: Sequence[Tensor] | None = None,
    most: int | None = None,
) -> np.ndarray:
    """For each token, 1 if, routed by the senders together into the receiver's key, it is best matched by itself.

    Rotary: at several distances of the task, the worst of them. `frames` replace the senders' output directions. `most`
    tokens are asked about (None: all). Raises NotDefinedError where a window lets the receiver see none of those
    distances, and as `routed_qk` does.
    """
    routed = {sender: inputs.at(sender[0])[:most] for sender in senders}
    outputs = None
    if frames is not None:
        whole = {sender: head_weights(runner.model, sender).W_O for sender in senders}
        outputs = {
            sender: torch.linalg.qr(W_O.mT).R.mT @ frame.mT
            for (sender, W_O), frame in zip(whole.items(), frames, strict=True)
        }
    queries = inputs.at(receiver[0])[:most]

    def right(back: int | None) -> np.ndarray:
        # A row for each key: the query that scores it highest, whatever positive number a key is scaled by.
        found = routed_qk(runner.model, routed, receiver, queries, back=back, outputs=outputs)
        return (diagonal(found.T, "routed QK").rank == 0).double().cpu().numpy()

    return at_worst(runner, receiver, runner.batch.distances_of("induction"), right)


def rotated_shares(runner: TaskRunner, senders: Sequence[Head], receiver: Head, inputs: Inputs) -> list[float]:
    """The share with the senders' outputs rotated to random directions: what no composition gives."""
    generator = torch.Generator().manual_seed(runner.seed_for("turns"))

    def frame() -> Tensor:
        drawn = torch.randn(runner.config.d_model, runner.config.d_head, generator=generator)
        found: Tensor = torch.linalg.qr(drawn.to(upcast(embedding(runner.weights)))).Q
        return found

    return [
        float(routed_share(runner, senders, receiver, inputs, [frame() for _ in senders], ROTATED_TOKENS).mean())
        for _ in range(ROTATIONS)
    ]


def _heads_of_layers(setting: Setting, heads: Sequence[Head]) -> list[Head]:
    layers = sorted({layer for layer, _ in heads})
    return [(layer, head) for layer in layers for head in range(setting.runner.config.n_heads)]


def _best_other(shares: Mapping[Head, float], claimed: Sequence[Head]) -> tuple[dict[str, float], dict[str, str]]:
    """The same share of the best head without the role, and which head that is."""
    rest = {head: share for head, share in shares.items() if head not in claimed}
    best = max(rest, key=lambda head: rest[head], default=None)
    name = "best unclaimed head"
    return {name: 0.0 if best is None else rest[best]}, {name: "" if best is None else head_label(best)}
