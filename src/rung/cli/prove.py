"""`rung prove`."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from ..errors import RungError, near
from .options import MODEL_HELP, Device, Dtype, Quiet, Threads, open_model, print_json
from .progress import step_bar


def prove(
    claim: Annotated[str, typer.Argument(metavar="CLAIM", help="What to prove: induction.")],
    model: Annotated[str, typer.Option(metavar="MODEL", help=MODEL_HELP)] = "two-layer",
    heads: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=HEADS",
            help="The heads of a role, layer.head: induction=1.4,1.10. Once a role; a role left out is searched for.",
        ),
    ] = None,
    require: Annotated[
        str | None, typer.Option(metavar="RUNG", help="Exit code 1 unless the verdict reaches this rung.")
    ] = None,
    record: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where the record goes.  [default: CLAIM.json here; with --json, nowhere]",
            show_default=False,
        ),
    ] = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="Write no record.")] = False,
    tests: Annotated[bool, typer.Option("--tests", "-v", help="Show every measurement, also those that hold.")] = False,
    sequences: Annotated[
        int, typer.Option(metavar="N", help="Confirmation sequences; under 64 the verdict stops at clue.")
    ] = 64,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Draws the sequences of the search. The confirming ones follow from claim and weights alone.",
        ),
    ] = 0,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record alone.")] = False,
) -> None:
    """Find the circuit behind a behaviour, and test the claim on every rung of the ladder of evidence.

    \b
    Examples
      rung prove induction
      rung prove induction --model ./my-model --require mechanism
      rung prove induction --heads previous_token=0.1 --heads induction=1.2

    A claim says which heads play which roles: for induction (on “A B … A” the model predicts B), a previous_token head
    tells B's position what came before it, and an induction head of a later layer finds that by its keys and copies B.
    Heads that you do not name are searched for on other sequences than those that test them.

    \b
    The rungs: each asks more than the one below
      0 behaviour        is there anything to explain?
      1 clue             do the heads look where their roles say?
      2 contribution     does what they write push the right way?
      3 causal support   does the model need them, and the path between them?
      4 mechanism        are their weights built to do it?

    \b
    How to read it
      ✓                  every test that the claim requires on this rung holds
      ✗                  some fail: they come first
      ?                  some cannot tell on this model: they come first
      –                  not run, or not counted
      Verdict            the highest rung up to which all hold, and what stopped it
                         there; “a circuit”: others may do the same work

    A number stands beside its control: what the same test gives where nothing should be. --tests shows them all, with
    intervals and floors. The record has everything, to be read by others and run again.

    \b
    Exit codes: 0 done, or RUNG reached · 1 RUNG not reached · 2 bad input
    RUNG: behaviour, clue, contribution, causal-support, mechanism, or 0 to 4
    """
    from ..evidence.claim import find_claim, parse_heads
    from ..evidence.ladder import prove as climb
    from ..evidence.record import check_place, write_record
    from ..evidence.record import record as write_down
    from ..evidence.trial import silent
    from ..views.proof import proof_view
    from ..views.terminal import show

    claimed = find_claim(claim)
    named: dict[str, tuple[tuple[int, int], ...]] = {}
    for role, found in map(parse_heads, heads or ()):
        named[role] = named.get(role, ()) + found
    claimed = claimed.with_heads(named)
    wanted = None if require is None else _rung(require)
    place = _record_file(record, None if as_json else f"{claim}.json", no_record)
    if place is not None:
        check_place(place)
    opened = open_model(model, device, dtype, threads)
    with step_bar(quiet) as tell:
        proof = climb(claimed, opened, sequences=sequences, seed=seed, progress=tell or silent)
    if not all(math.isfinite(m.value) for m in proof.of(0) if m.value is not None):
        raise RungError(f"the model's output is not finite in {dtype}; try --dtype float32, or float64")
    if place is not None:
        write_record(proof, place)
    if as_json:
        print_json(write_down(proof).to_dict())
    else:
        show(lambda width: proof_view(proof, width, tests, place))
    if wanted is not None and proof.verdict.rung < wanted:
        raise typer.Exit(1)


def _rung(spelled: str) -> int:
    from ..evidence.measurement import RUNGS

    name = " ".join(spelled.lower().replace("-", " ").replace("_", " ").split())
    if name in RUNGS:
        return RUNGS.index(name)
    if name in map(str, range(len(RUNGS))):
        return int(name)
    known = [rung.replace(" ", "-") for rung in RUNGS]
    raise RungError(f"there is no rung {spelled!r}; there are {', '.join(known)}.{near(spelled, known)}")


def _record_file(record: str | None, default: str | None, none: bool) -> str | None:
    if record is not None and none:
        raise RungError("--record and --no-record exclude each other")
    if record == "-":
        raise RungError("a record goes into a file: --json prints it, --no-record writes none")
    return None if none else record if record is not None else default
