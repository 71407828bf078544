"""A lab that is served by a thread of the test, with computations of the test's own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from rung.lab.app import LabApp
from rung.lab.computation import Answer, Ask, Cancelled, Computation, Job, Lab, computation
from rung.lab.jobs import Jobs
from rung.lab.models import Kept, LaneLab, Models
from rung.lab.security import Access
from rung.lab.server import LabServer, listen

WAIT = 30.0
"""Seconds after which a test gives up."""


class Double(Ask, frozen=True):
    value: int
    times: float = 2.0


class Doubled(Answer, frozen=True):
    value: float


class Slow(Ask, frozen=True):
    name: str = "a"


class Controlled:
    """Computations whose course a test decides, and what happened to them."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.go = threading.Event()
        self.cancelled = threading.Semaphore(0)
        self.runs: list[str] = []

        @computation("test.double")
        def double(lab: Lab, ask: Double, job: Job) -> Doubled:
            self.runs.append(f"double {ask.value}")
            return Doubled(value=ask.value * ask.times)

        @computation("test.slow", lane="long")
        def slow(lab: Lab, ask: Slow, job: Job) -> Doubled:
            self.runs.append(f"slow {ask.name}")
            self.started.release()
            try:
                for done in range(10**6):
                    job.progress("waiting", done, 10**6)
                    if self.go.wait(0.005):
                        break
            except Cancelled:
                self.cancelled.release()
                raise
            return Doubled(value=1.0)

        @computation("test.fails")
        def fails(lab: Lab, ask: Slow, job: Job) -> Doubled:
            lab.model("no such model")
            raise AssertionError

        @computation("test.breaks", lane="long")
        def breaks(lab: Lab, ask: Slow, job: Job) -> Doubled:
            raise ValueError("a secret of the server")

        @computation("test.state", shared=False)
        def state(lab: Lab, ask: Slow, job: Job) -> Doubled:
            self.runs.append("state")
            return Doubled(value=float(self.runs.count("state")))

        found: tuple[Computation, ...] = (double, slow, fails, breaks, state)
        self.computations = {one.name: one for one in found}

    def wait_started(self) -> None:
        assert self.started.acquire(timeout=WAIT)

    def wait_cancelled(self) -> None:
        assert self.cancelled.acquire(timeout=WAIT)


class Served:
    """A running lab, and clients of it."""

    def __init__(self, app: LabApp, access: Access, jobs: Jobs, server: LabServer, control: Controlled) -> None:
        self.app, self.access, self.jobs, self.server, self.control = app, access, jobs, server, control
        self.base = f"http://127.0.0.1:{access.port}"

    def client(self, **options) -> httpx.Client:
        """A browser's tab that was let in."""
        made = httpx.Client(base_url=self.base, timeout=WAIT, trust_env=False, **options)
        made.cookies.set(self.access.cookie, self.access.token)
        return made

    def raw(self, request: str) -> socket.socket:
        """A connection that has sent this, to the byte."""
        made = socket.create_connection(("127.0.0.1", self.access.port), timeout=WAIT)
        made.sendall(request.replace("\n", "\r\n").encode())
        return made


@contextmanager
def served(folder: Path, load=None, **options) -> Iterator[Served]:
    control = Controlled()
    listening = listen("127.0.0.1", _free_port())
    access = Access.fresh(listening.getsockname()[1])
    models, kept = Models("two-layer-tiny"), Kept()
    jobs = Jobs(lambda lane: LaneLab(models, kept, folder, lane), **options)
    app = LabApp(models, jobs, static=folder / "static", computations=load or (lambda: control.computations))
    ready = threading.Event()
    server = LabServer(app, access, ready.set)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        assert ready.wait(WAIT)
        yield Served(app, access, jobs, server, control)
    finally:
        server.should_exit = True
        control.go.set()
        thread.join(WAIT)
        assert jobs.stop(WAIT)
        listening.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


class Tab:
    """A stream that is being read. It holds its lines: httpx closes a connection whose reader is let go of."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.lines = response.iter_lines()

    def events(self) -> Iterator[tuple[str, dict]]:
        """The events from here on, as they come."""
        name = ""
        for line in self.lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))

    def first(self) -> tuple[str, dict]:
        """The next event."""
        return next(self.events())


@contextmanager
def streaming(client: httpx.Client, computation: str, **values) -> Iterator[Tab]:
    """A request whose stream is open until the end of the block."""
    with client.stream("POST", "/api/run", json={"computation": computation, "ask": values}) as response:
        assert response.status_code == 200, response.read()
        yield Tab(response)


def ask(client: httpx.Client, computation: str, **values) -> list[tuple[str, dict]]:
    """Every event of a request."""
    with streaming(client, computation, **values) as tab:
        return list(tab.events())
