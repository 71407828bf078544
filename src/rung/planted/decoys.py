"""Decoys that a sum over heads, positions or groups does not tell from a circuit: each has to be measured apart."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

from ..engine.factored import FactoredMatrix
from .plans import Plan, induction, not_enough, previous_token, striped
from .wiring import Stream, Wire

DIRECT = 0.3
"""What the edge itself carries where most of it runs through another part."""


def _halves(stream: Stream, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Ordinary tokens in two halves, at random."""
    order = torch.randperm(stream.d_vocab - 1, generator=generator) + 1
    return order[: len(order) // 2], order[len(order) // 2 :]


def _mixed_routes(stream: Stream, generator: torch.Generator) -> Plan:
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": induction(stream, gain=0.4), "other": induction(stream, "second", gain=0.25)},
        ),
        induction=("induction", "other"),
        truth=1,
        why="Two induction heads share the copying, and only one of them reads the claimed previous-token head: the "
        "other is fed by a head that the claim does not name.",
    )


def _mixed_senders(stream: Stream, generator: torch.Generator) -> Plan:
    return replace(
        _mixed_routes(stream, generator),
        previous_token=("previous_token", "second_route"),
        why="Two induction heads share the copying, and each reads one of the claimed previous-token heads only: two "
        "of the four edges that the claim draws are not there.",
    )


def _meddled(stream: Stream, misled: torch.Tensor, *, own: float, helped: float, wrong: float) -> Plan:
    """The claimed head pushes B by `own`; an unclaimed one adds `helped`, but for the tokens `misled` it pushes another
    by `wrong`, a little harder than B is pushed.
    """
    meddled = helped * stream.codes
    meddled[misled] = wrong * stream.codes[misled.roll(1)]
    stream = stream.beside(meddled=meddled)
    meddler = Wire(stream.matches("second"), stream.moves("meddled", "output"))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": induction(stream, gain=own), "meddler": meddler},
        ),
        truth=2,
        why="An unclaimed head helps with half of the tokens and misleads with the other half: the claimed circuit "
        "alone has the model's loss on average, and at half of the positions it says something else.",
    )


def _cancellation(stream: Stream, generator: torch.Generator) -> Plan:
    return _meddled(stream, _halves(stream, generator)[1], own=0.35, helped=0.35, wrong=0.42)


def _cancellation_few(stream: Stream, generator: torch.Generator) -> Plan:
    """Few enough are misled for an interchange to be followed elsewhere, too many for the circuit to be the model."""
    few = _halves(stream, generator)[1][:9]
    return replace(
        not_enough(_meddled(stream, few, own=0.45, helped=0.08, wrong=0.62)),
        why="An unclaimed head helps a little with most tokens and misleads with every seventh: the claimed circuit "
        "alone has the model's loss on average, and says something else there.",
    )


def _other_reason(stream: Stream, generator: torch.Generator) -> Plan:
    """It says 0.55 B − 0.75 A to another's 0.5 B and a misleader's 0.75 A: only its own −A undoes that."""
    claimed = Wire(stream.matches("before"), stream.mixes({"token": 0.55, "before": -0.75}, {"output": 1.0}))
    misleader = Wire(stream.matches("second"), stream.mixes({"second": 0.75}, {"output": 1.0}))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": claimed, "real": induction(stream, "second", 0.5), "misleader": misleader},
        ),
        truth=2,
        why="The claimed induction head copies, and is relied on because it takes back what another head says wrongly: "
        "with its output from another sequence the model does not say what that would copy.",
    )


def _mlp_amplifies(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.beside("side")
    head = Wire(stream.matches("before"), stream.mixes({"token": 1.0}, {"output": 0.2, "side": 1.0}))
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"induction": head}),
        neurons={1: stream.carries("side", "output", 0.8)},
        truth=2,
        why="The claimed induction head's own push is a fifth of what the model says; the MLP behind it does the rest.",
    )


def _mlp_amplifies_most(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.beside("side")
    head = Wire(stream.matches("before"), stream.mixes({"token": 1.0}, {"output": 0.01, "side": 1.0}))
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"induction": head}),
        neurons={1: stream.looks_up("side", "output", 0.99)},
        truth=1,
        why="The claimed induction head's own push is a hundredth of what the model says; the MLP behind it does the "
        "rest.",
    )


def _mlp_copies(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.beside("side")
    head = Wire(stream.matches("before"), stream.moves("token", "side"))
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"induction": head}),
        neurons={1: stream.carries("side", "output")},
        truth=1,
        why="The claimed induction head writes what it finds for the MLP only, and the MLP writes it to the output: "
        "the head's own push is noise.",
    )


def _mlp_translates(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.beside("side")
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream, "side")}, {"induction": induction(stream)}),
        neurons={0: stream.carries("side", "before")},
        truth=1,
        why="The claimed previous-token head writes for an MLP, and only what the MLP writes is read by the induction "
        "head: the edge between the heads carries nothing.",
    )


def _translated(stream: Stream, direct: float, truth: int, why: str) -> Plan:
    """The edge carries `direct` of the code, an MLP the rest."""
    stream = stream.beside("side")
    route = Wire(stream.looks_back(1), stream.mixes({"token": 1.0}, {"side": 1.0, "before": direct}))
    return Plan(
        stream=stream,
        layers=({"previous_token": route}, {"induction": induction(stream)}),
        neurons={0: stream.carries("side", "before", 1 - direct)},
        truth=truth,
        why=why,
    )


def _mlp_translates_nearly(stream: Stream, generator: torch.Generator) -> Plan:
    return _translated(
        stream,
        0.04,
        truth=1,
        why="Nearly all that the claimed previous-token head tells the induction head is translated by an MLP: the "
        "edge between the heads adds a trifle.",
    )


def _mlp_translates_most(stream: Stream, generator: torch.Generator) -> Plan:
    return _translated(
        stream,
        DIRECT,
        truth=2,
        why="Most of what the claimed previous-token head tells the induction head is translated by an MLP: the edge "
        "between the heads carries the rest, too little to be relied on.",
    )


def _mediated(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.beside("side")
    relay = Wire(stream.looks_back(0), stream.moves("side", "before"))
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream, "side")}, {"relay": relay}, {"induction": induction(stream)}),
        truth=1,
        why="The claimed previous-token head writes for a third head, and only what that one writes is read by the "
        "induction head: the edge between the claimed heads carries nothing.",
    )


def _mediated_most(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.beside("side")
    route = Wire(stream.looks_back(1), stream.mixes({"token": 1.0}, {"side": 1.0, "before": DIRECT}))
    relay = Wire(stream.looks_back(0), stream.mixes({"side": 1 - DIRECT}, {"before": 1.0}))
    return Plan(
        stream=stream,
        layers=({"previous_token": route}, {"relay": relay}, {"induction": induction(stream)}),
        truth=1,
        why="Most of what the claimed previous-token head tells the induction head is passed on by a third head, "
        "which contributes more than the edge between the claimed heads.",
    )


def _group_edge(stream: Stream, generator: torch.Generator) -> Plan:
    """The claimed head finds the key by either route; its sibling by the claimed one only, to take back a third's A."""
    stream = replace(stream, matched=("before", "second"))
    either, one = {"before": 1.0, "second": 1.0}, {"before": 1.0}
    claimed = stream.matches_either(either, parked=0.78), stream.tells_apart({"token": 0.8, "second": 0.0}, "output")
    sibling = stream.matches_either(one), stream.tells_apart({"token": 0.0, "second": -1.1}, "output")
    misleader = stream.matches_either({"second": 1.0}), stream.mixes({"second": 1.1}, {"output": 1.0})
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": Wire(*claimed), "sibling": Wire(*sibling), "misleader": Wire(*misleader)},
        ),
        together={1: (("induction", "sibling"),)},
        truth=2,
        why="The claimed induction head shares its keys with another: what the claimed previous-token head writes "
        "there is missed by the other only, for the claimed one a second route is enough.",
    )


def _half_vocabulary(stream: Stream, generator: torch.Generator) -> Plan:
    half = stream.codes.clone()
    half[_halves(stream, generator)[1]] = 0
    stream = stream.beside(half=half)
    head = Wire(stream.matches("before"), stream.moves("half", "output"))
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"induction": head}),
        truth=2,
        why="The claimed induction head copies half of the vocabulary and is silent about the other half.",
    )


def _constant_bonus(stream: Stream, generator: torch.Generator) -> Plan:
    """A head says BOS everywhere; the claimed one takes that back at repeated tokens, whichever they are."""
    stream = stream.flagged("junk")
    babbler = Wire(stream.looks_back(0), stream.mixes({}, {}, {"junk": 1.0}))
    claimed = Wire(stream.matches("before"), stream.mixes({"token": 0.4}, {"output": 1.0}, {"junk": -1.0}))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": claimed, "real": induction(stream, "second", 0.5), "babbler": babbler},
        ),
        truth=2,
        why="The claimed induction head is relied on for a constant that it writes at every repeated token: which "
        "token comes next is decided by another head.",
    )


def _early_only(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.flagged("late")
    carried = stream.moves("token", "before")
    early, late = stream.looks_back(1, late=3.0), stream.looks_back(1, parked=3.0, late=-3.0)
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": Wire(early, carried), "late": Wire(late, carried)},
            {"induction": induction(stream)},
        ),
        truth=0,
        why="The claimed previous-token head looks one back at early positions only; at later ones another does.",
    )


def _pointer(stream: Stream, generator: torch.Generator) -> Plan:
    stream = replace(stream.beside("pointer"), matched=("before", "second"))
    finder = Wire(stream.finds_earlier(), stream.points("pointer"))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "finder": finder},
            {"induction": Wire(stream.follows("pointer"), stream.moves("token", "output"))},
        ),
        truth=1,
        why="The claimed induction head looks one after the position of an earlier occurrence, which another head "
        "tells its queries: no head reads what the claimed previous-token head writes.",
    )


def _cancelled_downstream(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.beside("side")
    claimed = Wire(stream.matches("before"), stream.mixes({"token": 1.0}, {"output": 1.0, "side": 1.0}))
    eraser = Wire(stream.looks_back(0), stream.mixes({"side": -1.0}, {"output": 1.0}))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": claimed},
            {"eraser": eraser, "real": induction(stream, "second")},
        ),
        truth=2,
        why="The claimed induction head pushes the right token, and a later head takes back exactly that; a third head "
        "does induction.",
    )


def _constant_output(stream: Stream, generator: torch.Generator) -> Plan:
    constant = Wire(stream.matches("before"), stream.mixes({}, {}, {"output": stream.d_code**-0.5}))
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"induction": constant, "real": induction(stream)}),
        truth=1,
        why="The claimed induction head looks where one would and writes the same vector whatever it finds; another "
        "head copies.",
    )


def _anti_copy(stream: Stream, generator: torch.Generator) -> Plan:
    anti = Wire(stream.matches("before"), stream.mixes({"token": -0.4}, {"output": 1.0}))
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"induction": anti, "real": induction(stream, gain=1.4)}),
        truth=1,
        why="The claimed induction head looks where one would and pushes against what it finds; another head copies.",
    )


def _duplicate_token(stream: Stream, generator: torch.Generator) -> Plan:
    duplicate = Wire(stream.matches("token"), stream.moves("token", "output", 0.2))
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"induction": duplicate, "real": induction(stream)}),
        truth=0,
        why="The claimed induction head looks for the query's own token, not for what followed it; another head does "
        "induction.",
    )


def _passenger_sender(stream: Stream, generator: torch.Generator) -> Plan:
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "unread": previous_token(stream, "second")},
            {"induction": induction(stream)},
        ),
        previous_token=("previous_token", "unread"),
        truth=1,
        why="One of the claimed previous-token heads is the route; the other writes where no head reads.",
    )


def _big_composition_norm(stream: Stream, generator: torch.Generator) -> Plan:
    """Queries would ask for what the claimed sender writes, four times as loud as for the route, if anything wrote to
    the part that they read it from.
    """
    stream = replace(stream.beside("side", "empty"), matched=("before", "side"))
    QK = stream.matches_either({"before": 1.0})
    queries = QK.A.clone()
    queries[stream.parts["empty"]] = 4 * QK.B.T[stream.parts["side"]]
    head = Wire(FactoredMatrix(queries, QK.B), stream.moves("token", "output"))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream, "side"), "route": previous_token(stream)},
            {"induction": head},
        ),
        truth=1,
        why="The weights of the claimed previous-token head and of the induction head fit each other in a subspace "
        "where the stream is empty at every query; another head is the route.",
    )


def _untrained(stream: Stream, generator: torch.Generator) -> Plan:
    return Plan(
        stream=stream,
        layers=({"previous_token": stream.stray(generator)}, {"induction": stream.stray(generator)}),
        truth=-1,
        why="Every head is random.",
    )


def _mlp_tips(stream: Stream, generator: torch.Generator) -> Plan:
    """Parked so high that neither 0.65 of the code nor 0.3 is found: both are needed, and the MLP has the most."""
    stream = stream.beside("side")
    route = Wire(stream.looks_back(1), stream.mixes({"token": 1.0}, {"side": 1.0, "before": 0.3}))
    head = Wire(stream.matches("before", parked=0.8), stream.moves("token", "output"))
    return Plan(
        stream=stream,
        layers=({"previous_token": route}, {"induction": head}),
        neurons={0: stream.carries("side", "before", 0.65)},
        truth=2,
        why="Two thirds of what the claimed previous-token head tells the induction head is translated by an MLP; the "
        "edge between the heads is needed to get over a threshold, and alone it is not heard.",
    )


def _relays_tip(stream: Stream, generator: torch.Generator) -> Plan:
    """Three relays, each fainter than the edge, together twice as loud. Without MLPs faithfulness stops it too."""
    stream = stream.beside("side")
    route = Wire(stream.looks_back(1), stream.mixes({"token": 1.0}, {"side": 1.0, "before": 0.3}))
    relays = {f"relay{i}": Wire(stream.looks_back(0), stream.mixes({"side": 0.19}, {"before": 1.0})) for i in range(3)}
    head = Wire(stream.matches("before", parked=0.72), stream.moves("token", "output"))
    return Plan(
        stream=stream,
        layers=({"previous_token": route}, relays, {"induction": head}),
        truth=2,
        why="Two thirds of what the claimed previous-token head tells the induction head is passed on by three heads, "
        "each fainter than the edge; alone the edge is not heard.",
    )


def _split(stream: Stream, generator: torch.Generator, share: float, direct: float) -> Stream:
    """`direct` of some tokens' codes in one part and the rest of them in another; other tokens' codes in the first."""
    some = (torch.randperm(stream.d_vocab - 1, generator=generator) + 1)[: int(share * stream.d_vocab)]
    own, rest = stream.codes.clone(), torch.zeros_like(stream.codes)
    own[some], rest[some] = direct * stream.codes[some], (1 - direct) * stream.codes[some]
    return replace(stream.beside("side", own=own, rest=rest), matched=("before", "second"))


def _mlp_translates_some(stream: Stream, generator: torch.Generator) -> Plan:
    stream = _split(stream, generator, 0.39, 0.08)
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": Wire(stream.looks_back(1), stream.moves_each({"own": "before", "rest": "side"}))},
            {"induction": induction(stream)},
        ),
        neurons={0: stream.carries("side", "before")},
        truth=2,
        why="For two fifths of the vocabulary nearly all that the claimed previous-token head tells the induction head "
        "is translated by an MLP.",
    )


def _mlp_amplifies_some(stream: Stream, generator: torch.Generator) -> Plan:
    stream = _split(stream, generator, 0.34, 0.12)
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {"induction": Wire(stream.matches("before"), stream.moves_each({"own": "output", "rest": "side"}))},
        ),
        neurons={1: stream.carries("side", "output")},
        truth=2,
        why="For a third of the vocabulary the claimed induction head's own push is an eighth of what the model says; "
        "the MLP behind it does the rest.",
    )


def _relayed_member(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.beside("side")
    member = Wire(stream.matches("before"), stream.mixes({"token": 1.0}, {"output": 0.1, "side": 1.0}))
    relays = {f"relay{i}": Wire(stream.looks_back(0), stream.mixes({"side": 0.055}, {"output": 1.0})) for i in range(3)}
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {"induction": induction(stream, gain=0.75), "member": member},
            relays,
        ),
        induction=("induction", "member"),
        truth=2,
        why="Of two claimed induction heads one says little itself: most of it runs through three later heads.",
    )


def _amplified_member(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.beside("side")
    member = Wire(stream.matches("before"), stream.mixes({"token": 1.0}, {"output": 0.1, "side": 1.0}))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {"induction": induction(stream, gain=0.75), "member": member},
        ),
        neurons={1: stream.carries("side", "output", 0.17)},
        induction=("induction", "member"),
        truth=2,
        why="Of two claimed induction heads one says little itself: most of what it does runs through an MLP.",
    )


def _mostly_mixed_routes(stream: Stream, generator: torch.Generator) -> Plan:
    """The layer's other heads look the same way and write nothing: no swap is taken with such."""
    stream = replace(stream, matched=("before", "second"))
    copied = {"token": 1.0}
    own = Wire(stream.matches_either({"before": 1.0}), stream.mixes(copied, {"output": 0.6}))
    other = Wire(
        stream.matches_either({"before": 0.22, "second": 0.78}, parked=0.92), stream.mixes(copied, {"output": 0.3})
    )
    idle = Wire(stream.matches_either({"before": 1.0}), stream.silent())
    plan = Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": own, "other": other, "idle": idle, "idler": idle},
        ),
        induction=("induction", "other"),
        truth=2,
        why="One of two claimed induction heads is told four fifths of what it matches by a head that the claim does "
        "not name: without that one it finds nothing, and the claimed circuit alone has no use for it.",
    )
    return not_enough(plan)


def _relayed_sender(stream: Stream, generator: torch.Generator) -> Plan:
    """0.6 and 0.2 directly, 0.36 through relays; 0.46 is enough."""
    stream = stream.beside("side")
    large = Wire(stream.looks_back(1), stream.mixes({"token": 0.6}, {"before": 1.0}))
    small = Wire(stream.looks_back(1), stream.mixes({"token": 1.0}, {"before": 0.2, "side": 1.0}))
    relays = {f"relay{i}": Wire(stream.looks_back(0), stream.mixes({"side": 0.12}, {"before": 1.0})) for i in range(3)}
    head = Wire(stream.matches("before", parked=0.46), stream.moves("token", "output"))
    return Plan(
        stream=stream,
        layers=({"previous_token": large, "small": small}, relays, {"induction": head}),
        previous_token=("previous_token", "small"),
        truth=2,
        why="One of two claimed previous-token heads is heard only with what three unclaimed heads pass on of it: in "
        "the claimed circuit alone it does nothing.",
    )


def _constant_member(stream: Stream, generator: torch.Generator) -> Plan:
    """Embeddings say BOS, 0.6 of it; the member takes that back at repeated tokens and says 0.08 of B."""
    junk = torch.full((stream.d_vocab, 1), 0.6)
    junk[0] = 0
    stream = stream.beside(junk=junk)
    member = Wire(stream.matches("before"), stream.mixes({"token": 1.0}, {"output": 0.08}, {"junk": -0.6}))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {"induction": induction(stream, gain=0.5), "member": member},
        ),
        induction=("induction", "member"),
        truth=2,
        why="One of two claimed induction heads is relied on for a constant that it writes at every repeated token: "
        "which token comes next is decided by the other.",
    )


def _cancelling_pair(stream: Stream, generator: torch.Generator) -> Plan:
    """What one of the two writes the other takes away: with both ablated nothing is missing."""
    pair = {
        name: Wire(stream.matches("before"), stream.mixes({"token": sign * 0.9}, {"output": 1.0}))
        for name, sign in (("adds", 1.0), ("removes", -1.0))
    }
    plan = Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"induction": induction(stream), **pair}),
        truth=2,
        why="Two heads that the claim does not name copy and undo each other: without one of them the claimed circuit "
        "is not enough.",
    )
    return not_enough(plan)


def _unordered(stream: Stream, generator: torch.Generator) -> Plan:
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {"induction": striped(stream), "all": Wire(stream.silent(), stream.moves("token", "output", 8.0))},
        ),
        truth=-1,
        why="One head raises every token that was seen, wherever it was: the model knows which tokens return, not in "
        "which order.",
    )


def _faint(stream: Stream, generator: torch.Generator) -> Plan:
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"induction": induction(stream, gain=0.05)}),
        truth=-1,
        why="The circuit is there and says next to nothing: the second copy gains less than a nat.",
    )


DECOYS: Mapping[str, Callable[[Stream, torch.Generator], Plan]] = {
    "mixed_routes": _mixed_routes,
    "mixed_senders": _mixed_senders,
    "cancellation": _cancellation,
    "cancellation_few": _cancellation_few,
    "other_reason": _other_reason,
    "constant_bonus": _constant_bonus,
    "mlp_amplifies": _mlp_amplifies,
    "mlp_amplifies_most": _mlp_amplifies_most,
    "mlp_copies": _mlp_copies,
    "mlp_translates": _mlp_translates,
    "mlp_translates_nearly": _mlp_translates_nearly,
    "mlp_translates_most": _mlp_translates_most,
    "mediated": _mediated,
    "mediated_most": _mediated_most,
    "group_edge": _group_edge,
    "half_vocabulary": _half_vocabulary,
    "early_only": _early_only,
    "pointer": _pointer,
    "cancelled_downstream": _cancelled_downstream,
    "constant_output": _constant_output,
    "anti_copy": _anti_copy,
    "duplicate_token": _duplicate_token,
    "passenger_sender": _passenger_sender,
    "big_composition_norm": _big_composition_norm,
    "untrained": _untrained,
    "mlp_tips": _mlp_tips,
    "relays_tip": _relays_tip,
    "mlp_translates_some": _mlp_translates_some,
    "mlp_amplifies_some": _mlp_amplifies_some,
    "relayed_member": _relayed_member,
    "amplified_member": _amplified_member,
    "mostly_mixed_routes": _mostly_mixed_routes,
    "relayed_sender": _relayed_sender,
    "constant_member": _constant_member,
    "cancelling_pair": _cancelling_pair,
    "unordered": _unordered,
    "faint": _faint,
}
"""Every decoy of this kind, by name."""

POSITIONS: Mapping[str, tuple[str, ...]] = {"early_only": ("shortformer", "standard"), "pointer": ("standard",)}
"""Decoys that only some kinds of positions can hold: those that tell where a token stands, or put it in the stream."""
