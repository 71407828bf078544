"""The engine beside `transformers` (sdpa), in one run, on the same random weights in the shape of GPT-2 small.

Every round times each candidate once, in turn, so that a machine that slows down slows all of them; medians and their
ratio to transformers' forward are printed. Run it on a quiet machine: `python benchmarks/engine.py`.
"""

import argparse
import datetime
import gc
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import torch
import transformers

from rung.model.model import HookedTransformer

SHAPES = ((8, 101), (1, 101), (1, 1024), (32, 32))


def medians(candidates: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each candidate, interleaved."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for attempt in range(rounds + 1):
        for name, run in candidates.items():
            gc.collect()
            _wait()
            start = time.perf_counter()
            run()
            _wait()
            if attempt:  # the first round warms up
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def forwards(theirs: torch.nn.Module, ours: HookedTransformer, tokens: torch.Tensor) -> dict[str, Callable[[], object]]:
    """What is timed without gradients; the first is what the others are held against."""
    return {
        "transformers forward": lambda: theirs(tokens).logits,
        "rung forward": lambda: ours(tokens),
        "rung run_with_cache, patterns": lambda: ours.run_with_cache(tokens, names_filter=["pattern"]),
        "rung run_with_cache, everything": lambda: ours.run_with_cache(tokens),
    }


def backwards(
    theirs: torch.nn.Module, ours: HookedTransformer, tokens: torch.Tensor
) -> dict[str, Callable[[], object]]:
    """Loss and gradients of every weight."""

    def their_step() -> None:
        theirs.zero_grad(set_to_none=True)
        theirs(tokens, labels=tokens).loss.backward()

    def our_step() -> None:
        ours.zero_grad(set_to_none=True)
        ours(tokens, return_type="loss").backward()

    return {"transformers forward and backward": their_step, "rung forward and backward": our_step}


def report(title: str, times: dict[str, float]) -> None:
    """One block of the table."""
    base = next(iter(times.values()))
    print(f"\n{title}")
    for name, seconds in times.items():
        print(f"  {name:<36} {1000 * seconds:9.1f} ms   {seconds / base:5.2f} ×")


def import_times(rounds: int) -> dict[str, float]:
    """Whole processes that import and do nothing else."""

    def run(code: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    candidates = {"import torch": run("import torch"), "import rung": run("import rung; rung.HookedTransformer")}
    return medians(candidates, rounds)


def main() -> None:
    """Times everything and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    warnings.filterwarnings("ignore")
    transformers.utils.logging.set_verbosity_error()
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(attn_implementation="sdpa")).eval().to(args.device)
    ours = HookedTransformer.from_pretrained_no_processing("gpt2-small-shaped", hf_model=theirs, device=args.device)
    generator = torch.Generator().manual_seed(0)
    name = torch.cuda.get_device_name() if args.device == "cuda" else platform.processor() or platform.machine()
    versions = f"torch {torch.__version__} · transformers {transformers.__version__}"
    print(f"{datetime.date.today()} · {name}, {args.threads} threads · {versions}")
    for batch, length in SHAPES:
        tokens = torch.randint(0, 50257, (batch, length), generator=generator).to(args.device)
        with torch.no_grad():
            report(f"{batch} × {length} tokens", medians(forwards(theirs, ours, tokens), args.rounds))
    tokens = torch.randint(0, 50257, (8, 101), generator=generator).to(args.device)
    report("8 × 101 tokens, with gradients", medians(backwards(theirs, ours, tokens), max(3, args.rounds // 2)))
    report("a fresh process", import_times(args.rounds))


if __name__ == "__main__":
    main()
