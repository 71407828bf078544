"""Folders without a tokenizer.json: SentencePiece's own file, vocabulary and merges, and what cannot be read.

`sentencepiece/` holds models that its library (0.2.3) trained on a few words, and what it made of some texts.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from rung.errors import PromptError, TokenizerError
from rung.model.model import HookedTransformer
from rung.model.sentencepiece import read_sentencepiece
from rung.model.tokenizer import TextTokenizer, label, read_tokenizer

HERE = Path(__file__).parent / "sentencepiece"
GOLDEN: dict[str, Any] = json.loads((HERE / "golden.json").read_text(encoding="utf-8"))
TEXTS = ("the theme", " leading", "a  b ", "Don't we'll", "in 2024", "caf\u0065\u0301 日本", "x\n\n y", "<|end|>the")


def open_model(name: str, folder: Path, **settings: Any) -> TextTokenizer:
    shutil.copy(HERE / f"{name}.model", folder / "tokenizer.model")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    found = read_tokenizer(folder, {})
    assert found is not None
    return found


@pytest.mark.parametrize("name", GOLDEN)
def test_pieces_are_cut_as_their_own_library_cuts_them(name: str, tmp_path: Path) -> None:
    ours, theirs = open_model(name, tmp_path), GOLDEN[name]
    assert {text: ours.encode(text) for text in theirs["ids"]} == theirs["ids"]
    assert len(ours) == theirs["size"]
    named = (ours.bos_token_id, ours.eos_token_id, ours.pad_token_id)
    assert named == tuple(None if theirs[kind] < 0 else theirs[kind] for kind in ("bos", "eos", "pad"))
    for text in ("the red fish", "in 2024 there were 12345"):
        assert ours.decode(ours.encode(text)) == text
    assert ours.encode("the</s>") == [*ours.encode("the"), 2]


def test_settings_add_tokens_and_take_the_first_space_away(tmp_path: Path) -> None:
    size = GOLDEN["bpe_bytes"]["size"]
    added = {str(size): {"content": "<|end|>", "special": True}}
    ours = open_model("bpe_bytes", tmp_path, add_prefix_space=False, added_tokens_decoder=added, pad_token="<|end|>")
    assert ours.encode("<|end|>") == [size] == [ours.pad_token_id]
    assert ours.encode(" under") == open_model("bpe_bytes", tmp_path).encode("under")


@pytest.mark.parametrize("damage", ["", "sentencepiece", "cut", "gap"])
def test_a_model_that_cannot_be_read_is_noted_and_named_where_text_comes(
    damage: str, tmp_path: Path, folder: Path
) -> None:
    whole = (HERE / "unigram.model").read_bytes()
    held = {"cut": whole[:-3], "gap": whole[:40] + whole[45:]}.get(damage, damage.encode())
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.model").write_bytes(held)
    with pytest.raises(TokenizerError, match="not a SentencePiece model"):
        read_sentencepiece(folder / "tokenizer.model")
    model = HookedTransformer.from_pretrained(folder)
    assert any("tokenizer.model" in note and "save_pretrained" in note for note in model.config.notes)
    with pytest.raises(TokenizerError, match=r"tokenizer\.model, which Rung cannot read; .*AutoTokenizer"):
        model("ab")


def write_merges(folder: Path, kind: str, **settings: Any) -> None:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("i", "n"), ("Ġ", "in"), ("m", "e"), ("Ċ", "Ċ"), ("2", "0")]
    vocabulary = {piece: index for index, piece in enumerate([*letters, *(a + b for a, b in merges), "<|end|>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    lines = "\n".join(f"{a} {b}" for a, b in merges)
    (folder / "merges.txt").write_text(f"#version: 0.2\n{lines}\n", encoding="utf-8")
    named = {"tokenizer_class": kind, "eos_token": "<|end|>", "bos_token": None, "unk_token": "<|end|>", **settings}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("GPT2Tokenizer", {}), ("GPT2TokenizerFast", {"add_prefix_space": True}), ("Qwen2Tokenizer", {})],
)
def test_merges_are_read_as_transformers_reads_them(kind: str, settings: Any, tmp_path: Path) -> None:
    import transformers

    write_merges(tmp_path, kind, **settings)
    theirs = getattr(transformers, kind.removesuffix("Fast")).from_pretrained(tmp_path)
    ours = read_tokenizer(tmp_path, {})
    assert ours is not None
    for text in TEXTS:
        assert ours.encode(text) == theirs(text, add_special_tokens=False).input_ids, text


def test_where_no_class_is_named_the_model_says_it(tmp_path: Path) -> None:
    write_merges(tmp_path, "GPT2Tokenizer")
    (tmp_path / "tokenizer_config.json").unlink()
    found = read_tokenizer(tmp_path, {"model_type": "gpt2", "eos_token": "<|end|>"})
    assert found is not None and found.encode("the<|end|>")[-1] == found.eos_token_id
    assert read_tokenizer(tmp_path, {"model_type": "biogpt"}) is None
    assert read_tokenizer(tmp_path, {}) is None


def test_labels_keep_their_spaces_and_join_to_the_text(tmp_path: Path) -> None:
    pieces = open_model("bpe_bytes", tmp_path)
    text = "the red fish swam 12 é\n under"
    labels = [label(pieces, token) for token in pieces.encode(text)]
    assert "".join(labels).replace("�", "") == f" {text}".replace("é", "é")
    assert len({label(pieces, i) for i in range(4, 430) if not pieces.decode(i).startswith("�")}) > 150
    assert label(pieces, pieces.encode("the")[0]) == " the"
    (tmp_path / "merges").mkdir()
    write_merges(tmp_path / "merges", "GPT2Tokenizer")
    merges = read_tokenizer(tmp_path / "merges", {})
    assert merges is not None
    text = "in the theme\n\n."
    assert "".join(label(merges, token) for token in merges.encode(text)) == text


def test_labels_of_a_tokenizer_of_transformers_keep_theirs(tmp_path: Path) -> None:
    """One that strips, and one that tidies the space before a full stop away."""
    from transformers import PreTrainedTokenizerFast

    vocabulary = {piece: index for index, piece in enumerate(["<s>", "<unk>", *"▁ab.", "▁a", "▁."])}
    backend = Tokenizer(models.BPE(vocabulary, [("▁", "a"), ("▁", ".")], unk_token="<unk>"))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    theirs = PreTrainedTokenizerFast(tokenizer_object=backend, clean_up_tokenization_spaces=True)
    assert [label(theirs, token) for token in theirs.encode("ab a .")] == [" a", "b", " a", " ."]
    special = TextTokenizer(Tokenizer(models.WordLevel({"<|a▁b|>": 0}, unk_token="<|a▁b|>")))
    assert label(special, 0) == "<|a▁b|>"


def test_ids_without_a_row_are_noted_and_refused_where_they_are_used(
    build: Callable[..., HookedTransformer], folder: Path
) -> None:
    backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.add_special_tokens(["<|image|>", "<|pad|>"])
    backend.save(str(folder / "tokenizer.json"))
    named = {"bos_token": "<|bos|>", "pad_token": "<|pad|>", "padding_side": "left"}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    model = HookedTransformer.from_pretrained(folder)
    (note,) = (note for note in model.config.notes if "15 tokens" in note)
    assert "13" in note
    assert model.to_tokens(["ab", "a"], prepend_bos=False).tolist() == [[2, 3], [0, 2]]
    with pytest.raises(PromptError, match=r"token 13 is outside the vocabulary of 13; .*'<\|image\|>'"):
        model("a<|image|>")
    model.save_pretrained(folder)
    again = HookedTransformer.from_pretrained(folder)
    assert [note for note in again.config.notes if "15 tokens" in note] == [note]
    taken = HookedTransformer(model.config, model.weights, tokenizer=model.tokenizer)
    assert taken.config.notes == model.config.notes


def test_a_folder_says_on_which_side_texts_are_filled(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<|bos|>", "padding_side": "left"}))
    model = HookedTransformer.from_pretrained(folder)
    assert model.to_tokens(["abc", "a"])[1].tolist()[-1] == model.to_tokens("a")[0, -1]
    assert model.tokenizer.padding_side == "left"
    (folder / "tokenizer_config.json").write_text(json.dumps({"padding_side": "middle"}))
    with pytest.raises(TokenizerError, match="padding_side 'middle'"):
        HookedTransformer.from_pretrained(folder)
