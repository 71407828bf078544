"""Puts the figures of other seeds on a model's card: `python scripts/seeds.py FOLDER OTHER...`.

All are folders that `rung train` left. With no other folder, the card's page is written anew.
"""

import sys
from pathlib import Path

from rung.training.card import read_card, with_seeds, write_card


def main() -> None:
    """Rewrites card.json and README.md in the first folder."""
    out, *others = map(Path, sys.argv[1:])
    card = read_card(out)
    write_card(out, with_seeds(card, map(read_card, others)) if others else card)


if __name__ == "__main__":
    main()
