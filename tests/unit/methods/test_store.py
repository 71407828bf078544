"""The folder of a stored sweep: what it refuses, what it survives, and what it holds."""

import errno
import os
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rung.errors import StoreError
from rung.methods.interventions import Intervention, Mean, Patch, Resample, Zero, on_head
from rung.methods.request import Request
from rung.methods.store import HOST, PATIENCE, Found, Store, Worker, chunk_unit
from rung.methods.sweep import SweepResult, sweep
from rung.model.model import HookedTransformer
from rung.tasks.metrics import logit_difference, next_token_loss

TOKENS = torch.arange(1, 25).reshape(2, 12)
OTHERS = torch.arange(101, 221).reshape(10, 12)
METRIC = next_token_loss(slice(4, 11))
CELLS = [
    on_head((0, 1), Mean(OTHERS), TOKENS % 3 == 0),
    *(on_head((layer, head), Mean(OTHERS)) for layer in range(2) for head in range(2)),
    *(Intervention(("resid_pre", layer), Patch(OTHERS[:2]), positions=(at,)) for layer in range(2) for at in range(3)),
    [on_head((0, 0), Resample(OTHERS)), on_head((1, 1), Resample(OTHERS))],
    [on_head((0, 1), Zero()), Intervention(("resid_post", 1), torch.full((64,), 0.1))],
]


@pytest.fixture(scope="module")
def model() -> HookedTransformer:
    return HookedTransformer.from_pretrained("two-layer-tiny")


def request_of(model: HookedTransformer) -> Request:
    cells = [(cell,) if isinstance(cell, Intervention) else tuple(cell) for cell in CELLS]
    return Request.of(model, TOKENS, cells, METRIC, 2**28, 1)


def same(found: SweepResult, wanted: SweepResult) -> bool:
    """Byte for byte."""
    return all(
        bytes(one.contiguous().view(torch.uint8).flatten().tolist())
        == bytes(two.contiguous().view(torch.uint8).flatten().tolist())
        for one, two in ((found.clean, wanted.clean), (found.edited, wanted.edited))
    )


def segments(store: Path) -> list[Path]:
    return sorted((store / "segments").iterdir())


def test_a_stored_sweep_is_the_sweep_and_is_read_again(model, tmp_path):
    plain = sweep(model, TOKENS, CELLS, METRIC)
    stored = sweep(model, TOKENS, CELLS, METRIC, store=tmp_path / "store")
    torch.testing.assert_close(stored.edited, plain.edited, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(stored.clean, plain.clean, atol=1e-5, rtol=1e-5)
    assert stored.measured.all() and stored.labels == plain.labels and stored.failed == ()
    opened = SweepResult.open(tmp_path / "store")
    assert same(opened, stored) and opened.metric == plain.metric and opened.unit == "nats"
    assert not list((tmp_path / "store" / "leases").iterdir())


def test_nothing_is_run_again_that_was_finished(model, tmp_path, monkeypatch):
    stored = sweep(model, TOKENS, CELLS, METRIC, store=tmp_path / "store")
    monkeypatch.setattr("rung.methods.scoring.CellRuns", None)
    assert same(sweep(model, TOKENS, CELLS, METRIC, store=tmp_path / "store"), stored)


@pytest.mark.parametrize("stop", [1, 5, 9, 11])
def test_a_sweep_that_was_ended_early_is_resumed(model, tmp_path, stop):
    whole = sweep(model, TOKENS, CELLS, METRIC, store=tmp_path / "whole")
    calls = []

    def progress(done: int, total: int) -> bool:
        calls.append((done, total))
        return done < stop

    part = sweep(model, TOKENS, CELLS, METRIC, progress, store=tmp_path / "store")
    assert int(part.measured.sum()) <= stop and part.edited[~part.measured].isnan().all()
    assert not list((tmp_path / "store" / "leases").iterdir()), "the cells under way are given back"
    assert same(sweep(model, TOKENS, CELLS, METRIC, store=tmp_path / "store"), whole)
    assert all(total == len(CELLS) for _, total in calls)


def edited(model: HookedTransformer) -> HookedTransformer:
    other = HookedTransformer.from_pretrained("two-layer-tiny")
    with torch.no_grad():
        other.blocks[1].attn.W_Q[0, 0, 0] += 1e-6
    return other


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model": edited}, "model"),
        ({"model": lambda model: HookedTransformer.from_pretrained("two-layer-tiny", dtype="float64")}, "model"),
        ({"tokens": TOKENS + 1}, "tokens"),
        ({"metric": next_token_loss(slice(5, 11))}, "metric"),
        ({"metric": logit_difference(torch.tensor([1, 2]), torch.tensor([3, 4]))}, "metric"),
        ({"cells": CELLS[:-1]}, "cells"),
        ({"cells": [*CELLS[:-1], CELLS[0]]}, "cells"),
    ],
)
def test_a_store_of_another_sweep_is_refused_by_what_differs(model, tmp_path, change, named):
    asked = {"model": model, "tokens": TOKENS, "cells": CELLS, "metric": METRIC}
    sweep(**_asked(asked), store=tmp_path / "store")
    asked |= {key: value(model) if key == "model" else value for key, value in change.items()}
    with pytest.raises(StoreError, match=rf"another sweep: the .*{named}.* differ"):
        sweep(**_asked(asked), store=tmp_path / "store")


def _asked(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": asked["model"],
        "task": asked["tokens"],
        "interventions": asked["cells"],
        "metric": asked["metric"],
    }


def test_a_folder_of_other_things_is_refused(model, tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(StoreError, match=r"not empty: it holds thesis\.tex"):
        sweep(model, TOKENS, CELLS, METRIC, store=tmp_path)
    with pytest.raises(StoreError, match="no sweep that can be read"):
        SweepResult.open(tmp_path)
    (tmp_path / "request.safetensors").write_bytes(b"\0" * 40)
    with pytest.raises(StoreError, match="no sweep that can be read"):
        SweepResult.open(tmp_path)


def test_who_creates_a_store_at_the_same_time_agrees(model, tmp_path):
    request, made = request_of(model), []
    threads = [Thread(target=lambda: made.append(Store.create(tmp_path / "store", request))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({store.digest for store in made}) == 1 and len(made) == 8
    assert [file.name for file in (tmp_path / "store").iterdir()] == ["request.safetensors"]


def test_a_request_is_read_as_it_was_written(model, tmp_path):
    request = request_of(model)
    found = Store.create(tmp_path / "store", request).request
    assert found.digest == request.digest and found.difference(request) is None and found.plan == request.plan
    assert torch.equal(found.tokens(), TOKENS) and found.metric().source == METRIC.source
    resampled = found.cells()[-2]
    assert resampled[0].put.donors is resampled[1].put.donors
    assert len(set(found.cell_keys())) == len(CELLS)


@pytest.fixture(scope="module")
def finished(model, tmp_path_factory) -> tuple[Path, SweepResult, bytes]:
    path = tmp_path_factory.mktemp("finished") / "store"
    found = sweep(model, TOKENS, CELLS, METRIC, store=path)
    (segment,) = segments(path)
    return path, found, segment.read_bytes()


def replaced(finished: tuple[Path, SweepResult, bytes], text: bytes) -> SweepResult:
    """What is read of the store whose segment is `text`."""
    (segment,) = segments(finished[0])
    segment.write_bytes(text)
    return SweepResult.open(finished[0])


def agree(part: SweepResult, whole: SweepResult) -> None:
    """What was measured is what the whole has."""
    assert torch.equal(part.edited[part.measured], whole.edited[part.measured])
    assert part.edited[~part.measured].isnan().all() and part.failed == ()


def test_a_segment_that_was_cut_anywhere_gives_its_whole_lines(finished):
    path, whole, text = finished
    (segment,) = segments(path)
    agree(replaced(finished, text[: len(text) // 2]), whole)
    request, every = Store.open(path).request, Store.open(path)
    segment.write_bytes(text)
    every.refresh()
    for end in range(len(text)):
        segment.write_bytes(text[:end])
        store = Store(path, request)
        store.refresh()
        assert len(store.found) == text[:end].count(b"\n")
        for unit, found in store.found.items():
            assert found.values.keys() == every.found[unit].values.keys()
            assert all(torch.equal(value, every.found[unit].values[key]) for key, value in found.values.items())


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_byte_costs_its_line_and_never_gives_another_number(finished, data):
    _, whole, text = finished
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.integers(0, 255).filter(lambda value: value != text[at]))
    part = replaced(finished, text[:at] + bytes([new]) + text[at + 1 :])
    agree(part, whole)
    assert not part.measured.all()


def test_what_was_damaged_is_run_again(model, finished):
    path, whole, text = finished
    replaced(finished, text[: len(text) // 2] + b"\n" + text[len(text) // 2 + 3 :])
    assert same(sweep(model, TOKENS, CELLS, METRIC, store=path), whole)
    for extra in segments(path)[1:]:
        extra.unlink()


def test_a_segment_of_another_store_is_not_read(model, tmp_path):
    sweep(model, TOKENS, CELLS, METRIC, store=tmp_path / "one")
    sweep(model, TOKENS + 1, CELLS, METRIC, store=tmp_path / "two")
    segments(tmp_path / "one")[0].unlink()
    os.replace(segments(tmp_path / "two")[0], tmp_path / "one" / "segments" / "other.jsonl")
    assert not SweepResult.open(tmp_path / "one").measured.any()


@settings(max_examples=30)
@given(st.lists(st.floats(width=64), min_size=1, max_size=5), st.sampled_from([torch.float32, torch.float64]))
def test_numbers_keep_every_bit(values, dtype):
    tensor = torch.tensor(values, dtype=torch.float64).to(dtype)
    line = Found("chunk-0", tensor, {"key": tensor}).to_line("digest")
    found = Found.from_line(line[:-1], "digest")
    assert found is not None and line.count(b"\n") == 1
    for back in (found.clean, found.values["key"]):
        assert isinstance(back, Tensor) and torch.equal(back.view(torch.uint8), tensor.view(torch.uint8))
    assert Found.from_line(line[:-1], "another") is None


@pytest.mark.parametrize("call", range(1, 9))
def test_a_full_disk_is_one_error_and_keeps_what_was_finished(model, tmp_path, monkeypatch, call):
    whole = sweep(model, TOKENS, CELLS, METRIC, store=tmp_path / "whole")
    calls, write = [], os.write

    def full(file: int, content: Any) -> int:
        calls.append(file)
        if len(calls) < call:
            return write(file, content)
        if len(calls) == call:  # the disk takes a part of it
            return write(file, bytes(content)[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("rung.methods.store.os.write", full)
        try:
            sweep(model, TOKENS, CELLS, METRIC, store=tmp_path / "store")
        except StoreError as error:
            assert "No space left on device" in str(error) and "what was finished is kept" in str(error)
        else:
            assert len(calls) < call
    assert same(sweep(model, TOKENS, CELLS, METRIC, store=tmp_path / "store"), whole)


def hold(store: Store, unit: str, holder: str) -> Path:
    lease = store.path / "leases" / f"{unit}.{store.standing(unit).attempts + 1}"
    lease.parent.mkdir(exist_ok=True)
    lease.write_text(holder)
    return lease


def test_a_lease_is_held_by_one_worker_and_given_back(model, tmp_path):
    store = Store.create(tmp_path / "store", request_of(model))
    one, two = Worker(store), Worker(Store.open(tmp_path / "store"))
    with one.claim(chunk_unit(0)) as first, two.claim(chunk_unit(0)) as second, two.claim(chunk_unit(1)) as other:
        assert first and not second and other
    with two.claim(chunk_unit(0)) as later:
        assert later
    assert store.standing(chunk_unit(0)).dead == 0


def test_a_heartbeat_that_stops_is_taken_over_and_one_that_goes_on_is_not(model, tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("rung.methods.store.time", SimpleNamespace(monotonic=lambda: now[0]))
    store = Store.create(tmp_path / "store", request_of(model), patience=30.0)
    silent = hold(store, chunk_unit(0), "another-machine 1")
    beating = hold(store, chunk_unit(1), "another-machine 1")
    for beat in range(7):
        now[0] = 10.0 * beat
        os.utime(beating, ns=(beat, beat))
        assert store.standing(chunk_unit(1)) == (1, 0, True)
        assert store.standing(chunk_unit(0)) == ((1, 0, True) if beat < 3 else (1, 1, False))
    assert silent.exists()


def test_a_worker_of_this_machine_that_is_gone_is_not_waited_for(model, tmp_path):
    store = Store.create(tmp_path / "store", request_of(model))
    gone = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 0"], os.environ)
    os.waitpid(gone, 0)
    hold(store, chunk_unit(0), f"{HOST} {gone}")
    assert store.standing(chunk_unit(0)) == (1, 1, False)
    hold(store, chunk_unit(0), f"{HOST} {os.getpid()}")
    assert store.standing(chunk_unit(0)) == (2, 1, True)
    assert PATIENCE > 10


def test_a_sweep_takes_over_what_a_dead_worker_held(model, tmp_path):
    whole = sweep(model, TOKENS, CELLS, METRIC, store=tmp_path / "whole")
    store = Store.create(tmp_path / "store", request_of(model))
    gone = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 0"], os.environ)
    os.waitpid(gone, 0)
    hold(store, chunk_unit(1), f"{HOST} {gone}")
    assert same(sweep(model, TOKENS, CELLS, METRIC, store=tmp_path / "store"), whole)
