"""What an interrupted proof has measured, kept in a folder and read back by the next proof of the very same claim.

One file a process and one line a result, as JSON, only ever appended to. A result is found by a hash of everything that
it depends on: claim and heads, weights, sequences, floors, text, number type, device, packages, and Rung's own code.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections import UserDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..circuits.heads import Head
from ..errors import RecordError, StoreError
from .claim import Claim
from .identity import ladder_code, versions
from .observation import Measurement, TestSpec
from .record import read_measurement, to_plain
from .setting import Setting

_CHECKED = 16
"""Characters of a line's SHA-256 that it begins with."""


class Store:
    """A folder of results. Lines that are damaged, or not whole, are passed over: their writer was killed."""

    def __init__(self, folder: str | Path) -> None:
        """Raises StoreError if the folder cannot be made or read."""
        self.folder = Path(folder)
        self._file = self.folder / f"{uuid.uuid4().hex}.jsonl"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._found = dict(_read(self.folder))
        except OSError as error:
            raise StoreError(f"the store {self.folder} cannot be read: {error.strerror or error}") from None

    def get(self, key: str) -> Any:
        """What was kept under this key; None if nothing was."""
        return self._found.get(key)

    def put(self, key: str, value: Any) -> None:
        """Appends one line, for good. Raises StoreError if it cannot be written."""
        self._found[key] = value
        line = json.dumps({"key": key, "value": value}, allow_nan=False).encode()
        try:
            with self._file.open("ab") as file:
                file.write(hashlib.sha256(line).hexdigest()[:_CHECKED].encode() + b" " + line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(f"the store {self.folder} cannot be written: {error.strerror or error}") from None


def _read(folder: Path) -> list[tuple[str, Any]]:
    found = []
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_bytes().split(b"\n"):
            checksum, _, text = line.partition(b" ")
            if hashlib.sha256(text).hexdigest()[:_CHECKED].encode() == checksum:
                said = json.loads(text)
                found.append((said["key"], said["value"]))
    return found


def key_of(what: str, about: Mapping[str, Any]) -> str:
    """The hash of everything that a result depends on; the code and the packages are added."""
    text = json.dumps([what, to_plain(about), ladder_code(), versions()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class KeptHeads:
    """The heads that a search found, and the task with the table that it found, where there is one."""

    def __init__(self, store: Store, claim: Claim, about: Mapping[str, Any]) -> None:
        self.store, self.claim = store, claim
        self.key = key_of("search", {"claim": claim.to_dict(), **about})

    def read(self) -> Claim | None:
        """The claim as the search filled it; None if no search has ended."""
        found = self.store.get(self.key)
        if found is None:
            return None
        heads = {name: [tuple(head) for head in some] for name, some in found["heads"].items()}
        return replace(self.claim.with_heads(heads), task=found["task"])

    def write(self, found: Claim) -> None:
        """Keeps what the search found."""
        heads = {role.name: [list(head) for head in role.heads] for role in found.roles}
        self.store.put(self.key, {"heads": heads, "task": found.task})


class KeptMeasurements(UserDict[tuple[str, str], Measurement]):
    """Measurements of one confirmation by id and subject; one that is added is appended to the store.

    With each is kept what its test left in the setting: the numbers of the agreement table and the shares of pairs.
    """

    def __init__(
        self, store: Store, setting: Setting, specs: Sequence[TestSpec], alpha: float, about: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.store, self.setting, self.about = store, setting, dict(about) | {"alpha": alpha}
        self._specs = {spec.key: spec for spec in specs}
        for spec in specs:
            if (said := store.get(self._key(spec))) is None:
                continue
            try:
                self.data[spec.key] = read_measurement(said["measurement"], self._specs, setting.floors, alpha)
            except RecordError:  # damaged in a way that its checksum does not tell: it is measured again
                continue
            self._restore(said)

    @cached_property
    def _shared(self) -> str:
        return key_of("measurement", self.about | {"claim": self.setting.claim.to_dict()})

    def _key(self, spec: TestSpec) -> str:
        return hashlib.sha256(json.dumps([self._shared, *spec.key, spec.required]).encode()).hexdigest()

    def __setitem__(self, key: tuple[str, str], m: Measurement) -> None:
        super().__setitem__(key, m)
        tables = [
            [*name, [[*head, float(values.mean())] for head, values in table.items()]]
            for name, table in self.setting.tables.items()
        ]
        pairs = [[*sender, *receiver, share] for (sender, receiver), share in self.setting.pair_shares.items()]
        said = {"measurement": m.to_dict(), "tables": tables, "pairs": pairs}
        self.store.put(self._key(m.spec), to_plain(said))

    def _restore(self, said: Mapping[str, Any]) -> None:
        for method, role, heads in said["tables"]:
            table = {(layer, head): np.array([float(mean)]) for layer, head, mean in heads}
            self.setting.tables[method, role] = table
        for *pair, share in said["pairs"]:
            sender, receiver = _heads(pair)
            self.setting.pair_shares[sender, receiver] = float(share)


def _heads(numbers: Sequence[int]) -> tuple[Head, Head]:
    one, two, three, four = numbers
    return (one, two), (three, four)
