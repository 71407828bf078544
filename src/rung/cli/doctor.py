"""`rung doctor`."""

from __future__ import annotations

import typer

from .options import Json, Threads, print_json, set_threads


def doctor(threads: Threads = None, as_json: Json = False) -> None:
    """Does Rung work on this machine? Versions, devices, folders, and a small test of the engine.

    \b
    Example
      rung doctor

    \b
    How to read it
      ok       nothing to do
      note     information; the arrow says what could be improved
      fault    Rung does not work, or its results are not reliable; the arrow
               says what to do, and the exit code is 1
    """
    from ..methods.diagnosis import diagnose
    from ..views.models import doctor_view
    from ..views.terminal import show

    set_threads(threads)
    found = diagnose()
    if as_json:
        print_json("doctor", found.to_dict())
    else:
        show(lambda width: doctor_view(found, width))
    if not found.ok:
        raise typer.Exit(1)
