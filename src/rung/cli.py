"""The command line: `rung prove`, `inspect`, `heads`, `board` and `doctor`.

Exit codes: 0 done · 1 `doctor` found a fault, or `prove` did not reach the required rung · 2 bad input, one line on
stderr · 130 interrupted · 141 the reader of a pipe went away. Heavy imports stand inside the commands, so that
`rung --help` answers at once.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from .errors import RungError, near

if TYPE_CHECKING:
    import torch

    from .methods.patterns import HeadScores
    from .model.model import HookedTransformer

BAD_INPUT = 2
INTERRUPTED = 130
DTYPES = ("float32", "float64", "bfloat16", "float16")


class Commands(TyperGroup):
    """Turns what a user can mend into one line on stderr and an exit code."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *_: Any, **extra: Any) -> Any:
        extra["standalone_mode"] = False
        try:
            code = super().main(args, prog_name or "rung", **extra)
        except KeyboardInterrupt:
            code = INTERRUPTED
        except RungError as error:
            code = _complain(str(error))
        except OSError as error:
            code = _complain(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        except Exception as error:
            code = _usage(error)
        sys.exit(code if isinstance(code, int) else 0)


def _usage(error: Exception) -> int:
    """The exit code of typer's own endings; whatever is not one of them is a bug of ours, and is raised."""
    code: int | None = getattr(error, "exit_code", None)
    if type(error).__name__ == "Abort":
        return INTERRUPTED
    if code is None:
        raise error
    if hasattr(error, "format_message"):
        context = getattr(error, "ctx", None)
        asked = context.command_path if context is not None else "rung"
        return _complain(f"{error.format_message()} ({asked} --help explains)")
    return code


def _complain(message: str) -> int:
    from .views.terminal import write

    write(f"rung: {' '.join(message.split())}\n", sys.stderr)
    return BAD_INPUT


app = typer.Typer(
    name="rung",
    cls=Commands,
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A folder of config.json and safetensors, or a bundled model's name.")
]
Seed = Annotated[int, typer.Option(metavar="N", help="Draws the random tokens; the same seed gives the same result.")]
Device = Annotated[str, typer.Option(metavar="DEVICE", help="Where to compute: cpu, cuda, cuda:1, mps.")]
Dtype = Annotated[str, typer.Option(metavar="DTYPE", help=f"Precision of the weights: {', '.join(DTYPES)}.")]
Threads = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Threads on the CPU.  [default: as many as torch takes]")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result alone, as JSON.")]
Period = Annotated[
    int | None,
    typer.Option(metavar="N", help="Tokens in a copy.  [default: 50, or what the model can hold]", show_default=False),
]
Sequences = Annotated[int, typer.Option(metavar="N", min=1, help="How many sequences to average over.")]


def _show_version(wanted: bool) -> bool:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"rung {version('rung')}")
        raise typer.Exit
    return wanted


@app.callback()
def rung(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """See the circuit, then prove it: open a transformer and look at how it does what it does.

    \b
    Begin with
      rung doctor           can Rung work here?
      rung inspect MODEL    what is this model?
      rung board MODEL      does it use a repeat in its input?
      rung heads MODEL      which attention heads look like the reason?
      rung prove induction  find the circuit behind it, and test that claim

    MODEL is a folder that holds config.json and model.safetensors, or the name of a bundled model (doctor lists them).
    Each command explains how to read its output: rung heads --help.
    """


@app.command(short_help="What is this model?")
def inspect(
    model: Model,
    hooks: Annotated[bool, typer.Option("--hooks", help="List every hook: its name, shape and meaning.")] = False,
    hook: Annotated[
        str | None, typer.Option(metavar="NAME", help="Explain one hook: “blocks.1.attn.hook_pattern”, or “pattern”.")
    ] = None,
    weights: Annotated[bool, typer.Option("--weights", help="List every weight and its shape.")] = False,
    as_json: Json = False,
) -> None:
    """What is this model? Its shape, tokenizer, hooks and weights, in words.

    \b
    Example
      rung inspect ./my-model --hook pattern

    \b
    How to read it
      layers × heads   where attention can happen; head 1.4 is layer 1, head 4
      residual         width of the stream that every part reads and adds to
      processing       changes made on loading that make weights easier to read
                       and leave every log-probability as it was
      hooks            named places of the forward pass that can be read and
                       edited: model.run_with_cache, model.run_with_hooks
    """
    from .methods.inspection import find_hooks
    from .methods.inspection import inspect as look
    from .views.models import hooks_view, model_view, weights_view
    from .views.terminal import show

    opened = _open(model)
    found = look(opened)
    named = None if hook is None else find_hooks(opened.config, hook)
    if as_json:
        whole = found.to_dict()
        chosen = {} if named is None else {"hooks": [h for h in whole["hooks"] if h["name"] in {n.name for n in named}]}
        _print_json(chosen or whole)
        return
    if named is not None:
        show(lambda width: hooks_view(named, width))
    if hooks:
        show(lambda width: hooks_view(found.hooks, width))
    if weights:
        show(lambda width: weights_view(found, width))
    if not (hooks or weights or named is not None):
        show(lambda width: model_view(found, width))


@app.command(short_help="Where does each attention head look, when tokens repeat?")
def heads(
    model: Model,
    top: Annotated[int, typer.Option(metavar="N", min=1, help="Rows of the table.")] = 12,
    by: Annotated[
        str | None, typer.Option(metavar="SCORE", help="Sort and map by one score.  [default: the best signature]")
    ] = None,
    head: Annotated[
        list[str] | None, typer.Option(metavar="LAYER.HEAD", help="Only these heads; may be given more than once.")
    ] = None,
    period: Period = None,
    sequences: Sequences = 32,
    seed: Seed = 0,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Where does each attention head look, when random tokens come twice?

    \b
    Example
      rung heads ./my-model --by induction --top 5

    \b
    How to read it: each score is a share of a head's attention, 0 to 1
      previous         to the position just before, in both copies
      induction        from the second copy, to what followed the same token
                       in the first
      control          induction's, where nothing repeats: it should be low
      duplicate        from the second copy, to the same token in the first
      current, BOS     from the second copy, to itself and to the first position:
                       where attention is parked when a head has nothing to do
      elsewhere        from the second copy, to none of these
      looks like       the signature that is high enough to be a clue

    An induction circuit needs a previous-token head and, in a later layer, an induction head. High scores are a clue
    that it is there. They are not proof: a head can look at the right place and do nothing with it.

    \b
    SCORE: previous_token, induction, duplicate_token, current_token, bos, elsewhere
    """
    from .methods.patterns import head_scores, known_score
    from .tasks.builtin import ordinary_tokens, repeated_tokens, unrepeated_tokens
    from .views.results import heads_view
    from .views.terminal import show

    if by is not None:
        known_score(by)
    opened = _open(model, device, dtype, threads)
    task = repeated_tokens(opened, period=period, sequences=sequences, seed=seed)
    chosen = [_head(opened, spelled) for spelled in head or ()]
    with _progress("heads", quiet) as tell:
        scores = head_scores(opened, task, tell)
    control = None
    # Without room for twice as many different tokens there is no control, and the table shows none.
    if 2 * task.period <= len(ordinary_tokens(opened.config, opened.tokenizer)):
        with _progress("control", quiet) as tell:
            control = head_scores(opened, unrepeated_tokens(opened, task), tell)
    _finite(dtype, *scores.per_sequence.values())
    ranked = [at for at in scores.ranked(by) if not chosen or at in chosen]
    if as_json:
        _print_json(_heads_json(scores, control, ranked))
        return
    listed = ranked if chosen else ranked[:top]
    show(lambda width: heads_view(scores, control, listed, width, by))


def _heads_json(scores: HeadScores, control: HeadScores | None, ranked: Sequence[tuple[int, int]]) -> dict[str, Any]:
    plain = scores.to_dict()
    names = [f"{layer}.{head}" for layer, head in ranked]
    plain["heads"] = {name: plain["heads"][name] for name in names}
    plain["control"] = None if control is None else {name: control.to_dict()["heads"][name] for name in names}
    return plain


@app.command(short_help="Does the model use a repeat in its input?")
def board(
    model: Model,
    period: Period = None,
    sequences: Sequences = 32,
    seed: Seed = 0,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Does the model use a repeat? Its loss at every token of random tokens that come twice.

    \b
    Example
      rung board ./my-model --period 20

    Nothing that the model remembers from training helps with random tokens: the first copy cannot be predicted. The
    second can, by a model that finds the same token earlier and says what came next.

    \b
    How to read it: one bar a token, its height the loss in nats (lower: better)
      first copy     near ln V, or above it where the model expects real text
      second copy    low, if the model uses the repeat
      ln V           guessing evenly among all V tokens of the vocabulary
      ln n           knowing which n tokens the first copy has, not their order;
                     the second copy has to beat it
    """
    from .methods.behaviour import board as measure
    from .tasks.builtin import repeated_tokens
    from .views.results import board_view
    from .views.terminal import show

    opened = _open(model, device, dtype, threads)
    task = repeated_tokens(opened, period=period, sequences=sequences, seed=seed)
    with _progress("board", quiet) as tell:
        found = measure(opened, task, tell)
    _finite(dtype, found.loss)
    if as_json:
        _print_json(found.to_dict())
        return
    example = [opened.token_text(token) for token in task.tokens[0].tolist()]
    show(lambda width: board_view(found, example, width))


@app.command(short_help="Find a behaviour's circuit, and test that claim on every rung.")
def prove(
    claim: Annotated[str, typer.Argument(metavar="CLAIM", help="What to prove: induction.")],
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="A folder of config.json and safetensors, or a bundled model's name.")
    ] = "two-layer",
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
    from .evidence.claim import find_claim, parse_heads
    from .evidence.ladder import prove as climb
    from .evidence.record import check_place, write_record
    from .evidence.record import record as write_down
    from .evidence.trial import silent
    from .views.proof import proof_view
    from .views.terminal import show

    claimed = find_claim(claim)
    named: dict[str, tuple[tuple[int, int], ...]] = {}
    for role, found in map(parse_heads, heads or ()):
        named[role] = named.get(role, ()) + found
    claimed = claimed.with_heads(named)
    wanted = None if require is None else _rung(require)
    place = _place(record, None if as_json else f"{claim}.json", no_record)
    if place is not None:
        check_place(place)
    opened = _open(model, device, dtype, threads)
    with _steps(quiet) as tell:
        proof = climb(claimed, opened, sequences=sequences, seed=seed, progress=tell or silent)
    if not all(math.isfinite(m.value) for m in proof.of(0) if m.value is not None):
        raise RungError(f"the model's output is not finite in {dtype}; try --dtype float32, or float64")
    if place is not None:
        write_record(proof, place)
    if as_json:
        _print_json(write_down(proof).to_dict())
    else:
        show(lambda width: proof_view(proof, width, tests, place))
    if wanted is not None and proof.verdict.rung < wanted:
        raise typer.Exit(1)


def _rung(spelled: str) -> int:
    from .evidence.measurement import RUNGS

    name = " ".join(spelled.lower().replace("-", " ").replace("_", " ").split())
    if name in RUNGS:
        return RUNGS.index(name)
    if name in map(str, range(len(RUNGS))):
        return int(name)
    known = [rung.replace(" ", "-") for rung in RUNGS]
    raise RungError(f"there is no rung {spelled!r}; there are {', '.join(known)}.{near(spelled, known)}")


def _place(record: str | None, default: str | None, none: bool) -> str | None:
    if record is not None and none:
        raise RungError("--record and --no-record exclude each other")
    if record == "-":
        raise RungError("a record goes into a file: --json prints it, --no-record writes none")
    return None if none else record if record is not None else default


@app.command(short_help="Can Rung work here?")
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
    from .methods.diagnosis import diagnose
    from .views.models import doctor_view
    from .views.terminal import show

    _set_threads(threads)
    found = diagnose()
    if as_json:
        _print_json(found.to_dict())
    else:
        show(lambda width: doctor_view(found, width))
    if not found.ok:
        raise typer.Exit(1)


def _open(name: str, device: str = "cpu", dtype: str = "float32", threads: int | None = None) -> HookedTransformer:
    import torch

    from .model.model import HookedTransformer

    if dtype not in DTYPES:
        raise RungError(f"dtype is {dtype!r}; known are {', '.join(DTYPES)}")
    _set_threads(threads)
    on = _device(device)
    return HookedTransformer.from_pretrained(name, device=on, dtype=getattr(torch, dtype))


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def _device(name: str) -> torch.device:
    import torch

    there = ["cpu", *(f"cuda:{n}" for n in range(torch.cuda.device_count()))]
    there += ["mps"] if torch.backends.mps.is_available() else []
    full = f"{name}:0" if name == "cuda" else name
    if full not in there:
        raise RungError(f"there is no device {name!r} here; there is {', '.join(there)}")
    return torch.device(full)


def _head(model: HookedTransformer, spelled: str) -> tuple[int, int]:
    from .engine.sites import check_head

    layer, dot, head = spelled.partition(".")
    if not (dot and layer.isdecimal() and head.isdecimal()):
        raise RungError(f"{spelled!r} names no head; write layer.head, as in 1.4")
    return check_head(model.config, int(layer), int(head))


def _finite(dtype: str, *values: torch.Tensor) -> None:
    if not all(bool(value.isfinite().all()) for value in values):
        raise RungError(f"the model's output is not finite in {dtype}; try --dtype float32, or float64")


def _print_json(value: dict[str, Any]) -> None:
    from .views.terminal import write

    write(json.dumps(value, indent=2, allow_nan=False) + "\n")


@contextmanager
def _progress(what: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on stderr where somebody can see it, gone when done."""
    with _steps(quiet) as tell:
        yield None if tell is None else lambda done, total: tell(what, done, total)


@contextmanager
def _steps(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """The same for work whose steps have names."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda step, done, total: bar.update(task, description=step, completed=done, total=total)


def main() -> None:
    """The entry point of `rung`."""
    app()
