"""What the ladder needs of a task, and the tasks that it knows."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Bool, Int
from torch import Tensor

from ..errors import ClaimError, near
from ..model.model import HookedTransformer
from .induction import LOOK_UP, RANDOM_REPEATS, InductionBatch, Kind, Task, induction_batch
from .names import IOI, NamesBatch, NamesTask, names_batch
from .triples import OPEN, TABLE, TriplesBatch, TriplesTask, read_task, triples_batch

AnyTask = Task | NamesTask | TriplesTask
AnyBatch = InductionBatch | NamesBatch | TriplesBatch
TASKS: Mapping[str, AnyTask] = {task.name: task for task in (RANDOM_REPEATS, LOOK_UP, IOI)}
"""The tasks that the ladder can run, by name; skip-trigrams have a table each, which is in their name."""
STRATA: tuple[tuple[str, ...], ...] = (RANDOM_REPEATS.strata, IOI.strata, TriplesTask.strata)
"""The groups that a task's queries fall into, of each sort of task."""


def find_task(name: str) -> AnyTask:
    """The task of this name. Raises ClaimError with near names if there is none."""
    found = TASKS.get(name) or read_task(name)
    if found is None:
        raise ClaimError(
            f"the task {name!r} is not known; known are {', '.join([*TASKS, TABLE])}.{near(name, [*TASKS, OPEN])}"
        )
    return found


def kind_of_task(name: str) -> str:
    """The name without its table."""
    return OPEN if name.startswith(f"{OPEN} ") else name


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
    def strata(self) -> Mapping[str, Bool[Tensor, "sequence pos"]]: ...
    def distances_of(self, signature: str) -> Int[Tensor, " query"]: ...
    def acting(self, signature: str) -> Bool[Tensor, "sequence pos"]: ...


def task_batch(
    model: HookedTransformer, task: AnyTask, *, sequences: int, seed: int, control: bool = False
) -> AnyBatch:
    """Sequences of the task, or of its control: nothing repeats, a third name stands where one would return, another
    token where the query would.
    """
    rows = sequences * task.rows
    if isinstance(task, NamesTask):
        return names_batch(model, sentences=rows, seed=seed, kind="control" if control else "names")
    if isinstance(task, TriplesTask):
        return triples_batch(model, task, sequences=rows, seed=seed, kind="control" if control else "triples")
    kind: Kind = "unrepeated" if control else "repeated"
    return induction_batch(model, sequences=sequences, seed=seed, kind=kind, task=task)
