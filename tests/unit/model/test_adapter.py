"""LoRA folders: W + (alpha / r) B A, tensors trained whole, and everything that is not merged."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from rung.errors import CheckpointError, ConfigError, PickleRefused
from rung.model.fetch import load_checkpoint
from rung.model.model import HookedTransformer

Adapter = Callable[..., Path]
CONFIG: dict[str, Any] = {
    "peft_type": "LORA", "r": 2, "lora_alpha": 6, "bias": "none", "fan_in_fan_out": False, "use_rslora": False,
    "target_modules": ["q_proj", "down_proj"], "modules_to_save": None, "task_type": "CAUSAL_LM", "use_dora": False,
    "init_lora_weights": True, "inference_mode": True, "lora_dropout": 0.1, "rank_pattern": {}, "alpha_pattern": {},
}  # fmt: skip


def factors(module: str, out: int, into: int, rank: int = 2) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(len(module))
    return {
        f"base_model.model.{module}.lora_A.weight": torch.randn(rank, into, generator=generator),
        f"base_model.model.{module}.lora_B.weight": torch.randn(out, rank, generator=generator),
    }


def product(tensors: dict[str, Tensor], module: str) -> Tensor:
    A, B = (tensors[f"base_model.model.{module}.lora_{x}.weight"] for x in "AB")
    return B @ A


@pytest.fixture
def base(llama: Any, tmp_path: Path) -> Path:
    llama.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def adapter(base: Path, tmp_path: Path) -> Adapter:
    """adapter(tensors, **config): a folder as peft writes it, over the Llama of `base`."""

    def make(tensors: dict[str, Tensor], **config: Any) -> Path:
        folder = tmp_path / "lora"
        folder.mkdir(exist_ok=True)
        values = CONFIG | {"base_model_name_or_path": str(base)} | config
        (folder / "adapter_config.json").write_text(json.dumps(values))
        save_file(tensors, folder / "adapter_model.safetensors")
        return folder

    return make


Q, DOWN = "model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"


@pytest.mark.parametrize(
    ("changes", "scales"),
    [
        ({}, (3.0, 3.0)),
        ({"use_rslora": True}, (6 / math.sqrt(2), 6 / math.sqrt(2))),
        ({"alpha_pattern": {"q_proj": 1}}, (0.5, 3.0)),
        ({"r": 5, "rank_pattern": {r"layers\.\d\..*": 2}}, (3.0, 3.0)),
    ],
)
def test_products_are_added_as_the_config_weighs_them(
    changes: dict[str, Any], scales: tuple[float, float], llama: Any, adapter: Adapter, seed: int
) -> None:
    tensors = factors(Q, 12, 12) | factors(DOWN, 12, 20)
    folder = adapter(tensors, **changes)
    for module, scale in zip((Q, DOWN), scales, strict=True):
        llama.get_submodule(module).weight.data += scale * product(tensors, module)
    model = HookedTransformer.from_pretrained_no_processing(folder)
    tokens = torch.randint(0, 13, (2, 7), generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(model(tokens), llama(tokens).logits, atol=2e-5, rtol=1e-4)
    assert model.config.model_name == "lora"
    assert "an adapter was merged: lora, 2 products and 0 whole tensors" in model.config.notes


def test_the_base_may_be_given_and_must_be_one(adapter: Adapter, base: Path) -> None:
    folder = adapter(factors(Q, 12, 12), base_model_name_or_path="some/where-else")
    with pytest.raises(CheckpointError, match=r"adapter of some/where-else: .*base=MODEL"):
        load_checkpoint(folder)
    given = load_checkpoint(folder, base=base)
    assert not torch.equal(given.weights["W_Q"][0], load_checkpoint(base).weights["W_Q"][0])
    model = HookedTransformer.from_pretrained(folder, base=base)
    assert model.config.model_name == "lora"
    with pytest.raises(CheckpointError, match="does not name its base"):
        load_checkpoint(adapter(factors(Q, 12, 12), base_model_name_or_path=None))
    with pytest.raises(CheckpointError, match="is no adapter but a model"):
        load_checkpoint(base, base=base)


def test_inputs_come_first_where_the_config_says_so(gpt2: Any, adapter: Adapter, tmp_path: Path) -> None:
    gpt2.save_pretrained(tmp_path / "gpt2")
    tensors = factors("transformer.h.0.attn.c_attn", 36, 12) | factors("transformer.h.1.mlp.c_proj", 12, 48)
    folder = adapter(tensors, base_model_name_or_path=str(tmp_path / "gpt2"), fan_in_fan_out=True)
    for module in ("transformer.h.0.attn.c_attn", "transformer.h.1.mlp.c_proj"):
        gpt2.get_submodule(module).weight.data += 3.0 * product(tensors, module).T
    tokens = torch.arange(10)[None]
    model = HookedTransformer.from_pretrained_no_processing(folder)
    torch.testing.assert_close(model(tokens), gpt2(tokens).logits, atol=2e-5, rtol=1e-4)


def test_tensors_that_were_trained_whole_take_the_place_of_others(llama: Any, adapter: Adapter) -> None:
    head, grown = torch.randn(15, 12), torch.randn(15, 12)
    tensors = factors(Q, 12, 12) | {
        "base_model.model.lm_head.weight": head, "base_model.model.model.embed_tokens.weight": grown,
    }  # fmt: skip
    found = load_checkpoint(adapter(tensors, modules_to_save=["lm_head", "embed_tokens"]))
    assert found.config.d_vocab == 15 and not found.config.tied_embeddings
    assert torch.equal(found.weights["W_E"], grown) and torch.equal(found.weights["W_U"], head.T)


def test_embeddings_may_be_added_to(llama: Any, adapter: Adapter) -> None:
    name = "base_model.model.model.embed_tokens.lora_embedding_"
    tensors = {f"{name}A": torch.randn(2, 13), f"{name}B": torch.randn(12, 2)}
    W_E = load_checkpoint(adapter(tensors)).weights["W_E"]
    wanted = llama.model.embed_tokens.weight + 3.0 * (tensors[f"{name}B"] @ tensors[f"{name}A"]).T
    torch.testing.assert_close(W_E, wanted.detach())


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"peft_type": "IA3"}, r"peft_type 'IA3'; Rung reads LORA only: merge it with peft"),
        ({"use_dora": True}, r"use_dora = True, which Rung does not merge: merge it with peft"),
        ({"layer_replication": [[0, 1]]}, "layer_replication"),
        ({"trainable_token_indices": [1]}, "trainable_token_indices"),
        ({"some_new_way": 3}, "some_new_way = 3"),
        ({"r": 4}, "says that .*q_proj has r = 4; its tensors have 2"),
        ({"lora_alpha": "16"}, "lora_alpha = '16'; it must be a number"),
    ],
)
def test_what_is_no_plain_lora_is_refused_with_advice(config: dict[str, Any], said: str, adapter: Adapter) -> None:
    with pytest.raises(ConfigError, match=said):
        load_checkpoint(adapter(factors(Q, 12, 12), **config))


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (factors("model.layers.7.self_attn.q_proj", 12, 12), "layers.7.*does not hold: is it another model's"),
        (factors(Q, 12, 16), r"adds \[12, 16\] to .*q_proj"),
        ({f"base_model.model.{Q}.lora_A.weight": torch.ones(2, 12)}, "and no base_model"),
        (factors(Q, 12, 12) | {f"base_model.model.{Q}.lora_magnitude_vector": torch.ones(12)}, "does not merge"),
        ({"base_model.model.model.norm.weights": torch.ones(12)}, "Near names: model.norm.weight"),
    ],
)
def test_what_does_not_fit_its_base_is_refused(tensors: dict[str, Tensor], said: str, adapter: Adapter) -> None:
    with pytest.raises(CheckpointError, match=said):
        load_checkpoint(adapter(tensors))


def test_pickles_and_broken_files_are_refused(adapter: Adapter) -> None:
    folder = adapter(factors(Q, 12, 12))
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(PickleRefused):
        load_checkpoint(folder)
    (folder / "adapter_model.bin").unlink()
    with pytest.raises(CheckpointError, match=r"no adapter_model\.safetensors"):
        load_checkpoint(folder)
    for text in ("{", "[]"):
        (folder / "adapter_config.json").write_text(text)
        with pytest.raises(ConfigError, match="adapter_config"):
            load_checkpoint(folder)


def test_the_same_factors_weighed_otherwise_are_another_checkpoint(adapter: Adapter) -> None:
    tensors = factors(Q, 12, 12)

    def digest(**changes: Any) -> str | None:
        return HookedTransformer.from_pretrained(adapter(tensors, **changes)).checkpoint_digest()

    first = digest()
    assert first is not None and first == digest()
    assert len({first, digest(lora_alpha=7), digest(use_rslora=True), digest(alpha_pattern={"q_proj": 1})}) == 4
