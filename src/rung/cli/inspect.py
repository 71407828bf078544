"""`rung inspect`."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Json, Model, open_model, print_json


def inspect(
    model: Model,
    hooks: Annotated[bool, typer.Option("--hooks", help="List every hook: its name, shape and meaning.")] = False,
    hook: Annotated[
        str | None, typer.Option(metavar="NAME", help="Explain one hook: “blocks.1.attn.hook_pattern”, or “pattern”.")
    ] = None,
    weights: Annotated[bool, typer.Option("--weights", help="List every weight and its shape.")] = False,
    as_json: Json = False,
) -> None:
    """What is this model? Its architecture, tokenizer, hooks and weights.

    \b
    Example
      rung inspect ./my-model --hook pattern

    \b
    How to read it
      layers × heads   number of attention heads; head 1.4 is layer 1, head 4
      residual         width of the residual stream
      processing       weight processing on loading, which makes weights easier to
                       interpret and changes no log-probability
      hooks            named activations of the forward pass that can be read and
                       edited: model.run_with_cache, model.run_with_hooks
    """
    from ..methods.inspection import find_hooks
    from ..methods.inspection import inspect as look
    from ..views.models import hooks_view, model_view, weights_view
    from ..views.terminal import show

    opened = open_model(model)
    found = look(opened)
    named = None if hook is None else find_hooks(opened.config, hook)
    if as_json:
        whole = found.to_dict()
        if named is None:
            print_json("inspect", whole)
        else:
            names = {each.name for each in named}
            print_json("hooks", {"hooks": [each for each in whole["hooks"] if each["name"] in names]})
        return
    if named is not None:
        show(lambda width: hooks_view(named, width))
    if hooks:
        show(lambda width: hooks_view(found.hooks, width))
    if weights:
        show(lambda width: weights_view(found, width))
    if not (hooks or weights or named is not None):
        show(lambda width: model_view(found, width))
