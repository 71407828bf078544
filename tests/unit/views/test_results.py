import io

import pytest
import torch
from rich.console import Console

from rung.config import Alibi, ModelConfig
from rung.methods.behaviour import LossByPosition
from rung.methods.diagnosis import Check, Diagnosis
from rung.methods.inspection import inspect
from rung.methods.patterns import SCORES, HeadScores
from rung.model.model import HookedTransformer
from rung.tasks.builtin import RandomTokens
from rung.views.models import doctor_view, hooks_view, model_view, weights_view
from rung.views.results import board_view, heads_view, reading

WIDTHS = (40, 60, 80, 140)


def text(renderable, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, markup=False).print(renderable)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    return out.getvalue()


def task(period: int = 10, bos: int | None = 0, repeated: bool = True) -> RandomTokens:
    start = int(bos is not None)
    return RandomTokens(torch.zeros(2, start + 2 * period, dtype=torch.long), period, start, 7, bos, repeated)


def scores(repeated: bool = True, bos: int | None = 0, **values: float) -> HeadScores:
    """Two layers of three heads; `values` are those of head 1.2."""
    per_sequence = {name: torch.full((2, 2, 3), 0.01) for name in SCORES}
    for name, value in values.items():
        per_sequence[name][:, 1, 2] = value
    return HeadScores("m", per_sequence, task(bos=bos, repeated=repeated))


def a_board(first: float, second: float, period: int = 10, bos: int | None = 0) -> LossByPosition:
    where = task(period, bos)
    loss = torch.full((2, where.tokens.shape[1] - 1), first)
    loss[:, where.predictable] = second
    return LossByPosition("m", loss, loss < 1, where, 2000)


def line_of(drawn: str, beginning: str) -> str:
    return next(line.rstrip() for line in drawn.splitlines() if line.startswith(beginning))


@pytest.mark.parametrize("width", WIDTHS)
def test_heads_are_readable_at_every_width(width):
    found = scores(induction=0.9)
    drawn = text(heads_view(found, scores(repeated=False), found.ranked()[:2], width), width)
    assert "0.90" in line_of(drawn, "1.2")
    assert "2 of 6 heads." in drawn
    assert "not proof" in " ".join(drawn.split())
    assert "percent of attention" in " ".join(drawn.split())


@pytest.mark.parametrize(
    ("value", "in_control", "name", "like"),
    [
        (0.9, 0.02, "induction", "induction"),
        (0.9, 0.5, "induction", ""),
        (0.2, 0.0, "induction", ""),
        (0.9, 0.9, "previous_token", "previous token"),
        (0.5, 0.0, "duplicate_token", "duplicate token"),
    ],
)
def test_what_a_head_looks_like_needs_a_score_and_a_control_below_it(value, in_control, name, like):
    found, control = scores(**{name: value}), scores(repeated=False, **{name: in_control})
    assert line_of(text(heads_view(found, control, [(1, 2)], 140), 140), "1.2").endswith(like or "0.01")


def test_a_model_without_bos_is_told_what_that_column_means():
    assert "has no BOS" in " ".join(text(heads_view(scores(bos=None), None, [(0, 0)], 80), 80).split())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("period", [3, 50])
@pytest.mark.parametrize("bos", [None, 0])
def test_the_board_is_readable_at_every_width(width, period, bos):
    board = a_board(9.5, 0.25, period, bos)
    drawn = text(board_view(board, [f" t{i}" for i in range(board.task.tokens.shape[1])], width), width)
    assert line_of(drawn, "first copy   9.50 nats")
    assert line_of(drawn, "second copy  0.25 nats")
    assert "gain         9.25 nats" in drawn
    assert sum(line.startswith("ln V  7.6") for line in drawn.splitlines()) >= 1
    assert "·t0" in drawn


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [(9.0, 0.1, "as an induction circuit would"), (9.0, 5.0, "no evidence of induction"), (7.6, 7.5, "hardly lower")],
)
def test_the_reading_says_no_more_than_the_means(first, second, said):
    assert said in reading(a_board(first, second))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_model_is_described_at_every_width(width):
    config = ModelConfig(
        n_layers=2, d_model=16, n_heads=4, d_head=4, n_key_value_heads=2, d_vocab=60, n_ctx=32, d_mlp=16,
        act_fn="silu", gated_mlp=True, normalization_type="RMS", parallel_attn_mlp=True, model_name="m",
    )  # fmt: skip
    found = inspect(HookedTransformer(config))
    drawn = " ".join(text(model_view(found, width), width).split())
    assert "2 shared key/value heads" in drawn
    assert "16 neurons per layer, silu, gated" in drawn
    hooks = " ".join(text(hooks_view(found.hooks, width), width).split())
    assert hooks.count("hook_pattern") == 2
    assert "[batch, pos, kv_head 2, d_head 4]" in hooks
    assert "2 × 16 × 4" in text(weights_view(found, width), width)


def test_every_kind_of_model_can_be_described(any_kind):
    for width in WIDTHS:
        assert "positions" in text(model_view(inspect(any_kind), width), width)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "norm LayerNorm before each sublayer and at the end"),
        ({"normalization_type": None}, "norm none"),
        ({"norm_placement": "post", "normalization_type": "RMS"}, "RMSNorm after each sublayer and at the end"),
        (
            {"norm_placement": "both", "normalization_type": "RMSPre", "qk_norm": "head", "post_embedding_ln": True},
            "RMSNorm before and after each sublayer and at the end, over embeddings, over each head's queries and "
            "keys, weights folded into the matrices that read it",
        ),
        ({"qk_norm": "heads"}, "over all heads' queries and keys"),
        (
            {"positional_embedding_type": "alibi", "alibi": Alibi(slopes=(0.5, 0.25, 0.1, 0.1))},
            "positions ALiBi: a linear bias raises the scores of later keys",
        ),
        ({"windows": (4, None)}, "windows 1 of 2 layers attend to the last 4 tokens, the current one included"),
        (
            {"attn_scores_soft_cap": 50.0, "clip_qkv": 8.0, "embed_scale": 2.0, "logit_scale": 0.25},
            "scores soft-capped at ±50; queries, keys and values clamped at ±8; embeddings times 2; logits times 0.25",
        ),
        (
            {"n_experts": 4, "experts_per_token": 2, "d_mlp_shared": 5, "d_mlp": 16, "act_fn": "silu"},
            "2 of 4 experts for each token, 16 neurons each, silu; a shared expert of 5 neurons for every token",
        ),
        ({"processing": ("fold_ln", "fold_value_biases")}, "norm weights folded in, value biases moved to b_O"),
    ],
)
def test_what_a_model_has_is_said_in_words(changes, said):
    shape = {"n_layers": 2, "d_model": 16, "n_heads": 4, "d_head": 4, "d_vocab": 60, "n_ctx": 32}
    found = inspect(HookedTransformer(ModelConfig(**shape | changes)))
    assert said in " ".join(text(model_view(found, 200), 200).split())


def test_a_fault_is_named_with_what_to_do():
    found = Diagnosis((Check("torch", "ok", "2.0"), Check("engine", "fault", "3 is not 4", "count again")))
    drawn = text(doctor_view(found, 60), 60)
    assert "✗ fault  3 is not 4" in drawn
    assert "→ count again" in drawn
    assert "1 fault" in drawn
    assert not found.ok
