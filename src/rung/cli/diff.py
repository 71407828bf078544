"""`rung diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import RungError
from .options import print_json


def diff(
    records: Annotated[list[str], typer.Argument(metavar="FILE…", help="Records of `rung prove`, in order.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the differences as JSON.")] = False,
) -> None:
    """Say what differs between two records; of more, say when each rung turns on.

    \b
    Examples
      rung diff before.json after.json
      rung diff step-1000.json step-2000.json step-4000.json

    Compared are the verdict, the claim and its heads, the model, the floors, and every test's outcome and numbers.
    Numbers may differ by 0.2 % (of the larger of the number and 1), as in rung verify. More than two records of one
    claim are read as a curve, such as the checkpoints of one training run.

    \b
    Exit codes: 0 the same, or more than two records · 1 something differs · 2 bad input
    """
    from ..evidence.compare import compare, turned_on
    from ..views.comparison import comparison_view, curve_view
    from ..views.terminal import show
    from ..views.wording import read_record

    for path in records:
        if not Path(path).is_file():
            raise RungError(f"there is no record {path}; rung prove writes one")
    proofs = [read_record(path).proof for path in records]
    if len(proofs) != 2:
        turned = turned_on(proofs)
        verdicts = [{"record": path, "rung": proof.verdict.rung} for path, proof in zip(records, proofs, strict=True)]
        if as_json:
            print_json("diff-series", {"verdicts": verdicts, "reached_from": turned})
        else:
            show(lambda width: curve_view(proofs, records, turned))
        return
    found = compare(*proofs)
    if as_json:
        print_json("diff", {"same": found.same, "differences": [vars(one) for one in found.differences]})
    else:
        show(lambda width: comparison_view(found, records))
    if not found.same:
        raise typer.Exit(1)
