"""Build the wheel, read it, install it into a fresh environment, and run it there.

The fresh environment sees the dependencies of the current one through a .pth file, for torch is
too big to install again; an editable rung stays out of sight, because Python does not follow .pth
files from such a folder.
"""

import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
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


class WheelError(Exception):
    """The wheel is not what we would ship; the message says why."""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command and return what it printed.

    Raises:
        WheelError: the command failed; with all of its output.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        line = " ".join(str(part) for part in command)
        raise WheelError(f"exit code {done.returncode} from: {line}\n{done.stdout}")
    return done.stdout


def build_wheel(folder: Path) -> Path:
    """Build the wheel into the folder, with the build tools of this environment (no network)."""
    run(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT),
        cwd=folder,
    )
    (wheel,) = folder.glob("rung-*.whl")
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
    if not any(name.endswith("/licenses/LICENSE") for name in metadata):
        raise WheelError("the licence is not in the wheel")
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


def check_lab(programs: Path, folder: Path) -> None:
    """`rung lab` of the installed wheel serves its page, runs a computation, and stops at Ctrl-C."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    lab = subprocess.Popen(
        [programs / "rung", "lab", "--no-browser", "--quiet"],
        cwd=folder,
        env=environment,
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
            wheel = build_wheel(folder)
            check_contents(wheel)
            programs = install_wheel(wheel, folder)
            check_import(programs, folder)
            check_command(programs, folder)
            check_lab(programs, folder)
        except WheelError as error:
            print(f"check_wheel: {error}", file=sys.stderr)
            return 1
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB, builds, installs and runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
