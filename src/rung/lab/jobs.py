"""Running what the page asks for: two threads with bounded queues, shared requests, progress, cancelling.

The quick lane answers between the steps of a long job; the long lane runs one job at a time, in order. Identical
requests that wait or run share one job, and a few answers are kept. A job is cancelled once nobody waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import RungError

if TYPE_CHECKING:
    from .computation import Answer, Computation, Lab

LANES = ("quick", "long")
MOST_WAITING = 64
"""Jobs that wait in one lane; a request beyond them is told that the lab is busy."""
MOST_ANSWER_BYTES = 64 << 20
"""Bytes of answers that are kept; an identical request gets them at once."""
MOST_STEPS = 64
"""Progress events that wait for a slow reader; the oldest are dropped."""
STEP_SECONDS = 0.05
"""Progress within one step is told no more often."""

STOPPED = "the lab was stopped; start it again with rung lab"

log = logging.getLogger("rung.lab")


class Busy(RungError):
    """Too many jobs wait already."""


@dataclass(frozen=True)
class Event:
    """One event of a stream: progress, answer, error or cancelled, with its JSON."""

    name: str
    data: bytes

    @property
    def last(self) -> bool:
        """Whether the stream ends with it."""
        return self.name != "progress"


CANCELLED = Event("cancelled", b"{}")


def error_event(message: str, kind: str = "error") -> Event:
    """An error, as the page shows it."""
    return Event("error", msgspec.json.encode({"message": message, "kind": kind}))


@dataclass(eq=False)
class Reader:
    """One stream that waits for a job."""

    loop: asyncio.AbstractEventLoop
    waiting: deque[Event] = field(default_factory=lambda: deque(maxlen=MOST_STEPS))
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, event: Event, follows: bool = False) -> None:
        """From any thread: hands over an event; one that `follows` another of the same step may replace it."""

        def put() -> None:
            if follows and self.waiting and not self.waiting[-1].last:
                self.waiting[-1] = event
            else:
                self.waiting.append(event)
            self.ready.set()

        with suppress(RuntimeError):  # the server has stopped: nobody reads any more
            self.loop.call_soon_threadsafe(put)


class Running:
    """One job, waiting or running, and the streams that wait for it (the `Job` of `computation`)."""

    def __init__(self, computation: Computation, ask: Any, key: bytes) -> None:
        self.computation = computation
        self.ask = ask
        self.key = key
        self._readers: list[Reader] = []
        self._lock = threading.Lock()
        self._cancelled = False
        self._finished: Event | None = None
        self._step: tuple[str, float] = ("", 0.0)
        self._latest: Event | None = None

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._cancelled

    def progress(self, step: str, done: int, total: int) -> None:
        """Tells the page how far the work is. Raises Cancelled once the reader has cancelled."""
        from .computation import Cancelled

        if self._cancelled:
            raise Cancelled
        now, (before, told) = time.monotonic(), self._step
        same = step == before
        if same and done < total and now - told < STEP_SECONDS:
            return
        self._step = (step, now)
        event = Event("progress", msgspec.json.encode({"step": step, "done": int(done), "total": int(total)}))
        with self._lock:
            self._latest = event
            for reader in self._readers:
                reader.tell(event, follows=same)

    def join(self, reader: Reader) -> bool:
        """Lets a stream wait for it; False if it was cancelled meanwhile."""
        with self._lock:
            if self._cancelled:
                return False
            event = self._finished or self._latest
            if event is not None:
                reader.tell(event)
            self._readers.append(reader)
            return True

    def leave(self, reader: Reader) -> None:
        """The stream was closed; without any, the job is cancelled."""
        with self._lock:
            if reader in self._readers:
                self._readers.remove(reader)
            self._cancelled = self._cancelled or not self._readers

    def finish(self, event: Event) -> None:
        """Ends every stream with this event."""
        with self._lock:
            self._finished = self._finished or event
            self._cancelled = True
            for reader in self._readers:
                reader.tell(self._finished)


class Lane:
    """One thread and the jobs that wait for it. A job that fails ends with an error, and the next one runs."""

    def __init__(
        self, name: str, lab: Lab, done: Callable[[Running, bytes | None], None], warm: Callable[[str], None] | None
    ) -> None:
        self.name = name
        self._warm = warm
        self._lab = lab
        self._done = done
        self._waiting: deque[Running] = deque()
        self._current: Running | None = None
        self._wake = threading.Condition()
        self._stopped = False
        self.thread = threading.Thread(target=self._work, name=f"rung lab, {name} lane", daemon=True)

    def put(self, running: Running, most: int) -> list[Running]:
        """Queues a job; returns those that were cancelled while they waited. Raises Busy."""
        with self._wake:
            cancelled = [one for one in self._waiting if one.cancelled]
            self._waiting = deque(one for one in self._waiting if not one.cancelled)
            if len(self._waiting) >= most:
                raise Busy(f"the lab is busy: {most} computations wait already. Try again in a moment")
            self._waiting.append(running)
            self._wake.notify()
        return cancelled

    def stop(self) -> list[Running]:
        """Ends the thread after the job that runs; returns it and those that waited."""
        with self._wake:
            self._stopped = True
            left = [*self._waiting, *([self._current] if self._current else [])]
            self._waiting.clear()
            self._wake.notify()
        return left

    def _work(self) -> None:
        if self._warm is not None:
            try:
                with suppress(RungError):  # each computation says it again, to who asks
                    self._warm(self.name)
            except Exception:
                log.exception("the lab could not get ready")
        while True:
            with self._wake:
                while not self._waiting and not self._stopped:
                    self._wake.wait()
                if self._stopped:
                    return
                running = self._current = self._waiting.popleft()
            event, answer = CANCELLED, None
            if not running.cancelled:
                event, answer = self._run(running)
            self._done(running, answer)
            running.finish(event)
            self._current = None

    def _run(self, running: Running) -> tuple[Event, bytes | None]:
        from .computation import Cancelled

        name = running.computation.name
        try:
            made: Answer = running.computation.run(self._lab, running.ask, running)
            answer = msgspec.json.encode(made)
        except Cancelled:
            return CANCELLED, None
        except RungError as error:
            return error_event(str(error)), None
        except MemoryError:
            log.exception("%s ran out of memory", name)
            return error_event("there is not enough memory for this; choose a shorter sequence or fewer heads"), None
        except BaseException:
            log.exception("%s failed", name)
            return (
                error_event(
                    f"{name} failed in a way that Rung did not expect; the terminal of rung lab shows where", "bug"
                ),
                None,
            )
        return Event("answer", answer), answer


class Jobs:
    """Both lanes, and what was asked and answered."""

    def __init__(
        self,
        lab_of: Callable[[str], Lab],
        most_waiting: int = MOST_WAITING,
        warm: Callable[[str], None] | None = None,
    ) -> None:
        self._most = most_waiting
        self._lock = threading.Lock()
        self._open: dict[bytes, Running] = {}
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()
        self._stopped = False
        self._lanes = {name: Lane(name, lab_of(name), self._done, warm) for name in LANES}

    def start(self) -> None:
        """Starts the threads."""
        for lane in self._lanes.values():
            lane.thread.start()

    def submit(self, computation: Computation, ask: Any) -> Stream:
        """The stream of events of a request. Raises Busy."""
        reader = Reader(asyncio.get_running_loop())
        shared = computation.shared
        key = computation.name.encode() + b" " + msgspec.json.encode(ask, order="sorted")
        with self._lock:
            if self._stopped:
                raise Busy("the lab is stopping")
            if shared and key in self._answers:
                self._answers.move_to_end(key)
                reader.tell(Event("answer", self._answers[key]))
                return Stream(reader, None)
            found = self._open.get(key) if shared else None
            if found is not None and found.join(reader):
                return Stream(reader, found)
            running = Running(computation, ask, key)
            running.join(reader)
            for one in self._lanes[computation.lane].put(running, self._most):
                self._forget(one)
            if shared:
                self._open[key] = running
            return Stream(reader, running)

    def stop(self, seconds: float = 0.0) -> bool:
        """Ends every stream, and the lanes after the steps that they are in; whether they ended within `seconds`."""
        with self._lock:
            self._stopped = True
        for running in [one for lane in self._lanes.values() for one in lane.stop()]:
            running.finish(error_event(STOPPED, "stopped"))
        end = time.monotonic() + seconds
        for lane in self._lanes.values():
            lane.thread.join(max(0.0, end - time.monotonic()))
        return not any(lane.thread.is_alive() for lane in self._lanes.values())

    def _done(self, running: Running, answer: bytes | None) -> None:
        with self._lock:
            self._forget(running)
            if answer is None or not running.computation.shared:
                return
            self._answers[running.key] = answer
            while sum(map(len, self._answers.values())) > MOST_ANSWER_BYTES:
                self._answers.popitem(last=False)

    def _forget(self, running: Running) -> None:
        if self._open.get(running.key) is running:
            del self._open[running.key]


class Stream:
    """The events of one request. Closing it cancels the job, unless another stream waits for the same."""

    def __init__(self, reader: Reader, running: Running | None) -> None:
        self._reader = reader
        self._running = running

    async def next(self, seconds: float) -> Event | None:
        """The next event; None if there was none for so long."""
        reader = self._reader
        if not reader.waiting:
            reader.ready.clear()
            try:
                await asyncio.wait_for(reader.ready.wait(), seconds)
            except TimeoutError:
                return None
        return reader.waiting.popleft()

    async def events(self, seconds: float) -> AsyncIterator[Event | None]:
        """Every event up to the last, and None where there was none for so long."""
        while True:
            event = await self.next(seconds)
            yield event
            if event is not None and event.last:
                return

    def close(self) -> None:
        """Nobody reads any more."""
        if self._running is not None:
            self._running.leave(self._reader)
