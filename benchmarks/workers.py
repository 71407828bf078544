"""What a second local worker gains: cells in a second with one worker and with two, start-up apart.

Random weights in the shape of GPT-2 small with fewer layers and tokens, zero ablation of each head, the loss on the
second half of 8 × 101 tokens. Workers are started and have loaded the model before the clock starts. Each round times
one worker and two, in turn. `python benchmarks/workers.py`.
"""

import argparse
import datetime
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import torch

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
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--every", type=int, default=1, help="take every n-th head only")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    config = ModelConfig(
        n_layers=asked.layers, d_model=768, n_heads=12, d_head=64, d_mlp=3072, act_fn="gelu_new", d_vocab=8192,
        n_ctx=LENGTH, model_name="gpt2-shaped",
    )  # fmt: skip
    print(f"{datetime.date.today()}, {platform.processor() or platform.machine()}, {os.cpu_count()} cores, ", end="")
    print(f"load {os.getloadavg()[0]:.1f}, torch {torch.__version__}, one thread a worker")
    with tempfile.TemporaryDirectory() as folder:
        HookedTransformer(config, seed=0).save_pretrained(Path(folder) / "model")
        model = HookedTransformer.from_pretrained_no_processing(Path(folder) / "model")
        rates: dict[int, list[float]] = {1: [], 2: []}
        for one in range(asked.rounds):
            for workers in rates:
                rates[workers].append(rate(model, Path(folder) / f"{one}-{workers}", workers, asked.every))
    for workers, found in rates.items():
        print(f"{workers} worker(s): {statistics.median(found):.2f} cells/s of {[round(each, 2) for each in found]}")
    ratios = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    print(f"2 workers / 1: {statistics.median(ratios):.2f} x of {[round(each, 2) for each in ratios]}")


def rate(model: HookedTransformer, path: Path, workers: int, every: int) -> float:
    """Cells in a second, once all workers have loaded the model."""
    heads = [(layer, head) for layer in range(model.config.n_layers) for head in range(model.config.n_heads)]
    tokens = torch.randint(model.config.d_vocab, (BATCH, LENGTH), generator=torch.Generator().manual_seed(1))
    cells = [(on_head(head, Zero()),) for head in heads[::every]]
    store = Store.create(path, Request.of(model, tokens, cells, next_token_loss(slice(50, 100)), 2**28, 1))
    with Processes(workers) as processes:
        ready = [processes.submit(load_worker, str(path), store.patience) for _ in range(workers)]
        for future in ready:
            future.result()
        start = time.perf_counter()
        dispatch(store, processes, None, None)
        return len(cells) / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
