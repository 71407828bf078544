"""Rung 4: is it built to do that? What the weights of the claimed heads and edges do, token by token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ...circuits.argmax_diagonal import diagonal
from ...circuits.composition import routed_qk
from ...circuits.heads import Head, embedded, head_label, head_weights, ov_copying
from ...circuits.positional import RELATIVE, kernel_looks_back, looks_back, mean_positions
from ...engine.positions import position_info
from ...engine.sites import Site
from ...engine.taps import NO_TAP, CacheTap
from ...engine.transformer import norm_before, upcast
from ...engine.weights import embedding
from ...errors import NotDefinedError
from ...methods.runner import InductionRunner
from ...methods.scores import LinearizedRead, reading_sites
from ...tasks.builtin import draw_distinct, ordinary_tokens
from ..observation import Observation, Quantity, TestSpec
from ..setting import Setting

MOST_TOKENS = 2048
"""Tokens that the weights are asked about; a sample of larger vocabularies."""
CONTEXTS = 8
"""Random contexts that a token's stream is averaged over."""
OFFSETS = 5
"""Distances at which rotary queries and keys are held against each other."""
ROTATIONS = 20
"""Random directions that the senders' output is rotated to, for comparison."""
ROTATED_TOKENS = 512
"""Tokens that those are asked about; fewer tokens are easier to tell apart, so the comparison is on the safe side."""


class Inputs:
    """What a head of each layer reads at a token: the effective embedding, and its name."""

    def __init__(self, runner: InductionRunner, layers: Iterable[int]) -> None:
        self.runner = runner
        self.layers = sorted(set(layers) - {0})
        generator = torch.Generator().manual_seed(runner.seed_for("tokens"))
        ordinary = ordinary_tokens(runner.config, runner.model.tokenizer)
        self.tokens: Int[Tensor, " token"] = ordinary[torch.randperm(len(ordinary), generator=generator)[:MOST_TOKENS]]
        self.whole = len(ordinary) <= MOST_TOKENS
        self._held: dict[int, Tensor] = {}
        self._generator = generator

    def name(self, layer: int) -> str:
        """How the table of this layer was made."""
        return "embedding" if not layer else f"mean residual stream before layer {layer}, {CONTEXTS} contexts a token"

    def at(self, layer: int) -> Float[Tensor, "token d_model"]:
        """One normalized row a token, the norm's weights left to be folded into what reads it."""
        if layer not in self._held:
            for at, stream in ({0: self._embedded()} if not layer else self._mean_streams()).items():
                self._held[at] = norm_before(self.runner.config, None, None, "ln1", at, stream, NO_TAP)
        return self._held[layer]

    def share(self, right: np.ndarray | Tensor) -> Quantity:
        """The share of tokens (positions) for which the weights are right; exact where none was left out."""
        top = np.asarray(torch.as_tensor(right).double().cpu())
        return Quantity(top, share=True, exact=self.whole)

    def _embedded(self) -> Float[Tensor, "token d_model"]:
        model = self.runner.model
        rows = embedded(model, self.tokens)
        if model.config.positional_embedding_type in ("standard", "sinusoidal"):
            rows = rows + (mean_positions(model) - embedded(model).mean(0)).mean(0)
        return rows

    @torch.no_grad()
    def _mean_streams(self) -> dict[int, Float[Tensor, "token d_model"]]:
        runner, count = self.runner, len(self.tokens)
        width = runner.batch.tokens.shape[1]
        start = int(runner.config.bos_token_id is not None)
        wide = upcast(embedding(runner.weights))
        total = {layer: wide.new_zeros(count, runner.config.d_model) for layer in self.layers}
        seen = wide.new_zeros(count, 1)
        sites = {layer: Site("resid_post", layer - 1) for layer in self.layers}
        for _ in range(CONTEXTS):
            order = draw_distinct(torch.arange(count), count, 1, self._generator)[0]
            pad = -count % (width - start)
            order = torch.cat((order, order[:pad])) if pad <= count else order.repeat(width)[: width - start]
            rows = order.view(-1, width - start)
            tokens = self.tokens[rows]
            if runner.config.bos_token_id is not None:
                first = torch.full((len(tokens), 1), runner.config.bos_token_id)
                tokens = torch.cat((first, tokens), 1)
            where = rows.flatten().to(seen.device)
            tap = CacheTap(sites.values())
            runner.run(tokens, tap, stop=max(self.layers))
            for layer, site in sites.items():
                total[layer].index_add_(0, where, upcast(tap.store[site.path])[:, start:].flatten(0, 1))
            seen.index_add_(0, where, seen.new_ones(len(where), 1))
        return {layer: summed / seen for layer, summed in total.items()}


def inputs_of(setting: Setting) -> Inputs:
    """The claim's heads' inputs."""
    return Inputs(setting.runner, (layer for layer, _ in setting.claim.heads))


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
    """For each token attended to: does the head raise that token's own logit most?"""
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


def composed_qk(setting: Setting, spec: TestSpec) -> Observation:
    """For one receiver: what its claimed senders write together, read as its key; is each token its own best query?

    Beside it the best other pair of these layers, and the senders' output rotated to random directions.
    """
    if spec.into != "K":
        return Observation(
            {}, "of tokens", undefined=f"composed QK is a test of edges into K; this one ends in {spec.into}"
        )
    inputs, runner, (receiver,) = setting.once(inputs_of), setting.runner, spec.receivers
    try:
        _check_whole_keys(runner, receiver)
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


def _check_whole_keys(runner: InductionRunner, receiver: Head) -> None:
    """Raises NotDefinedError where keys were clamped in a run: they are then no sum of what was written into them."""
    if runner.config.clip_qkv is None:
        return
    for chunk in runner.chunks:
        tokens, tap = chunk.of(runner.batch.tokens), CacheTap(reading_sites(runner.config, receiver[0]))
        runner.run(tokens, tap, stop=receiver[0] + 1)
        info = position_info(runner.config, runner.weights, tokens.shape, runner.model.device)
        LinearizedRead.of(runner.model, receiver, "K", tap.store, info)


def routed_share(
    runner: InductionRunner,
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

    window = runner.config.window(receiver[0])
    back = runner.batch.distances
    back = back[back < (torch.inf if window is None else window)].double()
    if not len(back):
        raise NotDefinedError(f"{head_label(receiver)} sees {window} positions, and no key of the task is so near")
    if runner.config.rotary_of(receiver[0]) is None:
        return right(None)
    distances = [int(back.quantile(at)) for at in torch.linspace(0, 1, OFFSETS, dtype=torch.float64)]
    return min((right(distance) for distance in distances), key=lambda found: float(found.mean()))


def rotated_shares(runner: InductionRunner, senders: Sequence[Head], receiver: Head, inputs: Inputs) -> list[float]:
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
