"""The evidence drawer as a file: what a reader pinned, and the record of a proof if there is one.

    {"format": "rung drawer", "version": 1, "pins": […], "proof": {…} | null, "digest": "…"}

The digest is the SHA-256 of pins and proof as `canonical_json` writes them. It tells a file that was edited from one
that was saved, and is no signature: what can be trusted is what `rung verify` executes again. The record is held
against itself as `rung verify` would (`views.wording.with_own_sentence`).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..errors import RecordError
from .canonical import canonical_json

if TYPE_CHECKING:
    from ..evidence.record import Record

FORMAT = "rung drawer"
VERSION = 1
FILE_NAME = "evidence.drawer.json"
MOST_PINS = 500


class Pin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One result as it was pinned: what was asked, what came out, and what it was held against."""

    title: str
    rung: Literal[0, 1, 2, 3, 4]
    value: float
    unit: str
    panel: str
    computation: str
    ask: dict[str, Any]
    test: str | None = None
    """The id of the ladder's test that it is."""
    subject: str | None = None
    n: int | None = None
    low: float | None = None
    high: float | None = None
    control: float | None = None
    floor: float | None = None
    holds: bool | None = None


class Drawer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A drawer's content."""

    pins: list[Pin]
    proof: dict[str, Any] | None = None


def digest(pins: Any, proof: Any) -> str:
    """What tells an edited drawer from a saved one."""
    try:
        return hashlib.sha256(canonical_json({"pins": pins, "proof": proof}).encode()).hexdigest()
    except (ValueError, OverflowError, RecursionError):
        raise RecordError(
            "the drawer holds what no page writes: a number too large, or values nested too deep"
        ) from None


def save_text(content: Any, name: str = "the drawer") -> str:
    """The text of the file of `{"pins": […], "proof": … | null}`. Raises RecordError."""
    plain = _checked(content, name)
    whole = {"format": FORMAT, "version": VERSION, **plain, "digest": digest(plain["pins"], plain["proof"])}
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_drawer(value: Any, name: str) -> dict[str, Any]:
    """Pins and proof of a drawer file's JSON values. Raises RecordError."""
    if value.get("version") != VERSION:
        raise RecordError(f"{name} is a drawer of version {value.get('version')!r}; this Rung reads version {VERSION}")
    missing = {"pins", "proof", "digest"} - set(value)
    if missing:
        raise RecordError(f"{name} is not a whole drawer: {sorted(missing)[0]} is missing")
    content = {key: value[key] for key in value if key not in ("format", "version", "digest")}
    plain = _checked(content, name)
    if value["digest"] != digest(content["pins"], content["proof"]):
        raise RecordError(
            f"{name} was edited after it was saved: its digest does not fit its content. Open the file as it was "
            "saved, or pin the results again"
        )
    return plain


def read_opened(content: bytes, name: str) -> dict[str, Any]:
    """What the page shows of a file: `{"drawer": {pins, proof} | null, "record": text | null}`.

    A drawer, or a record of `rung prove`. Raises RecordError for any other file, and for one that was edited.
    """
    from ..evidence import record
    from ..views.wording import with_own_sentence

    text, value = _read(content, name)
    kind = value.get("format") if isinstance(value, dict) else None
    if kind == FORMAT:
        return {"drawer": read_drawer(value, name), "record": None}
    if kind == record.FORMAT:
        with_own_sentence(record.record_of(value, name), name)
        return {"drawer": None, "record": text}
    raise RecordError(
        f"{name} is neither a drawer nor a record: its format is {kind!r}, not {FORMAT!r} or {record.FORMAT!r}"
    )


def drawer_proof(path: Path) -> Record | None:
    """The record of the proof in a drawer; None for a file that is no drawer.

    Raises RecordError for a drawer that was edited or holds no proof.
    """
    from ..evidence.record import record_of

    try:
        _, value = _read(path.read_bytes(), str(path))
    except (OSError, RecordError):
        return None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        return None
    proof = read_drawer(value, str(path))["proof"]
    if proof is None:
        raise RecordError(
            f"the drawer {path} holds pins and no proof, so there is nothing to execute again; the lab adds one when "
            "the full proof is run there"
        )
    return record_of(proof, f"in {path}")


def _read(content: bytes, name: str) -> tuple[str, Any]:
    from ..evidence.record import read_json

    try:
        text = content.decode("utf-8")
        return text, read_json(text)
    except UnicodeDecodeError:
        raise RecordError(f"{name} is neither a drawer nor a record: it is not text") from None
    except RecordError as error:
        raise RecordError(f"{name} is neither a drawer nor a record: {error}") from None


def read_file(path: Path) -> dict[str, Any]:
    """`read_opened` of a file. Raises RecordError."""
    try:
        return read_opened(path.read_bytes(), str(path))
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror or error}") from None


def _checked(content: Any, name: str) -> dict[str, Any]:
    """The content as plain values, each pin and the proof checked. Raises RecordError."""
    try:
        found = msgspec.convert(content, Drawer, strict=True)
    except msgspec.ValidationError as error:
        raise RecordError(f"{name} is not a drawer: {error}") from None
    if len(found.pins) > MOST_PINS:
        raise RecordError(f"{name} holds {len(found.pins)} pins; a drawer holds at most {MOST_PINS}")
    for i, pin in enumerate(found.pins):
        if pin.low is not None and pin.high is not None and not pin.low <= pin.high:
            raise RecordError(f"{name} is not a drawer: pins[{i}].low is above its high")
    if found.proof is not None:
        from ..evidence.record import record_of
        from ..views.wording import with_own_sentence

        with_own_sentence(record_of(found.proof, f"in {name}"), f"in {name}")
    return {"pins": content["pins"], "proof": content.get("proof")}
