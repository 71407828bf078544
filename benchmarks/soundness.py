"""The ladder on planted models over many seeds: how often a verdict stands above, or below, what is true.

Prints one line a kind and exact 95 % upper bounds (Clopper & Pearson 1934): zero false verdicts of 30 only bound a rate
at 12 %, so the bound is what counts. `python benchmarks/soundness.py --seeds 30`.
"""

import argparse
import datetime
import platform
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import torch
from scipy.stats import binomtest

from rung.errors import ClaimError, RungError
from rung.evidence.claim import INDUCTION
from rung.evidence.observation import RUNGS
from rung.evidence.prove import prove
from rung.planted import ARCHITECTURES, KINDS, plant

NAMES = ("nothing", *RUNGS)


def verdict_of(kind: str, architecture: str, seed: int) -> tuple[int, int]:
    """(rung given, rung true); a refused claim counts as nothing said."""
    planted = plant(kind, seed, architecture=architecture)
    edge = replace(INDUCTION.edges[0], into=planted.into)
    try:
        claim = replace(INDUCTION.with_heads(planted.heads), edges=(edge,))
        proof = prove(claim, planted.model, text=planted.text)
    except ClaimError:
        return -1, planted.truth if not planted.refused else -1
    return proof.verdict.rung, planted.truth


def cases(architectures: Sequence[str]) -> list[tuple[str, str]]:
    """Every kind in every architecture that it can be planted in."""
    found = []
    for architecture in architectures:
        for kind in KINDS:
            try:
                plant(kind, 0, architecture=architecture)
            except RungError:
                continue
            found.append((kind, architecture))
    return found


def bound(wrong: int, n: int) -> float:
    """Upper end of the exact one-sided 95 % interval of a rate."""
    return float(binomtest(wrong, n).proportion_ci(0.9, method="exact").high)


def main() -> None:
    """Runs every kind and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--architectures", nargs="+", default=["attention_only"], choices=list(ARCHITECTURES))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"{datetime.date.today()} · {platform.machine()} · torch {torch.__version__} · {args.seeds} seeds a kind")
    above = below = decoys = circuits = 0
    started = time.perf_counter()
    for kind, architecture in cases(args.architectures):
        found = [verdict_of(kind, architecture, seed) for seed in range(args.seeds)]
        true = found[0][1]
        over, under = sum(said > truth for said, truth in found), sum(said < truth for said, truth in found)
        given = ", ".join(f"{NAMES[said + 1]} {n}" for said, n in sorted(Counter(said for said, _ in found).items()))
        print(f"{kind:<22} {architecture:<17} true: {NAMES[true + 1]:<15} above {over}, below {under}   {given}")
        above, decoys = above + over, decoys + len(found)
        if true == RUNGS.index("mechanism"):
            below, circuits = below + under, circuits + len(found)
    print(f"verdicts above the truth: {above} of {decoys} (rate at most {bound(above, decoys):.1%})")
    print(f"true circuits not recognised: {below} of {circuits} (rate at most {bound(below, circuits):.1%})")
    print(f"{(time.perf_counter() - started) / decoys:.1f} s a proof")


if __name__ == "__main__":
    main()
