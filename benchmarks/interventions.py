"""What a sweep costs: Rung's `sweep`, a loop of Rung's `run_with_hooks`, and a loop of transformers with PyTorch hooks.

Random weights in the shape of GPT-2 small, 8 × 101 tokens. Every round times each candidate once, in turn; medians,
their ratio to the sweep and the largest difference between their numbers are printed. `--cells` and `--patches`
take every n-th cell only, so that the loops end sooner; the subset is stated. `python benchmarks/interventions.py`.
"""

import argparse
import datetime
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import transformers
from torch import Tensor

from rung.methods.interventions import Intervention, Patch, Zero, on_head
from rung.methods.sweep import sweep
from rung.model.model import HookedTransformer
from rung.tasks.metrics import Metric, logit_difference, next_token_loss

N_LAYERS, N_HEADS, D_HEAD, LENGTH, BATCH = 12, 12, 64, 101, 8
TOLERANCE = 2e-3
"""Largest difference in float32 between three ways to the same number: losses near 11 and logits summed over 768."""


class Setting(NamedTuple):
    """Two models with the same weights, and what they read."""

    theirs: torch.nn.Module
    ours: HookedTransformer
    tokens: Tensor
    corrupted: Tensor


class Ablate(NamedTuple):
    """Zero ablation of a head."""

    layer: int
    head: int

    def value(self, setting: Setting) -> Intervention:
        return on_head(self, Zero())

    def hook(self, setting: Setting) -> tuple[str, Callable[..., Tensor]]:
        def zero(z: Tensor, hook: object) -> Tensor:
            z[:, :, self.head] = 0
            return z

        return f"blocks.{self.layer}.attn.hook_z", zero

    def attach(self, setting: Setting) -> torch.utils.hooks.RemovableHandle:
        def zero(module: object, args: tuple[Tensor]) -> tuple[Tensor]:
            x = args[0].clone()
            x[..., self.head * D_HEAD : (self.head + 1) * D_HEAD] = 0
            return (x,)

        return setting.theirs.transformer.h[self.layer].attn.c_proj.register_forward_pre_hook(zero)


class PatchStream(NamedTuple):
    """The residual stream before a layer, at one position, from the run on the corrupted tokens."""

    layer: int
    position: int
    put: Patch
    theirs: Sequence[Tensor]
    ours: Sequence[Tensor]

    def value(self, setting: Setting) -> Intervention:
        return Intervention(("resid_pre", self.layer), self.put, None, (self.position,))

    def hook(self, setting: Setting) -> tuple[str, Callable[..., Tensor]]:
        def patch(x: Tensor, hook: object) -> Tensor:
            x[:, self.position] = self.ours[self.layer][:, self.position]
            return x

        return f"blocks.{self.layer}.hook_resid_pre", patch

    def attach(self, setting: Setting) -> torch.utils.hooks.RemovableHandle:
        def patch(module: object, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            x = args[0].clone()
            x[:, self.position] = self.theirs[self.layer][:, self.position]
            return (x, *args[1:])

        return setting.theirs.transformer.h[self.layer].register_forward_pre_hook(patch)


Cell = Ablate | PatchStream


@torch.no_grad()
def by_sweep(setting: Setting, cells: Sequence[Cell], metric: Metric) -> Tensor:
    """Rung's sweep."""
    return sweep(setting.ours, setting.tokens, [cell.value(setting) for cell in cells], metric).edited


@torch.no_grad()
def by_loop(setting: Setting, cells: Sequence[Cell], metric: Metric) -> Tensor:
    """One whole run of Rung with hooks for each cell."""
    tokens = setting.tokens
    return torch.stack(
        [metric(setting.ours.run_with_hooks(tokens, fwd_hooks=[cell.hook(setting)]), tokens) for cell in cells]
    )


@torch.no_grad()
def by_transformers(setting: Setting, cells: Sequence[Cell], metric: Metric) -> Tensor:
    """One whole run of transformers with a PyTorch hook for each cell."""
    found = []
    for cell in cells:
        handle = cell.attach(setting)
        found.append(metric(setting.theirs(setting.tokens, use_cache=False).logits, setting.tokens))
        handle.remove()
    return torch.stack(found)


WAYS = {
    "rung sweep": by_sweep,
    "rung loop of run_with_hooks": by_loop,
    "transformers loop with hooks": by_transformers,
}


def make_setting(device: str) -> Setting:
    """Random weights, drawn by transformers, and random tokens."""
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(attn_implementation="sdpa")).eval().to(device)
    ours = HookedTransformer.from_pretrained_no_processing("gpt2-small-shaped", hf_model=theirs, device=device)
    generator = torch.Generator().manual_seed(0)
    tokens, corrupted = torch.randint(50257, (2, BATCH, LENGTH), generator=generator).to(device)
    return Setting(theirs, ours, tokens, corrupted)


@torch.no_grad()
def patches(setting: Setting) -> list[PatchStream]:
    """Every layer and position, with the corrupted run's streams."""
    theirs = setting.theirs(setting.corrupted, output_hidden_states=True).hidden_states
    _, cache = setting.ours.run_with_cache(setting.corrupted, names_filter="resid_pre")
    ours = [cache["resid_pre", layer] for layer in range(N_LAYERS)]
    put = Patch(setting.corrupted)
    return [PatchStream(layer, at, put, theirs, ours) for layer in range(N_LAYERS) for at in range(LENGTH)]


def wait(device: str) -> None:
    """Until the device has done what it was given."""
    if device != "cpu":
        torch.cuda.synchronize()


def compare(title: str, setting: Setting, cells: Sequence[Cell], metric: Metric, rounds: int) -> None:
    """One block of the table."""
    device, times, values = setting.tokens.device.type, {}, {}
    for run in WAYS.values():  # what warms up is not timed
        run(setting, cells[:1], metric)
    for _ in range(rounds):
        for name, run in WAYS.items():
            wait(device)
            start = time.perf_counter()
            values[name] = run(setting, cells, metric)
            wait(device)
            times.setdefault(name, []).append(time.perf_counter() - start)
    base = statistics.median(times["rung sweep"])
    print(f"\n{title}")
    for name, found in times.items():
        off = float((values[name] - values["rung sweep"]).abs().max())
        middle = statistics.median(found)
        print(f"  {name:<30} {middle:8.2f} s   {middle / base:6.2f} ×   largest difference {off:.1e}")
        if off > TOLERANCE:
            raise SystemExit(f"{name} differs from the sweep by {off:g}")


def main() -> None:
    """Times everything and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cells", type=int, default=1, help="take every n-th head only")
    parser.add_argument("--patches", type=int, default=11, help="every n-th (layer, position); 1: all")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    warnings.filterwarnings("ignore")
    transformers.utils.logging.set_verbosity_error()
    setting = make_setting(args.device)
    name = torch.cuda.get_device_name() if args.device == "cuda" else platform.processor() or platform.machine()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{datetime.date.today()} · {name}, {os.cpu_count()} cores, load {load}, {args.threads} threads")
    print(f"torch {torch.__version__} · transformers {transformers.__version__} · {BATCH} × {LENGTH} tokens, float32")
    every = [Ablate(layer, head) for layer in range(N_LAYERS) for head in range(N_HEADS)]
    heads, grid = every[:: args.cells], patches(setting)
    some = grid[:: args.patches]
    right, wrong = torch.randint(50257, (2, BATCH), generator=torch.Generator().manual_seed(1)).to(args.device)
    difference = logit_difference(right, wrong)
    of_heads = f"zero-ablation, {len(heads)} of {len(every)} heads"
    half = next_token_loss(slice(LENGTH // 2, LENGTH - 1))
    compare(f"{of_heads}, loss on the second half", setting, heads, half, args.rounds)
    compare(f"{of_heads}, logit difference at the last position", setting, heads, difference, args.rounds)
    title = f"residual stream patched, {len(some)} of {len(grid)} (layer, position)"
    compare(f"{title}, logit difference at the last position", setting, some, difference, args.rounds)


if __name__ == "__main__":
    main()
