"""`rung heads`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    parse_head,
    print_json,
)
from .progress import progress_bar

if TYPE_CHECKING:
    from ..methods.patterns import HeadScores


def heads(
    model: Model,
    top: Annotated[int, typer.Option(metavar="N", min=1, help="Rows of the table.")] = 12,
    by: Annotated[
        str | None, typer.Option(metavar="SCORE", help="Sort and draw by one score.  [default: the highest signature]")
    ] = None,
    head: Annotated[
        list[str] | None, typer.Option(metavar="LAYER.HEAD", help="Show only this head; may be repeated.")
    ] = None,
    period: Period = None,
    sequences: Sequences = 32,
    seed: Seed = 0,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Which positions does each attention head attend to on repeated random tokens?

    \b
    Example
      rung heads ./my-model --by induction --top 5

    \b
    How to read it: each score is a mean attention weight, 0 to 1
      previous         to the position before, in both copies
      induction        from the second copy, to the token that followed the
                       current token in the first
      control          the induction score on unrepeated tokens: should be low
      duplicate        from the second copy, to the same token in the first
      current, BOS     from the second copy, to itself and to the first position:
                       attention there is often idle (an attention sink)
      elsewhere        from the second copy, to all other positions
      looks like       the highest signature, if it is high enough for a clue

    An induction circuit needs a previous-token head and, in a later layer, an induction head. High scores are a clue
    that it is there. They are not proof: a head can attend to the right position without using it.

    \b
    SCORE: previous_token, induction, duplicate_token, current_token, bos, elsewhere
    """
    from ..methods.patterns import head_scores, known_score
    from ..tasks.builtin import ordinary_tokens, repeated_tokens, unrepeated_tokens
    from ..views.results import heads_view
    from ..views.terminal import show

    if by is not None:
        known_score(by)
    opened = open_model(model, device, dtype, threads)
    task = repeated_tokens(opened, period=period, sequences=sequences, seed=seed)
    chosen = [parse_head(opened, spelled) for spelled in head or ()]
    with progress_bar("heads", quiet) as progress:
        scores = head_scores(opened, task, progress)
    control = None
    # Without room for twice as many different tokens there is no control, and the table shows none.
    if 2 * task.period <= len(ordinary_tokens(opened.config, opened.tokenizer)):
        with progress_bar("control", quiet) as progress:
            control = head_scores(opened, unrepeated_tokens(opened, task), progress)
    check_finite(dtype, *scores.per_sequence.values())
    ranked = [at for at in scores.ranked(by) if not chosen or at in chosen]
    if as_json:
        print_json("heads", _heads_json(scores, control, ranked))
        return
    listed = ranked if chosen else ranked[:top]
    show(lambda width: heads_view(scores, control, listed, width, by))


def _heads_json(scores: HeadScores, control: HeadScores | None, ranked: Sequence[tuple[int, int]]) -> dict[str, Any]:
    plain = scores.to_dict()
    names = [f"{layer}.{head}" for layer, head in ranked]
    plain["heads"] = {name: plain["heads"][name] for name in names}
    plain["control"] = None if control is None else {name: control.to_dict()["heads"][name] for name in names}
    return plain
