"""Heads wired by hand: what each looks for and what it moves, in a residual stream laid out in plain sight.

    stream = [ token | before | second | output | position | flags ]

Every token has a code, a short vector; a head moves a code from one part of the stream to another, or matches the code
in one part at the query against that in another at the key. Positions are shortformer: queries and keys see them, the
stream does not hold them. `build` hides the layout: noise, a random rotation of the stream and of each head's inside,
a random order of heads. (After the induction circuit of Elhage et al. 2021, "A Mathematical Framework for Transformer
Circuits".)
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..circuits.heads import Head
from ..config import ModelConfig
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
"""How much a head that does nothing in particular writes, in codes."""


@dataclass(frozen=True)
class Wire:
    """One head: what its queries look for in its keys, and what it carries. W_Q W_Kᵀ gives scores as they are."""

    QK: FactoredMatrix
    OV: FactoredMatrix


@dataclass(frozen=True, eq=False)
class Stream:
    """The residual stream before it is hidden, and heads that read and write in it.

    Codes are unit vectors with fewer coordinates than there are tokens, pushed apart until no two are near. BOS has
    none: it is marked by a flag, and whoever attends to it moves nothing.
    """

    codes: Float[Tensor, "d_vocab d_code"]
    n_ctx: int = 48

    @classmethod
    def draw(cls, generator: torch.Generator, d_vocab: int = 64, d_code: int = 24) -> "Stream":
        """Codes drawn from `generator`."""
        codes = torch.linalg.qr(torch.randn(d_vocab - 1, d_code, generator=generator)).Q
        for _ in range(10):
            codes = codes / codes.norm(dim=1, keepdim=True)
            near = codes @ codes.T - torch.eye(len(codes))
            codes = codes - 0.3 * near**3 @ codes
        codes = codes / codes.norm(dim=1, keepdim=True)
        return cls(torch.cat((torch.zeros(1, d_code), codes)))

    @property
    def d_vocab(self) -> int:
        return self.codes.shape[0]

    @property
    def d_code(self) -> int:
        return self.codes.shape[1]

    @property
    def d_head(self) -> int:
        """A code, or a position, and one coordinate for the parking."""
        return max(self.d_code, self.n_ctx // 2) + 1

    @cached_property
    def parts(self) -> Mapping[str, slice]:
        """Which coordinates hold what."""
        widths = dict.fromkeys(("token", "before", "second", "output"), self.d_code)
        widths |= {"position": self.n_ctx // 2, "ordinary": 1, "bos": 1, "done": 1}
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
        return W_E

    @property
    def W_U(self) -> Float[Tensor, "d_model d_vocab"]:
        """Each code in the output raises its token."""
        W_U = torch.zeros(self.d_model, self.d_vocab)
        W_U[self.parts["output"]] = LOGIT * self.codes.T
        return W_U

    @property
    def W_pos(self) -> Float[Tensor, "pos d_model"]:
        """Unit vectors that are at right angles at every distance but n_ctx/2, where they are opposite."""
        W_pos = torch.zeros(self.n_ctx, self.d_model)
        angles = torch.arange(self.n_ctx)[:, None] * self._frequencies
        W_pos[:, self.parts["position"]] = torch.cat((angles.cos(), angles.sin()), 1) / math.sqrt(self.n_ctx // 4)
        return W_pos

    @property
    def _frequencies(self) -> Float[Tensor, " quarter"]:
        count = self.n_ctx // 4
        return math.pi * (2 * torch.arange(count) + 1) / (2 * count)

    def looks_back(self, distance: int, parked: float = 0.0) -> FactoredMatrix:
        """A QK that scores the key `distance` back SHARPNESS, and BOS `parked` of that."""
        read, turned = self._empty(), self._empty()
        n, angles = self.n_ctx // 4, -distance * self._frequencies
        where = self.parts["position"]
        read[where, : 2 * n] = torch.eye(2 * n)
        cos, sin = angles.cos().diag(), angles.sin().diag()
        turned[where, : 2 * n] = torch.cat((torch.cat((cos, sin), 1), torch.cat((-sin, cos), 1)))
        return self._scored(turned, read, parked)

    def matches(
        self, key: str, parked: float = PARKED, turn: Float[Tensor, "d_code d_code"] | None = None, done: float = 0.0
    ) -> FactoredMatrix:
        """A QK that scores the query's token against the code in the key's `key` part, times SHARPNESS.

        `turn` is done to the query's code, so that it matches what it should not. `done` raises BOS where that flag is
        set at the query.
        """
        query, keys = self._empty(), self._empty()
        query[self.parts["token"], : self.d_code] = torch.eye(self.d_code) if turn is None else turn
        keys[self.parts[key], : self.d_code] = torch.eye(self.d_code)
        query[self.parts["done"], -1] = done
        return self._scored(query, keys, parked)

    def _scored(
        self, query: Float[Tensor, "d_model d_head"], key: Float[Tensor, "d_model d_head"], parked: float
    ) -> FactoredMatrix:
        query[self.parts["ordinary"], -1] = parked
        key[self.parts["bos"], -1] = 1 / math.sqrt(2)
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

    def silent(self) -> FactoredMatrix:
        """An OV that writes nothing."""
        return FactoredMatrix(self._empty(), self._empty().T)

    def stray(self, generator: torch.Generator) -> Wire:
        """A head that does nothing in particular: scores of size one, FAINT writes, all random."""
        width = (self.d_model, self.d_head)
        W_Q, W_K, W_V, W_O = (torch.randn(width, generator=generator) for _ in range(4))
        # A query or key holds a code, a flag and a position: its square is about 3.
        score = (3 * math.sqrt(self.d_head)) ** -0.5
        write = (FAINT / math.sqrt(2 * self.d_model * self.d_head)) ** 0.5
        return Wire(FactoredMatrix(W_Q * score, (W_K * score).T), FactoredMatrix(W_V * write, (W_O * write).T))

    def _empty(self) -> Float[Tensor, "d_model d_head"]:
        return torch.zeros(self.d_model, self.d_head)


@dataclass(frozen=True, kw_only=True)
class Hiding:
    """How a wired model is disguised."""

    noise: float = 0.05
    """Standard deviation of what is added to every weight, in units of its tensor's root mean square."""
    rotated: bool = True
    """Whether the stream is turned by a random rotation. It computes the same without."""


def build(
    stream: Stream,
    layers: Sequence[Mapping[str, Wire]],
    generator: torch.Generator,
    *,
    name: str,
    hiding: Hiding,
    n_heads: int = 4,
    config_changes: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[HookedTransformer, dict[str, Head]]:
    """A model with these heads in each layer, filled up with stray ones and hidden, and where each named head is.

    x → xR at every write, W → RᵀW at every read, R orthogonal; W_Q, W_K → W_Q S, W_K S and W_V, W_O → W_V T, TᵀW_O
    in each head.
    """
    places: dict[str, Head] = {}
    stacks: dict[str, list[Tensor]] = {"W_Q": [], "W_K": [], "W_V": [], "W_O": []}
    for layer, named in enumerate(layers):
        order = torch.randperm(n_heads, generator=generator).tolist()
        places |= {wire: (layer, at) for wire, at in zip(named, order, strict=False)}
        wires = [*named.values(), *(stream.stray(generator) for _ in range(n_heads - len(named)))]
        heads = [_hidden(wires[order.index(at)], generator) for at in range(n_heads)]
        for stack, tensors in zip(stacks.values(), zip(*heads, strict=True), strict=True):
            stack.append(torch.stack(tensors))

    plain = ModelConfig(
        n_layers=len(layers),
        d_model=stream.d_model,
        n_heads=n_heads,
        d_head=stream.d_head,
        d_vocab=stream.d_vocab,
        n_ctx=stream.n_ctx,
        normalization_type=None,
        positional_embedding_type="shortformer",
        bos_token_id=0,
        model_name=name,
    )
    config = replace(plain, **config_changes)
    R = rotation(stream.d_model, generator)
    R = R if hiding.rotated else torch.eye(stream.d_model)

    def hide(name: str, W: Tensor) -> Tensor:
        W = W + hiding.noise * W.square().mean().sqrt() * torch.randn(W.shape, generator=generator)
        return to_kernel_layout(name, W @ R if name in ("W_E", "W_pos", "W_O") else R.T @ W)

    whole = {"W_E": stream.W_E, "W_pos": stream.W_pos, "W_U": stream.W_U}
    weights: dict[str, Tensor | tuple[Tensor, ...]] = {name: hide(name, W) for name, W in whole.items()}
    weights |= {name: tuple(hide(name, W) for W in stack) for name, stack in stacks.items()}
    weights |= _norms(config)
    return HookedTransformer(config, weights), places


def _hidden(
    wire: Wire, generator: torch.Generator
) -> tuple[
    Float[Tensor, "d_model d_head"],
    Float[Tensor, "d_model d_head"],
    Float[Tensor, "d_model d_head"],
    Float[Tensor, "d_head d_model"],
]:
    """One head's W_Q, W_K, W_V and W_O, each pair turned inside, scores scaled to what attention divides by."""
    S, T = (rotation(wire.QK.mdim, generator) for _ in range(2))
    scale = wire.QK.mdim**0.25
    return wire.QK.A @ S * scale, wire.QK.B.T @ S * scale, wire.OV.A @ T, T.T @ wire.OV.B


def _norms(config: ModelConfig) -> dict[str, Tensor | tuple[Tensor, ...]]:
    """Weights of RMS norms that leave the stream about as long as it was: one for each code, and one for the flag.

    Behind attention they make each layer write as much as one code.
    """
    if config.normalization_type is None:
        return {}

    def w(codes: int) -> Float[Tensor, " d_model"]:
        return torch.full((config.d_model,), math.sqrt((1 + codes) / config.d_model))

    layers = range(config.n_layers)
    norms: dict[str, Tensor | tuple[Tensor, ...]] = {"ln1_w": tuple(w(1 if layer == 0 else 2) for layer in layers)}
    if config.norm_placement == "both":
        norms["ln1_post_w"] = tuple(w(0) for _ in layers)
    return norms | {"ln_final_w": w(3)}


def rotation(size: int, generator: torch.Generator) -> Float[Tensor, "size size"]:
    """An orthogonal matrix, every one as likely."""
    Q, R = torch.linalg.qr(torch.randn(size, size, generator=generator))
    rotation: Tensor = Q * R.diagonal().sign()
    return rotation
