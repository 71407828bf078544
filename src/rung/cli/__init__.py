"""The command line: `rung prove`, `verify`, `inspect`, `heads`, `why-attend`, `board`, `train`, `fetch`, `models` and
`doctor`.

Exit codes: 0 done · 1 `doctor` found a fault, `prove` did not reach the required rung, or
`verify` found a difference · 2 bad input, one line on
stderr · 130 interrupted · 141 the reader of a pipe went away. Heavy imports stand inside the commands, so that
`rung --help` answers at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from . import board, doctor, fetch, heads, inspect, models, prove, train, verify, why_attend
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
      rung why-attend MODEL HEAD QUERY KEY --text …  why does one attend there?
      rung prove induction  find the circuit behind it, and test that claim
      rung verify RECORD    execute a proof's tests again
      rung models           which models ship with Rung?
      rung fetch MODEL      bring a model here, once, from the Hugging Face hub
      rung train RECIPE     train one yourself, and watch the circuit form

    MODEL is a folder that holds config.json and model.safetensors, a GGUF file, the name of a bundled or fetched model
    (models lists them), or a repository of the Hugging Face hub: ORG/NAME, or a short name like gpt2-small.
    Each command explains how to read its output: rung heads --help.
    """


app.command(short_help="What is this model?")(inspect.inspect)
app.command(short_help="Where does each attention head look, when tokens repeat?")(heads.heads)
app.command(
    "why-attend",
    short_help="Why does a head attend from one position to another?",
    context_settings={"ignore_unknown_options": True},  # so that a position may be −1
)(why_attend.why_attend)
app.command(short_help="Does the model use a repeat in its input?")(board.board)
app.command(short_help="Find a behaviour's circuit, and test that claim on every rung.")(prove.prove)
app.command(short_help="Execute every test of a record again.")(verify.verify)
app.command(short_help="Train a small model, and watch its circuit form.")(train.train)
app.command(short_help="Bring a model here, so that later use needs no network.")(fetch.fetch)
app.command(short_help="Which models ship with Rung, and what do their cards say?")(models.models)
app.command(short_help="Can Rung work here?")(doctor.doctor)


def main() -> None:
    """The entry point of `rung`."""
    app()
