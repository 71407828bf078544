"""What a name means: a folder or a GGUF file, a bundled model, a fetched one, a repository of the hub.

Nothing is downloaded here, and no network is asked; `fetch` does that where a repository is not on this machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..errors import CheckpointError, FetchError, PickleRefused, near
from . import hub
from .catalog import PICKLED, SHORT_NAMES, WHEELS
from .checkpoint_reader import refuse_pickle
from .hub import Repository
from .paths import BUNDLED, bundled_names, fetched_folder, fetched_names


class ModelLocation(NamedTuple):
    """Where a model lies on this machine: a folder, or a GGUF file."""

    path: Path
    name: str
    """What reports call it."""
    notes: tuple[str, ...] = ()


def resolve_model(name: str | Path, revision: str | None = None) -> ModelLocation | Repository:
    """Where the model called `name` lies, or the repository of the hub that it means.

    Raises CheckpointError, with near names, if nothing is called that.
    """
    location = local_location(name)
    if location is not None:
        if revision is not None:
            raise CheckpointError(
                f"revision {revision!r} was asked for, and {location.path} is no repository of the hub"
            )
        return location
    asked = str(name)
    if asked in WHEELS:
        raise FetchError(f"{asked} is not here yet; this fetches it, once: rung fetch {asked}")
    if asked.lower() in PICKLED:
        raise PickleRefused(
            f"{asked} is {PICKLED[asked.lower()]}, published as a pickle, which can run code when opened; Rung does "
            f"not open it. Models of that kind ship with Rung: {', '.join(bundled_names())}"
        )
    repository = hub.parse(SHORT_NAMES.get(asked.lower(), asked), revision)
    if repository is None:
        raise CheckpointError(_unknown(asked))
    return repository


def resolve_folder(name: str | Path) -> Path:
    """The folder on this machine that `name` means: itself, a bundled model's or a fetched one's. Raises
    CheckpointError.
    """
    location = local_location(name)
    if location is None:
        raise CheckpointError(_unknown(str(name)))
    if location.path.is_file():
        raise CheckpointError(f"{location.path} is a file; give the folder that holds it beside its config.json")
    return location.path


def local_location(name: str | Path) -> ModelLocation | None:
    """Where a folder, file, bundled or fetched model of this name lies; None if there is none."""
    try:
        path = Path(name).expanduser()
    except RuntimeError:  # "~nobody": no such user, so no such folder
        path = Path(name)
    if path.is_dir():
        return ModelLocation(_only_gguf(path) or path, path.resolve().name)
    if path.is_file():
        refuse_pickle([path])
        if path.suffix != ".gguf":
            raise CheckpointError(f"{path} is a file; give the folder that holds it beside its config.json")
        return ModelLocation(path, path.stem)
    for names, root in ((bundled_names(), BUNDLED), (fetched_names(), fetched_folder())):
        if str(name) in names:
            return ModelLocation(root / str(name), str(name))
    return None


def downloaded_models() -> list[str]:
    """Every model that was fetched and needs no network: Rung's own, and what the hub's cache has whole."""
    return [*fetched_names(), *hub.downloaded()]


def _only_gguf(folder: Path) -> Path | None:
    """The GGUF of a folder that is otherwise no checkpoint. Raises CheckpointError where there are several."""
    found = sorted(folder.glob("*.gguf"))
    if not found or (folder / "config.json").exists():
        return None
    if len(found) > 1:
        raise CheckpointError(
            f"{folder} holds {len(found)} GGUF files; give the one that is meant: {', '.join(map(str, found[:3]))}"
        )
    return found[0]


def _unknown(name: str) -> str:
    bundled = bundled_names()
    known = f"bundled models: {', '.join(bundled)}." if bundled else "no models are bundled."
    others = near(name.lower(), dict.fromkeys([*bundled, *fetched_names(), *WHEELS, *SHORT_NAMES]))
    return (
        f"no folder {name!r}, and no bundled model of that name; {known}{others} A repository of the Hugging Face hub "
        "is written ORG/NAME"
    )
