"""A folder's tokenizer: read, written, and refused where it is broken or speaks for another model."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from rung.errors import TokenizerError
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
