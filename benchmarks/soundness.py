"""The ladder on planted models over many seeds, written as a page of the documents.

`python benchmarks/soundness.py --store build/soundness --workers 4` runs it, or resumes; `--page docs/soundness.md`
writes the page, with `--finished` of what is done so far. `rung bench soundness` shows the same tables.
"""

import argparse
import datetime
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

import torch

from rung.evidence.soundness import Result, Results, finished, plan, run_cases
from rung.methods.workers import parse_shard
from rung.planted import KINDS
from rung.views.soundness import EXPLAINED, kind_sheet, markdown, missed_lines, rung_sheet, totals
from rung.views.terminal import write

AFTER = "\n## Looking again\n"
"""Where the page's next part begins, which `benchmarks/peeking.py` writes."""


OTHER_CLAIMS = " Of claims about names and skip-trigrams speaks [a page of its own](soundness-claims.md)."
TITLE = "Soundness: what the ladder says of models whose truth is known"


def page(results: Sequence[Result], planned: int, *, commit: str, title: str = TITLE) -> str:
    """The tables, with where they come from."""
    seconds = sum(one.seconds for one in results)
    made = f"{datetime.date.today()}, commit {commit}, {platform.machine()}, Python {platform.python_version()}"
    lines = missed_lines(results)
    return "\n".join(
        (
            f"# {title}",
            "",
            "Written by `benchmarks/soundness.py`; `rung bench soundness` runs the same models."
            + (OTHER_CLAIMS if title == TITLE else ""),
            "",
            f"{len(results)} of {planned} planned models, {made}, torch {torch.__version__}, {seconds / 60:.0f} "
            f"minutes on one thread, {seconds / max(len(results), 1):.1f} s a model. {EXPLAINED}",
            "",
            markdown((("", "count [95 % interval]"), totals(results))),
            "",
            "## By rung",
            "",
            markdown(rung_sheet(results)),
            "",
            "## Verdicts that were wrong",
            "",
            *(
                [f"- {line}" for line in lines]
                or ["None: no verdict above the truth, and every true circuit recognised."]
            ),
            "",
            "## By kind and architecture",
            "",
            "`src/rung/planted` says of each kind what is in the model, and why its verdict may not be higher.",
            "",
            markdown(kind_sheet(results)),
            "",
        )
    )


def commit_of(folder: Path) -> str:
    """The commit of the code, with a + where files differ from it."""
    asked = ("git", "-C", str(folder), "describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*")
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def log(done: int, total: int) -> None:
    """A line every ten models."""
    if done % 10 == 0 or done == total:
        write(f"{datetime.datetime.now():%H:%M:%S} {done} of {total}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), help="only these, for a run beside a longer one")
    parser.add_argument("--store", type=Path, default=Path("build/soundness"))
    parser.add_argument("--workers", type=int)
    parser.add_argument("--shard")
    parser.add_argument("--finished", action="store_true")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--title", default=TITLE, help="of the page")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cases, results = plan(args.seeds), Results(args.store)
    cases = [case for case in cases if args.kinds is None or case.kind in args.kinds]
    if args.shard is not None:
        one, of = parse_shard(args.shard)
        cases = cases[one - 1 :: of]
    known = args.finished
    found = finished(cases, results) if known else run_cases(cases, results, workers=args.workers, progress=log)
    text = page(found, len(cases), commit=commit_of(Path(__file__).parent), title=args.title)
    if args.page is None:
        write(text)
    else:
        after = args.page.read_text("utf-8").partition(AFTER)[1:] if args.page.exists() else ()
        args.page.write_text(text + "".join(after), "utf-8")


if __name__ == "__main__":
    main()
