"""`rung verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import CheckpointError, RungError
from .options import MODEL_HELP, Device, Quiet, Threads, open_model, print_json, read_text
from .progress import step_bar

if TYPE_CHECKING:
    from ..evidence.proof import Proof
    from ..model.model import HookedTransformer


def verify(
    record: Annotated[str, typer.Argument(metavar="FILE", help="A record of `rung prove`, or a drawer of `rung lab`.")],
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help=f"{MODEL_HELP}  [default: the one the record names]", show_default=False),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="The text that it was tested on.  [default: bundled passages]", show_default=False
        ),
    ] = None,
    device: Device = "cpu",
    dtype: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="float32, …  [default: the one the record names]", show_default=False),
    ] = None,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what differs as JSON.")] = False,
) -> None:
    """Execute every test of a record again, on the same weights, and say what differs.

    \b
    Examples
      rung verify induction.json
      rung verify induction.json --model ./my-model
      rung verify evidence.drawer.json

    Of a drawer, the proof that it holds. First the record is read: outcomes follow from numbers and floors, the verdict
    from outcomes, and its sentence from all of them; what does not follow is an error that names the entry. Then the
    weights are compared by their hash, and every test runs again. Numbers may move by 0.2 % (of the larger of the
    number and 1) between machines.

    \b
    Exit codes: 0 it holds · 1 something differs, or the record does not follow from itself · 2 bad input
    """
    from ..errors import RecordError
    from ..evidence.verify import verify as run_again
    from ..lab.drawer import drawer_proof
    from ..methods.runner import no_progress
    from ..views.proof import verified_view
    from ..views.terminal import show
    from ..views.wording import read_record, test_in_progress

    passages = None if text is None else read_text(text)
    if not Path(record).is_file():
        raise RungError(f"there is no record {record}; rung prove writes one")
    try:
        found = drawer_proof(Path(record)) or read_record(record)
        opened = _open(model, found.proof, device, dtype, threads)
        with step_bar(quiet, test_in_progress) as progress:
            again, differences = run_again(found.proof, opened, text=passages, progress=progress or no_progress)
    except RecordError as error:
        typer.echo(f"rung: {error}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        found_again = {"verified": not differences, "differences": [vars(one) for one in differences]}
        print_json("verify", {"record": record, **found_again})
    else:
        show(lambda width: verified_view(found.proof, again, differences, width))
    if differences:
        raise typer.Exit(1)


def _open(model: str | None, proof: Proof, device: str, dtype: str | None, threads: int | None) -> HookedTransformer:
    """The model given, or else the one that the record names, which may be a folder on somebody else's machine."""
    try:
        return open_model(model or proof.model["name"], device, dtype or proof.run["dtype"], threads)
    except CheckpointError as error:
        if model is not None:
            raise
        said = str(error).removesuffix(".")
        raise RungError(f"{said}. That is how the record calls its model: --model FOLDER says where it is") from None
