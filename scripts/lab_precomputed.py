"""Compute what the lab's page shows before anything is run, for the asks of web/src/defaults.json.

Writes src/rung/lab/static/precomputed.json: each answer under its computation and its ask as canonical JSON, defaults
filled in; "same" leads there from the ask as the page makes it. The same code and weights give the same bytes.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import msgspec
import torch

from rung.errors import RungError
from rung.lab.app import PRECOMPUTED, STATIC
from rung.lab.canonical import canonical_json
from rung.lab.computations import load_computations
from rung.lab.models import Kept, LaneLab, Models
from rung.lab.server import DEFAULT_MODEL

ASKS = Path(__file__).resolve().parent.parent / "web" / "src" / "defaults.json"


class Shown:
    """Progress on stderr."""

    def __init__(self, name: str) -> None:
        self._name = name

    def progress(self, step: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{self._name}: {step} {done} of {total}\033[K", end="", file=sys.stderr)


def compute(asks: list[dict], folder: Path) -> dict:
    """The content of the file. Raises RungError, KeyError, msgspec.ValidationError for an ask that cannot be run."""
    computations = load_computations()
    lab = LaneLab(Models(DEFAULT_MODEL), Kept(), folder, "quick")
    answers: dict[str, object] = {}
    same: dict[str, str] = {}
    for one in asks:
        name = one["computation"]
        if name not in computations:
            raise RungError(f"{ASKS.name} names {name!r}, which is no computation")
        found = computations[name]
        asked = msgspec.convert(one["ask"], found.ask)
        key = f"{name} {canonical_json(msgspec.to_builtins(asked))}"
        given = f"{name} {canonical_json(one['ask'])}"
        if given != key:
            same[given] = key
        if key not in answers:
            answers[key] = json.loads(msgspec.json.encode(found.run(lab, asked, Shown(name))))
    return {"format": "rung precomputed", "version": 1, "answers": answers, "same": same}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--asks", type=Path, default=ASKS)
    parser.add_argument("--out", type=Path, default=STATIC / PRECOMPUTED)
    given = parser.parse_args()
    torch.set_num_threads(1)  # one order of summation, so one result
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = compute(json.loads(given.asks.read_text("utf-8")), Path(folder))
        except (RungError, msgspec.ValidationError) as error:
            print(f"lab_precomputed: {error}", file=sys.stderr)
            return 1
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text, "utf-8")
    print(f"{given.out}: {len(found['answers'])} answers, {len(text.encode()) / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
