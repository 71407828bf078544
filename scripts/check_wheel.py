"""Build wheel and sdist, read them, install into a fresh environment, and run what is there, without Node.

The fresh environment sees the dependencies of the current one through a .pth file, for torch is
too big to install again; an editable rung stays out of sight, because Python does not follow .pth
files from such a folder.
"""

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
MAX_BYTES = 15_000_000  # of the wheel as downloaded; the bundled models are nearly all of it

IMPORT = """
import pathlib, sys, rung
home = pathlib.Path(rung.__file__).resolve()
assert home.is_relative_to(pathlib.Path(sys.prefix).resolve()), f"not the installed copy: {home}"
"""


SHIPPED = {
    "rung/cli/record.schema.json",
    "rung/course/notebooks/part1.ipynb",
    "rung/lab/page.html",
    "rung/lab/static/app.js",
    "rung/lab/static/widget.js",
    "rung/model/bundled/two-layer/model.safetensors",
    "rung/tasks/passages.txt",
    "rung/views/report.css",
}
"""One file of each kind that is no Python; the comparison with src finds the others."""
SDIST = {
    "pyproject.toml", "README.md", "LICENSE", "THIRD_PARTY.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md",
    "SECURITY.md", "Makefile", "constraints.txt", "docs/index.md", "docs/record.schema.json",
    "web/package-lock.json", "web/build.mjs", "tests/packaging/test_wheel.py", "src/rung/__init__.py",
}  # fmt: skip
GENERATED = {"PKG-INFO", ".gitignore"}
STRAY = ("*/__pycache__/*", "*/node_modules/*", "*/build/*", "*/.venv*", "*.pyc", "*.whl", "*/.DS_Store", "*/.*")


class WheelError(Exception):
    """The wheel is not what we would ship; the message says why."""


def environment(path: Path | None = None) -> dict[str, str]:
    """The variables of a user who has neither the source tree nor, given a folder, programs outside of that one."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return kept if path is None else kept | {"PATH": str(path)}


def run(*command: str | Path, cwd: Path, path: Path | None = None) -> str:
    """Run a command and return what it printed; with `path`, programs are found in that folder alone.

    Raises:
        WheelError: the command failed; with all of its output.
    """
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        line = " ".join(str(part) for part in command)
        raise WheelError(f"exit code {done.returncode} from: {line}\n{done.stdout}")
    return done.stdout


def build_wheel(folder: Path, source: Path = ROOT) -> Path:
    """Build the wheel into the folder, with the build tools of this environment (no network, no Node)."""
    return build("--wheel", "rung-*.whl", folder, source)


def build_sdist(folder: Path) -> Path:
    """Build the sdist into the folder, likewise."""
    return build("--sdist", "rung-*.tar.gz", folder, ROOT)


def build(kind: str, names: str, folder: Path, source: Path) -> Path:
    run(
        *(sys.executable, "-m", "build", kind, "--no-isolation", "--outdir", folder, source),
        cwd=folder,
        path=Path(sys.executable).parent,
    )
    (made,) = folder.glob(names)
    return made


def check_sdist(sdist: Path, folder: Path) -> Path:
    """The sdist holds what the repository tracks of its folders, and builds a wheel with the same files.

    Returns that wheel.

    Raises:
        WheelError: a stray file, a missing one, or another wheel.
    """
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "sdist", filter="data")
    (source,) = (folder / "sdist").iterdir()
    found = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    if missing := sorted(SDIST - found):
        raise WheelError(f"not in the sdist: {', '.join(missing)}")
    stray = sorted(name for name in found - GENERATED if any(fnmatch(f"/{name}", each) for each in STRAY))
    unknown = sorted(name for name in found - GENERATED if not (ROOT / name).is_file())
    if stray or unknown:
        raise WheelError(f"stray files in the sdist: {', '.join([*stray, *unknown])}")
    (folder / "from-sdist").mkdir()
    wheel = build_wheel(folder / "from-sdist", source)
    check_contents(wheel)
    return wheel


def check_contents(wheel: Path) -> None:
    """Every file of the package and the licence are in the wheel, and nothing else is.

    Raises:
        WheelError: a file is missing, a file is too many, or the wheel is too big.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    metadata = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    expected = {
        path.relative_to(SOURCE).as_posix()
        for path in (SOURCE / "rung").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != ".DS_Store"
    }
    found = names - metadata
    if missing := sorted(expected - found):
        raise WheelError(f"in src but not in the wheel: {', '.join(missing)}")
    if surplus := sorted(found - expected):
        raise WheelError(f"in the wheel but not in src: {', '.join(surplus)}")
    if "rung/py.typed" not in found:
        raise WheelError("rung/py.typed is missing: type checkers would ignore our types")
    for licence in ("LICENSE", "THIRD_PARTY.md"):
        if not any(name.endswith(f"/licenses/{licence}") for name in metadata):
            raise WheelError(f"{licence} is not in the wheel")
    if absent := sorted(SHIPPED - found):
        raise WheelError(f"not in the wheel: {', '.join(absent)}")
    if (size := wheel.stat().st_size) > MAX_BYTES:
        raise WheelError(f"the wheel has {size / 1e6:.1f} MB, {MAX_BYTES / 1e6:.0f} MB are allowed")


def install_wheel(wheel: Path, folder: Path) -> Path:
    """Install the wheel alone into a fresh environment and return the folder of its programs."""
    home = folder / "fresh"
    venv.create(home, with_pip=False, symlinks=True)
    programs = home / "bin"
    pip = (sys.executable, "-m", "pip", "--python", programs / "python")
    run(
        *(*pip, "install", "--disable-pip-version-check", "-q"),
        *("--no-deps", "--no-index", wheel),
        cwd=folder,
    )
    (packages,) = home.glob("lib/python*/site-packages")
    here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "dependencies.pth").write_text("".join(f"{path}\n" for path in sorted(here)))
    return programs


def check_import(programs: Path, folder: Path) -> None:
    """The installed copy, not the source tree, can be imported from an unrelated folder."""
    run(programs / "python", "-c", IMPORT, cwd=folder)


def check_command(programs: Path, folder: Path) -> None:
    """`rung --version` and `rung --help` end with exit code 0; the first names the version."""
    version = run(
        *(
            programs / "python",
            "-c",
            "from importlib.metadata import version as v; print(v('rung'))",
        ),
        cwd=folder,
    ).strip()
    printed = run(programs / "rung", "--version", cwd=folder)
    if version not in printed:
        raise WheelError(f"rung --version printed {printed!r}, the wheel's version is {version}")
    run(programs / "rung", "--help", cwd=folder)


def check_proof(programs: Path, folder: Path) -> None:
    """`rung prove induction` of the installed wheel finds the circuit and proves its mechanism, and says the same as
    JSON, in the schema that the wheel has.
    """
    printed = run(
        *(programs / "rung", "prove", "induction", "--model", "two-layer-tiny", "--json", "--quiet"),
        *("--require", "mechanism"),
        cwd=folder,
        path=programs,
    )
    schema = json.loads(run(programs / "rung", "schema", "record", cwd=folder, path=programs))
    fields = set(json.loads(printed))
    if fields != set(schema["properties"]):
        raise WheelError(f"rung prove --json printed the fields {sorted(fields)}, not those of its schema")


def check_lab(programs: Path, folder: Path) -> None:
    """`rung lab` of the installed wheel serves its page, runs a computation, and stops at Ctrl-C."""
    lab = subprocess.Popen(
        [programs / "rung", "lab", "--no-browser", "--quiet"],
        cwd=folder,
        env=environment(programs),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert lab.stdout is not None
        address = lab.stdout.readline().strip()
        if not address.startswith("http://127.0.0.1:"):
            raise WheelError(f"rung lab printed {address!r}, not its address")
        cookies = HTTPCookieProcessor()
        browser = build_opener(ProxyHandler({}), cookies)
        page = browser.open(address, timeout=60).read().decode()
        base = address.partition("/?")[0]
        for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
            browser.open(base + path, timeout=60).read()
        asked = Request(
            f"{base}/api/run",
            data=b'{"computation": "workbench.open", "ask": {}}',
            headers={"content-type": "application/json"},
        )
        stream = browser.open(asked, timeout=120).read().decode()
        if "event: answer" not in stream:
            raise WheelError(f"rung lab answered: {stream}")
    except OSError as error:
        raise WheelError(f"rung lab does not answer: {error}") from None
    finally:
        lab.send_signal(signal.SIGINT)
        try:
            _, said = lab.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            lab.kill()
            _, said = lab.communicate()
    if lab.returncode != 0:
        raise WheelError(f"rung lab ended with exit code {lab.returncode}: {said}")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="rung-wheel-") as name:
        folder = Path(name)
        try:
            wheel, sdist = build_wheel(folder), build_sdist(folder)
            check_contents(wheel)
            check_sdist(sdist, folder)
            programs = install_wheel(wheel, folder)
            check_import(programs, folder)
            check_command(programs, folder)
            check_proof(programs, folder)
            check_lab(programs, folder)
        except WheelError as error:
            print(f"check_wheel: {error}", file=sys.stderr)
            return 1
        for made in (wheel, sdist):
            print(f"{made.name}: {made.stat().st_size / 1e6:.2f} MB, builds, installs and runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
