"""The first token of a text and the last: what files say of them, wherever they come from."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from rung.config import ModelConfig
from rung.errors import ConfigError, NoTokenizerError, TextNote, TokenizerError
from rung.model.model import HookedTransformer
from rung.model.tokenizer import TextTokenizer

Build = Callable[..., HookedTransformer]
SMALL: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 1, "vocab_size": 16}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaForCausalLM", {"hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2,
                                   "num_key_value_heads": 1, "intermediate_size": 8}),
    "gpt2": ("GPT2LMHeadModel", {"n_layer": 1, "n_embd": 12, "n_head": 2, "n_positions": 16}),
    "qwen2": ("Qwen2ForCausalLM", {"hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2,
                                   "num_key_value_heads": 1, "intermediate_size": 8}),
    "qwen3": ("Qwen3ForCausalLM", {"hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2,
                                   "num_key_value_heads": 1, "intermediate_size": 8, "head_dim": 6}),
    "bloom": ("BloomForCausalLM", {"hidden_size": 12, "n_layer": 1, "n_head": 2}),
}  # fmt: skip
BEGINS = {"llama": True, "gpt2": True, "qwen2": False, "qwen3": False, "bloom": False}
NAMED = {"bos_token": "<|bos|>", "eos_token": "<|eos|>"}


@pytest.fixture
def write(tmp_path: Path, letters: TextTokenizer, seed: int) -> Callable[..., Path]:
    """write(family, tokenizer_config, generation_config, **config): a folder as transformers leaves it."""

    def make(family: str, said: dict[str, Any], ends: Any = None, **changes: Any) -> Path:
        name, shape = FAMILIES[family]
        kind = getattr(transformers, name)
        folder = tmp_path / f"{family} {len(list(tmp_path.iterdir()))}"
        kind(kind.config_class(**(SMALL | shape | changes))).save_pretrained(folder)
        letters.backend.save(str(folder / "tokenizer.json"))
        (folder / "tokenizer_config.json").write_text(json.dumps(said))
        (folder / "generation_config.json").unlink(missing_ok=True)
        if ends is not None:
            (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ends}))
        return folder

    return make


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("said", "puts"),
    [
        (NAMED, None),
        ({}, None),
        (NAMED | {"add_bos_token": False}, False),
        (NAMED | {"add_bos_token": True}, True),
        ({"bos_token": None, "eos_token": "<|eos|>"}, False),
        ({"bos_token": None, "add_bos_token": True}, True),
    ],
)
def test_the_files_decide_of_the_first_token(write: Any, family: str, said: dict[str, Any], puts: bool | None) -> None:
    folder = write(family, said)
    wanted = BEGINS[family] if puts is None else puts
    model = HookedTransformer.from_pretrained(folder)
    assert model.config.default_prepend_bos is wanted
    assert model.to_tokens("ab").tolist() == [[0, 2, 3] if wanted else [2, 3]]
    assert model.to_tokens("ab", prepend_bos=True).tolist() == [[0, 2, 3]], "it is known, whether it is put or not"
    assert HookedTransformer.from_pretrained(folder, default_prepend_bos=True).config.default_prepend_bos
    assert not HookedTransformer.from_pretrained(folder, default_prepend_bos=False).config.default_prepend_bos
    again = folder.parent / "again"
    model.save_pretrained(again)
    assert HookedTransformer.from_pretrained(again).config.default_prepend_bos is wanted


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("puts", [None, False, True])
def test_a_tokenizer_that_is_given_decides_as_its_files_would(write: Any, family: str, puts: bool | None) -> None:
    silent, saying = write(family, NAMED), write(family, NAMED | ({} if puts is None else {"add_bos_token": puts}))
    wanted = BEGINS[family] if puts is None else puts
    theirs = transformers.AutoTokenizer.from_pretrained(saying)
    ours = HookedTransformer.from_pretrained(saying).tokenizer
    for tokenizer in (theirs, ours):
        found = HookedTransformer.from_pretrained(silent, tokenizer=tokenizer)
        assert found.config.default_prepend_bos is wanted
        hf = getattr(transformers, FAMILIES[family][0]).from_pretrained(silent)
        loaded = HookedTransformer.from_pretrained(family, hf_model=hf, tokenizer=tokenizer)
        assert loaded.config.default_prepend_bos is wanted


def test_a_doubled_first_token_warns_once(speaker: HookedTransformer) -> None:
    with pytest.warns(TextNote, match=r"begins with '<\|bos\|>', and one more is put before it: prepend_bos=False"):
        assert speaker.to_tokens("<|bos|>ab").tolist() == [[0, 0, 2, 3]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        speaker("<|bos|>ab")
        other = HookedTransformer(speaker.config, speaker.weights, tokenizer=speaker.tokenizer)
        assert other.to_tokens("<|bos|>ab", prepend_bos=False).tolist() == [[0, 2, 3]]
        other.to_tokens("a<|bos|>")


@pytest.mark.parametrize("side", ["left", "right"])
def test_files_say_on_which_side_texts_are_padded(write: Any, side: str) -> None:
    folder = write("llama", NAMED | {"padding_side": side})
    model = HookedTransformer.from_pretrained(folder)
    given = HookedTransformer.from_pretrained(folder, tokenizer=transformers.AutoTokenizer.from_pretrained(folder))
    wanted = [[1, 0, 2], [0, 2, 3]] if side == "left" else [[0, 2, 1], [0, 2, 3]]
    assert model.to_tokens(["a", "ab"]).tolist() == given.to_tokens(["a", "ab"]).tolist() == wanted
    model.save_pretrained(folder.parent / "again")
    assert HookedTransformer.from_pretrained(folder.parent / "again").to_tokens(["a", "ab"]).tolist() == wanted


def test_an_unknown_side_is_refused(write: Any) -> None:
    with pytest.raises(TokenizerError, match="padding_side 'up'; known are"):
        HookedTransformer.from_pretrained(write("llama", NAMED | {"padding_side": "up"}))


@pytest.mark.parametrize(
    ("config", "generation", "wanted"),
    [
        (5, None, (5,)),
        ([5, 7], None, (5, 7)),
        (5, [7, 9], (5, 7, 9)),
        (5, 8, (5, 8)),
        (None, None, ()),
        ([5, 99], None, (5,)),
    ],
)
def test_generation_stops_at_any_end_token_of_the_files(write: Any, config: Any, generation: Any, wanted: Any) -> None:
    folder = write("llama", {"bos_token": "<|bos|>"}, generation, eos_token_id=config)
    hf = transformers.LlamaForCausalLM.from_pretrained(folder)
    for model in (
        HookedTransformer.from_pretrained(folder),
        HookedTransformer.from_pretrained("llama", hf_model=hf),
    ):
        assert model.config.eos_token_ids == wanted
        tokens = torch.tensor([[0, 2], [0, 3], [0, 4]])
        rows = model.generate(tokens, 40, temperature=3.0)[:, 2:].tolist()
        free = model.generate(tokens, 40, temperature=3.0, stop_at_eos=False)[:, 2:].tolist()
        for row, on in zip(rows, free, strict=True):
            first = next((at for at, token in enumerate(on) if token in wanted), len(on) - 1)
            assert row[: first + 1] == on[: first + 1]
            fills = {*wanted[:1], getattr(model.tokenizer, "pad_token_id", None)}
            assert set(row[first + 1 :]) <= fills
    model = HookedTransformer.from_pretrained(folder)
    model.save_pretrained(folder.parent / "again")
    assert HookedTransformer.from_pretrained(folder.parent / "again").config == model.config


def test_an_end_token_that_nobody_knows(build: Build) -> None:
    model, tokens = build(), torch.tensor([[1, 2]])
    assert model.generate(tokens, 3).shape == (1, 5)
    with pytest.raises(NoTokenizerError, match="no end token is known for unnamed: give it as eos_token_id"):
        model.generate(tokens, 3, stop_at_eos=True)
    assert model.generate(tokens, 3, stop_at_eos=True, eos_token_id=list(range(13))).shape == (1, 3)


def test_end_tokens_of_a_config_are_checked() -> None:
    shape: dict[str, Any] = {"n_layers": 1, "d_model": 4, "n_heads": 1, "d_head": 4, "d_vocab": 7, "n_ctx": 4}
    with pytest.raises(ConfigError, match=r"eos_token_ids are \[7\], with a vocabulary of 7"):
        ModelConfig(**shape, eos_token_ids=(7,))
    with pytest.raises(ConfigError, match="it must be a list of token ids"):
        ModelConfig(**shape, eos_token_ids=(-1,))
    config = ModelConfig(**shape, eos_token_ids=(2, 3))
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
