"""What the ladder needs of a task, and the tasks that it knows."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Bool, Int
from torch import Tensor

from ..model.model import HookedTransformer
from .induction import LOOK_UP, RANDOM_REPEATS, InductionBatch, Kind, Task, induction_batch
from .names import IOI, NamesBatch, NamesKind, NamesTask, names_batch

AnyTask = Task | NamesTask
TASKS: Mapping[str, AnyTask] = {task.name: task for task in (RANDOM_REPEATS, LOOK_UP, IOI)}
"""The tasks that the ladder can run, by name."""


@runtime_checkable
class TaskBatch(Protocol):
    """Sequences with scored queries, and where heads of each signature look."""

    @property
    def tokens(self) -> Int[Tensor, "sequence pos"]: ...
    @property
    def seed(self) -> int: ...
    @property
    def task(self) -> Any: ...
    @property
    def predictable(self) -> Bool[Tensor, "sequence pos"]: ...
    @property
    def ends(self) -> Int[Tensor, " sequence"]: ...
    @property
    def signatures(self) -> Mapping[str, tuple[Int[Tensor, "sequence pos"], Int[Tensor, "sequence pos"]]]: ...
    @property
    def rivals(self) -> Mapping[str, Int[Tensor, "sequence pos"]]: ...
    @property
    def foils(self) -> Int[Tensor, "sequence pos"] | None: ...
    @property
    def candidates(self) -> Int[Tensor, " token"] | None: ...
    @property
    def alike(self) -> Int[Tensor, " sequence"] | None: ...
    @property
    def strata(self) -> Mapping[str, Bool[Tensor, "sequence pos"]]: ...
    def distances_of(self, signature: str) -> Int[Tensor, " query"]: ...
    def acting(self, signature: str) -> Bool[Tensor, "sequence pos"]: ...


def task_batch(
    model: HookedTransformer, task: AnyTask, *, sequences: int, seed: int, control: bool = False
) -> InductionBatch | NamesBatch:
    """Sequences of the task, or of its control: nothing repeats, or a third name stands where one would return."""
    if isinstance(task, NamesTask):
        kind_of: NamesKind = "control" if control else "names"
        return names_batch(model, sentences=sequences * task.sentences, seed=seed, kind=kind_of)
    kind: Kind = "unrepeated" if control else "repeated"
    return induction_batch(model, sequences=sequences, seed=seed, kind=kind, task=task)
