"""GGUF: every way to store numbers, every architecture, the tokenizer inside, and files that are broken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType as Kind
from torch import Tensor

from rung.families import FAMILIES
from rung.model.gguf import ARCHITECTURES, KINDS
from rung.model.model import HookedTransformer

LOGITS = 1e-5
"""Both compute in float32 and sum in different orders."""
READ = {model_type for family in FAMILIES for model_type in family.model_types}
BLOCKS = {kind: gguf.GGML_QUANT_SIZES[Kind[kind]] for kind in KINDS}

# The names that llama.cpp gives what transformers calls otherwise.
NAMES = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    **{f"self_attn.{one}_proj": f"attn_{one}" for one in "qkv"}, "self_attn.o_proj": "attn_output",
    **{f"self_attn.{one}_norm": f"attn_{one}_norm" for one in "qk"},
    **{f"mlp.{one}_proj": f"ffn_{one}" for one in ("gate", "up", "down")},
}  # fmt: skip


def gguf_name(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    if stem.startswith("model.layers."):
        _, _, layer, part = stem.split(".", 3)
        return f"blk.{layer}.{NAMES[part]}.{ending}"
    return f"{NAMES[stem]}.{ending}"


def turned(tensor: Tensor, heads: int) -> Tensor:
    """Rows of q or k in the order of adjacent rotary pairs, as llama.cpp's converter puts them."""
    rows = tensor.reshape(heads, 2, tensor.shape[0] // heads // 2, *tensor.shape[1:])
    return rows.swapaxes(1, 2).reshape(tensor.shape)


def unturned(tensor: Tensor, heads: int) -> Tensor:
    rows = tensor.reshape(heads, tensor.shape[0] // heads // 2, 2, *tensor.shape[1:])
    return rows.swapaxes(1, 2).reshape(tensor.shape)


def stored(tensor: Tensor, kind: str, generator: np.random.Generator) -> tuple[np.ndarray[Any, Any], Tensor]:
    """Numbers as `kind` stores them, and what they are then; k-quants, which gguf cannot make, are drawn."""
    values = tensor.float().numpy()
    try:
        packed = gguf.quants.quantize(values, Kind[kind])
    except NotImplementedError:
        block, size = BLOCKS[kind]
        packed = generator.integers(0, 256, (*values.shape[:-1], values.shape[-1] // block * size), np.uint8)
        # Scales are 16-bit floats somewhere in each block: all of them made small and finite.
        at = {"Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}[kind]
        blocks = packed.reshape(-1, size)
        for offset in at:
            blocks[:, offset : offset + 2] = np.frombuffer(np.float16(0.002).tobytes(), np.uint8)
    return packed, torch.from_numpy(np.array(gguf.quants.dequantize(packed, Kind[kind])).copy())


Written = tuple[Path, Any]
Write = Callable[..., Written]


@pytest.fixture
def write(tmp_path: Path, seed: int) -> Write:
    """write(architecture, kind): a tiny random model of transformers in a GGUF, and it with what the file holds."""

    def make(
        architecture: str, kind: str = "F32", change: Callable[[gguf.GGUFWriter], object] | None = None,
        leave: tuple[str, ...] = (), **settings: Any,
    ) -> Written:  # fmt: skip
        model = tiny(architecture, **settings)
        config = model.config
        path = tmp_path / f"{architecture}-{kind}.gguf"
        writer = gguf.GGUFWriter(path, architecture)
        describe(writer, config, architecture)
        generator = np.random.default_rng(0)
        held = {}
        for name, tensor in model.state_dict().items():
            if name == "lm_head.weight" and config.tie_word_embeddings:
                continue
            heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(
                name.split(".")[-2]
            )
            if architecture == "llama" and heads:
                tensor = turned(tensor, heads)
            tensor = tensor + 1 if architecture == "gemma" and "norm" in name else tensor
            as_kind = kind if tensor.ndim == 2 and tensor.shape[-1] % BLOCKS[kind][0] == 0 else "F32"
            packed, tensor = stored(tensor, as_kind, generator)
            if name not in leave:
                writer.add_tensor(gguf_name(name), packed, raw_dtype=Kind[as_kind])
            tensor = tensor - 1 if architecture == "gemma" and "norm" in name else tensor
            held[name] = unturned(tensor, heads) if architecture == "llama" and heads else tensor
        if change is not None:
            change(writer)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        model.load_state_dict(held, strict=False)
        return path, model

    return make


def tiny(architecture: str, **settings: Any) -> Any:
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    shape = {
        "num_hidden_layers": 2, "hidden_size": 256, "num_attention_heads": 8, "num_key_value_heads": 2,
        "intermediate_size": 512, "vocab_size": 13, "max_position_embeddings": 64, "bos_token_id": 0,
        "eos_token_id": 1, "head_dim": 32,
    }  # fmt: skip
    config = CONFIG_MAPPING[ARCHITECTURES[architecture].constants["model_type"]](**shape | settings)
    model = AutoModelForCausalLM.from_config(config).float().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.randn(parameter.shape, generator=generator) * 0.05
    return model


def describe(writer: gguf.GGUFWriter, config: Any, architecture: str) -> None:
    """The metadata that llama.cpp's converter writes."""
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_key_length(head)
    writer.add_value_length(head)
    if architecture == "llama":
        writer.add_rope_dimension_count(head)
        writer.add_vocab_size(config.vocab_size)


def load(path: Path) -> HookedTransformer:
    return HookedTransformer.from_pretrained_no_processing(path)


def agree(path: Path, theirs: Any) -> None:
    tokens = torch.randint(13, (2, 9), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = theirs(tokens).logits
        gap = (load(path)(tokens) - wanted).abs().max() / wanted.abs().max()
    assert gap < LOGITS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_number_gives_the_logits_of_what_it_stands_for(write: Write, kind: str) -> None:
    agree(*write("llama", kind))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("kind", ["F32", "Q4_1"])
def test_every_architecture_gives_transformers_logits(write: Write, architecture: str, kind: str) -> None:
    if ARCHITECTURES[architecture].constants["model_type"] not in READ:
        pytest.skip(f"no family reads {architecture} yet")
    path, theirs = write(architecture, kind)
    assert load(path).config.family == architecture
    agree(path, theirs)
