"""What circuits of weights cost in the shape of GPT-2 small: composition of all pairs, OV copying over the vocabulary.

The dense loop forms each head's d_model × d_model product, as the classic method does. It and the exact copying run on
some heads only (`--dense`, `--heads`) and are scaled up; the subset is stated. `python benchmarks/weights.py`.
"""

import argparse
import datetime
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from rung.circuits.composition import composition
from rung.circuits.heads import sampled_copying
from rung.config import ModelConfig
from rung.model.model import HookedTransformer

SAMPLE = 1024


def resident(what: str) -> float:
    """Resident memory of this process in MB: VmRSS now, VmHWM its peak since it was last reset. Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def timed(what: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and peak MB beyond what the process held before."""
    Path("/proc/self/clear_refs").write_text("5")
    before, start = resident("VmRSS"), time.perf_counter()
    what()
    return time.perf_counter() - start, resident("VmHWM") - before


@torch.no_grad()
def dense(model: HookedTransformer, count: int) -> Tensor:
    """Composition scores of `count` senders with all heads, kind K, from dense products."""
    write, read = model.OV.AB.flatten(0, 1), model.QK.T.AB.flatten(0, 1)
    apart = torch.linalg.matrix_norm(write)[:count, None] * torch.linalg.matrix_norm(read)
    return torch.stack([torch.linalg.matrix_norm(one @ read) for one in write[:count]]) / apart


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dense", type=int, default=2, help="senders of the dense loop, of 144")
    parser.add_argument("--heads", type=int, default=1, help="heads of the exact copying, of 144")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    shape = {"n_layers": 12, "d_model": 768, "n_heads": 12, "d_head": 64, "d_vocab": 50257, "n_ctx": 1024}
    model = HookedTransformer(ModelConfig(**shape, model_name="random, GPT-2 small's shape"), seed=0)
    print(
        f"{datetime.date.today()} · {platform.machine()}, {os.cpu_count()} CPUs, 1 thread · torch {torch.__version__}"
    )
    model.all_composition_scores("K")
    rows = [
        ("one kind, rung", *timed(lambda: model.all_composition_scores("K"))),
        ("all three kinds with folded norms, rung", *timed(lambda: composition(model))),
        (f"{SAMPLE} sampled tokens, 1 head", *timed(lambda: sampled_copying(model, (1, 1), SAMPLE))),
        (f"all tokens, {asked.heads} head(s)", *timed(lambda: exact(model, asked.heads))),
        (f"one kind, dense loop, {asked.dense} of 144 senders", *timed(lambda: dense(model, asked.dense))),
    ]
    for name, seconds, extra in rows:
        print(f"{name:<45} {seconds:8.2f} s  {extra:7.0f} MB more")
    worst = (dense(model, 12) - model.all_composition_scores("K")[0].flatten(1))[:, 12:].abs().max()
    print(f"largest difference from the dense loop (layer 0's senders): {worst:.1e}")


def exact(model: HookedTransformer, heads: int) -> None:
    for head in range(heads):
        sampled_copying(model, (1, head), None)


if __name__ == "__main__":
    main()
