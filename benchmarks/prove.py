"""What a proof costs: `rung prove induction` from a cold process, and on planted models in a warm one.

Targets, on two quiet cores: 15 s and 1 GB cold on the default model, 4 s a proof on a planted model. Run it on a quiet
machine: `python benchmarks/prove.py`.
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

TARGETS = {"seconds, cold": 15.0, "MB at most, cold": 1000.0, "seconds a proof, warm": 4.0}


def cold(model: str, threads: int) -> tuple[float, float, str]:
    """Wall seconds and peak memory in MB of a process that proves and leaves, and its last line."""
    command = [sys.executable, "-m", "rung", "prove", "induction", "--model", model, "--no-record"]
    start = time.perf_counter()
    child = subprocess.Popen([*command, "--threads", str(threads)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    said = child.stdout.read().decode().strip().splitlines()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if child.returncode:
        raise SystemExit(f"rung prove ended with exit code {child.returncode}")
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, used.ru_maxrss * unit / 1e6, said[-1]


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


def report(name: str, values: list[float]) -> None:
    """One line: the median, the range and the target."""
    middle, target = statistics.median(values), TARGETS[name]
    met = "met" if middle <= target else "MISSED"
    print(f"  {name:<24} {middle:8.2f}   {min(values):.2f} to {max(values):.2f}, target {target:g}: {met}")


def main() -> None:
    """Times everything and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="two-layer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    packages = " · ".join(f"{name} {version(name)}" for name in ("rung", "torch", "numpy", "scipy"))
    print(
        f"{datetime.date.today()} · {platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {load}"
    )
    print(f"{args.threads} threads · Python {platform.python_version()} · {packages}")
    runs = [cold(args.model, args.threads) for _ in range(args.rounds)]
    print(f"\n{args.model}, a cold process: {runs[0][2]}")
    report("seconds, cold", [seconds for seconds, _, _ in runs])
    report("MB at most, cold", [size for _, size, _ in runs])
    print("\nplanted circuits, a warm process")
    report("seconds a proof, warm", warm(args.rounds, args.threads))


if __name__ == "__main__":
    main()
