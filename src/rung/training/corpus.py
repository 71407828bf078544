"""Training data: text as tokens, and batches of repeated sequences.

A repeated row follows one formula. In a row of fresh tokens x (random, or a passage of text),
position j with phase φ = (j - start) mod (period + gap) becomes a copy of x[start + φ] if an
earlier occurrence exists and φ < period:

    BOS  prefix…  r₁ … rₚ  gap…  r₁ … rₚ  gap…  r₁ …

Every copied token except the first of each copy is predictable from the tokens before it; these
are the targets with full loss weight. (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; Olsson
et al. 2022, "In-context Learning and Induction Heads".)
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Generator, Tensor

from ..display import Shown
from ..errors import RungError

BOS = "<|bos|>"
BLOCK = 2048
"""Tokens of one block; whole blocks are held out, so that no held-out window overlaps training text."""


@dataclass(frozen=True, repr=False)
class Corpus(Shown):
    """Training tokens and held-out tokens, with the tokenizer that made them."""

    train: Int[Tensor, "train_tokens"]
    held_out: Int[Tensor, "held_out_tokens"]
    tokenizer: Tokenizer
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Mix:
    """How the batches of one stage are made. Fractions and probabilities are between 0 and 1."""

    window: int
    """Positions in a row, BOS included."""
    rows: int
    """Rows in a batch."""
    repeated: float
    """Fraction of rows with a repeated sequence; the other rows are plain text."""
    natural: float = 0.0
    """Fraction of the repeated rows that repeat a passage of text instead of random tokens."""
    prefix: float = 0.0
    """Probability that the first copy starts at a random position instead of directly after BOS."""
    gap: float = 0.0
    """Probability that there are other tokens between the copies."""
    shortest: int = 4
    """Shortest period; periods are log-uniform from this to half of the window."""
    offset: bool = False
    """Whether the window starts at a random position of the context instead of at 0."""
    unpredictable: float = 0.0
    """Loss weight of the unpredictable targets in repeated rows; predictable targets have weight 1."""


@dataclass(frozen=True)
class Batch:
    """Rows of tokens, the loss weight of each target, and the first token's position in the context (`offset`)."""

    tokens: Int[Tensor, "batch length"]
    weight: Float[Tensor, "batch pos"]
    offset: int = 0


def read_corpus(path: Path, d_vocab: int) -> Corpus:
    """Reads text from a file, trains a tokenizer on it, and tokenizes it; one block in fifty is held out.

    Raises RungError for a file that is absent, empty, binary or too short.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        raise RungError(
            f"no corpus at {path} ({error.strerror}); `make corpus` builds one, and any text file can be used"
        ) from None
    except UnicodeDecodeError:
        raise RungError(f"{path} is not UTF-8 text; a corpus must be a text file") from None
    if "\0" in text:
        raise RungError(f"{path} contains zero bytes; a corpus must be a text file")
    if not text.strip():
        raise RungError(f"{path} is empty; a corpus needs at least about ten thousand words")
    tokenizer = train_tokenizer(text, d_vocab)
    if tokenizer.get_vocab_size() != d_vocab:
        raise RungError(
            f"{path} has too little text for {d_vocab} different tokens: {tokenizer.get_vocab_size()} were found"
        )
    return split(encode(tokenizer, text), tokenizer, hashlib.sha256(data).hexdigest())


def train_tokenizer(text: str, d_vocab: int) -> Tokenizer:
    """Trains a byte-level BPE tokenizer whose token 0 is BOS."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=d_vocab,
        special_tokens=[BOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(text.splitlines(keepends=True), trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, text: str) -> Int[Tensor, "tokens"]:
    """The tokens of the text as one vector."""
    encoded = tokenizer.encode_batch(text.splitlines(keepends=True))
    return torch.tensor([token for line in encoded for token in line.ids])


def split(tokens: Int[Tensor, "tokens"], tokenizer: Tokenizer, sha256: str) -> Corpus:
    """Holds out one block in fifty, at least one; the choice is the same for every seed."""
    blocks = tokens[: len(tokens) // BLOCK * BLOCK].view(-1, BLOCK)
    if len(blocks) < 4:
        raise RungError(f"the corpus has {len(tokens)} tokens; at least {4 * BLOCK} are needed")
    order = torch.randperm(len(blocks), generator=Generator().manual_seed(0))
    n_held_out = math.ceil(len(blocks) / 50)
    train, held_out = blocks[order[n_held_out:].sort().values], blocks[order[:n_held_out].sort().values]
    return Corpus(train.flatten(), held_out.flatten(), tokenizer, sha256)


def synthetic_corpus(d_vocab: int) -> Corpus:
    """A synthetic language of syllables that needs no file: each token has four likely successors.

    One token in ten is drawn at random; the others follow the table with probabilities .5 .25 .15 .1.
    """
    generator = Generator().manual_seed(0)
    successors = torch.randint(1, d_vocab, (d_vocab, 4), generator=generator)
    probabilities = torch.tensor([0.5, 0.25, 0.15, 0.1])
    chains, length = BLOCK // 2, BLOCK // 2
    rank = torch.multinomial(probabilities, chains * length, replacement=True, generator=generator)
    random = torch.rand(chains, length, generator=generator) < 0.1
    tokens = torch.randint(1, d_vocab, (chains, length), generator=generator)
    for j, ranks in enumerate(rank.view(length, chains)[1:], 1):
        follower = successors[tokens[:, j - 1], ranks]
        tokens[:, j] = torch.where(random[:, j], tokens[:, j], follower)
    digest = hashlib.sha256(tokens.numpy().tobytes()).hexdigest()
    return split(tokens.flatten(), syllables(d_vocab), digest)


def syllables(d_vocab: int) -> Tokenizer:
    """A tokenizer for the words of the synthetic language, one token each."""
    onsets = "b bl br d dr f fl fr g gl gr h j k kl kr l m n p pl pr r s sk sl sm sn sp st t tr v z"
    rimes = "a e i o u an en in on un al el il ol ul"
    words = [onset + rime for rime, onset in product(rimes.split(), onsets.split())]
    if d_vocab - 2 > len(words):
        raise RungError(f"the synthetic language has {len(words) + 2} tokens, fewer than {d_vocab}")
    names = [BOS, *words[: d_vocab - 2], "<|unk|>"]
    vocabulary = {word: token for token, word in enumerate(names)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<|unk|>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([BOS])
    return tokenizer


def make_batch(mix: Mix, corpus: Corpus, n_ctx: int, d_vocab: int, generator: Generator) -> Batch:
    """One batch of a stage: repeated rows first, then rows of plain text."""
    count = round(mix.rows * mix.repeated)
    repeated = repeated_rows(mix, count, corpus.train, d_vocab, generator)
    text = text_rows(corpus.train, mix.rows - count, mix.window, generator)
    offset = torch.randint(n_ctx - mix.window + 1, (), generator=generator) if mix.offset else 0
    return Batch(
        tokens=torch.cat([repeated.tokens, text]),
        weight=torch.cat([repeated.weight, torch.ones(len(text), mix.window)]),
        offset=int(offset),
    )


def text_rows(
    source: Int[Tensor, "tokens"], rows: int, window: int, generator: Generator
) -> Int[Tensor, "batch length"]:
    """Random windows of `window` + 1 tokens of text, the first replaced by BOS; the last is only a target."""
    starts = torch.randint(len(source) - window, (rows, 1), generator=generator)
    tokens = source[starts + torch.arange(window + 1)]
    tokens[:, 0] = 0
    return tokens


def repeated_rows(mix: Mix, rows: int, source: Int[Tensor, "tokens"], d_vocab: int, generator: Generator) -> Batch:
    """Rows in which a sequence repeats, with loss weights on the targets that the repetition predicts."""
    length = mix.window + 1
    fresh = distinct_tokens(rows, length, d_vocab, generator)
    natural = torch.rand(rows, 1, generator=generator) < mix.natural
    fresh = torch.where(natural, text_rows(source, rows, mix.window, generator), fresh)
    fresh[:, 0] = 0
    longest = torch.full((rows, 1), mix.window // 2)
    period = log_uniform(longest, generator, low=mix.shortest)
    start = 1 + chance(rows, mix.prefix, generator) * uniform(length - 1 - 2 * period, generator)
    room = length - start - 2 * period
    gap = chance(rows, mix.gap, generator) * log_uniform(room, generator)
    tokens, predictable = repeat(fresh, start, period, gap)
    weight = torch.where(predictable[:, 1:], 1.0, mix.unpredictable)
    return Batch(tokens, weight)


def repeat(
    fresh: Int[Tensor, "batch length"],
    start: Int[Tensor, "batch 1"],
    period: Int[Tensor, "batch 1"],
    gap: Int[Tensor, "batch 1"],
) -> tuple[Int[Tensor, "batch length"], Bool[Tensor, "batch length"]]:
    """Applies the formula above: returns the rows with their copies, and a mask of the predictable tokens."""
    position = torch.arange(fresh.shape[1]).expand_as(fresh)
    phase = (position - start) % (period + gap)
    copied = (position >= start + period + gap) & (phase < period)
    tokens = fresh.gather(1, torch.where(copied, start + phase, position))
    return tokens, copied & (phase > 0)


def distinct_tokens(rows: int, length: int, d_vocab: int, generator: Generator) -> Int[Tensor, "batch length"]:
    """Random tokens other than BOS, without replacement in a row unless the vocabulary is too small."""
    draws = torch.rand(rows, d_vocab - 1, generator=generator)
    order = draws.topk(min(length, d_vocab - 1), dim=1).indices + 1
    return order.repeat(1, math.ceil(length / (d_vocab - 1)))[:, :length]


def log_uniform(high: Int[Tensor, "batch 1"], generator: Generator, low: int = 1) -> Int[Tensor, "batch 1"]:
    """Log-uniform integers from low to high."""
    u = torch.rand(high.shape, generator=generator)
    return (low * ((high + 1) / low) ** u).long().clamp(min=low).minimum(high)


def chance(rows: int, p: float, generator: Generator) -> Bool[Tensor, "batch 1"]:
    """True with probability p, independently for each row."""
    return torch.rand(rows, 1, generator=generator) < p


def uniform(high: Int[Tensor, "batch 1"], generator: Generator) -> Int[Tensor, "batch 1"]:
    """Uniform integers from 0 to `high`, which differs from row to row."""
    return (torch.rand(high.shape, generator=generator) * (high + 1)).long()
