"""`rung report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import RungError


def report(
    record: Annotated[str, typer.Argument(metavar="FILE", help="A record of `rung prove`.")],
    html: Annotated[
        str | None,
        typer.Option(
            metavar="PAGE", help="Where the page goes.  [default: beside the record, as .html]", show_default=False
        ),
    ] = None,
) -> None:
    """Write a record as one HTML page: verdict, every test with its interval and floor, maps of heads, provenance.

    \b
    Examples
      rung report induction.json
      rung report induction.json --html page.html

    The page is a single file without scripts; it needs no network, reads on a phone, in the dark and on paper. What did
    not hold stands first. The record is checked as `rung verify` checks it before it runs anything; no model is opened.

    \b
    Exit codes: 0 written · 2 bad input
    """
    from ..views.report import write_report
    from ..views.terminal import write
    from ..views.wording import read_record

    if not Path(record).is_file():
        raise RungError(f"there is no record {record}; rung prove writes one")
    page = html or str(Path(record).with_suffix(".html"))
    write_report(read_record(record), page, record)
    write(f"{page}\n")
