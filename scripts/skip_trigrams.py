"""Find the skip-trigrams, and their bug, that a one-layer model really learned from its corpus.

    python scripts/skip_trigrams.py FOLDER --corpus build/corpus/corpus.txt

A context is three tokens, `source · between · destination`. A skip-trigram is an output that the
source makes likely, in the text and in the model: replaced by other tokens, it loses the output.
The bug is an output that the text has after the same source and *another* destination, and that
the model predicts here too, far above the text: one layer's QK and OV are separate tables (Elhage
et al. 2021, "A Mathematical Framework for Transformer Circuits", section on skip-trigrams).

Writes `skip_trigrams.json` into the folder: every number from the text and the model.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from rung.model.model import HookedTransformer
from rung.model.tokenizer import TextTokenizer
from rung.training.corpus import encode

OFTEN = 60
"""A context counts if the text has it at least so many times."""
BEFORE = 40
"""Tokens of text before a context when the model reads it."""
PLACES = 32
"""Places in the text at which a context is read."""


@dataclass(frozen=True)
class Finding:
    """One output after one context. Probabilities; `without_source` puts other tokens there."""

    source: str
    between: str
    destination: str
    output: str
    count: int
    text: float
    text_after_destination: float
    model: float
    model_without_source: float
    most_likely_in_text: str
    model_for_that: float
    right_after: str | None = None
    """For a bug: the destination after which, with the same source, the text has this output."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--show", type=int, default=25, help="findings of each kind")
    asked = parser.parse_args()
    model = HookedTransformer.from_pretrained_no_processing(asked.folder)
    assert isinstance(model.tokenizer, TextTokenizer)
    text = encode(model.tokenizer.backend, asked.corpus.read_text(encoding="utf-8"))
    found = list(find(model, text))
    trigrams = sorted((each for each in found if each.right_after is None), key=strength)
    bugs = sorted((each for each in found if each.right_after is not None), key=excess)
    listed: dict[str, list[Any]] = {
        "skip_trigrams": [asdict(each) for each in trigrams[-asked.show :][::-1]],
        "bugs": [asdict(each) for each in bugs[-asked.show :][::-1]],
        "squares": [[asdict(one), asdict(other)] for one, other in squares(bugs)],
    }
    (asked.folder / "skip_trigrams.json").write_text(json.dumps(listed, indent=1) + "\n")
    readme = asked.folder / "README.md"
    card = readme.read_text(encoding="utf-8").partition("\n## Skip-trigrams")[0]
    readme.write_text(card + page(listed), encoding="utf-8")
    print(page(listed))


def squares(bugs: list[Finding]) -> Iterator[tuple[Finding, Finding]]:
    """Pairs of bugs with one source, where each has the other's destination as its right one.

    Both right triples are there, and with them both wrong ones: the bug in full.
    """
    for one, other in combinations(bugs, 2):
        crossed = (one.right_after, one.destination) == (other.destination, other.right_after)
        if crossed and one.source == other.source and one.output != other.output:
            yield one, other


def page(listed: dict[str, list[Any]]) -> str:
    """The findings as a section for the model's README."""
    lines = [
        "\n## Skip-trigrams and their bug",
        "",
        "Found by `scripts/skip_trigrams.py`, more in `skip_trigrams.json`. Probabilities in the corpus, of the model, "
        "and of the model with other tokens in the source's place.",
        "",
        "| source … destination → output | corpus | model | without source |",
        "|---|---|---|---|",
    ]
    for kind, count in (("skip_trigrams", 8), ("bugs", 8)):
        for each in listed[kind][:count]:
            context = f"{each['source']}{each['between']}{each['destination']} →{each['output']}"
            wrong = f" (bug: right after{each['right_after']})" if each["right_after"] else ""
            numbers = " | ".join(f"{each[name]:.3f}" for name in ("text", "model", "model_without_source"))
            lines.append(f"|{context}{wrong} | {numbers} |")
    return "\n".join(lines) + "\n"


def strength(finding: Finding) -> float:
    """How much probability the source gives the output, as far as the text agrees."""
    return min(finding.text, finding.model) - finding.model_without_source


def excess(finding: Finding) -> float:
    """How far the model goes beyond the text."""
    return finding.model - finding.text


def find(model: HookedTransformer, text: Tensor) -> Iterator[Finding]:
    """Every skip-trigram and bug among the text's frequent contexts."""
    assert model.tokenizer is not None
    size = model.config.d_vocab
    codes = (text[:-2] * size + text[1:-1]) * size + text[2:]
    contexts, which, counts = codes.unique(return_inverse=True, return_counts=True)
    places = which.argsort(stable=True)
    ends = counts.cumsum(0)
    followers = text[:-1].mul(size).add(text[1:]).bincount(minlength=size * size).view(size, size)
    after = followers / followers.sum(1, keepdim=True).clamp(min=1)
    names = [model.tokenizer.decode([token]) for token in range(size)]
    chosen = (counts >= OFTEN).nonzero().flatten().tolist()
    tables: dict[int, Tensor] = {}
    by_source: dict[int, list[int]] = {}
    for i in chosen:
        at = places[ends[i] - counts[i] : ends[i]]
        at = at[at < len(text) - 3]
        next_tokens = text[at + 3]
        tables[i] = next_tokens.bincount(minlength=size) / len(at)
        source, between, destination = triple(int(contexts[i]), size)
        if all(names[token].startswith(" ") for token in (source, between, destination)):
            by_source.setdefault(source, []).append(i)
    generator = Generator().manual_seed(0)
    for source, group in by_source.items():
        destinations = {i: triple(int(contexts[i]), size)[2] for i in group}
        for i in group:
            _, between, destination = triple(int(contexts[i]), size)
            at = places[ends[i] - counts[i] : ends[i]]
            with_source, without = read(model, text, at, generator)
            likely = int(tables[i].argmax())
            for output in (with_source > 0.03).nonzero().flatten().tolist():
                if with_source[output] < 2 * without[output] or not names[output].startswith(" "):
                    continue
                if len(names[output].strip()) < 3 or names[output].lower() == names[source].lower():
                    continue  # the beginning of a word, or a copy
                here = float(tables[i][output])
                rival = None
                if here < with_source[output] / 3:
                    rival = better_destination(tables, destinations, i, output)
                    if rival is None:
                        continue
                elif here < 0.05 or after[destination][output] > here / 3:
                    continue
                yield Finding(
                    names[source],
                    names[between],
                    names[destination],
                    names[output],
                    int(counts[i]),
                    round(here, 4),
                    round(float(after[destination][output]), 4),
                    round(float(with_source[output]), 4),
                    round(float(without[output]), 4),
                    names[likely],
                    round(float(with_source[likely]), 4),
                    None if rival is None else names[destinations[rival]],
                )


def better_destination(
    tables: dict[int, Tensor], destinations: dict[int, int], context: int, output: int
) -> int | None:
    """The context of the same source, with another destination, that has the output most."""
    rivals = [i for i in destinations if destinations[i] != destinations[context]]
    best = max(rivals, key=lambda i: float(tables[i][output]), default=None)
    return best if best is not None and tables[best][output] >= 0.1 else None


def triple(code: int, size: int) -> tuple[int, int, int]:
    return code // size // size, code // size % size, code % size


@torch.no_grad()
def read(model: HookedTransformer, text: Tensor, at: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """The model's mean prediction after a context at some of its places, with its source and with
    tokens from elsewhere in the source's stead.
    """
    at = at[at >= BEFORE]
    at = at[torch.randperm(len(at), generator=generator)[:PLACES]]
    tokens = text[at[:, None] + torch.arange(-BEFORE, 3)]
    tokens[:, 0] = 0
    other = tokens.clone()
    other[:, BEFORE] = text[torch.randint(len(text), (len(at),), generator=generator)]
    logits = model(torch.cat([tokens, other]))[:, -1]
    with_source, without = logits.softmax(-1).chunk(2)
    return with_source.mean(0), without.mean(0)


if __name__ == "__main__":
    main()
