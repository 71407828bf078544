"""Which executor is opened for what is asked, and what it says where it cannot be."""

import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from rung.errors import StoreError
from rung.methods.executors import EXTRAS, Processes, RayExecutor, open_executor, worker_died


@pytest.mark.parametrize(("package", "extra"), EXTRAS.items())
def test_a_missing_extra_is_named(monkeypatch, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    asked: dict[str, Any] = {"slurm": {}} if extra == "slurm" else {extra: "local"}
    told = rf"needs the package {package}: pip install 'rung\[{extra}\]'"
    with pytest.raises(StoreError, match=told), open_executor(**asked):
        pass


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"dask": "local", "ray": "local"}, "dask and ray were asked for"),
        ({"workers": 0}, "at least one is needed"),
        ({"workers": -1, "slurm": {}}, "at least one is needed"),
    ],
)
def test_what_cannot_be_opened(asked, told):
    with pytest.raises(StoreError, match=told), open_executor(**asked):
        pass


def test_local_processes_are_what_is_opened_by_default():
    with open_executor(workers=2) as executor:
        assert isinstance(executor, Processes)


class Jobs:
    """What submitit has, as far as it is used."""

    made: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, folder: str, cluster: str) -> None:
        self.made |= {"folder": folder, "cluster": cluster}

    def update_parameters(self, **options: Any) -> None:
        self.made |= options

    def submit(self, fn, *args):
        return SimpleNamespace(result=lambda: fn(*args))


def test_slurm_jobs_are_submitted_with_their_options(monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", SimpleNamespace(AutoExecutor=Jobs))
    with open_executor(workers=2, slurm={"folder": "logs", "slurm_partition": "cpu"}) as executor:
        assert [executor.submit(divmod, 7, 2).result(), executor.submit(divmod, 9, 2).result()] == [(3, 1), (4, 1)]
        with pytest.raises(ZeroDivisionError):
            executor.submit(divmod, 1, 0).result()
    assert Jobs.made == {"folder": "logs", "cluster": "slurm", "slurm_partition": "cpu"}


def test_ray_tasks_are_not_repeated_by_ray():
    asked: dict[str, Any] = {}

    def remote(**options: Any) -> Any:
        asked.update(options)

        def of(fn: Any) -> Any:
            def run(*args: Any) -> Any:
                future: Future[Any] = Future()
                future.set_result(fn(*args))
                return SimpleNamespace(future=lambda: future)

            return SimpleNamespace(remote=run)

        return of

    assert RayExecutor(SimpleNamespace(remote=remote)).submit(abs, -3).result() == 3
    assert asked == {"max_retries": 0}


def test_a_death_is_told_from_an_error():
    from distributed.scheduler import KilledWorker

    crashed = type("WorkerCrashedError", (Exception,), {"__module__": "ray.exceptions"})
    assert worker_died(BrokenProcessPool()) and worker_died(crashed())
    assert worker_died(KilledWorker("key", None, 3))
    assert not worker_died(torch.OutOfMemoryError()) and not worker_died(ValueError())
