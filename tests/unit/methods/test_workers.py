"""Stored sweeps that several workers run, and that are killed: the same bytes, whatever happens."""

import multiprocessing
import os
import random
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from rung.errors import InterventionError, StoreError
from rung.methods.executors import Processes, open_executor
from rung.methods.interventions import Edited, Intervention, Mean, Patch, on_head
from rung.methods.request import Request
from rung.methods.store import Store
from rung.methods.sweep import SweepResult, sweep
from rung.methods.workers import SweepWorker, dispatch, shard_of, work
from rung.model.model import HookedTransformer
from rung.tasks.builtin import repeated_tokens
from rung.tasks.metrics import METRICS, Metric, next_token_loss

KILLS = int(os.environ.get("RUNG_KILLS", "3"))
"""How often each store is killed; `make kills` does it twenty times."""
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["rung.methods.workers"])


@pytest.fixture(scope="module")
def model() -> HookedTransformer:
    return HookedTransformer.from_pretrained("two-layer-tiny")


@pytest.fixture(scope="module")
def asked(model: HookedTransformer) -> dict[str, Any]:
    task = repeated_tokens(model, period=12, sequences=4, seed=1)
    others = repeated_tokens(model, period=12, sequences=4, seed=2).tokens
    heads = [on_head((layer, head), Mean(others)) for layer in range(2) for head in range(2)]
    stream = [
        Intervention((name, layer), Patch(others), positions=(at,))
        for name in ("resid_pre", "attn_out")
        for layer in range(2)
        for at in range(24)
    ]
    return {"task": task, "interventions": heads + stream, "metric": next_token_loss(task.predictable)}


@pytest.fixture(scope="module")
def whole(model: HookedTransformer, asked: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> SweepResult:
    """The uninterrupted sweep, on one thread."""
    return sweep(model, **asked, store=tmp_path_factory.mktemp("whole") / "store")


def created(model: HookedTransformer, asked: dict[str, Any], path: Path, patience: float = 30.0) -> Store:
    cells = [(cell,) for cell in asked["interventions"]]
    request = Request.of(model, asked["task"].tokens, cells, asked["metric"], 2**28, 1)
    return Store.create(path, request, patience)


def same(found: SweepResult, wanted: SweepResult) -> None:
    """Byte for byte."""
    assert found.measured.all() and found.failed == ()
    for one, two in ((found.clean, wanted.clean), (found.edited, wanted.edited)):
        assert one.dtype == two.dtype and torch.equal(one.view(torch.uint8), two.view(torch.uint8))


def test_local_processes_give_the_same_bytes(model, asked, whole, tmp_path):
    same(sweep(model, **asked, workers=2, store=tmp_path / "store"), whole)
    same(sweep(model, **asked, store=tmp_path / "store"), whole)


def test_a_dask_cluster_gives_the_same_bytes(model, asked, whole):
    with open_executor(workers=1, dask="local") as executor:
        same(sweep(model, **asked, executor=executor), whole)


@pytest.mark.parametrize("items", [None, 1, 3, 100])
def test_any_executor_gives_the_same_bytes_without_a_store(model, asked, whole, items):
    seen = []
    with ThreadPoolExecutor(1) as executor:
        found = sweep(model, **asked, progress=lambda *at: seen.append(at), executor=executor, workers=items)
    same(found, whole)
    assert seen[-1] == (len(whole.cells), len(whole.cells))


def test_threads_of_one_process_do_not_disturb_each_other(model, asked, whole, tmp_path):
    with ThreadPoolExecutor(4) as executor:
        same(sweep(model, **asked, executor=executor, store=tmp_path / "store"), whole)


def test_a_worker_of_another_version_is_refused(model, asked, tmp_path, monkeypatch):
    store = created(model, asked, tmp_path / "store")
    monkeypatch.setattr("rung.methods.request.torch.__version__", "1.0")
    with pytest.raises(StoreError, match=r"the store is for rung .* here are .*torch 1\.0"):
        sweep_of(store, model)


@pytest.mark.parametrize("none", [[], [[]]])
def test_no_interventions_are_refused(model, asked, tmp_path, none):
    with pytest.raises(InterventionError, match="no interventions were given"):
        sweep(model, **(asked | {"interventions": none}), store=tmp_path / "store")


def test_shards_in_any_order_give_the_same_bytes(model, asked, whole, tmp_path):
    store = created(model, asked, tmp_path / "store")
    shards = [f"{one}/5" for one in range(1, 6)]
    assert sorted(chunk for shard in shards for chunk in shard_of(store, shard)) == list(range(store.n_chunks))
    for shard in (3, 0, 4, 2, 1):
        part = SweepResult.open(tmp_path / "store")
        assert torch.equal(part.edited[part.measured], whole.edited[part.measured])
        work(str(tmp_path / "store"), shard, 5)
    same(SweepResult.open(tmp_path / "store"), whole)


@pytest.mark.parametrize("bad", ["0/3", "4/3", "3", "/", "a/b", "1/0", "-1/3"])
def test_a_shard_that_is_none(model, asked, tmp_path, bad):
    with pytest.raises(StoreError, match="write i/n"):
        shard_of(created(model, asked, tmp_path / "store"), bad)


@pytest.mark.parametrize("workers", [1, 3])
def test_killed_at_random_moments_the_resumed_sweep_is_the_same(model, asked, whole, tmp_path, workers):
    drawn, unfinished = random.Random(workers), 0
    for kills in range(1, 1000):
        path = tmp_path / f"store-{kills}"
        created(model, asked, path)
        running = [FORKS.Process(target=work, args=(str(path), 0, 1)) for _ in range(workers)]
        for process in running:
            process.start()
        while not (path / "leases").exists() and any(process.is_alive() for process in running):
            time.sleep(0.001)
        time.sleep(drawn.uniform(0, 0.3))
        for process in running:
            process.kill()
            process.join()
        unfinished += not SweepResult.open(path).measured.all()
        same(sweep(model, **asked, store=path), whole)
        if kills >= KILLS and unfinished >= min(KILLS, 2):
            break
    assert unfinished


POISON = """
import os, signal, sys
from multiprocessing import get_context
import torch
torch.set_num_threads(1)
from rung import HookedTransformer
from rung.methods import workers
from rung.methods.executors import Processes
from rung.methods.interventions import Zero, on_head, Intervention
from rung.methods.sweep import SweepResult, sweep
from rung.tasks.metrics import next_token_loss

class Poisoned(workers.CellScores):
    def __init__(self, model, tokens, some, *rest):
        self.deadly = [at for at, cell in enumerate(some) if cell[0].head == 1 and "z" in str(cell[0].site)]
        self.crowded = len(some) > 1 and any("attn_out" in str(cell[0].site) for cell in some)
        super().__init__(model, tokens, some, *rest)
    def __iter__(self):
        for done, index, values in super().__iter__():
            if os.getpid() != parent and (index in self.deadly or self.crowded):
                os.kill(os.getpid(), signal.SIGKILL)
            yield done, index, values

parent = os.getpid()
model = HookedTransformer.from_pretrained("two-layer-tiny")
tokens = torch.arange(1, 25).reshape(2, 12)
names = ["resid_pre", "resid_post", "z", "mlp", "attn_out"]
fine = [Intervention(("resid_pre", 1), Zero(), positions=(at,)) for at in range(7)]
crowd = [Intervention(("attn_out", 1), Zero(), positions=(at,)) for at in range(4)]
every = [fine[0], on_head((0, 1), Zero()), *fine[1:], *crowd]
metric = next_token_loss(slice(4, 11))
clean = sweep(model, tokens, every, metric)
workers.CellScores = Poisoned
with Processes(2, get_context("fork")) as executor:
    found = sweep(model, tokens, every, metric, executor=executor, store=sys.argv[1])
assert found.failed == (1,), found.failed
assert "head 1" in found.labels[1]
assert found.measured.tolist() == [at != 1 for at in range(len(every))]
assert found.edited[1].isnan().all()
torch.testing.assert_close(found.edited[found.measured], clean.edited[found.measured])
again = SweepResult.open(sys.argv[1])
assert again.failed == (1,) and torch.equal(again.edited.nan_to_num(7), found.edited.nan_to_num(7))
deaths = sorted(os.listdir(sys.argv[1] + "/leases"))
assert [name for name in deaths if name.startswith("cell")] == ["cell-1.1", "cell-1.2", "cell-1.3"], deaths
assert [name for name in deaths if name.startswith("chunk-0")] == ["chunk-0.1", "chunk-0.2", "chunk-0.3"], deaths
assert len([name for name in deaths if name.startswith("chunk-2")]) == 6, deaths
"""


def test_a_cell_that_kills_three_workers_has_failed_and_the_rest_is_finished(tmp_path):
    """And a chunk that kills workers though none of its cells does alone has the numbers of its cells alone."""
    ran = subprocess.run(
        [sys.executable, "-c", POISON, str(tmp_path / "store")],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]


def test_a_model_in_memory_has_no_name_for_workers(model, asked, tmp_path):
    changed = HookedTransformer.from_pretrained("two-layer-tiny")
    with torch.no_grad():
        changed.blocks[0].attn.W_Q[0, 0, 0] += 1
    with pytest.raises(StoreError, match=r"made or changed in memory.*save_pretrained"):
        sweep(changed, **asked, workers=2)
    sweep(changed, **asked, store=tmp_path / "store")


def test_a_worker_refuses_other_weights(asked, tmp_path):
    folder = tmp_path / "model"
    HookedTransformer.from_pretrained_no_processing("two-layer-tiny").save_pretrained(folder)
    model = HookedTransformer.from_pretrained(folder)
    store = created(model, asked, tmp_path / "store")
    with torch.no_grad():
        model.blocks[0].attn.W_Q[0, 0, 0] += 1
    model.save_pretrained(folder)
    with ThreadPoolExecutor(1) as executor, pytest.raises(StoreError, match=r"not the model of this store.*weights"):
        dispatch(store, executor, None, None)
    with pytest.raises(StoreError, match=r"not the model of this store.*weights"):
        sweep_of(store, model)


def sweep_of(store: Store, model: HookedTransformer) -> None:
    SweepWorker(store, model).run(range(store.n_chunks), wait=True)


def test_a_model_from_a_folder_reaches_its_workers(asked, tmp_path):
    HookedTransformer.from_pretrained_no_processing("two-layer-tiny").save_pretrained(tmp_path / "model")
    for load, dtype in (
        (HookedTransformer.from_pretrained, torch.float64),
        (HookedTransformer.from_pretrained_no_processing, torch.bfloat16),
    ):
        model = load(tmp_path / "model", dtype=dtype)
        with ThreadPoolExecutor(1) as executor:
            found = sweep(model, **(asked | {"interventions": asked["interventions"][:6]}), executor=executor)
        assert found.measured.all()


def test_functions_are_refused_by_what_would_fit(model, asked, tmp_path):
    mean = Metric("mean logit", "logits", lambda logits, tokens: logits.mean((1, 2)))
    with pytest.raises(InterventionError, match=r"'mean logit' is a function.*next_token_loss or logit_difference"):
        sweep(model, **(asked | {"metric": mean}), store=tmp_path / "store")
    halved = Intervention(("z", 0), Edited(lambda x, first: x / 2))
    with pytest.raises(InterventionError, match=r"Edited holds a function.*Zero, Mean, Resample, Patch or a tensor"):
        sweep(model, **(asked | {"interventions": [halved]}), store=tmp_path / "store")
    hooked = HookedTransformer.from_pretrained("two-layer-tiny")
    hooked.add_hook("hook_embed", lambda x, hook: x * 2)
    with pytest.raises(InterventionError, match="has hooks attached"):
        sweep(hooked, **asked, store=tmp_path / "store")
    assert not (tmp_path / "store").exists()
    assert set(METRICS) == {"next_token_loss", "logit_difference"}


class Broken(Executor):
    """Takes items whose workers die at once."""

    def submit(self, fn, /, *args, **kwargs):
        from concurrent.futures.process import BrokenProcessPool

        future: Future[Any] = Future()
        future.set_exception(BrokenProcessPool("a process died"))
        return future


def test_workers_that_die_before_they_begin_are_an_error(model, asked):
    with pytest.raises(StoreError, match="die before they begin: a process died"):
        sweep(model, **asked, executor=Broken())


def test_what_an_item_raises_is_raised(model, asked, monkeypatch):
    def fails(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("rung.methods.scoring.one_per_example", fails)
    with ThreadPoolExecutor(1) as executor, pytest.raises(ZeroDivisionError):
        sweep(model, **asked, executor=executor)


def test_a_sweep_through_an_executor_is_cancelled_and_resumed(model, asked, whole, tmp_path):
    with ThreadPoolExecutor(1) as executor:
        found = sweep(model, **asked, progress=lambda *_: False, executor=executor, store=tmp_path / "store")
    assert not found.measured.all()
    same(sweep(model, **asked, store=tmp_path / "store"), whole)


RACE = """
import multiprocessing.popen_fork, os, time
from concurrent.futures import wait
from multiprocessing import active_children, get_context
from rung.methods.executors import Processes

class SlowToClose:
    def __getattr__(self, name):
        return getattr(os, name)
    def close(self, descriptor):
        time.sleep(0.2)
        os.close(descriptor)

def die():
    time.sleep(0.7)
    os._exit(9)

multiprocessing.popen_fork.os = SlowToClose()
executor = Processes(2, get_context("fork"))
dies, lives = executor.submit(die), executor.submit(abs, -3)
assert lives.result() == 3
seen = wait([dies], timeout=30).done
for child in active_children():
    child.kill()
assert seen, "the death was not seen while the sibling lived"
assert type(dies.exception()).__name__ == "BrokenProcessPool"
executor.shutdown()
"""


def test_the_death_of_a_forked_process_is_seen_while_its_sibling_lives():
    ran = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]


def test_processes_that_die_are_replaced():
    with Processes(1, FORKS) as executor:
        with pytest.raises(Exception, match="terminated abruptly"):
            executor.submit(os.abort).result()
        assert executor.submit(abs, -3).result() == 3
    with pytest.raises(StoreError, match="at least one"):
        Processes(0)
