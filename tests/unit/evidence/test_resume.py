"""An interrupted proof goes on where it was, and is then the proof that an uninterrupted one is."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import rung
from rung.errors import StoreError
from rung.evidence import prove as module
from rung.evidence import resume
from rung.evidence.claim import CLAIMS, INDUCTION
from rung.evidence.observation import Floors
from rung.evidence.prove import prove
from rung.evidence.resume import Store
from rung.planted import plant


class Stopped(Exception):
    """The interruption."""


@pytest.fixture(scope="module")
def planted():
    return plant("circuit", 0)


@pytest.fixture(scope="module")
def whole(planted):
    """The uninterrupted proof."""
    return prove("induction", planted.model)


@pytest.fixture
def ran(monkeypatch):
    """The tests that were run, by id and subject."""
    keys: list[tuple[str, str]] = []
    summarize = module.summarize
    monkeypatch.setattr(module, "summarize", lambda spec, *rest: keys.append(spec.key) or summarize(spec, *rest))
    return keys


def stop_after(tests):
    def progress(step, done, total):
        if done == tests and "," not in step and step != "search":
            raise Stopped

    return progress


def never(*_, **__):
    raise AssertionError("something was run")


@pytest.mark.parametrize("tests", [1, 7, 16, 30])
def test_what_was_measured_before_an_interruption_is_not_measured_again(planted, whole, tests, tmp_path, ran):
    with pytest.raises(Stopped):
        prove("induction", planted.model, store=tmp_path, progress=stop_after(tests))
    before = list(ran)
    assert len(before) == tests
    again = prove("induction", planted.model, store=tmp_path)
    assert again == whole and again.agreement == whole.agreement
    assert [list(one.means[m]) for one in again.agreement for m in one.means] == [
        list(one.means[m]) for one in whole.agreement for m in one.means
    ]
    assert ran == [m.spec.key for m in whole.measurements]
    assert sorted(len(file.read_bytes().splitlines()) for file in tmp_path.iterdir()) == sorted(
        [1 + tests, len(whole.measurements) - tests]
    )


def test_a_finished_proof_is_read_back_without_a_test_or_a_search(planted, whole, tmp_path, monkeypatch):
    prove("induction", planted.model, store=tmp_path)
    monkeypatch.setattr(module, "search", never)
    monkeypatch.setattr(module, "summarize", never)
    assert prove("induction", planted.model, store=tmp_path) == whole


def test_two_receivers_leave_shares_of_pairs_for_each_other(tmp_path, monkeypatch):
    """The best other pair of one composed QK is of all pairs that earlier tests read."""
    shared = plant("circuit_shared", 0)
    claim = CLAIMS[shared.claim].with_heads(shared.heads)
    first = prove(claim, shared.model)
    stop = [m.test for m in first.measurements].index("mechanism.routed_qk") + 1
    with pytest.raises(Stopped):
        prove(claim, shared.model, store=tmp_path, progress=stop_after(stop))
    assert prove(claim, shared.model, store=tmp_path) == first


@pytest.mark.parametrize(
    "other",
    [
        {"floors": Floors(clue=0.31)},
        {"sequences": 128},
        {"claim": replace(INDUCTION, name="lookup", task=CLAIMS["lookup"].task)},
        {"weights": 1.001},
        {"code": "other"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_proof_reads_nothing_of_it(planted, other, tmp_path, ran, monkeypatch):
    with pytest.raises(Stopped):
        prove("induction", planted.model, store=tmp_path, progress=stop_after(3))
    model = planted.model
    if scale := other.pop("weights", None):
        model = plant("circuit", 0).model
        with torch.no_grad():
            model.blocks[1].attn.W_O.mul_(scale)
    if code := other.pop("code", None):
        monkeypatch.setattr(resume, "ladder_code", lambda: code)
    ran.clear()
    with pytest.raises(Stopped):
        prove(other.pop("claim", "induction"), model, store=tmp_path, progress=stop_after(3), **other)
    assert len(ran) == 3


def test_a_killed_proof_leaves_what_it_had_measured(planted, whole, tmp_path, ran):
    code = """
import os, signal, sys
from rung.evidence.prove import prove
from rung.planted import plant
def progress(step, done, total):
    if done == 9 and "," in step:
        os.kill(os.getpid(), signal.SIGKILL)
prove("induction", plant("circuit", 0).model, store=sys.argv[1], progress=progress)
"""
    own = os.environ | {"PYTHONPATH": str(Path(rung.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=own, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    again = prove("induction", planted.model, store=tmp_path)
    assert ran == [m.spec.key for m in whole.measurements][9:]
    assert [m.spec for m in again.measurements] == [m.spec for m in whole.measurements]
    assert again.verdict == whole.verdict


def test_lines_that_are_cut_or_changed_are_measured_again(planted, whole, tmp_path, ran):
    with pytest.raises(Stopped):
        prove("induction", planted.model, store=tmp_path, progress=stop_after(5))
    (file,) = tmp_path.iterdir()
    lines = file.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b"nats", b"bits")
    file.write_bytes(b"\n".join(lines)[:-40])
    ran.clear()
    assert prove("induction", planted.model, store=tmp_path) == whole
    keys = [m.spec.key for m in whole.measurements]
    assert ran == [keys[1], *keys[4:]]


def test_it_is_json_and_numbers_that_are_not_finite_are_words(tmp_path):
    store = Store(tmp_path / "new")
    store.put("a", {"x": "nan"})
    assert Store(tmp_path / "new").get("a") == {"x": "nan"} and store.get("b") is None
    (file,) = (tmp_path / "new").iterdir()
    assert json.loads(file.read_bytes().partition(b" ")[2]) == {"key": "a", "value": {"x": "nan"}}


def test_a_folder_that_cannot_be_is_named(tmp_path, planted, monkeypatch):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setattr(module, "search", never)
    with pytest.raises(StoreError, match=r"the store .*file cannot be read"):
        prove("induction", planted.model, store=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_the_table_that_a_search_found_is_read_back(tmp_path):
    """It is part of the claim: without it a second proof would not know its own task."""
    model = plant("skip", 0).model
    first = prove("skip_trigram", model, sequences=4, store=tmp_path)
    again = prove("skip_trigram", model, sequences=4, store=tmp_path)
    assert again.claim == first.claim and again.claim.task.startswith("skip-trigrams ")
    assert again.measurements == first.measurements
