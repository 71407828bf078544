import pytest
import torch

from rung.circuits.heads import attention_scale
from rung.errors import InterventionError, NotDefinedError, PromptError, SiteError
from rung.methods.attribution import attribute_logits
from rung.methods.scores import attribute_scores, attribute_values, why_attend

EXACT = 1e-12
"""Parts are summed in float64 and the numbers are of order 1 to 100."""
SINES = 1e-5
"""Sinusoidal positions are made in float32."""


@pytest.mark.parametrize("into", ["Q", "K"])
def test_the_parts_of_a_score_sum_to_it(any_kind, draw, into) -> None:
    model, tokens = any_kind, draw()
    queries, keys = [6, 1, 4], torch.tensor([[3, 0, 4], [1, 1, 0], [6, 0, 2]])
    if model.config.latent is not None:
        with pytest.raises(NotDefinedError, match=f"has no W_{into}.* a norm between the two products"):
            attribute_scores(model, tokens, (2, 3), into, queries, keys)
        return
    found = attribute_scores(model, tokens, (2, 3), into, queries, keys)
    scores = model.run_with_cache(tokens, names_filter="attn_scores")[1]["attn_scores", 2][:, 3]
    cap = model.config.attn_scores_soft_cap
    scores = scores if cap is None else torch.where(scores.isfinite(), cap * torch.atanh(scores / cap), scores)
    for example in range(3):
        for at, query in enumerate(queries):
            key = int(keys[example, at])
            row = scores[example, query, : query + 1]
            others = torch.cat((row[:key], row[key + 1 :]))
            others = others[others.isfinite()].mean()  # what is out of the window counts for nothing
            assert float(found.total[example, at]) == pytest.approx(float(row[key] - others))
    tolerance = SINES if model.config.positional_embedding_type == "sinusoidal" else EXACT
    assert found.residual.abs().max() < tolerance * found.values.abs().max() + tolerance
    assert found.unit == "attention score"


def test_a_senders_share_is_what_the_receivers_keys_read_of_it(build, draw) -> None:
    model, tokens = build(), draw()
    _, cache = model.run_with_cache(tokens)
    k = cache["result", 0][:, 5, 1] @ model.W_K[2, 0]
    score = (cache["q", 2][:, 6, 0] * k).sum(-1) / attention_scale(model.config)
    own = attribute_scores(model, tokens, (2, 0), "K", [6], torch.full((3, 1), 5)).of("0.1")
    others = 0
    for key in (0, 1, 2, 3, 4, 6):
        k = cache["result", 0][:, key, 1] @ model.W_K[2, 0]
        others = others + (cache["q", 2][:, 6, 0] * k).sum(-1) / attention_scale(model.config)
    torch.testing.assert_close(own[:, 0], score - others / 6)


def test_slopes_are_a_part_of_the_score(build, draw) -> None:
    model = build("LN, slopes, normed embeddings, biases")
    found = attribute_scores(model, draw(), (1, 0), "K", [4], torch.full((3, 1), 3))
    assert found.of("alibi").flatten().tolist() == [3 - (0 + 1 + 2 + 4) / 4] * 3


def test_what_was_cut_off_is_no_sum(build, draw) -> None:
    model = build("RMS, experts, clipped in vain", clip_qkv=0.5)
    for into, name in (("Q", "queries"), ("K", "keys")):
        with pytest.raises(NotDefinedError, match=rf"{name} of 2\.3 were clamped at ±0\.5"):
            attribute_scores(model, draw(), (2, 3), into, [4], torch.full((3, 1), 3))


def test_a_key_out_of_the_window_cannot_be_the_right_one(build, draw) -> None:
    model = build("LN, each query normed, scaled logits, parallel")
    attribute_scores(model, draw(), (1, 0), "K", [6], torch.full((3, 1), 2))
    with pytest.raises(InterventionError, match="within its window"):
        attribute_scores(model, draw(), (1, 0), "K", [6], torch.full((3, 1), 1))


def test_the_pairs_of_one_score_sum_to_it(any_kind, draw) -> None:
    model, tokens = any_kind, draw()[:1]
    _, cache = model.run_with_cache(tokens)
    if model.config.latent is not None:
        with pytest.raises(NotDefinedError, match="compressed vectors"):
            why_attend(model, tokens[0], (2, 3), 6, 4)
        return
    cap = model.config.attn_scores_soft_cap
    for query, key in ((6, 4), (4, 4), (-1, -3)):
        found = why_attend(model, tokens[0], (2, 3), query, key)
        score = cache["attn_scores", 2][0, 3, query, key]
        score = score if cap is None else cap * torch.atanh(score / cap)
        assert found.score == pytest.approx(float(score)) and found.capped == (cap is not None)
        assert found.pattern == pytest.approx(float(cache["pattern", 2][0, 3, query, key]))
        assert (found.query, found.key) == (query % 7, key % 7) and found.tokens == tuple(tokens[0].tolist())
        tolerance = SINES if model.config.positional_embedding_type == "sinusoidal" else EXACT
        assert abs(found.residual) < tolerance * float(found.values.abs().max()) + tolerance
        assert found.values.shape == (len(found.query_labels), len(found.key_labels))


def test_a_pair_is_what_the_two_write_and_the_head_reads_of_it(build, draw) -> None:
    model, tokens = build(), draw()[:1]
    _, cache = model.run_with_cache(tokens)
    q, k = cache["result", 0][0, 6, 2] @ model.W_Q[1, 3], cache["hook_embed"][0, 4] @ model.W_K[1, 3]
    found = why_attend(model, tokens, (1, 3), 6, 4)
    pair = {(query, key): score for query, key, score in found.ranked()}
    assert pair["0.2", "embed"] == pytest.approx(float(q @ k / attention_scale(model.config)))
    scores = [score for _, _, score in found.ranked(5)]
    assert len(scores) == 5 and sorted(map(abs, scores), reverse=True) == [abs(score) for score in scores]


def test_the_wired_head_attends_for_what_was_written_where_it_reads(wired) -> None:
    tokens = torch.tensor([[0, 3, 5, 7, 9, 3, 5]])
    found = why_attend(wired, tokens, (1, 2), -1, 3)  # 5 came at 2, and 7 after it
    assert found.pattern > 0.9 and found.ranked(1)[0][:2] == ("embed", "0.1")
    assert found.score > found.mean_score + 1


def test_a_place_that_cannot_be_attended_to_is_refused(wired, build, draw) -> None:
    tokens = torch.tensor([[0, 3, 5, 7]])
    for head, query, key, error, said in (
        ((1, 9), 3, 1, SiteError, "no head 1.9"),
        ((1, 2), 1, 3, InterventionError, "position 1 does not see position 3"),
        ((1, 2), 4, 1, PromptError, "positions 0 to 3"),
    ):
        with pytest.raises(error, match=said):
            why_attend(wired, tokens, head, query, key)
    with pytest.raises(PromptError, match="one prompt"):
        why_attend(wired, tokens.expand(2, -1), (1, 2), 3, 1)
    with pytest.raises(InterventionError, match="within its window"):
        why_attend(build("LN, each query normed, scaled logits, parallel"), draw()[:1], (1, 0), 6, 1)


def test_what_values_read_sums_to_the_receivers_attribution(any_kind, draw) -> None:
    model, tokens = any_kind, draw()
    targets, minus = draw(seed=2, length=2), torch.stack([draw(seed=s, length=2) for s in (3, 4)], -1)
    if model.config.latent is not None:
        with pytest.raises(NotDefinedError, match="has no W_V"):
            attribute_values(model, tokens, (2, 1), targets, minus, queries=[4, 2])
        return
    found = attribute_values(model, tokens, (2, 1), targets, minus, queries=[4, 2])
    torch.testing.assert_close(found.total, attribute_logits(model, tokens, targets, minus, [4, 2]).of("2.1"))
    tolerance = SINES if model.config.positional_embedding_type == "sinusoidal" else EXACT
    assert found.residual.abs().max() < tolerance * found.values.abs().max() + tolerance
    assert {"embed", "0.0", "1.3"} <= set(found.labels) and "2.0" not in found.labels


def test_a_senders_share_of_the_values_is_its_output_averaged_by_the_pattern(build, draw) -> None:
    model, tokens, targets = build(), draw(), draw(seed=2)
    _, cache = model.run_with_cache(tokens)
    z = cache["pattern", 2][:, 1] @ (cache["result", 0][:, :, 3] @ model.W_V[2, 1])
    expected = torch.einsum("bpd,bpd->bp", z @ model.W_O[2, 1], model.W_U.T[targets])
    torch.testing.assert_close(attribute_values(model, tokens, (2, 1), targets).of("0.3"), expected)


def test_clamped_values_are_no_sum(build, draw) -> None:
    model = build("RMS, experts, clipped in vain", clip_qkv=0.5)
    with pytest.raises(NotDefinedError, match=r"values of 2\.3 were clamped"):
        attribute_values(model, draw(), (2, 3), draw(seed=2))
