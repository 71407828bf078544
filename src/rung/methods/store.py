"""A folder that holds a sweep: what was asked, what was found, and who is at work. Data only.

    request.safetensors   what was asked, written once
    segments/*.jsonl      what was found: one file a worker, one line a chunk, with a checksum
    leases/UNIT.ATTEMPT   who works on a unit, or died at it

A worker claims a unit by creating the file of its next attempt, which succeeds for one worker alone, and touches the
file while it lives. When it has finished, or was stopped in good order, it removes the file. A lease that is no longer
touched is that of a dead worker. It stays, so that the files of a unit count the workers that died at it.

Nothing depends on leases but the work that is saved: all workers get the same bytes for a chunk, so that a chunk that
was run twice is written twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..errors import StoreError
from .request import Request

PATIENCE = 30.0
"""Seconds without a sign of life after which a worker is taken for dead, if it cannot be asked."""
HOST = f"{platform.node()} {uuid.getnode():x}"
REQUEST = "request.safetensors"
_CHECKED = 16
"""Characters of a line's SHA-256 that it begins with."""


@dataclass(frozen=True, eq=False)
class Found:
    """Numbers of one chunk, or of one cell that was run alone."""

    unit: str
    clean: Float[Tensor, " batch"] | None
    values: Mapping[str, Float[Tensor, " batch"]]
    """By the cell's key."""
    failed: Sequence[str] = ()
    """The keys of cells that killed every worker that tried them."""

    def to_line(self, request: str) -> bytes:
        """One line: a checksum and JSON, in which numbers are the hexadecimal of their bytes."""
        tensors = [*self.values.values()] if self.clean is None else [self.clean, *self.values.values()]
        said = {
            "request": request,
            "unit": self.unit,
            "dtype": str(tensors[0].dtype if tensors else torch.float32).removeprefix("torch."),
            "clean": None if self.clean is None else _to_hex(self.clean),
            "values": {key: _to_hex(value) for key, value in self.values.items()},
            "failed": list(self.failed),
        }
        line = json.dumps(said).encode()
        return hashlib.sha256(line).hexdigest()[:_CHECKED].encode() + b" " + line + b"\n"

    @classmethod
    def from_line(cls, line: bytes, request: str) -> Found | None:
        """What `to_line` gave; None if the line is damaged or of another request."""
        checksum, _, text = line.partition(b" ")
        if hashlib.sha256(text).hexdigest()[:_CHECKED].encode() != checksum:
            return None
        said = json.loads(text)
        if said["request"] != request:
            return None
        dtype = getattr(torch, said["dtype"])
        values = {key: _from_hex(value, dtype) for key, value in said["values"].items()}
        clean = None if said["clean"] is None else _from_hex(said["clean"], dtype)
        return cls(said["unit"], clean, values, said["failed"])


class Standing(NamedTuple):
    """What the leases of a unit say."""

    attempts: int
    """The number of the latest attempt."""
    dead: int
    """Workers that died at it."""
    held: bool
    """Whether a living worker holds it."""


@dataclass(eq=False)
class Store:
    """One folder, as one process sees it."""

    path: Path
    request: Request
    patience: float = PATIENCE
    found: dict[str, Found] = field(default_factory=dict)
    """What was read so far, by unit."""
    _read: dict[Path, int] = field(default_factory=dict)
    _seen: dict[Path, tuple[int, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.digest = self.request.digest
        self.keys = self.request.cell_keys()

    @classmethod
    def open(cls, path: str | Path, patience: float = PATIENCE) -> Store:
        """The store in the folder `path`. Raises StoreError if there is none."""
        path = Path(path)
        try:
            with safe_open(path / REQUEST, "pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no dict
                request = Request.from_tensors(tensors, file.metadata() or {})
        except (OSError, SafetensorError, StoreError) as error:
            raise StoreError(f"{path} holds no sweep that can be read: {error}") from None
        return cls(path, request, patience)

    @classmethod
    def create(cls, path: str | Path, request: Request, patience: float = PATIENCE) -> Store:
        """The store of `request` in the folder `path`, which may have it already.

        Raises StoreError if the folder holds anything else.
        """
        path = Path(path)
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
            if not (path / REQUEST).exists():
                other = next((file for file in path.iterdir() if not file.name.startswith(REQUEST)), None)
                if other is not None and not (path / REQUEST).exists():
                    raise StoreError(f"{path} is no store, and not empty: it holds {other.name}; give a new folder")
                tensors, metadata = request.to_tensors()
                _create_whole(path / REQUEST, save(tensors, metadata))
        store = cls.open(path, patience)
        differs = store.request.difference(request)
        if differs is not None:
            raise StoreError(f"{path} was written for another sweep: the {differs} differ; give a new folder")
        return store

    @property
    def n_cells(self) -> int:
        """Number of cells that were asked for."""
        return len(self.keys)

    @property
    def n_chunks(self) -> int:
        """Number of chunks that the cells are run in."""
        return -(-self.n_cells // self.request.plan.chunk)

    def cells_of(self, chunk: int) -> range:
        """The indices of a chunk's cells."""
        size = self.request.plan.chunk
        return range(chunk * size, min(self.n_cells, (chunk + 1) * size))

    def refresh(self) -> None:
        """Reads what workers have written since. Lines that are damaged, or not whole yet, are passed over."""
        for segment in sorted((self.path / "segments").glob("*.jsonl")):
            with segment.open("rb") as file:
                file.seek(self._read.get(segment, 0))
                text = file.read()
            whole = text.rpartition(b"\n")[0]
            self._read[segment] = self._read.get(segment, 0) + (len(whole) + 1 if b"\n" in text else 0)
            for line in whole.split(b"\n"):
                found = Found.from_line(line, self.digest)
                if found is not None:
                    self.found.setdefault(found.unit, found)

    def done(self, chunk: int) -> bool:
        """Whether the chunk was finished, as far as was read."""
        return chunk_unit(chunk) in self.found

    def n_done(self) -> int:
        """Number of cells in finished chunks, as far as was read."""
        return sum(len(self.cells_of(chunk)) for chunk in range(self.n_chunks) if self.done(chunk))

    def complete(self) -> bool:
        """Whether every chunk was finished, as far as was read."""
        return all(self.done(chunk) for chunk in range(self.n_chunks))

    def standing(self, unit: str) -> Standing:
        """What the leases of a unit say now."""
        leases = {int(path.suffix[1:]): path for path in (self.path / "leases").glob(f"{unit}.*")}
        last = max(leases, default=0)
        held = bool(leases) and self._alive(leases[last])
        return Standing(last, len(leases) - held, held)

    def _alive(self, lease: Path) -> bool:
        """Whether the worker that holds a lease gave a sign of life: clocks of other machines are not compared."""
        try:
            touched, holder = lease.stat().st_mtime_ns, lease.read_text("utf-8")
        except FileNotFoundError:  # finished since
            return False
        host, _, pid = holder.rpartition(" ")
        if host == HOST and pid.isdecimal() and not _runs(int(pid)):
            return False
        before = self._seen.get(lease)
        if before is None or before[0] != touched:
            self._seen[lease] = before = (touched, time.monotonic())
        return time.monotonic() - before[1] < self.patience


class Worker:
    """Claims units of a store and writes what it finds, in a segment of its own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._name = uuid.uuid4().hex
        self._segment: int | None = None
        self._segments = 0

    @contextmanager
    def claim(self, unit: str) -> Iterator[bool]:
        """Holds the unit, or gives False where another worker does. Raises StoreError if that cannot be written."""
        attempts, _, held = self.store.standing(unit)
        lease = self.store.path / "leases" / f"{unit}.{attempts + 1}"
        if held or not self._create(lease):
            yield False
            return
        stop = threading.Event()
        beat = threading.Thread(target=_touch, args=(lease, self.store.patience / 10, stop), daemon=True)
        beat.start()
        try:
            yield True
        finally:
            stop.set()
            beat.join()
            lease.unlink(missing_ok=True)

    def _create(self, lease: Path) -> bool:
        with writing(lease):
            lease.parent.mkdir(exist_ok=True)
            try:
                file = os.open(lease, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            except FileExistsError:
                return False
            try:
                _write(file, f"{HOST} {os.getpid()}".encode())
            except OSError:
                lease.unlink()
                raise
            finally:
                os.close(file)
        return True

    def append(self, found: Found) -> None:
        """Writes it down, for good. Raises StoreError if the disk is full."""
        folder = self.store.path / "segments"
        with writing(folder):
            folder.mkdir(exist_ok=True)
            if self._segment is None:
                self._segments += 1
                name = folder / f"{self._name}-{self._segments}.jsonl"
                self._segment = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND)
            try:
                _write(self._segment, found.to_line(self.store.digest))
                os.fsync(self._segment)
            except OSError:
                self.close()  # the next line goes to a new segment, not after half a line
                raise
        self.store.found.setdefault(found.unit, found)

    def close(self) -> None:
        """Closes the segment."""
        if self._segment is not None:
            os.close(self._segment)
            self._segment = None


def chunk_unit(chunk: int) -> str:
    """The unit that is a whole chunk."""
    return f"chunk-{chunk}"


def cell_unit(cell: int) -> str:
    """The unit that is one cell alone."""
    return f"cell-{cell}"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the system says against writing into one StoreError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(f"{error.filename or path}: {reason}; what was finished is kept, and is resumed") from error


def _create_whole(path: Path, content: bytes) -> None:
    """Makes the file with all of its content, unless there is one already."""
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    file = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        _write(file, content)
        os.fsync(file)
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        os.close(file)
        part.unlink()


def _write(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


def _touch(lease: Path, seconds: float, stop: threading.Event) -> None:
    while not stop.wait(seconds):
        try:
            os.utime(lease)
        except OSError:  # removed, or out of reach for now
            continue


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _to_hex(values: Float[Tensor, " batch"]) -> str:
    return values.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes().hex()


def _from_hex(text: str, dtype: torch.dtype) -> Float[Tensor, " batch"]:
    return torch.frombuffer(bytearray.fromhex(text), dtype=dtype)
