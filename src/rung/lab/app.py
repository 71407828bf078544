"""The lab's routes. Who may call them is said in `security`; what they compute, in `computations`."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import RungError, near
from .jobs import STOPPED, Busy, Jobs, Stream
from .models import Models
from .security import Access, Guard, TooLarge, too_large

if TYPE_CHECKING:
    from .computation import Computation

HERE = Path(__file__).parent
STATIC = HERE / "static"
"""What `make web` builds."""
PRECOMPUTED = "precomputed.json"
NOTHING_PRECOMPUTED = b'{"format":"rung precomputed","version":1,"answers":{},"same":{}}'
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".map": "application/json",
}
KEEP_ALIVE_SECONDS = 3.0
"""A stream without an event for so long says that it is alive."""

Result = TypeVar("Result")


class RunRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/run."""

    computation: str
    ask: msgspec.Raw = msgspec.Raw(b"{}")
    tab: str = ""


def _load_computations() -> Mapping[str, Computation]:
    from .computations import load_computations  # imports torch

    return load_computations()


class LabApp:
    """The routes over one run of the lab."""

    def __init__(
        self,
        models: Models,
        jobs: Jobs,
        *,
        opened: Mapping[str, Any] | None = None,
        static: Path = STATIC,
        computations: Callable[[], Mapping[str, Computation]] = _load_computations,
    ) -> None:
        self.models = models
        self.jobs = jobs
        self.run_id = secrets.token_hex(8)
        self._opened = {"record": None, "drawer": None, **(opened or {})}
        self._static = static
        self._load = computations
        self._loading: Future[Mapping[str, Computation]] | None = None
        self._stopping = asyncio.Event()

    def guarded(self, access: Access) -> ASGIApp:
        """The app as it is served."""
        app = Starlette(
            routes=[
                Route("/", self.page, methods=["GET"]),
                Route("/static/{name}", self.static, methods=["GET"]),
                Route("/api/session", self.session, methods=["GET"]),
                Route("/api/run", self.run, methods=["POST"]),
                Route("/api/drawer", self.drawer, methods=["POST"]),
                Route("/api/drawer/save", self.save_drawer, methods=["POST"]),
            ],
            exception_handlers={
                HTTPException: _http_error,
                TooLarge: lambda request, error: too_large(),
                Stopped: _stopped,
                Exception: _unexpected,
            },
        )
        app.router.redirect_slashes = False
        return Guard(app, access)

    def stop(self) -> None:
        """Ends every stream, and answers requests that wait for what is still loading. Called in the server's loop."""
        self.jobs.stop()
        self._stopping.set()

    async def _computations(self) -> Mapping[str, Computation]:
        """Every computation; the first request that comes early waits for their import."""
        if self._loading is None:
            self._loading = start(self._load)
        return await self._unless_stopped(self._loading)

    async def _unless_stopped(self, future: Future[Result]) -> Result:
        """What the future gives. Raises Stopped once the lab stops, however long it would take."""
        waiting = asyncio.wrap_future(future)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((waiting, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise Stopped
            return waiting.result()
        finally:
            stopping.cancel()

    async def page(self, request: Request) -> Response:
        """The page itself."""
        if not (self._static / "app.js").is_file():
            return PlainTextResponse("The page's scripts are missing; from a checkout, make web builds them.\n", 500)
        return Response((HERE / "page.html").read_bytes(), media_type="text/html; charset=utf-8")

    async def static(self, request: Request) -> Response:
        """A file of the folder by its exact name; nothing that is asked for becomes a path."""
        asked = request.path_params["name"]
        files = self._static.iterdir() if self._static.is_dir() else ()
        found = {path.name: path for path in files if path.is_file()}.get(asked)
        if found is None and asked == PRECOMPUTED:  # not an error that a browser's console would show
            return Response(NOTHING_PRECOMPUTED, headers={"content-type": MEDIA_TYPES[".json"]})
        if found is None or found.suffix not in MEDIA_TYPES:
            raise HTTPException(404, f"there is no {asked!r} here")
        headers = {"content-type": MEDIA_TYPES[found.suffix], "cache-control": "no-cache"}
        return Response(found.read_bytes(), headers=headers)

    async def session(self, request: Request) -> Response:
        """What the page begins with; its `run` tells a page whether the lab was restarted."""
        names = self.models.names
        return json_response({"run": self.run_id, "models": names, "model": self.models.default, **self._opened})

    async def run(self, request: Request) -> Response | EventStream:
        """Starts a computation, or joins the same one; its events follow."""
        try:
            asked = msgspec.json.decode(await request.body(), type=RunRequest)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return problem(400, f"the request cannot be read: {error}", "invalid")
        computations = await self._computations()
        computation = computations.get(asked.computation)
        if computation is None:
            return problem(
                404, f"there is no computation {asked.computation!r}.{near(asked.computation, computations)}"
            )
        try:
            ask = msgspec.json.decode(asked.ask, type=computation.ask)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return problem(422, f"{asked.computation}: {_field(error)}", "invalid")
        try:
            return EventStream(self.jobs.submit(computation, ask))
        except Busy as error:
            return problem(503, str(error), "busy")

    async def drawer(self, request: Request) -> Response:
        """Checks a drawer or record, and gives it back as the session would."""
        from .drawer import read_opened

        body = await request.body()
        try:
            return json_response(await self._unless_stopped(start(read_opened, body, "the file")))
        except RungError as error:
            return problem(422, str(error), "invalid")

    async def save_drawer(self, request: Request) -> Response:
        """The text of a drawer's file: `{"pins": […], "proof": … | null}` checked, with its digest."""
        from .drawer import FILE_NAME, save_text

        try:
            content = msgspec.json.decode(await request.body())
            text = await self._unless_stopped(start(save_text, content))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return problem(400, f"the request cannot be read: {error}", "invalid")
        except RungError as error:
            return problem(422, str(error), "invalid")
        return json_response({"name": FILE_NAME, "text": text})


class Stopped(Exception):
    """The lab stops, and the answer is not there yet."""


def start(function: Callable[..., Result], *arguments: Any) -> Future[Result]:
    """Runs a function in a thread of its own, which a process that ends does not wait for."""
    found: Future[Result] = Future()
    found.set_running_or_notify_cancel()

    def work() -> None:
        try:
            found.set_result(function(*arguments))
        except BaseException as error:
            found.set_exception(error)

    threading.Thread(target=work, name="rung lab, a request", daemon=True).start()
    return found


class EventStream:
    """A response of server-sent events. It ends with the last event, or when the client closes the connection."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        closing = asyncio.ensure_future(_closed(receive))
        try:
            await asyncio.wait((sending, closing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stream.close()
            for task in (sending, closing):
                task.cancel()
            await asyncio.gather(sending, closing, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for part in self._parts():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _parts(self) -> AsyncIterator[bytes]:
        yield b": open\n\n"
        async for event in self._stream.events(KEEP_ALIVE_SECONDS):
            if event is None:
                yield b": keep-alive\n\n"
            else:
                yield b"event: %s\ndata: %s\n\n" % (event.name.encode(), event.data)


async def _closed(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def json_response(value: Any, status: int = 200) -> Response:
    """JSON for the page."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def problem(status: int, message: str, kind: str = "error") -> Response:
    """What was wrong, as the page shows it."""
    return JSONResponse({"message": message, "kind": kind}, status)


def _field(error: Exception) -> str:
    """msgspec's message, which names the field as `$.length`, with the field first."""
    said, _, path = str(error).partition(" - at `$")
    where = path.rstrip("`").removeprefix(".")
    said = said[:1].lower() + said[1:]
    return f"{where}: {said}" if where else said


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, error.detail or "this is not answered here")


async def _stopped(request: Request, error: Exception) -> Response:
    return problem(503, STOPPED, "stopped")


async def _unexpected(request: Request, error: Exception) -> Response:
    return problem(500, "something failed that Rung did not expect; the terminal of rung lab shows where", "bug")
