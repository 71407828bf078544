"""Workers of a stored sweep: each runs the chunks that no other has, until all are finished.

Which numbers a chunk gives does not depend on who runs it, when, or how often: it is always run whole, as the plan in
the store says. A chunk at which three workers died is taken apart: each of its cells is tried alone. A cell at which
three workers died again is recorded as failed, and the chunk is run whole without it. If it still kills three workers,
the numbers of its cells alone are taken, which are the same up to rounding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any

import torch

from ..errors import StoreError
from ..model.model import HookedTransformer
from .executors import worker_died
from .scoring import CellScores
from .store import PATIENCE, Found, Store, Worker, cell_unit, chunk_unit

TRIES = 3
"""Workers that may die at a unit."""
POLL = 0.1
"""Seconds between two looks at a store in which others are at work."""
FRUITLESS = 5
"""Workers that may die one after the other without having begun or finished anything."""

_ONE_AT_A_TIME = Lock()
"""Threads of one process share a model, through which one of them runs at a time."""

Progress = Callable[[int, int], bool | None]
"""Called with the number of cells measured and their total; if it returns False, the sweep ends early."""


class SweepWorker:
    """Runs chunks of one store, with one model. Raises StoreError for another model than the store's."""

    def __init__(self, store: Store, model: HookedTransformer, progress: Progress | None = None) -> None:
        store.request.check_model(model)
        self.store, self._model, self._progress = store, model, progress
        self._worker = Worker(store)
        self._cells, self._metric, self._tokens = store.request.cells(), store.request.metric(), store.request.tokens()
        self.stopped = False
        """Whether `progress` ended the sweep."""

    def run(self, chunks: Sequence[int], wait: bool) -> None:
        """Runs what is left of `chunks`, and, if asked, waits for those that other workers hold or takes them over."""
        try:
            with _threads(self.store.request.plan.threads):
                while self._round(chunks) and not self.stopped and (wait or self._moved):
                    self._tell(0)
                    if not self._moved:
                        time.sleep(POLL)
        finally:
            self._worker.close()

    def _round(self, chunks: Sequence[int]) -> bool:
        """Goes once over the chunks; True if some are not finished yet."""
        self._moved = False
        self.store.refresh()
        for chunk in chunks:
            if not self.store.done(chunk) and not self.stopped:
                self._moved |= self._advance(chunk)
        return not all(self.store.done(chunk) for chunk in chunks)

    def _advance(self, chunk: int) -> bool:
        """Runs the chunk, or one of its cells; False if others hold it."""
        cells, keys, found = self.store.cells_of(chunk), self.store.keys, self.store.found
        dead = self.store.standing(chunk_unit(chunk)).dead
        if dead < TRIES:
            return self._claim(chunk_unit(chunk), cells, [])
        failed = []
        for cell in cells:
            if cell_unit(cell) in found:
                continue
            if self.store.standing(cell_unit(cell)).dead < TRIES:
                return self._claim(cell_unit(cell), [cell], [])
            failed.append(cell)
        rest = [cell for cell in cells if cell not in failed]
        if rest and dead < 2 * TRIES:
            return self._claim(chunk_unit(chunk), rest, failed)
        alone = [found[cell_unit(cell)] for cell in rest]
        values = {key: value for one in alone for key, value in one.values.items()}
        clean = alone[0].clean if alone else None
        self._worker.append(Found(chunk_unit(chunk), clean, values, [keys[cell] for cell in failed]))
        return True

    def _claim(self, unit: str, cells: Sequence[int], failed: Sequence[int]) -> bool:
        with self._worker.claim(unit) as claimed:
            if not claimed:
                return False
            self.store.refresh()
            if unit not in self.store.found:
                self._run(unit, cells, failed)
        return True

    @torch.no_grad()
    def _run(self, unit: str, cells: Sequence[int], failed: Sequence[int]) -> None:
        """Runs cells together and writes them down, unless `progress` ends the sweep before they are finished."""
        metric, keys = self._metric, self.store.keys
        ran = [self._cells[cell] for cell in cells]
        memory = self.store.request.plan.max_memory
        scores = CellScores(self._model, self._tokens, ran, metric, memory)
        values = {}
        for done, index, found in scores:
            if index is not None:
                values[keys[cells[index]]] = found
            self._tell(done)
            if self.stopped and done < len(cells):
                return
        self._worker.append(Found(unit, scores.clean, values, [keys[cell] for cell in failed]))

    def _tell(self, under_way: int) -> None:
        if self._progress is not None and not self.stopped:
            done = min(self.store.n_done() + under_way, self.store.n_cells)
            self.stopped = self._progress(done, self.store.n_cells) is False


def check_loadable(store: Store) -> Mapping[str, Any]:
    """How `from_pretrained` is called for the store's model. Raises StoreError if it has no name."""
    if store.request.load is None:
        raise StoreError(
            "the sweep's model was made or changed in memory, so that workers cannot load it by name; write it with "
            "save_pretrained(folder), and sweep what from_pretrained_no_processing(folder) gives"
        )
    return store.request.load


def load_for(store: Store, name: str | None = None) -> HookedTransformer:
    """The store's model, loaded by its name, or from `name`. Raises StoreError if it has none, or for another."""
    named = {**check_loadable(store), "device": store.request.asked["model"]["device"]}
    if name is not None:
        named["model_name"] = name
    return HookedTransformer.from_pretrained(**named)


def work(path: str, shard: int, of: int, patience: float = PATIENCE) -> None:
    """One work item: runs every `of`-th chunk of a store from `shard` on (from 0), but for those that others hold."""
    with _ONE_AT_A_TIME:
        worker = _worker(path, patience)
        worker.run(range(shard, worker.store.n_chunks, of), wait=False)


def load_worker(path: str, patience: float = PATIENCE) -> None:
    """Loads the store and its model in this process, so that the first work item need not."""
    _worker(path, patience)


@lru_cache(maxsize=1)
def _worker(path: str, patience: float) -> SweepWorker:
    store = Store.open(path, patience)
    with _threads(store.request.plan.threads):
        return SweepWorker(store, load_for(store))


def dispatch(store: Store, executor: Executor, items: int | None, progress: Progress | None) -> None:
    """Runs a store to its end through an executor, as `items` work items (None: one a chunk).

    An item whose worker died is submitted again. Raises what an item raises, and StoreError for an executor that broke.
    """
    items = min(store.n_chunks, items or store.n_chunks)
    chunks = [range(shard, store.n_chunks, items) for shard in range(items)]
    pending: dict[Future[None], int] = {}
    fruitless, seen = 0, (0, set[str]())
    try:
        while True:
            store.refresh()
            if progress is not None and progress(store.n_done(), store.n_cells) is False:
                return
            left = [shard for shard in range(items) if not all(store.done(chunk) for chunk in chunks[shard])]
            if not left:
                return
            for shard in set(left).difference(pending.values()):
                pending[_submit(executor, store, shard, items)] = shard
            finished = wait(pending, POLL, FIRST_COMPLETED).done
            dead = [future for future in finished if _died(future)]
            before, seen = seen, (len(store.found), {lease.name for lease in (store.path / "leases").glob("*")})
            fruitless = fruitless + len(dead) if seen == before else 0
            if dead and fruitless >= FRUITLESS:
                raise StoreError(f"workers of {store.path} die before they begin: {dead[-1].exception()}")
            for future in finished:
                pending.pop(future)
            if finished and not dead:
                time.sleep(POLL)  # what is left is held by others
    finally:
        for future in pending:
            future.cancel()


def _submit(executor: Executor, store: Store, shard: int, items: int) -> Future[None]:
    try:
        return executor.submit(work, str(store.path.absolute()), shard, items, store.patience)
    except BrokenExecutor as error:
        raise StoreError(f"the executor broke ({error}); what {store.path} holds is kept, and is resumed") from error


def _died(future: Future[None]) -> bool:
    """Whether the item's worker died; raises what the item itself raised."""
    error = future.exception()
    if error is not None and not worker_died(error):
        raise error
    return error is not None


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Sets torch's CPU threads, on which the last bits of sums depend, and sets them back."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def shard_of(store: Store, shard: str | None) -> range:
    """The chunks of a shard written i/n, from 1/n to n/n; None: all. Raises StoreError for anything else."""
    if shard is None:
        return range(store.n_chunks)
    one, of = parse_shard(shard)
    return range(one - 1, store.n_chunks, of)


def parse_shard(shard: str) -> tuple[int, int]:
    """i and n of a shard written i/n, from 1/n to n/n. Raises StoreError for anything else."""
    one, slash, of = shard.partition("/")
    if not (slash and one.isdecimal() and of.isdecimal() and 1 <= int(one) <= int(of)):
        raise StoreError(f"the shard is {shard!r}; write i/n, from 1/n to n/n")
    return int(one), int(of)
