"""The wheel as a user gets it; the checks themselves are in scripts/check_wheel.py."""

import runpy
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


def test_the_installed_package_imports(programs: Path, folder: Path) -> None:
    check.check_import(programs, folder)


def test_the_installed_command_runs(programs: Path, folder: Path) -> None:
    check.check_command(programs, folder)


def test_the_installed_lab_serves_its_page(programs: Path, folder: Path) -> None:
    check.check_lab(programs, folder)
