import asyncio
import json
import logging
import threading
from collections.abc import Iterator

import pytest

from rung.errors import RungError
from rung.lab import jobs as jobs_module
from rung.lab.computation import Cancelled, Computation, computation
from rung.lab.jobs import MOST_STEPS, Busy, Event, Jobs

from .serving import WAIT, Doubled, Slow


def make(function, lane: str = "quick", **options) -> Computation:
    return Computation("test.made", lane, Slow, Doubled, lambda lab, ask, job: function(ask, job), **options)


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    found = Jobs(lambda lane: None)
    found.start()
    yield found
    assert found.stop(WAIT)


async def collect(stream) -> list[tuple[str, dict]]:
    return [(event.name, json.loads(event.data)) async for event in stream.events(WAIT) if event is not None]


def run(jobs: Jobs, *asked: tuple[Computation, Slow]) -> list[list[tuple[str, dict]]]:
    """The events of each, all asked before any is read."""

    async def both():
        streams = [jobs.submit(*one) for one in asked]
        return [await collect(stream) for stream in streams]

    return asyncio.run(both())


def one(jobs: Jobs, function, **options) -> list[tuple[str, dict]]:
    return run(jobs, (make(function, **options), Slow()))[0]


def test_every_step_is_told_and_what_follows_quickly_is_not(jobs):
    def work(ask, job):
        for step in ("a", "b", "c"):
            for done in range(1000):
                job.progress(step, done, 1000)
            job.progress(step, 1000, 1000)
        return Doubled(value=1.0)

    *progress, last = one(jobs, work)
    assert last == ("answer", {"value": 1.0})
    steps = [value["step"] for _, value in progress]
    assert list(dict.fromkeys(steps)) == ["a", "b", "c"]
    assert len(steps) < 100
    ends = {value["step"]: value["done"] for _, value in progress}
    assert ends == {"a": 1000, "b": 1000, "c": 1000}


def test_a_slow_reader_holds_a_bounded_number_of_events(jobs):
    reached = threading.Event()

    def work(ask, job):
        for i in range(10 * MOST_STEPS):
            job.progress(f"step {i}", 0, 1)
        reached.set()
        return Doubled(value=1.0)

    async def late():
        stream = jobs.submit(make(work), Slow())
        await asyncio.to_thread(reached.wait, WAIT)
        await asyncio.sleep(0.1)
        assert len(stream._reader.waiting) <= MOST_STEPS
        return await collect(stream)

    events = asyncio.run(late())
    assert events[-1] == ("answer", {"value": 1.0})
    assert events[-2][1]["step"] == f"step {10 * MOST_STEPS - 1}"


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (RungError("choose fewer heads"), "error", "choose fewer heads"),
        (ValueError("inside"), "bug", "test.made failed in a way that Rung did not expect"),
        (MemoryError(), "error", "there is not enough memory"),
        (SystemExit(3), "bug", "did not expect"),
        (RecursionError(), "bug", "did not expect"),
    ],
)
def test_a_job_that_fails_ends_alone(jobs, error, kind, message, caplog):
    def work(ask, job):
        raise error

    with caplog.at_level(logging.CRITICAL, logger="rung.lab"):
        ((name, value),) = one(jobs, work)
    assert (name, value["kind"]) == ("error", kind)
    assert message in value["message"]
    assert one(jobs, lambda ask, job: Doubled(value=2.0)) == [("answer", {"value": 2.0})]


def test_an_answer_that_cannot_be_written_is_an_error(jobs):
    ((name, value),) = one(jobs, lambda ask, job: Doubled(value=object()))
    assert (name, value["kind"]) == ("error", "bug")


def test_an_answer_that_is_not_finite_is_null(jobs):
    assert one(jobs, lambda ask, job: Doubled(value=float("nan"))) == [("answer", {"value": None})]


def test_a_job_that_nobody_waits_for_is_cancelled_at_its_next_step(jobs):
    started, cancelled = threading.Event(), threading.Event()
    left = threading.Event()

    def work(ask, job):
        started.set()
        assert left.wait(WAIT)
        try:
            job.progress("on", 1, 2)
        except Cancelled:
            cancelled.set()
            raise
        return Doubled(value=1.0)

    async def leave():
        stream = jobs.submit(make(work), Slow())
        await asyncio.to_thread(started.wait, WAIT)
        stream.close()
        left.set()
        assert await asyncio.to_thread(cancelled.wait, WAIT)
        other = await collect(jobs.submit(make(lambda ask, job: Doubled(value=3.0)), Slow(name="other")))
        assert not stream._reader.waiting  # it was told nothing more
        return other

    assert asyncio.run(leave()) == [("answer", {"value": 3.0})]


def test_a_late_reader_hears_how_far_it_is(jobs):
    told, go = threading.Event(), threading.Event()

    def work(ask, job):
        job.progress("half", 1, 2)
        told.set()
        assert go.wait(WAIT)
        return Doubled(value=1.0)

    made = make(work, lane="long")

    async def two():
        first = jobs.submit(made, Slow())
        await asyncio.to_thread(told.wait, WAIT)
        second = jobs.submit(made, Slow())
        event = await second.next(WAIT)
        go.set()
        return event, await collect(first), await collect(second)

    event, first, second = asyncio.run(two())
    assert event == Event("progress", b'{"step":"half","done":1,"total":2}')
    assert first[-1] == second[-1] == ("answer", {"value": 1.0})


def test_answers_are_kept_up_to_so_many_bytes(jobs, monkeypatch):
    counted: list[str] = []

    def work(ask, job):
        counted.append(ask.name)
        return Doubled(value=1.0)

    made = make(work)
    monkeypatch.setattr(jobs_module, "MOST_ANSWER_BYTES", 3 * len(b'{"value":1.0}'))
    for name in "abcda":  # a was dropped for d
        run(jobs, (made, Slow(name=name)))
    run(jobs, (made, Slow(name="d")))
    assert counted == ["a", "b", "c", "d", "a"]
    assert sum(map(len, jobs._answers.values())) <= jobs_module.MOST_ANSWER_BYTES


def test_errors_and_cancelled_runs_are_not_kept(jobs):
    answers = iter([RungError("not now"), None])

    def work(ask, job):
        error = next(answers)
        if error:
            raise error
        return Doubled(value=1.0)

    made = make(work)
    assert run(jobs, (made, Slow()))[0][0][0] == "error"
    assert run(jobs, (made, Slow()))[0] == [("answer", {"value": 1.0})]


def test_what_is_not_shared_runs_for_each(jobs):
    counted: list[int] = []

    def work(ask, job):
        counted.append(1)
        return Doubled(value=float(len(counted)))

    made = make(work, shared=False)
    found = run(jobs, (made, Slow()), (made, Slow()))
    assert sorted(events[-1][1]["value"] for events in found) == [1.0, 2.0]


def test_jobs_of_a_lane_run_in_order(jobs):
    order: list[str] = []
    hold = threading.Event()

    def work(ask, job):
        order.append(ask.name)
        assert hold.wait(WAIT)
        return Doubled(value=1.0)

    async def three():
        streams = [jobs.submit(make(work, lane="long"), Slow(name=name)) for name in "abc"]
        hold.set()
        return [await collect(stream) for stream in streams]

    asyncio.run(three())
    assert order == ["a", "b", "c"]


def test_a_lane_that_cannot_get_ready_still_answers(caplog):
    def warm(lane):
        raise ValueError("no such thing")

    found = Jobs(lambda lane: None, warm=warm)
    with caplog.at_level(logging.ERROR, logger="rung.lab"):
        found.start()
        assert one(found, lambda ask, job: Doubled(value=1.0)) == [("answer", {"value": 1.0})]
    assert "no such thing" in caplog.text
    assert found.stop(WAIT)


def test_a_model_that_is_not_there_is_said_by_each_computation_and_not_by_the_start(caplog):
    def warm(lane):
        raise RungError("no such model")

    found = Jobs(lambda lane: None, warm=warm)
    with caplog.at_level(logging.ERROR, logger="rung.lab"):
        found.start()
        assert one(found, lambda ask, job: Doubled(value=1.0)) == [("answer", {"value": 1.0})]
    assert caplog.text == ""
    assert found.stop(WAIT)


def test_a_job_that_does_not_look_up_is_left_behind():
    started, go = threading.Event(), threading.Event()

    def work(ask, job):
        started.set()
        assert go.wait(WAIT)
        return Doubled(value=1.0)

    found = Jobs(lambda lane: None)
    found.start()

    async def stop():
        stream = found.submit(make(work, lane="long"), Slow())
        await asyncio.to_thread(started.wait, WAIT)
        assert not found.stop(0.05)
        with pytest.raises(Busy, match="the lab is stopping"):
            found.submit(make(work), Slow())
        return await collect(stream)

    ((name, value),) = asyncio.run(stop())
    assert (name, value["kind"]) == ("error", "stopped")
    go.set()
    assert found.stop(WAIT)


def test_the_decorator_says_what_is_not_shared():
    @computation("test.x", lane="long", shared=False)
    def made(lab: object, ask: Slow, job: object) -> Doubled:
        return Doubled(value=1.0)

    assert (made.lane, made.shared) == ("long", False)
