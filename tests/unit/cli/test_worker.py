"""`rung worker`."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from typer.testing import CliRunner

from rung import cli
from rung.methods.interventions import Mean, on_head
from rung.methods.request import Request
from rung.methods.store import Store
from rung.methods.sweep import SweepResult, sweep
from rung.model.model import HookedTransformer
from rung.tasks.metrics import next_token_loss

TOKENS = torch.arange(1, 25).reshape(2, 12)
CELLS = [on_head((layer, head), Mean(TOKENS + at)) for at in range(3) for layer in range(2) for head in range(2)]


@pytest.fixture
def store(tmp_path) -> Store:
    model = HookedTransformer.from_pretrained("two-layer-tiny")
    request = Request.of(model, TOKENS, [(cell,) for cell in CELLS], next_token_loss(slice(4, 11)), 2**28, 1)
    return Store.create(tmp_path / "store", request)


def invoke(*arguments: object):
    return CliRunner().invoke(cli.app, ["worker", *map(str, arguments)])


def test_shards_finish_a_store_and_say_how_far_it_is(store):
    first = invoke(store.path, "--shard", "1/2", "--json")
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["measured"] == 8
    second = invoke(store.path, "--quiet")
    assert second.exit_code == 0 and second.stdout == "12 of 12 cells are measured.\n"
    model = HookedTransformer.from_pretrained("two-layer-tiny")
    found = SweepResult.open(store.path)
    torch.testing.assert_close(found.edited, sweep(model, TOKENS, CELLS, next_token_loss(slice(4, 11))).edited)


def test_a_failed_cell_is_named_and_is_exit_code_1(store):
    (store.path / "leases").mkdir()
    for unit in ("chunk-0", "cell-2"):
        for attempt in (1, 2, 3):
            (store.path / "leases" / f"{unit}.{attempt}").write_text(f"{'x' if attempt < 3 else 'elsewhere'} 1")
    result = invoke(store.path, "--patience", "0.2", "--json")
    assert result.exit_code == 1, result.output
    said = json.loads(result.stdout)
    assert said["measured"] == 11 and said["failed"] == [SweepResult.open(store.path).labels[2]]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "holds no sweep that can be read"),
        (["STORE", "--shard", "3/2"], "write i/n"),
        (["STORE", "--model", "two-layer"], "not the model of this store"),
        (["STORE", "--model", "no-such-model"], "no folder 'no-such-model'"),
    ],
)
def test_bad_input_is_one_line(store, arguments, told):
    result = invoke(*(store.path if one == "STORE" else one for one in arguments))
    assert result.exit_code == 2 and result.stdout == ""
    assert told in result.stderr and result.stderr.count("\n") == 1


def test_a_worker_that_is_told_to_stop_gives_back_its_cells(store):
    held = store.path / "leases" / "chunk-1.1"
    held.parent.mkdir()
    held.write_text("another-machine 1")
    process = subprocess.Popen(
        [sys.executable, "-m", "rung", "worker", str(store.path)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
    )
    while store.n_done() < 8 and process.poll() is None:
        time.sleep(0.05)
        store.refresh()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate()
    assert process.returncode == 130, said
    assert [path.name for path in held.parent.iterdir()] == ["chunk-1.1"]
