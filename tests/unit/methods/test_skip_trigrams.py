import math
from pathlib import Path

import pytest
import torch

from rung.errors import NotDefinedError, PromptError
from rung.methods.skip_trigrams import (
    OFTEN,
    TableEdit,
    edited_logits,
    find,
    listed_squares,
    source_table,
    squares,
)
from rung.model.model import HookedTransformer

FILE = Path(__file__).parents[3] / "src/rung/model/bundled/one-layer/skip_trigrams.json"


@pytest.fixture(scope="module")
def one_layer():
    return HookedTransformer.from_pretrained("one-layer")


def by_tables(model, tokens, head, edits):
    """The same model as loops over explicit tables, in plain Python."""
    w = {name: value.double() for name, value in model.state_dict().items() if value.is_floating_point()}
    x, positions = w["embed.W_E"][tokens], w["pos_embed.W_pos"][: len(tokens)]
    logits = x @ w["unembed.W_U"] + w["unembed.b_U"]
    for h in range(model.config.n_heads):
        q, k, v = ((x + shift) @ w[f"blocks.0.attn.W_{name}"][h] for name, shift in
                   (("Q", positions), ("K", positions), ("V", 0)))  # fmt: skip
        moved = v @ w["blocks.0.attn.W_O"][h] @ w["unembed.W_U"]
        for at in range(len(tokens)):
            scores = [float(q[at] @ k[key]) / math.sqrt(model.config.d_head) for key in range(at + 1)]
            tables = {key: moved[key].clone() for key in range(at + 1)}
            for edit in edits if h == head else ():
                for key in range(at + 1):
                    if edit.circuit == "QK" and (tokens[at], tokens[key]) == (edit.row, edit.column):
                        scores[key] += edit.by
                    if edit.circuit == "OV" and tokens[key] == edit.row:
                        tables[key][edit.column] += edit.by
            total = sum(math.exp(score) for score in scores)
            for key, score in enumerate(scores):
                logits[at] += math.exp(score) / total * tables[key]
    return logits


def test_edited_tables_do_what_a_model_made_of_such_tables_does(one_layer):
    text = " at the same time at an early period"
    tokens = one_layer.to_tokens(text)
    at, same, time = (one_layer.to_single_token(token) for token in (" at", " same", " time"))
    for edits in (
        [],
        [TableEdit("QK", same, at, 1.5)],
        [TableEdit("OV", at, time, -2.0), TableEdit("QK", same, at, 1.0)],
    ):
        found = edited_logits(one_layer, tokens, (0, 0), edits)[0]
        expected = by_tables(one_layer, tokens[0].tolist(), 0, edits)
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=2e-4)
    assert not torch.allclose(found, one_layer(tokens)[0])


def test_the_table_of_a_source_is_that_of_the_weights(one_layer):
    w = {name: value.double() for name, value in one_layer.state_dict().items()}
    E, U = w["embed.W_E"], w["unembed.W_U"]
    source, destinations, outputs = 5, [7, 9], [11, 13, 15]
    found = source_table(one_layer, (0, 2), source, destinations, outputs)
    qk = E @ w["blocks.0.attn.W_Q"][2] @ w["blocks.0.attn.W_K"][2].T @ E.T / math.sqrt(one_layer.config.d_head)
    ov = E[source] @ w["blocks.0.attn.W_V"][2] @ w["blocks.0.attn.W_O"][2] @ U
    torch.testing.assert_close(
        found.attention.double(), qk[destinations, source] - qk[destinations].mean(1), atol=1e-4, rtol=0
    )
    torch.testing.assert_close(found.logits.double(), ov[outputs] - ov.mean(), atol=1e-4, rtol=0)
    assert torch.linalg.matrix_rank(found.product) == 1


def test_squares_have_a_right_output_for_each_destination(one_layer):
    found = listed_squares(FILE)
    first = found[0]
    assert (first.source, first.destinations, first.outputs) == (" at", (" same", " early"), (" time", " period"))
    assert first.between == (" the", " an")
    assert first.text[0][0] > 0.8 and first.text[1][0] == 0.0 and first.text[0][1] < 0.01
    for square in found:
        for text in (square.source, *square.between, *square.destinations, *square.outputs):
            one_layer.to_single_token(text)
        assert square.destinations[0] != square.destinations[1] and square.outputs[0] != square.outputs[1]
    assert len({(s.source, s.destinations, s.outputs) for s in found}) == len(found) >= 5


def test_a_skip_trigram_is_found_in_a_text_that_has_it(one_layer):
    """same is followed by time after at only, and more often by people: the source tells, the destination does not."""
    phrase = " at the same time." + 4 * " of the same people."
    tokens = one_layer.to_tokens(phrase, prepend_bos=False)[0]
    found = list(find(one_layer, tokens.repeat(80)))
    [one] = [each for each in found if (each.source, each.destination, each.output) == (" at", " same", " time")]
    assert (one.between, one.count, one.text, one.text_after_destination) == (" the", 80, 1.0, 0.2)
    assert one.model > 2 * one.model_without_source and one.right_after is None
    assert all(each.count >= OFTEN for each in found) and list(squares(found)) == []


def test_other_models_have_no_such_tables(build, one_layer):
    with pytest.raises(NotDefinedError, match=r"is not one table of tokens: that needs one layer"):
        edited_logits(HookedTransformer.from_pretrained("two-layer"), torch.tensor([[0, 1]]), (0, 0), [])
    with pytest.raises(PromptError, match="token 4000 was given"):
        source_table(one_layer, (0, 0), 4000, [1], [2])
