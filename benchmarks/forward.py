"""Rung beside `transformers` (sdpa) and TransformerLens, in one run, on the same random weights of GPT-2 small's shape.

TransformerLens runs in environments of its own: 3.9.0, the last with `HookedTransformer` (`make tl-golden` makes
.venv-tl), and the current release, whose `TransformerBridge` wraps a model of transformers (.venv-tl4). Whichever is
not there is left out of the table. Every candidate is a process that waits to be told; each round tells each of them
once, in turn, and medians are compared. Run it on a quiet machine: `python benchmarks/forward.py`.
"""

import argparse
import datetime
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

SHAPES = ((8, 101), (1, 101), (1, 1024))
WORK = ("forward", "loss", "cache of patterns", "cache of everything")
ROOT = Path(__file__).parents[1]


def candidates() -> dict[str, str]:
    """Each candidate's name and the Python that runs it."""
    found = {"transformers": sys.executable, "rung": sys.executable}
    for name, folder in (("HookedTransformer 3.9", ".venv-tl"), ("TransformerBridge 4", ".venv-tl4")):
        python = ROOT / folder / "bin" / "python"
        if python.exists():
            found[name] = str(python)
    return found


def build(name: str, folder: str) -> Any:
    """The candidate's model, from what `prepare` wrote."""
    import torch

    if name == "transformers":
        import transformers

        return transformers.GPT2LMHeadModel.from_pretrained(folder, attn_implementation="sdpa").eval()
    if name == "rung":
        from rung import HookedTransformer

        return HookedTransformer.from_pretrained_no_processing(folder)
    if name.startswith("HookedTransformer"):
        import safetensors.torch
        import transformer_lens

        cfg = transformer_lens.HookedTransformerConfig(
            n_layers=12, d_model=768, n_ctx=1024, d_head=64, d_vocab=50257, act_fn="gelu_new", device="cpu"
        )
        model = transformer_lens.HookedTransformer(cfg)
        model.load_state_dict(
            safetensors.torch.load_file(Path(folder) / "classic" / "weights.safetensors"), strict=False
        )
        return model.eval()
    from transformer_lens.model_bridge import TransformerBridge

    return TransformerBridge.boot_transformers(folder, device="cpu", dtype=torch.float32)


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


def serve(name: str, folder: str, threads: int) -> None:
    """Answers lines of {"work", "shape"} with {"seconds", "sum"}, until there are no more."""
    import contextlib
    import logging

    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    answer = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        import torch

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        work = work_of(name, build(name, folder))
        print(json.dumps({"ready": sorted(work)}), file=answer, flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            tokens = torch.arange(asked["shape"][0] * asked["shape"][1]).view(*asked["shape"]) * 7919 % 50257
            start = time.perf_counter()
            out = work[asked["work"]](tokens)
            seconds = time.perf_counter() - start
            print(json.dumps({"seconds": seconds, "mean": float(out.double().mean())}), file=answer, flush=True)


class Worker:
    """A candidate in its own process."""

    def __init__(self, name: str, python: str, folder: str, threads: int) -> None:
        command = [python, __file__, "--serve", name, "--folder", folder, "--threads", str(threads)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.work = self.read()["ready"]

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a candidate stopped: {self.process.args}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, work: str, shape: tuple[int, int]) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"work": work, "shape": shape}) + "\n")
        self.process.stdin.flush()
        return self.read()


def prepare(folder: Path) -> None:
    """Random weights, as transformers saves them and in the classic names."""
    import safetensors.torch
    import torch
    import transformers

    from rung import HookedTransformer

    torch.set_grad_enabled(False)
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(0)
        theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config())
    theirs.save_pretrained(folder)
    (folder / "classic").mkdir()
    ours = HookedTransformer.from_pretrained_no_processing(folder)
    state = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    state["unembed.W_U"] = ours.W_U.contiguous().clone()
    state["unembed.b_U"] = ours.b_U
    safetensors.torch.save_file(state, folder / "classic" / "weights.safetensors")


def compare(workers: dict[str, Worker], shape: tuple[int, int], rounds: int) -> None:
    """One block of the table: medians, interleaved, and each against transformers' forward and its own."""
    times: dict[tuple[str, str], list[float]] = {}
    means: dict[str, set[float]] = {}
    for attempt in range(rounds + 1):
        for work in WORK:
            for name, worker in workers.items():
                if work not in worker.work:
                    continue
                answer = worker.ask(work, shape)
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
        serve(args.serve, args.folder, args.threads)
        return
    import torch
    import transformers

    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        asked = [*(args.only or [""]), "transformers"]
        workers = {
            name: Worker(name, python, folder, args.threads)
            for name, python in candidates().items()
            if any(part in name for part in asked)
        }
        machine = f"{platform.processor() or platform.machine()}, {args.threads} threads"
        print(
            f"{datetime.date.today()} · {machine} · torch {torch.__version__} · transformers {transformers.__version__}"
        )
        for shape in [tuple(args.shape)] if args.shape else SHAPES:
            compare(workers, shape, args.rounds)
        for worker in workers.values():
            assert worker.process.stdin is not None
            worker.process.stdin.close()
            worker.process.wait()


if __name__ == "__main__":
    main()
