"""The small functions, where the differential sessions do not reach."""

import sys
import types

import numpy as np
import pytest
import torch

from rung.config import ModelConfig
from rung.errors import PromptError, TokenizerError
from rung.model.model import HookedTransformer
from rung.transformer_lens import utils


class Words:
    """A tokenizer of one token a letter: a is 2."""

    bos_token_id, eos_token_id, pad_token_id = 0, 1, None

    def __len__(self):
        return 30

    def encode(self, text, /, *, add_special_tokens=False):
        return [ord(letter) - 95 for letter in text]

    def decode(self, ids, /):
        return "".join(chr(i + 95) for i in ids)


def test_texts_fill_rows():
    rows = utils.tokenize_and_concatenate(["ab", "cde"], Words(), max_length=4)
    # ab <eos> cde, cut into threes behind a first token each.
    assert rows["tokens"].tolist() == [[0, 2, 3, 1], [0, 4, 5, 6]]
    whole = utils.tokenize_and_concatenate([{"t": "abcd"}], Words(), max_length=3, column_name="t", add_bos_token=False)
    assert whole["tokens"].tolist() == [[2, 3, 4]]
    short = utils.tokenize_and_concatenate({"text": ["a"]}, Words(), max_length=4)
    assert short["tokens"].tolist() == [[0, 2, 1, 1]]
    with pytest.raises(PromptError, match="no column 'text'"):
        utils.tokenize_and_concatenate({"texts": ["a"]}, Words())
    with pytest.raises(PromptError, match="3 is no text"):
        utils.tokenize_and_concatenate([3], Words())
    blank = type("Blank", (Words,), {"bos_token_id": None, "eos_token_id": None})()
    with pytest.raises(TokenizerError, match="neither"):
        utils.tokenize_and_concatenate(["a"], blank)


def test_a_dataset_of_the_datasets_package_gives_one_back(monkeypatch):
    """Its interface, as far as this needs it: the package itself is not needed."""
    made = {}

    class Dataset:
        column_names = ("text",)

        def __getitem__(self, name):
            return ["ab", "cd"]

        @classmethod
        def from_dict(cls, columns):
            made.update(columns)
            return cls()

        def set_format(self, type, columns):
            made["format"] = (type, columns)

    Dataset.__module__ = "datasets.arrow_dataset"
    monkeypatch.setitem(sys.modules, "datasets", types.ModuleType("datasets"))
    found = utils.tokenize_and_concatenate(Dataset(), Words(), max_length=3)
    assert isinstance(found, Dataset)
    assert made == {"tokens": [[0, 2, 3], [0, 1, 4]], "format": ("torch", ["tokens"])}


def test_rows_can_be_read_split_and_batched():
    rows = utils.TokenDataset(torch.arange(20).view(10, 2))
    assert len(rows) == 10 and rows[3]["tokens"].tolist() == [6, 7] and rows[:2]["tokens"].shape == (2, 2)
    split = rows.train_test_split(test_size=0.3, seed=0)
    assert (len(split["train"]), len(split["test"])) == (7, 3)
    both = torch.cat((split["train"]["tokens"], split["test"]["tokens"]))
    assert sorted(both.flatten().tolist()) == list(range(20)) and not torch.equal(both, rows.tokens)
    assert torch.equal(rows.train_test_split(2, shuffle=False)["test"].tokens, rows.tokens[8:])
    batch = next(iter(torch.utils.data.DataLoader(rows, batch_size=4)))
    assert torch.equal(batch["tokens"], rows.tokens[:4])
    with pytest.raises(PromptError, match="both parts need at least one"):
        rows.train_test_split(10)
    with pytest.raises(KeyError):
        rows["text"]


def test_a_prompt_is_told(capsys):
    config = ModelConfig(n_layers=1, d_model=8, n_heads=2, d_head=4, d_vocab=30, n_ctx=12, bos_token_id=0)
    model = HookedTransformer(config, tokenizer=Words(), seed=2)
    utils.test_prompt("abc", "de", model, prepend_space_to_answer=False, prepend_bos=True, top_k=2)
    told = capsys.readouterr().out
    order = model(model.to_tokens("abc", prepend_bos=True))[0, -1].argsort(descending=True).tolist()
    assert f"Rank: {order.index(5): <8}" in told and "Token: |d|" in told and told.count("Top 1th token.") == 2
    assert told.rstrip().splitlines()[-1].startswith("Ranks of the answer tokens: [('d', ")
    utils.test_prompt("abc", ["d", "e"], model, prepend_space_to_answer=False, print_details=False)
    told = capsys.readouterr().out
    assert told.count("(") == 2 and "Top" not in told


def test_padding_of_a_tokenizer_is_found():
    tokenizer = types.SimpleNamespace(pad_token_id=9, bos_token_id=9, padding_side="left")
    tokens = torch.tensor([[9, 9, 9, 4], [9, 5, 9, 6]])
    assert utils.get_attention_mask(tokenizer, tokens, prepend_bos=True).tolist() == [[0, 0, 1, 1], [1, 1, 1, 1]]
    assert utils.get_attention_mask(tokenizer, tokens, prepend_bos=False).tolist() == [[0, 0, 0, 1], [0, 1, 1, 1]]
    tokenizer.padding_side = "right"
    assert utils.get_attention_mask(tokenizer, tokens.flip(1), prepend_bos=False).tolist() == [
        [1, 0, 0, 0],
        [1, 1, 1, 0],
    ]


def test_odds_and_ends(seed):
    assert utils.to_numpy(torch.ones(2, dtype=torch.bfloat16)).dtype == np.float32
    assert utils.to_numpy((1, 2)).tolist() == [1, 2] and utils.to_numpy(3).item() == 3
    thing = types.SimpleNamespace(a=types.SimpleNamespace(b=1))
    utils.set_nested_attr(thing, "a.b", 5)
    assert utils.get_nested_attr(thing, "a.b") == 5
    assert (
        utils.override_or_use_default_value(True) is True and utils.override_or_use_default_value(True, False) is False
    )
    assert utils.get_device() in ("cpu", "cuda", "mps") and utils.is_library_available("torch")
    logits = torch.tensor([[0.0, 9.0, 0.0]]).expand(50, 3)
    assert (utils.sample_logits(logits, top_k=1) == 1).all()
    with pytest.raises(PromptError, match="no inputs and outputs"):
        utils.calc_fan_in_and_fan_out(torch.zeros(2, 2, 2, 2))
