"""`rung prove`."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from ..errors import RungError, near
from .options import MODEL_HELP, Device, Dtype, Quiet, Threads, open_model, read_text, write_json
from .progress import step_bar


def prove(
    claim: Annotated[str, typer.Argument(metavar="CLAIM", help="What to prove: one of the claims listed above.")],
    model: Annotated[str, typer.Option(metavar="MODEL", help=MODEL_HELP)] = "two-layer",
    heads: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=HEADS",
            help="The heads of a role, layer.head: induction=1.4,1.10. Once a role; a role left out is searched for.",
        ),
    ] = None,
    circuit: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A circuit in MIB's JSON (the EAP-IG package's): roles without --heads are filled from its edges.",
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
    html: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the proof as one HTML page too; it needs no network and no script."),
    ] = None,
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
    text: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Ordinary text for the tests on prose.  [default: bundled passages]",
            show_default=False,
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Where measurements are kept as they are made: an interrupted proof goes on from there.",
        ),
    ] = None,
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
      rung prove induction --html induction.html
      rung prove induction --model ./my-model --store ./kept
      rung prove induction --heads previous_token=0.1 --heads induction=1.2
      rung prove induction --circuit eap.json
      rung prove copying --heads copying=1.0

    A claim says which heads play which roles. Heads that you do not name are searched for, on other sequences than
    those that test them.

    \b
    The claims
      induction       on “A B … A” the model predicts B: a previous_token head writes
                      into B's position that A came before it; an induction head of a
                      later layer finds that position through its keys and copies B
      lookup          the same on “k1 v1 k2 v2 … k2”; pairs return in another order
      ioi             on “A and B … B gave it to” the model predicts A: heads mark
                      the name that returns (duplicate_token) and tell the head that
                      copies a name (name_mover) to pass by it (s_inhibition)
      skip_trigram    on “A … B” the model predicts what a table says of A: one head
                      looks from B at A; the table is searched for as well
      previous_token, copying, duplicate_token
                      one role by itself: what reads its output, or makes it attend
                      there, is left open

    \b
    The rungs: each asks more than the one below
      0 behaviour        is there anything to explain?
      1 clue             do the heads look where their roles say?
      2 contribution     does what they write push the right token, or the right key?
      3 causal support   does the model need them, where and for what the claim says?
      4 mechanism        are their weights built to do it?

    \b
    How to read it
      ✓                  every test that the claim requires on this rung holds
      ✗                  some fail: they come first
      ?                  some are inconclusive: they come first
      –                  not run, or not counted
      Verdict            the highest rung up to which all hold, and what stopped it
                         there; “a circuit”: other heads may do the same work

    \b
    Words
      gain               loss on the first copy of a random sequence minus loss on its second;
                         what the name that returns, or the source, takes off the loss
      stratum            a group of queries in which the claim must hold by itself
      order-blind bound  the least loss of a predictor that knows which tokens are left, not their order
      attribution        what one component adds to a logit or to an attention score
      ablating           replacing by the mean over other sequences, or by another sequence's value (resample)
      denoising          one token of the first copy is replaced; the role's clean output is put back
      interchange        the role's output is taken from another sequence, which the model must then follow
      path patching      another sequence's output, read through one input of one head only
      faithfulness       share of the gain that is left when all other heads are mean-ablated
      composed QK        which token a head's query scores highest in what the earlier head writes
      top-1              the right one is the highest

    Every test decides by the careful end of its interval. --tests shows each number with its interval, floor and
    control. The record holds everything: `rung verify` executes it again.

    \b
    Exit codes: 0 done, or RUNG reached · 1 RUNG not reached · 2 bad input
    RUNG: behaviour, clue, contribution, causal-support, mechanism, or 0 to 4
    """
    from ..evidence.claim import find_claim, parse_heads
    from ..evidence.mib import fill_roles, read_mib
    from ..evidence.prove import prove as prove_claim
    from ..evidence.record import check_target, write_record
    from ..evidence.record import record as write_down
    from ..methods.runner import no_progress
    from ..views.proof import proof_view
    from ..views.report import check_page, write_report
    from ..views.terminal import show
    from ..views.wording import test_in_progress, verdict_sentence

    claimed = find_claim(claim)
    named: dict[str, tuple[tuple[int, int], ...]] = {}
    for role, found in map(parse_heads, heads or ()):
        named[role] = named.get(role, ()) + found
    claimed = claimed.with_heads(named)
    wanted = None if require is None else _rung(require)
    target = _record_file(record, None if as_json else f"{claim}.json", no_record)
    if target is not None:
        check_target(target)
    if html is not None:
        check_page(html)
    passages = None if text is None else read_text(text)
    graph = None if circuit is None else read_mib(circuit)
    opened = open_model(model, device, dtype, threads)
    if graph is not None:
        graph.check_model(opened.config)
        claimed = fill_roles(claimed, graph)
    with step_bar(quiet, test_in_progress) as progress:
        proof = prove_claim(
            claimed,
            opened,
            sequences=sequences,
            seed=seed,
            text=passages,
            progress=progress or no_progress,
            store=store,
        )
    if not all(math.isfinite(m.value) for m in proof.of(0) if m.value is not None):
        raise RungError(f"the model's output is not finite in {dtype}; try --dtype float32, or float64")
    made = write_down(proof, verdict_sentence(proof))
    if target is not None:
        write_record(made, target)
    if html is not None:
        write_report(made, html, target or f"{claim}.json")
    if as_json:
        write_json(made.to_dict())
    else:
        show(lambda width: proof_view(proof, width, tests, target))
    if wanted is not None and proof.verdict.rung < wanted:
        raise typer.Exit(1)


def _rung(spelled: str) -> int:
    from ..evidence.observation import RUNGS

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
