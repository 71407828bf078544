"""The command line: `rung prove`, `verify`, `report`, `diff`, `inspect`, `heads`, `weights`, `ablate`, `patch`,
`attribute`, `why-attend`, `board`, `lab`, `notebook`, `worker`, `train`, `fetch`, `models`, `schema`,
`bench` and `doctor`.

Exit codes: 0 done · 1 `doctor` found a fault, `prove` did not reach the required rung,
`verify` or `diff` found a difference, or a cell of `worker`'s sweep failed · 2 invalid input, with one line on
stderr · 130 interrupted · 141 the reader of a pipe closed it. Heavy imports are inside the commands, so that
`rung --help` is fast.
"""

from __future__ import annotations

from typing import Annotated

import typer

from . import (
    ablate,
    attribute,
    bench,
    board,
    diff,
    doctor,
    fetch,
    heads,
    inspect,
    lab,
    models,
    notebook,
    patch,
    prove,
    report,
    schema,
    train,
    verify,
    weights,
    why_attend,
    why_not,
    worker,
)
from .exits import Commands

app = typer.Typer(
    name="rung",
    cls=Commands,
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> bool:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"rung {version('rung')}")
        raise typer.Exit
    return wanted


@app.callback()
def rung(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Find circuits in transformers, and test them: attention scores, ablations, path patching, and weights.

    \b
    Begin with
      rung doctor           does Rung work on this machine?
      rung inspect MODEL    what is this model?
      rung board MODEL      does it predict repeated tokens?
      rung heads MODEL      which attention heads could be responsible?
      rung weights MODEL    what are those heads built to do?
      rung ablate MODEL     which heads does the prediction of repeats need?
      rung patch MODEL …    where is the difference of two prompts carried?
      rung attribute MODEL …  which components push the next token?
      rung why-attend MODEL HEAD QUERY KEY --text …  why does one attend there?
      rung prove induction  find the induction circuit, and test that claim
      rung verify RECORD    execute a proof's tests again
      rung why-not HEAD     which test separates a head from the circuit?
      rung report RECORD    write a proof as one HTML page
      rung diff A B         what differs between two records?
      rung lab              the lesson, live: a local page over a running model
      rung notebook         the course in code, as notebooks
      rung worker STORE     work on a stored sweep, beside other workers
      rung models           which models are bundled with Rung?
      rung fetch MODEL      download a model from the Hugging Face hub, once
      rung schema           what --json prints, as JSON Schemas
      rung train RECIPE     train a small model, and watch the circuit form
      rung bench soundness  how often is a verdict above what is true?

    MODEL is a folder that holds config.json and model.safetensors, a GGUF file, the name of a bundled or fetched model
    (rung models lists them), or a repository of the Hugging Face hub: ORG/NAME, or a short name like gpt2-small.
    Each command explains how to read its output: rung heads --help.
    """


app.command(short_help="What is this model?")(inspect.inspect)
app.command(short_help="Which positions does each attention head attend to on repeated tokens?")(heads.heads)
app.command(short_help="What are the heads built to do? Circuits of their weights.")(weights.weights)
app.command(short_help="Which heads does the prediction of repeated tokens need?")(ablate.ablate)
app.command(short_help="Where is the difference between two prompts carried?")(patch.patch)
app.command(short_help="Which components push the next token?")(attribute.attribute)
app.command(
    "why-attend",
    short_help="Why does a head attend from one position to another?",
    context_settings={"ignore_unknown_options": True},  # so that a position may be −1
)(why_attend.why_attend)
app.command(short_help="Does the model predict repeated tokens? Loss by position.")(board.board)
app.command(short_help="Find a behaviour's circuit, and test that claim on every rung.")(prove.prove)
app.command(short_help="The lesson, live: a local page over a running model.")(lab.lab)
app.command(short_help="The course in code: notebooks with exercises that check themselves.")(notebook.notebook)
app.command(short_help="Execute every test of a record again.")(verify.verify)
app.command("why-not", short_help="Which test separates a head from the circuit?")(why_not.why_not)
app.command(short_help="What differs between records? When does each rung turn on?")(diff.diff)
app.command(short_help="Write a record as one HTML page.")(report.report)
app.command(short_help="Work on a stored sweep, beside any number of other workers.")(worker.worker)
app.command(short_help="Train a small model, and watch its circuit form.")(train.train)
app.command(short_help="Download a model, so that later use needs no network.")(fetch.fetch)
app.command(short_help="List bundled and fetched models, or show a model's card.")(models.models)
app.command(short_help="What do commands print with --json? JSON Schemas.")(schema.schema)
app.add_typer(bench.app, name="bench", short_help="Measure how far a verdict can be trusted.")
app.command(short_help="Does Rung work on this machine?")(doctor.doctor)


def main() -> None:
    """The entry point of `rung`."""
    app()
