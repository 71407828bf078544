from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rung.model.model import HookedTransformer


class FakeLab:
    """A lab without a server: models are loaded once a test run."""

    names = ("two-layer", "two-layer-tiny", "two-layer-full", "two-layer-redundant", "one-layer", "zero-layer")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._models: dict[str, HookedTransformer] = {}
        self._kept: dict[str, Any] = {}

    def model(self, name: str) -> HookedTransformer:
        if name not in self._models:
            self._models[name] = HookedTransformer.from_pretrained(name)
        return self._models[name]

    def keep(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]


class FakeJob:
    """Remembers the progress that it was told."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int]] = []

    def progress(self, step: str, done: int, total: int) -> None:
        self.steps.append((step, done, total))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> FakeLab:
    return FakeLab(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def job() -> FakeJob:
    return FakeJob()
