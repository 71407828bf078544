"""DeepSeek: what is read, what is refused, and what the two versions make of the same keys."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

from rung.config import ModelConfig
from rung.families.deepseek import DEEPSEEK
from rung.families.rules import make_plan
from rung.model.model import HookedTransformer

Read = Callable[..., ModelConfig]


def test_the_two_versions_choose_experts_in_their_own_ways(read: Read) -> None:
    second, third = read("deepseek_v2"), read("deepseek_v3")
    assert (second.router_score, third.router_score) == ("softmax", "sigmoid")
    assert (second.experts_per_group_score, third.experts_per_group_score) == (1, 2)
    assert (second.biases, third.biases) == (frozenset(), {"b_select"})
    assert (second.norm_expert_weights, third.norm_expert_weights) == (False, True)
    assert read("deepseek_v2", topk_method="greedy").n_expert_groups is None
    assert read("deepseek_v3", topk_group=2).n_expert_groups is None, "all groups are as good as none"


def test_yarn_makes_scores_larger(read: Read) -> None:
    yarn = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 5, "mscale": 0.5, "mscale_all_dim": 0.5}
    found = read("deepseek_v3", rope_scaling=yarn)
    grown = 0.1 * 0.5 * float(torch.tensor(4.0).log()) + 1
    assert found.attn_scale == pytest.approx(5**0.5 / grown**2)
    assert found.rotary is not None and found.rotary.scaling is not None and found.rotary.scaling.attention_factor == 1
    assert read("deepseek_v3").attn_scale is None
    told_apart = read("deepseek_v3", rope_parameters={"rope_theta": 10000.0}, rope_scaling=yarn)
    assert told_apart.attn_scale == found.attn_scale, "the base in one section, the scaling in the other"


@pytest.mark.parametrize(
    ("label", "changes", "message"),
    [
        ("deepseek_v3", {"num_key_value_heads": 1}, "num_key_value_heads = 1"),
        ("deepseek_v3", {"attention_bias": True}, "attention_bias = True"),
        ("deepseek_v3", {"scoring_func": "softmax"}, "scoring_func = 'softmax'"),
        ("deepseek_v3", {"topk_method": "greedy"}, "topk_method = 'greedy'"),
        ("deepseek_v3", {"moe_layer_freq": 2}, "moe_layer_freq = 2"),
        ("deepseek_v3", {"n_group": 3}, "2 of 4 experts are chosen from 1 of 3 groups"),
        ("deepseek_v2", {"norm_topk_prob": True}, "norm_topk_prob = True"),
        ("deepseek_v2", {"topk_method": "noaux_tc"}, "topk_method = 'noaux_tc'"),
        ("deepseek_v2", {"num_experts_per_tok": None}, "no 'num_experts_per_tok'"),
        ("deepseek_v2", {"head_dim": 5}, "head_dim = 5"),
    ],
)
def test_what_would_be_another_model_is_refused(
    refused: Callable[..., None], label: str, changes: dict[str, Any], message: str
) -> None:
    refused(label, message, **changes)


def test_what_predicts_tokens_farther_ahead_is_left_out_and_noted(layouts: dict[str, Any], read: Read) -> None:
    ahead = "model.layers.2.eh_proj.weight"
    noted = read("deepseek_v3", ahead)
    assert any("farther ahead" in note for note in noted.notes)
    assert not any("farther ahead" in note for note in layouts["deepseek_v3"].config.notes)
    config = layouts["deepseek_v3 without experts"].config
    with pytest.raises(Exception, match=r"lacks model\.embed_tokens"):
        make_plan(DEEPSEEK, config, {ahead: (1, 1)})
    with pytest.raises(Exception, match=r"lacks model\.embed_tokens"):
        make_plan(DEEPSEEK, config, {"model.layers.3.eh_proj.weight": (1, 1)})


@torch.no_grad()
def test_in_16_bits_experts_are_chosen_by_numbers_in_32(tmp_path: Path) -> None:
    made = AutoConfig.for_model(
        "deepseek_v3", hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2, vocab_size=13,
        num_key_value_heads=2, q_lora_rank=6, kv_lora_rank=5, qk_rope_head_dim=2, qk_nope_head_dim=3, v_head_dim=4,
        n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=7, first_k_dense_replace=1, n_group=2,
        topk_group=1, pad_token_id=None, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    theirs = AutoModelForCausalLM.from_config(made)
    bias = 5 + torch.tensor([1e-3, 2e-3, 3e-3, 4e-3])
    theirs.model.layers[1].mlp.gate.e_score_correction_bias.copy_(bias)
    transformers.utils.logging.disable_progress_bar()
    theirs.save_pretrained(tmp_path)
    for load in (HookedTransformer.from_pretrained, HookedTransformer.from_pretrained_no_processing):
        model = load(tmp_path, dtype=torch.bfloat16)
        held = model.blocks[1].mlp.b_select
        assert model.dtype == torch.bfloat16 and held.dtype == torch.float32 and torch.equal(held, bias)
        assert model(torch.arange(5)[None]).dtype == torch.bfloat16
        model.save_pretrained(tmp_path / "again")
        again = HookedTransformer.from_pretrained_no_processing(tmp_path / "again", dtype=torch.bfloat16)
        assert torch.equal(again.blocks[1].mlp.b_select, bias)
        assert torch.equal(again(torch.arange(5)[None]), model(torch.arange(5)[None]))
