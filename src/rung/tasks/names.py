"""Indirect-object identification: of two names, one returns, and the other follows.

    [BOS] Then Mary and Tom walked to the school, and Tom handed a book to → Mary
              IO       S1                             S2               query

The name that returned (S) is not the answer, whichever of the two came first. Sequences follow several templates, with
both orders of the names; a model without a tokenizer reads templates of its ordinary tokens, of which some are names.
(Wang et al. 2022, "Interpretability in the Wild", arXiv:2211.00593; the templates here are our own.) The answer stands
behind the query, where no scored query sees it. Sequence i is drawn from (seed, i).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..display import Shown
from ..errors import PromptError
from ..model.model import HookedTransformer
from .builtin import ordinary_tokens
from .induction import Corrupted, Corruption, between, draw

_NAMES = """
    Mary John Tom James David Michael Robert William Paul Mark Peter George Henry Edward Anna Sarah Emma Laura Alice
    Jane Kate Lucy Rose Martin Simon Frank Jack Adam Daniel Thomas Richard Charles Elizabeth Susan Helen Ruth
"""
NAMES = tuple(_NAMES.split())
THINGS = ("book", "letter", "ring", "key", "cup", "box", "map", "coat", "drink", "card", "gift", "flower")
PLACES = ("school", "garden", "station", "church", "market", "park", "office", "house", "library", "river")
TEXTS = (
    "Then{A} and{B} walked to the{place}, and{S} handed a{thing} to",
    "While{A} and{B} were waiting at the{place},{S} passed the{thing} to",
    "After{A} and{B} had talked about the old{place} for an hour,{S} sold a{thing} to",
    "In the{place} there was nobody but{A} and{B}. In the end{S} gave the{thing} to",
    "Yesterday{A} met{B} near the{place}, where the weather was bad. Later{S} showed a{thing} to",
)
"""{A} and {B} are two names, {S} is the one that returns."""
PATTERNS = ("..A.B...S..>", ".AB....S.>", "...A..B.....S...>", ".A....B..S.....>", "...AB...S....>")
"""Templates for a model without a tokenizer: a dot is a token of the template's own, > the one before the answer."""
FRAME = 16
"""Ordinary tokens, of a model without a tokenizer, that templates are made of; all others are names."""
FEWEST_NAMES = 8
NamesKind = Literal["names", "control"]


@dataclass(frozen=True)
class Words:
    """What sentences are made of, as tokens."""

    templates: tuple[tuple[int, ...], ...]
    """Tokens with gaps: −1 and −2 for the first two names, −3 for the one that returns, lower numbers for words."""
    names: Int[Tensor, " name"]
    fillers: Mapping[int, Int[Tensor, " word"]]
    """By the number of a gap: the words that may stand there."""


@dataclass(frozen=True)
class NamesTask:
    """The name that follows is the one that did not return."""

    name: str = "indirect object"
    rows: int = 4
    """Sentences, short and with one query each, that count as one sequence; each has names of its own."""
    strata: tuple[str, ...] = ("IO first", "S first", *(f"template {at + 1}" for at in range(len(TEXTS))))
    """Groups of sequences, in each of which a claim must hold."""


IOI = NamesTask()


@dataclass(frozen=True, eq=False, repr=False)
class NamesBatch(Shown):
    """Sentences, and the position of each name in them."""

    tokens: Int[Tensor, "sequence pos"]
    template: Int[Tensor, " sequence"]
    io: Int[Tensor, " sequence"]
    """Position of the name that is the answer."""
    s1: Int[Tensor, " sequence"]
    s2: Int[Tensor, " sequence"]
    """Positions of the name that returns; in the control a third name stands at the second."""
    query: Int[Tensor, " sequence"]
    """Position of the last token before the answer."""
    third: Int[Tensor, " sequence"]
    """A name that the sentence does not hold."""
    names: Int[Tensor, " name"]
    """Every name: the model's prediction is taken among them."""
    kind: NamesKind
    seed: int
    bos: int | None
    task: NamesTask = IOI

    @property
    def ends(self) -> Int[Tensor, " sequence"]:
        """The position after the answer."""
        return self.query + 2

    @cached_property
    def predictable(self) -> Bool[Tensor, "sequence pos"]:
        """Mask of the one query of each sequence."""
        return torch.arange(self.tokens.shape[1]) == self.query[:, None]

    @property
    def signatures(self) -> Mapping[str, tuple[Int[Tensor, "sequence pos"], Int[Tensor, "sequence pos"]]]:
        """By signature: from which position it looks at which, told at the query's own position."""
        wide = {name: self._wide(getattr(self, name)) for name in ("io", "s1", "s2", "query")}
        return {
            "duplicate_token": (wide["s2"], wide["s1"]),
            "s_inhibition": (wide["query"], wide["s2"]),
            "name_mover": (wide["query"], wide["io"]),
        }

    @property
    def rivals(self) -> Mapping[str, Int[Tensor, "sequence pos"]]:
        """By signature, where there is one: the position that it must rather not look at."""
        return {"name_mover": self._wide(self.s1)}

    def distances_of(self, signature: str) -> Int[Tensor, " query"]:
        """How far what a signature looks at (a name mover: must not look at) is behind where it looks from."""
        where, at = self.signatures[signature]
        return (where - self.rivals.get(signature, at))[self.predictable]

    def acting(self, signature: str) -> Bool[Tensor, "sequence pos"]:
        """Mask of the positions at which heads of this signature look."""
        where = self.signatures[signature][0][:, :1]
        return torch.arange(self.tokens.shape[1]) == where

    @property
    def foils(self) -> Int[Tensor, "sequence pos"]:
        """The name that the answer is held against."""
        return self._wide(self.tokens.gather(1, self.s1[:, None])[:, 0])

    @property
    def candidates(self) -> Int[Tensor, " name"]:
        """The tokens among which a prediction is taken."""
        return self.names

    @cached_property
    def strata(self) -> Mapping[str, Bool[Tensor, "sequence pos"]]:
        """Mask of the queries in each group."""
        groups = {"IO first": self.io < self.s1, "S first": self.io > self.s1}
        groups |= {f"template {at + 1}": self.template == at for at in range(len(TEXTS))}
        return {name: rows[:, None] & self.predictable for name, rows in groups.items()}

    def _wide(self, x: Int[Tensor, " sequence"]) -> Int[Tensor, "sequence pos"]:
        return x[:, None].expand_as(self.tokens)


def names_batch(
    model: HookedTransformer, *, sentences: int = 256, seed: int = 0, kind: NamesKind = "names"
) -> NamesBatch:
    """Sentences of every template in turn, each with both orders of its names.

    In the "control" a third name stands where the first would return, so that nothing tells the two apart. Raises
    PromptError if vocabulary or context is too small, or the tokenizer cuts too many names in pieces.
    """
    if sentences < 2:
        raise PromptError(f"{sentences} sentences were requested; at least 2 are needed")
    words = words_of(model)
    bos = model.config.bos_token_id
    start = int(bos is not None)
    longest = start + 1 + max(len(one) for one in words.templates)
    if longest > model.config.n_ctx:
        raise PromptError(
            f"the context of {model.config.model_name} is {model.config.n_ctx}, too short for the longest template, "
            f"which needs {longest}"
        )
    rows, places = torch.full((sentences, longest), int(words.names[0])), []
    count = len(words.templates)
    for row in range(sentences):
        generator = draw(seed, row, "names")
        template = words.templates[row % count]
        one, other, third = words.names[torch.randperm(len(words.names), generator=generator)[:3]].tolist()
        fill = {gap: int(some[between(0, len(some) - 1, generator)]) for gap, some in words.fillers.items()}
        first_returns = bool(row // count % 2)
        returns, answer = (one, other) if first_returns else (other, one)
        fill |= {-1: one, -2: other, -3: returns if kind == "names" else third}
        own = [fill.get(piece, piece) for piece in template]
        rows[row, :start] = 0 if bos is None else bos
        rows[row, start : start + len(own)] = torch.tensor(own)
        rows[row, start + len(own)] = answer
        a, b, s2 = (start + template.index(gap) for gap in (-1, -2, -3))
        s1, io = (a, b) if first_returns else (b, a)
        places.append((row % count, io, s1, s2, start + len(own) - 1, third))
    template_of, io, s1, s2, query, thirds = torch.tensor(places).T
    return NamesBatch(rows, template_of, io, s1, s2, query, thirds, words.names, kind, seed, bos)


def words_of(model: HookedTransformer) -> Words:
    """The templates and names of a model's vocabulary. Raises PromptError where there are too few."""
    return _of_tokens(model) if model.tokenizer is None else _of_text(model)


def _of_tokens(model: HookedTransformer) -> Words:
    """The first ordinary tokens make the templates, the last of them the query; the others are names."""
    ordinary = ordinary_tokens(model.config)
    if len(ordinary) < FRAME + FEWEST_NAMES:
        raise PromptError(
            f"{model.config.model_name} has {len(ordinary)} ordinary tokens, too few for sentences of names: "
            f"{FRAME + FEWEST_NAMES} are needed"
        )
    frame, names = ordinary[:FRAME].tolist(), ordinary[FRAME:]
    templates = []
    for at, pattern in enumerate(PATTERNS):
        own = iter(frame[(3 * at + i) % (FRAME - 1)] for i in range(len(pattern)))
        gaps = {"A": -1, "B": -2, "S": -3, ">": frame[-1]}
        templates.append(tuple(gaps[sign] if sign in gaps else next(own) for sign in pattern))
    return Words(tuple(templates), names, {})


def _of_text(model: HookedTransformer) -> Words:
    names, things, places = (_whole(model, words) for words in (NAMES, THINGS, PLACES))
    if len(names) < FEWEST_NAMES or not len(things) or not len(places):
        raise PromptError(
            f"the tokenizer of {model.config.model_name} has {len(names)} of our {len(NAMES)} names, {len(things)} of "
            f"{len(THINGS)} things and {len(places)} of {len(PLACES)} places as whole tokens; at least {FEWEST_NAMES} "
            "names, a thing and a place are needed"
        )
    gaps = {"A": -1, "B": -2, "S": -3, "thing": -4, "place": -5}
    return Words(tuple(_template(model, text, gaps) for text in TEXTS), names, {-4: things, -5: places})


def _template(model: HookedTransformer, text: str, gaps: Mapping[str, int]) -> tuple[int, ...]:
    pieces: list[int] = []
    for at, part in enumerate(text.replace("}", "{").split("{")):
        pieces += [gaps[part]] if at % 2 else _encoded(model, part)
    return tuple(pieces)


def _whole(model: HookedTransformer, words: Sequence[str]) -> Int[Tensor, " word"]:
    """Those words that are one token behind a space, and not the token of what is unknown."""
    assert model.tokenizer is not None
    found = {word: _encoded(model, f" {word}") for word in words}
    whole = [tokens[0] for word, tokens in found.items() if len(tokens) == 1 and _says(model, tokens, word)]
    return torch.tensor(whole, dtype=torch.long)


def _says(model: HookedTransformer, tokens: list[int], word: str) -> bool:
    assert model.tokenizer is not None
    return str(model.tokenizer.decode(tokens)).strip() == word


def _encoded(model: HookedTransformer, text: str) -> list[int]:
    assert model.tokenizer is not None
    return list(model.tokenizer.encode(text, add_special_tokens=False))


def corrupt_names(batch: NamesBatch, which: Corrupted) -> Corruption:
    """The other name returning ("A"), so that the answer is the other one, or the answer replaced by a third name."""
    tokens, rows = batch.tokens.clone(), torch.arange(len(batch.tokens))
    if which == "A":
        tokens[rows, batch.s2] = batch.tokens[rows, batch.io]
    else:
        tokens[rows, batch.io] = batch.third
    return Corruption(tokens, batch.predictable, batch.tokens[rows, batch.query + 1])


def flipped(batch: NamesBatch) -> NamesBatch:
    """The same sentences, in which the other of the two names returns."""
    tokens, rows = batch.tokens.clone(), torch.arange(len(batch.tokens))
    io, s = tokens[rows, batch.io], tokens[rows, batch.s1]
    tokens[rows, batch.s2], tokens[rows, batch.query + 1] = io, s
    return replace(batch, tokens=tokens, io=batch.s1, s1=batch.io)


def renamed(batch: NamesBatch, seed: int) -> NamesBatch:
    """The same sentences with two other names in the same places."""
    tokens, rows = batch.tokens.clone(), torch.arange(len(batch.tokens))
    io, s = (torch.empty(len(rows), dtype=torch.long) for _ in range(2))
    for row in rows.tolist():
        free = batch.names[~torch.isin(batch.names, batch.tokens[row])]
        order = torch.randperm(len(free), generator=draw(seed, row, "renamed"))
        io[row], s[row] = free[order[:2]].tolist()
    tokens[rows, batch.io], tokens[rows, batch.query + 1] = io, io
    tokens[rows, batch.s1], tokens[rows, batch.s2] = s, s
    return replace(batch, tokens=tokens)
