"""`rung weights`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from .options import Device, Dtype, Json, Model, Quiet, Seed, Threads, check_finite, open_model, parse_head, print_json
from .progress import progress_bar

if TYPE_CHECKING:
    from ..circuits.composition import Composition


def weights(
    model: Model,
    kind: Annotated[str, typer.Option(metavar="KIND", help="ov, qk, composition, skip-trigrams or svd.")] = "ov",
    heads: Annotated[
        str | None,
        typer.Option(metavar="HEADS", help="Only these, as in 1.4,0.7; their strongest entries are listed."),
    ] = None,
    top: Annotated[int, typer.Option(metavar="N", min=1, help="Rows of each table.")] = 10,
    offset: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Distance from query to key, of rotary models.")
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Tokens that shares are estimated from.  [default: all, or 1024]"),
    ] = None,
    seed: Seed = 0,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """What are the heads built to do? Their circuits, read from weights alone.

    \b
    Example
      rung weights one-layer --kind skip-trigrams --heads 0.0

    \b
    How to read it
      ov             copying: share of tokens whose own logit is raised most when
                     they are attended to, ranks, eigenvalue score (−1 to 1)
      qk             share of key tokens that the same token as query scores
                     highest; --offset turns rotary queries and keys
      composition    how much of what one head writes a later head reads through
                     its queries (Q), keys (K) or values (V)
      skip-trigrams  source … query → output: the query attends to the source,
                     which raises the output
      svd            how much of a circuit is its first singular direction, and the
                     tokens that directions read and write

    Weights show what a head could do, not what it does in a run: see rung heads and rung prove.
    """
    from ..circuits.survey import Ask, Kind, survey
    from ..errors import RungError
    from ..views.terminal import show
    from ..views.weights import survey_view

    known = (*get_args(Kind), "composition")
    if kind not in known:
        raise RungError(f"kind is {kind!r}; known are {', '.join(known)}")
    opened = open_model(model, device, dtype, threads)
    check_finite(dtype, *opened.parameters())
    chosen = None if heads is None else tuple(parse_head(opened, spelled) for spelled in heads.split(","))
    if kind == "composition":
        _composition(opened, chosen, top, seed, as_json)
        return
    ask = Ask(cast(Kind, kind), chosen, top if chosen or as_json else 0, sample, seed, offset)
    with progress_bar("weights", quiet) as progress:
        found = survey(opened, ask, progress)
    if as_json:
        print_json("weights", found.to_dict())
        return
    show(lambda width: survey_view(found, top, width))


def _composition(model: Any, chosen: tuple[tuple[int, int], ...] | None, top: int, seed: int, as_json: bool) -> None:
    from ..circuits.composition import composition, gaussian_composition
    from ..circuits.heads import head_label
    from ..views.terminal import show
    from ..views.weights import composition_view

    found = composition(model)
    named = None if chosen is None else {head_label(head) for head in chosen}
    pairs = [pair for pair in found.ranked() if named is None or named & {*pair[:2]}]
    gaussian = gaussian_composition(model.config.d_model, model.config.d_head, seed)
    if as_json:
        print_json("composition", _composition_json(model.config.model_name, found, pairs, gaussian, seed))
        return
    show(lambda width: composition_view(found, pairs[:top], gaussian, width))


def _composition_json(
    name: str,
    found: Composition,
    pairs: list[tuple[str, str, str, float]],
    gaussian: tuple[float, float],
    seed: int,
) -> dict[str, Any]:
    others, rows = found.others(), []
    for sender, receiver, into, score in pairs:
        at = found.into.index(into), found.heads.index(sender), found.heads.index(receiver)
        rest = others[at].item()
        row = {"sender": sender, "receiver": receiver, "into": into, "score": score}
        rows.append(row | {"other_pairs": None if rest != rest else rest})
    baseline = {"mean": gaussian[0], "deviation": gaussian[1], "root_mean_square": found.chance}
    return {"model": name, "kind": "composition", "unit": found.unit, "seed": seed, "gaussian": baseline, "pairs": rows}
