"""Heads wired by hand: what each looks for and what it moves, in a residual stream laid out in plain sight.

    stream = [ token | before | second | output | position | flags ]

Every token has a code, a short vector; a head moves a code from one part of the stream to another, or matches the code
in one part at the query against that in another at the key. An `Architecture` says what is there beside attention:
norms, MLPs, how positions are known, grouped queries, more layers. In the plain one positions are shortformer: queries
and keys see them, the stream does not hold them. `build` hides the layout: noise, a random rotation of the stream and
of each head's inside, a random order of heads and neurons. (After the induction circuit of Elhage et al. 2021, "A
Mathematical Framework for Transformer Circuits".)
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..circuits.heads import Head
from ..config import Activation, ModelConfig, Rotary
from ..engine.factored import FactoredMatrix
from ..engine.weights import to_kernel_layout
from ..model.model import HookedTransformer

SHARPNESS = 30.0
"""The score of a perfect match: e³⁰ against at most e¹² of a token whose code is the nearest."""
PARKED = 0.65
"""The score of BOS, in matches: a head that finds nothing looks there, and BOS says nothing."""
LOGIT = 12.0
"""What a code in the output adds to its token's logit. Codes overlap, so others rise too, by a third of it at most."""
FAINT = 0.2
"""How much a head (or an MLP) that does nothing in particular writes, in codes."""
LATE = 12
"""Where positions begin to be late: most of a first copy stands before it, and part of a long one after."""
CLEARLY = SHARPNESS / 2
"""By how much a rotary head prefers the distance it looks back to any other."""
TURNING = 24
"""Coordinates of a rotary query or key that tell positions: twelve frequencies."""
NEURONS = 96
"""Neurons of each MLP: four codes' worth, or one for each token and some to spare."""
STEPS = 2**14
"""Weights are multiples of 1 / STEPS. Processors differ in the last digits of a float64; rounded, all plant the same
model, whose hash draws the same confirmation sequences."""


class InDoublePrecision(TorchFunctionMode):
    """A context in which new tensors of floats are float64 unless a type is given, in this thread alone."""

    FACTORIES = frozenset({torch.zeros, torch.ones, torch.eye, torch.full, torch.rand, torch.randn})

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func in self.FACTORIES:
            given.setdefault("dtype", torch.float64)
        return func(*args, **given)


def rounded(W: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The nearest multiples of 1 / STEPS, as float32."""
    found: Tensor = (W.double() * STEPS).round() / STEPS
    return found.float()


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What a planted model is made of, whatever circuit it holds."""

    normalization_type: Literal["RMS", "LN"] | None = None
    positions: Literal["shortformer", "standard", "rotary", "partial_rotary"] = "shortformer"
    """rotary turns the whole of a query or key, and codes are matched in its slow coordinates; partial_rotary turns a
    half only, and codes are matched in the other."""
    mlp: Literal["silent", "stray"] | None = None
    """Neurons that no circuit uses: silent ones write nothing, stray ones something faint."""
    act_fn: Activation = "gelu"
    grouped: bool = False
    """Whether two query heads share one key/value head."""
    n_layers: int = 0
    """Layers there are at least: those that hold nothing stand in the middle."""

    @property
    def rotary(self) -> bool:
        return self.positions in ("rotary", "partial_rotary")


PLAIN = Architecture()
ARCHITECTURES: Mapping[str, Architecture] = {
    "attention_only": PLAIN,
    "rms": Architecture(normalization_type="RMS"),
    "layernorm": Architecture(normalization_type="LN"),
    "learned_positions": Architecture(positions="standard"),
    "rotary": Architecture(positions="rotary"),
    "grouped": Architecture(grouped=True),
    "silent_mlp": Architecture(mlp="silent"),
    "mlp": Architecture(mlp="stray"),
    "deep": Architecture(n_layers=4),
    "gpt2": Architecture(normalization_type="LN", positions="standard", mlp="stray"),
    "small_llama": Architecture(normalization_type="RMS", positions="rotary", mlp="stray", act_fn="silu"),
    "llama": Architecture(
        normalization_type="RMS", positions="rotary", mlp="stray", act_fn="silu", grouped=True, n_layers=4
    ),
    "all": Architecture(normalization_type="LN", positions="partial_rotary", mlp="stray", grouped=True, n_layers=4),
}
"""Every architecture, by name."""


@dataclass(frozen=True)
class Wire:
    """One head: what its queries look for in its keys, and what it carries. W_Q W_Kᵀ gives scores as they are."""

    QK: FactoredMatrix
    OV: FactoredMatrix


@dataclass(frozen=True, eq=False)
class Neurons:
    """Some neurons of an MLP: act(x W_in + b_in) W_out."""

    W_in: Float[Tensor, "d_model d_mlp"]
    b_in: Float[Tensor, " d_mlp"]
    W_out: Float[Tensor, "d_mlp d_model"]

    def __add__(self, other: "Neurons") -> "Neurons":
        """These, and those beside them."""
        return Neurons(
            torch.cat((self.W_in, other.W_in), 1),
            torch.cat((self.b_in, other.b_in)),
            torch.cat((self.W_out, other.W_out)),
        )


@dataclass(frozen=True, eq=False)
class Stream:
    """The residual stream before it is hidden, and heads that read and write in it.

    Codes are unit vectors with fewer coordinates than there are tokens, pushed apart until no two are near. BOS has
    none: it is marked by a flag, and whoever attends to it moves nothing.
    """

    codes: Float[Tensor, "d_vocab d_code"]
    n_ctx: int = 48
    architecture: Architecture = PLAIN
    extra: Mapping[str, int] = field(default_factory=dict)
    """More parts than every stream has, and how wide they are."""
    tables: Mapping[str, Float[Tensor, "d_vocab width"]] = field(default_factory=dict)
    """Parts that embeddings fill, beside the token's own code."""
    matched: tuple[str, ...] = ("before",)
    """Parts whose codes keys may hold side by side."""
    raised: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: {"junk": (0,)})
    """The tokens that each flag raises where it is set: "junk", where there is one, BOS."""
    late: int = LATE
    """The position from which the flag "late" is set, where there is one."""

    @classmethod
    def draw(
        cls, generator: torch.Generator, d_vocab: int = 64, d_code: int = 24, architecture: Architecture = PLAIN
    ) -> "Stream":
        """Codes drawn from `generator`."""
        codes = torch.linalg.qr(torch.randn(d_vocab - 1, d_code, generator=generator)).Q
        for _ in range(10):
            codes = codes / codes.norm(dim=1, keepdim=True)
            near = codes @ codes.T - torch.eye(len(codes))
            codes = codes - 0.3 * near**3 @ codes
        codes = codes / codes.norm(dim=1, keepdim=True)
        return cls(torch.cat((torch.zeros(1, d_code), codes)), architecture=architecture)

    def flagged(self, *flags: str) -> "Stream":
        """The same stream with more flags."""
        return replace(self, extra={**self.extra, **dict.fromkeys(flags, 1)})

    def beside(self, *parts: str, **tables: Float[Tensor, "d_vocab _"]) -> "Stream":
        """The same stream with more parts, a code wide, and more embeddings, each in a part of its own."""
        extra = dict.fromkeys(parts, self.d_code) | {name: table.shape[1] for name, table in tables.items()}
        return replace(self, extra={**self.extra, **extra}, tables={**self.tables, **tables})

    @property
    def d_vocab(self) -> int:
        return self.codes.shape[0]

    @property
    def d_code(self) -> int:
        return self.codes.shape[1]

    @property
    def d_head(self) -> int:
        """A code, or a position, and one coordinate for the parking; where positions turn, all of these."""
        codes = len(self.matched) * self.d_code
        match self.architecture.positions:
            case "rotary":
                return TURNING + codes + 2
            case "partial_rotary":
                return TURNING + codes + 1
        return max(codes, self.n_ctx // 2) + 1

    @property
    def rotary(self) -> Rotary | None:
        """How queries and keys turn."""
        match self.architecture.positions:
            case "rotary":
                return Rotary(dim=self.d_head)
            case "partial_rotary":
                return Rotary(dim=TURNING, base=100.0)
        return None

    @property
    def code_columns(self) -> Int[Tensor, " column"]:
        """Coordinates of a query or key that hold codes: those that turn slowly, or not at all."""
        width = len(self.matched) * self.d_code
        match self.architecture.positions:
            case "rotary":
                first, half = TURNING // 2, self.d_head // 2
                slow = torch.arange(first, first + width // 2)
                return torch.cat((slow, slow + half))
            case "partial_rotary":
                return torch.arange(TURNING, TURNING + width)
        return torch.arange(width)

    @cached_property
    def parts(self) -> Mapping[str, slice]:
        """Which coordinates hold what."""
        widths = dict.fromkeys(("token", "before", "second", "output"), self.d_code)
        widths |= {} if self.architecture.rotary else {"position": self.n_ctx // 2}
        widths |= {"ordinary": 1, "bos": 1, "done": 1, **self.extra}
        widths |= {} if self.architecture.normalization_type is None else {"ballast": 1}
        ends = torch.tensor([*widths.values()]).cumsum(0).tolist()
        return {name: slice(end - width, end) for (name, width), end in zip(widths.items(), ends, strict=True)}

    @property
    def d_model(self) -> int:
        return sum(where.stop - where.start for where in self.parts.values())

    @property
    def W_E(self) -> Float[Tensor, "d_vocab d_model"]:
        """Each token's code, and whether it is BOS or ordinary."""
        W_E = torch.zeros(self.d_vocab, self.d_model)
        W_E[:, self.parts["token"]] = self.codes
        W_E[1:, self.parts["ordinary"]] = 1
        W_E[0, self.parts["bos"]] = math.sqrt(2)  # as long as a code and a flag, should a norm look
        if "ballast" in self.parts:
            # Later layers write to ordinary tokens and not to BOS: a norm would stretch what is left of it.
            W_E[0, self.parts["ballast"]] = math.sqrt(2)
        for name, table in self.tables.items():
            W_E[:, self.parts[name]] = table
        return W_E

    @property
    def W_U(self) -> Float[Tensor, "d_model d_vocab"]:
        """Each code in the output raises its token, and each flag of `raised` its tokens."""
        W_U = torch.zeros(self.d_model, self.d_vocab)
        W_U[self.parts["output"]] = LOGIT * self.codes.T
        for flag, tokens in self.raised.items():
            if flag in self.parts:
                W_U[self.parts[flag], list(tokens)] = LOGIT
        return W_U

    @property
    def W_pos(self) -> Float[Tensor, "pos d_model"]:
        """Unit vectors that are at right angles at every distance but n_ctx/2, where they are opposite; and, where
        there are such flags, "late" from position `late` on and "odd" at every other one.
        """
        W_pos = torch.zeros(self.n_ctx, self.d_model)
        angles = torch.arange(self.n_ctx)[:, None] * self._frequencies
        W_pos[:, self.parts["position"]] = torch.cat((angles.cos(), angles.sin()), 1) / math.sqrt(self.n_ctx // 4)
        if "late" in self.parts:
            W_pos[self.late :, self.parts["late"]] = 1
        if "odd" in self.parts:
            W_pos[1::2, self.parts["odd"]] = 1
        return W_pos

    @property
    def _frequencies(self) -> Float[Tensor, " quarter"]:
        count = self.n_ctx // 4
        return math.pi * (2 * torch.arange(count) + 1) / (2 * count)

    def looks_back(self, distance: int, parked: float = 0.0, late: float = 0.0) -> FactoredMatrix:
        """A QK that scores the key `distance` back SHARPNESS (rotary: CLEARLY above every other), and BOS `parked` of
        that, plus `late` where that flag is set at the query.
        """
        query, key = self._empty(), self._empty()
        if late:
            query[self.parts["late"], self._parking] = late
        if self.architecture.rotary:
            self._turn_back(query, key, distance)
            return self._scored(query, key, parked)
        where, n = self.parts["position"], self.n_ctx // 2
        key[where, :n] = torch.eye(n)
        query[where, :n] = self._shift(-distance)
        return self._scored(query, key, parked)

    def _turn_back(
        self, query: Float[Tensor, "d_model d_head"], key: Float[Tensor, "d_model d_head"], distance: int
    ) -> None:
        """Puts the same vector into each ordinary query, and the same into each key, whose product is largest when
        they stand `distance` apart: Σ r cos(θ · back − φ).
        """
        assert self.rotary is not None
        dim = self.rotary.dim
        freqs = torch.tensor([self.rotary.base ** (-2 * i / dim) for i in range(TURNING // 2)], dtype=torch.float64)
        a, b = _kernel(freqs, distance, self.n_ctx)
        size, phase = torch.hypot(a, b).sqrt() / math.sqrt(SHARPNESS), torch.atan2(b, a)
        half = self.rotary.dim // 2
        one, other = slice(TURNING // 2), slice(half, half + TURNING // 2)
        # BOS's flag is as long as a code and a flag, unless a norm shares that out to the ballast.
        for flag, long in (("ordinary", 1.0), ("bos", 1.0 if "ballast" in self.parts else math.sqrt(2))):
            query[self.parts[flag], one], query[self.parts[flag], other] = (
                size * phase.cos() / long,
                -size * phase.sin() / long,
            )
            key[self.parts[flag], one] = size / long

    def matches(
        self,
        key: str,
        parked: float = PARKED,
        turn: Float[Tensor, "d_code d_code"] | None = None,
        done: float = 0.0,
        query: str = "token",
    ) -> FactoredMatrix:
        """A QK that scores the code in the query's `query` part against that in the key's `key` part, times SHARPNESS.

        `turn` is done to the query's code, so that it matches what it should not. `done` raises BOS where that flag is
        set at the query.
        """
        queries, keys, columns = self._empty(), self._empty(), self.code_columns[: self.d_code]
        queries[self.parts[query], columns] = torch.eye(self.d_code) if turn is None else turn
        keys[self.parts[key], columns] = torch.eye(self.d_code)
        queries[self.parts["done"], self._parking] = done
        return self._scored(queries, keys, parked)

    def matches_either(self, weights: Mapping[str, float], parked: float = PARKED) -> FactoredMatrix:
        """A QK that scores the query's token against the codes in several parts of the key at once, each times its
        weight. Its keys are the same whatever the weights.
        """
        query, keys = self._empty(), self._empty()
        for part, columns in zip(self.matched, self.code_columns.chunk(len(self.matched)), strict=True):
            query[self.parts["token"], columns] = weights.get(part, 0.0) * torch.eye(self.d_code)
            keys[self.parts[part], columns] = torch.eye(self.d_code)
        return self._scored(query, keys, parked)

    def finds_pair(self, token: Float[Tensor, " d_code"], part: str, code: Float[Tensor, " d_code"]) -> FactoredMatrix:
        """A QK that scores the key with this token, and this code in `part`, SHARPNESS, whatever the query."""
        query, key, columns = self._empty(), self._empty(), self.code_columns.chunk(len(self.matched))
        for source, columns_of, wanted in zip(("token", part), columns, (token, code), strict=True):
            query[self.parts["ordinary"], columns_of] = wanted / 2
            key[self.parts[source], columns_of] = torch.eye(self.d_code)
        return self._scored(query, key, 0.85)

    def finds_earlier(self, part: str = "token") -> FactoredMatrix:
        """A QK that scores an earlier occurrence of the query's token SHARPNESS, and the query itself less than BOS.

        What the token is, is read in `part`.
        """
        query, key, wide = self._empty(), self._empty(), slice(self.d_code, self.d_code + self.n_ctx // 2)
        query[self.parts[part], : self.d_code] = key[self.parts[part], : self.d_code] = torch.eye(self.d_code)
        key[self.parts["position"], wide] = torch.eye(self.n_ctx // 2)
        # No more than it takes: the position n_ctx/2 back is opposite, and gains what this one loses.
        query[self.parts["position"], wide] = -0.45 * torch.eye(self.n_ctx // 2)
        return self._scored(query, key, PARKED)

    def finds(self, query: str, key: str, *, but: str = "", parked: float = 0.35, sharp: float = 1.0) -> FactoredMatrix:
        """A QK that scores keys with the flag `key` SHARPNESS where the query has the flag `query`, less the match of
        the code in the query's `but` part, if there is one, with the key's token; all of it times `sharp`. It needs
        heads with room for two codes (`matched`), and positions that queries and keys see.
        """
        queries, keys = self._empty(), self._empty()
        queries[self.parts[query], self.d_code] = keys[self.parts[key], self.d_code] = 1.0
        if but:
            queries[self.parts[but], : self.d_code] = -torch.eye(self.d_code)
            keys[self.parts["token"], : self.d_code] = torch.eye(self.d_code)
        scored = self._scored(queries, keys, parked)
        return FactoredMatrix(sharp * scored.A, scored.B)

    def points(self, pointer: str) -> FactoredMatrix:
        """An OV that writes to `pointer` the position of what it attends to, and nothing of BOS's."""
        read, write, n = self._empty(), self._empty(), self.n_ctx // 2
        read[self.parts["position"], :n] = write[self.parts[pointer], :n] = torch.eye(n)
        read[self.parts["bos"], :n] = -self.W_pos[0, self.parts["position"]] / math.sqrt(2)
        return FactoredMatrix(read, write.T)

    def follows(self, pointer: str, ahead: int = 1, parked: float = PARKED) -> FactoredMatrix:
        """A QK that scores the key `ahead` of the position that the query's `pointer` part holds."""
        query, key, n = self._empty(), self._empty(), self.n_ctx // 2
        query[self.parts[pointer], :n] = self._shift(ahead)
        key[self.parts["position"], :n] = torch.eye(n)
        return self._scored(query, key, parked)

    def matches_by_distance(
        self, key: str, distances: Sequence[int], gain: float, parked: float = PARKED, query: str = "token"
    ) -> FactoredMatrix:
        """`matches`, with `gain` times SHARPNESS added to the score of a key at one of these distances. It needs heads
        with room for two codes (`matched`), and positions that queries and keys see.
        """
        matched, wide = self.matches(key, parked, query=query), slice(self.d_code, self.d_code + self.n_ctx // 2)
        queries, keys, even = matched.A.clone(), matched.B.T.clone(), math.sqrt(SHARPNESS)
        for distance in distances:
            queries[self.parts["position"], wide] += gain * even * self._shift(-distance)
        keys[self.parts["position"], wide] = even * torch.eye(self.n_ctx // 2)
        return FactoredMatrix(queries, keys.T)

    def _shift(self, ahead: int) -> Float[Tensor, "half half"]:
        """What turns a position's vector into that of the position `ahead` of it."""
        angles = ahead * self._frequencies
        cos, sin = angles.cos().diag(), angles.sin().diag()
        return torch.cat((torch.cat((cos, sin), 1), torch.cat((-sin, cos), 1)))

    @property
    def _parking(self) -> int:
        """The coordinate of a query or key that holds BOS: one that turns slowest, or not at all."""
        return self.d_head // 2 - 1 if self.architecture.positions == "rotary" else self.d_head - 1

    def _scored(
        self, query: Float[Tensor, "d_model d_head"], key: Float[Tensor, "d_model d_head"], parked: float
    ) -> FactoredMatrix:
        query[self.parts["ordinary"], self._parking] = parked
        key[self.parts["bos"], self._parking] = 1 / math.sqrt(2)
        even = math.sqrt(SHARPNESS)
        return FactoredMatrix(query * even, (key * even).T)

    def moves(self, source: str, target: str, gain: float = 1.0, *, telling: bool = False) -> FactoredMatrix:
        """An OV that reads the code in `source` and writes it, times `gain`, to `target`.

        `telling` it also sets the flag "done", unless it attends to BOS.
        """
        read, write = self._empty(), self._empty()
        read[self.parts[source], : self.d_code] = math.sqrt(gain) * torch.eye(self.d_code)
        write[self.parts[target], : self.d_code] = math.sqrt(gain) * torch.eye(self.d_code)
        read[self.parts["ordinary"], -1] = write[self.parts["done"], -1] = float(telling)
        return FactoredMatrix(read, write.T)

    def mixes(
        self,
        sources: Mapping[str, float],
        targets: Mapping[str, float],
        flags: Mapping[str, float] = MappingProxyType({}),
    ) -> FactoredMatrix:
        """An OV that adds up codes of several parts, and writes the sum to several, each times its number.

        `flags` are written too, whatever ordinary token it attends to.
        """
        read, write = self._empty(), self._empty()
        for part, gain in sources.items():
            read[self.parts[part], : self.d_code] = gain * torch.eye(self.d_code)
        for part, gain in targets.items():
            write[self.parts[part], : self.d_code] = gain * torch.eye(self.d_code)
        read[self.parts["ordinary"], -1] = float(bool(flags))
        for flag, size in flags.items():
            write[self.parts[flag], -1] = size
        return FactoredMatrix(read, write.T)

    def moves_each(self, moved: Mapping[str, str]) -> FactoredMatrix:
        """An OV that moves the code in each of several parts to a part of its own."""
        read, write, n = self._empty(), self._empty(), self.d_code
        for at, (source, target) in enumerate(moved.items()):
            columns = slice(at * n, (at + 1) * n)
            read[self.parts[source], columns] = write[self.parts[target], columns] = torch.eye(n)
        return FactoredMatrix(read, write.T)

    def reads_flag(self, flag: str, targets: Mapping[str, float], ordinary: float = 0.0) -> FactoredMatrix:
        """An OV that writes each flag of `targets` times the one it reads, which is `flag`; where there is `ordinary`,
        to the same flags that much in all for any ordinary token.
        """
        read, write = self._empty(), self._empty()
        read[self.parts[flag], 0] = 1.0
        for target, size in targets.items():
            write[self.parts[target], 0] = size
            read[self.parts["ordinary"], 0] = ordinary / size
        return FactoredMatrix(read, write.T)

    def tells_apart(self, gains: Mapping[str, float], target: str) -> FactoredMatrix:
        """An OV that holds the codes of several parts side by side, and writes each times its gain to `target`.

        Its values are the same whatever the gains.
        """
        read, write = self._empty(), self._empty()
        for at, (part, gain) in enumerate(gains.items()):
            columns = slice(at * self.d_code, (at + 1) * self.d_code)
            read[self.parts[part], columns] = torch.eye(self.d_code)
            write[self.parts[target], columns] = gain * torch.eye(self.d_code)
        return FactoredMatrix(read, write.T)

    def carries(self, source: str, target: str, gain: float = 1.0) -> Neurons:
        """Neurons that write the code in `source`, times `gain`, to `target`: act(x) − act(−x) is x for every
        activation here.
        """
        there, write = torch.zeros(self.d_model, self.d_code), torch.zeros(self.d_code, self.d_model)
        there[self.parts[source]] = torch.eye(self.d_code)
        write[:, self.parts[target]] = gain * torch.eye(self.d_code)
        return Neurons(torch.cat((there, -there), 1), torch.zeros(2 * self.d_code), torch.cat((write, -write)))

    def looks_up(self, source: str, target: str, gain: float = 1.0) -> Neurons:
        """A neuron for each token, which fires where its code is in `source` and writes that code, times `gain`, to
        `target`.
        """
        codes, steep, threshold = self.codes[1:], 8.0, 0.6
        W_in, W_out = torch.zeros(self.d_model, len(codes)), torch.zeros(len(codes), self.d_model)
        W_in[self.parts[source]] = steep * codes.T
        W_out[:, self.parts[target]] = gain / (steep * (1 - threshold)) * codes
        return Neurons(W_in, torch.full((len(codes),), -steep * threshold), W_out)

    def idle(self, count: int, generator: torch.Generator, faint: float = FAINT) -> Neurons:
        """Random neurons that do nothing in particular; where the architecture's are silent, they write nothing."""
        size = faint / math.sqrt(count * self.d_model) if self.architecture.mlp == "stray" else 0.0
        W_in, W_out = (torch.randn(self.d_model, count, generator=generator) for _ in range(2))
        return Neurons(W_in / math.sqrt(3), torch.zeros(count), size * W_out.T)

    def silent(self) -> FactoredMatrix:
        """An OV that writes nothing."""
        return FactoredMatrix(self._empty(), self._empty().T)

    def stray(self, generator: torch.Generator, faint: float = FAINT) -> Wire:
        """A head that does nothing in particular: scores of size one, `faint` writes, all random."""
        width = (self.d_model, self.d_head)
        W_Q, W_K, W_V, W_O = (torch.randn(width, generator=generator) for _ in range(4))
        # A query or key holds a code, a flag and a position: its square is about 3.
        score = (3 * math.sqrt(self.d_head)) ** -0.5
        write = (faint / math.sqrt(2 * self.d_model * self.d_head)) ** 0.5
        return Wire(FactoredMatrix(W_Q * score, (W_K * score).T), FactoredMatrix(W_V * write, (W_O * write).T))

    def stray_beside(self, wire: Wire, generator: torch.Generator, faint: float) -> Wire:
        """A stray head with the keys and values of another."""
        W_Q, W_O = (torch.randn(self.d_model, self.d_head, generator=generator) for _ in range(2))
        # What a wired head reads is a code or a flag, √SHARPNESS long in its keys.
        score, write = 1 / math.sqrt(3 * SHARPNESS), faint / math.sqrt(self.d_model)
        return Wire(FactoredMatrix(W_Q * score, wire.QK.B), FactoredMatrix(wire.OV.A, (W_O * write).T))

    def _empty(self) -> Float[Tensor, "d_model d_head"]:
        return torch.zeros(self.d_model, self.d_head)


@dataclass(frozen=True, kw_only=True)
class Hiding:
    """How a wired model is disguised."""

    noise: float = 0.05
    """Standard deviation of what is added to every weight, in units of its tensor's root mean square."""
    rotated: bool = True
    """Whether the stream is turned by a random rotation. It computes the same without."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What one layer holds by design; the rest of it is filled up."""

    heads: Mapping[str, Wire] = field(default_factory=dict)
    neurons: Neurons | None = None
    together: tuple[tuple[str, str], ...] = ()
    """Heads that share one key/value head, with the keys and values of the first."""


def build(
    stream: Stream,
    layers: Sequence[Layer],
    generator: torch.Generator,
    *,
    name: str,
    hiding: Hiding,
    config_changes: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[HookedTransformer, dict[str, Head]]:
    """A model with these heads in each layer, filled up with stray ones and hidden, and where each named head is.

    x → xR at every write, W → RᵀW at every read, R orthogonal; W_Q, W_K → W_Q S, W_K S and W_V, W_O → W_V T, TᵀW_O
    in each head. Under LayerNorm R also leads into one dimension more, at right angles to the vector of ones, so that
    there is no mean to take out.
    """
    config = _config(stream, layers, name, config_changes)
    places: dict[str, Head] = {}
    stacks: dict[str, list[Tensor]] = {"W_Q": [], "W_K": [], "W_V": [], "W_O": []}
    neurons: list[Neurons] = []
    for at, layer in enumerate(layers):
        drawn, heads = (_in_groups if config.grouped else _one_by_one)(stream, layer, config, generator)
        places |= {wire: (at, head) for wire, head in heads.items()}
        for stack, tensor in zip(stacks.values(), drawn, strict=True):
            stack.append(tensor)
        if config.d_mlp is not None:
            neurons.append(_filled(stream, layer.neurons, config, generator))

    R = rotation(stream.d_model, generator)
    R = R if hiding.rotated else torch.eye(stream.d_model)
    R = R @ _without_mean(stream.d_model) if config.normalization_type == "LN" else R

    def hide(name: str, W: Tensor) -> Tensor:
        W = W + hiding.noise * W.square().mean().sqrt() * torch.randn(W.shape, generator=generator)
        if name == "b_in":
            return rounded(W)
        return to_kernel_layout(name, rounded(W @ R if name in ("W_E", "W_pos", "W_O", "W_out") else R.T @ W))

    positions = {} if stream.architecture.rotary else {"W_pos": stream.W_pos}
    whole = {"W_E": stream.W_E, **positions, "W_U": stream.W_U}
    weights: dict[str, Tensor | tuple[Tensor, ...]] = {name: hide(name, W) for name, W in whole.items()}
    weights |= {name: tuple(hide(name, W) for W in stack) for name, stack in stacks.items()}
    for part in ("W_in", "b_in", "W_out") if neurons else ():
        weights[part] = tuple(hide(part, getattr(layer, part)) for layer in neurons)
    weights |= _norms(config, weights, stream)
    return HookedTransformer(config, weights), places


def _config(stream: Stream, layers: Sequence[Layer], name: str, changes: Mapping[str, Any]) -> ModelConfig:
    made = stream.architecture
    grouped = made.grouped or any(layer.together for layer in layers)
    mlp = made.mlp is not None or any(layer.neurons is not None for layer in layers)
    plain = ModelConfig(
        n_layers=len(layers),
        # Under LayerNorm one more, for the mean that is not there.
        d_model=stream.d_model + (made.normalization_type == "LN"),
        n_heads=8 if grouped else 4,
        n_key_value_heads=4 if grouped else None,
        d_head=stream.d_head,
        d_vocab=stream.d_vocab,
        n_ctx=stream.n_ctx,
        normalization_type=made.normalization_type,
        positional_embedding_type="rotary" if made.positions == "partial_rotary" else made.positions,
        rotary=stream.rotary,
        d_mlp=NEURONS if mlp else None,
        act_fn=made.act_fn if mlp else None,
        biases=frozenset({"b_in"} if mlp else ()),
        bos_token_id=0,
        model_name=name,
    )
    return replace(plain, **changes)


Drawn = tuple[tuple[Tensor, Tensor, Tensor, Tensor], dict[str, int]]
"""W_Q, W_K, W_V and W_O of a layer, and where in it each named head is."""


def _one_by_one(stream: Stream, layer: Layer, config: ModelConfig, generator: torch.Generator) -> Drawn:
    """Each head with keys and values of its own."""
    n = config.n_heads
    order = torch.randperm(n, generator=generator).tolist()
    faint = _faint(config)
    wires = [*layer.heads.values(), *(stream.stray(generator, faint) for _ in range(n - len(layer.heads)))]
    heads = [_hidden(wires[order.index(at)], stream, generator) for at in range(n)]
    W_Q, W_K, W_V, W_O = (torch.stack(tensors) for tensors in zip(*heads, strict=True))
    return (W_Q, W_K, W_V, W_O), dict(zip(layer.heads, order, strict=False))


def _in_groups(stream: Stream, layer: Layer, config: ModelConfig, generator: torch.Generator) -> Drawn:
    """Each key/value head shared by two named heads that belong together, or by one and a stray one."""
    joined = {name: pair for pair in layer.together for name in pair}
    groups: list[tuple[str, ...]] = [*layer.together, *((name,) for name in layer.heads if name not in joined)]
    order = torch.randperm(config.n_kv, generator=generator).tolist()
    size, faint = config.n_heads // config.n_kv, _faint(config)
    found: dict[str, int] = {}
    heads, shared = [], []
    for at in range(config.n_kv):
        names = groups[order[at]] if order[at] < len(groups) else ()
        members = [layer.heads[name] for name in names] or [stream.stray(generator, faint)]
        first = members[0]
        for _ in range(size - len(members)):
            other = stream.stray_beside(first, generator, faint) if names else stream.stray(generator, faint)
            members.append(Wire(FactoredMatrix(other.QK.A, first.QK.B), FactoredMatrix(first.OV.A, other.OV.B)))
        slots = torch.randperm(size, generator=generator).tolist()
        found |= {name: at * size + slots.index(i) for i, name in enumerate(names)}
        assert all(torch.equal(one.QK.B, first.QK.B) and torch.equal(one.OV.A, first.OV.A) for one in members)
        S, T = _inside(stream, generator), rotation(stream.d_head, generator)
        hidden = [_turned(members[slot], S, T) for slot in slots]
        heads += [(W_Q, W_O) for W_Q, _, _, W_O in hidden]
        shared.append(hidden[0][1:3])
    (W_Q, W_O), (W_K, W_V) = ([torch.stack(tensors) for tensors in zip(*some, strict=True)] for some in (heads, shared))
    return (W_Q, W_K, W_V, W_O), found


def _faint(config: ModelConfig) -> float:
    """How much each stray head writes, so that all of them together write no more than in two layers of four."""
    return FAINT * min(1.0, math.sqrt(8 / (config.n_layers * config.n_heads)))


def _filled(stream: Stream, neurons: Neurons | None, config: ModelConfig, generator: torch.Generator) -> Neurons:
    """An MLP with these neurons and idle ones, in a random order."""
    assert config.d_mlp is not None
    count = config.d_mlp - (0 if neurons is None else len(neurons.b_in))
    idle = stream.idle(count, generator, _faint(config))
    whole = idle if neurons is None else neurons + idle
    order = torch.randperm(config.d_mlp, generator=generator)
    return Neurons(whole.W_in[:, order], whole.b_in[order], whole.W_out[order])


Weight4 = tuple[
    Float[Tensor, "d_model d_head"],
    Float[Tensor, "d_model d_head"],
    Float[Tensor, "d_model d_head"],
    Float[Tensor, "d_head d_model"],
]


def _hidden(wire: Wire, stream: Stream, generator: torch.Generator) -> Weight4:
    """One head's W_Q, W_K, W_V and W_O, each pair turned inside, scores scaled to what attention divides by."""
    S, T = _inside(stream, generator), rotation(wire.OV.mdim, generator)
    return _turned(wire, S, T)


def _turned(wire: Wire, S: Float[Tensor, "d_head d_head"], T: Float[Tensor, "d_head d_head"]) -> Weight4:
    scale = wire.QK.mdim**0.25
    return wire.QK.A @ S * scale, wire.QK.B.T @ S * scale, wire.OV.A @ T, T.T @ wire.OV.B


def _inside(stream: Stream, generator: torch.Generator) -> Float[Tensor, "d_head d_head"]:
    """A rotation of a query's coordinates that positions do not notice: any at all, or any within each pair that turns
    and among those that do not.
    """
    rotary = stream.rotary
    if rotary is None:
        return rotation(stream.d_head, generator)
    half, rest = rotary.dim // 2, stream.d_head - rotary.dim
    angles = 2 * math.pi * torch.rand(half, generator=generator)
    cos, sin = angles.cos().diag(), angles.sin().diag()
    pairs = torch.cat((torch.cat((cos, sin), 1), torch.cat((-sin, cos), 1)))
    return torch.block_diag(pairs, rotation(rest, generator)) if rest else pairs


def _kernel(
    freqs: Float[Tensor, " freq"], distance: int, n: int
) -> tuple[Float[Tensor, " freq"], Float[Tensor, " freq"]]:
    """a and b of Σ a cos(θ · back) + b sin(θ · back), CLEARLY larger at `distance` than anywhere else below `n`.

    The smallest there are: a linear program.
    """
    from scipy.optimize import linprog

    angles = torch.arange(n)[:, None].double() * freqs
    waves = torch.cat((angles.cos(), angles.sin()), 1).round(decimals=12)  # another solution may be as small
    ahead = waves[distance] - waves[torch.arange(n) != distance]
    found = linprog(
        torch.ones(2 * waves.shape[1]).numpy(),
        A_ub=torch.cat((-ahead, ahead), 1).numpy(),
        b_ub=torch.full((len(ahead),), -CLEARLY).numpy(),
    )
    assert found.x is not None, f"no kernel looks {distance} back"
    up, down = torch.from_numpy(found.x).chunk(2)
    a, b = (up - down).chunk(2)
    return a, b


def _norms(
    config: ModelConfig, weights: Mapping[str, Tensor | tuple[Tensor, ...]], stream: Stream
) -> dict[str, Tensor | tuple[Tensor, ...]]:
    """Weights of norms that leave the stream, in the second copy of repeated tokens, about as long as it was.

    Behind attention they make each layer write as much as one code.
    """
    if config.normalization_type is None:
        return {}
    layers = range(config.n_layers)
    names = ("ln1",) if config.attn_only else ("ln1", "ln2")
    sizes: dict[tuple[str, int | None], float] = {(name, layer): 1.0 for layer in layers for name in names}
    sizes["ln_final", None] = 1.0

    def norms(dtype: torch.dtype) -> dict[str, Tensor | tuple[Tensor, ...]]:
        ones = torch.ones(config.d_model, dtype=dtype)
        found: dict[str, Tensor | tuple[Tensor, ...]] = {
            f"{name}_w": tuple(ones * sizes[name, layer] for layer in layers) for name in names
        }
        if config.norm_placement == "both":
            found["ln1_post_w"] = tuple(ones * math.sqrt(1 / config.d_model) for _ in layers)
        return {**found, "ln_final_w": ones * sizes["ln_final", None]}

    tokens = _repeats(stream)
    exact = {name: W.double() if isinstance(W, Tensor) else tuple(map(Tensor.double, W)) for name, W in weights.items()}
    for name, layer in sizes:
        # Each norm's input depends on those before it only. The forward pass turns rotary queries in float32, so what
        # comes out is rounded more than weights are.
        site = "ln_final.hook_scale" if layer is None else f"blocks.{layer}.{name}.hook_scale"
        model = HookedTransformer(config, {**exact, **norms(torch.float64)})
        with torch.no_grad():
            cache = model.run_with_cache(tokens, names_filter=site)[1]
        sizes[name, layer] = round(float(cache[site][:, -(tokens.shape[1] // 2) :].mean()), 3)
    return norms(torch.float32)


def _repeats(stream: Stream) -> Int[Tensor, "sequence pos"]:
    """Sixteen sequences of tokens that come twice."""
    generator, n = torch.Generator().manual_seed(0), stream.n_ctx // 3
    rows = [torch.randperm(stream.d_vocab - 1, generator=generator)[:n] + 1 for _ in range(16)]
    return torch.stack([torch.cat((torch.zeros(1, dtype=torch.long), row, row)) for row in rows])


def _without_mean(size: int) -> Float[Tensor, "size more"]:
    """Orthonormal rows, one dimension longer, each at right angles to the vector of ones."""
    ones = torch.ones(size + 1, 1)
    Q = torch.linalg.qr(torch.cat((ones, torch.eye(size + 1)[:, :size]), 1)).Q
    rows: Tensor = Q[:, 1:].T
    return rows


def rotation(size: int, generator: torch.Generator) -> Float[Tensor, "size size"]:
    """An orthogonal matrix, every one as likely."""
    Q, R = torch.linalg.qr(torch.randn(size, size, generator=generator))
    rotation: Tensor = Q * R.diagonal().sign()
    return rotation
