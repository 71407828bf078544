"""Skip-trigram heads: a true one, and decoys that only look like it.

The query holds a flag, sources another; attending to a source writes the code of its output, which is a part of its
embedding. (After the skip-trigrams of Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits".)
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from jaxtyping import Int
from torch import Tensor

from ..tasks.triples import TriplesTask
from .plans import Plan, not_enough
from .wiring import Stream, Wire

PAIRS = 8


def _table(stream: Stream, generator: torch.Generator) -> tuple[Stream, Int[Tensor, " token"]]:
    """The stream with its flags and the codes that sources say; its tokens: sources, outputs, the query, the rest."""
    order = 1 + torch.randperm(stream.d_vocab - 1, generator=generator)
    sources, outputs, query = order[:PAIRS], order[PAIRS : 2 * PAIRS], order[2 * PAIRS]
    said = torch.zeros(stream.d_vocab, stream.d_code)
    said[sources] = stream.codes[outputs]
    asks, source, plain = (torch.zeros(stream.d_vocab, 1) for _ in range(3))
    asks[query], source[sources], plain[1:] = 1.0, 1.0, 1.0
    stream = stream.beside(said=said, asks=asks, source=source, plain=plain - asks - source)
    return replace(stream, matched=("token", "before")), order


def _plan(stream: Stream, order: Int[Tensor, " token"], heads: Mapping[str, Wire], truth: int, why: str) -> Plan:
    pairs = tuple(zip(order[:PAIRS].tolist(), order[PAIRS : 2 * PAIRS].tolist(), strict=True))
    return Plan(
        stream=stream,
        layers=(heads, {}),
        claim="skip_trigram",
        task=TriplesTask((int(order[2 * PAIRS]),), pairs).name,
        claimed={"skip_trigram": ("skip_trigram",)},
        truth=truth,
        why=why,
    )


def _skip(stream: Stream, generator: torch.Generator) -> Plan:
    stream, order = _table(stream, generator)
    head = Wire(stream.finds("asks", "source"), stream.moves("said", "output"))
    why = "The claimed head looks from the query at the source and writes the source's output."
    return _plan(stream, order, {"skip_trigram": head}, 4, why)


def _skip_bag(stream: Stream, generator: torch.Generator) -> Plan:
    stream, order = _table(stream, generator)
    head = Wire(stream.finds("ordinary", "source"), stream.moves("said", "output"))
    why = "The claimed head looks at the source from every token, so that its output follows any of them."
    return _plan(stream, order, {"skip_trigram": head}, 0, why)


def _skip_silent(stream: Stream, generator: torch.Generator) -> Plan:
    stream, order = _table(stream, generator)
    finds = stream.finds("asks", "source")
    heads = {"skip_trigram": Wire(finds, stream.silent()), "real": Wire(finds, stream.moves("said", "output"))}
    why = "The claimed head looks from the query at the source and writes nothing; another one does."
    return _plan(stream, order, heads, 1, why)


def _skip_any(stream: Stream, generator: torch.Generator) -> Plan:
    """All sources say the sum of all outputs."""
    stream, order = _table(stream, generator)
    said = stream.tables["said"].clone()
    said[order[:PAIRS]] = stream.codes[order[PAIRS : 2 * PAIRS]].sum(0)
    stream = replace(stream, tables={**stream.tables, "said": said})
    head = Wire(stream.finds("asks", "source"), stream.moves("said", "output"))
    why = "The claimed head looks from the query at the source, and every source raises all outputs alike."
    return _plan(stream, order, {"skip_trigram": head}, -1, why)


def _skip_shared(stream: Stream, generator: torch.Generator) -> Plan:
    """Half of the sources are seen by the claimed head, the other half by another one."""
    stream, order = _table(stream, generator)
    one, other = (torch.zeros(stream.d_vocab, 1) for _ in range(2))
    one[order[: PAIRS // 2]], other[order[PAIRS // 2 : PAIRS]] = 1.0, 1.0
    stream = stream.beside(one=one, other=other)
    says = stream.moves("said", "output")
    heads = {
        "skip_trigram": Wire(stream.finds("asks", "one"), says),
        "other": Wire(stream.finds("asks", "other"), says),
    }
    plan = _plan(
        stream, order, heads, 2, "The claimed head knows half of the table's sources; another knows the other half."
    )
    return not_enough(plan)


def _skip_covered(stream: Stream, generator: torch.Generator) -> Plan:
    stream, order = _table(stream, generator)
    head = Wire(stream.finds("asks", "source"), stream.moves("said", "output"))
    why = "Two heads do the same, each loudly enough; only one of them is claimed."
    return _plan(stream, order, {"skip_trigram": head, "backup": head}, 2, why)


def _skip_beside(stream: Stream, generator: torch.Generator) -> Plan:
    """Each source raises its output, and a token that the table does not hold a little more."""
    stream, order = _table(stream, generator)
    said = stream.tables["said"].clone()
    said[order[:PAIRS]] += 1.05 * stream.codes[order[-PAIRS:]]
    stream = replace(stream, tables={**stream.tables, "said": said})
    head = Wire(stream.finds("asks", "source"), stream.moves("said", "output"))
    why = "The claimed head raises a token beside the table more than the output of the source."
    return _plan(stream, order, {"skip_trigram": head}, 3, why)


def _skip_first(stream: Stream, generator: torch.Generator) -> Plan:
    """Each source raises its output, and the token that every sequence begins with a little more."""
    stream, order = _table(stream, generator)
    special = torch.randn(1, stream.d_code, generator=generator)
    codes = torch.cat((special / special.norm(), stream.codes[1:]))  # that token is said as readily as others
    said = stream.tables["said"].clone()
    said[order[:PAIRS]] += 1.05 * codes[0]
    stream = replace(stream, codes=codes, tables={**stream.tables, "said": said})
    head = Wire(stream.finds("asks", "source"), stream.moves("said", "output"))
    why = "The claimed head raises a special token more than the output of the source."
    return _plan(stream, order, {"skip_trigram": head}, 3, why)


def _skip_draws(stream: Stream, generator: torch.Generator) -> Plan:
    """Three tokens beside the table draw the query a little more than a source does."""
    stream, order = _table(stream, generator)
    source = stream.tables["source"].clone()
    source[order[-3:]] = 1.08
    stream = replace(stream, tables={**stream.tables, "source": source})
    head = Wire(stream.finds("asks", "source", sharp=0.25), stream.moves("said", "output"))
    why = "The claimed head's query is drawn by one other token in fifteen more than by the sources."
    return _plan(stream, order, {"skip_trigram": head}, 3, why)


TRIPLES: Mapping[str, Callable[[Stream, torch.Generator], Plan]] = {
    "skip": _skip,
    "skip_bag": _skip_bag,
    "skip_silent": _skip_silent,
    "skip_any": _skip_any,
    "skip_shared": _skip_shared,
    "skip_covered": _skip_covered,
    "skip_draws": _skip_draws,
    "skip_beside": _skip_beside,
    "skip_first": _skip_first,
}
"""Every kind about skip-trigrams."""

TRIPLE_POSITIONS: Mapping[str, tuple[str, ...]] = dict.fromkeys(TRIPLES, ("shortformer", "standard"))
"""Positions that they were wired for."""
