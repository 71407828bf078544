"""Layers, heads, positions and counts as people's code has them: NumPy integers, and tensors without axes."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rung.engine.factored import FactoredMatrix
from rung.engine.sites import check_head
from rung.engine.slicing import Slice, is_whole, whole
from rung.errors import PromptError, SiteError, TokenizerError
from rung.evidence.claim import INDUCTION
from rung.methods.interventions import Resample, Zero, on_head
from rung.methods.sweep import sweep
from rung.model.model import HookedTransformer
from rung.tasks.metrics import logit_difference

Build = Callable[..., HookedTransformer]
Draw = Callable[..., Tensor]
KINDS = pytest.mark.parametrize(
    "kind", [np.int64, np.int32, np.uint8, torch.tensor, lambda n: torch.tensor(n, dtype=torch.int32), np.array]
)
Whole = Callable[[int], Any]


@KINDS
def test_layers_of_a_cache(build: Build, draw: Draw, kind: Whole) -> None:
    model = build("LN, learned positions, MLP, biases")
    _, cache = model.run_with_cache(draw())
    one = kind(1)
    assert cache["pattern", one] is cache["pattern", 1]
    assert cache["scale", one, "ln1"] is cache["scale", 1, "ln1"]
    assert torch.equal(cache["result", one], cache["result", 1])
    assert ("pattern", one) in cache and ("pattern", kind(7)) not in cache
    assert len(cache.stack_activation("z", one)) == 1
    for ask in (cache.accumulated_resid, cache.decompose_resid, cache.stack_head_results, cache.stack_neuron_results):
        assert torch.equal(ask(one, pos_slice=kind(2)), ask(1, pos_slice=2))
    neurons = cache.get_neuron_results(one, neuron_slice=kind(3), pos_slice=kind(2))
    assert torch.equal(neurons, cache.get_neuron_results(1, neuron_slice=3, pos_slice=2))
    stack = cache.decompose_resid(1)
    assert torch.equal(cache.apply_ln_to_stack(stack, one), cache.apply_ln_to_stack(stack, 1))
    assert torch.equal(cache.logit_attrs(stack, kind(5)), cache.logit_attrs(stack, 5))
    assert torch.equal(cache.apply_slice_to_batch_dim(kind(2))["z", 1], cache.apply_slice_to_batch_dim(2)["z", 1])
    for wrong in (True, torch.tensor(1.0), torch.tensor(True), torch.tensor([1, 2])):
        with pytest.raises(SiteError, match="names no hook"):
            cache["pattern", wrong]


@KINDS
def test_layers_and_positions_of_a_run(build: Build, draw: Draw, kind: Whole) -> None:
    model, tokens = build(), draw()
    one = kind(1)
    stream = model(tokens, stop_at_layer=one)
    assert torch.equal(stream, model(tokens, stop_at_layer=1))
    embeds = model.pos_embed(tokens)
    options: Any = {"shortformer_pos_embed": embeds}
    assert torch.equal(model(stream, start_at_layer=one, **options), model(stream, start_at_layer=1, **options))
    wanted = model.run_with_cache(tokens, names_filter=("z", 1), pos_slice=2)[1]["z", 1]
    assert wanted.shape == (3, 1, 4, 6)
    for picked in (kind(2), (kind(2), kind(3)), [kind(2)]):
        found = model.run_with_cache(tokens, names_filter=("z", one), pos_slice=picked)[1]
        assert list(found) == ["blocks.1.attn.hook_z"] and torch.equal(found["z", one], wanted)
    calls: list[str] = []
    model.run_with_hooks(tokens, fwd_hooks=[(("pattern", one), lambda x, hook: calls.append(hook.name))])
    assert calls == ["blocks.1.attn.hook_pattern"]
    assert torch.equal(model.blocks[int(one)].attn.W_Q, model.W_Q[one])
    assert check_head(model.config, one, kind(3)) == (1, 3)
    full = build("LN, learned positions, MLP, biases")
    assert torch.equal(full.accumulated_bias(one), full.accumulated_bias(1))


@KINDS
def test_counts_of_generation(build: Build, draw: Draw, kind: Whole) -> None:
    model, tokens = build(), draw(length=3)
    wanted = model.generate(tokens, 4, top_k=3, seed=5, eos_token_id=2)
    assert torch.equal(model.generate(tokens, kind(4), top_k=kind(3), seed=kind(5), eos_token_id=kind(2)), wanted)
    assert torch.equal(model.generate(tokens, 4, top_k=3, seed=5, eos_token_id=[kind(2)]), wanted)


@KINDS
def test_indices_of_products(kind: Whole) -> None:
    f = FactoredMatrix(torch.randn(2, 3, 5, 2), torch.randn(2, 3, 2, 5))
    one = kind(1)
    for index in ((1, 2), (1, 2, 3), (1, 2, 3, 4), (..., 4)):
        same = tuple(kind(i) if isinstance(i, int) else i for i in index)
        assert torch.equal(f[same].AB, f[index].AB)
    assert torch.equal(f[one].AB, f[1].AB)


@KINDS
def test_heads_layers_and_positions_of_interventions(build: Build, draw: Draw, kind: Whole) -> None:
    model, tokens = build(), draw()
    metric = logit_difference(torch.tensor([1, 2, 3]), torch.tensor([6, 0, 5]))
    donors = draw(rows=9, seed=2)

    def cells(own: Whole) -> list[Any]:
        return [on_head((own(1), own(2)), Zero(), (own(3),)), on_head((own(0), own(3)), Resample(donors))]

    found, wanted = sweep(model, tokens, cells(kind), metric), sweep(model, tokens, cells(int), metric)
    assert torch.equal(found.edited, wanted.edited) and found.labels == wanted.labels
    claim = INDUCTION.with_heads({"previous_token": [(kind(0), kind(1))], "induction": [(kind(1), kind(0))]})
    assert claim == INDUCTION.with_heads({"previous_token": [(0, 1)], "induction": [(1, 0)]})
    assert all(type(one) is int for head in claim.heads for one in head)


SNIPPET = """
import numpy as np, torch
from rung.methods.interventions import Intervention, Resample, Zero
from rung.methods.paths import Edge
for kind in (np.int64, torch.tensor):
    one = Intervention(("z", kind(1)), Zero(), kind(2), (kind(3), kind(4)))
    assert str(one) == str(Intervention(("z", 1), Zero(), 2, (3, 4))), one
    assert Edge((kind(0), kind(1)), (kind(2), kind(3)), "K") == Edge((0, 1), (2, 3), "K")
    drawn = Resample(torch.zeros(9, 7, dtype=torch.long), kind(2), kind(7))
    assert type(drawn.draws) is type(drawn.seed) is int
"""


def test_values_keep_whole_numbers_as_pythons_own() -> None:
    """In a process that does not check types, as people run it."""
    done = subprocess.run([sys.executable, "-c", SNIPPET], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_no_whole_number() -> None:
    assert whole(None) is None and type(whole(np.int64(3))) is int and type(whole(torch.tensor(3))) is int
    for wrong in (True, np.bool_(True), 1.0, np.float32(1), torch.tensor(1.0), torch.tensor([1]), "1", None):
        assert not is_whole(wrong)
    for wrong_slice in ((), (1, 2, 3, 4), (1.5, 2), ("a",)):
        with pytest.raises(PromptError, match="whole numbers or None"):
            Slice(wrong_slice)


def test_texts_as_answers(speaker: HookedTransformer, build: Build, draw: Draw) -> None:
    tokens = speaker.to_tokens(["ab", "cd", "ef"])
    _, cache = speaker.run_with_cache(tokens)
    stack = cache.decompose_resid()[:, :, -1]
    ids = torch.tensor([4, 5, 6])
    assert torch.equal(
        cache.logit_attrs(stack, ["c", "d", "e"], pos_slice=-1), cache.logit_attrs(stack, ids, pos_slice=-1)
    )
    assert torch.equal(
        cache.logit_attrs(stack, ["c", "c", "c"], ["d", "e", "f"], pos_slice=-1),
        cache.logit_attrs(stack, torch.tensor([4, 4, 4]), torch.tensor([5, 6, 7]), pos_slice=-1),
    )
    with pytest.raises(TokenizerError, match="'ab' is 2 tokens"):
        cache.logit_attrs(stack, ["ab", "c", "d"], pos_slice=-1)
    for wrong in (13, -1, torch.tensor([1.0]), torch.tensor([99])):
        with pytest.raises(SiteError, match="names no tokens of this model"):
            cache.logit_attrs(stack, wrong, pos_slice=-1)
    _, mute = build("LN, learned positions, MLP, biases").run_with_cache(draw())
    with pytest.raises((SiteError, TokenizerError), match="no tokenizer"):
        mute.logit_attrs(mute.decompose_resid(), "c")
