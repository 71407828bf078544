"""`rung schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import write_json


def schema(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Print this schema.  [default: list them]", show_default=False)
    ] = None,
) -> None:
    """What do commands print with --json? JSON Schemas (draft 2020-12) of every form.

    \b
    Examples
      rung schema
      rung schema heads > heads.schema.json

    Every output names its form, "format": "rung heads", and its "version", which rises with each change. It has the
    fields of the schema and no others.
    """
    from ..views.models import formats_view
    from ..views.terminal import show
    from .formats import FORMATS
    from .schemas import schema as made

    if name is not None:
        write_json(made(name))
        return
    said = {name: f"{each.command} --json: {each.holds}" for name, each in FORMATS.items()}
    show(lambda width: formats_view(said))
