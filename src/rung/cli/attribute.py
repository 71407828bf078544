"""`rung attribute`."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Device, Dtype, Json, Model, Threads, check_finite, open_model, print_json


def attribute(
    model: Model,
    text: Annotated[str, typer.Option(metavar="TEXT", help="What the model reads.")],
    answer: Annotated[str, typer.Option(metavar="TOKEN", help="The next token that is explained, with its space.")],
    other: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Explain the answer's logit minus this token's.")
    ] = None,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Which components push the next token? Direct logit attribution.

    \b
    Example
      rung attribute two-layer --text "the man and the" --answer " man"

    \b
    How to read it: the answer's logit is a sum over everything that wrote
    into the last position, with the last norm's scale as it was in this run
      1.4        what head 1.4 wrote, read by the unembedding
      0.mlp      what the MLP of layer 0 wrote
      embed, pos_embed, b_O, …   embeddings and biases

    A large part pushes the token directly. A head that acts through a later one has a small part here, and may be
    needed all the same: see rung ablate.
    """
    import torch

    from ..methods.attribution import attribute_logits
    from ..views.attribution import attribution_view
    from ..views.terminal import show

    opened = open_model(model, device, dtype, threads)
    tokens = opened.to_tokens(text, truncate=False)
    target = torch.tensor([[opened.to_single_token(answer)]])
    minus = None if other is None else torch.tensor([[[opened.to_single_token(other)]]])
    found = attribute_logits(opened, tokens, target, minus, queries=[tokens.shape[1] - 1])
    check_finite(dtype, found.values, found.total)
    if as_json:
        values = dict(zip(found.labels, found.values[:, 0, 0].tolist(), strict=True))
        total, residual = float(found.total), float(found.residual)
        print_json(
            "attribute",
            {"model": opened.config.model_name, "text": text, "answer": answer, "other": other, "unit": found.unit}
            | {"total": total, "residual": residual, "parts": values},
        )
        return
    what = f"{answer!r} after {text!r}" if other is None else f"{answer!r} over {other!r} after {text!r}"
    title = f"What pushes {what} in {opened.config.model_name}"
    show(lambda width: attribution_view(title, found, opened.config.n_layers, opened.config.n_heads, width))
