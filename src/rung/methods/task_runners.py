"""Which runner a task's sequences are run by."""

from __future__ import annotations

from ..model.model import HookedTransformer
from ..tasks.names import NamesBatch
from ..tasks.task import AnyBatch
from ..tasks.triples import TriplesBatch
from .names_runner import NamesRunner
from .runner import InductionRunner, TaskRunner
from .triples_runner import TriplesRunner


def task_runner(model: HookedTransformer, batch: AnyBatch, *, seed: int) -> TaskRunner:
    """The runner of a batch."""
    if isinstance(batch, NamesBatch):
        return NamesRunner(model, batch, seed=seed)
    if isinstance(batch, TriplesBatch):
        return TriplesRunner(model, batch, seed=seed)
    return InductionRunner(model, batch, seed=seed)
