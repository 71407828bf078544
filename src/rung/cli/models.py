"""`rung models`."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Json, print_json


def models(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Show the card of a bundled model or of a trained model's folder."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Which models are bundled with Rung, which were fetched, and which other checkpoints can it read?

    \b
    Examples
      rung models
      rung models two-layer-tiny

    \b
    How to read a card
      second copy      loss in nats on the second copy of repeated random tokens;
                       far below ln V if the model uses the repeat
      induction,       the heads with the highest scores, layer.head
      previous token
      ablating a head  increase of the second copy's loss when that head is
                       mean-ablated, for the most important head of each layer
      text             loss on held-out text
      the curve        in the phase change, in which the circuit forms, the loss
                       falls while ind and prev rise

    The scores in a card were measured during training. rung heads and rung board measure them again; rung prove tests
    whether the heads form a circuit.
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
            print_json("model", {"card": card, "config": config.to_dict(), "curve": curve})
        else:
            show(lambda width: card_view(card, config, curve, width))
        return
    found = [(load_checkpoint(BUNDLED / each).config, read_card(BUNDLED / each)) for each in bundled_names()]
    if as_json:
        cards = {card["name"]: {"card": card, "config": config.to_dict()} for config, card in found}
        reads = {family.name: list(family.model_types) for family in FAMILIES}
        print_json("models", {"models": cards, "fetched": downloaded_models(), "reads": reads})
    else:
        show(lambda width: models_view(found, width))
        others = {name: wheel.what for name, wheel in WHEELS.items() if name not in downloaded_models()}
        show(lambda width: sources_view(downloaded_models(), others, FAMILIES, width))
