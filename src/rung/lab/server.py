"""Starting and stopping the lab: the port, the address with its token, the browser, Ctrl-C."""

from __future__ import annotations

import errno
import ipaddress
import os
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from ..errors import RungError
from .app import LabApp
from .jobs import LANES, Jobs
from .models import Kept, LaneLab, Models
from .security import LOOPBACK, Access, check_name

DEFAULT_MODEL = "two-layer"
FIRST_PORT = 7864
"""Tried first, so that what the browser keeps for the page is there again; then the next few, then any."""
PORTS = 10
STOP_SECONDS = 2.0
"""How long a job may take to notice that the lab stops."""


@dataclass(frozen=True)
class Options:
    """How the lab is served."""

    model: str = DEFAULT_MODEL
    host: str = "127.0.0.1"
    port: int | None = None
    names: tuple[str, ...] = ()
    """Host names under which it may be opened, beside those of loopback."""
    browser: bool = True
    threads: int | None = None
    opened: Mapping[str, Any] = field(default_factory=dict)
    """The record and drawer that the page shows."""

    def check(self) -> None:
        """Raises RungError for a host off loopback without names, or names that are none."""
        for name in self.names:
            check_name(name)
        if not is_loopback(self.host) and not self.names:
            raise RungError(
                f"--host {self.host} serves the lab to other machines; say under which names they may open it, as in "
                "--name lab.example.org. Without --host it is for this machine alone"
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int | None) -> socket.socket:
    """A listening socket on `port`, or on the first free one. Raises RungError."""
    wanted = [*range(FIRST_PORT, FIRST_PORT + PORTS), 0] if port is None else [port]
    for one in wanted:
        try:
            return _listen(host, one)
        except OSError as error:
            taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
            if port is None and taken and one != 0:
                continue
            if taken:
                raise RungError(
                    f"port {one} is taken or not allowed; choose another with --port, or leave --port out"
                ) from None
            raise RungError(f"the lab cannot listen on {host}: {error.strerror or error}") from None
    raise AssertionError("port 0 is always free")


def _listen(host: str, port: int) -> socket.socket:
    family, kind, proto, _, address = socket.getaddrinfo(
        "127.0.0.1" if host == "localhost" else host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, proto)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(256)
    except OSError:
        made.close()
        raise
    return made


def address(options: Options, access: Access) -> str:
    """The address that opens the lab."""
    name = options.names[0] if not is_loopback(options.host) else options.host
    return f"http://{f'[{name}]' if ':' in name else name}:{access.port}/?token={access.token}"


class LabServer(uvicorn.Server):
    """A uvicorn server that starts its lanes once it answers, and ends their streams before it waits for clients."""

    def __init__(self, lab: LabApp, access: Access, started: Callable[[], None]) -> None:
        super().__init__(configure(lab.guarded(access)))
        self._lab = lab
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell()
        self._lab.jobs.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._lab.stop()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM end the server; uvicorn would raise them again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(options: Options, tell: Callable[[str], None]) -> bool:
    """Serves the lab until Ctrl-C; `tell` gets its address as soon as it answers.

    Returns whether every job ended in time; if not, the process should end without waiting for its threads. Raises
    RungError.
    """
    options.check()
    listening = listen(options.host, options.port)
    access = Access.fresh(listening.getsockname()[1], () if is_loopback(options.host) else options.names)
    models, kept = Models(options.model), Kept()
    with tempfile.TemporaryDirectory(prefix=f"rung-lab-{os.getpid()}-") as folder, listening:
        jobs = Jobs(
            lambda lane: LaneLab(models, kept, Path(folder), lane),
            warm=lambda lane: warm(models, options.threads, lane),
        )
        app = LabApp(models, jobs, opened=options.opened)

        def started() -> None:
            opened = address(options, access)
            tell(opened)
            if options.browser and has_browser():
                threading.Thread(target=webbrowser.open, args=(opened,), daemon=True).start()

        LabServer(app, access, started).run([listening])
        return jobs.stop(STOP_SECONDS)


def configure(app: Any) -> uvicorn.Config:
    """How uvicorn serves the app: plain HTTP/1.1, no header of a proxy believed."""
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=512,
        timeout_graceful_shutdown=2,
    )


def warm(models: Models, threads: int | None, lane: str) -> None:
    """What takes seconds and can wait until the page is served: torch, the computations, the model.

    Unless `threads` says otherwise, each lane gets half of the cores: more threads than cores wait for each other (on a
    busy machine with two cores, an ablation took 0.1 s with one thread and 2 s with two). They are set in each lane,
    for OpenMP counts them by the thread that asks.
    """
    import torch

    torch.set_num_threads(threads or max(1, (os.cpu_count() or 1) // len(LANES)))
    if lane == "quick":
        from .computations import load_computations

        load_computations()
        models.get(models.default, lane)


def has_browser() -> bool:
    """Whether a browser with a window can be opened; one in the terminal would take it over."""
    if sys.platform == "darwin":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


assert set(LOOPBACK) == {name for name in LOOPBACK if is_loopback(name)}
