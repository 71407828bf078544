"""Executors for sweeps: local processes, Dask, Ray and Slurm, all as `concurrent.futures.Executor`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.context import BaseContext
from typing import Any, ParamSpec, TypeVar

from ..errors import StoreError

LOCAL = "local"
"""The address that starts a cluster on this machine, which binds the loopback interface."""
LOOPBACK = "127.0.0.1"
EXTRAS = {"distributed": "dask", "ray": "ray", "submitit": "slurm"}
"""The extra of Rung that installs a package."""
_DEATHS = {
    ("distributed", "KilledWorker"),
    ("ray", "WorkerCrashedError"),
    ("ray", "OutOfMemoryError"),
    ("ray", "LocalRayletDiedError"),
    ("ray", "NodeDiedError"),
    ("submitit", "UncompletedJobError"),
}
"""What clusters raise for a worker that died, by package and name, so that none of them needs to be imported."""

_STARTING = threading.Lock()
"""One process is started at a time: a forked one inherits what its siblings' pipes are open at that moment, and while
it lives, the death of a sibling is not seen."""

P = ParamSpec("P")
T = TypeVar("T")


class Processes(Executor):
    """Processes on this machine, started afresh, one work item each at a time. One that dies is replaced, and only its
    own item fails, with BrokenProcessPool; a ProcessPoolExecutor would end them all.
    """

    def __init__(self, workers: int, context: BaseContext | None = None) -> None:
        """`context` says how processes are started (None: spawned). Raises StoreError for fewer than one."""
        if workers < 1:
            raise StoreError(f"{workers} workers were asked for; at least one is needed")
        self._context = get_context("spawn") if context is None else context
        self._pools: list[ProcessPoolExecutor] = []
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(workers)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Runs it in the next process that is free."""
        return self._threads.submit(self._in_process, fn, *args, **kwargs)

    def _in_process(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        pool: ProcessPoolExecutor | None = getattr(self._own, "pool", None)
        try:
            if pool is None:
                with _STARTING:
                    pool = self._own.pool = ProcessPoolExecutor(1, mp_context=self._context)
                    self._pools.append(pool)
                    running = pool.submit(fn, *args, **kwargs)
            else:
                running = pool.submit(fn, *args, **kwargs)
            return running.result()
        except BrokenProcessPool:
            if pool is not None:
                pool.shutdown()
            self._own.pool = None
            raise

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the processes when their items are finished."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        for pool in self._pools:
            pool.shutdown(wait, cancel_futures=cancel_futures)


class RayExecutor(Executor):
    """Tasks of a Ray cluster that `ray.init` has connected to."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """One task. Ray does not repeat it: the sweep does, and counts."""
        task = self._ray.remote(max_retries=0)(fn)
        found: Future[T] = task.remote(*args, **kwargs).future()
        return found


class SlurmExecutor(Executor):
    """Jobs of Slurm, at most `jobs` at a time, through a submitit executor."""

    def __init__(self, submitit: Any, jobs: int) -> None:
        self._submitit = submitit
        self._threads = ThreadPoolExecutor(jobs)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """One job."""

        def run() -> T:
            found: T = self._submitit.submit(fn, *args, **kwargs).result()
            return found

        return self._threads.submit(run)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Waits for the jobs that were submitted."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)


@contextmanager
def open_executor(
    workers: int | None = None,
    dask: str | None = None,
    ray: str | None = None,
    slurm: Mapping[str, Any] | None = None,
) -> Iterator[Executor]:
    """The executor that is asked for, until the end of the block.

    `dask`, `ray`: the address of a cluster, or "local", which starts one of `workers` here; `slurm`: the options of
    `sbatch`, as submitit's `AutoExecutor.update_parameters` takes them, with `folder` for its logs, and `workers` jobs
    at a time. With none of these it is `workers` local processes. Raises StoreError for two of them, or for an extra
    that is not installed.
    """
    asked = [name for name, value in (("dask", dask), ("ray", ray), ("slurm", slurm)) if value is not None]
    if len(asked) > 1:
        raise StoreError(f"{' and '.join(asked)} were asked for; a sweep runs on one of them")
    if workers is not None and workers < 1:
        raise StoreError(f"{workers} workers were asked for; at least one is needed")
    if dask is not None:
        with _dask(dask, workers or 1) as executor:
            yield executor
    elif ray is not None:
        with _ray(ray, workers or 1) as executor:
            yield executor
    else:
        with Processes(workers or 1) if slurm is None else _slurm(slurm, workers or 1) as executor:
            yield executor


def worker_died(error: BaseException) -> bool:
    """Whether an item failed because its worker died, not because of what it does."""
    kind = type(error)
    return isinstance(error, BrokenExecutor) or (kind.__module__.partition(".")[0], kind.__name__) in _DEATHS


@contextmanager
def _dask(address: str, workers: int) -> Iterator[Executor]:
    distributed = _extra("distributed")
    cluster = None
    if address == LOCAL:
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, host=LOOPBACK, dashboard_address=None, processes=True
        )
    try:
        with distributed.Client(address if cluster is None else cluster) as client, client.get_executor() as executor:
            yield executor
    finally:
        if cluster is not None:
            cluster.close()


@contextmanager
def _ray(address: str, workers: int) -> Iterator[Executor]:
    ray = _extra("ray")
    if address == LOCAL:
        ray.init(num_cpus=workers, include_dashboard=False, _node_ip_address=LOOPBACK, log_to_driver=False)
    else:
        ray.init(address)
    try:
        with RayExecutor(ray) as executor:
            yield executor
    finally:
        ray.shutdown()


def _slurm(options: Mapping[str, Any], jobs: int) -> Executor:
    submitit = _extra("submitit")
    auto = submitit.AutoExecutor(options.get("folder", "slurm-logs"), cluster="slurm")
    auto.update_parameters(**{name: value for name, value in options.items() if name != "folder"})
    return SlurmExecutor(auto, jobs)


def _extra(package: str) -> Any:
    try:
        return import_module(package)
    except ImportError as error:
        extra = EXTRAS[package]
        raise StoreError(f"{extra} needs the package {package}: pip install 'rung[{extra}]' ({error})") from None
