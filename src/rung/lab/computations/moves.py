"""Computations of the lab: the notebook moves, shown and run."""

from __future__ import annotations

import msgspec

from ..computation import Answer, Ask, Computation, Job, Lab, computation
from ..moves import MOVES, find_move, notebook, run_move


class Cell(msgspec.Struct, frozen=True):
    """What a cell does, and its code."""

    words: str
    code: str


class ShownMove(msgspec.Struct, frozen=True):
    """A move as the page shows it."""

    name: str
    title: str
    cells: list[Cell]
    notebook: str
    """The text of the .ipynb file."""


class Moves(Answer, frozen=True, kw_only=True):
    """All moves, in order."""

    moves: list[ShownMove]


class Printed(Answer, frozen=True, kw_only=True):
    """What each cell printed."""

    printed: list[str]


class AskMoves(Ask, frozen=True, kw_only=True):
    """The code of every move."""


class AskRun(Ask, frozen=True, kw_only=True):
    """Which move to run: its name, since the code is the package's own."""

    move: str


@computation("moves.list")
def shown(lab: Lab, ask: AskMoves, job: Job) -> Moves:
    """The code of every move, and its notebook."""
    return Moves(
        moves=[
            ShownMove(move.name, move.title, [Cell(words, code) for words, code in move.cells], notebook(move))
            for move in MOVES
        ]
    )


@computation("moves.run", lane="long")
def run(lab: Lab, ask: AskRun, job: Job) -> Printed:
    """What a move's own code prints."""
    move = find_move(ask.move)
    total = len(move.cells)
    return Printed(printed=run_move(move, lambda at: job.progress(f"cell {at + 1} of {total}", at, total)))


COMPUTATIONS: tuple[Computation, ...] = (shown, run)
