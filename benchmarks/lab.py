"""What the lab costs: time to its address and to its page, from a click to the number, and many readers at once.

Times in the page are Chromium's own: first contentful paint since the navigation began, and from the click on "Hook it"
(one head of the bundled model, asked for the first time) to the frame that shows the changed number. Then fifty readers
ask for fifty different sweeps of all heads at once, and another asks for single ablations meanwhile; memory is the peak
of the server's process (Linux). Without Chromium and Playwright the page's times are left out.
`python benchmarks/lab.py`.
"""

import argparse
import itertools
import json
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import torch
from peers import machine

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READERS = 50
STARTS, LOADS = 5, 20

PAINT = """() => new Promise(done => new PerformanceObserver((list, observer) => {
  const found = list.getEntriesByName('first-contentful-paint');
  if (found.length) { observer.disconnect(); done(found[0].startTime); }
}).observe({type: 'paint', buffered: true}))"""
CLICK = """() => new Promise(done => {
  const panel = document.querySelector('rung-s08-edit');
  const number = () => panel.querySelector('[data-number=change]').textContent;
  const before = number();
  const observer = new MutationObserver(() => {
    if (number() === before) return;
    observer.disconnect();
    requestAnimationFrame(() => done(performance.now() - start));
  });
  observer.observe(panel, {subtree: true, childList: true, characterData: true});
  const start = performance.now();
  panel.querySelector('[data-act=ablate]').click();
})"""


@contextmanager
def lab() -> Iterator[tuple[subprocess.Popen[str], str, float]]:
    """A running lab, its address, and the milliseconds until it was printed."""
    begin = time.perf_counter()
    found = subprocess.Popen(
        [sys.executable, "-m", "rung", "lab", "--no-browser", "--quiet"], stdout=subprocess.PIPE, text=True
    )
    assert found.stdout is not None
    address = found.stdout.readline().strip()
    took = 1e3 * (time.perf_counter() - begin)
    try:
        yield found, address, took
    finally:
        found.send_signal(signal.SIGINT)
        found.wait(30)


@contextmanager
def reader(address: str) -> Iterator[httpx.Client]:
    """A client that was let in."""
    with httpx.Client(base_url=address.partition("/?")[0], timeout=600, trust_env=False) as made:
        made.get(address)
        yield made


def ask(client: httpx.Client, computation: str, **values: object) -> str:
    """How a request ended: answer, error, or the status that refused it."""
    answer = client.post("/api/run", json={"computation": computation, "ask": values})
    events = re.findall(r"^event: (\w+)$", answer.text, re.MULTILINE)
    return events[-1] if events else str(answer.status_code)


def peak(process: subprocess.Popen[str]) -> float:
    """The process's peak memory in MB; nan where the system does not say."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    except OSError:
        return float("nan")
    return int(found[1]) / 1e3 if found else float("nan")


def row(what: str, values: Sequence[float]) -> None:
    """One line: median and 95th percentile."""
    ordered = sorted(values)
    high = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    print(f"{what:56} p50 {statistics.median(ordered):7.0f} ms   p95 {high:7.0f} ms   n {len(ordered)}")


def measure_start() -> None:
    times, answers = [], []
    for _ in range(STARTS):
        begin = time.perf_counter()
        with lab() as (_, address, took), reader(address) as client:
            times.append(took)
            assert ask(client, "workbench.open") == "answer"
            answers.append(1e3 * (time.perf_counter() - begin))
    row("from the command to the address", times)
    row("from the command to the first answer of the model", answers)


def measure_page() -> None:
    try:
        from playwright.sync_api import expect, sync_playwright
    except ImportError:
        print("the page: left out, Playwright is not installed")
        return
    if not Path(CHROMIUM).exists():
        print(f"the page: left out, there is no {CHROMIUM}")
        return
    with lab() as (_, address, _took), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.goto(address)
        paints = []
        for _ in range(LOADS):
            page.goto(address.partition("?")[0])
            paints.append(page.evaluate(PAINT))
        row("first contentful paint", paints)
        panel = page.locator("rung-s08-edit")
        panel.scroll_into_view_if_needed()
        panel.locator("[data-act=run]").click()
        panel.locator("[data-number=change]").wait_for()
        clicks = []
        for layer, head, put in itertools.product((1, 0), range(4), ("mean", "zero", "resample", "patch")):
            for key, value in (("layer", layer), ("head", head), ("put", put)):
                panel.locator(f"select[data-key={key}]").select_option(str(value))
            clicks.append(page.evaluate(CLICK))
            panel.locator("[data-act=undo]").click()
            expect(panel.locator("[data-number=change]")).to_have_text(re.compile(r"^[+−-]?0\.00$"))
        row("from the click on Hook it to the changed number", clicks)
        browser.close()


def measure_readers() -> None:
    with lab() as (process, address, _took), reader(address) as other:
        edit = {"length": 24, "sequences": 8, "query": None, "show": None}
        assert ask(other, "measure.edit", seed=10_000, moves=[], **edit) == "answer"
        before = peak(process)
        ended: list[str] = []

        def sweep(seed: int) -> None:
            with reader(address) as client:
                ended.append(ask(client, "measure.sweep", length=24, sequences=16, seed=seed, put="mean"))

        quick = []
        begin = time.perf_counter()
        with ThreadPoolExecutor(READERS) as pool:
            running = [pool.submit(sweep, seed) for seed in range(READERS)]
            for seed in itertools.count(20_000):
                if all(one.done() for one in running):
                    break
                start = time.perf_counter()
                moves = [{"layer": 1, "site": "z", "head": 0, "put": "zero", "positions": None}]
                assert ask(other, "measure.edit", seed=seed, moves=moves, **edit) == "answer"
                quick.append(1e3 * (time.perf_counter() - start))
        took = time.perf_counter() - begin
        counted = {name: ended.count(name) for name in sorted(set(ended))}
        print(f"{READERS} readers, each a sweep of its own: {json.dumps(counted)} in {took:.1f} s")
        row("a single ablation meanwhile, by HTTP", quick)
        print(f"peak memory of the server: {before:.0f} MB before, {peak(process):.0f} MB after")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["start", "page", "readers"], help="only this  [default: all]")
    part = parser.parse_args().part
    print(machine(torch.get_num_threads()))
    for name, measure in (("start", measure_start), ("page", measure_page), ("readers", measure_readers)):
        if part in (None, name):
            measure()


if __name__ == "__main__":
    main()
