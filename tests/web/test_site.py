"""The documentation site in a browser: it fits a telephone, its search finds, and it asks other servers nothing."""

import re
import runpy
import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of the built site."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    (folder / "src").symlink_to(ROOT / "src")
    code, said = runpy.run_path(str(ROOT / "scripts" / "docs.py"))["build"](folder)
    assert code == 0, said
    handler = partial(Quiet, directory=str(folder / "build" / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def origin(site_url: str) -> str:
    """What the guards take for local."""
    return site_url


@pytest.mark.parametrize("name", ["index", "quickstart", "errors/SiteError", "reference/python", "soundness"])
def test_a_page_fits_a_telephone_and_loads_nothing_from_elsewhere(page, guards, site_url, name):
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{site_url}/{name}.html", wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    guards.check()


def test_the_search_finds_a_word(page, guards, site_url):
    page.goto(f"{site_url}/quickstart.html", wait_until="networkidle")
    page.keyboard.press("Control+k")
    page.locator("input:focus").fill("faithfulness")
    page.get_by_text(re.compile(r"^[1-9]\d* results$")).wait_for()
    page.locator("input:focus").fill("xyzzy")
    page.get_by_text(re.compile(r"^0 results$|^No results$")).wait_for()
    guards.check()
