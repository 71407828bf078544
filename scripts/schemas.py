"""Writes docs/schemas/*.json and docs/json.md: what each command prints with --json. `python scripts/schemas.py`."""

from __future__ import annotations

import json
from pathlib import Path

from rung.cli.formats import FORMATS
from rung.cli.schemas import schema

DOCS = Path(__file__).resolve().parents[1] / "docs"
FRAME = """# Output for programs

With `--json` a command prints its result alone on stdout, as one JSON object; progress and errors go to stderr, and the
exit code says the same as without it. Every object names its format and that format's version:

```sh
rung board two-layer-tiny --sequences 2 --json
```

```text
{{
  "format": "rung board",
  "version": 1,
  …
```

Each format has a JSON Schema (draft 2020-12). An output has the fields of its schema and no others; a version rises
with every change, so a program that checks `format` and `version` never misreads one. `rung schema` lists the formats,
`rung schema heads` prints a schema, and the same files are here:

| format | command | what it holds |
|---|---|---|
{rows}

A sweep that is not finished (`--shard`, or a `--store` others still work on) prints `rung sweep` in place of its
result. `rung train RECIPE --show` prints a recipe, which `--config` reads again; it is in no format but its own.
"""


def published() -> dict[str, str]:
    """Every file below docs/ that is written, by its path there."""
    schemas = {name: _path(name) for name in FORMATS}
    files = {path: json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n" for name, path in schemas.items()}
    rows = [
        f"| [`rung {name}`]({schemas[name]}) {made.version} | `{made.command}` | {made.holds} |"
        for name, made in FORMATS.items()
    ]
    return files | {"json.md": FRAME.format(rows="\n".join(rows))}


def _path(name: str) -> str:
    return "record.schema.json" if name == "record" else f"schemas/{name}.schema.json"


def main() -> None:
    (DOCS / "schemas").mkdir(exist_ok=True)
    for path, text in published().items():
        (DOCS / path).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
