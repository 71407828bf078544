"""What `pip install rung` brings: installs the wheel into a fresh environment and weighs each distribution.

    python scripts/measure_install.py              build the wheel, install it, print the table
    python scripts/measure_install.py --page       write docs/install.md too

The versions are those of constraints.txt, and torch is the CPU build that pip finds; it is installed in full, so this
takes minutes and a network, or a folder of wheels. Exit code 1: more distributions or megabytes than are allowed.
"""

from __future__ import annotations

import datetime
import platform
import runpy
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
MOST_DISTRIBUTIONS, MOST_MEGABYTES = 45, 90
APART = ("torch", "numpy", "scipy")
"""What a machine for this work has already; torch with all that it pulls."""
FRAME = """# What an installation brings

`pip install rung` into an empty environment, measured by `scripts/measure_install.py` on {date} with the versions of
constraints.txt ({machine}, torch {torch}): **{count} distributions** (at most {most} are allowed),
**{megabytes:.1f} MB** besides torch with what it pulls, numpy and scipy (at most {limit} MB), and {whole:.0f} MB
in all. The wheel has {wheel:.1f} MB, most of it the bundled models. No compiler and no Node is needed.

| distribution | MB | counted |
|---|---:|---|
{rows}

## Other Pythons

`make other-pythons` runs the tests under Python 3.12 and 3.13, with torch 2.13.0+cu130: the package index has torch for
these two only as a build for CUDA, several gigabytes an environment. On 2026-11-27, without a GPU:

| Python | commit | passed | failed | skipped |
|---|---|---:|---:|---:|
| 3.13.0 | 4c0bbe5 | 9,207 | 1 | 33 |
| 3.12.1 | 34cb322 | 9,160 | 0 | 33 |

Eight of the tests under 3.13 were run separately, after a package that they need had been installed. The one that
failed compared published JSON Schemas, whose descriptions are docstrings: Python 3.13 dedents these. They are dedented
everywhere since, and the test passes.
"""


def install(wheel: Path, home: Path) -> Path:
    """Installs the wheel with all that it needs into a fresh environment, and returns its site-packages."""
    venv.create(home, with_pip=False, symlinks=True)
    pip = (sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install", "-q")
    subprocess.run([*pip, "--disable-pip-version-check", "-c", str(ROOT / "constraints.txt"), str(wheel)], check=True)
    (packages,) = home.glob("lib/python*/site-packages")
    return packages


def pulled(name: str, found: Mapping[str, Distribution]) -> set[str]:
    """The distribution of this name with all that it needs, and that these need."""
    todo, seen = [name], set()
    while todo:
        if (one := todo.pop()) in seen or one not in found:
            continue
        seen.add(one)
        needs = map(Requirement, found[one].requires or ())
        todo += [canonicalize_name(each.name) for each in needs if each.marker is None or each.marker.evaluate()]
    return seen


def megabytes(one: Distribution) -> float:
    """The size of all its files, byte code included."""
    files = (Path(str(file.locate())) for file in one.files or ())
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def lines(found: Mapping[str, Distribution], sizes: Mapping[str, float], apart: set[str]) -> Iterator[str]:
    for name in sorted(found, key=lambda name: -sizes[name]):
        yield f"| {name} {found[name].version} | {sizes[name]:.1f} | {'no' if name in apart else 'yes'} |"


def main() -> int:
    build_wheel = runpy.run_path(str(ROOT / "scripts" / "check_wheel.py"))["build_wheel"]
    with tempfile.TemporaryDirectory(prefix="rung-install-") as name:
        wheel = build_wheel(Path(name))
        packages = install(wheel, Path(name) / "fresh")
        found = {canonicalize_name(one.name): one for one in distributions(path=[str(packages)])}
        apart = pulled("torch", found) | set(APART)
        sizes = {each: megabytes(one) for each, one in found.items()}
        counted = sum(size for each, size in sizes.items() if each not in apart)
        page = FRAME.format(
            date=datetime.date.today(), machine=f"Python {platform.python_version()}, {sys.platform}",
            torch=found["torch"].version, count=len(found), most=MOST_DISTRIBUTIONS, megabytes=counted,
            limit=MOST_MEGABYTES, whole=sum(sizes.values()), wheel=wheel.stat().st_size / 1e6,
            rows="\n".join(lines(found, sizes, apart)),
        )  # fmt: skip
    print(page)
    if "--page" in sys.argv:
        (ROOT / "docs" / "install.md").write_text(page, "utf-8")
    return int(len(found) > MOST_DISTRIBUTIONS or counted > MOST_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
