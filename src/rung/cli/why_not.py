"""`rung why-not`."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import MODEL_HELP, Device, Dtype, Quiet, Threads, open_model, parse_head, print_json
from .progress import step_bar


def why_not(
    head: Annotated[str, typer.Argument(metavar="HEAD", help="layer.head, as in 1.4.")],
    model: Annotated[str, typer.Option(metavar="MODEL", help=MODEL_HELP)] = "two-layer",
    claim: Annotated[str, typer.Option(metavar="CLAIM", help="The claim whose roles it is tried in.")] = "induction",
    sequences: Annotated[int, typer.Option(metavar="N", help="Confirmation sequences.")] = 64,
    seed: Annotated[int, typer.Option(metavar="N", help="Draws the sequences of the search.")] = 0,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the roles and their tests as JSON.")] = False,
) -> None:
    """Name the cheapest test that separates a head from each role of a claim; the nearest role comes first.

    \b
    Examples
      rung why-not 1.2
      rung why-not 0.1 --model ./my-model --claim induction

    The circuit is searched for as by rung prove. The head then takes a role's place, the other roles keep the found
    heads, and the tests that speak of the head run from cheap to dear: weights, one run, patches, ablations. The first
    that does not hold is named. A head that passes them all is separated by nothing.

    \b
    Exit codes: 0 done · 2 bad input
    """
    from ..evidence.observation import Floors
    from ..evidence.why_not import as_dict
    from ..evidence.why_not import why_not as separate
    from ..methods.runner import no_progress
    from ..views.terminal import write
    from ..views.wording import WHY_NOT, drawn, separation, test_in_progress

    opened = open_model(model, device, dtype, threads)
    chosen = parse_head(opened, head)
    with step_bar(quiet, test_in_progress) as progress:
        found = separate(chosen, opened, claim, sequences=sequences, seed=seed, progress=progress or no_progress)
    words = {one.role: separation(head, one, Floors()) for one in found.roles}
    if as_json:
        print_json("why-not", as_dict(found, words))
        return
    write("\n".join([*words.values(), WHY_NOT["circuit"].format(circuit=drawn(found.found))]) + "\n")
