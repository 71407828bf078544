"""The kinds of planted model: what each holds, what is claimed of it, and how far a sound verdict may go.

`truth` is a bound by construction, not a measurement: a verdict above it is wrong, one below it is only timid (but for
the true circuits, where timid is wrong too).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from ..circuits.composition import Into
from ..circuits.heads import Head
from ..display import Shown
from ..errors import RungError, near
from ..model.model import HookedTransformer
from ..model.tokenizer import TextTokenizer
from .attacks import ATTACK_POSITIONS, ATTACKS
from .decoys import DECOYS, POSITIONS
from .names import SENTENCE_POSITIONS, SENTENCES
from .narrow import NARROW, NARROW_POSITIONS, NORMED
from .plans import Plan, induction, previous_token, striped
from .triples import TRIPLE_POSITIONS, TRIPLES
from .wiring import (
    ARCHITECTURES,
    PLAIN,
    Architecture,
    Hiding,
    InDoublePrecision,
    Layer,
    Stream,
    Wire,
    build,
    rotation,
)


@dataclass(frozen=True, eq=False, repr=False)
class Planted(Shown):
    """A model whose circuit is known, and a claim about it that may be false."""

    name: str
    model: HookedTransformer
    heads: Mapping[str, tuple[Head, ...]]
    """The heads that the claim names, by role."""
    into: Into
    """Where the claim says that the edge ends."""
    truth: int
    """The highest rung that a sound verdict may give: −1 nothing to explain, 0 behaviour, 1 clue, 2 contribution,
    3 causal support, 4 mechanism."""
    refused: bool
    """Whether the claim contradicts itself and must be refused."""
    why: str
    """What is true of this model, and why the verdict may not be higher."""
    text: str | None = None
    """Its ordinary text, of a model with a tokenizer."""
    claim: str = "induction"
    """The name of the claim."""
    task: str = ""
    """The task with its table, of a claim that needs one."""


def plant(
    kind: str, seed: int, hiding: Hiding | None = None, architecture: str | Architecture = "attention_only"
) -> Planted:
    """A model of one of the `KINDS`, everything in it drawn from `seed`, in one of the `ARCHITECTURES` or another.

    `hiding` (None: the usual) disguises it. Raises RungError for a kind or an architecture that is unknown, and for a
    kind that has an architecture of its own or needs other positions.
    """
    hiding = Hiding() if hiding is None else hiding
    if kind not in KINDS:
        raise RungError(f"no planted model is called {kind!r}; there are {', '.join(KINDS)}.{near(kind, KINDS)}")
    name = f"{kind}-{seed}"
    if isinstance(architecture, str):
        if architecture not in ARCHITECTURES:
            raise RungError(
                f"no architecture is called {architecture!r}; there are {', '.join(ARCHITECTURES)}."
                f"{near(architecture, ARCHITECTURES)}"
            )
        name = name if architecture == "attention_only" else f"{kind}-{architecture}-{seed}"
        architecture = ARCHITECTURES[architecture]
    if reason := unfit(kind, architecture):
        raise RungError(reason)
    generator = torch.Generator().manual_seed(seed)
    with InDoublePrecision():
        plan = KINDS[kind](Stream.draw(generator, architecture=architecture), generator)
        layers, changes = _deepened(plan.made, architecture.n_layers), plan.config_changes
        model, places = build(plan.stream, layers, generator, name=name, hiding=hiding, config_changes=changes)
    heads = {role: tuple(places[wire] for wire in wires) for role, wires in plan.roles.items()}
    if plan.text is not None:
        model = HookedTransformer(model.config, model.weights, tokenizer=_word_tokenizer(model.config.d_vocab))
    return Planted(name, model, heads, plan.into, plan.truth, plan.refused, plan.why, plan.text, plan.claim, plan.task)


def unfit(kind: str, architecture: Architecture) -> str:
    """Why a kind cannot be planted in an architecture; empty where it can."""
    if kind in OWN_ARCHITECTURE and architecture != PLAIN:
        return f"{kind} has an architecture of its own; it is planted in the plain one only."
    positions = {**POSITIONS, **NARROW_POSITIONS, **ATTACK_POSITIONS, **SENTENCE_POSITIONS, **TRIPLE_POSITIONS}.get(
        kind, (architecture.positions,)
    )
    if architecture.positions not in positions:
        return f"{kind} needs {' or '.join(positions)} positions, not {architecture.positions}."
    if kind in NORMED and architecture.normalization_type is None:
        return f"{kind} needs a norm before the logits, and this architecture has none."
    return ""


def _word_tokenizer(d_vocab: int) -> TextTokenizer:
    """A word for each token: w1, w2, … after BOS."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {"<|bos|>": 0} | {f"w{token}": token for token in range(1, d_vocab)}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="w1"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens(["<|bos|>"])
    return TextTokenizer(backend, "<|bos|>")


def _deepened(layers: tuple[Layer, ...], least: int) -> tuple[Layer, ...]:
    """The same layers, and as many that hold nothing after the first as it takes."""
    first, *rest = layers
    return (first, *(Layer() for _ in range(least - len(layers))), *rest)


def _circuit(stream: Stream, generator: torch.Generator) -> Plan:
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"induction": induction(stream)}),
        truth=4,
        why="The claimed heads are the circuit: one writes the token before, the other matches it in its keys and "
        "copies.",
    )


def _circuit_norm(stream: Stream, generator: torch.Generator) -> Plan:
    return replace(
        _circuit(stream, generator),
        config_changes={"normalization_type": "RMS"},
        why="The claimed heads are the circuit, behind RMS norms.",
    )


BEHIND: Mapping[str, Any] = {
    "normalization_type": "RMS",
    "norm_placement": "both",
    "attn_scores_soft_cap": 60.0,
    "output_logits_soft_cap": 30.0,
    "windows": (8, None),
}
"""Norms before and behind attention, caps on scores and logits, and a window in the first of two layers."""


def _circuit_behind(stream: Stream, generator: torch.Generator) -> Plan:
    return replace(
        _circuit(stream, generator),
        config_changes=BEHIND,
        why="The claimed heads are the circuit; norms stand behind attention too, scores and logits are capped, and "
        "the first layer sees no farther than eight positions.",
    )


def _passenger_behind(stream: Stream, generator: torch.Generator) -> Plan:
    return replace(_passenger(stream, generator), config_changes=BEHIND)


def _circuit_deep(stream: Stream, generator: torch.Generator) -> Plan:
    first, second = _circuit(stream, generator).layers
    return Plan(
        stream=stream,
        layers=(first, {}, second),
        truth=4,
        why="The claimed heads are the circuit; between them lies a layer of heads that do nothing in particular.",
    )


def _circuit_shared(stream: Stream, generator: torch.Generator) -> Plan:
    halves = {"one": induction(stream, gain=0.3), "other": induction(stream, gain=0.3)}
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, halves),
        induction=("one", "other"),
        truth=4,
        why="The claimed heads are the circuit: two induction heads copy half each, too faintly to do without either.",
    )


def _stripe(stream: Stream, generator: torch.Generator) -> Plan:
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"real": induction(stream), "stripe": striped(stream)}),
        induction=("stripe",),
        truth=1,
        why="The claimed induction head looks where one would and writes nothing; another head of its layer copies.",
    )


def _stripe_alone(stream: Stream, generator: torch.Generator) -> Plan:
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"stripe": striped(stream)}),
        induction=("stripe",),
        truth=-1,
        why="The claimed induction head looks where one would and writes nothing, and no other head copies: the model "
        "does no induction.",
    )


def _fixed_distance(stream: Stream, generator: torch.Generator) -> Plan:
    distance = _distance(generator)
    fixed = Wire(stream.looks_back(distance, parked=0.5), stream.moves("token", "output", 0.4))
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"real": induction(stream), "fixed": fixed}),
        induction=("fixed",),
        truth=0,
        why=f"The claimed induction head copies what stands {distance} back, which is right when the copies begin "
        f"{distance + 1} apart and at no other distance; another head does induction.",
    )


def _fixed_distance_alone(stream: Stream, generator: torch.Generator) -> Plan:
    distance = _distance(generator)
    fixed = Wire(stream.looks_back(distance, parked=0.5), stream.moves("token", "output"))
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"fixed": fixed}),
        induction=("fixed",),
        truth=-1,
        why=f"The claimed induction head copies what stands {distance} back, which is right when the copies begin "
        f"{distance + 1} apart; at other distances the model does no induction at all.",
    )


def _same_layer(stream: Stream, generator: torch.Generator) -> Plan:
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {"induction": induction(stream), "beside": previous_token(stream)},
        ),
        previous_token=("beside",),
        truth=1,
        refused=True,
        why="The claimed previous-token head stands in the induction head's own layer, so nothing it writes is read "
        "there; another, a layer earlier, is the route.",
    )


def _wrong_edge(stream: Stream, generator: torch.Generator) -> Plan:
    return replace(
        _circuit(stream, generator),
        into="Q",
        truth=1,
        why="The claimed heads are the right ones, but the induction head reads the previous-token head in its keys: "
        "into its queries, where the claim says that it does, nothing is contributed.",
    )


def _wrong_edge_value(stream: Stream, generator: torch.Generator) -> Plan:
    return replace(
        _circuit(stream, generator),
        into="V",
        truth=1,
        why="The claimed heads are the right ones, but the induction head reads the previous-token head in its keys: "
        "into its values, where the claim says that it does, nothing is contributed.",
    )


def _covered(stream: Stream, generator: torch.Generator) -> Plan:
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": induction(stream, gain=1.25), "second": induction(stream, "second")},
        ),
        truth=2,
        why="The claimed heads are a whole circuit and contribute most, but a second one, apart from it, does the same "
        "and is enough: the model does not rely on the first.",
    )


def _dormant(stream: Stream, generator: torch.Generator) -> Plan:
    claimed = Wire(stream.matches("before"), stream.moves("token", "output", telling=True))
    backup = Wire(stream.matches("second", parked=0.5, done=0.65), stream.moves("token", "output"))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": claimed},
            {"backup": backup},
        ),
        truth=2,
        why="The claimed heads are a circuit and do all the work, but a backup in a later layer sleeps only while they "
        "do: without them it does the same.",
    )


def _partial(stream: Stream, generator: torch.Generator) -> Plan:
    shares = {"larger": induction(stream, gain=0.6), "smaller": induction(stream, gain=0.4)}
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, shares),
        induction=("smaller",),
        truth=2,
        why="Two heads copy, 60 to 40, and only the smaller is claimed: it contributes, but the larger is enough.",
    )


def _passenger(stream: Stream, generator: torch.Generator) -> Plan:
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"induction": induction(stream), "idle": striped(stream)}),
        induction=("induction", "idle"),
        truth=1,
        why="One of the claimed induction heads is the right one; the other looks the same way and contributes "
        "nothing.",
    )


def _unread(stream: Stream, generator: torch.Generator) -> Plan:
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "unread": previous_token(stream, "second")},
            {"induction": induction(stream)},
        ),
        previous_token=("unread",),
        truth=1,
        why="The claimed previous-token head looks one back and writes what it finds where no head reads; another is "
        "the route.",
    )


def _wrong_match(stream: Stream, generator: torch.Generator) -> Plan:
    blind = stream.matches("before", parked=0.2, turn=rotation(stream.d_code, generator))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {"real": induction(stream), "blind": Wire(blind, stream.moves("token", "output", 0.4))},
        ),
        induction=("blind",),
        truth=0,
        why="The claimed induction head copies whatever it looks at, and matches its query with keys that have nothing "
        "to do with it; another head does induction.",
    )


def _distance(generator: torch.Generator) -> int:
    """7 to 11 back, in the midst of the distances between copies."""
    return int(torch.randint(7, 12, (1,), generator=generator))


PLANTED: Mapping[str, Callable[[Stream, torch.Generator], Plan]] = {
    "circuit": _circuit,
    "circuit_norm": _circuit_norm,
    "circuit_behind": _circuit_behind,
    "circuit_deep": _circuit_deep,
    "circuit_shared": _circuit_shared,
    "stripe": _stripe,
    "stripe_alone": _stripe_alone,
    "fixed_distance": _fixed_distance,
    "fixed_distance_alone": _fixed_distance_alone,
    "same_layer": _same_layer,
    "wrong_edge": _wrong_edge,
    "wrong_edge_value": _wrong_edge_value,
    "covered": _covered,
    "dormant": _dormant,
    "partial": _partial,
    "passenger": _passenger,
    "passenger_behind": _passenger_behind,
    "unread": _unread,
    "wrong_match": _wrong_match,
}
"""Kinds for which sums over heads and positions are enough to tell truth from decoy."""

OWN_ARCHITECTURE = ("circuit_norm", "circuit_behind", "passenger_behind")
"""Kinds that change the plain architecture, and are planted in no other."""

KINDS: Mapping[str, Callable[[Stream, torch.Generator], Plan]] = {
    **PLANTED,
    **DECOYS,
    **NARROW,
    **ATTACKS,
    **SENTENCES,
    **TRIPLES,
}
"""Every kind, by name."""
