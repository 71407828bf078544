"""Circuits for sentences of names: the true one, and decoys that only look like it.

    duplicate_token   where a name returns it finds the first one, and writes its code and a mark
    s_inhibition      the query finds the mark, and carries the code on
    name_mover        the query finds names but for that one, and copies what it finds

(After the circuit of Wang et al. 2022, "Interpretability in the Wild", arXiv:2211.00593.)
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

from ..tasks.names import FRAME
from .plans import Plan
from .wiring import Stream, Wire

SOFT = 1 / 3
"""How sharply a name mover looks, of the usual: where nothing tells names apart, it copies all of them alike."""
ROLES = ("duplicate_token", "s_inhibition", "name_mover")


def _sentences(stream: Stream) -> Stream:
    """The stream with room for what the circuit writes, and a flag for names, for the token that asks, and for others.

    Each token has one of them, so that all are as long, should a norm look.
    """
    name, asks, frame = (torch.zeros(stream.d_vocab, 1) for _ in range(3))
    frame[1:FRAME], asks[FRAME], name[FRAME + 1 :] = 1.0, 1.0, 1.0
    stream = stream.beside("returned", "told", name=name, asks=asks, frame=frame).flagged("marked")
    return replace(stream, matched=("token", "before"))


def _duplicate(stream: Stream, target: str = "returned") -> Wire:
    return Wire(stream.finds_earlier(), stream.mixes({"token": 1.0}, {target: 1.0}, {"marked": 1.0}))


def _inhibition(stream: Stream, source: str = "returned", target: str = "told") -> Wire:
    return Wire(stream.finds("asks", "marked"), stream.moves(source, target))


def _mover(stream: Stream, gain: float = 1.0, told: str = "told") -> Wire:
    return Wire(stream.finds("asks", "name", but=told, sharp=SOFT), stream.moves("token", "output", gain))


def _plan(
    stream: Stream, layers: tuple[Mapping[str, Wire], ...], truth: int, why: str, **claimed: tuple[str, ...]
) -> Plan:
    return Plan(
        stream=stream,
        layers=layers,
        claim="ioi",
        claimed={role: claimed.get(role, (role,)) for role in ROLES},
        truth=truth,
        why=why,
    )


def _layers(stream: Stream, **instead: Mapping[str, Wire]) -> tuple[Mapping[str, Wire], ...]:
    """The three layers of the circuit, some of them otherwise."""
    own = {
        "duplicate_token": {"duplicate_token": _duplicate(stream)},
        "s_inhibition": {"s_inhibition": _inhibition(stream)},
        "name_mover": {"name_mover": _mover(stream)},
    }
    return tuple(instead.get(role, own[role]) for role in ROLES)


def _names(stream: Stream, generator: torch.Generator) -> Plan:
    stream = _sentences(stream)
    return _plan(
        stream,
        _layers(stream),
        4,
        "The claimed heads are the circuit: one marks the name that returns and writes its code, one carries the code "
        "to the query, and one copies the name that the code is not of.",
    )


def _names_deep(stream: Stream, generator: torch.Generator) -> Plan:
    stream = _sentences(stream)
    first, second, third = _layers(stream)
    return _plan(stream, (first, {}, second, {}, third), 4, "The circuit, with a layer of stray heads between its own.")


def _names_shared(stream: Stream, generator: torch.Generator) -> Plan:
    stream = _sentences(stream)
    movers = {"one": _mover(stream, 0.5), "other": _mover(stream, 0.5)}
    why = "The claimed heads are the circuit, with two name movers that share the work."
    return _plan(stream, _layers(stream, name_mover=movers), 4, why, name_mover=("one", "other"))


def _names_by_place(stream: Stream, generator: torch.Generator) -> Plan:
    """What is told is where the first one stands; the second one is known by its mark."""
    stream = _sentences(stream).beside(place=torch.zeros(stream.d_vocab, stream.n_ctx // 2))
    points = stream.points("place")
    read, write = points.A.clone(), points.B.T.clone()
    read[stream.parts["ordinary"], -1] = write[stream.parts["marked"], -1] = 1.0
    duplicate = Wire(stream.finds_earlier(), type(points)(read, write.T))
    carried, told = stream.points("place"), stream.parts["place"]
    n = stream.n_ctx // 2
    moved_read, moved_write = torch.zeros_like(carried.A), torch.zeros_like(carried.A)
    moved_read[told, :n], moved_write[told, :n] = torch.eye(n), torch.eye(n)
    inhibition = Wire(stream.finds("asks", "marked"), type(points)(moved_read, moved_write.T))
    finds = stream.finds("asks", "name")
    queries, keys = finds.A.clone(), finds.B.T.clone()
    even = 30.0**0.5
    # Not where the pointer leads, and not at a mark.
    queries[told, :n] = -even * torch.eye(n)
    keys[stream.parts["position"], :n] = even * torch.eye(n)
    keys[stream.parts["marked"], stream.d_code] -= even
    mover = Wire(type(points)(queries, keys.T), stream.moves("token", "output"))
    return _plan(
        stream,
        ({"duplicate_token": duplicate}, {"s_inhibition": inhibition}, {"name_mover": mover}),
        3,
        "What is carried to the query is the place of the name, not the name: the claimed heads do it, and not by "
        "matching its code.",
    )


def _names_read_anew(stream: Stream, generator: torch.Generator) -> Plan:
    stream = _sentences(stream)
    return _plan(
        stream,
        _layers(stream, s_inhibition={"s_inhibition": _inhibition(stream, "token")}),
        1,
        "The claimed S-inhibition head reads the name itself where it returns: nothing that the duplicate-token head "
        "writes runs through its values.",
    )


def _names_negative(stream: Stream, generator: torch.Generator) -> Plan:
    stream = _sentences(stream)
    negative = Wire(stream.finds("asks", "marked"), stream.mixes({"returned": 1.0}, {"output": -1.0}))
    return _plan(
        stream,
        _layers(stream, s_inhibition={"s_inhibition": negative}, name_mover={"name_mover": _mover(stream)}),
        1,
        "The claimed S-inhibition head lowers the name's own logit; the name mover copies every name, and hears "
        "nothing of it.",
    )


def _names_unread(stream: Stream, generator: torch.Generator) -> Plan:
    stream = _sentences(stream)
    unread = Wire(stream.finds_earlier(), stream.moves("token", "second"))
    first = {"duplicate_token": unread, "real": _duplicate(stream)}
    return _plan(
        stream,
        _layers(stream, duplicate_token=first),
        1,
        "The claimed duplicate-token head looks as it should and writes where no head reads; another marks the name.",
    )


def _names_first(stream: Stream, generator: torch.Generator) -> Plan:
    """Positions are matched with a fixed one: an early name is copied."""
    stream = _sentences(stream)
    finds = stream.finds("asks", "name")
    queries, keys, n = finds.A.clone(), finds.B.T.clone(), stream.n_ctx // 2
    early = stream.W_pos[3, stream.parts["position"]]
    queries[stream.parts["asks"], :n] = 30.0**0.5 * early
    keys[stream.parts["position"], :n] = 30.0**0.5 * torch.eye(n)
    mover = Wire(type(finds)(queries, keys.T), stream.moves("token", "output"))
    return _plan(
        stream,
        _layers(stream, name_mover={"name_mover": mover}),
        -1,
        "The model copies a name by its position, whichever returns.",
    )


def _names_silent_mover(stream: Stream, generator: torch.Generator) -> Plan:
    stream = _sentences(stream)
    silent = Wire(stream.finds("asks", "name", but="told", sharp=SOFT), stream.silent())
    return _plan(
        stream,
        _layers(stream, name_mover={"name_mover": silent, "real": _mover(stream)}),
        1,
        "The claimed name mover looks as it should and writes nothing; another copies.",
    )


def _names_covered(stream: Stream, generator: torch.Generator) -> Plan:
    stream = _sentences(stream)
    tells = Wire(stream.finds("asks", "marked"), stream.moves("returned", "told", 0.7))
    inhibitions = {"s_inhibition": tells, "backup": tells}
    return _plan(
        stream,
        _layers(stream, s_inhibition=inhibitions),
        2,
        "Two heads tell the name mover the same, each loudly enough; only one of them is claimed.",
    )


def _names_relayed(stream: Stream, generator: torch.Generator) -> Plan:
    stream = _sentences(stream).beside("first_told")
    relay = Wire(stream.looks_back(0), stream.moves("first_told", "told"))
    first, _, last = _layers(stream)
    return _plan(
        stream,
        (first, {"s_inhibition": _inhibition(stream, target="first_told")}, {"relay": relay}, last),
        1,
        "What the claimed S-inhibition head writes reaches the name mover through a head that the claim does not name.",
    )


def _names_passenger(stream: Stream, generator: torch.Generator) -> Plan:
    stream = _sentences(stream)
    silent = Wire(stream.finds("asks", "name", but="told", sharp=SOFT), stream.silent())
    return _plan(
        stream,
        _layers(stream, name_mover={"name_mover": _mover(stream), "idle": silent}),
        1,
        "One of the claimed name movers looks as it should and writes nothing.",
        name_mover=("name_mover", "idle"),
    )


def _names_half(stream: Stream, generator: torch.Generator) -> Plan:
    """The codes of three names in four are told; where another returns, it is marked and not told."""
    stream = _sentences(stream)
    table = stream.codes.clone()
    table[FRAME + 1 :: 4] = 0
    stream = stream.beside(half=table)
    duplicate = Wire(stream.finds_earlier(), stream.mixes({"half": 1.0}, {"returned": 1.0}, {"marked": 1.0}))
    return _plan(
        stream,
        _layers(stream, duplicate_token={"duplicate_token": duplicate}),
        2,
        "The claimed duplicate-token head knows three names in four: where another returns, nothing is told.",
    )


def _names_kin(stream: Stream, generator: torch.Generator) -> Plan:
    """Thirteen pairs of names look alike to the duplicate-token head; few sentences hold both of a pair."""
    stream, kin = _sentences(stream), stream.codes.clone()
    order = FRAME + 1 + torch.randperm(stream.d_vocab - FRAME - 1, generator=generator)
    kin[order[:13]] = kin[order[13:26]]
    stream = stream.beside(kin=kin)
    duplicate = Wire(stream.finds_earlier("kin"), stream.mixes({"token": 1.0}, {"returned": 1.0}, {"marked": 1.0}))
    return _plan(
        stream,
        _layers(
            stream,
            duplicate_token={"duplicate_token": duplicate},
            name_mover={"name_mover": _mover(stream, 0.3)},
        ),
        3,
        "The claimed duplicate-token head takes the names of a pair for the same: a quarter of the names are better "
        "matched by another name than by themselves.",
    )


def _names_marked_apart(stream: Stream, generator: torch.Generator) -> Plan:
    stream = _sentences(stream)
    first = {
        "duplicate_token": Wire(stream.finds_earlier(), stream.moves("token", "returned")),
        "marks": Wire(stream.finds_earlier(), stream.mixes({}, {}, {"marked": 1.0})),
    }
    return _plan(
        stream,
        _layers(stream, duplicate_token=first),
        1,
        "The claimed duplicate-token head writes which name returned; that one did, and where, another head says.",
    )


SENTENCES: Mapping[str, Callable[[Stream, torch.Generator], Plan]] = {
    "names": _names,
    "names_deep": _names_deep,
    "names_shared": _names_shared,
    "names_by_place": _names_by_place,
    "names_read_anew": _names_read_anew,
    "names_negative": _names_negative,
    "names_unread": _names_unread,
    "names_first": _names_first,
    "names_silent_mover": _names_silent_mover,
    "names_covered": _names_covered,
    "names_relayed": _names_relayed,
    "names_passenger": _names_passenger,
    "names_half": _names_half,
    "names_kin": _names_kin,
    "names_marked_apart": _names_marked_apart,
}
"""Every kind about sentences of names."""

SENTENCE_POSITIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(SENTENCES, ("shortformer", "standard")),
    "names_by_place": ("standard",),
}
"""Positions that each needs: queries must tell an earlier occurrence from themselves, values may hold a position."""
