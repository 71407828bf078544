import itertools
import math
from dataclasses import replace

import pytest
import torch

from rung.config import ModelConfig
from rung.engine.weights import init_weights
from rung.errors import PromptError, SiteError
from rung.methods import patterns
from rung.methods.patterns import SCORES, head_scores, pattern_scores
from rung.model.model import HookedTransformer
from rung.tasks.builtin import RandomTokens, repeated_tokens, unrepeated_tokens

CONFIG = ModelConfig(
    n_layers=2, d_model=8, n_heads=3, d_head=4, d_vocab=30, n_ctx=24, bos_token_id=0, d_mlp=8, act_fn="relu",
    model_name="small",
)  # fmt: skip


def random_patterns(seed: int, length: int) -> torch.Tensor:
    scores = torch.randn(2, 3, length, length, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return scores.masked_fill(torch.ones(length, length).triu(1).bool(), -torch.inf).softmax(-1)


def looking_back(distance: int, length: int) -> torch.Tensor:
    """A head that looks `distance` back, and at the first position where there is nothing so far back."""
    pattern = torch.zeros(1, 1, length, length)
    for q in range(length):
        pattern[0, 0, q, max(q - distance, 0)] = 1
    return pattern


def loop_score(name: str, pattern: torch.Tensor, period: int, start: int) -> float:
    """The definitions once more, one query and one key at a time."""
    length = start + 2 * period
    second = range(start + period, length - 1)
    keys = {
        "previous_token": [(q, q - 1) for q in range(start + 1, length)],
        "induction": [(q, q - period + 1) for q in second],
        "duplicate_token": [(q, q - period) for q in second],
        "current_token": [(q, q) for q in second],
        "bos": [(q, 0) for q in second],
    }
    if name == "elsewhere":
        left = [
            sum(float(pattern[q, k]) for k in range(length) if k not in {0, q, q - 1, q - period, q - period + 1})
            for q in second
        ]
        return math.fsum(left) / len(left)
    return math.fsum(float(pattern[q, k]) for q, k in keys[name]) / len(keys[name])


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("period", [3, 7])
def test_each_score_is_what_a_plain_loop_gives(period, start):
    attention = random_patterns(0, start + 2 * period)
    found = pattern_scores(attention, period, start)
    assert found.keys() == SCORES.keys()
    for name, values in found.items():
        for b, h in ((0, 0), (1, 2)):
            assert values[b, h].item() == pytest.approx(loop_score(name, attention[b, h], period, start), abs=1e-12)


@pytest.mark.parametrize(
    ("distance", "name"), [(0, "current_token"), (1, "previous_token"), (6, "induction"), (7, "duplicate_token")]
)
def test_a_head_that_does_one_thing_has_that_score_alone(distance, name):
    found = {key: value.item() for key, value in pattern_scores(looking_back(distance, 15), 7, 1).items()}
    assert found[name] == 1.0
    assert all(value == 0.0 for key, value in found.items() if key not in (name, "bos"))


def test_what_stays_on_bos_is_not_divided_out():
    half = (looking_back(6, 15) + looking_back(99, 15)) / 2
    found = pattern_scores(half, 7, 1)
    assert found["induction"].item() == 0.5
    assert found["elsewhere"].item() == 0.0


def test_patterns_of_another_length_are_refused():
    with pytest.raises(PromptError, match=r"\[14, 14\].*period 7 from position 1 needs 15"):
        pattern_scores(torch.zeros(1, 1, 14, 14), 7, 1)


def test_half_precision_patterns_are_summed_in_single():
    assert pattern_scores(random_patterns(1, 15).bfloat16(), 7, 1)["induction"].dtype == torch.float32


@pytest.mark.parametrize("rows_of_tokens", [1, 50, 2**13])
def test_streaming_in_batches_gives_what_the_whole_cache_gives(monkeypatch, rows_of_tokens):
    monkeypatch.setattr(patterns, "_TOKENS", rows_of_tokens)
    model = HookedTransformer(CONFIG, seed=1)
    task = repeated_tokens(model, period=6, sequences=5, seed=2)
    done = []
    scores = head_scores(model, task, lambda *at: done.append(at))
    _, cache = model.run_with_cache(task.tokens)
    for layer in range(2):
        whole = pattern_scores(cache["pattern", layer], 6, 1)
        for name in SCORES:
            torch.testing.assert_close(scores.per_sequence[name][:, layer], whole[name])
            torch.testing.assert_close(scores[name][layer], whole[name].mean(0))
    assert done[-1] == (5, 5)
    assert all(before < after for (before, _), (after, _) in itertools.pairwise(done))


def test_a_wired_previous_token_head_is_found_and_named():
    scores = head_scores(*wired())
    assert scores.ranked()[0] == (0, 0)
    assert scores["previous_token"][0, 0] > 0.99
    assert scores["induction"].max() < 0.1
    assert scores.labels == (("0.0", "0.1"),)


def wired():
    """Head 0.0 asks for the position before its own: shortformer positions are one-hot, keys are shifted by one."""
    config = ModelConfig(
        n_layers=1, d_model=16, n_heads=2, d_head=16, d_vocab=20, n_ctx=16, normalization_type=None,
        positional_embedding_type="shortformer", bos_token_id=0, model_name="wired",
    )  # fmt: skip
    weights = dict(init_weights(config, seed=0))
    weights["W_E"] = torch.zeros(20, 16)
    weights["W_pos"] = torch.eye(16)
    W_Q = torch.zeros(2, 16, 16)
    W_Q[0] = 100 * torch.eye(16).roll(-1, 1)  # position p asks for p − 1
    weights["W_Q"] = (W_Q,)
    weights["W_K"] = (torch.eye(16).repeat(2, 1, 1),)
    model = HookedTransformer(config, weights)
    return model, repeated_tokens(model, sequences=2)


def test_hooks_that_the_model_has_are_seen_and_ours_are_gone_afterwards():
    model, task = wired()

    def uniform(pattern, *, hook):
        return torch.ones_like(pattern) / pattern.shape[-1]

    with model.hooks(fwd_hooks=[("blocks.0.attn.hook_pattern", uniform)]):
        assert head_scores(model, task)["previous_token"].max() < 0.1
    assert head_scores(model, task)["previous_token"].max() > 0.99
    assert not any(point.has_hooks() for point in model.hook_points())


def test_the_control_is_read_at_the_same_offsets():
    model, task = wired()
    control = head_scores(model, unrepeated_tokens(model, task))
    assert control["previous_token"][0, 0] > 0.99
    assert control.to_dict()["task"]["repeated"] is False


def test_results_say_what_they_are():
    model, task = wired()
    scores = head_scores(model, task)
    assert (scores.n_sequences, scores.seed, scores.unit) == (2, 0, "attention, 0 to 1")
    plain = scores.to_dict()
    assert plain["model"] == "wired"
    assert plain["heads"]["0.1"].keys() == SCORES.keys()
    assert plain["heads"]["0.0"]["bos"] == pytest.approx(scores["bos"][0, 0].item())
    with pytest.raises(SiteError, match="no head score is called 'copying'; the scores are previous_token"):
        scores["copying"]


def test_a_model_without_heads_is_refused():
    model = HookedTransformer(ModelConfig(n_layers=0, d_model=4, n_heads=1, d_head=4, d_vocab=30, n_ctx=24))
    with pytest.raises(SiteError, match="no layers, so no heads"):
        head_scores(model, repeated_tokens(model))


@pytest.mark.parametrize("bos", [0, None])
def test_the_split_is_what_a_loop_over_keys_gives_and_sums_to_one(bos, seed):
    config = replace(CONFIG, bos_token_id=bos)
    model = HookedTransformer(config, init_weights(config, seed))
    task = repeated_tokens(model, period=5, sequences=3, seed=seed)
    found = patterns.attention_split(model, task)
    assert tuple(found) == tuple(patterns.SPLIT)
    torch.testing.assert_close(sum(found.values()), torch.ones(2, 3, dtype=torch.float64))
    _, cache = model.run_with_cache(task.tokens)
    for layer, head in itertools.product(range(2), range(3)):
        expected = dict.fromkeys(patterns.SPLIT, 0.0)
        queries = range(task.second, task.second + 4)
        for row, q in itertools.product(range(3), queries):
            for k in range(q + 1):
                names = {5 - 1: "induction", 1: "previous", 5: "duplicate", 0: "self"}
                name = names.get(q - k, "bos" if k == 0 else "elsewhere")
                expected[name] += float(cache["pattern", layer][row, head, q, k]) / 12
        for name, value in expected.items():
            assert float(found[name][layer, head]) == pytest.approx(value, abs=1e-6)


def scored(**values: float) -> patterns.HeadScores:
    """Scores of one head on one sequence."""
    filled = {name: torch.tensor([[[values.get(name, 0.0)]]]) for name in SCORES}
    task = RandomTokens(torch.zeros(1, 9, dtype=torch.long), 4, 1, 0, 0, True)
    return patterns.HeadScores("one head", filled, task)


@pytest.mark.parametrize(
    ("values", "control", "label"),
    [
        ({"induction": 0.9, "bos": 0.05}, {"induction": 0.02}, ("induction", "induction", 0.9, 0.3)),
        ({"induction": 0.32, "bos": 0.6}, {"induction": 0.02}, ("induction", "induction", 0.32, 0.3)),
        ({"induction": 0.4, "previous_token": 0.45}, {}, ("mixed", "previous_token", 0.45, 0.3)),
        ({"induction": 0.5}, {"induction": 0.2}, ("none fits", "induction", 0.5, 0.6)),
        ({"bos": 0.9, "duplicate_token": 0.1}, {}, ("none fits", "duplicate_token", 0.1, 0.3)),
    ],
)
def test_a_label_carries_its_score_and_floor(values, control, label):
    found = patterns.label_head(scored(**values), scored(**control), 0, 0)
    assert (found.name, found.signature) == label[:2]
    assert (found.score, found.floor) == pytest.approx(label[2:])
    assert patterns.clue(scored(**values), scored(**control), 0, 0) == (found.reached[0] if found.reached else None)


def test_without_a_control_the_floor_is_the_least_clue():
    assert patterns.floor_of("induction", None, 0, 0) == patterns.CLUE
    assert patterns.floor_of("previous_token", scored(previous_token=0.9), 0, 0) == patterns.CLUE
    with pytest.raises(SiteError, match="no heads to split"):
        config = replace(CONFIG, n_layers=0)
        model = HookedTransformer(config, init_weights(config, 0))
        patterns.attention_split(model, repeated_tokens(model, period=4, sequences=1))
