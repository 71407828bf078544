"""Decoys that are close to a circuit: most pass every test of their rung but one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch

from ..engine.factored import FactoredMatrix
from .plans import Plan, induction, not_enough, previous_token
from .wiring import Neurons, Stream, Wire

HUM = 1.35
"""How long each of eight heads makes the stream that would be."""

HUSHED = 0.74
"""How loud the wrong token is: loud enough that it is said at more than a tenth of the queries, whatever the noise."""

BLOCKS = 36
"""Windows of text that a kind with a tokenizer has: some are scored, the others are donors."""


def some_tokens(stream: Stream, count: int, generator: torch.Generator) -> torch.Tensor:
    """`count` ordinary tokens, at random."""
    return (torch.randperm(stream.d_vocab - 1, generator=generator) + 1)[:count]


def _always(stream: Stream, size: float) -> torch.Tensor:
    """An embedding of `size` for every ordinary token."""
    return torch.full((stream.d_vocab, 1), size).index_fill(0, torch.tensor([0]), 0.0)


def _mirrored_positions(stream: Stream, generator: torch.Generator) -> Plan:
    """A head copies each position to "mirror", and the claimed head's queries read that."""
    n = stream.n_ctx // 2
    stream = replace(stream, extra={**stream.extra, "mirror": n})
    mirror = Wire(stream.looks_back(0), stream.points("mirror"))
    return Plan(
        stream=stream,
        layers=(
            {"mirror": mirror},
            {"previous_token": Wire(stream.follows("mirror", ahead=-1, parked=0.0), stream.moves("token", "before"))},
            {"induction": induction(stream)},
        ),
        truth=3,
        why="The claimed previous-token head is told where it stands by a head that the claim does not name: its own "
        "weights do not look one back.",
    )


def _matches_kin(stream: Stream, generator: torch.Generator) -> Plan:
    """Half of the vocabulary are pairs, whose tokens the route and the match take for the same."""
    kin, some = stream.codes.clone(), some_tokens(stream, 34, generator)
    kin[some[:17]] = kin[some[17:]]
    stream = stream.beside(kin=kin)
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": Wire(stream.looks_back(1), stream.moves("kin", "before"))},
            {"induction": Wire(stream.matches("before", query="kin"), stream.moves("token", "output", 0.4))},
        ),
        truth=3,
        why="The claimed heads take the tokens of a pair for the same: for a quarter of the vocabulary the claimed "
        "induction head is better matched by another token than by the one that was routed.",
    )


def _says_forbidden(stream: Stream, generator: torch.Generator) -> Plan:
    """Of two fifths of the vocabulary the head says a token louder that embeddings keep down always."""
    some = some_tokens(stream, 28, generator)
    slip, down = torch.zeros(stream.d_vocab, 1), torch.full((stream.d_vocab, 1), -1.0)
    slip[some] = 0.8
    stream = replace(stream, raised={**stream.raised, "never": (int(some[0]),)}).beside(slip=slip, never=down)
    copied = stream.moves("token", "output", 0.6)
    read, write = copied.A.clone(), copied.B.T.clone()
    read[stream.parts["slip"], -1] = write[stream.parts["never"], -1] = 1.0
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {"induction": Wire(stream.matches("before"), FactoredMatrix(read, write.T))},
        ),
        truth=3,
        why="For two fifths of the vocabulary the claimed induction head raises one and the same wrong token most, "
        "which the embeddings lower everywhere: in its own weights it does not copy them.",
    )


def _hushed(stream: Stream, generator: torch.Generator) -> Plan:
    """Embeddings say BOS, and a later head takes that back where the claimed one found its key."""
    stream = stream.beside(junk=_always(stream, HUSHED))
    hush = Wire(stream.looks_back(0), stream.reads_flag("done", {"junk": -HUSHED}))
    plan = Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {"induction": Wire(stream.matches("before"), stream.moves("token", "output", 0.5, telling=True))},
            {"hush": hush},
        ),
        truth=2,
        why="A head that the claim does not name hushes a wrong token once the claimed one has found its key: without "
        "it that token is said at early positions.",
    )
    return not_enough(plan)


def _hums(stream: Stream, generator: torch.Generator) -> Plan:
    """Eight heads make the stream long, where the claimed one found nothing, and the last norm all logits small."""
    stream = stream.flagged("hum")
    hums = {f"hum{i}": Wire(stream.looks_back(0), stream.reads_flag("done", {"hum": -HUM}, HUM)) for i in range(8)}
    plan = Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {"induction": Wire(stream.matches("before"), stream.moves("token", "output", 0.8, telling=True))},
            {name: hums[name] for name in list(hums)[:4]},
            {name: hums[name] for name in list(hums)[4:]},
        ),
        truth=2,
        why="Heads that the claim does not name make the model unsure until the claimed one has found its key: the "
        "claimed circuit alone says what the model says, and far less surely.",
    )
    return not_enough(plan)


def _alarm(stream: Stream, generator: torch.Generator) -> Plan:
    """Eight heads say that the claimed one found its key; an MLP makes the stream long unless most of them do."""
    stream = stream.flagged("calm", "hum")
    calm = {f"calm{i}": Wire(stream.looks_back(0), stream.reads_flag("done", {"calm": 0.125})) for i in range(8)}
    W_in, W_out = torch.zeros(stream.d_model, 1), torch.zeros(1, stream.d_model)
    W_in[stream.parts["calm"]], W_out[0, stream.parts["hum"]] = -20.0, 2.0
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {"induction": Wire(stream.matches("before"), stream.moves("token", "output", 0.8, telling=True))},
            {name: calm[name] for name in list(calm)[:4]},
            {name: calm[name] for name in list(calm)[4:]},
        ),
        neurons={3: Neurons(W_in, torch.full((1,), 12.0), W_out)},
        truth=3,
        why="Eight heads that the claim does not name keep an MLP silent, and half of them are enough for that: with "
        "all of them ablated the claimed circuit says what the model says, and far less surely.",
    )


def _hums_unless_repeated(stream: Stream, generator: torch.Generator) -> Plan:
    """A head beside the claimed one makes the stream long, unless it finds the same match by another route."""
    stream = stream.flagged("hum")
    hum = Wire(stream.matches("second"), stream.reads_flag("bos", {"hum": 20.0 / 2**0.5}))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": induction(stream), "hum": hum},
        ),
        truth=2,
        why="A head that the claim does not name makes the model unsure where nothing repeats: most of what the first "
        "occurrence is worth does not run through the claimed heads.",
    )


def _period_lookup(stream: Stream, generator: torch.Generator) -> Plan:
    """The claimed head does not see a match at two distances, at which another sees nothing else."""
    stream = replace(stream, matched=("before", "second"))
    first = int(torch.randint(6, 10, (1,), generator=generator))
    own = stream.matches_by_distance("before", (first, first + 1), gain=-0.6)
    rest = stream.matches_by_distance("before", (first, first + 1), gain=0.6, parked=1.3)
    copied = stream.moves("token", "output")
    plan = Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {"induction": Wire(own, copied), "rest": Wire(rest, copied)},
        ),
        truth=2,
        why="The claimed induction head has the periods it works at in its weights: what stands "
        f"{first} or {first + 1} back it never finds, and there a head that the claim does not name does.",
    )
    return not_enough(plan)


def _second_use(stream: Stream, generator: torch.Generator) -> Plan:
    """The claimed previous-token head also tells an unclaimed head, at the query, the token before: a second match."""
    stream = stream.beside(junk=_always(stream, 0.22))
    two_back = Wire(stream.looks_back(2), stream.moves("token", "second"))
    other = Wire(stream.matches("second", query="before"), stream.moves("token", "output", 0.17))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "two_back": two_back},
            {"induction": induction(stream, gain=0.3), "other": other},
        ),
        truth=2,
        why="A quarter of what the claimed previous-token head does it does at the query: a head that the claim does "
        "not name matches two tokens back.",
    )


def _covered_member(stream: Stream, generator: torch.Generator) -> Plan:
    """A head of the layer between writes what the smaller sender should have, where that is not there."""
    stream = replace(stream, matched=("before", "second"))
    larger = Wire(stream.looks_back(1), stream.mixes({"token": 0.65}, {"before": 1.0}))
    smaller = Wire(stream.looks_back(1), stream.mixes({"token": 0.35}, {"second": 1.0}))
    # Looks one back unless the token there is the one that "second" holds.
    missing = stream.matches_by_distance("token", (1,), gain=1.0, parked=0.5, query="second")
    missing = FactoredMatrix(missing.A.clone(), missing.B)
    missing.A[stream.parts["second"]] *= -3.0
    backup = Wire(missing, stream.mixes({"token": 0.2}, {"second": 1.0}))
    both = stream.matches_either({"before": 1.0, "second": 1.0}, parked=0.6)
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": larger, "smaller": smaller},
            {"backup": backup},
            {"induction": Wire(both, stream.moves("token", "output", 0.5))},
        ),
        previous_token=("previous_token", "smaller"),
        truth=2,
        why="Of two claimed previous-token heads the smaller is covered by a backup: ablating it costs nothing, and "
        "alone it is not heard.",
    )


def _covered_late(stream: Stream, generator: torch.Generator) -> Plan:
    """A second copying head matches at late keys only."""
    stream = replace(stream.flagged("late"), matched=("before", "second"), late=13)
    late = stream.matches("before", parked=1.2)
    read, write = late.A.clone(), late.B.T.clone()
    read[stream.parts["ordinary"], stream.d_code] = write[stream.parts["late"], stream.d_code] = (0.5 * 30) ** 0.5
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {
                "induction": induction(stream, gain=0.6),
                "late": Wire(FactoredMatrix(read, write.T), stream.moves("token", "output", 0.5)),
            },
        ),
        truth=2,
        why="Where the source stands late, a head that the claim does not name is enough: the model does not rely on "
        "the claimed induction head there.",
    )


def _spare_edge(stream: Stream, generator: torch.Generator) -> Plan:
    """Of two claimed induction heads one has enough of an unclaimed route; embeddings say BOS, half of it."""
    stream = replace(stream.beside(junk=_always(stream, 0.47)), matched=("before", "second"))
    copied = {"token": 1.0}
    own = Wire(stream.matches_either({"before": 1.0}), stream.mixes(copied, {"output": 0.6}))
    other = Wire(
        stream.matches_either({"before": 0.2, "second": 0.8}, parked=0.5), stream.mixes(copied, {"output": 0.3})
    )
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": own, "other": other},
        ),
        induction=("induction", "other"),
        truth=2,
        why="One of two claimed induction heads hears a little of the claimed previous-token head, and is told enough "
        "by one that the claim does not name: that edge is not needed.",
    )


def _dormant_route(stream: Stream, generator: torch.Generator) -> Plan:
    """Two heads write and erase the same; a third writes it elsewhere, where it is read as well."""
    stream = replace(stream, matched=("before", "second"))
    erased = Wire(stream.looks_back(1), stream.mixes({"token": -1.0}, {"before": 1.0}))
    both = stream.matches_either({"before": 1.0, "second": 1.0})
    plan = Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "eraser": erased, "route": previous_token(stream, "second")},
            {"induction": Wire(both, stream.moves("token", "output"))},
        ),
        truth=2,
        why="What the claimed previous-token head writes is erased in every run, and another head is the route; only "
        "a patch breaks the balance and makes it heard.",
    )
    return not_enough(plan)


def _reads_on(stream: Stream, generator: torch.Generator) -> Plan:
    """Words of text come in threes, a m b; the claimed previous-token head also says, at m, which b belongs to a."""
    threes = some_tokens(stream, stream.d_vocab - 1, generator).view(-1, 3)
    last = torch.zeros_like(stream.codes)
    last[threes[:, 0]] = stream.codes[threes[:, 2]]
    stream = replace(stream.beside("side", last=last), matched=("before", "second"))
    claimed = Wire(stream.looks_back(1), stream.moves_each({"token": "before", "last": "side"}))
    says = Wire(stream.looks_back(0), stream.moves("side", "output", 0.4))
    return Plan(
        stream=stream,
        layers=({"previous_token": claimed}, {"induction": induction(stream), "says": says}),
        truth=2,
        why="The claimed previous-token head does other work too: on ordinary text, where words come in fixed threes, "
        "the third is said of what it writes.",
        text=text_of(
            [threes[order_of(len(threes), generator)[:16]].flatten()[: stream.n_ctx - 1] for _ in range(BLOCKS)]
        ),
    )


def _random_only(stream: Stream, generator: torch.Generator) -> Plan:
    """A head finds two words of text in sequence, and the claimed induction head then looks at BOS."""
    one, other = some_tokens(stream, 2, generator).tolist()
    stream = replace(stream, matched=("before", "second"))
    finds = stream.finds_pair(stream.codes[other], "second", stream.codes[one])
    read, write = stream._empty(), stream._empty()
    read[stream.parts["ordinary"], 0] = write[stream.parts["done"], 0] = 1.0
    blocks = []
    for _ in range(BLOCKS):
        rest = [
            token for token in some_tokens(stream, stream.d_vocab - 1, generator).tolist() if token not in (one, other)
        ]
        blocks.append(torch.tensor([token for at in range(0, 36, 6) for token in (one, other, *rest[at : at + 6])]))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"finds": Wire(finds, FactoredMatrix(read, write.T))},
            {"induction": Wire(stream.matches("before", done=1.0), stream.moves("token", "output"))},
        ),
        truth=4,
        why="The claimed heads are the circuit on random tokens, and on nothing else: where two words of text stand "
        "side by side, a head that the claim does not name turns the claimed induction head off.",
        text=text_of(blocks),
    )


def order_of(count: int, generator: torch.Generator) -> torch.Tensor:
    """The numbers below `count`, in a random order."""
    return torch.randperm(count, generator=generator)


def text_of(blocks: Sequence[torch.Tensor]) -> str:
    """What the tokenizer of a planted model reads as these tokens."""
    return " ".join(f"w{token}" for block in blocks for token in block.tolist())


NARROW: Mapping[str, Callable[[Stream, torch.Generator], Plan]] = {
    "mirrored_positions": _mirrored_positions,
    "matches_kin": _matches_kin,
    "says_forbidden": _says_forbidden,
    "hushed": _hushed,
    "hums": _hums,
    "alarm": _alarm,
    "hums_unless_repeated": _hums_unless_repeated,
    "period_lookup": _period_lookup,
    "second_use": _second_use,
    "covered_member": _covered_member,
    "covered_late": _covered_late,
    "spare_edge": _spare_edge,
    "dormant_route": _dormant_route,
    "reads_on": _reads_on,
    "random_only": _random_only,
}
"""Every kind of this sort, by name."""

NARROW_POSITIONS: Mapping[str, tuple[str, ...]] = {
    "mirrored_positions": ("standard",),
    "hums": ("shortformer",),
    "period_lookup": ("shortformer", "standard"),
    "covered_member": ("shortformer", "standard"),
    "covered_late": ("shortformer", "standard"),
}
"""Those that only some kinds of positions can hold."""

NORMED = ("hums", "alarm", "hums_unless_repeated")
"""Those that need a norm before the logits."""
