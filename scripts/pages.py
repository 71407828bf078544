"""Runs the code of a document: its Python blocks and the `rung …` lines of its sh blocks, in order, as one session.

What a block does may be said below it, by a line and a text block, which are held against what it does:

    It raises:   the error's class and message
    It warns:    the same of a warning
    It prints:   what went to stdout, numbers aside

A block that is not run has the comment `<!-- not run: the reason -->` before it.
"""

import contextlib
import io
import re
import shlex
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAID = re.compile(r"It (raises|warns|prints):\s*\Z")
NOT_RUN = re.compile(r"<!-- not run: ([^>]+) -->\s*\Z")


@dataclass
class Block:
    """One fenced block, with what the page says of it."""

    kind: str
    code: str
    not_run: str | None
    """The reason why it is not run."""
    says: str | None = None
    """raises, warns or prints: what the block below it holds."""
    expected: str = ""
    at: tuple[int, int] = (0, 0)
    """Where in the page the expected text is."""


def blocks(page: str) -> list[Block]:
    """Every block of a page; a text block that says what the one above does is part of that one."""
    found: list[Block] = []
    end = 0
    for match in FENCE.finditer(page):
        lead, end = page[end : match.start()], match.end()
        says, reason = SAID.search(lead), NOT_RUN.search(lead)
        if says and found:
            found[-1].says, found[-1].expected, found[-1].at = says[1], match[2], match.span(2)
        else:
            found.append(Block(match[1], match[2], reason and reason[1]))
    return found


def commands(block: Block) -> list[list[str]]:
    """The commands of an sh block, in words. Raises ValueError for a line that is none of Rung's."""
    lines = [shlex.split(line, comments=True) for line in block.code.replace("\\\n", " ").splitlines()]
    found = [words for words in lines if words]
    for words in found:
        if words[0] != "rung":
            raise ValueError(f"{shlex.join(words)!r} is not run: say why above its block, <!-- not run: … -->")
    return found


def is_run(block: Block) -> bool:
    """Whether the page's session runs it."""
    return block.kind in ("python", "sh") and block.not_run is None


def run_page(page: str) -> Iterator[tuple[Block, str]]:
    """Each block that is run, and what it raised, warned of or printed. What no line announces is raised."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in filter(is_run, blocks(page)):
        if block.kind == "sh":
            yield block, "".join(run_command(words[1:]) for words in commands(block))
        else:
            yield block, run_code(block, names)


def run_code(block: Block, names: dict[str, Any]) -> str:
    """Runs a Python block in the page's names."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(compile(block.code, "<page>", "exec"), names)
        except Exception as error:
            if block.says != "raises":
                raise
            return f"{type(error).__name__}: {error}"
        if block.says == "raises":
            raise AssertionError(f"nothing was raised by\n{block.code}")
    told = [f"{one.category.__name__}: {one.message}" for one in caught]
    if block.says == "warns":
        return "\n".join(told)
    if told:
        raise AssertionError(f"{told[0]}\nwas not announced; it came of\n{block.code}")
    return printed.getvalue()


def run_command(words: list[str]) -> str:
    """What `rung` prints; an error where its exit code is not 0."""
    from typer.testing import CliRunner

    from rung.cli import app

    done = CliRunner().invoke(app, words)
    if done.exit_code:
        raise AssertionError(f"rung {shlex.join(words)}: exit code {done.exit_code}\n{done.output}") from done.exception
    return done.stdout


def wrapped(text: str) -> str:
    """As a page shows it."""
    lines = text.rstrip().splitlines()
    return "\n".join(textwrap.fill(line, 84, break_long_words=False, break_on_hyphens=False) for line in lines) + "\n"


def alike(one: str, other: str, numbers: bool) -> bool:
    """Whether two texts are the same but for line breaks, and for numbers unless they count."""

    def masked(text: str) -> str:
        return " ".join((text if numbers else re.sub(r"[+-]?\d[\d.e-]*", "#", text)).split())

    return masked(one) == masked(other)


def refreshed(page: str) -> str:
    """The page with what its blocks do now."""
    for block, found in reversed(list(run_page(page))):
        if block.says and not alike(found, block.expected, numbers=True):
            page = page[: block.at[0]] + wrapped(found) + page[block.at[1] :]
    return page
