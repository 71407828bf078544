"""The documentation site: it builds without a warning, is whole, leads somewhere, and asks nothing of other servers."""

import re
import runpy
import shutil
from pathlib import Path

import pytest
from typer.main import get_command

import rung
from rung.cli import app

ROOT = Path(__file__).parents[2]
DOCS = runpy.run_path(str(ROOT / "scripts" / "docs.py"))


def project(folder, pages_of_it):
    """A project with the site's settings and these pages."""
    settings = (ROOT / "zensical.toml").read_text("utf-8")
    nav = "nav = [" + ", ".join(f'"{name}"' for name in pages_of_it) + "]"
    (folder / "docs").mkdir()
    (folder / "zensical.toml").write_text(re.sub(r"^nav = \[.*?^\]", nav, settings, flags=re.S | re.M), "utf-8")
    (folder / "src").symlink_to(ROOT / "src")
    shutil.copy(ROOT / "docs" / "extra.css", folder / "docs")
    for name, text in pages_of_it.items():
        (folder / "docs" / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    (folder / "src").symlink_to(ROOT / "src")
    code, said = DOCS["build"](folder)
    assert code == 0, said
    return folder / "build" / "site"


def test_every_page_is_built(site):
    for page in (ROOT / "docs").rglob("*.md"):
        built = site / page.relative_to(ROOT / "docs").with_suffix(".html")
        assert re.search(r"<h1[ >]", built.read_text("utf-8")), built


def test_nothing_is_loaded_from_another_server_and_every_link_leads_somewhere(site):
    assert len(list(site.rglob("*.html"))) > 40
    assert DOCS["faults_of_site"](site) == []


def test_the_reference_has_every_public_name_and_every_command(site):
    anchors = {anchor for path in (site / "reference").glob("*.html") for anchor in DOCS["Page"](path).anchors}
    assert {f"rung.{name}" for name in rung.__all__} <= anchors
    assert {"rung.HookedTransformer.run_with_cache", "rung.ModelConfig.d_head"} <= anchors
    commands = DOCS["Page"](site / "reference" / "commands.html").anchors
    assert {f"rung-{name}" for name in get_command(app).commands} <= commands
    assert "--require" in (site / "reference" / "commands.html").read_text("utf-8")


def test_a_site_without_faults_builds(tmp_path):
    folder = project(tmp_path, {"index.md": "# One\n\n[two](two.md#a-part)\n", "two.md": "# Two\n\n## A part\n"})
    code, said = DOCS["build"](folder)
    assert code == 0, said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[x](nowhere.md)", "does not exist"),
        ("[x](two.md#nowhere)", "anchor"),
        ("![x](none.png)", "links to none.png, which is not there"),
        ("::: rung.nothing", "rung.nothing"),
        ('--8<-- "none.md"', "SnippetMissingError"),
    ],
)
def test_a_warning_fails_the_build(text, told, tmp_path):
    folder = project(tmp_path, {"index.md": f"# One\n\n{text}\n", "two.md": "# Two\n"})
    code, said = DOCS["build"](folder)
    assert code != 0
    assert told in said, said


def test_a_page_outside_the_navigation_and_one_that_is_missing_fail_the_build(tmp_path):
    folder = project(tmp_path, {"index.md": "# One\n", "two.md": "# Two\n"})
    (folder / "docs" / "two.md").rename(folder / "docs" / "three.md")
    code, said = DOCS["build"](folder)
    assert code == 1
    assert "three.md is in docs/, and not in the navigation" in said
    assert "two.md is in the navigation of zensical.toml, and not in docs/" in said


def test_what_comes_from_elsewhere_and_what_leads_nowhere_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<link rel=stylesheet href="https://fonts.example/x.css"><script src="//cdn.example/x.js"></script>'
        '<img srcset="pic.png 1x, https://img.example/2.png 2x"><p style="background: url(http://bg.example/b.png)">'
        '<a href="https://fine.example">a link is not loaded</a><a href="b.html">b</a><a href="#here">c</a>',
        "utf-8",
    )
    (tmp_path / "s.css").write_text('@import "https://css.example/x.css"; b { src: url(data:font/woff2;base64,AA) }')
    assert DOCS["faults_of_site"](tmp_path) == [
        "a.html links to #here, which is not there",
        "a.html links to b.html, which is not there",
        "a.html links to pic.png, which is not there",
        "a.html loads //cdn.example/x.js from another server",
        "a.html loads http://bg.example/b.png from another server",
        "a.html loads https://fonts.example/x.css from another server",
        "a.html loads https://img.example/2.png from another server",
        "s.css loads https://css.example/x.css from another server",
    ]
