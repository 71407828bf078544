import json
import logging
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import numpy as np
import pytest

from rung.lab import app as app_module
from rung.lab.app import STATIC
from rung.lab.canonical import canonical_json
from rung.lab.computation import Array

from .serving import WAIT, Served, ask, served, streaming


@pytest.fixture
def lab_served(tmp_path):
    static = tmp_path / "static"
    static.mkdir()
    (static / "app.js").write_text("1")
    (static / "app.css").write_text("a {}")
    (static / "notes.txt").write_text("not for the page")
    (tmp_path / "secret.js").write_text("secret")
    with served(tmp_path) as found:
        yield found


@pytest.fixture
def client(lab_served):
    with lab_served.client() as found:
        yield found


def slow(client: httpx.Client, name: str = "a"):
    return streaming(client, "test.slow", name=name)


def test_the_page_and_its_files_are_served(client):
    page = client.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<rung-lab>" in page.text
    script = client.get("/static/app.js")
    assert (script.text, script.headers["content-type"]) == ("1", "text/javascript; charset=utf-8")
    assert client.get("/static/app.css").headers["content-type"] == "text/css; charset=utf-8"


def test_without_its_scripts_the_page_says_so(client, lab_served):
    (lab_served.app._static / "app.js").unlink()
    page = client.get("/")
    assert (page.status_code, page.text) == (
        500,
        "The page's scripts are missing; from a checkout, make web builds them.\n",
    )


@pytest.mark.parametrize(
    "path",
    [
        "/static/../secret.js",
        "/static/%2e%2e/secret.js",
        "/static/..%2fsecret.js",
        "/static/%2e%2e%2fsecret.js",
        "/static/..%5csecret.js",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/app.js%00.css",
        "/static/notes.txt",
        "/static/",
        "/static",
        "/secret.js",
        "/static/./app.js",
    ],
)
def test_no_path_leaves_the_folder(lab_served: Served, path):
    cookie = f"{lab_served.access.cookie}={lab_served.access.token}"
    host = f"127.0.0.1:{lab_served.access.port}"
    with lab_served.raw(f"GET {path} HTTP/1.1\nHost: {host}\nCookie: {cookie}\nConnection: close\n\n") as made:
        answer = b"".join(iter(lambda: made.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404 "), answer
    assert b"secret" not in answer.split(b"\r\n\r\n", 1)[1].replace(b"secret.js", b"")


def test_the_session_says_what_the_page_begins_with(client, lab_served):
    found = client.get("/api/session").json()
    assert found["run"] == lab_served.app.run_id
    assert found["model"] == "two-layer-tiny" == found["models"][0]
    assert {"two-layer", "one-layer", "zero-layer"} < set(found["models"])
    assert found["record"] is None and found["drawer"] is None


def test_a_run_streams_its_answer(client, lab_served):
    with streaming(client, "test.double", value=4) as tab:
        assert tab.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert tab.response.headers["cache-control"] == "no-store"
        assert list(tab.events()) == [("answer", {"value": 8.0})]


def test_progress_comes_before_the_answer(client, lab_served):
    with slow(client) as tab:
        name, value = tab.first()
        assert name == "progress"
        assert value["step"] == "waiting" and value["total"] == 10**6
        lab_served.control.go.set()
        rest = list(tab.events())
    assert rest[-1] == ("answer", {"value": 1.0})
    assert all(name == "progress" for name, _ in rest[:-1])
    done = [value["done"] for name, value in rest[:-1]]
    assert done == sorted(done)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "the request cannot be read"),
        (b"[]", 400, "Expected `object`, got `array`"),
        (b'{"computation": "test.double", "extra": 1}', 400, "unknown field `extra`"),
        (
            b'{"computation": "test.double", "ask": {"value": "4"}}',
            422,
            "test.double: value: expected `int`, got `str`",
        ),
        (b'{"computation": "test.double", "ask": {}}', 422, "missing required field `value`"),
        (b'{"computation": "test.double", "ask": {"value": 1, "v": 1}}', 422, "unknown field `v`"),
        (b'{"computation": "test.double", "ask": {"value": 1e999}}', 422, "value"),
        (b'{"computation": "test.double", "ask": 3}', 422, "expected `object`, got `int`"),
        (
            b'{"computation": "test.doubl", "ask": {}}',
            404,
            "there is no computation 'test.doubl'. Near names: test.double",
        ),
        (b'{"computation": "\xff", "ask": {}}', 400, "the request cannot be read"),
    ],
)
def test_what_cannot_be_run_is_said(client, body, status, message):
    answer = client.post("/api/run", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    found = answer.json()
    assert message in found["message"]
    assert found["kind"] in ("invalid", "error")


def test_an_error_of_the_library_reaches_the_page(client):
    ((name, value),) = ask(client, "test.fails")
    assert name == "error" and value["kind"] == "error"
    assert "no folder 'no such model'" in value["message"]


def test_an_unexpected_error_is_logged_and_says_nothing_of_the_server(client, caplog):
    for _ in range(2):  # the lane goes on, and what failed is not kept
        with caplog.at_level(logging.ERROR, logger="rung.lab"):
            ((name, value),) = ask(client, "test.breaks")
        assert (name, value["kind"]) == ("error", "bug")
        assert "secret" not in value["message"] and "test.breaks" in value["message"]
    assert caplog.text.count("ValueError: a secret of the server") == 2


def test_two_tabs_each_get_their_own_answer(lab_served):
    with lab_served.client() as one, lab_served.client() as two, ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, one, "test.double", value=1)
        second = pool.submit(ask, two, "test.double", value=2)
        assert first.result() == [("answer", {"value": 2.0})]
        assert second.result() == [("answer", {"value": 4.0})]


def test_an_identical_request_shares_the_run_and_finds_the_answer_kept(lab_served):
    control = lab_served.control
    with lab_served.client() as one, lab_served.client() as two, ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, one, "test.slow")
        control.wait_started()
        with slow(two, "a") as tab:
            assert tab.first()[0] == "progress"
            control.go.set()
            assert list(tab.events())[-1] == ("answer", {"value": 1.0})
        assert first.result()[-1] == ("answer", {"value": 1.0})
        assert ask(two, "test.slow") == [("answer", {"value": 1.0})]
        # The default filled in: the same ask.
        assert ask(two, "test.slow", name="a") == [("answer", {"value": 1.0})]
    assert control.runs == ["slow a"]


def test_what_depends_on_more_than_its_ask_runs_each_time(client):
    assert [ask(client, "test.state")[0][1]["value"] for _ in range(3)] == [1, 2, 3]


def test_a_job_is_cancelled_when_its_stream_is_closed_and_can_be_asked_again(lab_served):
    control = lab_served.control
    with lab_served.client() as one:
        with slow(one) as tab:
            tab.first()
        control.wait_cancelled()
        control.go.set()
        assert ask(one, "test.slow")[-1] == ("answer", {"value": 1.0})
    assert control.runs == ["slow a", "slow a"]


def test_a_job_goes_on_while_another_tab_waits_for_it(lab_served):
    control = lab_served.control
    with lab_served.client() as one, lab_served.client() as two, slow(two) as kept:
        kept.first()
        with slow(one) as dropped:
            dropped.first()
        control.go.set()
        assert list(kept.events())[-1] == ("answer", {"value": 1.0})
    assert control.runs == ["slow a"]
    assert not control.cancelled.acquire(blocking=False)


def test_a_connection_lost_in_the_stream_cancels(lab_served: Served):
    control = lab_served.control
    body = '{"computation": "test.slow", "ask": {}}'
    head = (
        f"POST /api/run HTTP/1.1\nHost: 127.0.0.1:{lab_served.access.port}\n"
        f"Cookie: {lab_served.access.cookie}={lab_served.access.token}\n"
        f"Content-Type: application/json\nContent-Length: {len(body)}\n\n"
    )
    made = lab_served.raw(head + body)
    control.wait_started()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, as a crash would send
    made.close()
    control.wait_cancelled()
    control.go.set()
    with lab_served.client() as client:
        assert ask(client, "test.double", value=3) == [("answer", {"value": 6.0})]


def test_a_quiet_stream_says_that_it_is_alive(lab_served, monkeypatch):
    monkeypatch.setattr(app_module, "KEEP_ALIVE_SECONDS", 0.01)
    with lab_served.client() as one, lab_served.client() as two, slow(one, "a") as first:
        first.first()
        with slow(two, "b") as waiting:  # after the first, without progress of its own
            assert next(line for line in waiting.lines if line.startswith(": keep")) == ": keep-alive"
            lab_served.control.go.set()
            assert any(line == "event: answer" for line in waiting.lines)


def test_the_quick_lane_answers_while_a_long_job_runs(lab_served):
    with lab_served.client() as one, lab_served.client() as two, slow(one) as tab:
        tab.first()
        assert ask(two, "test.double", value=5) == [("answer", {"value": 10.0})]
        lab_served.control.go.set()


def test_a_full_queue_says_that_the_lab_is_busy(tmp_path):
    with served(tmp_path, most_waiting=1) as found, found.client() as client, slow(client, "a") as first:
        first.first()
        with slow(client, "b") as second:  # waits
            refused = client.post("/api/run", json={"computation": "test.slow", "ask": {"name": "c"}})
            assert (refused.status_code, refused.json()["kind"]) == (503, "busy")
            assert "the lab is busy: 1 computations wait already" in refused.json()["message"]
            found.control.go.set()
            assert list(second.events())[-1][0] == "answer"


def test_a_request_that_was_cancelled_while_it_waited_leaves_its_place(tmp_path):
    with served(tmp_path, most_waiting=1) as found, found.client() as client, slow(client, "a") as first:
        first.first()
        for _ in range(3):
            with slow(client, "b") as waiting:
                assert next(waiting.lines) == ": open"
            # Closed on this side; the server hears of it soon.
            for _ in range(1000):
                if found.jobs._open and all(one.cancelled for one in found.jobs._open.values() if one.ask.name == "b"):
                    break
                threading.Event().wait(0.01)
        with slow(client, "c") as last:
            found.control.go.set()
            assert list(last.events())[-1][0] == "answer"
    assert "slow b" not in found.control.runs


@pytest.mark.parametrize("same", [True, False])
def test_fifty_clients_of_one_sweep_are_all_answered(lab_served, same):
    control = lab_served.control

    def one_client(i: int) -> list:
        with lab_served.client() as client:
            return ask(client, "test.slow", name="a" if same else str(i))

    with ThreadPoolExecutor(50) as pool, lab_served.client() as other:
        asked = [pool.submit(one_client, i) for i in range(50)]
        control.wait_started()
        assert ask(other, "test.double", value=1) == [("answer", {"value": 2.0})]
        control.go.set()
        assert [one.result()[-1] for one in asked] == [("answer", {"value": 1.0})] * 50
    assert len([run for run in control.runs if run.startswith("slow")]) == (1 if same else 50)


def test_the_stop_of_the_lab_ends_every_stream(lab_served):
    with lab_served.client() as client, slow(client, "a") as first, lab_served.client() as other:
        first.first()
        with slow(other, "b") as waiting:
            assert next(waiting.lines) == ": open"
            lab_served.jobs.stop()
            name, value = list(first.events())[-1]
            assert (name, value["kind"]) == ("error", "stopped")
        refused = client.post("/api/run", json={"computation": "test.double", "ask": {"value": 1}})
        assert refused.status_code == 503


def test_a_request_that_waits_for_the_import_is_answered_at_the_stop(tmp_path):
    loading, go = threading.Event(), threading.Event()

    def load():
        loading.set()
        assert go.wait(WAIT)
        return {}

    try:
        with served(tmp_path, load=load) as found, found.client() as client, ThreadPoolExecutor(1) as pool:
            asked = pool.submit(client.post, "/api/run", json={"computation": "test.double"})
            assert loading.wait(WAIT)
            assert client.get("/api/session").status_code == 200  # others are answered meanwhile
            found.server.should_exit = True
            answer = asked.result()
        assert (answer.status_code, answer.json()["kind"]) == (503, "stopped")
    finally:
        go.set()


def test_an_import_that_fails_is_said_and_logged(tmp_path, caplog):
    def load():
        raise ImportError("no torch")

    with served(tmp_path, load=load) as found, found.client() as client:
        answer = client.post("/api/run", json={"computation": "test.double"})
    assert (answer.status_code, answer.json()["kind"]) == (500, "bug")


def test_a_drawer_is_saved_checked_and_given_back(client):
    pin = {"title": "t", "rung": 1, "value": 1.5, "unit": "nats", "panel": "p", "computation": "c", "ask": {"x": 1}}
    saved = client.post("/api/drawer/save", json={"pins": [pin], "proof": None}).json()
    assert saved["name"] == "evidence.drawer.json"
    headers = {"content-type": "application/json"}
    opened = client.post("/api/drawer", content=saved["text"], headers=headers)
    assert opened.json() == {"drawer": {"pins": [pin], "proof": None}, "record": None}
    edited = client.post("/api/drawer", content=saved["text"].replace("1.5", "2.5"), headers=headers)
    assert edited.status_code == 422 and "was edited after it was saved" in edited.json()["message"]
    foreign = client.post("/api/drawer", content=b'{"cells": []}', headers=headers)
    assert foreign.status_code == 422 and "neither a drawer nor a record" in foreign.json()["message"]
    wrong = client.post("/api/drawer/save", json={"pins": [pin | {"rung": 9}]})
    assert wrong.status_code == 422 and "pins[0].rung" in wrong.json()["message"]


def test_precomputed_answers_are_served_where_there_are_any(client, lab_served):
    assert client.get("/static/precomputed.json").json()["answers"] == {}
    (lab_served.app._static / "precomputed.json").write_text('{"answers": {"a": 1}}')
    assert client.get("/static/precomputed.json").json() == {"answers": {"a": 1}}


def test_what_is_not_there_is_said_as_json(client):
    found = client.get("/nothing")
    assert (found.status_code, found.json()["kind"]) == (404, "error")
    assert client.get("/api/run").status_code == 405


PRECOMPUTED = STATIC / app_module.PRECOMPUTED


@pytest.mark.skipif(
    not PRECOMPUTED.exists(), reason="no precomputed answers here; scripts/lab_precomputed.py makes them"
)
def test_precomputed_answers_are_what_is_computed_now(lab, job):
    from rung.lab.computations import load_computations

    stored = json.loads(PRECOMPUTED.read_text("utf-8"))
    assert (stored["format"], stored["version"]) == ("rung precomputed", 1)
    computations = load_computations()
    assert stored["answers"]
    for key, answer in stored["answers"].items():
        name, _, text = key.partition(" ")
        found = computations[name]
        asked = msgspec.json.decode(text, type=found.ask)
        assert canonical_json(msgspec.to_builtins(asked)) == text, f"defaults of {name} changed; compute them again"
        now = found.run(lab, asked, job)
        close(key, msgspec.convert(answer, found.answer), msgspec.convert(as_json(now), found.answer))
    assert set(stored["same"].values()) <= set(stored["answers"])


def as_json(answer) -> object:
    """As the page reads it: what is not finite is null, a tuple a list."""
    return msgspec.json.decode(msgspec.json.encode(answer))


def close(where: str, stored, now) -> None:
    """The same values, numbers to 1e-4 of the larger of themselves and 1."""
    assert type(stored) is type(now) or {type(stored), type(now)} <= {int, float}, where
    if isinstance(now, Array):
        np.testing.assert_allclose(stored.numpy(), now.numpy(), rtol=1e-4, atol=1e-4, err_msg=where)
    elif isinstance(now, msgspec.Struct):
        for name in now.__struct_fields__:
            close(f"{where}.{name}", getattr(stored, name), getattr(now, name))
    elif isinstance(now, dict):
        assert list(stored) == list(now), where
        for name in now:
            close(f"{where}.{name}", stored[name], now[name])
    elif isinstance(now, list | tuple):
        assert len(stored) == len(now), where
        for i, (one, two) in enumerate(zip(stored, now, strict=True)):
            close(f"{where}[{i}]", one, two)
    elif isinstance(now, float):
        assert stored == pytest.approx(now, rel=1e-4, abs=1e-4, nan_ok=True), where
    else:
        assert stored == now, where


def test_close_tells_a_difference(seed):
    from .serving import Doubled

    one = {"a": [Array.of([1.0, 2.0]), Doubled(value=1.0)]}
    close("it", one, {"a": [Array.of([1.00001, 2.0]), Doubled(value=1.0)]})
    with pytest.raises(AssertionError):
        close("it", one, {"a": [Array.of([1.01, 2.0]), Doubled(value=1.0)]})
    with pytest.raises(AssertionError):
        close("it", one, {"a": [Array.of([1.0, 2.0]), Doubled(value=1.1)]})
