"""Writes what commands print now into a document: `python scripts/readme.py README.md`.

Each `$ rung …` block gets its output; the table between the comments `verdicts` and `end` gets the verdict on every
bundled model. In docs/, what Python blocks raise, warn of and print is written below them (see pages.py).
"""

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from pages import refreshed

BLOCK = re.compile(r"```console\n\$ (rung [^\n]*)\n.*?```", re.DOTALL)


TABLE = re.compile(r"(<!-- verdicts -->\n).*?(<!-- end -->)", re.DOTALL)
MODELS = (
    ("two-layer", ""),
    ("two-layer-tiny", ""),
    ("two-layer-full", ""),
    ("two-layer-redundant", ""),
    ("two-layer-redundant", "--heads previous_token=0.0 --heads induction=1.0"),
    ("one-layer", ""),
    ("zero-layer", ""),
)
"""Each model, and the heads that are named for it; the search finds them otherwise."""


def verdicts() -> str:
    """The table's rows."""
    rows = ["| model | heads | verdict |", "|---|---|---|"]
    for model, heads in MODELS:
        record = json.loads(output(f"rung prove induction --model {model} {heads} --json"))
        roles = "; ".join(
            f"{role['name']} {', '.join(role['heads'])}" for role in record["claim"]["roles"] if role["heads"]
        )
        how = "given" if heads else "found"
        rows.append(f"| `{model}` | {f'{how}: {roles}' if roles else 'none found'} | {record['verdict']['sentence']} |")
    return "\n".join(rows) + "\n"


def output(command: str) -> str:
    """What a command prints at 100 columns, without colours."""
    run = [str(Path(sys.executable).parent / "rung"), *shlex.split(command)[1:]]
    env = os.environ | {"COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(run, capture_output=True, text=True, encoding="utf-8", env=env, check=True)
    return "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines())


def main() -> None:
    """Rewrites the blocks in place."""
    for name in sys.argv[1:]:
        path = Path(name).resolve()
        text = path.read_text(encoding="utf-8")
        text = BLOCK.sub(lambda m: f"```console\n$ {m[1]}\n{output(m[1])}\n```", text)
        text = TABLE.sub(lambda m: m[1] + verdicts() + m[2], text)
        if "\nIt " in text:
            with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
                os.environ["RUNG_HOME"] = folder
                text = refreshed(text)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
