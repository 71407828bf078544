"""The wheel as a user gets it; the checks themselves are in scripts/check_wheel.py."""

import runpy
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
check = SimpleNamespace(**runpy.run_path(str(ROOT / "scripts" / "check_wheel.py")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wheel")


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    return check.build_wheel(folder)


@pytest.fixture(scope="module")
def programs(wheel: Path, folder: Path) -> Path:
    return check.install_wheel(wheel, folder)


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    check.check_contents(wheel)


def test_the_sdist_builds_the_same_wheel(folder: Path, wheel: Path) -> None:
    again = check.check_sdist(check.build_sdist(folder), folder)
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


@pytest.mark.parametrize("change", ["a file too many", "no licence", "no page"])
def test_a_changed_wheel_is_refused(change: str, wheel: Path, tmp_path: Path) -> None:
    made = tmp_path / wheel.name
    dropped = {"no licence": "/licenses/THIRD_PARTY.md", "no page": "rung/lab/page.html"}.get(change)
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(made, "w") as copy:
        for name in source.namelist():
            if not (dropped and name.endswith(dropped)):
                copy.writestr(name, source.read(name))
        if dropped is None:
            copy.writestr("rung/notes.txt", "left behind")
    with pytest.raises(check.WheelError, match=r"notes\.txt|THIRD_PARTY|page\.html"):
        check.check_contents(made)


def test_the_installed_package_imports(programs: Path, folder: Path) -> None:
    check.check_import(programs, folder)


def test_the_installed_command_runs(programs: Path, folder: Path) -> None:
    check.check_command(programs, folder)


def test_the_installed_command_proves_induction(programs: Path, folder: Path) -> None:
    check.check_proof(programs, folder)


def test_the_installed_lab_serves_its_page(programs: Path, folder: Path) -> None:
    check.check_lab(programs, folder)
