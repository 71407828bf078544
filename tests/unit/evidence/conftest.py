"""Planted models that can read text."""

from collections import Counter
from collections.abc import Callable

import pytest
import tokenizers

from rung.model.model import HookedTransformer
from rung.model.tokenizer import TextTokenizer
from rung.planted import Planted, plant
from rung.tasks.prose import bundled_text


@pytest.fixture(scope="session")
def reading() -> Callable[[Planted], HookedTransformer]:
    """reading(planted): the same model with a tokenizer of the bundled passages' commonest words, BOS first."""
    splitter = tokenizers.pre_tokenizers.Whitespace()
    words = [word for word, _ in splitter.pre_tokenize_str(bundled_text())]

    def with_words(planted: Planted) -> HookedTransformer:
        model = planted.model
        common = [word for word, _ in Counter(words).most_common(model.config.d_vocab - 1)]
        vocabulary = {"<|bos|>": 0} | {word: i + 1 for i, word in enumerate(common)}
        backend = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token=common[0]))
        backend.pre_tokenizer = splitter
        backend.add_special_tokens(["<|bos|>"])
        return HookedTransformer(model.config, model.weights, tokenizer=TextTokenizer(backend, "<|bos|>", None))

    return with_words


@pytest.fixture(scope="session")
def circuit() -> Planted:
    """A true circuit in two layers of attention."""
    return plant("circuit", 0)
