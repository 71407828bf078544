"""Weights of a skip-trigram head: does the query score the sources, and does each source raise its output?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...circuits.heads import Head, full_ov, head_label, keys_of, queries_of, token_outputs, turned_apart
from ...errors import NotDefinedError
from ...methods.triples_runner import TriplesRunner
from ...tasks.builtin import all_tokens, ordinary_tokens
from ..observation import Observation, Quantity, TestSpec
from ..setting import Setting
from .inputs import Inputs, at_worst

Right = Callable[[Setting, Head], np.ndarray]
"""1 for each source that a head's weights are right for."""
ABOVE = 0.95
"""The share of all other tokens that a source must be scored above."""


def source_qk(setting: Setting, spec: TestSpec) -> Observation:
    """Each source of the table: does every query of it score it above 95 % of the tokens beside the table?"""
    return _of_heads(setting, spec, "matched", "of sources", _scored)


def source_ov(setting: Setting, spec: TestSpec) -> Observation:
    """Each source of the table: does attending to it raise, of all tokens, special ones too, its output most?"""
    return _of_heads(setting, spec, "copied", "of sources", _raised)


def _of_heads(setting: Setting, spec: TestSpec, name: str, unit: str, test: Right) -> Observation:
    runner, role, (head,) = setting.runner, setting.claim.role(spec.role), spec.heads
    assert isinstance(runner, TriplesRunner)
    try:
        heads = [(head[0], index) for index in range(runner.config.n_heads)]
        found = {one: test(setting, one) for one in heads}
    except NotDefinedError as error:
        return Observation({}, unit, undefined=str(error))
    shares = {one: float(right.mean()) for one, right in found.items()}
    setting.tables["weights", role.name] = {one: np.array([share]) for one, share in shares.items()}
    rest = {one: share for one, share in shares.items() if one not in role.heads}
    best = max(rest, key=lambda one: rest[one], default=None)
    label = "best unclaimed head"
    return Observation(
        {name: Quantity(found[head], share=True, exact=True)},
        unit,
        {label: 0.0 if best is None else rest[best]},
        notes={label: "" if best is None else head_label(best), "read": setting.once(table_inputs).name(head[0])},
    )


def table_inputs(setting: Setting) -> Inputs:
    """What heads read at the table's sources and queries, and at other ordinary tokens."""
    runner = setting.runner
    assert isinstance(runner, TriplesRunner)
    task = runner.batch.task
    table = [*(source for source, _ in task.pairs), *task.queries]
    ordinary = ordinary_tokens(runner.config, runner.model.tokenizer)
    outputs = torch.tensor([output for _, output in task.pairs])
    generator = torch.Generator().manual_seed(runner.seed_for("tokens"))
    free = ordinary[~torch.isin(ordinary, torch.cat((torch.tensor(table), outputs)))]
    free = free[torch.randperm(len(free), generator=generator)]
    return Inputs(runner, (layer for layer, _ in setting.claim.heads), torch.cat((torch.tensor(table), free)))


def _scored(setting: Setting, head: Head) -> np.ndarray:
    runner = setting.runner
    assert isinstance(runner, TriplesRunner)
    task, table = runner.batch.task, setting.once(table_inputs).at(head[0])
    sources, asks = len(task.pairs), len(task.queries)

    def right(back: int | None) -> np.ndarray:
        q = queries_of(runner.model, head, table[sources : sources + asks])
        k = keys_of(runner.model, head, table)
        if back is not None:
            q, k = turned_apart(runner.config, head[0], q, k, back)
        scores: Tensor = q @ k.T
        below = scores[:, None, sources + asks :] < scores[:, :sources, None]
        return (below.double().mean(-1) >= ABOVE).all(0).double().cpu().numpy()

    return at_worst(runner, head, runner.batch.distances_of("skip_trigram"), right)


def _raised(setting: Setting, head: Head) -> np.ndarray:
    runner = setting.runner
    assert isinstance(runner, TriplesRunner)
    tokens = all_tokens(runner.config, runner.model.tokenizer)
    table, outputs = setting.once(table_inputs).at(head[0]), runner.batch.outputs
    product = full_ov(runner.model, head, table[: len(outputs)], token_outputs(runner.model, tokens))
    return ((product.A @ product.B).argmax(1).cpu() == outputs).double().numpy()
