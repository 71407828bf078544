"""Rung 4: is it built to do that? What the weights of the claimed heads and edges do, token by token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..circuits.argmax_diagonal import diagonal
from ..circuits.composition import composition, routed_qk
from ..circuits.heads import Head, eigenvalue_copying, embedded, head_label, head_weights, ov_copying
from ..circuits.positional import RELATIVE, kernel_looks_back, looks_back, mean_positions
from ..engine.positions import position_info
from ..engine.sites import Site
from ..engine.taps import NO_TAP, CacheTap
from ..engine.transformer import norm_before, upcast
from ..engine.weights import embedding
from ..errors import RungError
from ..methods.attribution import LinearizedRead, reading_sites
from ..tasks.builtin import draw_distinct, ordinary_tokens
from .claim import Claim, Edge, Role
from .measurement import Floors, Measurement, Outcome, Tables
from .trial import Trial

MOST_TOKENS = 2048
"""Tokens that the weights are asked about; a sample of larger vocabularies."""
CONTEXTS = 8
"""Random contexts that a token's stream is averaged over."""
OFFSETS = 5
"""Distances at which rotary queries and keys are turned against each other."""
MOST_LAYERS_COMPOSED = 4
"""Composition norms of every pair are taken in models of at most so many layers."""
ROTATIONS = 20
"""Random directions that the sender's output is turned to, for comparison."""
ROTATED_TOKENS = 512
"""Tokens that those are asked about; fewer tokens are easier to tell apart, so the comparison is on the safe side."""


class Inputs:
    """What a head of each layer reads when it stands on a token: the effective embedding, and its name."""

    def __init__(self, trial: Trial, layers: Iterable[int]) -> None:
        self.trial = trial
        self.layers = sorted(set(layers) - {0})
        generator = torch.Generator().manual_seed(trial.seed_for("tokens"))
        ordinary = ordinary_tokens(trial.config, trial.model.tokenizer)
        self.tokens: Int[Tensor, " token"] = ordinary[torch.randperm(len(ordinary), generator=generator)[:MOST_TOKENS]]
        self._held: dict[int, Tensor] = {}
        self._generator = generator

    def name(self, layer: int) -> str:
        """How the table of this layer was made."""
        return "embedding" if not layer else f"mean residual stream before layer {layer}, {CONTEXTS} contexts a token"

    def at(self, layer: int) -> Float[Tensor, "token d_model"]:
        """One normalized row a token, the norm's weights left to be folded into what reads it."""
        if layer not in self._held:
            for at, stream in ({0: self._embedded()} if not layer else self._mean_streams()).items():
                self._held[at] = norm_before(self.trial.config, None, None, "ln1", at, stream, NO_TAP)
        return self._held[layer]

    def _embedded(self) -> Float[Tensor, "token d_model"]:
        model = self.trial.model
        rows = embedded(model, self.tokens)
        if model.config.positional_embedding_type in ("standard", "sinusoidal"):
            rows = rows + (mean_positions(model) - embedded(model).mean(0)).mean(0)
        return rows

    @torch.no_grad()
    def _mean_streams(self) -> dict[int, Float[Tensor, "token d_model"]]:
        trial, count = self.trial, len(self.tokens)
        width = trial.batch.tokens.shape[1]
        start = int(trial.config.bos_token_id is not None)
        wide = upcast(embedding(trial.weights))
        total = {layer: wide.new_zeros(count, trial.config.d_model) for layer in self.layers}
        seen = wide.new_zeros(count, 1)
        sites = {layer: Site("resid_post", layer - 1) for layer in self.layers}
        for _ in range(CONTEXTS):
            order = draw_distinct(torch.arange(count), count, 1, self._generator)[0]
            pad = -count % (width - start)
            order = torch.cat((order, order[:pad])) if pad <= count else order.repeat(width)[: width - start]
            rows = order.view(-1, width - start)
            tokens = self.tokens[rows]
            if trial.config.bos_token_id is not None:
                first = torch.full((len(tokens), 1), trial.config.bos_token_id)
                tokens = torch.cat((first, tokens), 1)
            where = rows.flatten().to(seen.device)
            tap = CacheTap(sites.values())
            trial.run(tokens, tap, stop=max(self.layers))
            for layer, site in sites.items():
                total[layer].index_add_(0, where, upcast(tap.store[site.path])[:, start:].flatten(0, 1))
            seen.index_add_(0, where, seen.new_ones(len(where), 1))
        return {layer: summed / seen for layer, summed in total.items()}


def mechanism(trial: Trial, claim: Claim, floors: Floors, tables: Tables) -> Iterator[Measurement]:
    """Rung 4: each member's weights, and each edge between members, with every other head or pair beside them."""
    inputs = Inputs(trial, (layer for layer, _ in claim.heads))
    for role in claim.roles:
        build = _positional if role.build == "positional" else _copying
        yield from build(trial, role, inputs, floors, tables)
    for edge in claim.edges:
        yield from _routed(trial, claim, edge, inputs, floors)


def _verdict(trial: Trial, share: float, floor: float, exact: bool) -> Outcome:
    """Below the floor where the table is only an approximation of what the head reads, nothing is decided."""
    if share >= floor:
        return Outcome.HOLDS
    return Outcome.FAILS if exact else Outcome.INCONCLUSIVE


def _positional(trial: Trial, role: Role, inputs: Inputs, floors: Floors, tables: Tables) -> Iterator[Measurement]:
    kind = trial.config.positional_embedding_type
    heads = _heads_of_layers(trial, role)
    shares: dict[Head, float] = {}
    try:
        if kind is None:
            raise RungError("the model has no positions to read")
        shares = {head: _one_back(trial, head, inputs) for head in heads}
    except RungError as error:
        for head in role.heads:
            yield _unbuilt(trial, head, "positional argmax one back", str(error))
        return
    tables["weights", role.name] = {head: np.array([share]) for head, share in shares.items()}
    for head in role.heads:
        best = max((share for other, share in shares.items() if other not in role.heads), default=0.0)
        # Positions read off a table are exact; a kernel averaged over content, or positions that passed a layer, not.
        exact = kind == "shortformer" or (kind not in RELATIVE and head[0] == 0)
        yield Measurement(
            rung=4,
            test="positional argmax one back",
            subject=head_label(head),
            outcome=_verdict(trial, shares[head], floors.weights, exact),
            required=True,
            value=shares[head],
            unit="of positions" if kind not in RELATIVE else "of tokens, kernel averaged over keys",
            n=trial.batch.tokens.shape[1] - 1 if kind not in RELATIVE else len(inputs.tokens),
            floor=floors.weights,
            control=best,
            control_name="best other head of these layers",
            said=f"{head_label(head)} looks one back by position alone for {share_of(shares[head])}, "
            f"next head {share_of(best)}",
        )


def _one_back(trial: Trial, head: Head, inputs: Inputs) -> float:
    """Share of positions (rotary, slopes: of query tokens) that position alone sends one back, with most of the
    attention: a best score that is too weak to be felt beside content does not count.
    """
    n = trial.batch.tokens.shape[1]
    if trial.config.positional_embedding_type in RELATIVE:
        found = kernel_looks_back(trial.model, head, inputs.at(head[0]), n)
    else:
        found = looks_back(trial.model, head, n=n)
    return float(((found.margin > 0) & (found.attention > 0.5)).double().mean())


def _copying(trial: Trial, role: Role, inputs: Inputs, floors: Floors, tables: Tables) -> Iterator[Measurement]:
    tokens = inputs.tokens.to(trial.model.device)
    found = {head: ov_copying(trial.model, head, tokens, inputs.at(head[0])) for head in _heads_of_layers(trial, role)}
    tables["weights", role.name] = {head: np.array([copies.share]) for head, copies in found.items()}
    for head in role.heads:
        best = max((copies.share for other, copies in found.items() if other not in role.heads), default=0.0)
        share = found[head].share
        eigenvalues = eigenvalue_copying(trial.model, head, tokens, inputs.at(head[0]))
        yield Measurement(
            rung=4,
            test="OV copying top-1",
            subject=head_label(head),
            outcome=_verdict(trial, share, floors.weights, trial.config.attn_only),
            required=True,
            value=share,
            unit=f"of tokens; read: {inputs.name(head[0])}",
            n=len(tokens),
            floor=floors.weights,
            control=best,
            control_name="best other head of these layers",
            said=f"{head_label(head)}'s OV copies {share_of(share)} of tokens, next head {share_of(best)}",
        )
        yield _described("eigenvalue copying score", head_label(head), eigenvalues, "Σλ/Σ|λ|", len(tokens))


def _routed(trial: Trial, claim: Claim, edge: Edge, inputs: Inputs, floors: Floors) -> Iterator[Measurement]:
    """For each receiver: what the edge's senders write together, read as its key. Pairs of heads are shown."""
    senders, receivers = claim.role(edge.sender), claim.role(edge.receiver)
    if edge.into != "K":
        why = f"routed QK is a test of edges into K; this one ends in {edge.into}"
        yield _unbuilt(trial, receivers.heads[0], "routed QK diagonal", why)
        return
    pairs = [
        (sender, receiver)
        for sender, receiver in product(_heads_of_layers(trial, senders), _heads_of_layers(trial, receivers))
        if sender[0] < receiver[0]
    ]
    try:
        yield from _diagonals(trial, senders, receivers, pairs, inputs, floors)
    except RungError as error:
        for receiver in receivers.heads:
            yield _unbuilt(trial, receiver, "routed QK diagonal", str(error))
    if trial.config.n_layers > MOST_LAYERS_COMPOSED:
        return
    norms = composition(trial.model)
    for pair in product(senders.heads, receivers.heads):
        score = norms.score(head_label(pair[0]), head_label(pair[1]), edge.into)
        label = " → ".join(map(head_label, pair))
        yield _described("composition norm", label, score, f"against {norms.chance:.3f} by chance", 1)


def _diagonals(
    trial: Trial, senders: Role, receivers: Role, pairs: Sequence[tuple[Head, Head]], inputs: Inputs, floors: Floors
) -> Iterator[Measurement]:
    for receiver in receivers.heads:
        _check_whole_keys(trial, receiver)
    # Of a large model, other pairs are asked about fewer tokens, which are easier to tell apart: on the safe side.
    most = ROTATED_TOKENS if trial.large else None
    shares = {pair: routed_share(trial, [pair[0]], pair[1], inputs, most=most) for pair in pairs}
    rest = {pair: x for pair, x in shares.items() if pair[0] not in senders.heads or pair[1] not in receivers.heads}
    best = max(rest.values(), default=0.0)
    for receiver in receivers.heads:
        share = routed_share(trial, senders.heads, receiver, inputs)
        label = f"{senders.labels} → {head_label(receiver)}"
        chance = max(rotated_shares(trial, senders.heads, receiver, inputs))
        tables = sorted({inputs.name(sender[0]) for sender in senders.heads})
        yield Measurement(
            rung=4,
            test="routed QK diagonal",
            subject=label,
            outcome=_verdict(trial, share, floors.weights, trial.config.attn_only),
            required=True,
            value=share,
            unit=f"of tokens; query: {inputs.name(receiver[0])}; routed: {', '.join(tables)}",
            n=len(inputs.tokens),
            floor=floors.weights,
            control=best,
            control_name=f"best other pair of these layers; {ROTATIONS} random turns of the senders' output: "
            f"at most {share_of(chance)}",
            said=f"routed QK of {label} is right for {share_of(share)} of tokens "
            f"(floor {share_of(floors.weights)}, next pair {share_of(best)})",
        )
    for pair in product(senders.heads, receivers.heads) if len(senders.heads) > 1 else ():
        label = " → ".join(map(head_label, pair))
        n = len(inputs.tokens[:most])
        yield _described("routed QK diagonal of one pair", label, shares[pair], "of tokens", n)


def _check_whole_keys(trial: Trial, receiver: Head) -> None:
    """Raises InterventionError where keys were cut off in a run: they are then no sum of what was written into them."""
    if trial.config.clip_qkv is None:
        return
    for piece in trial.pieces:
        tokens, tap = piece.of(trial.batch.tokens), CacheTap(reading_sites(trial.config, receiver[0]))
        trial.run(tokens, tap, stop=receiver[0] + 1)
        frame = position_info(trial.config, trial.weights, tokens.shape, trial.model.device)
        LinearizedRead.of(trial.model, receiver, "K", tap.store, frame)


def routed_share(
    trial: Trial,
    senders: Sequence[Head],
    receiver: Head,
    inputs: Inputs,
    frames: Sequence[Tensor] | None = None,
    most: int | None = None,
) -> float:
    """Share of tokens that, routed by the senders together into the receiver's key, are best matched by themselves.

    Rotary: the least share over several distances of the task. `frames` replace the senders' output directions. `most`
    tokens are asked about (None: all). Raises RungError where a window lets the receiver see none of those distances,
    and as `routed_qk` does.
    """
    routed = {sender: inputs.at(sender[0])[:most] for sender in senders}
    outputs = None
    if frames is not None:
        whole = {sender: head_weights(trial.model, sender).W_O for sender in senders}
        outputs = {
            sender: torch.linalg.qr(W_O.mT).R.mT @ frame.mT
            for (sender, W_O), frame in zip(whole.items(), frames, strict=True)
        }
    queries = inputs.at(receiver[0])[:most]

    def share(back: int | None) -> float:
        # A row for each key: the query that scores it highest, whatever positive number a key is scaled by.
        found = routed_qk(trial.model, routed, receiver, queries, back=back, outputs=outputs)
        return diagonal(found.T, "routed QK").share

    window = trial.config.window(receiver[0])
    back = (trial.batch.back - 1)[trial.batch.back <= (torch.inf if window is None else window)].double()
    if not len(back):
        raise RungError(f"{head_label(receiver)} sees {window} positions, and no key of the task stands so near")
    if trial.config.rotary_of(receiver[0]) is None:
        return share(None)
    return min(share(int(back.quantile(at))) for at in torch.linspace(0, 1, OFFSETS, dtype=torch.float64))


def rotated_shares(trial: Trial, senders: Sequence[Head], receiver: Head, inputs: Inputs) -> list[float]:
    """The routed share with the senders' outputs turned to random directions: what no composition gives."""
    generator = torch.Generator().manual_seed(trial.seed_for("turns"))

    def frame() -> Tensor:
        drawn = torch.randn(trial.config.d_model, trial.config.d_head, generator=generator)
        found: Tensor = torch.linalg.qr(drawn.to(upcast(embedding(trial.weights)))).Q
        return found

    return [
        routed_share(trial, senders, receiver, inputs, [frame() for _ in senders], ROTATED_TOKENS)
        for _ in range(ROTATIONS)
    ]


def _heads_of_layers(trial: Trial, role: Role) -> list[Head]:
    layers = sorted({layer for layer, _ in role.heads})
    return [(layer, head) for layer in layers for head in range(trial.config.n_heads)]


def _unbuilt(trial: Trial, head: Head, test: str, why: str) -> Measurement:
    return Measurement(
        rung=4, test=test, subject=head_label(head), outcome=Outcome.INCONCLUSIVE, required=True, n=trial.n, said=why
    )


def _described(test: str, subject: str, value: float, unit: str, n: int) -> Measurement:
    return Measurement(
        rung=4,
        test=test,
        subject=subject,
        outcome=Outcome.NOT_APPLICABLE,
        required=False,
        value=value,
        unit=unit,
        n=n,
        said=f"{test} of {subject} {value:.2f}, {unit}: describes, does not decide",
    )


def share_of(value: float) -> str:
    """A share in words that never round up to all."""
    if value == 1.0:
        return "100 %"
    return f"{min(100 * value, 99.9):.1f} %" if value > 0.99 else f"{100 * value:.0f} %"
