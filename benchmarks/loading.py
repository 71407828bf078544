"""What opening a checkpoint costs beside `transformers`, in one run, on the same random weights: time and peak memory.

Each load is a process of its own. Memory is what the process held at most while it loaded, less what it held before
(its imports), over the size of the weights in the type asked for. Target: at most 1.3 for weights as they are. Run it
on a quiet machine: `python benchmarks/loading.py`. With `--model smollm2-135m-q4` a fetched model is loaded instead.
"""

import argparse
import datetime
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

TARGET = 1.3
SHAPE = {
    "num_hidden_layers": 12, "hidden_size": 768, "num_attention_heads": 12, "num_key_value_heads": 4,
    "intermediate_size": 2048, "vocab_size": 32000,
}  # fmt: skip
KINDS = ("rung, as they are", "rung, processed", "transformers")

CHILD = """
import json, os, resource, sys, time
import torch
kind, path, dtype = sys.argv[1], sys.argv[2], getattr(torch, sys.argv[3])
torch.set_num_threads(int(sys.argv[4]))
if kind == "transformers":
    from transformers import AutoModelForCausalLM
    from transformers.models.llama.modeling_llama import LlamaForCausalLM
    from transformers.models.gpt2.modeling_gpt2 import GPT2LMHeadModel
    load = lambda: AutoModelForCausalLM.from_pretrained(path, dtype=dtype)
else:
    from rung.model.model import HookedTransformer
    import safetensors.torch, gguf, tokenizers
    plain = kind == "rung, as they are"
    read = HookedTransformer.from_pretrained_no_processing if plain else HookedTransformer.from_pretrained
    load = lambda: read(path, dtype=dtype)

def held(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))

linux = os.path.exists("/proc/self/clear_refs")
if linux:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
before = held("VmRSS") if linux else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
model = load()
total = sum(float(p.detach().sum()) for p in model.parameters())  # every page is there, however it was loaded
seconds = time.perf_counter() - start
after = held("VmHWM") if linux else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = sum(p.numel() * p.element_size() for p in model.parameters())
print(json.dumps({"seconds": seconds, "peak": after - before, "weights": size}))
"""


def measure(kind: str, path: str, dtype: str, threads: int) -> dict[str, float]:
    """One load in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", CHILD, kind, path, dtype, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{kind} failed: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def write(folder: Path, family: str, dtype: str) -> None:
    """A random checkpoint in the shape of SHAPE, as transformers saves it."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    llama = family == "llama"
    model = LlamaForCausalLM(LlamaConfig(**SHAPE)) if llama else GPT2LMHeadModel(GPT2Config(n_layer=10))
    model.to(getattr(torch, dtype)).save_pretrained(folder)


def report(title: str, path: str, dtype: str, kinds: tuple[str, ...], args: argparse.Namespace) -> None:
    """One block of the table: medians over rounds, candidates in turn."""
    print(f"\n{title}")
    runs = [{kind: measure(kind, path, dtype, args.threads) for kind in kinds} for _ in range(args.rounds)]
    for kind in kinds:
        seconds = statistics.median(run[kind]["seconds"] for run in runs)
        peak = statistics.median(run[kind]["peak"] for run in runs)
        weights = runs[0][kind]["weights"]
        met = "" if kind != KINDS[0] else f"   target {TARGET}: {'met' if peak <= TARGET * weights else 'MISSED'}"
        print(
            f"  {kind:<20} {seconds:6.2f} s   peak {peak / 1e6:6.0f} MB = {peak / weights:4.2f} × "
            f"{weights / 1e6:.0f} MB{met}"
        )


def main() -> None:
    """Times everything and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="a fetched model or a folder, instead of random weights")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    packages = " · ".join(f"{name} {version(name)}" for name in ("rung", "torch", "transformers", "safetensors"))
    print(
        f"{datetime.date.today()} · {platform.processor() or platform.machine()}, {args.threads} threads · {packages}"
    )
    if args.model:
        report(f"{args.model}, to float32", args.model, "float32", KINDS[:2], args)
        return
    with tempfile.TemporaryDirectory() as folder:
        for family, stored, wanted in (
            ("llama", "float32", "float32"), ("llama", "bfloat16", "float32"), ("llama", "bfloat16", "bfloat16"),
            ("gpt2", "float32", "float32"),
        ):  # fmt: skip
            path = Path(folder) / f"{family}-{stored}"
            if not path.exists():
                write(path, family, stored)
            report(f"{family}, {stored} on disk, to {wanted}", str(path), wanted, KINDS, args)


if __name__ == "__main__":
    main()
