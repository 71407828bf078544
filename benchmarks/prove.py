"""What a proof costs: `rung prove induction` from a cold process, in units of one transformers forward pass.

The unit is a forward pass of a GPT-2-small shape (random weights) on 8 × 101 tokens, timed in a process of its own in
the same rounds: seconds differ twofold between machines, the ratio little. Targets: 8 units and 1 GB, cold, on the
default model. Beside it, proofs of planted circuits in a warm process. `python benchmarks/prove.py`.
"""

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version

MOST_UNITS, MOST_MB = 8.0, 1000.0

FORWARD = """
import time, torch
from transformers import GPT2Config, GPT2LMHeadModel
torch.set_num_threads({threads})
model = GPT2LMHeadModel(GPT2Config()).eval()
tokens = torch.randint(50257, (8, 101), generator=torch.Generator().manual_seed(0))
times = []
with torch.no_grad():
    for _ in range(6):
        start = time.perf_counter()
        model(tokens)
        times.append(time.perf_counter() - start)
print(sorted(times[1:])[2])
"""
"""The unit, in seconds: the median of five forward passes after one that warms up."""


def cold(model: str, threads: int) -> tuple[float, float, str]:
    """Wall seconds and peak memory in MB of a process that proves and leaves, and the verdict's first line."""
    command = [sys.executable, "-m", "rung", "prove", "induction", "--model", model, "--no-record"]
    start = time.perf_counter()
    child = subprocess.Popen([*command, "--threads", str(threads)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    said = child.stdout.read().decode().splitlines()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if child.returncode:
        raise SystemExit(f"rung prove ended with exit code {child.returncode}")
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, used.ru_maxrss * unit / 1e6, next(line for line in said if line.startswith("Verdict"))


def forward(threads: int) -> float:
    """Seconds of one transformers forward pass."""
    done = subprocess.run(
        [sys.executable, "-c", FORWARD.format(threads=threads)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def warm(proofs: int, threads: int) -> list[float]:
    """Seconds of each proof of a planted circuit whose heads are given; the first, which warms up, is left out."""
    import torch

    from rung.evidence.claim import find_claim
    from rung.evidence.prove import prove
    from rung.planted import plant

    torch.set_num_threads(threads)
    times = []
    for seed in range(proofs + 1):
        planted = plant("circuit", seed)
        claim = find_claim("induction").with_heads(planted.heads)
        start = time.perf_counter()
        prove(claim, planted.model)
        times.append(time.perf_counter() - start)
    return times[1:]


def report(name: str, values: list[float], most: float | None = None) -> None:
    """One line: the median, the range and the target."""
    middle = statistics.median(values)
    target = "" if most is None else f", at most {most:g}: {'met' if middle <= most else 'MISSED'}"
    print(f"  {name:<28} {middle:8.2f}   {min(values):.2f} to {max(values):.2f}{target}")


def main() -> None:
    """Times everything and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="two-layer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    packages = " · ".join(f"{name} {version(name)}" for name in ("rung", "torch", "transformers", "numpy", "scipy"))
    print(
        f"{datetime.date.today()} · {platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {load}"
    )
    print(f"{args.threads} threads · Python {platform.python_version()} · {packages}")
    units, runs = [], []
    for _ in range(args.rounds):
        units.append(forward(args.threads))
        runs.append(cold(args.model, args.threads))
    print(f"\n{args.model}, a cold process: {runs[0][2]}")
    report("forward passes, cold", [run[0] / unit for run, unit in zip(runs, units, strict=True)], MOST_UNITS)
    report("MB at most, cold", [run[1] for run in runs], MOST_MB)
    report("seconds, cold", [run[0] for run in runs])
    report("seconds of a forward pass", units)
    print("\nplanted circuits, a warm process")
    report("seconds a proof, warm", warm(args.rounds, args.threads))


if __name__ == "__main__":
    main()
