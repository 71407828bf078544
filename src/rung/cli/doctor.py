"""`rung doctor`."""

from __future__ import annotations

import typer

from .options import Json, Threads, print_json, set_threads


def doctor(threads: Threads = None, as_json: Json = False) -> None:
    """Can Rung work here? Versions, devices, folders, and a small check of the engine itself.

    \b
    Example
      rung doctor

    \b
    How to read it
      ok       nothing to do
      note     worth knowing; an arrow says what could be better
      fault    Rung cannot work, or its numbers cannot be trusted; an arrow says
               what to do, and the exit code is 1
    """
    from ..methods.diagnosis import diagnose
    from ..views.models import doctor_view
    from ..views.terminal import show

    set_threads(threads)
    found = diagnose()
    if as_json:
        print_json(found.to_dict())
    else:
        show(lambda width: doctor_view(found, width))
    if not found.ok:
        raise typer.Exit(1)
