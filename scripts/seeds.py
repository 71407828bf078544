"""Puts the figures of other seeds on a model's card: `python scripts/seeds.py FOLDER OTHER...`.

All are folders that `rung train` left. With no other folder, the card's page is written anew.
"""

import sys
from pathlib import Path

from rung.training.card import read_card, with_seeds, write_card


def main() -> None:
    """Rewrites card.json and README.md in the first folder; the section that `skip_trigrams.py` wrote stays."""
    out, *others = map(Path, sys.argv[1:])
    card = read_card(out)
    page = out / "README.md"
    _, mark, trigrams = page.read_text(encoding="utf-8").partition("\n## Skip-trigrams")
    write_card(out, with_seeds(card, map(read_card, others)) if others else card)
    page.write_text(page.read_text(encoding="utf-8") + mark + trigrams, encoding="utf-8")


if __name__ == "__main__":
    main()
