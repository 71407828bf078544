"""The same numbers as `transformers` gives, on tiny random models that went through files."""

import pytest
import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from rung.model.model import HookedTransformer

# float32 products in another order of summation; logits here are of size 1 to 5.
ATOL = 1e-5
# bfloat16 rounds to eight bits at every step, and the two round at different steps.
ATOL_BFLOAT16 = 0.06

GPT2 = {"n_layer": 3, "n_head": 4, "n_embd": 32, "vocab_size": 101, "n_positions": 40, "bos_token_id": 0}
LLAMA = {
    "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3, "num_attention_heads": 6, "vocab_size": 101,
    "max_position_embeddings": 64,
}  # fmt: skip
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 5000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}  # fmt: skip
CASES = {
    "gpt2": (GPT2Config, GPT2),
    "gpt2 with another MLP, untied": (
        GPT2Config,
        GPT2 | {"n_inner": 50, "activation_function": "relu", "tie_word_embeddings": False, "layer_norm_epsilon": 1e-3},
    ),
    "llama": (LlamaConfig, LLAMA),
    "llama with grouped queries and wide heads": (LlamaConfig, {**LLAMA, "num_key_value_heads": 2, "head_dim": 16}),
    "llama with one key/value head": (LlamaConfig, {**LLAMA, "num_key_value_heads": 1}),
    "llama with biases, tied": (
        LlamaConfig, {**LLAMA, "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}
    ),
    "llama with llama3 rotary scaling": (LlamaConfig, {**LLAMA, "rope_parameters": LLAMA3}),
    "llama with linear rotary scaling": (
        LlamaConfig, {**LLAMA, "rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}}
    ),
}  # fmt: skip


@pytest.fixture(params=CASES, scope="module")
def pair(request, tmp_path_factory):
    """A random model of transformers, and ours read from the files it wrote."""
    make_config, values = CASES[request.param]
    kind = GPT2LMHeadModel if make_config is GPT2Config else LlamaForCausalLM
    folder = tmp_path_factory.mktemp("model")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = kind(make_config(**values, eos_token_id=None)).eval()
        for parameter in theirs.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
    theirs.set_attn_implementation("eager")
    transformers.utils.logging.disable_progress_bar()
    theirs.save_pretrained(folder)
    return theirs, HookedTransformer.from_pretrained_no_processing(folder), folder


@pytest.fixture
def tokens(seed):
    return torch.randint(0, 101, (3, 17), generator=torch.Generator().manual_seed(seed))


def assert_close(ours, theirs, atol=ATOL):
    torch.testing.assert_close(ours, theirs, atol=atol, rtol=1e-4)


@torch.no_grad()
def test_logits_every_residual_and_every_pattern(pair, tokens):
    theirs, ours, _ = pair
    expected = theirs(tokens, output_hidden_states=True, output_attentions=True)
    logits, cache = ours.run_with_cache(tokens)
    assert_close(logits, expected.logits)
    assert_close(ours(tokens), expected.logits)
    for layer in range(3):
        assert_close(cache["resid_pre", layer], expected.hidden_states[layer])
        assert_close(cache["pattern", layer], expected.attentions[layer])
    # transformers' last hidden state is the normalized one.
    assert_close(_final_norm(theirs)(cache["resid_post", -1]), expected.hidden_states[-1])


def _final_norm(theirs):
    return theirs.transformer.ln_f if isinstance(theirs, GPT2LMHeadModel) else theirs.model.norm


@torch.no_grad()
def test_loss(pair, tokens):
    theirs, ours, _ = pair
    assert_close(ours(tokens, return_type="loss"), theirs(tokens, labels=tokens).loss)


def test_gradients(pair, tokens):
    theirs, ours, _ = pair
    theirs.zero_grad()
    ours.zero_grad()
    theirs(tokens, labels=tokens).loss.backward()
    ours(tokens, return_type="loss").backward()
    gpt2 = isinstance(theirs, GPT2LMHeadModel)
    expected = (theirs.transformer.wte if gpt2 else theirs.model.embed_tokens).weight.grad
    assert_close(ours.embed.W_E.grad, expected)
    if not gpt2:
        expected = theirs.model.layers[1].self_attn.q_proj.weight.grad
        assert_close(ours.blocks[1].attn.W_Q.grad.mT.flatten(0, 1), expected)


@torch.no_grad()
def test_processed_weights_give_the_same_log_probabilities(pair, tokens):
    theirs, _, folder = pair
    processed = HookedTransformer.from_pretrained(folder)
    assert "fold_ln" in processed.config.processing
    assert_close(processed(tokens).log_softmax(-1), theirs(tokens).logits.log_softmax(-1), atol=2e-5)


@torch.no_grad()
def test_left_padded_batches(pair, tokens):
    theirs, ours, _ = pair
    mask = torch.ones_like(tokens)
    mask[0, :5] = 0
    mask[1, :1] = 0
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    expected = theirs(tokens, attention_mask=mask, position_ids=positions).logits
    assert_close(ours(tokens, attention_mask=mask)[mask.bool()], expected[mask.bool()])


@torch.no_grad()
def test_greedy_generation_token_for_token(pair, tokens):
    theirs, ours, _ = pair
    expected = theirs.generate(tokens, max_new_tokens=20, do_sample=False, pad_token_id=0)
    assert torch.equal(ours.generate(tokens, 20, do_sample=False), expected)


@torch.no_grad()
def test_bfloat16(pair, tokens):
    theirs, _, folder = pair
    ours = HookedTransformer.from_pretrained_no_processing(folder, dtype=torch.bfloat16)
    wide = theirs(tokens).logits
    assert ours(tokens).dtype == torch.bfloat16
    assert_close(ours(tokens).float(), wide, atol=ATOL_BFLOAT16 * float(wide.abs().max()))


@torch.no_grad()
def test_a_model_that_is_already_loaded(pair, tokens):
    theirs, ours, _ = pair
    taken = HookedTransformer.from_pretrained_no_processing("mine", hf_model=theirs)
    assert torch.equal(taken(tokens), ours(tokens)) and taken.config.model_name == "mine"
    taken.embed.W_E.data.zero_()
    assert theirs.get_input_embeddings().weight.abs().sum() > 0, "the user's own model must not be written to"


def test_old_and_new_spellings_of_rotary_keys_mean_the_same(tmp_path, tokens):
    import json

    model = LlamaForCausalLM(LlamaConfig(**LLAMA, rope_parameters=LLAMA3))
    transformers.utils.logging.disable_progress_bar()
    model.save_pretrained(tmp_path)
    new = HookedTransformer.from_pretrained_no_processing(tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    parameters = config.pop("rope_parameters")
    config["rope_theta"] = parameters.pop("rope_theta")
    config["rope_scaling"] = parameters
    path.write_text(json.dumps(config))
    old = HookedTransformer.from_pretrained_no_processing(tmp_path)
    assert old.config.rotary == new.config.rotary and new.config.rotary.scaling is not None
    assert torch.equal(old(tokens), new(tokens))
