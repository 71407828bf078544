"""`rung why-attend`."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Device, Dtype, Json, Model, Threads, check_finite, open_model, parse_head, print_json


def why_attend(
    model: Model,
    head: Annotated[str, typer.Argument(metavar="HEAD", help="LAYER.HEAD, as in 1.4.")],
    query: Annotated[int, typer.Argument(metavar="QUERY", help="The position that attends; −1 is the last.")],
    key: Annotated[int, typer.Argument(metavar="KEY", help="The position that it attends to.")],
    text: Annotated[str, typer.Option(metavar="TEXT", help="What the model reads.")],
    top: Annotated[int, typer.Option(metavar="N", min=1, help="Rows of the table of pairs.")] = 12,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Why does this head attend from one position to another?

    \b
    Example
      rung why-attend two-layer 1.0 -1 3 --text "the man and the man"

    \b
    How to read it: the attention score is a sum over pairs of parts, one that
    wrote into the query and one that wrote into the key
      embed, pos_embed   the token's embedding, and its position's
      0.4, 0.mlp         what head 0.4 and the MLP of layer 0 wrote
      b_Q, ln1.b, …      constants that the head adds itself
      mean               of the score over all keys that the query sees: what
                         raises every key alike moves no attention

    Positions count from 0, the first token that is put before the text among them; negative ones from the end. The
    scale of every norm is taken as it was in this run. A large part is a clue to why, not proof that the head needs it.
    """
    from ..methods import scores
    from ..views.attention import why_attend_view
    from ..views.terminal import show

    opened = open_model(model, device, dtype, threads)
    found = scores.why_attend(opened, opened.to_tokens(text, truncate=False), parse_head(opened, head), query, key)
    check_finite(dtype, found.values)
    if as_json:
        print_json("why-attend", found.to_dict())
        return
    show(lambda width: why_attend_view(found, top, width))
