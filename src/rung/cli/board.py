"""`rung board`."""

from __future__ import annotations

from .options import (
    Device,
    Dtype,
    Json,
    Model,
    Period,
    Quiet,
    Seed,
    Sequences,
    Threads,
    check_finite,
    open_model,
    print_json,
)
from .progress import progress_bar


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
    """Does the model predict repeated tokens? Loss by position on repeated random tokens.

    \b
    Example
      rung board ./my-model --period 20

    What a model learned in training does not help with random tokens, so that the first copy is not predictable. The
    second copy is, by finding the earlier occurrence of the current token and predicting the token that followed it.

    \b
    How to read it: one bar for each token, its height the loss in nats
      first copy     near ln V, or above it if the model expects real text
      second copy    low, if the model uses the repeat
      ln V           loss of a uniform guess over the V tokens of the vocabulary
      ln n           loss of a uniform guess over the n tokens of the first copy;
                     the second copy's loss has to be below it
    """
    from ..methods.behaviour import loss_by_position
    from ..tasks.builtin import repeated_tokens
    from ..views.results import board_view
    from ..views.terminal import show

    opened = open_model(model, device, dtype, threads)
    task = repeated_tokens(opened, period=period, sequences=sequences, seed=seed)
    with progress_bar("board", quiet) as progress:
        found = loss_by_position(opened, task, progress)
    check_finite(dtype, found.loss)
    if as_json:
        print_json("board", found.to_dict())
        return
    example = [opened.token_text(token) for token in task.tokens[0].tolist()]
    show(lambda width: board_view(found, example, width))
