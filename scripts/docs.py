"""Builds the documentation site from docs/: `make docs`, or `python scripts/docs.py`.

The page of commands is written from their own help first (build/docs/commands.md, which reference/commands.md
includes). Whatever the builder warns of is an error. So are a page that the navigation lacks or names in vain, a link
that leads nowhere, and anything that a page would load from another server.
"""

import html
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]


def command_sections(command: Any, name: str = "rung", parent: Any = None) -> Iterator[str]:
    """A section for a command of click, then for each of its own."""
    context = command.make_context(name.rpartition(" ")[2], [], parent=parent, resilient_parsing=True)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    yield f"## {name}\n\n```text\n{usage}\n```\n\n{prose(command.help or '')}\n{options(command, context)}"
    for inner in getattr(command, "commands", {}).values():
        yield from command_sections(inner, f"{name} {inner.name}", context)


def prose(text: str) -> str:
    r"""The help as Markdown: a paragraph that begins with \b keeps its lines."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph.lstrip().startswith("\b"):
            title, *lines = paragraph.replace("\b", "").strip("\n").split("\n")
            indented = bool(lines) and all(line.startswith("  ") for line in lines)
            head, body = (f"{plain(title)}:\n\n", lines) if indented else ("", [title, *lines])
            block = "```text\n" + "\n".join(line.removeprefix("  ") for line in body) + "\n```\n"
            parts.append(head + block if len(body) > 1 or indented else f"{plain(title)}\n")
        else:
            parts.append(f"{plain(paragraph)}\n")
    return "\n".join(parts)


def plain(text: str) -> str:
    """Text on one line, in which Markdown sees no mark of its own."""
    return re.sub(r"([\\*_\[\]|])", r"\\\1", html.escape(" ".join(text.split()), quote=False))


def options(command: Any, context: Any) -> str:
    """A table of arguments and options, as --help words them."""
    records = [found for one in command.get_params(context) if (found := one.get_help_record(context))]
    rows = [f"| `{names}` | {plain(said)} |" for names, said in records]
    return "\n".join(["| argument or option | |", "|---|---|", *rows, ""])


def pages_of(nav: Any) -> Iterator[str]:
    """The files that a navigation names."""
    if isinstance(nav, str):
        yield nav
    else:
        for item in nav.values() if isinstance(nav, dict) else nav:
            yield from pages_of(item)


def navigation_faults(root: Path) -> list[str]:
    """Pages that the navigation lacks, and those that it names and that are not there."""
    named = list(pages_of(tomllib.loads((root / "zensical.toml").read_text("utf-8"))["project"]["nav"]))
    there = {page.relative_to(root / "docs").as_posix() for page in (root / "docs").rglob("*.md")}
    return [
        *(f"{page} is in docs/, and not in the navigation of zensical.toml" for page in sorted(there - {*named})),
        *(f"{page} is in the navigation of zensical.toml, and not in docs/" for page in sorted({*named} - there)),
    ]


LOADED = {
    "link": "href", "script": "src", "img": "src", "source": "src", "iframe": "src", "video": "src", "audio": "src",
    "embed": "src", "object": "data", "input": "src", "use": "href", "image": "href", "track": "src",
}  # fmt: skip
"""What a browser loads by itself, and by which attribute."""
IN_STYLE = re.compile(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""")


class Page(HTMLParser):
    """The anchors of a page, what it links to, and what a browser loads with it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.anchors = path, {""}
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if found.get(LOADED.get(tag, "")):
            self.loads.append(found[LOADED[tag]])
        self.loads += [part.split()[0] for part in found.get("srcset", "").split(",") if part.strip()]
        self.loads += styled(found.get("style", ""))

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style":
            self.loads += styled(data)


def styled(text: str) -> list[str]:
    """What a style loads."""
    return [one or other for one, other in IN_STYLE.findall(text)]


def faults_of_site(site: Path) -> list[str]:
    """Links to pages or anchors that are not in a site, and what it loads from another server."""
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    loads = [(page.path, load) for page in pages.values() for load in page.loads]
    loads += [(sheet, load) for sheet in site.rglob("*.css") for load in styled(sheet.read_text("utf-8"))]
    links = [(page.path, link) for page in pages.values() for link in page.links]
    faults = [f"{path.name} loads {load} from another server" for path, load in loads if _foreign(load, ("", "data"))]
    for path, link in [*links, *loads]:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or path.name == "404.html":  # its links begin at the root of a server
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
        target = target / "index.html" if target.is_dir() else target
        if not target.exists() or (target in pages and unquote(parts.fragment) not in pages[target].anchors):
            faults.append(f"{path.name} links to {link}, which is not there")
    return sorted(set(faults))


def _foreign(load: str, own: tuple[str, ...]) -> bool:
    parts = urlsplit(load)
    return parts.scheme not in own or bool(parts.netloc)


def build(root: Path) -> tuple[int, str]:
    """Builds root/docs into root/build/site; 0 and what was said, or another number and what was wrong."""
    from typer.main import get_command

    from rung.cli import app

    faults = navigation_faults(root)
    if faults:
        return 1, "\n".join(faults)
    made = root / "build" / "docs"
    made.mkdir(parents=True, exist_ok=True)
    sections = list(command_sections(get_command(app)))
    (made / "commands.md").write_text("\n".join(sections), encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        warned, _, _ = done.stderr.partition("Traceback (most recent call last)")
        return done.returncode, done.stdout + (warned if "--strict" in done.stderr else done.stderr)
    faults = faults_of_site(root / "build" / "site")
    return len(faults), "\n".join(faults)


def main() -> None:
    """Builds the site of this checkout."""
    code, said = build(ROOT)
    if code:
        sys.exit(f"{said}\nmake docs: the site has faults")
    print(ROOT / "build" / "site" / "index.html")
    print("or, with the search: python -m http.server -b 127.0.0.1 -d build/site")


if __name__ == "__main__":
    main()
