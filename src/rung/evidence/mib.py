"""Circuits of the Mechanistic Interpretability Benchmark, read and written in its JSON (Mueller et al. 2025,
arXiv:2504.13151).

A circuit is a graph over a model's components, as the EAP-IG package stores it:

    {"cfg":   {"n_layers": 2, "n_heads": 4, "parallel_attn_mlp": false, "d_model": 64},
     "nodes": {"input": {"in_graph": true}, "a0.h1": {"in_graph": true, "score": 0.3}, "m0": …, "logits": …},
     "edges": {"input->a0.h1<q>": {"score": 0.2, "in_graph": true}, "a0.h1->a1.h2<k>": …, "a1.h2->logits": …}}

Heads are a{layer}.h{head}, MLPs m{layer}; an edge into a head says which of its inputs it ends in. What is not listed
is not in the circuit. A node's score may be absent, and NaN means the same. `fill_roles` takes a claim's heads from a
circuit, so that others' circuits can be put to the ladder; `circuit_of` writes a claim as a circuit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..circuits.heads import Head
from ..config import ModelConfig
from ..display import Shown
from ..errors import ClaimError, RecordError
from .claim import OUTPUT, Claim

_SIZES = ("n_layers", "n_heads", "d_model")
_NODE_KEYS = {"in_graph", "score", "neurons", "neurons_scores"}
_EDGE_KEYS = {"in_graph", "score"}
_HEAD, _MLP = re.compile(r"a([0-9]{1,6})\.h([0-9]{1,6})"), re.compile(r"m([0-9]{1,6})")
_INPUTS = "qkv"
LARGEST = 1 << 30
"""Bytes of a file that is read."""


@dataclass(frozen=True, kw_only=True)
class MibNode:
    """Whether a component is in the circuit."""

    in_graph: bool
    score: float | None = None
    neurons: tuple[bool, ...] | None = None
    """Which coordinates of what it writes are in the circuit; None: all."""
    neurons_scores: tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class MibEdge:
    """Whether an edge is in the circuit."""

    in_graph: bool
    score: float


@dataclass(frozen=True, kw_only=True, repr=False)
class MibCircuit(Shown):
    """A graph over a model's components, some of which are in the circuit."""

    n_layers: int
    n_heads: int
    d_model: int
    parallel_attn_mlp: bool
    nodes: Mapping[str, MibNode]
    edges: Mapping[str, MibEdge]
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What else the file says of the model; it is kept, and not used."""

    @property
    def heads(self) -> tuple[Head, ...]:
        """The heads in the circuit."""
        found = (parse_node(name) for name, node in self.nodes.items() if node.in_graph)
        return tuple(sorted(head for head in found if isinstance(head, tuple)))

    def has_edge(self, name: str) -> bool:
        """Whether an edge, and both components that it joins, are in the circuit."""
        if name not in self.edges or not self.edges[name].in_graph:
            return False
        sender, receiver, _ = _split(name)
        return all(end in ("input", "logits") or self._holds(end) for end in (sender, receiver))

    def _holds(self, name: str) -> bool:
        return name in self.nodes and self.nodes[name].in_graph

    def check_model(self, config: ModelConfig) -> None:
        """Raises ClaimError if the circuit is of a model of another shape."""
        for name in (*_SIZES, "parallel_attn_mlp"):
            if getattr(self, name) != getattr(config, name):
                raise ClaimError(
                    f"the circuit is of a model with {name} {getattr(self, name)}; {config.model_name} has "
                    f"{getattr(config, name)}"
                )


def parse_node(name: str) -> Head | str:
    """A head as (layer, head); the name of any other node: "input", "logits", "m3". Raises RecordError for others."""
    if found := _HEAD.fullmatch(name):
        return int(found[1]), int(found[2])
    if name in ("input", "logits") or _MLP.fullmatch(name):
        return name
    raise RecordError(f"a circuit's node is called {name!r}; nodes are input, logits, a0.h1 and m0")


def node_name(head: Head) -> str:
    """A head in MIB's writing: a1.h4."""
    return f"a{head[0]}.h{head[1]}"


def read_mib(path: str | Path) -> MibCircuit:
    """The circuit in a file. Raises RecordError for what is not exactly one: damaged JSON, a node or an edge that this
    model cannot have, a number that is none.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST:
            raise RecordError(f"{path} has {path.stat().st_size} bytes; circuits have up to {LARGEST}")
        values = json.loads(path.read_text("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path} is no JSON: {error}") from None
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror or error}") from error
    try:
        return from_dict(values)
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from None


def from_dict(values: Any) -> MibCircuit:
    """The circuit that these JSON values say. Raises RecordError as `read_mib` does."""
    top = _object(values, "the file", needed={"cfg", "nodes", "edges"}, known={"cfg", "nodes", "edges"})
    cfg = _object(top["cfg"], "cfg", needed={*_SIZES, "parallel_attn_mlp"})
    for name in _SIZES:
        if type(cfg[name]) is not int or cfg[name] < 1:
            raise RecordError(f"cfg has {name} {cfg[name]!r}; it must be a whole number of at least 1")
    _flag(cfg["parallel_attn_mlp"], "cfg's parallel_attn_mlp")
    circuit = MibCircuit(
        **{name: cfg[name] for name in (*_SIZES, "parallel_attn_mlp")},
        nodes={},
        edges={},
        extra={name: value for name, value in cfg.items() if name not in (*_SIZES, "parallel_attn_mlp")},
    )
    nodes = {name: _node(circuit, name, value) for name, value in _object(top["nodes"], "nodes").items()}
    edges = {name: _edge(circuit, name, value) for name, value in _object(top["edges"], "edges").items()}
    return replace(circuit, nodes=nodes, edges=edges)


def to_dict(circuit: MibCircuit) -> dict[str, Any]:
    """The circuit as JSON values; `from_dict` reads them back to an equal one."""
    sizes = {name: getattr(circuit, name) for name in ("n_layers", "n_heads", "parallel_attn_mlp", "d_model")}
    nodes = {
        name: {key: list(value) if isinstance(value, tuple) else value for key, value in vars(node).items()}
        for name, node in circuit.nodes.items()
    }
    return {
        "cfg": {**sizes, **circuit.extra},
        "nodes": {name: {k: v for k, v in node.items() if v is not None} for name, node in nodes.items()},
        "edges": {name: {"score": edge.score, "in_graph": edge.in_graph} for name, edge in circuit.edges.items()},
    }


def write_mib(circuit: MibCircuit, path: str | Path) -> None:
    """Writes the circuit to a file. Raises RecordError if that cannot be."""
    try:
        Path(path).write_text(json.dumps(to_dict(circuit)) + "\n", "utf-8")
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror or error}") from error


def fill_roles(claim: Claim, circuit: MibCircuit) -> Claim:
    """The claim with the heads that have its edges in the circuit; roles that have heads keep theirs.

    Senders and receivers of an edge are the heads that such an edge of the circuit joins, where the receiver's role
    writes to the output with an edge to the logits too. Raises ClaimError where that leaves a role empty, for a head
    that is not in the circuit, and for a circuit of parts of heads, which the ladder does not test.
    """
    partial = [name for name, node in circuit.nodes.items() if node.neurons is not None and not all(node.neurons)]
    if partial:
        raise ClaimError(f"the circuit has parts of {', '.join(partial[:3])}; a claim is about whole heads")
    for role in claim.roles:
        absent = [node_name(head) for head in role.heads if head not in circuit.heads]
        if absent:
            raise ClaimError(f"{', '.join(absent)} is claimed for {role.name}, and is not in the circuit")
    found: dict[str, set[Head]] = {role.name: set(role.heads) for role in claim.roles}
    open_roles = {role.name for role in claim.roles if not role.heads}
    for edge in claim.edges:
        reader = claim.role(edge.receiver)
        receivers = [head for head in circuit.heads if edge.receiver in open_roles or head in reader.heads]
        if reader.writes_to == OUTPUT:
            receivers = [head for head in receivers if circuit.has_edge(f"{node_name(head)}->logits")]
        for receiver in receivers:
            into = f"{node_name(receiver)}<{edge.into.lower()}>"
            senders = {head for head in circuit.heads if circuit.has_edge(f"{node_name(head)}->{into}")}
            if edge.sender not in open_roles:
                senders &= set(claim.role(edge.sender).heads)
            found[edge.sender] |= senders if edge.sender in open_roles else set()
            found[edge.receiver] |= {receiver} if senders and edge.receiver in open_roles else set()
    for name in open_roles:
        if not found[name]:
            raise ClaimError(f"no head of the circuit has the edges of {name}; its heads may be given by hand")
    return claim.with_heads({name: sorted(found[name]) for name in open_roles})


def circuit_of(claim: Claim, config: ModelConfig) -> MibCircuit:
    """A claim whose roles are filled, as a circuit: its heads, their edges, and what faithfulness leaves as it is: the
    embedding as every head reads it, and MLPs with all of their edges.

    Raises ClaimError for a claim without heads.
    """
    if not claim.complete:
        raise ClaimError(f"some role of {claim.name!r} has no heads, so there is no circuit to write")
    claim.check(config)
    empty = MibCircuit(**{name: getattr(config, name) for name in (*_SIZES, "parallel_attn_mlp")}, nodes={}, edges={})
    heads, mlps = set(claim.heads), not config.attn_only
    speaking = {head for role in claim.roles if role.writes_to == OUTPUT for head in role.heads}
    joined = {
        f"{node_name(sender)}->{node_name(receiver)}<{edge.into.lower()}>"
        for edge in claim.edges
        for sender, receiver in claim.pairs(edge)
    }

    def holds(name: str) -> bool:
        node = parse_node(name)
        return node in heads if isinstance(node, tuple) else mlps or not node.startswith("m")

    def drawn(name: str) -> bool:
        sender, receiver, _ = _split(name)
        if not holds(sender) or not holds(receiver):
            return False
        one, other = parse_node(sender), parse_node(receiver)
        if isinstance(one, tuple) and isinstance(other, tuple):
            return name in joined
        return one in speaking if isinstance(one, tuple) and other == "logits" else True

    names = _node_names(empty)
    nodes = {name: MibNode(in_graph=holds(name)) for name in names}
    edges = {name: MibEdge(in_graph=drawn(name), score=float(drawn(name))) for name in _edge_names(empty)}
    return replace(empty, nodes=nodes, edges=edges)


def _node_names(circuit: MibCircuit) -> list[str]:
    layers = (
        [*(node_name((layer, head)) for head in range(circuit.n_heads)), f"m{layer}"]
        for layer in range(circuit.n_layers)
    )
    return ["input", *(name for layer in layers for name in layer), "logits"]


def _edge_names(circuit: MibCircuit) -> list[str]:
    """Every edge that a model of this shape has."""
    names = _node_names(circuit)
    found = []
    for receiver in names[1:]:
        ends = [f"{receiver}<{into}>" for into in _INPUTS] if _HEAD.fullmatch(receiver) else [receiver]
        senders = [sender for sender in names if _depth(circuit, sender) < _depth(circuit, receiver)]
        found += [f"{sender}->{end}" for end in ends for sender in senders]
    return found


def _depth(circuit: MibCircuit, name: str) -> int:
    """A node reads what is written at smaller depths: twice its layer, one more for an MLP after attention."""
    node = parse_node(name)
    if isinstance(node, tuple):
        return 2 * node[0]
    if node == "input":
        return -1
    return 2 * circuit.n_layers if node == "logits" else 2 * int(node[1:]) + (not circuit.parallel_attn_mlp)


def _split(name: str) -> tuple[str, str, str]:
    """Sender, receiver, and the input of a head that the edge ends in (empty for others)."""
    sender, arrow, end = name.partition("->")
    receiver, _, into = end.partition("<")
    if not arrow or (into and into not in tuple(f"{one}>" for one in _INPUTS)):
        raise RecordError(f"a circuit's edge is called {name!r}; edges are a0.h1->a1.h2<k>, m0->m1 and a1.h2->logits")
    return sender, receiver, into.removesuffix(">")


def _node(circuit: MibCircuit, name: str, value: Any) -> MibNode:
    _check_node(circuit, name)
    if isinstance(value, bool):  # as the package wrote them before nodes had scores
        return MibNode(in_graph=value)
    given = _object(value, f"node {name}", needed={"in_graph"}, known=_NODE_KEYS)
    score = _number(given["score"], f"node {name}'s score", missing=True) if "score" in given else None
    neurons, scores = given.get("neurons"), given.get("neurons_scores")
    for what, some in (("neurons", neurons), ("neurons_scores", scores)):
        if some is not None and not (isinstance(some, list) and len(some) == circuit.d_model):
            raise RecordError(f"node {name}'s {what} are no list of {circuit.d_model}")
    return MibNode(
        in_graph=_flag(given["in_graph"], f"node {name}'s in_graph"),
        score=score,
        neurons=None if neurons is None else tuple(_flag(one, f"node {name}'s neurons") for one in neurons),
        neurons_scores=None
        if scores is None
        else tuple(_or_nan(_number(one, f"node {name}'s neurons_scores", missing=True)) for one in scores),
    )


def _edge(circuit: MibCircuit, name: str, value: Any) -> MibEdge:
    sender, receiver, into = _split(name)
    for end in (sender, receiver):
        _check_node(circuit, end)
    if bool(into) != isinstance(parse_node(receiver), tuple):
        raise RecordError(f"edge {name}: an edge into a head ends in its <q>, <k> or <v>, and no other does")
    if _depth(circuit, sender) >= _depth(circuit, receiver):
        raise RecordError(f"edge {name}: {receiver} does not read what {sender} writes, which is not earlier")
    given = _object(value, f"edge {name}", needed=_EDGE_KEYS, known=_EDGE_KEYS)
    score = _number(given["score"], f"edge {name}'s score")
    assert score is not None
    return MibEdge(in_graph=_flag(given["in_graph"], f"edge {name}'s in_graph"), score=score)


def _check_node(circuit: MibCircuit, name: str) -> None:
    node = parse_node(name)
    if isinstance(node, tuple):
        fits = node[0] < circuit.n_layers and node[1] < circuit.n_heads
    else:
        fits = not node.startswith("m") or int(node[1:]) < circuit.n_layers
    if not fits:
        raise RecordError(f"{name} is not there: cfg says {circuit.n_layers} layers of {circuit.n_heads} heads")


def _object(
    value: Any, what: str, needed: set[str] | frozenset[str] = frozenset(), known: set[str] | None = None
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RecordError(f"{what} is no JSON object")
    missing, unknown = sorted(needed - set(value)), sorted(set(value) - known) if known is not None else []
    if missing or unknown:
        said = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(unknown)}, which are not known"
        raise RecordError(f"{what} {said}")
    return value


def _flag(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise RecordError(f"{what} is {value!r}; it must be true or false")
    return value


def _number(value: Any, what: str, missing: bool = False) -> float | None:
    """A finite number; None for NaN where it may be `missing`."""
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or math.isinf(value) or (math.isnan(value) and not missing):
        raise RecordError(f"{what} is {value!r}; it must be a finite number")
    return None if math.isnan(value) else float(value)


def _or_nan(number: float | None) -> float:
    return math.nan if number is None else number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1}) if len(names) < 1000 else ["some key"]
        raise ValueError(f"{', '.join(twice)} is there twice")
    return found
