"""Section 5: the skip-trigrams of a one-layer model, its bug, what editing its tables does, and two layers."""

from __future__ import annotations

import msgspec
import torch
from torch import Tensor

from ...circuits.heads import Head, head_label
from ...errors import RungError
from ...methods.skip_trigrams import Square, TableEdit, check_tables, edited_logits, listed_squares, source_table
from ...model.model import HookedTransformer
from ...model.paths import BUNDLED
from ..computation import DEFAULT_MODEL, Answer, Array, Ask, Computation, Job, Lab, computation

ONE_LAYER = "one-layer"
FILE = BUNDLED / ONE_LAYER / "skip_trigrams.json"
MOST_EDIT = 20.0


class TableAsk(Ask, frozen=True, kw_only=True):
    """One of the model's skip-trigrams with its bug, and what the reader adds to the head's tables."""

    case: int = 0
    """Among `Table.cases`."""
    head: str = ""
    """Empty: the head that raises the right outputs most."""
    qk: tuple[float, float] = (0.0, 0.0)
    """Added to QK[destination, source] for each destination."""
    ov: tuple[float, float] = (0.0, 0.0)
    """Added to OV[source, output] for each output."""


class Triple(msgspec.Struct, frozen=True):
    """source … destination → output."""

    destination: int
    output: int
    right: bool
    text: float | None
    """Its probability in the text that the model learned from; None: not counted."""
    probability: float
    """The model's, as it is."""
    edited: float
    """With the reader's edits."""
    rise: float
    """How much the edits raise the output's logit, less the mean over all outputs."""
    moved: float
    """What the source adds to the output's logit through this head: attention × OV, without edits."""
    deeper: float
    """The probability that a two-layer model gives."""


class Table(Answer, frozen=True, kw_only=True):
    """A source's entries of one head's tables, and all four triples of two destinations and two outputs."""

    cases: list[str]
    heads: list[str]
    head: str
    source: str
    destinations: list[str]
    outputs: list[str]
    prompts: list[str]
    attention: Array
    """[destination]: QK less its mean over sources, with edits."""
    logits: Array
    """[output]: OV less its mean over outputs, with edits."""
    product: Array
    """[destination, output]"""
    pattern: list[float]
    """Each prompt's attention from its last token to the source, with edits."""
    triples: list[Triple]
    deeper: str
    """The two-layer model's name."""


@computation("trigrams.table")
def table(lab: Lab, ask: TableAsk, job: Job) -> Table:
    """The tables of one source, and what the reader's edits do to the right triples and to the wrong ones."""
    model, deeper = lab.model(ONE_LAYER), lab.model(DEFAULT_MODEL)
    squares: list[Square] = lab.keep("trigrams.squares", lambda: listed_squares(FILE))
    if not 0 <= ask.case < len(squares):
        raise RungError(f"case {ask.case} was asked for; there are 0 to {len(squares) - 1}")
    for name, edit in (("qk", ask.qk), ("ov", ask.ov)):
        if not all(abs(by) <= MOST_EDIT for by in edit):
            raise RungError(f"{name} is {list(edit)}; it is two numbers from −{MOST_EDIT:g} to {MOST_EDIT:g}")
    square = squares[ask.case]
    prompts = [square.source + b + d for b, d in zip(square.between, square.destinations, strict=True)]
    rows = [model.to_tokens(prompt) for prompt in prompts]
    source = model.to_single_token(square.source)
    outputs = [model.to_single_token(token) for token in square.outputs]
    heads = [(0, head) for head in range(model.config.n_heads)]
    moved = {head: _moved(model, head, source, rows, outputs) for head in heads}
    head = _head(ask.head, heads) or max(heads, key=lambda one: float(moved[one].diagonal().sum()))
    ends = [int(row[0, -1]) for row in rows]
    edits = [TableEdit("QK", end, source, by) for end, by in zip(ends, ask.qk, strict=True)]
    edits += [TableEdit("OV", source, output, by) for output, by in zip(outputs, ask.ov, strict=True)]
    job.progress("both prompts, with and without your edits", 0, 1)
    held = source_table(model, head, source, ends, outputs)
    attention, logits = held.attention + torch.tensor(ask.qk), held.logits + torch.tensor(ask.ov)
    return Table(
        cases=[_name(one) for one in squares],
        heads=[head_label(one) for one in heads],
        head=head_label(head),
        source=square.source,
        destinations=list(square.destinations),
        outputs=list(square.outputs),
        prompts=prompts,
        attention=Array.of(attention),
        logits=Array.of(logits),
        product=Array.of(attention[:, None] * logits),
        pattern=[_looks(model, head, row, edits) for row in rows],
        triples=_triples(model, deeper, square, rows, outputs, moved[head], head, edits),
        deeper=DEFAULT_MODEL,
    )


def _triples(
    model: HookedTransformer,
    deeper: HookedTransformer,
    square: Square,
    rows: list[Tensor],
    outputs: list[int],
    moved: Tensor,
    head: Head,
    edits: list[TableEdit],
) -> list[Triple]:
    found = []
    for d, row in enumerate(rows):
        with torch.no_grad():
            before, beyond = model(row)[0, -1].double(), deeper(row)[0, -1].double()
        after = edited_logits(model, row, head, edits)[0, -1].double()
        rise = (after - after.mean()) - (before - before.mean())
        chances = [each.softmax(-1) for each in (before, after, beyond)]
        for o, output in enumerate(outputs):
            found.append(
                Triple(
                    destination=d,
                    output=o,
                    right=d == o,
                    text=square.text[d][o],
                    probability=float(chances[0][output]),
                    edited=float(chances[1][output]),
                    rise=float(rise[output]),
                    moved=float(moved[d, o]),
                    deeper=float(chances[2][output]),
                )
            )
    return found


def _moved(model: HookedTransformer, head: Head, source: int, rows: list[Tensor], outputs: list[int]) -> Tensor:
    """[destination, output]: attention to the source times what it moves there."""
    check_tables(model, head)
    looks = torch.tensor([_looks(model, head, row, []) for row in rows])
    return looks[:, None] * source_table(model, head, source, [source], outputs).logits


@torch.no_grad()
def _looks(model: HookedTransformer, head: Head, row: Tensor, edits: list[TableEdit]) -> float:
    """The attention of the last token to the prompt's first token after BOS, the source, with the QK edits."""
    _, cache = model.run_with_cache(row, names_filter=[f"blocks.{head[0]}.attn.hook_attn_scores"])
    scores = cache["attn_scores", head[0]][0, head[1], -1].clone()
    for edit in edits:
        if edit.circuit == "QK" and edit.row == int(row[0, -1]):
            scores[row[0] == edit.column] += edit.by
    return float(scores.softmax(-1)[1])


def _head(name: str, heads: list[Head]) -> Head | None:
    if not name:
        return None
    known = {head_label(one): one for one in heads}
    if name not in known:
        raise RungError(f"{ONE_LAYER} has no head {name!r}; it has {', '.join(known)}")
    return known[name]


def _name(square: Square) -> str:
    both = " / ".join(f"{d.strip()} →{o}" for d, o in zip(square.destinations, square.outputs, strict=True))
    return f"{square.source.strip()} … {both}"


COMPUTATIONS: tuple[Computation, ...] = (table,)
