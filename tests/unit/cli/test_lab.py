"""`rung lab` as people start and stop it: a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from rung import cli

WAIT = 60


@contextmanager
def started(*arguments: str, script: str | None = None) -> Iterator[tuple[subprocess.Popen, str]]:
    """A running lab, and its address."""
    command = ["-c", script] if script else ["-m", "rung", "lab"]
    lab = subprocess.Popen(
        [sys.executable, *command, "--no-browser", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        line = lab.stdout.readline()
        found = re.fullmatch(r"(?:Rung lab: )?(http://\S+/\?token=\S+)\n", line)
        assert found, line + (lab.stderr.read() if lab.poll() is not None else "")
        yield lab, found[1]
    finally:
        if lab.poll() is None:
            lab.kill()
        lab.communicate()


@contextmanager
def browser(address: str) -> Iterator[httpx.Client]:
    """A client that has opened the address."""
    with httpx.Client(base_url=address.partition("/?")[0], timeout=WAIT, trust_env=False) as made:
        assert made.get(address).status_code == 303
        yield made


def ended(lab: subprocess.Popen) -> str:
    """What it wrote on stderr, after it has ended as it should."""
    out, err = lab.communicate(timeout=WAIT)
    assert lab.returncode == 0, err
    assert out == ""
    assert "Traceback" not in err
    return err


def test_it_serves_at_its_address_and_stops_at_ctrl_c():
    with started() as (lab, address):
        with browser(address) as client:
            found = client.get("/api/session").json()
            assert found["model"] == "two-layer"
            answer = client.post("/api/run", json={"computation": "workbench.open", "ask": {"model": "two-layer-tiny"}})
            name, data = re.findall(r"^event: (\w+)\ndata: (.*)$", answer.text, re.MULTILINE)[-1]
            assert (name, json.loads(data)["name"]) == ("answer", "two-layer-tiny")
        lab.send_signal(signal.SIGINT)
        assert ended(lab) == "Ctrl-C stops it.\n"
    folder = Path(os.environ.get("TMPDIR", "/tmp"))
    assert not list(folder.glob(f"rung-lab-{lab.pid}-*"))


def test_it_stops_while_it_still_loads():
    with started("--quiet") as (lab, address), browser(address) as client:
        with ThreadPoolExecutor(1) as pool:
            body = {"computation": "workbench.open", "ask": {}}
            asked = pool.submit(client.post, "/api/run", json=body)
            assert client.get("/api/session").status_code == 200
            lab.send_signal(signal.SIGINT)
            assert asked.result().status_code in (200, 503)
        assert ended(lab) == ""


SLOW = """
import sys, time
from rung.lab import computations
from rung.lab.computation import Answer, Ask, Job, Lab, computation

class Nothing(Ask, frozen=True):
    sleep: float = 0.0

class Done(Answer, frozen=True):
    pass

@computation("test.slow", lane="long")
def slow(lab: Lab, ask: Nothing, job: Job) -> Done:
    for done in range(10**6):
        job.progress("on", done, 10**6)
        time.sleep(ask.sleep or 0.01)
    return Done()

computations.load_computations = lambda: {"test.slow": slow}
from rung.cli import main
sys.argv = ["rung", "lab", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("sleep", [0.0, 1000.0], ids=["a job that looks up", "a job that does not"])
def test_it_stops_while_a_job_streams(number, sleep):
    with started(script=SLOW) as (lab, address), browser(address) as client:
        body = {"computation": "test.slow", "ask": {"sleep": sleep}}
        with client.stream("POST", "/api/run", json=body) as response:
            lines = response.iter_lines()
            assert next(line for line in lines if line.startswith("event: ")) == "event: progress"
            lab.send_signal(number)
            rest = list(lines)
        assert "event: error" in rest
        assert "the lab was stopped" in rest[rest.index("event: error") + 1]
        ended(lab)


def test_a_page_of_the_run_before_is_told_so():
    with started("--quiet") as (lab, address):
        port = re.search(r":(\d+)/", address)[1]
        with browser(address) as client:
            run = client.get("/api/session").json()["run"]
            lab.send_signal(signal.SIGINT)
            assert ended(lab) == ""
            with pytest.raises(httpx.TransportError):
                client.get("/api/session")
            with started("--port", port) as (again, other):
                answer = client.get("/api/session")
                assert (answer.status_code, answer.json()["kind"]) == (401, "restarted")
                client.get(other)
                assert client.get("/api/session").json()["run"] != run
                again.send_signal(signal.SIGINT)
                ended(again)


def test_a_file_is_shown(tmp_path):
    from rung.lab.drawer import save_text

    pin = {"title": "t", "rung": 1, "value": 1.5, "unit": "nats", "panel": "p", "computation": "c", "ask": {}}
    (tmp_path / "it.json").write_text(save_text({"pins": [pin], "proof": None}), "utf-8")
    with started("--open", str(tmp_path / "it.json")) as (_, address), browser(address) as client:
        found = client.get("/api/session").json()
        assert found["drawer"] == {"pins": [pin], "proof": None} and found["record"] is None


def complaint(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, ["lab", "--no-browser", *arguments])
    assert done.exit_code == 2, done.output
    assert done.stdout == "" and done.stderr.count("\n") == 1
    return done.stderr


def test_bad_input_is_one_line(tmp_path):
    (tmp_path / "it.json").write_text("{}", "utf-8")
    assert "no folder 'two-layr'" in complaint("--model", "two-layr")
    assert "say under which names they may open it" in complaint("--host", "0.0.0.0")
    assert "'*' is no host name" in complaint("--host", "0.0.0.0", "--name", "*")
    assert "is neither a drawer nor a record" in complaint("--open", str(tmp_path / "it.json"))
    assert "cannot be read: No such file" in complaint("--open", str(tmp_path / "none.json"))
    assert "Invalid value for '--port'" in complaint("--port", "0")


def test_help_lists_it_and_nothing_else_imports_a_server():
    done = CliRunner().invoke(cli.app, ["--help"])
    assert re.search(r"^  lab +The lesson, live", done.stdout, re.MULTILINE)
    script = (
        "import sys, rung, rung.cli; from rung import HookedTransformer, prove;"
        "print(sorted({'starlette', 'uvicorn', 'msgspec', 'h11'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_the_address_comes_before_torch_is_imported():
    script = (
        "import sys; from rung.lab import server, app, jobs, models, security; import rung.cli.lab;"
        "print('torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
