"""Looks at 16, 32, 64, 128 and 256 sequences of an effect at its floor: how often does any look say that it holds?

`python benchmarks/peeking.py --page docs/soundness.md` writes the table behind that page's own.
"""

import argparse
import datetime
from pathlib import Path

from rung.evidence.looks import look_alpha
from rung.evidence.peeking import EFFECTS, FIRST, LOOKS, Peeks, simulate_looks
from rung.evidence.soundness import rate
from rung.views.soundness import markdown, rate_text
from rung.views.terminal import write

HEADING = "\n## Looking again\n"


def section(found: dict[str, Peeks], trials: int) -> str:
    """The table of all effects, with what it says and does not say."""
    spent = ", ".join(f"{look_alpha(0.01, n, FIRST):.4g} at {n}" for n in LOOKS)
    columns = ("effect", *(f"{n} sequences" for n in LOOKS), "any look [95 % interval]")
    rows = [
        (name, *(f"{100 * count / trials:.2f} %" for count in one.at), rate_text(rate(one.any, trials)))
        for name, one in found.items()
    ]
    over = [name for name, one in found.items() if rate(one.any, trials).low > 0.01]
    return "\n".join(
        (
            HEADING,
            f"Written by `benchmarks/peeking.py`, {datetime.date.today()}: {trials} samples of each effect, whose mean "
            "is exactly the floor, so that every “holds” is wrong. A test is taken at each look, on the same sequences "
            f"and more. α = 0.01 is split over the looks ({spent}); it is no confidence sequence, which would allow a "
            "look after every sequence, and needs effects that are bounded.",
            "",
            markdown((columns, rows)),
            "",
            f"Above 1 %, by the whole interval: {', '.join(over)}. An effect that is skewed so strongly is not bounded "
            "by this test at any of these sizes as promised."
            if over
            else "None is above 1 % by its whole interval.",
            "",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--page", type=Path)
    args = parser.parse_args()
    found = {name: simulate_looks(draw, trials=args.trials, seed=0) for name, draw in EFFECTS.items()}
    text = section(found, args.trials)
    if args.page is None:
        write(text)
    else:
        before, _, own = args.page.read_text("utf-8").partition(HEADING) if args.page.exists() else ("", "", "")
        _, heading, after = own.partition("\n## ")
        args.page.write_text(before + text + heading + after, "utf-8")


if __name__ == "__main__":
    main()
