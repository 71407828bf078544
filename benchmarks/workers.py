"""What a second local worker gains: cells in a second with one worker and with two, start-up apart.

Random weights in the shape of GPT-2 small with fewer layers and tokens of its vocabulary, zero ablation of each head,
the loss on the second half of 8 × 101 tokens. Workers are started and have loaded the model before the clock starts.
Each round times one worker and two, in turn. Where other processes share the cores, seconds say little of the workers:
the processor seconds that a cell took with one and with two say what sharing the work costs. `python
benchmarks/workers.py`.
"""

import argparse
import statistics
import tempfile
import time
from multiprocessing import active_children
from pathlib import Path

import psutil
import torch
from peers import machine

from rung.config import ModelConfig
from rung.methods.executors import Processes
from rung.methods.interventions import Zero, on_head
from rung.methods.request import Request
from rung.methods.store import Store
from rung.methods.workers import dispatch, load_worker
from rung.model.model import HookedTransformer
from rung.tasks.metrics import next_token_loss

LENGTH, BATCH = 101, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--every", type=int, default=1, help="take every n-th head only")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    config = ModelConfig(
        n_layers=asked.layers, d_model=768, n_heads=12, d_head=64, d_mlp=3072, act_fn="gelu_new", d_vocab=8192,
        n_ctx=LENGTH, model_name="gpt2-shaped",
    )  # fmt: skip
    print(f"{machine(1)} · {asked.layers} layers, one thread a worker", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        HookedTransformer(config, seed=0).save_pretrained(Path(folder) / "model")
        model = HookedTransformer.from_pretrained_no_processing(Path(folder) / "model")
        found: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
        for one in range(asked.rounds):
            for workers in found:
                found[workers].append(measure(model, Path(folder) / f"{one}-{workers}", workers, asked.every))
    for workers, rounds in found.items():
        rates, used = ([one[at] for one in rounds] for at in (0, 1))
        print(f"{workers} worker(s): {described(rates)} cells/s, {described(used)} processor seconds a cell")
    ratios = [two[0] / one[0] for one, two in zip(found[1], found[2], strict=True)]
    print(f"2 workers / 1: {described(ratios)} x in cells/s")
    ratios = [one[1] / two[1] for one, two in zip(found[1], found[2], strict=True)]
    print(f"as far as processor seconds a cell say: {2 * statistics.median(ratios):.2f} x on two free cores")


def described(values: list[float]) -> str:
    """The median, and all values in the order of the rounds."""
    return f"{statistics.median(values):.2f} ({', '.join(f'{one:.2f}' for one in values)})"


def processor_seconds() -> float:
    """What the worker processes have used so far."""
    used = [psutil.Process(child.pid).cpu_times() for child in active_children()]
    return sum(one.user + one.system for one in used)


def measure(model: HookedTransformer, path: Path, workers: int, every: int) -> tuple[float, float]:
    """Cells in a second, and processor seconds a cell, once all workers have loaded the model."""
    heads = [(layer, head) for layer in range(model.config.n_layers) for head in range(model.config.n_heads)]
    tokens = torch.randint(model.config.d_vocab, (BATCH, LENGTH), generator=torch.Generator().manual_seed(1))
    cells = [(on_head(head, Zero()),) for head in heads[::every]]
    store = Store.create(path, Request.of(model, tokens, cells, next_token_loss(slice(50, 100)), 2**28, 1))
    with Processes(workers) as processes:
        ready = [processes.submit(load_worker, str(path), store.patience) for _ in range(workers)]
        for future in ready:
            future.result()
        start, before = time.perf_counter(), processor_seconds()
        dispatch(store, processes, None, None)
        seconds, used = time.perf_counter() - start, processor_seconds() - before
    return len(cells) / seconds, used / len(cells)


if __name__ == "__main__":
    main()
