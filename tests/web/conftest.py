"""A lab that runs, and a page in Chromium that fails its test on any request that is not local and on any error.

Without a browser these tests are left out, and say how to get one; with RUNG_CI set that is a failure.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import torch

import rung

ROOT = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
WAIT_MS = 30_000
"""How long a test waits for what it expects to see, on a machine that other tests keep busy."""

_missing = None if shutil.which(CHROMIUM) else f"{CHROMIUM} is missing: apt-get install chromium runs the browser tests"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser these tests are skipped, except where CI asks for them."""
    for item in items:
        if _missing and not os.environ.get("RUNG_CI") and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=_missing))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    assert _missing is None, _missing
    return {"executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    return {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light", "reduced_motion": "reduce"}


@pytest.fixture(scope="session")
def lab_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address, with its token, of a lab that serves this checkout."""
    command = [sys.executable, "-m", "rung", "lab", "--no-browser", "--threads", "1"]
    home = tmp_path_factory.mktemp("lab-home")
    own = str(Path(rung.__file__).parents[1])  # the checkout that is tested, also from another folder
    environ = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": own}
    lab = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home, env=environ)
    assert lab.stdout is not None and lab.stderr is not None
    try:
        found = re.search(r"http://\S+", lab.stdout.readline())
        assert found, lab.stderr.read()
        yield found[0]
    finally:
        lab.terminate()
        lab.communicate(timeout=30)


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    """Numbers are read off tensors; torch warns of those that could be trained, once a process."""
    with torch.no_grad():
        yield


class Guards:
    """What went wrong on a page without a word to its reader."""

    def __init__(self, page: Any, origin: str) -> None:
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self._origin = origin
        page.on("request", self._request)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"page error: {error}"))

    def _request(self, request: Any) -> None:
        scheme = urlsplit(request.url).scheme
        if scheme not in ("data", "blob", "about") and not request.url.startswith(self._origin):
            self.foreign.append(request.url)

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(f"console: {message.text}")

    def check(self) -> None:
        """Fails on any request that left this machine, and on any error."""
        assert not self.foreign, f"not local: {self.foreign}"
        assert not self.errors, self.errors


@pytest.fixture
def origin(lab_url: str) -> str:
    parts = urlsplit(lab_url)
    return f"{parts.scheme}://{parts.netloc}"


@pytest.fixture
def guards(page: Any, origin: str) -> Guards:
    """The guards of `page`; a test that expects an error takes it out of `guards.errors`."""
    return Guards(page, origin)


@pytest.fixture
def opened(page: Any, guards: Guards, lab_url: str) -> Iterator[Callable[..., Any]]:
    """opened(query="", section=None): the page with these settings, scrolled to a section; guarded to its end."""
    page.set_default_timeout(WAIT_MS)

    def go(query: str = "", section: int | None = None) -> Any:
        page.goto(lab_url + (f"&{query}" if query else ""))
        page.locator("main section").first.wait_for()
        if section is not None:
            page.locator(f"#section-{section}").scroll_into_view_if_needed()
        return page

    yield go
    guards.check()


@pytest.fixture
def axe() -> Callable[[Any], list[str]]:
    """axe(page, selector="main"): what axe finds in light and in dark, a line each."""
    if not AXE.is_file():
        if os.environ.get("RUNG_CI"):
            pytest.fail(f"{AXE} is missing: make web installs it")
        pytest.skip(f"{AXE.name} is missing: make web installs it (it needs Node)")
    source = AXE.read_text()

    def run(page: Any, selector: str = "body") -> list[str]:
        found = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(100)
            # Through the debugger's world: the page's own policy allows no other script, and stays as it is.
            page.evaluate(source + ";0") if not page.evaluate("typeof axe !== 'undefined'") else None
            report = page.evaluate("selector => axe.run(selector)", selector)
            found += [
                f"{scheme}: {one['id']} at {', '.join(str(node['target']) for node in one['nodes'][:3])}: {one['help']}"
                for one in report["violations"]
            ]
        page.emulate_media(color_scheme="light")
        return found

    return run
