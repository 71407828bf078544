"""Padding is never read, counted or scored: a row of a batch gives what it gives alone."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from rung.config import Rotary, RotaryScaling
from rung.engine.kv_cache import KeyValueCache
from rung.errors import InterventionError, PromptError
from rung.methods.attribution import attribute_logits
from rung.methods.interventions import Intervention, Mean, Patch, Zero, run_with_interventions
from rung.methods.scores import attribute_scores
from rung.methods.sweep import sweep
from rung.model.model import HookedTransformer
from rung.model.tokenizer import TextTokenizer
from rung.tasks.metrics import logit_difference, next_token_loss
from rung.transformer_lens import patching, utils

Build = Callable[..., HookedTransformer]
CLOSE: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-10}
TEXTS = ["ab", "cdefg", "h"]
SIDES = pytest.mark.parametrize("side", ["left", "right"])


def pads_with(letters: TextTokenizer, pad: str | None) -> TextTokenizer:
    """The letters, padded with a token of their own ("k"), with the end token, or with the first one."""
    return TextTokenizer(letters.backend, "<|bos|>", None if pad == "<|bos|>" else "<|eos|>", pad)


PADS = pytest.mark.parametrize("pad", ["k", None, "<|eos|>", "<|bos|>"])


@pytest.fixture
def reader(build: Build, letters: TextTokenizer) -> Callable[..., HookedTransformer]:
    """reader(kind, pad, …): a random model of a kind, with room for 18 tokens, that reads letters."""

    def make(kind: str, pad: str | None = "k", **changes: Any) -> HookedTransformer:
        found = build(kind, **({"n_ctx": 18, "bos_token_id": 0, "default_prepend_bos": True} | changes))
        return HookedTransformer(found.config, found.weights, tokenizer=pads_with(letters, pad))

    return make


def real(row: int, side: str) -> slice:
    """Where the row's text stands, of six tokens."""
    n = len(TEXTS[row]) + 1
    return slice(6 - n, 6) if side == "left" else slice(0, n)


@SIDES
def test_tokens_that_were_padded_are_read_as_their_texts(reader: Any, any_kind_name: str, side: Any) -> None:
    model = reader(any_kind_name)
    tokens = model.to_tokens(TEXTS, padding_side=side)
    assert tokens.shape == (3, 6)
    logits, cache = model.run_with_cache(tokens)
    losses = model(tokens, return_type="loss", loss_per_token=True)
    alone = []
    for row, text in enumerate(TEXTS):
        at = real(row, side)
        one, seen = model.run_with_cache(text)
        torch.testing.assert_close(logits[row, at], one[0], **CLOSE)
        pattern = cache["pattern", 1][row, :, at]
        torch.testing.assert_close(pattern[..., at], seen["pattern", 1][0], **CLOSE)
        assert pattern.count_nonzero() == pattern[..., at].count_nonzero(), "padding gets no attention"
        loss = model(text, return_type="loss", loss_per_token=True)[0]
        assert losses[row].count_nonzero() == len(loss)
        torch.testing.assert_close(losses[row][losses[row] != 0], loss, **CLOSE)
        alone.append(loss)
    torch.testing.assert_close(model(tokens, return_type="loss"), torch.cat(alone).mean(), **CLOSE)
    torch.testing.assert_close(model.loss_fn(logits, tokens), torch.cat(alone).mean(), **CLOSE)
    stream = model(tokens, stop_at_layer=1)
    again = model(stream, start_at_layer=1, tokens=tokens, return_type="both")
    if "shortformer" not in any_kind_name:
        torch.testing.assert_close(again.logits, logits, **CLOSE)
    torch.testing.assert_close(again.loss, torch.cat(alone).mean(), **CLOSE)


@SIDES
@PADS
def test_a_mask_and_pad_tokens_are_one_thing(reader: Any, pad: str | None, side: Any) -> None:
    model = reader("RMS, rotary, grouped, gated", pad)
    tokens = model.to_tokens(TEXTS, padding_side=side)
    mask = model.read(TEXTS, padding_side=side)[1]
    assert torch.equal(model.find_padding(tokens), mask)
    assert torch.equal(model(tokens), model(tokens, attention_mask=mask))
    assert torch.equal(model(tokens, attention_mask=mask), model(TEXTS, padding_side=side))
    everything = model(tokens, attention_mask=torch.ones_like(tokens))
    assert not torch.allclose(everything, model(tokens)), "a mask that is given decides"
    for row, text in enumerate(TEXTS):
        torch.testing.assert_close(model(tokens)[row, real(row, side)], model(text)[0], **CLOSE)


def test_which_pad_tokens_are_padding(reader: Any) -> None:
    model = reader("RMS, rotary, grouped, gated", "k")
    k, a = 12, 2
    found = model.find_padding(torch.tensor([[k, k, 0, a, k, a], [0, a, k, a, k, k], [0, a, a, k, a, a]]))
    assert found.tolist() == [[False] * 2 + [True] * 4, [True] * 4 + [False] * 2, [True] * 6]
    assert model.find_padding(torch.tensor([[0, a, k, a]])) is None, "inside a text a pad token is text"
    assert model.find_padding(torch.tensor([[k]])) is None, "a row is never padding alone"
    assert model.find_padding(torch.tensor([[k, k, k]])).tolist() == [[True, False, False]]
    assert model.find_padding(torch.tensor([[k, k, k]]), padding_side="left").tolist() == [[False, False, True]]


def test_a_first_token_that_is_the_pad_token_is_read(reader: Any) -> None:
    model, a = reader("RMS, rotary, grouped, gated", "<|bos|>"), 2
    assert model.find_padding(torch.tensor([[0, a, a], [0, a, 0]])).tolist() == [[True] * 3, [True, True, False]]
    assert model.find_padding(torch.tensor([[0, a, a], [0, 0, a]])).tolist() == [[True] * 3, [False, True, True]]
    assert model.find_padding(torch.tensor([[0, 0, a]])).tolist() == [[False, True, True]], "a row of a batch"
    assert model.find_padding(torch.tensor([[0, a]]), prepend_bos=False) is None, "it was put by hand"
    padded = model.to_tokens(TEXTS, prepend_bos=False, padding_side="left")
    assert torch.equal(model.find_padding(padded, prepend_bos=False), padded != 0)


@pytest.mark.parametrize("pad", [None, "<|eos|>"])
def test_an_end_token_that_is_the_pad_token_is_read_where_no_row_is_longer(reader: Any, pad: str | None) -> None:
    model, a, eos = reader("RMS, rotary, grouped, gated", pad), 2, 1
    assert model.find_padding(torch.tensor([[0, a, eos]])) is None
    assert model.find_padding(torch.tensor([[eos]])) is model.find_padding(torch.tensor([[eos, eos]])) is None
    assert model.find_padding(torch.tensor([[eos, a, a]])) is None
    assert model.find_padding(torch.tensor([[0, a, eos]]), padding_side="right").tolist() == [[True, True, False]]
    assert model.find_padding(torch.tensor([[eos, a, a]]), padding_side="left").tolist() == [[False, True, True]]
    both = torch.tensor([[0, a, eos, eos, eos], [0, a, a, a, eos]])
    assert model.find_padding(both).tolist() == [[True, True, True, False, False], [True] * 5]
    tokens = torch.tensor([[0, a, 3]])
    for _ in range(6):  # by hand, and through the end token
        tokens = torch.cat((tokens, model(tokens)[:, -1:].argmax(-1)), 1)
    assert torch.equal(tokens, model.generate(tokens[:, :3], 6, do_sample=False, stop_at_eos=False))


@SIDES
def test_a_tokenizer_that_pads_on_a_side_by_itself(reader: Any, side: Any) -> None:
    model = reader("LN, learned positions, MLP, biases", "k")
    model.tokenizer.padding_side = side
    tokens = model.to_tokens(TEXTS)
    assert torch.equal(tokens, model.to_tokens(TEXTS, padding_side=side))
    torch.testing.assert_close(model(tokens)[0, real(0, side)], model(TEXTS[0])[0], **CLOSE)


def test_a_model_without_a_tokenizer_reads_every_token(build: Build) -> None:
    model, tokens = build(), torch.tensor([[0, 0, 1, 2]])
    assert model.find_padding(tokens) is None
    assert torch.equal(model(tokens), model(tokens, attention_mask=torch.ones(1, 4)))


SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {"do_sample": False},
    "sampled": {"temperature": 1.3, "top_k": 7, "top_p": 0.9},
    "penalties": {"do_sample": False, "freq_penalty": 0.7, "repetition_penalty": 1.6},
    "sampled with penalties": {"freq_penalty": 0.4, "repetition_penalty": 1.3},
}


def check_rows(model: HookedTransformer, side: Any, **options: Any) -> None:
    """Tokens, texts and tokens under a mask go on as each row does alone."""
    options, seeds = options | {"stop_at_eos": False}, [5, 6, 7]
    tokens = model.to_tokens(TEXTS, padding_side=side)
    together = model.generate(tokens, 7, seed=seeds, **options)
    texts = model.generate(TEXTS, 7, seed=seeds, padding_side=side, **options)
    masked = model.generate(tokens.where(tokens != 12, 4), 7, seed=seeds, attention_mask=tokens != 12, **options)
    for row, text in enumerate(TEXTS):
        alone = model.generate(text, 7, seed=seeds[row], return_type="tokens", **options)[0]
        at = real(row, side)
        assert torch.equal(torch.cat((together[row, at], together[row, 6:])), alone)
        assert torch.equal(masked[row, 6:], together[row, 6:])
        assert texts[row] == model.to_string(alone[1:])
    assert torch.equal(together[:, :6], tokens), "what was given stays as it was"


@SIDES
@pytest.mark.parametrize("kept", [True, False])
def test_a_row_goes_on_as_it_would_alone(reader: Any, any_kind_name: str, kept: bool, side: Any) -> None:
    check_rows(reader(any_kind_name), side, use_past_kv_cache=kept, **SETTINGS["sampled with penalties"])


@SIDES
@pytest.mark.parametrize("settings", SETTINGS)
def test_a_row_goes_on_as_it_would_alone_however_tokens_are_chosen(reader: Any, settings: str, side: Any) -> None:
    model = reader("RMS before and behind, queries normed, caps, windows")
    check_rows(model, side, **SETTINGS[settings])


def test_one_seed_gives_each_row_draws_of_its_own(reader: Any) -> None:
    model = reader("RMS, rotary, grouped, gated")
    rows = model.generate(["ab"] * 6, 9, seed=3, stop_at_eos=False)
    assert rows[0] == model.generate("ab", 9, seed=3, stop_at_eos=False) and len(set(rows)) > 3
    assert not set(rows) & set(model.generate(["ab"] * 6, 9, seed=4, stop_at_eos=False))
    with pytest.raises(PromptError, match="2 seeds were given for 3 rows"):
        model.generate(TEXTS, 2, seed=[1, 2])


def test_a_row_of_padding_alone_has_nothing_to_continue(reader: Any) -> None:
    model, mask = reader("RMS, rotary, grouped, gated"), torch.tensor([[1, 1], [0, 0]])
    with pytest.raises(PromptError, match="row 1 is padding throughout"):
        model.generate(torch.tensor([[0, 2], [0, 3]]), 2, attention_mask=mask)
    with pytest.raises(PromptError, match="no row has two that are no padding"):
        model(torch.tensor([[0, 2]]), attention_mask=torch.tensor([[0, 1]]), return_type="loss")


@SIDES
@pytest.mark.parametrize("said", ["pad tokens", "a mask of these", "a mask of all"])
def test_a_cache_remembers_which_keys_are_padding(reader: Any, any_kind_name: str, side: Any, said: str) -> None:
    model = reader(any_kind_name)
    first, second = model.to_tokens(TEXTS, padding_side=side), model.to_tokens(["ij", "a", "bcd"], padding_side=side)
    if said != "pad tokens":  # something else stands where padding is
        first, second = (tokens.where(tokens != 12, 5) for tokens in (first, second))
    real_first, real_second = (model.read(texts, padding_side=side)[1] for texts in (TEXTS, ["ij", "a", "bcd"]))
    both = torch.cat((real_first, real_second), 1)
    masks = {
        "pad tokens": (None, None),
        "a mask of these": (real_first, real_second),
        "a mask of all": (real_first, both),
    }
    past = KeyValueCache(model.config, 3, 12, model.W_E)
    model(first, past_kv_cache=past, attention_mask=masks[said][0])
    assert torch.equal(past.mask, real_first)
    logits = model(second, past_kv_cache=past, attention_mask=masks[said][1])
    assert torch.equal(past.mask, both)
    for row in range(3):
        whole = torch.cat((first[row][real_first[row]], second[row][real_second[row]]))
        wanted = model(whole)[0, -int(real_second[row].sum()) :]
        torch.testing.assert_close(logits[row][real_second[row]], wanted, **CLOSE)
    more = model(torch.tensor([[3]] * 3), past_kv_cache=past, return_type="logits")
    whole = torch.cat((first[1][real_first[1]], second[1][real_second[1]], torch.tensor([3])))
    torch.testing.assert_close(more[1, 0], model(whole)[0, -1], **CLOSE)


def test_a_cache_of_other_rows_is_refused(reader: Any) -> None:
    model = reader("RMS, rotary, grouped, gated")
    past = KeyValueCache(model.config, 1, 12, model.W_E)
    with pytest.raises(PromptError, match="3 examples were given with a key-value cache of 1"):
        model(TEXTS, past_kv_cache=past)
    model("abc", past_kv_cache=past)
    with pytest.raises(PromptError, match=r"the input calls for \[1, 3\] or, with what was read before, \[1, 7\]"):
        model("ab", past_kv_cache=past, attention_mask=torch.ones(1, 5))


@SIDES
@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_a_row_is_as_long_as_it_would_be_alone(reader: Any, kind: Any, side: Any) -> None:
    """Scalings that depend on how much is read: each row reads its own."""
    factors = {"short_factors": (1.0, 1.0), "long_factors": (2.0, 9.0)} if kind == "longrope" else {}
    scaling = RotaryScaling(kind=kind, factor=4.0, original_n_ctx=4, **factors)
    model = reader("RMS, rotary, grouped, gated", rotary=Rotary(dim=4, base=10.0, scaling=scaling))
    tokens = model.to_tokens(TEXTS, padding_side=side)
    together = model(tokens)
    for kept in (True, False):
        longer = model.generate(tokens, 6, do_sample=False, stop_at_eos=False, use_past_kv_cache=kept)
        for row, text in enumerate(TEXTS):
            torch.testing.assert_close(together[row, real(row, side)], model(text)[0], **CLOSE)
            alone = model.generate(
                text, 6, do_sample=False, stop_at_eos=False, use_past_kv_cache=kept, return_type="tokens"
            )
            assert torch.equal(longer[row, 6:], alone[0, -6:])


@SIDES
def test_padding_takes_no_part_in_attributions(reader: Any, any_kind_name: str, side: Any) -> None:
    model = reader(any_kind_name)
    tokens, last = model.to_tokens(TEXTS[:2], padding_side=side), -1 if side == "left" else 2
    query = last % 6
    targets = torch.tensor([[3], [4]])
    logits = attribute_logits(model, tokens, targets, queries=[query])
    alone = attribute_logits(model, model.to_tokens(TEXTS[0]), targets[:1], queries=[2])
    torch.testing.assert_close(logits.values[:, 0], alone.values[:, 0], **CLOSE)
    if model.config.windows is None and model.config.latent is None:
        scores = attribute_scores(model, tokens, (1, 2), "K", [query], torch.tensor([[query - 1], [query - 2]]))
        own = attribute_scores(model, model.to_tokens(TEXTS[0]), (1, 2), "K", [2], torch.tensor([[1]]))
        torch.testing.assert_close(scores.values[:, 0], own.values[:, 0], **CLOSE)
        assert scores.residual.abs().max() < 1e-9


@SIDES
def test_a_mean_leaves_padding_out(reader: Any, side: Any) -> None:
    model = reader("LN, learned positions, MLP, biases")
    reference = model.to_tokens(["abc", "defgh", "ij"], padding_side=side)
    _, cache = model.run_with_cache(reference)
    mask = (reference != 12).double()[..., None]
    mean = (cache["resid_mid", 1] * mask).sum(0) / mask.sum(0)
    tokens = model.to_tokens("bcdef")
    found = run_with_interventions(model, tokens, [Intervention(("resid_mid", 1), Mean(reference))])
    wanted = run_with_interventions(model, tokens, [Intervention(("resid_mid", 1), mean)])
    torch.testing.assert_close(found, wanted, **CLOSE)
    nobody = torch.cat((reference[:1], reference[2:]))
    at = 0 if side == "left" else 4
    with pytest.raises(InterventionError, match=f"every reference sequence is padded at position {at}"):
        run_with_interventions(model, tokens, [Intervention(("resid_mid", 1), Mean(nobody))])


@SIDES
def test_a_sweep_leaves_padding_out(reader: Any, any_kind_name: str, side: Any) -> None:
    model = reader(any_kind_name)
    tokens, run = (model.to_tokens(texts, padding_side=side) for texts in (TEXTS, ["cd", "abhia", "b"]))
    queries = torch.zeros(3, 6, dtype=torch.bool)
    for row in range(3):
        queries[row, real(row, side)] = True
    metric = next_token_loss(queries & (torch.arange(6) < 5))
    cells = [
        Intervention(("resid_pre", 1), Patch(run), positions=(3,)),
        Intervention(("z", 2), Zero(), 1),
        Intervention("embed", Mean(run), positions=(4, 5)),
        Intervention("embed", Zero(), positions=(0,)),
    ]
    loop = [metric(run_with_interventions(model, tokens, [cell]), tokens) for cell in cells]
    torch.testing.assert_close(sweep(model, tokens, cells, metric).edited, torch.stack(loop), **CLOSE)


@SIDES
def test_padding_is_not_read_where_a_patched_run_begins(reader: Any, side: Any) -> None:
    model = reader("LN, learned positions, MLP, biases")
    corrupted, clean = (model.to_tokens([text, "cdefg"], padding_side=side) for text in ("ab", "ba"))
    at = 5 if side == "left" else 2

    def metric(logits: Tensor) -> Tensor:
        return logits[0, at, 3]

    _, cache = model.run_with_cache(clean)
    found = patching.get_act_patch_resid_pre(model, corrupted, cache, metric)
    _, own = model.run_with_cache("ba")
    alone = patching.get_act_patch_resid_pre(model, model.to_tokens("ab"), own, lambda logits: logits[0, -1, 3])
    torch.testing.assert_close(found[:, real(0, side)], alone, **CLOSE)


def test_what_follows_the_stop_is_padding(reader: Any) -> None:
    model = reader("RMS, rotary, grouped, gated")
    free = model.generate(TEXTS, 8, do_sample=False, stop_at_eos=False, return_type="tokens")
    stop = int(free[0, 7])
    ended = model.generate(TEXTS, 8, do_sample=False, eos_token_id=stop, return_type="tokens")
    assert (ended[0, 8:] == 12).all() and torch.equal(ended[0, :8], free[0, :8])


@SIDES
@pytest.mark.parametrize("kind", ["LN, learned positions, MLP, biases", "RMS, rotary, grouped, gated"])
def test_a_swept_loss_and_an_accuracy_leave_padding_out(reader: Any, kind: str, side: str) -> None:
    model = reader(kind)
    tokens = model.to_tokens(TEXTS, padding_side=side)
    model.set_padding_side(side)
    real = model.find_padding(tokens)
    assert real is not None
    cells = [Intervention(("z", 1), Zero(), 2), Intervention(("resid_pre", 2), Zero())]
    metric = next_token_loss(slice(0, tokens.shape[1]), real)
    found = sweep(model, tokens, cells, metric)
    torch.testing.assert_close(found.clean, metric(model(tokens), tokens), **CLOSE)
    for row, text in enumerate(TEXTS):
        own = model.to_tokens(text)
        alone = sweep(model, own, cells, next_token_loss(slice(0, own.shape[1] - 1)))
        torch.testing.assert_close(found.edited[:, row], alone.edited[:, 0], **CLOSE)
        one, mask = model(tokens)[row : row + 1], real[row : row + 1]
        torch.testing.assert_close(
            utils.lm_accuracy(one, tokens[row : row + 1], attention_mask=mask), utils.lm_accuracy(model(own), own)
        )
    whole = utils.lm_accuracy(model(tokens), tokens, per_token=True, attention_mask=real)
    assert whole.shape == (3, tokens.shape[1] - 1) and not whole[~real[:, :-1]].any()
    with pytest.raises(InterventionError, match=r"'logit difference' reads position \d of example 0, which is padding"):
        at = 0 if side == "left" else tokens.shape[1] - 1
        sweep(model, tokens, cells, logit_difference(torch.tensor([1, 2, 3]), torch.tensor([4, 5, 6]), at))
