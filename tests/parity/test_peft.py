"""LoRA adapters merged on load beside peft's own merge. `make peft` runs it, in an environment that has peft."""

from pathlib import Path
from typing import Any

import pytest
import torch

from rung.model.model import HookedTransformer

peft = pytest.importorskip("peft")

# peft asks transformers for a name that transformers is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

SIZE = {"vocab_size": 101, "bos_token_id": 0, "eos_token_id": None, "pad_token_id": None}
LLAMA = {
    "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3, "num_attention_heads": 6,
    "num_key_value_heads": 2, "max_position_embeddings": 64,
}  # fmt: skip
GPT2 = {"n_layer": 3, "n_head": 4, "n_embd": 32, "n_positions": 64}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "attention and MLP": ("llama", LLAMA, {"target_modules": "all-linear", "lora_alpha": 5}),
    "rank-stabilised": ("llama", LLAMA, {"target_modules": ["q_proj", "o_proj"], "use_rslora": True}),
    "ranks of their own": (
        "llama", LLAMA,
        {"target_modules": ["v_proj", "up_proj"], "rank_pattern": {"v_proj": 7}, "alpha_pattern": {"layers.1.*": 3}},
    ),
    "some layers, and a head of its own": (
        "llama", LLAMA,
        {"target_modules": ["k_proj"], "layers_to_transform": [1], "modules_to_save": ["lm_head"]},
    ),
    "embeddings": ("llama", LLAMA, {"target_modules": ["embed_tokens", "gate_proj"]}),
    "inputs first": ("gpt2", GPT2, {"target_modules": ["c_attn", "c_proj", "c_fc"], "fan_in_fan_out": True}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@torch.no_grad()
def test_the_merge_is_that_of_peft(case: str, tmp_path: Path, seed: int) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    kind, shape, settings = CASES[case]
    base = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **SIZE | shape)).eval()
    base.save_pretrained(tmp_path / "base")
    tuned = peft.get_peft_model(base, peft.LoraConfig(r=4, task_type="CAUSAL_LM", **settings))
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in tuned.named_parameters():
        if "lora_" in name or "modules_to_save" in name:
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    tuned.save_pretrained(tmp_path / "lora", save_embedding_layers=False)
    tokens = torch.randint(0, 101, (2, 17), generator=generator)
    ours = HookedTransformer.from_pretrained_no_processing(tmp_path / "lora", base=tmp_path / "base")(tokens)
    theirs = tuned.merge_and_unload()(tokens).logits
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
