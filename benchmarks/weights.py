"""What circuits of weights cost in the shape of GPT-2 small: composition of all pairs, OV copying over the vocabulary.

The dense loop forms each head's d_model × d_model product, as the classic method does. It and the exact copying run on
some heads only (`--dense`, `--heads`) and are scaled up; the subset is stated. `python benchmarks/weights.py`.
"""

import argparse
from collections.abc import Callable

import torch
from peers import CLOCKS, machine, peak_memory
from torch import Tensor

from rung.circuits.composition import composition
from rung.circuits.heads import sampled_copying
from rung.config import ModelConfig
from rung.model.model import HookedTransformer

SAMPLE = 1024


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
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    shape = {"n_layers": 12, "d_model": 768, "n_heads": 12, "d_head": 64, "d_vocab": 50257, "n_ctx": 1024}
    model = HookedTransformer(ModelConfig(**shape, model_name="random, GPT-2 small's shape"), seed=0)
    print(f"{machine(1)} · {asked.clock} seconds", flush=True)
    model.all_composition_scores("K")
    now = CLOCKS[asked.clock]

    def timed(name: str, what: Callable[[], object], share: float = 1) -> float:
        """Prints seconds, and peak MB beyond what the process held before; returns the seconds of the whole."""

        def run() -> float:
            start = now()
            what()
            return now() - start

        seconds, memory = peak_memory(run)
        held = "      –" if memory is None else f"{memory:7.0f}"
        print(f"{name:<45} {seconds:8.2f} s  {held} MB more", flush=True)
        return seconds / share

    ours = timed("one kind, rung", lambda: model.all_composition_scores("K"))
    timed("all three kinds with folded norms, rung", lambda: composition(model))
    theirs = timed(
        f"one kind, dense loop, {asked.dense} of 144 senders", lambda: dense(model, asked.dense), asked.dense / 144
    )
    print(f"  composition is {theirs / ours:.0f} × faster than the dense loop scaled up")
    sampled = timed(f"{SAMPLE} sampled tokens, 1 head", lambda: sampled_copying(model, (1, 1), SAMPLE))
    exactly = timed(f"all tokens, {asked.heads} head(s)", lambda: exact(model, asked.heads), asked.heads)
    print(f"  the sampled estimate takes 1/{exactly / sampled:.0f} of the time")
    worst = (dense(model, 12) - model.all_composition_scores("K")[0].flatten(1))[:, 12:].abs().max()
    print(f"largest difference from the dense loop (layer 0's senders): {worst:.1e}")


def exact(model: HookedTransformer, heads: int) -> None:
    for head in range(heads):
        sampled_copying(model, (1, head), None)


if __name__ == "__main__":
    main()
