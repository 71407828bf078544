"""The multiply-adds that a sweep's matrix products do, counted as they run, beside the least that they could be.

The least: a product at a position is done only if what goes in differs from the clean run's and what comes out reaches
the metric. So a head that is zeroed takes its own d_head × d_model product out of the stream, not all heads'; where the
stream is patched at one position, that layer's queries, keys and values are made there alone, and only its scores with
that query or that key; in the last layer, queries and all that follows are made only where a logit is read; causal
attention is counted over pairs of a query and an earlier key, which a kernel that masks does not save. The clean run,
and the corrupted one up to the last layer that is patched, are counted once. Elementwise work and norms are left out.
"""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from rung.config import ModelConfig
from rung.methods.interventions import Intervention, Zero, on_head
from rung.methods.sweep import sweep
from rung.model.model import HookedTransformer
from rung.tasks.metrics import Metric, next_token_loss


@dataclass(frozen=True)
class Shape:
    """What the counts depend on: a model's sizes, how much it reads, and where the metric reads logits."""

    config: ModelConfig
    batch: int
    length: int
    read: range
    answers: int
    """Tokens whose logits are read at each of these positions."""

    @property
    def end(self) -> int:
        """One past the last position that is read."""
        return self.read[-1] + 1

    def layer(self, queries: Sequence[int], keys: int, before_heads: bool = True) -> int:
        """A layer whose `keys` last positions up to `end` changed, and whose output is needed at `queries`."""
        c = self.config
        d, heads, mlp = c.d_model, c.n_heads * c.d_head, 2 * c.d_model * (c.d_mlp or 0)
        if not before_heads:  # one head's output is taken away
            return len(queries) * (d * c.d_head + mlp)
        pairs = sum(query + 1 for query in queries)
        return keys * 2 * d * heads + len(queries) * (2 * d * heads + mlp) + 2 * pairs * heads

    def layers(self, first: int, position: int) -> int:
        """Layers from `first` on, whose input changed from `position` on, and the logits that are read."""
        c, changed = self.config, range(position, self.end)
        last = [query for query in self.read if query >= position]
        total = sum(
            self.layer(changed if layer < c.n_layers - 1 else last, len(changed)) for layer in range(first, c.n_layers)
        )
        return total + len(last) * c.d_model * self.answers

    def clean(self) -> int:
        return self.batch * self.layers(0, 0)

    def corrupted(self, layer: int) -> int:
        """A run on other tokens, as far as the stream before `layer`."""
        return self.batch * layer * self.layer(range(self.length), self.length)

    def zeroed_head(self, layer: int) -> int:
        last = layer == self.config.n_layers - 1
        return self.batch * (self.layer(self.read if last else range(self.end), 0, False) + self.layers(layer + 1, 0))

    def patched(self, layer: int, position: int) -> int:
        c = self.config
        last = layer == c.n_layers - 1
        queries = [one for one in (self.read if last else range(self.end)) if one >= position]
        d, heads, mlp = c.d_model, c.n_heads * c.d_head, 2 * c.d_model * (c.d_mlp or 0)
        own = 2 * d * heads + (d * heads if position in queries else 0)  # keys and values, and the query
        scores = sum(position + 1 if query == position else 1 for query in queries)
        mixed = sum(query + 1 for query in queries)
        here = own + (scores + mixed) * heads + len(queries) * (d * heads + mlp)
        return self.batch * (here + self.layers(layer + 1, position))


def count(what: Callable[[], Any]) -> int:
    """Multiply-adds of the matrix products that are run."""
    known = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}
    with FlopCounterMode(display=False, custom_mapping=known) as counter:
        what()
    return counter.get_total_flops() // 2


def _attention(query: Any, key: Any, value: Any, *args: Any, out_shape: Any = None, **kwargs: Any) -> int:
    found: int = sdpa_flop_count(query, key, value)
    return found


def print_counts(
    folder: str,
    of_sweep: Callable[[Any, Mapping[str, Any]], Callable[[str, Sequence[tuple[int, int]]], Any]],
    make_task: Callable[[str, str], dict[str, Any]],
    cells: Mapping[str, Sequence[tuple[int, int]]],
    read: slice,
) -> None:
    """Multiply-adds of the benchmark's sweeps, done and least, and those of one loop."""
    model, task = HookedTransformer.from_pretrained_no_processing(Path(folder)), make_task(folder, "cpu")
    batch, length = task["tokens"].shape
    whole = count(lambda: model(task["tokens"]))
    print(f"\nmultiply-adds of matrix products, in units of a forward pass of {whole / 1e9:.1f}·10⁹")
    print("  sweep                              cells      done     least   done/least   a cell   loop/done")
    for work, some in cells.items():
        positions = range(length)[read] if work == "loss" else range(length - 1, length)
        shape = Shape(model.config, batch, length, positions, model.config.n_out if work == "loss" else 2)
        if work == "patch":
            least = shape.corrupted(max(layer for layer, _ in some)) + sum(shape.patched(*cell) for cell in some)
        else:
            least = sum(shape.zeroed_head(layer) for layer, _ in some)
        least += shape.clean()
        done = count(lambda work=work, some=some: of_sweep(model, task)(work, some))
        name = {"loss": "heads, loss", "difference": "heads, logit difference", "patch": "stream, logit difference"}
        print(
            f"  {name[work]:<32} {len(some):7d} {done / whole:9.1f} {least / whole:9.1f} {done / least:12.3f}"
            f" {done / whole / len(some):8.3f} {len(some) * whole / done:11.1f}",
            flush=True,
        )


BASE = {"layers": 6, "heads": 8, "positions": 64, "interventions": 48}
GROWTH = {"layers": (3, 6, 12), "heads": (4, 8, 16), "positions": (32, 64, 128), "interventions": (12, 24, 48, 96)}


def print_growth(threads: int, now: Callable[[], float], rounds: int) -> None:
    """How a sweep grows with each of four sizes, the others held fast."""
    torch.set_num_threads(threads)
    said = ", ".join(f"{value} {name}" for name, value in BASE.items())
    print(f"\ngrowth, from {said}; heads of 32, d_model 256, d_mlp 1024, 8 sequences, loss on the second half")
    print("                        sweep    a cell   multiply-adds   done/least")
    for name, values in GROWTH.items():
        for value in values:
            sizes = BASE | {name: value}
            model, tokens, cells, metric, shape = _small(sizes)
            times = []
            for _ in range(rounds):
                begun = now()
                sweep(model, tokens, cells, metric)
                times.append(now() - begun)
            done = count(lambda: sweep(model, tokens, cells, metric))  # noqa: B023
            least = shape.clean() + sum(shape.zeroed_head(layer) for layer in _layers(sizes))
            seconds = statistics.median(times)
            print(
                f"  {name:<14} {value:4d} {seconds:7.2f} s {1000 * seconds / len(cells):7.1f} ms {done / 1e9:10.2f}·10⁹"
                f" {done / least:12.3f}",
                flush=True,
            )


def _layers(sizes: Mapping[str, int]) -> Iterator[int]:
    return (at * sizes["layers"] // sizes["interventions"] for at in range(sizes["interventions"]))


def _small(
    sizes: Mapping[str, int],
) -> tuple[HookedTransformer, torch.Tensor, list[Intervention], Metric, Shape]:
    """A model, tokens, cells that are spread evenly over layers, and what they depend on."""
    length = sizes["positions"]
    config = ModelConfig(
        n_layers=sizes["layers"], d_model=256, n_heads=sizes["heads"], d_head=32, d_mlp=1024, d_vocab=4096,
        n_ctx=length, act_fn="gelu_new",
    )  # fmt: skip
    tokens = torch.randint(4096, (8, length), generator=torch.Generator().manual_seed(0))
    cells = [on_head((layer, at % sizes["heads"]), Zero()) for at, layer in enumerate(_layers(sizes))]
    read = slice(length // 2, length - 1)
    shape = Shape(config, 8, length, range(length)[read], config.n_out)
    return HookedTransformer(config, seed=0), tokens, cells, next_token_loss(read), shape
