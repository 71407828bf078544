"""A tokenizer of single letters, and folders as people and transformers write them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import torch

from rung.config import ModelConfig
from rung.model.model import HookedTransformer
from rung.model.tokenizer import TextTokenizer

SHAPE: dict[str, Any] = {
    "n_layers": 2, "d_model": 12, "n_heads": 4, "d_head": 3, "d_vocab": 13, "n_ctx": 10, "d_mlp": 16, "act_fn": "gelu",
}  # fmt: skip


@pytest.fixture
def letters() -> TextTokenizer:
    """<|bos|> 0, <|eos|> 1, then one token for each of a to k. No merges, so tokens are letters."""
    vocabulary = {letter: i + 2 for i, letter in enumerate("abcdefghijk")}
    backend = tokenizers.Tokenizer(
        tokenizers.models.BPE({"<|bos|>": 0, "<|eos|>": 1, **vocabulary}, [], unk_token="<|eos|>")
    )
    backend.add_special_tokens(["<|bos|>", "<|eos|>"])
    backend.decoder = tokenizers.decoders.Fuse()
    return TextTokenizer(backend, "<|bos|>", "<|eos|>")


@pytest.fixture
def speaker(build: Callable[..., HookedTransformer], letters: TextTokenizer) -> HookedTransformer:
    """A random model with every weight non-zero that reads letters and begins with <|bos|>."""
    model = build("LN, learned positions, MLP, biases", bos_token_id=0, default_prepend_bos=True)
    return HookedTransformer(model.config, model.weights, tokenizer=letters)


@pytest.fixture
def folder(tmp_path: Path, letters: TextTokenizer) -> Path:
    """A saved model of every kind of weight but a gate, with its tokenizer."""
    config = ModelConfig(**SHAPE, biases=frozenset(("b_Q", "ln1_b", "b_in", "b_U")), bos_token_id=0, model_name="saved")
    HookedTransformer(config, tokenizer=letters).save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture
def gpt2(seed: int) -> Any:
    """transformers' own GPT-2, tiny and random."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        n_layer=2, n_embd=12, n_head=3, vocab_size=13, n_positions=10, bos_token_id=0, eos_token_id=1
    )  # fmt: skip
    return _stirred(GPT2LMHeadModel(config))


@pytest.fixture
def llama(seed: int) -> Any:
    """transformers' own Llama, tiny and random, with grouped queries."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        num_hidden_layers=2, hidden_size=12, num_attention_heads=6, num_key_value_heads=2, intermediate_size=20,
        vocab_size=13, max_position_embeddings=10, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    return _stirred(LlamaForCausalLM(config))


def _stirred(model: Any) -> Any:
    """Fresh norms are ones and fresh biases zeros: a mistake in either would not show."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.randn(parameter.shape, generator=generator) * 0.2
    return model.eval()
