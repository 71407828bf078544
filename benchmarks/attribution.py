"""What attribution costs, beside the classic way, and a screen by gradient beside an exact sweep.

Direct logit attribution of every head at every position: projected first, or through the stack of head outputs. Then
all heads screened by gradient and the largest confirmed, or all measured exactly. Random weights in the shape of GPT-2
small, 8 × 101 tokens. Memory is the growth of a fresh process's peak above that of a run to the last layer (Linux).
`python benchmarks/attribution.py`.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peers import CLOCKS, machine
from torch import Tensor

from rung import HookedTransformer, ModelConfig
from rung.methods.attribution import attribute_logits
from rung.methods.gradients import compare_screen, screen_interventions
from rung.methods.interventions import Zero, on_head
from rung.methods.sweep import sweep
from rung.tasks.metrics import logit_difference

BATCH, LENGTH, TOP = 8, 101, 20


def make_model() -> tuple[HookedTransformer, Tensor]:
    """Random weights and tokens."""
    config = ModelConfig(
        n_layers=12, d_model=768, n_heads=12, d_head=64, d_mlp=3072, d_vocab=50257, n_ctx=1024, act_fn="gelu_new",
        biases=frozenset(("ln1_b", "b_Q", "b_K", "b_V", "b_O", "ln2_b", "b_in", "b_out", "ln_final_b")),
    )  # fmt: skip
    model = HookedTransformer(config, seed=0)
    return model, torch.randint(50257, (BATCH, LENGTH), generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def classic(model: HookedTransformer, tokens: Tensor) -> Tensor:
    """`stack_head_results` and `logit_attrs`."""
    keep = {"ln_final.hook_scale", *(f"blocks.{layer}.attn.hook_z" for layer in range(12))}
    _, cache = model.run_with_cache(tokens, names_filter=lambda name: name in keep, return_type=None)
    targets = tokens.roll(-1, 1)
    return cache.logit_attrs(cache.stack_head_results(), targets)


@torch.no_grad()
def projected(model: HookedTransformer, tokens: Tensor) -> Tensor:
    """`attribute_logits`, whose parts include MLPs, embeddings and biases."""
    found = attribute_logits(model, tokens, tokens.roll(-1, 1))
    heads = [at for at, label in enumerate(found.labels) if label.replace(".", "").isdecimal()]
    return found.values[heads]


WAYS: dict[str, Callable[[HookedTransformer, Tensor], Tensor]] = {"classic": classic, "projected": projected}


def peak() -> float:
    """Peak memory of this process in MB, since it was last forgotten."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 2**10


def measure_memory(way: str) -> None:
    """Prints what one way adds to the peak of a plain run."""
    model, tokens = make_model()
    Path("/proc/self/clear_refs").write_text("5")  # what making the weights needed is forgotten
    with torch.no_grad():
        model(tokens, stop_at_layer=12)
    before = peak()
    WAYS[way](model, tokens)
    print(json.dumps(peak() - before))


def seconds(run: Callable[[], Any], rounds: int, now: Callable[[], float]) -> float:
    """The median of a few runs."""
    times = []
    for _ in range(rounds):
        start = now()
        run()
        times.append(now() - start)
    return statistics.median(times)


def compare_screens(model: HookedTransformer, tokens: Tensor, every: int, now: Callable[[], float]) -> None:
    """Screens all heads and confirms the largest, beside an exact sweep."""
    right, wrong = torch.randint(50257, (2, BATCH), generator=torch.Generator().manual_seed(1))
    metric = logit_difference(right, wrong)
    cells = [on_head((layer, head), Zero()) for layer in range(12) for head in range(12)][::every]
    start = now()
    screen = screen_interventions(model, tokens, cells, metric)
    screened = now()
    sweep(model, tokens, [cells[at] for at in screen.top(TOP)], metric)
    confirmed = now()
    exact = sweep(model, tokens, cells, metric)
    end = now()
    check = compare_screen(screen, exact.change, TOP)
    print(f"\nzero-ablation of {len(cells)} heads, logit difference at the last position")
    print(f"  exact sweep of all            {end - confirmed:7.2f} s")
    print(f"  screen                        {screened - start:7.2f} s")
    ratio = (end - confirmed) / (confirmed - start)
    print(f"  screen, top {TOP} confirmed      {confirmed - start:7.2f} s   {ratio:.1f} ×")
    print(f"  recall of the top {TOP} {check.recall:.2f} (by chance {check.chance_recall:.2f})")
    print(f"  correlation {check.correlation:.3f} (shuffled scores: 95 % below {check.chance_correlation:.3f})")


def main() -> None:
    """Times everything and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="screen every n-th head only")
    parser.add_argument("--memory", choices=WAYS, help="print the memory that one way needs, and nothing else")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.memory:
        return measure_memory(args.memory)
    print(f"{machine(args.threads)} · {BATCH} × {LENGTH} tokens, float32, {args.clock} seconds\n", flush=True)
    model, tokens = make_model()
    found = {way: run(model, tokens) for way, run in WAYS.items()}
    now = CLOCKS[args.clock]
    times = {way: seconds(lambda run=run: run(model, tokens), args.rounds, now) for way, run in WAYS.items()}
    command = [sys.executable, __file__, "--threads", str(args.threads), "--memory"]
    memory = {way: json.loads(subprocess.run([*command, way], check=True, capture_output=True).stdout) for way in WAYS}
    print("direct logit attribution of every head at every position")
    for way in WAYS:
        print(f"  {way:<12} {times[way]:7.2f} s   {memory[way]:8.1f} MB")
    faster, less = (one["classic"] / one["projected"] for one in (times, memory))
    print(f"  {faster:.1f} × faster, {less:.0f} × less memory")
    print(f"  largest difference {float((found['classic'] - found['projected']).abs().max()):.1e}")
    compare_screens(model, tokens, args.every, now)


if __name__ == "__main__":
    main()
