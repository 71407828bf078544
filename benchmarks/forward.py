"""Rung beside `transformers` (sdpa) and TransformerLens, in one run, on the same random weights of GPT-2 small's shape.

The candidates are those of `peers.py`. Each round tells each of them once, in turn, and medians are compared. Run it on
a quiet machine: `python benchmarks/forward.py`.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from peers import Candidate, build, find_python, machine, prepare, serve

SHAPES = ((8, 101), (1, 101), (1, 1024))
WORK = ("forward", "loss", "cache of patterns", "cache of everything")
CANDIDATES = ("transformers", "rung", "HookedTransformer 3.9", "TransformerBridge 4")


def work_of(name: str, model: Any) -> dict[str, Callable[[Any], Any]]:
    """What is timed, by its name; each takes tokens."""
    if name == "transformers":
        return {
            "forward": lambda tokens: model(tokens).logits,
            "loss": lambda tokens: model(tokens, labels=tokens).loss,
        }

    def patterns(hook: str) -> bool:
        return hook.endswith("hook_pattern")

    return {
        "forward": lambda tokens: model(tokens),
        "loss": lambda tokens: model(tokens, return_type="loss"),
        "cache of patterns": lambda tokens: model.run_with_cache(tokens, names_filter=patterns)[0],
        "cache of everything": lambda tokens: model.run_with_cache(tokens)[0],
    }


def start(name: str, folder: str) -> tuple[dict[str, Any], Callable[[Mapping[str, Any]], dict[str, Any]]]:
    """What a candidate's process does: answers {"work", "shape"} with {"seconds", "mean"}."""
    import torch

    work = work_of(name, build(name, folder))

    def run(asked: Mapping[str, Any]) -> dict[str, Any]:
        tokens = torch.arange(asked["shape"][0] * asked["shape"][1]).view(*asked["shape"]) * 7919 % 50257
        begun = time.perf_counter()
        out = work[asked["work"]](tokens)
        seconds = time.perf_counter() - begun
        return {"seconds": seconds, "mean": float(out.double().mean())}

    return {"work": sorted(work)}, run


def compare(workers: dict[str, Candidate], shape: tuple[int, int], rounds: int) -> None:
    """One block of the table: medians, interleaved, and each against transformers' forward and its own."""
    times: dict[tuple[str, str], list[float]] = {}
    means: dict[str, set[float]] = {}
    for attempt in range(rounds + 1):
        for work in WORK:
            for name, worker in workers.items():
                if work not in worker.ready["work"]:
                    continue
                answer = worker.ask(work=work, shape=shape)
                means.setdefault("loss" if work == "loss" else "logits", set()).add(answer["mean"])
                if attempt:  # the first round warms up
                    times.setdefault((name, work), []).append(answer["seconds"])
    for what, found in means.items():
        assert max(found) - min(found) < 1e-3, f"the candidates' {what} differ: {found}"
    medians = {key: statistics.median(found) for key, found in times.items()}
    print(f"\n{shape[0]} × {shape[1]} tokens{'':33} to transformers   to its own forward")
    for (name, work), seconds in sorted(medians.items(), key=lambda item: WORK.index(item[0][1])):
        to_theirs, to_own = seconds / medians["transformers", "forward"], seconds / medians[name, "forward"]
        print(f"  {work:<20} {name:<22} {1000 * seconds:9.1f} ms   {to_theirs:6.2f} ×   {to_own:12.2f} ×", flush=True)


def main() -> None:
    """Starts the candidates and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these candidates beside transformers, by a part")
    parser.add_argument("--shape", type=int, nargs=2, metavar=("BATCH", "POS"), help="this shape alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(lambda: start(args.serve, args.folder), args.threads)
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        asked = [*(args.only or [""]), "transformers"]
        options = ("--threads", str(args.threads))
        workers = {
            name: Candidate(__file__, name, folder, *options)
            for name in CANDIDATES
            if find_python(name) and any(part in name for part in asked)
        }
        print(machine(args.threads))
        for shape in [tuple(args.shape)] if args.shape else SHAPES:
            compare(workers, shape, args.rounds)
        for worker in workers.values():
            worker.close()


if __name__ == "__main__":
    main()
