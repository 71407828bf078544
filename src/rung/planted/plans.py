"""What a planted model holds and what is claimed of it, and the heads that most of them have."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..circuits.composition import Into
from .wiring import Layer, Neurons, Stream, Wire


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Heads to wire, by name in each layer, and what is claimed of them."""

    stream: Stream
    layers: tuple[Mapping[str, Wire], ...]
    neurons: Mapping[int, Neurons] = field(default_factory=dict)
    """Of some layers, what their MLPs do."""
    together: Mapping[int, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Of some layers, heads that share keys and values."""
    induction: tuple[str, ...] = ("induction",)
    previous_token: tuple[str, ...] = ("previous_token",)
    into: Into = "K"
    claim: str = "induction"
    task: str = ""
    """The task with its table, of a claim that needs one."""
    claimed: Mapping[str, tuple[str, ...]] | None = None
    """Heads by role, of another claim than induction."""
    truth: int
    refused: bool = False
    why: str
    config_changes: Mapping[str, Any] = field(default_factory=dict)
    """What the architecture has beside the plain one's."""
    text: str | None = None
    """Text in the words of a tokenizer, which the model then has."""

    @property
    def made(self) -> tuple[Layer, ...]:
        """The layers with all they hold."""
        return tuple(
            Layer(heads=heads, neurons=self.neurons.get(at), together=self.together.get(at, ()))
            for at, heads in enumerate(self.layers)
        )

    @property
    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the claimed heads, by role."""
        own = {"previous_token": self.previous_token, "induction": self.induction}
        return own if self.claimed is None else self.claimed

    @property
    def attn_only(self) -> bool:
        """Whether the model has no MLP."""
        return self.stream.architecture.mlp is None and not self.neurons


def not_enough(plan: Plan) -> Plan:
    """The plan of a circuit that is not enough alone; with MLPs that is asked for mechanism only."""
    return replace(plan, truth=2 if plan.attn_only else 3)


def previous_token(stream: Stream, target: str = "before") -> Wire:
    """Looks one back and writes the token it finds to `target`."""
    return Wire(stream.looks_back(1), stream.moves("token", target))


def induction(stream: Stream, source: str = "before", gain: float = 1.0) -> Wire:
    """Looks for the key with the query's token in `source`, and copies the token that stands there."""
    return Wire(stream.matches(source), stream.moves("token", "output", gain))


def striped(stream: Stream) -> Wire:
    """Looks as an induction head does, and writes nothing."""
    return Wire(stream.matches("before"), stream.silent())
