"""Writes the output of each `$ rung …` block of a document as it is now: `python scripts/readme.py README.md`."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"```console\n\$ (rung [^\n]*)\n.*?```", re.DOTALL)


def output(command: str) -> str:
    """What a command prints at 100 columns, without colours."""
    run = [str(Path(sys.executable).parent / "rung"), *shlex.split(command)[1:]]
    env = os.environ | {"COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(run, capture_output=True, text=True, encoding="utf-8", env=env, check=True)
    return "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines())


def main() -> None:
    """Rewrites the blocks in place."""
    for name in sys.argv[1:]:
        path = Path(name)
        text = path.read_text(encoding="utf-8")
        path.write_text(BLOCK.sub(lambda m: f"```console\n$ {m[1]}\n{output(m[1])}\n```", text), encoding="utf-8")


if __name__ == "__main__":
    main()
