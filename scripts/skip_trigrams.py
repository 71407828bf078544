"""Find the skip-trigrams, and their bug, that a one-layer model really learned from its corpus.

    python scripts/skip_trigrams.py FOLDER --corpus build/corpus/corpus.txt

`rung.methods.skip_trigrams` says what is found. Writes `skip_trigrams.json` into the folder: every number from the
text and the model.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rung.methods.skip_trigrams import excess, find, squares, strength
from rung.model.model import HookedTransformer
from rung.model.tokenizer import TextTokenizer
from rung.training.corpus import encode


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


if __name__ == "__main__":
    main()
