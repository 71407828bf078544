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
    """Does the model use a repeat? Its loss at every token of random tokens that come twice.

    \b
    Example
      rung board ./my-model --period 20

    Nothing that the model remembers from training helps with random tokens: the first copy cannot be predicted. The
    second can, by a model that finds the same token earlier and says what came next.

    \b
    How to read it: one bar a token, its height the loss in nats (lower: better)
      first copy     near ln V, or above it where the model expects real text
      second copy    low, if the model uses the repeat
      ln V           guessing evenly among all V tokens of the vocabulary
      ln n           knowing which n tokens the first copy has, not their order;
                     the second copy has to beat it
    """
    from ..methods.behaviour import loss_by_position
    from ..tasks.builtin import repeated_tokens
    from ..views.results import board_view
    from ..views.terminal import show

    opened = open_model(model, device, dtype, threads)
    task = repeated_tokens(opened, period=period, sequences=sequences, seed=seed)
    with progress_bar("board", quiet) as tell:
        found = loss_by_position(opened, task, tell)
    check_finite(dtype, found.loss)
    if as_json:
        print_json(found.to_dict())
        return
    example = [opened.token_text(token) for token in task.tokens[0].tolist()]
    show(lambda width: board_view(found, example, width))
