"""A folder's tokenizer: read, written, and refused where it is broken or speaks for another model."""

import copy
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from rung.errors import TokenizerError
from rung.model.model import HookedTransformer
from rung.model.tokenizer import TextTokenizer, Tokenizer, read_tokenizer


def write(folder: Path, letters: TextTokenizer, **files: Any) -> Path:
    letters.backend.save(str(folder / "tokenizer.json"))
    for name, values in files.items():
        (folder / f"{name}.json").write_text(values if isinstance(values, str) else json.dumps(values))
    return folder


def test_text_and_tokens(letters: TextTokenizer) -> None:
    assert letters.encode("abk") == [2, 3, 12]
    assert letters.decode([2, 3, 12]) == "abk"
    assert letters.decode(2) == "a"
    assert letters.decode([0, 2]) == "<|bos|>a"
    assert letters.decode([0, 2], skip_special_tokens=True) == "a"
    assert letters.encode("<|bos|>a") == [0, 2]
    assert (len(letters), letters.vocab_size) == (13, 13)
    assert (letters.bos_token_id, letters.eos_token_id, letters.pad_token_id) == (0, 1, None)
    assert letters.special_ids == {0, 1}
    assert isinstance(letters, Tokenizer)


def test_a_copy_says_the_same(letters: TextTokenizer) -> None:
    twin = copy.deepcopy(letters)
    assert twin.encode("abc") == letters.encode("abc")
    assert twin.bos_token_id == 0


def test_it_survives_a_folder(letters: TextTokenizer, tmp_path: Path) -> None:
    letters.save(tmp_path)
    again = read_tokenizer(tmp_path, {})
    assert again is not None
    assert again.backend.to_str() == letters.backend.to_str()
    assert (again.bos_token, again.eos_token, again.pad_token) == ("<|bos|>", "<|eos|>", None)


def test_no_tokenizer_is_none(tmp_path: Path) -> None:
    assert read_tokenizer(tmp_path, {}) is None


def test_special_tokens_are_named_in_three_places_in_order(letters: TextTokenizer, tmp_path: Path) -> None:
    write(tmp_path, letters)

    def named(config: dict[str, Any]) -> tuple[str | None, ...]:
        found = read_tokenizer(tmp_path, config)
        assert found is not None
        return found.bos_token, found.eos_token, found.pad_token

    assert named({}) == (None, None, None)
    assert named({"bos_token_id": 3, "eos_token_id": [1, 2], "pad_token_id": None}) == ("b", None, None)
    assert named({"bos_token": "<|bos|>", "bos_token_id": 3}) == ("<|bos|>", None, None)
    write(tmp_path, letters, special_tokens_map={"bos_token": {"content": "c"}, "eos_token": "<|eos|>"})
    assert named({"bos_token": "<|bos|>"}) == ("c", "<|eos|>", None)
    write(tmp_path, letters, tokenizer_config={"bos_token": "d", "pad_token": "<|eos|>"})
    assert named({"bos_token": "<|bos|>"}) == ("d", "<|eos|>", "<|eos|>")


@pytest.mark.parametrize("index", [13, 10**12, -1, "0", 1.0])
def test_an_id_that_names_nothing_names_nothing(letters: TextTokenizer, tmp_path: Path, index: Any) -> None:
    found = read_tokenizer(write(tmp_path, letters), {"bos_token_id": index})
    assert found is not None
    assert found.bos_token is None


def test_a_special_token_it_does_not_know_is_refused(letters: TextTokenizer, tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"does not know '<\|pad\|>'"):
        read_tokenizer(write(tmp_path, letters, tokenizer_config={"pad_token": "<|pad|>"}), {})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model": {"type": "unheard of"}}'])
def test_a_broken_tokenizer_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(TokenizerError, match=r"tokenizer\.json is not a tokenizer that can be read"):
        read_tokenizer(tmp_path, {})


def test_broken_settings_are_refused(letters: TextTokenizer, tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"tokenizer_config\.json is not JSON"):
        read_tokenizer(write(tmp_path, letters, tokenizer_config="{"), {})


def test_a_tokenizer_neither_cuts_nor_fills_up(letters: TextTokenizer, tmp_path: Path) -> None:
    letters.backend.enable_truncation(2)
    letters.backend.enable_padding(length=6, pad_id=1)
    assert letters.encode("abcd") == [2, 3, 1, 1, 1, 1]
    found = read_tokenizer(write(tmp_path, letters), {})
    assert found is not None
    assert found.encode("abcd") == [2, 3, 4, 5]


def test_it_is_called_as_transformers_are(letters: TextTokenizer) -> None:
    letters.add_special_tokens({"pad_token": "<|eos|>"})
    assert letters("abc") == {"input_ids": [2, 3, 4], "attention_mask": [1, 1, 1]}
    both = letters(["abc", "d"], padding=True, return_tensors="pt")
    assert both.input_ids.tolist() == [[2, 3, 4], [5, 1, 1]] and both.attention_mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert both.to("cpu")["input_ids"].shape == (2, 3)
    letters.padding_side = "left"
    filled = letters(["abc"], padding="max_length", max_length=5, return_tensors="np")
    assert filled.input_ids.tolist() == [[1, 1, 2, 3, 4]]
    assert letters("abcd", truncation=True, max_length=2).input_ids == [2, 3]
    assert letters.encode("ab", return_tensors="pt").tolist() == [[2, 3]]
    assert letters.batch_decode([[2, 3], [4]]) == ["ab", "c"] == letters.decode([[2, 3], [4]])
    assert letters.batch_decode(torch.tensor([2, 3])) == ["a", "b"]
    assert letters.vocab == letters.get_vocab() and letters.vocab["a"] == 2
    assert letters.convert_ids_to_tokens(2) == "a" and letters.convert_ids_to_tokens(torch.tensor([0, 3])) == [
        "<|bos|>",
        "b",
    ]
    assert letters.convert_ids_to_tokens([0, 3], skip_special_tokens=True) == ["b"]
    assert letters.convert_tokens_to_ids("b") == 3 and letters.convert_tokens_to_ids(["b", "no such"]) == [3, None]
    assert letters.tokenize("ab") == ["a", "b"] and letters.convert_tokens_to_string(["a", "b"]) == "ab"
    assert letters.all_special_tokens == ["<|bos|>", "<|eos|>"]
    with pytest.raises(TokenizerError, match="unequal length"):
        letters(["abc", "d"], return_tensors="pt")
    with pytest.raises(TokenizerError, match="'pt' and 'np'"):
        letters("a", return_tensors="tf")


def test_the_rest_is_asked_of_transformers_own(letters: TextTokenizer) -> None:
    real = letters.to_transformers()
    assert type(real).__name__ and real is letters.to_transformers()
    for text in ("abc", "<|bos|>ab"):
        assert real.encode(text) == letters.encode(text) and real(text)["input_ids"] == letters(text)["input_ids"]
        assert real.decode(letters.encode(text)) == letters.decode(letters.encode(text))
    assert letters.model_max_length == real.model_max_length
    assert letters("abc", return_offsets_mapping=True)["offset_mapping"] == [(0, 1), (1, 2), (2, 3)]
    assert letters.add_tokens("new") == 1 and letters.encode("new") == [13]
    assert letters.to_transformers() is not real and letters.to_transformers().encode("new") == [13]
    letters.pad_token = "new"
    assert letters.to_transformers().pad_token_id == 13
    assert pickle.loads(pickle.dumps(letters)).encode("ab") == [2, 3]
    assert not hasattr(letters, "nothing_like_it")


def test_without_transformers_it_says_what_is_missing(letters: TextTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert letters.encode("ab") == [2, 3] and not hasattr(letters, "model_max_length")
    with pytest.raises(TokenizerError, match=r"pip install 'rung\[hf\]'"):
        letters("ab", return_offsets_mapping=True)


def test_a_model_pads_with_its_last_token_by_default(letters: TextTokenizer, speaker: HookedTransformer) -> None:
    assert speaker.tokenizer is letters and letters.pad_token == letters.eos_token
    alone = TextTokenizer(letters.backend, "<|bos|>")
    speaker.set_tokenizer(alone)
    assert alone.pad_token == "<|bos|>" and alone.padding_side == "right"
