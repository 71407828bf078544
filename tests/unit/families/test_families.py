"""What each family makes of its config, and what it refuses. Logits beside transformers' own: tests/parity."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from rung.config import BIASES, Alibi, ModelConfig, Rotary, RotaryScaling
from rung.families.bloom import alibi_slopes

Read = Callable[..., ModelConfig]
Refused = Callable[..., None]

ALL = frozenset(BIASES)
QKV = frozenset(("b_Q", "b_K", "b_V"))
NORMS = frozenset(("ln1_b", "ln2_b", "ln_final_b"))

SAID: dict[str, dict[str, Any]] = {
    "gpt_neo": {
        "attn_scale": 1.0, "windows": (None, 4), "d_mlp": 48, "act_fn": "gelu_new",
        "biases": ALL - QKV - {"b_gate", "b_U"}, "positional_embedding_type": "standard", "tied_embeddings": True,
    },
    "gptj": {
        "parallel_attn_mlp": True, "rotary": Rotary(dim=2, pairing="adjacent"), "tied_embeddings": False,
        "biases": NORMS | {"b_in", "b_out", "b_U"},
    },
    "gpt_neox": {
        "parallel_attn_mlp": True, "rotary": Rotary(dim=2), "act_fn": "gelu", "normalization_type": "LN",
        "biases": ALL - {"b_gate", "b_U"},
    },
    "gpt_neox without attention biases": {"biases": NORMS | {"b_in", "b_out"}},
    "opt": {"act_fn": "relu", "n_ctx": 10, "tied_embeddings": True, "biases": ALL - {"b_gate", "b_U"}},
    "bloom": {
        "positional_embedding_type": "alibi", "alibi": Alibi(slopes=alibi_slopes(3)), "post_embedding_ln": True,
        "n_ctx": 2048, "d_mlp": 48, "biases": ALL - {"b_gate", "b_U"} | {"ln_embed_b"}, "attn_scale": None,
    },
    "mistral": {"windows": (4, 4), "biases": frozenset(), "gated_mlp": True, "normalization_type": "RMS"},
    "mixtral": {"n_experts": 3, "experts_per_token": 2, "norm_expert_weights": True, "windows": None, "d_mlp": 20},
    "qwen2": {"biases": QKV, "windows": None},
    "qwen3": {"qk_norm": "head", "biases": frozenset(), "d_head": 4},
    "qwen2_moe": {
        "n_experts": 3, "experts_per_token": 2, "norm_expert_weights": False, "d_mlp": 7, "d_mlp_shared": 5,
        "biases": QKV, "qk_norm": None,
    },
    "qwen3_moe": {"d_mlp": 7, "d_mlp_shared": None, "qk_norm": "head", "biases": frozenset()},
    "gemma": {
        "embed_scale": math.sqrt(12), "act_fn": "gelu_new", "tied_embeddings": True, "eps": 1e-6,
    },
    "gemma2": {
        "norm_placement": "both", "windows": (4, None), "attn_scale": 16.0, "attn_scores_soft_cap": 50.0,
        "output_logits_soft_cap": 30.0, "embed_scale": math.sqrt(12), "act_fn": "gelu_new",
    },
    "gemma3_text": {
        "norm_placement": "both", "qk_norm": "head", "windows": (4, None), "rotary": Rotary(dim=2, base=1e6),
        "rotary_local": Rotary(dim=2, base=1e4), "attn_scores_soft_cap": None,
    },
    "phi": {
        "rotary": Rotary(dim=4), "parallel_attn_mlp": True, "act_fn": "gelu_new", "qk_norm": None,
        "biases": ALL - {"b_gate"},
    },
    "phi with normalized queries": {"qk_norm": "head", "biases": ALL - {"b_gate"} | {"q_norm_b", "k_norm_b"}},
    "phi3": {"gated_mlp": True, "normalization_type": "RMS", "biases": frozenset(), "rotary": Rotary(dim=2)},
    "stablelm": {"rotary": Rotary(dim=2), "gated_mlp": True, "parallel_attn_mlp": False, "biases": NORMS | QKV},
    "stablelm side by side": {"parallel_attn_mlp": True, "qk_norm": "head", "biases": NORMS},
    "falcon": {"n_key_value_heads": 1, "parallel_attn_mlp": True, "biases": NORMS, "d_mlp": 48},
    "falcon with two norms": {"n_key_value_heads": 2, "parallel_attn_mlp": True},
    "falcon one after the other": {
        "n_key_value_heads": 6, "parallel_attn_mlp": False, "rotary": None, "biases": ALL - {"b_gate", "b_U"},
        "alibi": Alibi(slopes=alibi_slopes(6), scale=1 / math.sqrt(2), rounded=True),
    },
    "olmo": {"normalization_type": "LNPre", "clip_qkv": 0.5, "eps": 1e-5},
    "olmo2": {"norm_placement": "post", "qk_norm": "heads", "normalization_type": "RMS"},
    "granite": {"attn_scale": 2.0, "embed_scale": 2.0, "logit_scale": 0.25, "residual_scale": 0.25},
    "starcoder2": {
        "windows": (4, 4), "act_fn": "gelu_new", "gated_mlp": False, "normalization_type": "LN",
        "tied_embeddings": True, "biases": ALL - {"b_gate", "b_U"},
    },
    "cohere": {
        "parallel_attn_mlp": True, "normalization_type": "LN", "logit_scale": 0.0625, "tied_embeddings": True,
        "rotary": Rotary(dim=2, base=5e5, pairing="adjacent"), "qk_norm": None, "biases": frozenset(),
    },
    "cohere with normalized queries": {"qk_norm": "head"},
    "ministral": {"windows": (4, None), "family": "ministral"},
    "mistral3": {"windows": None, "notes": ("it also sees images; that part was left out",)},
    "smollm3": {"unrotated_layers": (1,), "rotary": Rotary(dim=2, base=2e6), "windows": None},
    "exaone4": {"norm_placement": "post", "qk_norm": "head", "windows": (4, None), "unrotated_layers": (1,)},
    "ernie4_5": {
        "rotary": Rotary(dim=4, base=5e5, pairing="adjacent"), "tied_embeddings": True,
        "biases": QKV | {"b_O", "b_gate", "b_in", "b_out"},
    },
    "helium": {"rotary": Rotary(dim=2, base=1e5, pairing="adjacent"), "biases": QKV | {"b_gate", "b_in", "b_out"}},
    "seed_oss": {"biases": QKV | {"b_O"}, "rotary": Rotary(dim=4)},
    "arcee": {"act_fn": "relu2", "gated_mlp": False, "biases": frozenset(("b_in", "b_out"))},
    "glm": {"rotary": Rotary(dim=4, pairing="adjacent"), "norm_placement": "pre", "biases": QKV, "eps": 1.5625e-7},
    "glm4": {"rotary": Rotary(dim=4, pairing="adjacent"), "norm_placement": "both", "biases": frozenset()},
    "cohere2": {
        "parallel_attn_mlp": True, "windows": (4, None), "unrotated_layers": (1,), "logit_scale": 0.0625,
        "rotary": Rotary(dim=2, pairing="adjacent"), "tied_embeddings": True,
    },
    "olmo3": {
        "norm_placement": "post", "qk_norm": "heads", "windows": (4, None), "rotary_local": Rotary(dim=2, base=5e5),
        "rotary": Rotary(dim=2, base=5e5, scaling=RotaryScaling(kind="linear", factor=2.0, original_n_ctx=10)),
    },
    "olmoe": {"qk_norm": "heads", "norm_placement": "pre", "n_experts": 3, "norm_expert_weights": False},
    "flex_olmo": {"qk_norm": "heads", "norm_placement": "post", "n_experts": 3},
    "granitemoe": {
        "attn_scale": 2.0, "embed_scale": 2.0, "logit_scale": 0.25, "residual_scale": 0.25, "n_experts": 3,
        "norm_expert_weights": True, "biases": QKV | {"b_O"},
    },
    "nemotron": {
        "rotary": Rotary(dim=4), "act_fn": "relu2", "normalization_type": "LN", "biases": ALL - {"b_gate", "b_U"},
    },
    "persimmon": {
        "rotary": Rotary(dim=4), "act_fn": "relu2", "qk_norm": "head",
        "biases": ALL - {"b_gate", "b_U"} | {"q_norm_b", "k_norm_b"},
    },
    "persimmon as they are": {"qk_norm": None, "biases": ALL - {"b_gate", "b_U"}},
    "mpt": {
        "alibi": Alibi(slopes=(2.0**-4, 2.0**-8, 2.0**-2)), "d_mlp": 48, "act_fn": "gelu", "biases": frozenset(),
        "normalization_type": "LN",
    },
    "gpt_bigcode": {"n_key_value_heads": 1, "act_fn": "gelu_new", "biases": ALL - {"b_gate", "b_U"}},
    "gpt_bigcode head by head": {"n_key_value_heads": None},
    "codegen": {"rotary": Rotary(dim=2, pairing="adjacent"), "parallel_attn_mlp": True, "family": "codegen"},
    "gpt_oss": {
        "attn_sinks": True, "swiglu_limit": 7.0, "act_fn": "quick_gelu", "windows": (4, None), "n_experts": 3,
        "norm_expert_weights": True, "biases": QKV | {"b_O", "b_router", "b_gate", "b_in", "b_out"},
        "rotary": Rotary(
            dim=4, base=150000.0,
            scaling=RotaryScaling(
                kind="yarn", factor=32.0, original_n_ctx=4096, whole_coordinates=False,
                attention_factor=0.1 * math.log(32) + 1,
            ),
        ),
    },
    "biogpt": {"embed_scale": math.sqrt(12), "act_fn": "gelu", "eps": 1e-5, "tied_embeddings": True},
}  # fmt: skip


@pytest.mark.parametrize("label", SAID)
def test_the_config_says_what_the_family_is(label: str, read: Read) -> None:
    config = read(label)
    assert {name: getattr(config, name) for name in SAID[label]} == SAID[label]
    assert (config.n_layers, config.d_vocab) == (2, 13)


def test_every_layout_reads_a_first_token_or_notes_that_it_cannot_be(layouts: dict[str, Any], read: Read) -> None:
    for label in layouts:
        if label.split()[0] in ("rung", "attn_only"):
            continue
        assert read(label, bos_token_id=3).bos_token_id == 3, label
        config = read(label, bos_token_id=13)
        assert config.bos_token_id is None and "outside the vocabulary of 13" in config.notes[0], label


def test_a_key_that_no_family_knows_is_named_by_each(layouts: dict[str, Any], refused: Refused) -> None:
    for label, layout in layouts.items():
        said = f"a_new_trick = 1, which Rung's {layout.family.name} does not understand"
        refused(label, said, a_new_trick=1)


SIZES = {"hidden_size", "vocab_size", "num_attention_heads", "n_embd", "n_head", "num_heads"}


def test_each_size_is_needed_and_must_be_one(layouts: dict[str, Any], refused: Refused, values: Any) -> None:
    seen = set()
    for label, layout in layouts.items():
        for name in SIZES & set(values(label)):
            seen.add(name)
            refused(label, f"config.json has no '.*', which a {layout.family.name} model needs", **{name: None})
            refused(label, f"{name} = '12'; it must be a whole number of at least 1", **{name: "12"})
    assert seen == SIZES


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "gpt_neo",
        {"attention_types": [[["global"], 1]]},
        "attention_types = .*each of 2 layers must be 'global' or 'local'",
    ),
    ("gpt_neo", {"attention_types": [[["global", "sparse"], 1]]}, "must be 'global' or 'local'"),
    ("gpt_neo", {"attention_types": "global"}, "attention_types = 'global'"),
    ("gpt_neo", {"attention_types": [[["global", []], 1]]}, "attention_types = "),
    ("gpt_neo", {"window_size": 0}, "window_size = 0"),
    ("gptj", {"rotary": False}, "rotary = False; Rung's gptj reads True only"),
    ("gptj", {"scale_attn_weights": False}, "scale_attn_weights = False"),
    ("gptj", {"rotary_dim": 5}, "rotary dim is 5; it must be even"),
    ("gptj", {"rotary_dim": 6}, "rotary dim is 6; it must be at most d_head = 4"),
    ("gpt_neox", {"rotary_pct": 2.0}, "rotary_pct = 2.0; it is a part of each head, at most 1"),
    ("gpt_neox", {"hidden_act": "tanh"}, "hidden_act = 'tanh'"),
    ("opt", {"do_layer_norm_before": False}, "do_layer_norm_before = False; Rung's opt reads True only"),
    ("opt", {"word_embed_proj_dim": 6}, "word_embed_proj_dim = 6; Rung's opt reads 12 or None only"),
    ("opt", {"_remove_final_layer_norm": True}, "_remove_final_layer_norm = True"),
    ("opt", {"layer_norm_elementwise_affine": False}, "layer_norm_elementwise_affine = False"),
    ("bloom", {"apply_residual_connection_post_layernorm": True}, "apply_residual_connection_post_layernorm = True"),
    ("bloom", {"slow_but_exact": True}, "slow_but_exact = True"),
    ("bloom", {"n_embed": 16}, "n_embed = 16; Rung's bloom reads 12 or None only"),
    ("mistral", {"sliding_window": -1}, "sliding_window = -1"),
    ("mixtral", {"num_experts_per_tok": 4}, "experts_per_token is 4; there are 3 experts"),
    ("qwen2_moe", {"decoder_sparse_step": 0}, "decoder_sparse_step = 0; it must be a whole number of at least 1"),
    ("qwen3_moe", {"mlp_only_layers": 1}, "mlp_only_layers = 1; it must be a list of layers"),
    ("qwen2_moe", {"shared_expert_intermediate_size": None}, "no 'shared_expert_intermediate_size'"),
    ("qwen3_moe", {"num_experts": None}, "no 'num_local_experts'"),
    ("qwen3_moe", {"norm_topk_prob": 1}, "norm_topk_prob = 1; it must be true or false"),
    ("phi", {"qk_layernorm": "yes"}, "qk_layernorm = 'yes'"),
    ("phi", {"partial_rotary_factor": 0.4}, "rotary dim is 3; it must be even"),
    ("stablelm", {"use_parallel_residual": None, "use_qkv_bias": 1}, "use_qkv_bias = 1"),
    ("falcon", {"num_kv_heads": 2, "new_decoder_architecture": "no"}, "new_decoder_architecture = 'no'"),
    ("falcon with two norms", {"num_kv_heads": 4}, "6 query heads cannot share 4 key/value heads evenly"),
    ("olmo", {"clip_qkv": -1}, "clip_qkv = -1; it must be a finite number above 0"),
    ("granite", {"attention_multiplier": 0}, "attention_multiplier = 0"),
    ("granite", {"logits_scaling": "8"}, "logits_scaling = '8'"),
    ("starcoder2", {"norm_type": "rms_norm"}, "norm_type = 'rms_norm'; Rung's starcoder2 reads 'layer_norm' only"),
    ("starcoder2", {"mlp_type": "gated"}, "mlp_type = 'gated'"),
    ("cohere", {"mlp_bias": True}, "mlp_bias = True; Rung's cohere reads False only"),
    ("cohere", {"logit_scale": 0}, "logit_scale = 0"),
    ("cohere2", {"use_qk_norm": True}, "use_qk_norm = True; Rung's cohere2 reads False only"),
    ("cohere2", {"rotary_pct": 0.5}, "rotary_pct = 0.5"),
    ("mistral3", {"text_config": {"model_type": "ministral3"}}, "reads one of model_type mistral"),
    ("smollm3", {"no_rope_layers": [1]}, r"no_rope_layers = \[1\]; it must be 0 or 1 for each of 2 layers"),
    ("smollm3", {"no_rope_layers": "10"}, "no_rope_layers = '10'"),
    ("olmoe", {"clip_qkv": 8.0}, "clip_qkv = 8.0; Rung's qwen_moe|clip_qkv = 8.0; Rung's olmoe reads None only"),
    ("olmo3", {"rope_parameters": {"full_attention": {}}}, "it must have full_attention and sliding_attention"),
    ("persimmon", {"num_key_value_heads": 1}, "num_key_value_heads = 1"),
    ("mpt", {"attn_config": {"alibi": False}}, "alibi = False; Rung's mpt reads True only"),
    ("mpt", {"attn_config": {"qk_ln": True}}, "qk_ln = True"),
    ("mpt", {"attn_config": 7}, "attn_config = 7; it must be an object"),
    ("mpt", {"no_bias": False}, "no_bias = False"),
    ("codegen", {"n_head": 6, "n_embd": 12}, "6, which 4 heads cannot share evenly"),
    ("gpt_oss", {"swiglu_alpha": 1.0}, "swiglu_alpha = 1.0; Rung's gpt_oss reads 1.702 only"),
    ("exaone4", {"layer_types": ["full_attention"]}, "each of 2 layers must be"),
]


@pytest.mark.parametrize(("label", "changes", "message"), REFUSED)
def test_what_would_be_another_model_is_refused(
    label: str, changes: dict[str, Any], message: str, refused: Refused
) -> None:
    refused(label, message, **changes)


def test_slopes_of_a_power_of_two_and_of_other_counts() -> None:
    assert alibi_slopes(8) == tuple(2.0**-i for i in range(1, 9))
    # Twelve heads: the slopes of eight, then every other one of sixteen.
    assert alibi_slopes(12) == alibi_slopes(8) + tuple(2.0 ** (-i / 2) for i in (1, 3, 5, 7))
    assert alibi_slopes(1) == (2.0**-8,)


def test_gpt_neo_repeats_its_pattern_of_layers(read: Read) -> None:
    types = [[["local", "global"], 1], [["local"], 2]]
    assert read("gpt_neo", num_layers=4, attention_types=types).windows == (4, None, 4, 4)
    assert read("gpt_neo", attention_types=[[["global"], 2]]).windows is None


def test_opt_without_biases_keeps_those_of_norms(read: Read) -> None:
    assert read("opt", enable_bias=False).biases == NORMS


def test_falcon_reads_the_count_of_key_heads_in_its_new_layout_only(read: Read) -> None:
    assert read("falcon", num_kv_heads=3).n_kv == 1
    assert read("falcon", num_kv_heads=3, multi_query=False).n_kv == 6
    assert read("falcon", num_kv_heads=3, new_decoder_architecture=True).n_kv == 3


def test_experts_are_counted_under_either_name(read: Read) -> None:
    assert read("mixtral", num_local_experts=None, num_experts=5).n_experts == 5
    assert read("qwen3_moe", num_experts=None, num_local_experts=5).n_experts == 5
