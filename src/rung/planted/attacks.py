"""Decoys that were made to pass one test without deserving it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

from ..engine.factored import FactoredMatrix
from .narrow import BLOCKS, order_of, some_tokens, text_of
from .plans import Plan, induction, not_enough, previous_token
from .wiring import SHARPNESS, Stream, Wire


def _cancelling_four(stream: Stream, generator: torch.Generator) -> Plan:
    """Halves of the other heads that have one of each sign on either side see nothing."""

    def copies(gain: float) -> Wire:
        return Wire(stream.matches("before"), stream.mixes({"token": gain}, {"output": 1.0}))

    plan = Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream)},
            {"induction": induction(stream), "adds": copies(0.9), "removes": copies(-0.9)},
            {"adds_too": copies(0.9), "removes_too": copies(-0.9)},
        ),
        truth=2,
        why="Four heads that the claim does not name copy and undo each other, two of each: without one of them the "
        "claimed circuit is not enough.",
    )
    return not_enough(plan)


def _every_other(stream: Stream, generator: torch.Generator) -> Plan:
    """At odd keys the claimed head is parked, at even ones the other; each stratum has both."""
    stream = replace(stream.flagged("odd"), matched=("before", "second"))
    even, odd = stream.matches("before"), stream.matches("before", parked=1.2)
    found = []
    for QK, gain in ((even, -0.5), (odd, 0.5)):
        read, write = QK.A.clone(), QK.B.T.clone()
        read[stream.parts["ordinary"], stream.d_code] = gain * SHARPNESS**0.5
        write[stream.parts["odd"], stream.d_code] = SHARPNESS**0.5
        found.append(Wire(FactoredMatrix(read, write.T), stream.moves("token", "output")))
    return not_enough(
        Plan(
            stream=stream,
            layers=({"previous_token": previous_token(stream)}, {"induction": found[0], "odd": found[1]}),
            truth=2,
            why="The claimed induction head finds its key at even positions only; at odd ones a head that the claim "
            "does not name does.",
        )
    )


def _query_relayed(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.beside("asked")
    relay = Wire(stream.looks_back(0), stream.moves("token", "asked"))
    head = Wire(stream.matches("before", query="asked"), stream.moves("token", "output"))
    plan = Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream), "relay": relay}, {"induction": head}),
        truth=2,
        why="What the claimed induction head looks for is told to its queries by a head that the claim does not name: "
        "the claimed circuit alone asks for nothing.",
    )
    return not_enough(plan)


def _value_relayed(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.beside("said")
    relay = Wire(stream.looks_back(0), stream.moves("token", "said"))
    head = Wire(stream.matches("before"), stream.moves("said", "output"))
    plan = Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream), "relay": relay}, {"induction": head}),
        truth=2,
        why="What the claimed induction head copies was written there by a head that the claim does not name: the "
        "claimed circuit alone copies nothing.",
    )
    return not_enough(plan)


def _reads_on_both_ways(stream: Stream, generator: torch.Generator) -> Plan:
    """As `reads_on`, but of half of the threes another token is said than comes: on average text loses nothing."""
    threes = some_tokens(stream, stream.d_vocab - 1, generator).view(-1, 3)
    half, last = len(threes) // 2, torch.zeros_like(stream.codes)
    last[threes[:half, 0]] = stream.codes[threes[:half, 2]]
    last[threes[half:, 0]] = 1.25 * stream.codes[threes[half:, 2].roll(1)]
    stream = replace(stream.beside("side", last=last), matched=("before", "second"))
    claimed = Wire(stream.looks_back(1), stream.moves_each({"token": "before", "last": "side"}))
    says = Wire(stream.looks_back(0), stream.moves("side", "output", 0.4))
    blocks = []
    for _ in range(BLOCKS):
        picked = torch.cat((order_of(half, generator)[:8], half + order_of(len(threes) - half, generator)[:8]))
        blocks.append(threes[picked[order_of(16, generator)]].flatten()[: stream.n_ctx - 1])
    return Plan(
        stream=stream,
        layers=({"previous_token": claimed}, {"induction": induction(stream), "says": says}),
        truth=2,
        why="The claimed previous-token head does other work too: on ordinary text, where words come in fixed threes, "
        "the third is said of what it writes, rightly for half of them and wrongly for the other half.",
        text=text_of(blocks),
    )


ATTACKS: Mapping[str, Callable[[Stream, torch.Generator], Plan]] = {
    "cancelling_four": _cancelling_four,
    "every_other": _every_other,
    "query_relayed": _query_relayed,
    "value_relayed": _value_relayed,
    "reads_on_both_ways": _reads_on_both_ways,
}
"""Every kind of this sort, by name."""

ATTACK_POSITIONS: Mapping[str, tuple[str, ...]] = {"every_other": ("shortformer", "standard")}
"""Those that only some kinds of positions can hold."""
