"""What runs hold at their peak, measured, beside what is estimated."""

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from rung.config import Alibi, Latent, ModelConfig, Rotary
from rung.methods.cells import CellPlan, CellRuns, _Draw
from rung.methods.interventions import Edited, Intervention, Mean, Patch, Resample, Zero, on_head
from rung.methods.sweep import sweep
from rung.model.model import HookedTransformer
from rung.tasks.metrics import Metric, logit_difference, next_token_loss

ROTARY: dict[str, Any] = {
    "normalization_type": "RMS", "positional_embedding_type": "rotary", "rotary": Rotary(dim=16),
    "act_fn": "silu", "gated_mlp": True,
}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {
    "LN, MLP": {"d_mlp": 256, "act_fn": "gelu_new"},
    "attention only": {},
    "grouped, gated": ROTARY | {"n_heads": 8, "n_key_value_heads": 2, "d_mlp": 192},
    "wide heads": {"n_heads": 8, "d_head": 64, "d_mlp": 32, "act_fn": "quick_gelu"},
    "slopes": {
        "positional_embedding_type": "alibi", "alibi": Alibi(slopes=(1.0, 0.5, 0.2, 0.1)), "d_mlp": 64,
        "act_fn": "gelu",
    },
    "capped": {"d_mlp": 256, "act_fn": "gelu_new", "attn_scores_soft_cap": 20.0},
    "norms on both sides, windows": ROTARY
    | {"norm_placement": "both", "qk_norm": "head", "windows": (8, None), "d_mlp": 256},
    "experts": ROTARY | {"d_mlp": 128, "n_experts": 4, "experts_per_token": 2},
    "latent": ROTARY | {"d_mlp": 64, "latent": Latent(q_rank=24, kv_rank=16), "rotary": Rotary(dim=8)},
}  # fmt: skip
CASES = [("z", None, 32), ("pattern", None, 32), ("z", None, 128), ("resid_pre", 16, 32), ("attn_out", 100, 128)]
"""Site, the position that is edited (None: all), and the length of the sequences."""
SLACK = 1.1
"""A sweep may hold so many times its bound, and `FIXED` beside it: masks, positions, indices."""
FIXED = 2**18


class Peak(TorchDispatchMode):
    """The most bytes that tensors which were made inside hold at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {one.untyped_storage()._cdata for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)}
        found = func(*args, **(kwargs or {}))
        for one in tree_leaves(found):
            if isinstance(one, torch.Tensor):
                storage = one.untyped_storage()
                key, size = storage._cdata, storage.nbytes()
                if key not in given and key not in self._known:
                    self._known.add(key)
                    self.now += size
                    weakref.finalize(storage, self._freed, key, size)
        self.most = max(self.most, self.now)
        return found

    def _freed(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


def peak(work: Callable[[], Any]) -> int:
    with Peak() as seen:
        work()
    return seen.most


def model_of(shape: str) -> HookedTransformer:
    size = {"n_layers": 2, "d_model": 64, "n_heads": 4, "d_head": 16, "d_vocab": 200, "n_ctx": 128}
    model = HookedTransformer(ModelConfig(**(size | SHAPES[shape.removesuffix(", bfloat16")])), seed=0)
    return model.to(torch.bfloat16) if shape.endswith("bfloat16") else model


@pytest.mark.parametrize("shape", [*SHAPES, "LN, MLP, bfloat16", "capped, bfloat16"])
def test_runs_hold_less_than_is_estimated(shape: str) -> None:
    """And not much less: the estimate decides how many runs share a batch."""
    model = model_of(shape)
    metric = logit_difference(torch.tensor([1, 2]), torch.tensor([3, 4]))
    for site, at, length in CASES:
        tokens = torch.randint(0, 200, (2, length), generator=torch.Generator().manual_seed(0))
        put = Zero() if at is None else Patch(tokens.flip(0))
        heads = [head if site in ("z", "pattern") else None for head in (0, 1, 2, 3, 0, 1)]
        cells = [[Intervention((site, 0), put, head, None if at is None else (at,))] for head in heads]
        plan = CellPlan(model, tokens, cells, metric.positions, metric.answers)
        runs, chunk = CellRuns(plan), [_Draw(cell, 0) for cell in plan.cells]
        first, changed = chunk[0].cell.first, torch.ones(2, dtype=torch.bool)
        held = peak(partial(runs._run, chunk, first, changed))
        estimate = len(chunk) * len(tokens) * plan.run_bytes(chunk[0].cell)
        assert held <= estimate <= 3 * held, (site, at, length, held, estimate)


def cells_of(model: HookedTransformer, tokens: torch.Tensor, others: torch.Tensor) -> Sequence[Any]:
    last, patch = tokens.shape[1] - 1, Patch(others[: len(tokens)])
    mask = tokens % 3 == 0
    return [
        *(on_head((layer, head), Zero()) for layer in range(2) for head in range(2)),
        on_head((0, 1), Mean(others)),
        on_head((1, 1), Resample(others, draws=3)),
        on_head((0, 2), torch.randn(len(tokens), 1, model.config.d_v, generator=torch.Generator().manual_seed(1))),
        on_head((0, 2), patch, mask),
        *(Intervention(("resid_pre", layer), patch, None, (at,)) for layer in (0, 1) for at in (3, last)),
        Intervention(("attn_out", 0), patch, None, (last // 2,)),
        [on_head((0, 0), Zero()), on_head((1, 3), Mean(others))],
        Intervention(("pattern", 1), Zero(), 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "kind", "megabytes"),
    [
        ("LN, MLP", "loss", 1),
        ("LN, MLP", "logit difference", 4),
        ("grouped, gated", "loss", 4),
        ("latent", "logit difference", 2),
    ],
)
def test_a_sweep_stays_within_its_memory_and_gives_the_same(shape: str, kind: str, megabytes: float) -> None:
    model, generator = model_of(shape).requires_grad_(False), torch.Generator().manual_seed(0)
    tokens, others = (torch.randint(0, 200, (rows, 48), generator=generator) for rows in (12, 14))
    metric = next_token_loss(slice(20, 47))
    if kind != "loss":
        metric = logit_difference(torch.arange(12), torch.arange(12) + 50)
    cells, bound = cells_of(model, tokens, others), int(megabytes * 2**20)
    expected = sweep(model, tokens, cells, metric, max_memory=2**40)
    found = []
    held = peak(lambda: found.append(sweep(model, tokens, cells, metric, max_memory=bound)))
    assert held <= SLACK * bound + FIXED
    torch.testing.assert_close(found[0].edited, expected.edited, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found[0].clean, expected.clean, atol=1e-4, rtol=1e-4)


def test_examples_run_together_where_a_function_needs_all_of_them() -> None:
    """A metric or an edit that is a function may mix examples, or hold something of each."""
    model, tokens = model_of("LN, MLP"), torch.arange(96).reshape(8, 12)
    beside = Metric("less the mean", "logits", lambda logits, tokens: logits[:, -1, 0] - logits[:, -1, 0].mean())
    cells = [on_head((0, 1), Zero())]
    together = sweep(model, tokens, cells, beside, max_memory=1).edited
    torch.testing.assert_close(together, sweep(model, tokens, cells, beside).edited)
    metric = logit_difference(torch.arange(8), torch.arange(8) + 50)
    seen = []
    function = Edited(lambda x, first: seen.append(len(x)) or x)
    sweep(model, tokens, [on_head((0, 1), function)], metric, max_memory=1)
    assert seen == [8]


def test_a_sweep_in_blocks_tells_how_far_it_is_and_ends_early() -> None:
    model, tokens = model_of("LN, MLP"), torch.arange(96).reshape(8, 12)
    metric, told = logit_difference(torch.arange(8), torch.arange(8) + 50), []
    cells = [on_head((layer, head), Zero()) for layer in range(2) for head in range(4)]
    sweep(model, tokens, cells, metric, lambda done, total: told.append((done, total)), max_memory=1)
    assert told[-1] == (8, 8) and told == sorted(told) and len(told) == 64
    found = sweep(model, tokens, cells, metric, lambda done, total: done < 7, max_memory=1)
    assert not found.measured.all() and found.clean.shape == (8,) and found.edited.shape == (8, 8)
    assert bool(found.edited[~found.measured].isnan().all()) and not bool(found.edited[found.measured].isnan().any())
