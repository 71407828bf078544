"""Section 11: what heads are built to do. OV and QK tiles, copying scores, and composition of all pairs of heads."""

from __future__ import annotations

import math

import msgspec
import torch
from jaxtyping import Int
from torch import Tensor

from ...circuits import survey
from ...circuits.argmax_diagonal import Diagonal
from ...circuits.composition import Composition, composition, gaussian_composition, routed_diagonal
from ...circuits.heads import Head, head_label
from ...circuits.positional import looks_back, positional_qk
from ...circuits.tiles import Circuit, Tile, tile, transposed_tile
from ...engine.sites import check_head
from ...errors import NotDefinedError, RungError
from ...evidence.observation import Floors
from ...model.model import HookedTransformer
from ...tasks.builtin import ordinary_tokens
from ..computation import DEFAULT_MODEL, MOST_HEADS, Answer, Array, Ask, Job, Lab, check_at_most, computation

MOST_TILE = 48
"""Tokens in a tile."""
MOST_PAIRS = 64
"""Pairs of heads whose composed QK is taken: those with the highest composition scores into K."""
FLOOR = Floors().weights
"""Share of tokens from which the weights count as doing what a role says."""


class TilesAsk(Ask, frozen=True, kw_only=True):
    """One head, a sample of tokens and, for a head of a later layer, the head that writes its keys."""

    layer: int
    head: int
    model: str = DEFAULT_MODEL
    sender: tuple[int, int] | None = None
    size: int = 16
    seed: int = 0


class Share(msgspec.Struct, frozen=True):
    """Share of rows whose diagonal entry is the largest of the row."""

    value: float
    low: float
    high: float
    n: int


class TileView(msgspec.Struct, frozen=True):
    """A corner of a circuit, and its diagonal score on the corner and over the vocabulary."""

    what: str
    values: Array
    sample: Share
    whole: Share
    mean_rank: float
    """Over the vocabulary: other tokens at least as large as the diagonal one."""


class Circuits(msgspec.Struct, frozen=True):
    """The right reading and the transposed one."""

    right: TileView
    wrong: TileView


class Positions(msgspec.Struct, frozen=True):
    """The positional QK: which key each query prefers by position alone."""

    values: Array
    """[query position, key position] of the first positions; keys after the query are NaN."""
    share: float
    """Queries whose best key is the previous position."""
    attention: float
    """Mean softmax attention to the previous position, by position alone."""
    n: int


class TilesAnswer(Answer, frozen=True, kw_only=True):
    """What one head is built to do."""

    head: str
    sender: str
    tokens: list[str]
    ov: Circuits
    qk: Circuits
    composed: Circuits | None
    """None: no sender was asked for."""
    positions: Positions | None
    no_positions: str
    """Why there is no positional QK."""
    vocabulary: int
    floor: float
    dense_bytes: int
    """What one circuit of all tokens would take as a matrix."""
    factored_bytes: int
    """What its two factors take."""


@computation("weights.tiles")
def tiles(lab: Lab, ask: TilesAsk, job: Job) -> TilesAnswer:
    """The QK and OV circuits of one head, right and transposed."""
    model = lab.model(ask.model)
    config, head = model.config, check_head(model.config, ask.layer, ask.head)
    check_at_most("tokens in a tile", ask.size, MOST_TILE)
    sample = _sample(_words(model, ask.size), ask.size, ask.seed)
    rows = _rows(config.d_vocab, ask.seed)

    def circuits(circuit: Circuit, sender: Head | None = None) -> Circuits:
        right = tile(model, head, circuit, sample, sender=sender, rows=rows)
        return Circuits(_view(right), _view(transposed_tile(model, head, circuit, sample, sender=sender, rows=rows)))

    positions, why = _positions(model, head, ask.size)
    return TilesAnswer(
        head=head_label(head),
        sender="" if ask.sender is None else head_label(ask.sender),
        tokens=[model.token_text(token) for token in sample.tolist()],
        ov=circuits("OV"),
        qk=circuits("QK"),
        composed=None if ask.sender is None else circuits("composed QK", ask.sender),
        positions=positions,
        no_positions=why,
        vocabulary=config.d_vocab,
        floor=FLOOR,
        dense_bytes=config.d_vocab**2 * model.dtype.itemsize,
        factored_bytes=2 * config.d_vocab * config.d_head * model.dtype.itemsize,
    )


class HeadsAsk(Ask, frozen=True, kw_only=True):
    """Every head of a model."""

    model: str = DEFAULT_MODEL
    seed: int = 0


class HeadRow(msgspec.Struct, frozen=True):
    """One head's weights."""

    head: str
    copying: Share
    """Tokens whose own logit is raised most when they are attended to."""
    mean_rank: float
    eigenvalues: float
    """Σ Re λ / Σ |λ| of W_E W_V W_O W_U."""
    same_token: Share
    """QK on embeddings: key tokens that the same token as query scores highest."""


class HeadsAnswer(Answer, frozen=True, kw_only=True):
    """The copying of every head by two scores."""

    rows: list[HeadRow]
    vocabulary: int
    floor: float


@computation("weights.heads", lane="long")
def heads(lab: Lab, ask: HeadsAsk, job: Job) -> HeadsAnswer:
    """OV copying and the eigenvalue score of every head."""
    model = lab.model(ask.model)
    _check_heads(model)
    found = {}
    for kind in ("ov", "qk"):
        step = f"{kind.upper()} of each head"

        def report(done: int, total: int, step: str = step) -> None:
            job.progress(step, done, total)

        asked = survey.Ask("ov" if kind == "ov" else "qk", seed=ask.seed)
        found[kind] = survey.survey(model, asked, report)
    ov, qk = found["ov"], found["qk"]
    rows = [
        HeadRow(
            head=head_label(head),
            copying=Share(values["top1"], values["low"], values["high"], ov.n),
            mean_rank=values["mean_rank"],
            eigenvalues=values["eigenvalues"],
            same_token=Share(qk.values[head]["top1"], qk.values[head]["low"], qk.values[head]["high"], qk.n),
        )
        for head, values in ov.values.items()
    ]
    return HeadsAnswer(rows=rows, vocabulary=model.config.d_vocab, floor=FLOOR)


class PairsAsk(Ask, frozen=True, kw_only=True):
    """Every pair of heads of a model."""

    model: str = DEFAULT_MODEL
    seed: int = 0


class Pair(msgspec.Struct, frozen=True):
    """A sender and a receiver: the composition score into K, beside its baseline, and what composed QK says."""

    sender: str
    receiver: str
    norm: float
    other_pairs: float | None
    """Mean score of the other pairs of the same two layers."""
    match: Share


class PairsAnswer(Answer, frozen=True, kw_only=True):
    """Composition scores of all pairs, and the composed QK of those with the highest scores into K."""

    heads: list[str]
    n_heads: int
    into: list[str]
    scores: Array
    """[into, sender, receiver]; NaN unless the receiver is in a later layer."""
    chance: float
    """1/√d_model: the root mean square for heads with random directions."""
    gaussian_mean: float
    gaussian_deviation: float
    pairs: list[Pair]
    """The composed QK of each, highest composition score first."""
    pairs_left_out: int
    vocabulary: int
    floor: float


@computation("weights.pairs", lane="long")
def pairs(lab: Lab, ask: PairsAsk, job: Job) -> PairsAnswer:
    """Which head reads which: the composition matrix, and the test that decides."""
    model = lab.model(ask.model)
    config = model.config
    _check_heads(model)
    found = composition(model)
    ranked = [(sender, receiver, norm) for sender, receiver, into, norm in found.ranked() if into == "K"]
    mean, deviation = gaussian_composition(config.d_model, config.d_head, ask.seed)
    others, tokens = found.others(), _rows(config.d_vocab, ask.seed)
    listed = []
    for done, (sender, receiver, norm) in enumerate(ranked[:MOST_PAIRS]):
        job.progress(f"composed QK of {sender} → {receiver}", done, min(len(ranked), MOST_PAIRS))
        match = routed_diagonal(model, _parse(sender), _parse(receiver), tokens)
        rest = float(others[_index(found, sender, receiver)])
        listed.append(Pair(sender, receiver, norm, None if math.isnan(rest) else rest, _share(match)))
    return PairsAnswer(
        heads=list(found.heads),
        n_heads=found.n_heads,
        into=list(found.into),
        scores=Array.of(found.values),
        chance=found.chance,
        gaussian_mean=mean,
        gaussian_deviation=deviation,
        pairs=listed,
        pairs_left_out=max(0, len(ranked) - MOST_PAIRS),
        vocabulary=config.d_vocab,
        floor=FLOOR,
    )


def _check_heads(model: HookedTransformer) -> None:
    """Raises RungError for more heads than the lab sweeps; what has none is refused by the library, which says why."""
    check_at_most("heads", max(1, model.config.n_layers * model.config.n_heads), MOST_HEADS)


def _index(found: Composition, sender: str, receiver: str) -> tuple[int, int, int]:
    return found.into.index("K"), found.heads.index(sender), found.heads.index(receiver)


def _parse(label: str) -> Head:
    layer, _, head = label.partition(".")
    return int(layer), int(head)


def _words(model: HookedTransformer, size: int) -> Int[Tensor, " token"]:
    """The tokens that are words, which can be read off a tile; all ordinary ones where there are too few."""
    ordinary = ordinary_tokens(model.config, model.tokenizer)
    words = [token for token in ordinary.tolist() if model.token_text(token).strip().isalpha()]
    return torch.tensor(words) if len(words) >= size else ordinary


def _sample(tokens: Int[Tensor, " token"], size: int, seed: int) -> Int[Tensor, " drawn"]:
    if size > len(tokens):
        raise RungError(f"a tile of {size} tokens was requested; the model has {len(tokens)} ordinary ones")
    drawn: Tensor = tokens[torch.randperm(len(tokens), generator=torch.Generator().manual_seed(seed))[:size]]
    return drawn


def _rows(vocabulary: int, seed: int) -> Int[Tensor, " row"] | None:
    """The rows that a share is taken over, as `rung weights` takes them: all of a small vocabulary, else a sample."""
    if vocabulary <= survey.ALL_UNTIL:
        return None
    return torch.randperm(vocabulary, generator=torch.Generator().manual_seed(seed))[: survey.SAMPLE]


def _share(found: Diagonal) -> Share:
    return Share(found.share, *found.interval(), found.n)


def _view(found: Tile) -> TileView:
    rank = found.whole.rank.double().mean().item()
    return TileView(found.what, Array.of(found.values), _share(found.sample), _share(found.whole), rank)


def _positions(model: HookedTransformer, head: Head, size: int) -> tuple[Positions | None, str]:
    try:
        found, product = looks_back(model, head), positional_qk(model, head)
    except NotDefinedError as error:
        return None, str(error)
    corner = product.A[:size] @ product.B[:, :size]
    seen = torch.ones_like(corner, dtype=torch.bool).tril()
    shown = Array.of(corner.masked_fill(~seen, torch.nan))
    return Positions(shown, found.share, float(found.attention.mean()), found.n), ""


COMPUTATIONS = (tiles, heads, pairs)
