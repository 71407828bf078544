"""What the attacks hold, without the ladder."""

import pytest
import torch

from rung.errors import RungError
from rung.planted import plant
from rung.tasks.induction import induction_batch


def attention(kind, head):
    planted = plant(kind, 0)
    batch = induction_batch(planted.model, sequences=32, seed=3)
    with torch.no_grad():
        _, cache = planted.model.run_with_cache(batch.tokens, names_filter="pattern")
    hit = cache["pattern", head[0]][:, head[1]].gather(-1, batch.source[..., None])[..., 0]
    return batch, hit


def test_the_claimed_head_of_every_other_finds_even_keys_only():
    (head,) = plant("every_other", 0).heads["induction"]
    batch, hit = attention("every_other", head)
    even = batch.source % 2 == 0
    assert hit[batch.predictable & even].mean() > 0.9
    assert hit[batch.predictable & ~even].mean() < 0.3


def test_every_other_needs_positions_that_keys_hold():
    with pytest.raises(RungError, match="every_other needs shortformer or standard positions"):
        plant("every_other", 0, architecture="rotary")


@pytest.mark.parametrize("kind", ["query_relayed", "value_relayed", "cancelling_four"])
def test_the_claimed_head_finds_its_key_as_long_as_nothing_is_ablated(kind):
    (head,) = plant(kind, 0).heads["induction"]
    batch, hit = attention(kind, head)
    assert hit[batch.predictable].mean() > 0.9


def test_text_of_reads_on_both_ways_is_said_rightly_and_wrongly():
    planted = plant("reads_on_both_ways", 0)
    tokens = planted.model.to_tokens(" ".join(planted.text.split()[:47]), prepend_bos=True)
    with torch.no_grad():
        losses = planted.model(tokens, return_type="loss", loss_per_token=True)[0]
    third = losses[2::3]  # after BOS a m, the loss of b
    assert third.min() < 1 and third.max() > 5
