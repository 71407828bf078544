"""Published models' config.json files: each is read, and means to us what it means to transformers.

`published/` holds facts: what the files say, and where that is known from; `parameters` is the size a hub shows, where
a model also sees images without that part.
"""

import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, PreTrainedConfig
from transformers.models.deepseek_v3.modeling_deepseek_v3 import yarn_apply_mscale

from rung.config import ModelConfig, Rotary
from rung.engine.positions import frequencies
from rung.errors import ConfigError
from rung.families.rules import ACTIVATIONS, Keys, make_plan
from rung.model.checkpoint import as_saved
from rung.model.checkpoint_reader import find_family

Values = dict[str, Any]
ENTRIES: dict[str, dict[str, Any]] = {}
for _path in sorted((Path(__file__).parent / "published").glob("*.json")):
    ENTRIES |= json.loads(_path.read_text(encoding="utf-8"))
READ = {name: entry for name, entry in ENTRIES.items() if "refused" not in entry}
BY_4 = json.loads((Path(__file__).parent / "saved" / "transformers_4.json").read_text(encoding="utf-8"))
"""One of each family's, loaded and saved again by transformers 4.57.1."""
DEPTH = ("n_layer", "n_layers", "num_layers", "num_hidden_layers")


def ours(values: Values) -> ModelConfig:
    family = find_family(values)
    return family.read_config(Keys(values, family.name), [])


def theirs(values: Values) -> Any:
    """What transformers makes of the same JSON."""
    transformers.utils.logging.set_verbosity_error()
    rest = {key: value for key, value in values.items() if key not in ("model_type", "auto_map")}
    # It writes into the objects that it is given, and fails on "su", its own old name of longrope.
    return AutoConfig.for_model(values["model_type"], **json.loads(json.dumps(rest).replace('"su"', '"longrope"')))


def first(config: PreTrainedConfig, *names: str) -> Any:
    """The first of these that the config has and does not leave open."""
    return next((value for name in names if (value := getattr(config, name, None)) is not None), None)


def rotary_section(config: PreTrainedConfig, kind: str = "full_attention") -> Mapping[str, Any] | None:
    sections = getattr(config, "rope_parameters", None)
    if config.model_type in ("gptj", "codegen"):
        return {"rope_theta": 10000.0, "partial_rotary_factor": config.rotary_dim / (config.n_embd // config.n_head)}
    if not sections or getattr(config, "alibi", False):
        return None
    return sections.get(kind, sections)


def windows(config: PreTrainedConfig) -> tuple[int | None, ...] | None:
    if config.model_type == "gpt_neo":
        kinds = ["sliding_attention" if kind == "local" else "full_attention" for kind in config.attention_layers]
        size = config.window_size
    else:
        size = getattr(config, "sliding_window", None)
        kinds = getattr(config, "layer_types", None) or ["sliding_attention"] * config.num_hidden_layers
        if config.model_type.startswith("qwen") and not config.use_sliding_window:
            size = None
    seen = tuple(size if kind == "sliding_attention" else None for kind in kinds)
    return seen if any(seen) else None


def shared_heads(config: PreTrainedConfig) -> int:
    if config.model_type == "falcon":
        grouped = config.num_kv_heads if config.new_decoder_architecture else config.num_attention_heads
        return 1 if config.multi_query and not config.new_decoder_architecture else int(grouped)
    return int(first(config, "num_key_value_heads") or config.num_attention_heads)


def score_scale(config: PreTrainedConfig, d_head: int) -> float:
    """What scores are divided by."""
    if config.model_type == "gpt_neo":
        return 1.0
    multiplier, scalar = first(config, "attention_multiplier"), first(config, "query_pre_attn_scalar")
    return 1 / multiplier if multiplier else math.sqrt(scalar or d_head)


def latent(config: PreTrainedConfig) -> dict[str, Any]:
    """What only models with latent attention say."""
    if not config.model_type.startswith("deepseek"):
        return {"latent": None}
    section, second = rotary_section(config) or {}, config.model_type == "deepseek_v2"
    d_head = config.qk_nope_head_dim + config.qk_rope_head_dim
    scale = yarn_apply_mscale(section, d_head**-0.5)
    grouped = config.topk_method == "group_limited_greedy" if second else config.n_group > 1
    return {
        "latent": (config.q_lora_rank, config.kv_lora_rank, config.v_head_dim),
        "d_head": d_head,
        "rotary dim": config.qk_rope_head_dim,
        "score scale": pytest.approx(1 / scale),
        "shared expert": config.n_shared_experts * config.moe_intermediate_size,
        "dense": (config.first_k_dense_replace, config.intermediate_size if config.first_k_dense_replace else None),
        "routing": ("softmax", False) if second else ("sigmoid", config.norm_topk_prob),
        "groups": (config.n_group, config.topk_group) if grouped else (None, None),
        "expert scale": config.routed_scaling_factor,
    }


def described(whole: PreTrainedConfig) -> dict[str, Any]:
    """Transformers' reading, in our words."""
    config: Any = whole.get_text_config()
    kind, width, heads = config.model_type, config.hidden_size, config.num_attention_heads
    d_head = first(config, "head_dim") or width // heads
    inner = first(config, "moe_intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "intermediate_size")
    rotary = rotary_section(config)
    activation = first(config, "hidden_activation", "activation_function", "activation", "hidden_act") or "gelu_new"
    if kind in ("starcoder2", "gemma"):
        activation = config.hidden_act  # The other names are left over in the file.
    # What these compute has no name in their config, or another.
    activation = {"mpt": "gelu", "gpt_oss": "quick_gelu"}.get(kind, activation)
    scaled = kind.startswith("gemma") or getattr(config, "scale_embedding", False)
    return {
        "n_layers": config.num_hidden_layers,
        "d_model": width,
        "n_heads": heads,
        "d_head": d_head,
        "n_kv": shared_heads(config),
        "d_vocab": config.vocab_size,
        "n_ctx": first(config, "max_position_embeddings", "n_positions", "seq_length") or 2048,
        "d_mlp": inner or 4 * width,
        "act_fn": ACTIVATIONS[activation],
        # OLMo's norms have no weights and no eps in the config.
        "eps": 1e-5
        if kind in ("opt", "olmo", "biogpt")
        else first(config, "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps"),
        "tied": whole.tie_word_embeddings,
        "windows": windows(config),
        "rotary base": rotary and rotary.get("rope_theta", 10000.0),
        "rotary dim": rotary and int(d_head * rotary.get("partial_rotary_factor", 1.0)),
        "rotary kind": rotary and rotary.get("rope_type", "default").replace("default", "none"),
        "score scale": pytest.approx(score_scale(config, d_head)),
        "score cap": first(config, "attn_logit_softcapping"),
        "logit cap": first(config, "final_logit_softcapping"),
        "clip": first(config, "clip_qkv"),
        "embed scale": math.sqrt(width) if scaled else first(config, "embedding_multiplier") or 1.0,
        "logit scale": first(config, "logit_scale") or 1 / (first(config, "logits_scaling") or 1.0),
        "residual scale": first(config, "residual_multiplier") or 1.0,
        "scores over layer": bool(first(config, "scale_attn_by_inverse_layer_idx")),
        "experts": (first(config, "num_local_experts", "num_experts"), first(config, "num_experts_per_tok")),
        "shared expert": first(config, "shared_expert_intermediate_size"),
        **latent(config),
    }


def as_described(config: ModelConfig) -> dict[str, Any]:
    """Ours, in the same words."""
    rotary = config.rotary
    return {
        **{name: getattr(config, name) for name in ("n_layers", "d_model", "n_heads", "d_head", "n_kv", "d_vocab")},
        **{name: getattr(config, name) for name in ("n_ctx", "d_mlp", "act_fn", "eps", "windows")},
        "tied": config.tied_embeddings,
        "rotary base": rotary and rotary.base,
        "rotary dim": rotary and rotary.dim,
        "rotary kind": rotary and (rotary.scaling.kind if rotary.scaling else "none"),
        "score scale": config.attn_scale or math.sqrt(config.d_head),
        "score cap": config.attn_scores_soft_cap,
        "logit cap": config.output_logits_soft_cap,
        "clip": config.clip_qkv,
        "embed scale": config.embed_scale,
        "logit scale": config.logit_scale,
        "residual scale": config.residual_scale,
        "scores over layer": config.scores_over_layer,
        "experts": (config.n_experts, config.experts_per_token),
        "shared expert": config.d_mlp_shared,
        **as_latent(config),
    }


def as_latent(config: ModelConfig) -> dict[str, Any]:
    if config.latent is None:
        return {"latent": None}
    return {
        "latent": (config.latent.q_rank, config.latent.kv_rank, config.d_head_v),
        "dense": (len(config.dense_layers), config.d_mlp_dense),
        "routing": (config.router_score, config.norm_expert_weights),
        "groups": (config.n_expert_groups, config.expert_groups_per_token),
        "expert scale": config.expert_scale,
    }


@pytest.mark.parametrize("name", READ)
def test_it_means_what_it_means_to_transformers(name: str) -> None:
    values = READ[name]["config"]
    assert as_described(ours(values)) == described(theirs(values))


@pytest.mark.parametrize("name", READ)
def test_saved_again_by_transformers_and_in_memory_it_means_the_same(name: str) -> None:
    values, config = READ[name]["config"], theirs(READ[name]["config"])
    for form in (json.loads(config.to_json_string()), config.to_diff_dict(), config.to_dict()):
        # A published config is made here without its model_type, which the class knows.
        assert ours({"model_type": values["model_type"]} | form) == ours(values)


@pytest.mark.parametrize("name", BY_4)
def test_saved_again_by_transformers_4_it_means_the_same(name: str) -> None:
    assert ours(BY_4[name]) == ours(READ[name]["config"])


def test_the_two_spellings_of_a_setting_must_agree() -> None:
    for name, copy in (("google/gemma-3-1b-it", "_sliding_window_pattern"), ("EleutherAI/pythia-14m", "rope_theta")):
        with pytest.raises(ConfigError, match=r"must agree|reads 10000 only"):
            ours(BY_4[name] | {copy: 7})
    alone = {key: value for key, value in BY_4["EleutherAI/pythia-14m"].items() if key != "rotary_pct"}
    with pytest.raises(ConfigError, match="no 'rotary_pct'"):
        ours(alone)


def test_a_silent_file_means_what_it_means_to_transformers() -> None:
    """What each family takes where a key is missing, or else it asks for the key."""
    asked, compared = set(), 0
    for name, entry in READ.items():
        for missing in entry["config"].keys() - {"model_type"}:
            values = {key: value for key, value in entry["config"].items() if key != missing}
            if missing == "layer_types" and values["model_type"] == "exaone4":
                continue  # "LLLG", or null, is for this family's older code: transformers cannot read it
            try:
                config = ours(values)
            except ConfigError:
                asked.add(missing)
                continue
            assert as_described(config) == described(theirs(values)), f"{name} without {missing}"
            compared += 1
    assert compared > 10 * len(READ)
    assert {"hidden_size", "vocab_size", "intermediate_size"} <= asked


def cut(values: Values) -> Values:
    """The same model with two layers."""
    if "text_config" in values:
        return values | {"text_config": cut(values["text_config"])}
    kinds = {key: values[key][:2] for key in ("layer_types", "attention_layers") if key in values}
    kinds |= {"attention_types": [[["global", "local"], 1]]}
    return values | {key: 2 for key in DEPTH if key in values} | {k: v for k, v in kinds.items() if k in values}


@cache
def on_paper(name: str) -> Any:
    """Transformers' model, two layers of it, without its numbers."""
    kind = READ[name]["config"]["model_type"]
    with torch.device("meta"):
        if kind == "mistral3":
            return AutoModelForImageTextToText.from_config(theirs(cut(READ[name]["config"])))
        return AutoModelForCausalLM.from_config(theirs(cut(READ[name]["config"])))


def shapes_of(model: Any) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in as_saved(model).items()}


@pytest.mark.parametrize("name", READ)
def test_every_tensor_has_its_place_and_none_is_missing(name: str) -> None:
    values = READ[name]["config"]
    shapes = shapes_of(on_paper(name))
    family = find_family(values)
    config = family.read_config(Keys(cut(values), family.name), shapes.keys())
    read = {theirs for step in make_plan(family, config, shapes) for theirs in step.theirs}
    assert read <= shapes.keys()
    # Layer 1 stands for all that follow the first.
    count = sum(
        math.prod(shapes[tensor]) * (ours(values).n_layers - 1 if ".1." in tensor.replace("experts.1.", "") else 1)
        for tensor in read
    )
    assert count == READ[name].get("parameters", count)


def assert_turns_alike(rotary: Rotary, module: torch.nn.Module, length: int, kind: str | None) -> None:
    module(torch.zeros(1, 1, 1), torch.tensor([[length - 1]]), *([kind] if kind else []))
    prefix = f"{kind}_" if kind else ""
    inv_freq: Tensor = getattr(module, f"{prefix}inv_freq")
    torch.testing.assert_close(frequencies(rotary, torch.device("cpu"), length), inv_freq, rtol=1e-6, atol=0)
    factor = rotary.scaling.attention_factor if rotary.scaling else 1.0
    assert factor == pytest.approx(getattr(module, f"{prefix}attention_scaling"))


@pytest.mark.parametrize("name", [name for name in READ if ours(READ[name]["config"]).rotary])
def test_each_frequency_is_that_of_transformers(name: str) -> None:
    values = READ[name]["config"]
    model, config = on_paper(name), ours(values)
    found = next((part for path, part in model.named_modules() if path.endswith("rotary_emb")), None)
    if found is None:
        assert values["model_type"] in ("gptj", "codegen")  # Its table is a function of its own.
        return
    module = type(found)(config=theirs(values).get_text_config())
    assert config.rotary is not None
    for length in (1, config.n_ctx):
        assert_turns_alike(config.rotary, module, length, "full_attention" if config.rotary_local else None)
    if config.rotary_local:
        assert_turns_alike(config.rotary_local, module, config.n_ctx, "sliding_attention")


@pytest.mark.parametrize("name", sorted(ENTRIES.keys() - READ.keys()))
def test_what_cannot_be_read_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ours(ENTRIES[name]["config"])
    assert ENTRIES[name]["refused"] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parameters_are_counted_whatever_a_layer_has() -> None:
    """Three layers of V3 have no experts; its paper says 671 billion."""
    assert ours(READ["unsloth/DeepSeek-V3-bf16"]["config"]).n_params == 671_026_419_200


LEFTOVERS = {
    "gpt2": ("transformer.h.1.attn.bias", "transformer.h.1.attn.masked_bias"),
    "gpt_neo": ("transformer.h.1.attn.attention.bias", "transformer.h.1.attn.attention.masked_bias"),
    "gptj": ("transformer.h.1.attn.bias", "transformer.h.1.attn.masked_bias"),
    "gpt_neox": tuple(f"gpt_neox.layers.1.attention.{name}" for name in ("bias", "masked_bias", "rotary_emb.inv_freq")),
    "llama": ("model.layers.1.self_attn.rotary_emb.inv_freq",),
    "stablelm": ("model.layers.1.self_attn.rotary_emb.inv_freq",),
}
"""Masks and tables that older files hold beside their weights."""


@pytest.mark.parametrize(
    "name",
    [
        *("openai-community/gpt2", "EleutherAI/gpt-neo-125m", "EleutherAI/gpt-j-6b", "EleutherAI/pythia-70m"),
        *("facebook/opt-125m", "bigscience/bloom-560m", "tiiuae/falcon-7b", "huggyllama/llama-7b"),
        *("google/gemma-2b", "stabilityai/stablelm-3b-4e1t"),
    ],
)
def test_older_files_name_their_tensors_otherwise_and_hold_more(name: str) -> None:
    values = cut(READ[name]["config"])
    family, config, shapes = find_family(values), ours(values), shapes_of(on_paper(name))
    copied = {"lm_head.weight"} if config.tied_embeddings else set()
    assert copied <= shapes.keys()
    rules = [step.rule for step in make_plan(family, config, shapes)]
    leftovers = dict.fromkeys(LEFTOVERS.get(values["model_type"], ()), (1, 1))
    without_copy = {tensor: shape for tensor, shape in shapes.items() if tensor not in copied}
    for held in (shapes | leftovers, without_copy):
        for prefix in {"", family.prefix}:
            plan = make_plan(family, config, {tensor.removeprefix(prefix): shape for tensor, shape in held.items()})
            assert [step.rule for step in plan] == rules
            read = {tensor for step in plan for tensor in step.theirs}
            assert read == {tensor.removeprefix(prefix) for tensor in without_copy}


PARTS = ("phi", "phi3", "stablelm", "glm", "glm4", "nemotron", "persimmon")
"""Where a part of each head may turn, under the usual name."""


@pytest.mark.parametrize("name", READ)
def test_part_of_a_head_turns_only_where_transformers_turns_one(name: str) -> None:
    values = READ[name]["config"] | {"partial_rotary_factor": 0.5}
    if values["model_type"] in PARTS and not values.get("rope_scaling"):
        assert as_described(ours(values)) == described(theirs(values))
    else:  # GPT-NeoX has another name for it; longrope has as many factors as frequencies.
        with pytest.raises(ConfigError, match=r"partial_rotary_factor|factors|dim"):
            ours(values)
