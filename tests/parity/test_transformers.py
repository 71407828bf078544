"""The same numbers as `transformers` gives, on tiny random models of every family that went through files."""

import inspect
import json

import pytest
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

from rung.engine.taps import NO_TAP
from rung.engine.transformer import norm
from rung.engine.weights import unlayered
from rung.families import FAMILIES
from rung.model.model import HookedTransformer

# float32 products in another order of summation; logits here are of size 1 to 5.
ATOL = 1e-5
# bfloat16 rounds to eight bits at every step, and the two round at different steps: the first for most logits, the
# second for the farthest of them. Where a router's choice hangs by a rounding, a token takes another expert.
ATOL_BFLOAT16, FARTHEST_BFLOAT16, MOST = 0.05, 0.15, 0.95
VOCAB = 101

GPT2 = {"n_layer": 3, "n_head": 4, "n_embd": 32, "n_positions": 64, "bos_token_id": 0}
GPT_NEO = {
    "hidden_size": 32, "num_layers": 3, "num_heads": 4, "max_position_embeddings": 64, "window_size": 5,
    "attention_types": [[["global", "local"], 1], [["local"], 1]], "bos_token_id": 0,
}  # fmt: skip
GPTJ = GPT2 | {"rotary_dim": 4}
WIDE = {
    "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3, "num_attention_heads": 6,
    "max_position_embeddings": 64, "bos_token_id": 0,
}  # fmt: skip
GROUPED = WIDE | {"num_key_value_heads": 2}
OPT = {
    "hidden_size": 32, "num_hidden_layers": 3, "ffn_dim": 50, "num_attention_heads": 4, "max_position_embeddings": 64,
    "word_embed_proj_dim": 32, "bos_token_id": 0,
}  # fmt: skip
BLOOM = {"hidden_size": 32, "n_layer": 3, "n_head": 4, "bos_token_id": 0}
FALCON = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "bos_token_id": 0, "eos_token_id": 0}
MOE = GROUPED | {"num_experts_per_tok": 2, "norm_topk_prob": True, "moe_intermediate_size": 24}
SHARED = {"num_experts": 5, "shared_expert_intermediate_size": 40}
GEMMA3 = GROUPED | {"head_dim": 16, "num_hidden_layers": 4, "sliding_window": 5, "query_pre_attn_scalar": 24}
LINEAR = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 5000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}  # fmt: skip
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 16}
YARN_WEIGHED = YARN | {"mscale": 0.7, "mscale_all_dim": 1.1, "beta_fast": 20.0, "beta_slow": 2.0, "truncate": False}
DYNAMIC = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}
LONG = {
    "rope_parameters": {
        "rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0, 1.2, 1.4, 1.6],
        "long_factor": [1.0, 2.0, 4.0, 8.0],
    },
}  # fmt: skip

LATENT = {
    "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3, "num_attention_heads": 6,
    "num_key_value_heads": 6, "max_position_embeddings": 64, "bos_token_id": 0, "q_lora_rank": 20,
    "kv_lora_rank": 12, "qk_rope_head_dim": 4, "qk_nope_head_dim": 6, "v_head_dim": 10, "n_routed_experts": 6,
    "num_experts_per_tok": 2, "moe_intermediate_size": 24, "first_k_dense_replace": 1,
}  # fmt: skip
GROUPS = {"n_group": 3, "topk_group": 2}

TURNS = ["sliding_attention", "full_attention", "sliding_attention"]
MPT = {"d_model": 32, "n_heads": 4, "n_layers": 3, "max_seq_len": 64, "bos_token_id": 0}

CASES = {
    "gpt2": ("gpt2", GPT2),
    "gpt2 with another MLP, untied": (
        "gpt2",
        GPT2 | {"n_inner": 50, "activation_function": "relu", "tie_word_embeddings": False, "layer_norm_epsilon": 1e-3},
    ),
    "gpt2 whose scores are divided by the layer's number": ("gpt2", GPT2 | {"scale_attn_by_inverse_layer_idx": True}),
    "gpt_neo": ("gpt_neo", GPT_NEO),
    "gptj": ("gptj", GPTJ),
    "gptj that turns whole heads, tied": ("gptj", GPTJ | {"rotary_dim": 8, "tie_word_embeddings": True}),
    "gpt_neox": ("gpt_neox", WIDE),
    "gpt_neox one after the other, without attention biases": (
        "gpt_neox",
        WIDE | {"use_parallel_residual": False, "attention_bias": False, "hidden_act": "gelu_fast"},
    ),
    "gpt_neox with linear scaling": ("gpt_neox", WIDE | {"rope_parameters": LINEAR | {"partial_rotary_factor": 0.5}}),
    "opt": ("opt", OPT),
    "opt without biases, untied": ("opt", OPT | {"enable_bias": False, "tie_word_embeddings": False}),
    "bloom": ("bloom", BLOOM),
    "bloom with six heads": ("bloom", BLOOM | {"n_head": 6, "hidden_size": 48}),
    "llama": ("llama", WIDE),
    "llama with grouped queries and wide heads": ("llama", GROUPED | {"head_dim": 16}),
    "llama with one key/value head": ("llama", WIDE | {"num_key_value_heads": 1}),
    "llama with biases, tied": (
        "llama",
        WIDE | {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True},
    ),
    "llama with llama3 rotary scaling": ("llama", WIDE | {"rope_parameters": LLAMA3}),
    "llama with linear rotary scaling": ("llama", WIDE | {"rope_parameters": LINEAR}),
    "llama with yarn": ("llama", WIDE | {"rope_parameters": YARN}),
    "llama with yarn, weighed": ("llama", WIDE | {"rope_parameters": YARN_WEIGHED}),
    "llama with dynamic scaling": ("llama", WIDE | {"rope_parameters": DYNAMIC, "max_position_embeddings": 16}),
    "mistral": ("mistral", GROUPED | {"sliding_window": 5}),
    "mistral without a window": ("mistral", GROUPED | {"sliding_window": None, "head_dim": 12}),
    "mixtral": ("mixtral", GROUPED | {"num_local_experts": 5, "num_experts_per_tok": 2}),
    "mixtral with a window": ("mixtral", GROUPED | {"num_local_experts": 3, "sliding_window": 4}),
    "qwen2": ("qwen2", GROUPED),
    "qwen2 with windows in late layers, tied": (
        "qwen2",
        GROUPED
        | {"use_sliding_window": True, "sliding_window": 5, "max_window_layers": 1, "tie_word_embeddings": True},
    ),
    "qwen3": ("qwen3", GROUPED | {"head_dim": 16}),
    "qwen3 with biases": ("qwen3", GROUPED | {"head_dim": 8, "attention_bias": True}),
    "qwen2_moe": ("qwen2_moe", MOE | SHARED | {"norm_topk_prob": False}),
    "qwen2_moe with experts in every other layer": ("qwen2_moe", MOE | SHARED | {"decoder_sparse_step": 2}),
    "qwen3_moe with layers without experts": (
        "qwen3_moe",
        MOE | {"num_experts": 5, "head_dim": 16, "mlp_only_layers": [1]},
    ),
    "qwen3_moe": ("qwen3_moe", MOE | {"num_experts": 5, "head_dim": 16}),
    "gemma": ("gemma", GROUPED | {"head_dim": 16}),
    "gemma2": ("gemma2", GEMMA3),
    "gemma2 with hard caps": (
        "gemma2",
        GEMMA3 | {"attn_logit_softcapping": 0.5, "final_logit_softcapping": 1.5, "attention_bias": True},
    ),
    "gemma3": ("gemma3_text", GEMMA3 | {"sliding_window_pattern": 3}),
    "gemma3 with scaled full layers": (
        "gemma3_text",
        GEMMA3
        | {
            "layer_types": ["sliding_attention", "full_attention"] * 2,
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
            },
        },
    ),
    "phi": ("phi", GROUPED),
    "phi with normalized queries and keys": ("phi", WIDE | {"qk_layernorm": True}),
    "phi3": ("phi3", GROUPED),
    "phi3 with a window": ("phi3", GROUPED | {"sliding_window": 5}),
    "phi3 with longrope, long": ("phi3", GROUPED | LONG | {"original_max_position_embeddings": 16}),
    "phi3 with longrope, longer as it writes": ("phi3", GROUPED | LONG | {"original_max_position_embeddings": 24}),
    "stablelm": ("stablelm", GROUPED),
    "stablelm side by side, with biases and normalized queries and keys": (
        "stablelm",
        GROUPED | {"use_parallel_residual": True, "use_qkv_bias": True, "qk_layernorm": True},
    ),
    "stablelm with normalized queries and keys": ("stablelm", GROUPED | {"qk_layernorm": True}),
    "falcon with one key/value head": ("falcon", FALCON),
    "falcon with groups": ("falcon", FALCON | {"new_decoder_architecture": True, "num_kv_heads": 2}),
    "falcon with groups and one norm": (
        "falcon",
        FALCON | {"new_decoder_architecture": True, "num_kv_heads": 2, "num_ln_in_parallel_attn": 1},
    ),
    "falcon one after the other, with slopes": (
        "falcon",
        FALCON | {"alibi": True, "parallel_attn": False, "multi_query": False, "bias": True},
    ),
    "falcon with slopes that are no powers of two": ("falcon", FALCON | {"alibi": True, "num_attention_heads": 16}),
    "olmo": ("olmo", GROUPED | {"clip_qkv": 0.3}),
    "olmo without clipping": ("olmo", GROUPED | {"attention_bias": True}),
    "olmo2": ("olmo2", GROUPED),
    "granite": (
        "granite",
        GROUPED
        | {
            "embedding_multiplier": 3.0, "attention_multiplier": 0.2, "residual_multiplier": 0.5, "logits_scaling": 4.0,
            "attention_bias": True, "mlp_bias": True,
        },
    ),
    "starcoder2": ("starcoder2", GROUPED | {"sliding_window": 5}),
    "starcoder2 without biases": ("starcoder2", GROUPED | {"use_bias": False, "tie_word_embeddings": False}),
    "cohere": ("cohere", GROUPED),
    "ministral": ("ministral", GROUPED | {"head_dim": 12, "sliding_window": 5, "layer_types": TURNS}),
    "smollm3": ("smollm3", GROUPED | {"no_rope_layer_interval": 2}),
    "smollm3 with windows": (
        "smollm3",
        GROUPED | {"no_rope_layers": [0, 1, 1], "use_sliding_window": True, "sliding_window": 5},
    ),
    "glm": ("glm", GROUPED | {"head_dim": 8, "attention_bias": True}),
    "glm4": ("glm4", GROUPED | {"head_dim": 8, "attention_bias": False}),
    "cohere2": ("cohere2", GROUPED | {"sliding_window": 5, "layer_types": TURNS, "attention_bias": True}),
    "olmo3": (
        "olmo3",
        GROUPED | {"sliding_window": 5, "layer_types": TURNS, "rope_scaling": YARN, "max_position_embeddings": 64},
    ),
    "olmoe": ("olmoe", GROUPED | {"num_experts": 5, "num_experts_per_tok": 2}),
    "flex_olmo": ("flex_olmo", GROUPED | {"num_experts": 3, "num_experts_per_tok": 2, "norm_topk_prob": True}),
    "granitemoe": (
        "granitemoe",
        GROUPED
        | {
            "embedding_multiplier": 3.0, "attention_multiplier": 0.2, "residual_multiplier": 0.5, "logits_scaling": 4.0,
            "attention_bias": True, "num_local_experts": 3,
        },
    ),
    "exaone4": ("exaone4", GROUPED | {"sliding_window": 5, "sliding_window_pattern": 2}),
    "ernie4_5": ("ernie4_5", GROUPED | {"head_dim": 8, "use_bias": True}),
    "helium": ("helium", GROUPED | {"head_dim": 8, "attention_bias": True, "mlp_bias": True}),
    "seed_oss": ("seed_oss", GROUPED | {"head_dim": 16, "attention_out_bias": True, "mlp_bias": True}),
    "arcee": ("arcee", GROUPED | {"mlp_bias": True}),
    "nemotron": ("nemotron", GROUPED | {"attention_bias": True, "mlp_bias": True}),
    "persimmon": ("persimmon", WIDE),
    "mpt": ("mpt", MPT),
    "mpt with six heads": ("mpt", MPT | {"n_heads": 6, "d_model": 48, "attn_config": {"clip_qkv": 0.3}}),
    "gpt_bigcode": ("gpt_bigcode", GPT2),
    "gpt_bigcode with keys of its own": ("gpt_bigcode", GPT2 | {"multi_query": False}),
    "codegen": ("codegen", GPTJ | {"n_head": 8, "n_embd": 64}),
    "biogpt": ("biogpt", WIDE),
    "gpt_oss": (
        "gpt_oss",
        GROUPED
        | {
            "head_dim": 16, "num_local_experts": 5, "num_experts_per_tok": 2, "sliding_window": 5, "swiglu_limit": 0.4,
            "rope_parameters": YARN | {"truncate": False},
        },
    ),
    "deepseek_v2": ("deepseek_v2", LATENT | {"q_lora_rank": None}),
    "deepseek_v2 with groups of experts and yarn": (
        "deepseek_v2",
        LATENT
        | GROUPS
        | {
            "topk_method": "group_limited_greedy", "routed_scaling_factor": 1.5,
            "rope_parameters": YARN | {"mscale": 0.7, "mscale_all_dim": 1.1},
        },
    ),
    "deepseek_v3": ("deepseek_v3", LATENT | GROUPS),
    "deepseek_v3 with yarn, no groups and no layer without experts": (
        "deepseek_v3",
        LATENT
        | {
            "n_group": 1, "topk_group": 1, "first_k_dense_replace": 0, "norm_topk_prob": False,
            "num_experts_per_tok": 4, "routed_scaling_factor": 0.7, "v_head_dim": 8, "rope_interleave": False,
            "rope_parameters": YARN | {"mscale": 1.0, "mscale_all_dim": 1.0},
        },
    ),
    "deepseek_v3 without experts, tied": (
        "deepseek_v3",
        LATENT | {"first_k_dense_replace": 9, "tie_word_embeddings": True},
    ),
    "cohere with normalized queries and keys": ("cohere", GROUPED | {"use_qk_norm": True, "attention_bias": True}),
}  # fmt: skip


@pytest.fixture(params=CASES, scope="module")
def pair(request, tmp_path_factory):
    """A random model of transformers, and ours read from the files it wrote."""
    kind, values = CASES[request.param]
    folder = tmp_path_factory.mktemp("model")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = {"vocab_size": VOCAB, "eos_token_id": None, "pad_token_id": None} | values
        theirs = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **made)).eval()
        for parameter in theirs.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
        for name, buffer in theirs.named_buffers():
            if name.endswith("e_score_correction_bias"):
                buffer.data += 0.2 * torch.randn_like(buffer)
    transformers.utils.logging.disable_progress_bar()
    theirs.save_pretrained(folder)
    return theirs, HookedTransformer.from_pretrained_no_processing(folder), folder


def test_every_family_is_compared() -> None:
    compared = {kind for kind, _ in CASES.values()}
    ours = {kind for family in FAMILIES for kind in family.model_types} - {"rung", "attn_only"}
    assert compared | {"gemma3", "mistral3"} == ours


@torch.no_grad()
def test_the_text_model_of_one_that_sees_images(tmp_path, tokens):
    text = GEMMA3 | {"vocab_size": VOCAB, "num_hidden_layers": 7, "eos_token_id": None, "pad_token_id": None}
    seen = {"num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    made = {"text_config": text | {"rope_scaling": {"rope_type": "linear", "factor": 8.0}}, "vision_config": seen}
    theirs = AutoModelForCausalLM.from_config(AutoConfig.for_model("gemma3", **made, mm_tokens_per_image=4)).eval()
    theirs.save_pretrained(tmp_path)
    model = HookedTransformer.from_pretrained_no_processing(tmp_path)
    assert_close(model(tokens), theirs(input_ids=tokens).logits)
    assert "it also sees images; that part was left out" in model.config.notes


@torch.no_grad()
def test_the_text_model_of_mistral_3(tmp_path, tokens):
    text = GROUPED | {"model_type": "mistral", "vocab_size": VOCAB, "head_dim": 12, "sliding_window": None}
    seen = {"num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    for tied in (True, False):
        made = {"text_config": text, "vision_config": seen | {"model_type": "pixtral", "intermediate_size": 16}}
        config = AutoConfig.for_model("mistral3", **made, tie_word_embeddings=tied)
        theirs = transformers.Mistral3ForConditionalGeneration(config).eval()
        theirs.save_pretrained(tmp_path)
        model = HookedTransformer.from_pretrained_no_processing(tmp_path)
        assert_close(model(tokens), theirs(input_ids=tokens).logits)
        assert model.config.tied_embeddings is tied
    path = tmp_path / "config.json"
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "tie_word_embeddings"}))
    assert torch.equal(HookedTransformer.from_pretrained_no_processing(tmp_path)(tokens), model(tokens))


@pytest.fixture
def tokens(seed):
    return torch.randint(0, VOCAB, (3, 17), generator=torch.Generator().manual_seed(seed))


def assert_close(ours, theirs, atol=ATOL):
    torch.testing.assert_close(ours, theirs, atol=atol, rtol=1e-4)


@torch.no_grad()
def test_logits_and_every_residual(pair, tokens):
    theirs, ours, _ = pair
    expected = theirs(tokens, output_hidden_states=True)
    logits, cache = ours.run_with_cache(tokens)
    assert_close(logits, expected.logits)
    assert_close(ours(tokens), expected.logits)
    assert ours.config.n_layers == len(expected.hidden_states) - 1
    for layer in range(ours.config.n_layers):
        assert_close(cache["resid_pre", layer], expected.hidden_states[layer])
    # transformers' last hidden state is the normalized one.
    w, b = unlayered(ours.weights, "ln_final_w"), unlayered(ours.weights, "ln_final_b")
    last = norm(ours.config, w, b, "ln_final", None, cache["resid_post", -1], NO_TAP)
    assert_close(last, expected.hidden_states[-1])


@torch.no_grad()
def test_every_pattern(pair, tokens):
    _, ours, folder = pair
    if ours.config.family == "falcon" and ours.config.alibi is not None:
        pytest.skip("transformers 5.23 adds Falcon's slopes twice where it gives patterns; fused, as above, once")
    # Eager from the start: Falcon's fused attention forgets its mask when it is asked for patterns.
    theirs = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
    expected = theirs(tokens, output_attentions=True).attentions
    _, cache = ours.run_with_cache(tokens)
    assert len(expected) == ours.config.n_layers
    for layer, pattern in enumerate(expected):
        assert_close(cache["pattern", layer], pattern)


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
    assert_close(ours.embed.W_E.grad, theirs.get_input_embeddings().weight.grad)


@torch.no_grad()
def test_processed_weights_give_the_same_log_probabilities(pair, tokens):
    theirs, _, folder = pair
    processed = HookedTransformer.from_pretrained(folder)
    assert_close(processed(tokens).log_softmax(-1), theirs(tokens).logits.log_softmax(-1), atol=2e-5)


@torch.no_grad()
def test_left_padded_batches(pair, tokens):
    theirs, ours, _ = pair
    mask = torch.ones_like(tokens)
    mask[0, :5] = 0
    mask[1, :1] = 0
    # BLOOM takes no positions: it counts them from the mask.
    counted = {"position_ids": (mask.cumsum(-1) - 1).clamp(min=0)}
    takes = inspect.signature(theirs.forward).parameters
    expected = theirs(tokens, attention_mask=mask, **(counted if "position_ids" in takes else {})).logits
    scaling = None if ours.config.rotary is None else ours.config.rotary.scaling
    if scaling is not None and scaling.kind in ("dynamic", "longrope"):
        # transformers scales every row by the longest; here a row gives what it gives alone.
        for row, real in enumerate(mask.bool()):
            expected[row, real] = theirs(tokens[row, real][None]).logits[0]
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
    wide, narrow = theirs(tokens).logits, ours(tokens)
    assert narrow.dtype == torch.bfloat16
    off = (narrow.float() - wide).abs().flatten() / wide.abs().max()
    assert off.quantile(MOST) < ATOL_BFLOAT16 and off.max() < FARTHEST_BFLOAT16


@torch.no_grad()
def test_a_model_that_is_already_loaded(pair, tokens):
    theirs, ours, _ = pair
    taken = HookedTransformer.from_pretrained_no_processing("mine", hf_model=theirs)
    assert torch.equal(taken(tokens), ours(tokens)) and taken.config.model_name == "mine"
    taken.embed.W_E.data.zero_()
    assert theirs.get_input_embeddings().weight.abs().sum() > 0, "the user's own model must not be written to"


def test_old_and_new_spellings_of_rotary_keys_mean_the_same(tmp_path, tokens):
    model = AutoModelForCausalLM.from_config(
        AutoConfig.for_model("llama", **WIDE, vocab_size=VOCAB, rope_parameters=LLAMA3)
    )
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
