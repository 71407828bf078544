"""The record: a proof as versioned JSON that anyone can read, and run again. Read as data only.

A number that is not finite is written as the string "nan", "inf" or "-inf", which JSON can carry.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from types import UnionType
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from ..circuits.composition import Into
from ..circuits.heads import Head, head_label
from ..config import ModelConfig
from ..display import Shown
from ..errors import ConfigError, RecordError, RungError
from ..tasks.task import find_task
from .claim import Claim, descriptive_tests, required_tests
from .decide import decide, inconsistent
from .identity import confirmation_seed
from .looks import check_sequences, look_alpha
from .observation import RUNGS, Check, Floors, Measurement, Outcome, TestSpec
from .proof import NOTHING, Agreement, Proof, Verdict
from .verdict import verdict

FORMAT = "rung record"
VERSION = 2
_OPENING = f'{{\n  "format": "{FORMAT}"'
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True, repr=False)
class Record(Shown):
    """A proof as it was written down."""

    proof: Proof
    date: str
    """When it was written: ISO 8601, UTC."""
    sentence: str
    """The verdict in words; `views.wording` says what it must be."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, nothing in them that is not finite."""
        proof, verdict = self.proof, self.proof.verdict
        stopped = (
            None if verdict.stopped_by is None else dict(zip(("test", "subject"), verdict.stopped_by, strict=True))
        )
        plain = {
            "format": FORMAT,
            "version": VERSION,
            "date": self.date,
            "verdict": {
                "rung": verdict.rung,
                "name": verdict.name,
                "stopped_by": stopped,
                "capped": verdict.capped,
                "sentence": self.sentence,
            },
            "claim": proof.claim.to_dict(),
            "model": dict(proof.model),
            "run": dict(proof.run),
            "floors": {one.name: getattr(proof.floors, one.name) for one in fields(Floors)},
            "floors_changed": proof.floors.changed(),
            "agreement": [
                {"role": one.role, "claimed": list(one.claimed), "first": dict(one.first), "agrees": one.agrees}
                | {"means": {method: dict(heads) for method, heads in one.means.items()}}
                for one in proof.agreement
            ],
            "measurements": [one.to_dict() for one in proof.measurements],
        }
        found: dict[str, Any] = to_plain(plain)
        return found

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def record(proof: Proof, sentence: str) -> Record:
    """The proof with its verdict in words, dated now."""
    return Record(proof, datetime.now(UTC).isoformat(timespec="seconds"), sentence)


def to_plain(value: Any) -> Any:
    """As JSON carries it: keys are text, tuples are lists, and what is not finite is a word."""
    if isinstance(value, Mapping):
        return {str(name): to_plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def write_record(made: Record, path: str | Path) -> None:
    """Writes the record in one piece or not at all: beside its target, then moved there. Raises RecordError."""
    with _told(path):
        target = _target(path)
        beside = target.with_name(f".{target.name}.{token_hex(4)}")
        try:
            with beside.open("x", encoding="utf-8") as file:
                file.write(made.to_json())
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)


def check_target(path: str | Path) -> None:
    """Raises RecordError unless a record can be written to `path`: to be asked before anything is computed.

    A file that is there and is not a record is never written over.
    """
    with _told(path):
        target = _target(path)
        with tempfile.TemporaryFile(dir=target.parent):
            pass
        opening = ""
        if target.exists():
            if not target.is_file():
                raise RecordError(f"the record cannot be written to {path}: it is not a file")
            with target.open("r+", encoding="utf-8", errors="replace") as file:
                opening = file.read(len(_OPENING))
    if opening and opening != _OPENING:
        raise RecordError(f"{path} is there and is not a record, so it is left as it is; choose another file")


@contextmanager
def _told(path: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordError(f"the record cannot be written to {path}: {error.strerror or error}") from None


def _target(path: str | Path) -> Path:
    """Where the file is, links followed, so that a link stays one."""
    path = Path(path)
    if not path.name:
        raise RecordError(f"{str(path)!r} names no file for the record")
    return path.resolve() if path.is_symlink() else path


def load_record(path: str | Path) -> Record:
    """Reads a record. Raises RecordError, naming the entry, for whatever this version would not have written."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise RecordError(f"the record {path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise RecordError(f"{path} is not a record: it is not text") from None
    return parse_record(text, str(path))


def parse_record(text: str, name: str) -> Record:
    """Reads a record's text; `name` is what errors call it. Raises RecordError as `load_record` does."""
    try:
        found = read_json(text)
    except RecordError as error:
        raise RecordError(f"{name} is not a record: {error}") from None
    return record_of(found, name)


def record_of(value: Any, name: str) -> Record:
    """The record of JSON values that `read_json` read. Raises RecordError as `load_record` does."""
    try:
        return _record(value)
    except (RecordError, ConfigError) as error:
        raise RecordError(f"the record {name} cannot be read: {error}") from None


def read_json(text: str) -> Any:
    """JSON read strictly: no NaN, no number too large for a float, no key twice. Raises RecordError."""
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_number, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"it is not JSON ({_short(error)})") from None


def _short(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error)[:120]


def _no_constant(name: str) -> NoReturn:
    raise RecordError(f"{name} is no JSON number")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise RecordError(f"{text} is too large a number")
    return value


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise RecordError(f"{next(name for name in names if names.count(name) > 1)!r} stands twice in one object")
    return found


def _record(value: Any) -> Record:
    """What was written, with everything that follows from something else derived again and compared."""
    whole = _entries("", value)
    if (found := _take(whole, "", "format", str)) != FORMAT:
        raise RecordError(f"format is {found!r}, not {FORMAT!r}")
    if (version := _take(whole, "", "version", int)) != VERSION:
        newer = ", of a newer Rung" if version > VERSION else ""
        raise RecordError(f"its format is version {version}{newer}; this Rung reads version {VERSION}")
    date = _take(whole, "", "date", str)
    floors = _take(whole, "", "floors", Floors)
    try:
        floors.check()
    except RungError as error:
        raise RecordError(f"it claims what cannot be tested: {error}") from None
    if _take(whole, "", "floors_changed", dict[str, float]) != floors.changed():
        raise RecordError("floors_changed does not say what floors says")
    claim, model, run = _take(whole, "", "claim", Claim), _model(whole), _run(whole)
    config = ModelConfig.from_dict(model["config"])
    try:
        claim.check(config)
        find_task(claim.task)
        look = run["looks"][-1]
        check_sequences(look["sequences"], floors)
    except RungError as error:
        raise RecordError(f"it claims what cannot be tested: {error}") from None
    if (alpha := look_alpha(floors.alpha, look["sequences"], int(floors.sequences))) != look["alpha"]:
        raise RecordError(f"run.looks spends {look['alpha']} of alpha at its last look, which may spend {alpha}")
    if run["confirmation_seed"] != (seed := _seed(claim, config, model, run)):
        raise RecordError(f"run.confirmation_seed is {run['confirmation_seed']}; claim and checkpoint give {seed}")
    texts = run["text"] is not None
    required = required_tests(claim, config, texts)
    specs = {spec.key: spec for spec in (*required, *descriptive_tests(claim, config, texts))}
    measured = tuple(
        read_measurement(one, specs, floors, alpha, f"measurements[{i}]")
        for i, one in enumerate(_take(whole, "", "measurements", list[dict[str, Any]]))
    )
    for i, m in enumerate(measured):
        if why := _incomplete(m, claim, config, look["sequences"]):
            raise RecordError(f"measurements[{i}], {m.test!r} of {m.subject!r}: {why}")
    if twice := [key for key, count in Counter(m.spec.key for m in measured).items() if count > 1]:
        raise RecordError(f"the test {twice[0][0]!r} of {twice[0][1]!r} is there twice")
    stored, sentence = _verdict(whole)
    derived = verdict(required, measured, floors, look["sequences"])
    if stored != derived:
        raise RecordError(
            f"verdict says {stored.name}, stopped by {stored.stopped_by}; its tests give {derived.name}, stopped by "
            f"{derived.stopped_by}"
        )
    compared = tuple(
        _agreement(f"agreement[{i}]", one, claim)
        for i, one in enumerate(_take(whole, "", "agreement", list[dict[str, Any]]))
    )
    if [one.role for one in compared] != [role.name for role in claim.roles if role.heads]:
        raise RecordError("agreement does not list every role that has heads, once")
    proof = Proof(
        claim=claim,
        model=model,
        verdict=derived,
        measurements=measured,
        agreement=compared,
        run=run,
        floors=floors,
    )
    _none_left(whole, "")
    return Record(proof, date, sentence)


def _seed(claim: Claim, config: ModelConfig, model: Mapping[str, Any], run: Mapping[str, Any]) -> int:
    return confirmation_seed(claim, config, model["checkpoint"], run["text"] is not None)


def _incomplete(m: Measurement, claim: Claim, config: ModelConfig, sequences: int) -> str:
    """What a test that was run must have measured on this claim and model, and did not; empty where nothing lacks."""
    if m.undefined or m.not_run or not m.required:
        return ""
    names = {check.name for check in m.checks}
    needed = []
    if m.test in ("support.edge", "support.edge_part"):
        needed = [f"rival/{into}" for into in get_args(Into) if into not in claim.inputs(m.spec)]
    if any(name.startswith("stratum/") for name in names):
        needed += [f"stratum/{name}" for name in find_task(claim.task).strata]
    if m.test.endswith(".complement"):
        unclaimed = config.n_layers * config.n_heads - len(claim.heads)
        needed = [f"half/{bit}{side}" for bit in range(math.ceil(math.log2(unclaimed))) for side in "ab"]
    if lacking := [name for name in needed if name not in names]:
        return f"it lacks {', '.join(lacking)}"
    if m.test.endswith(".faithfulness") and m.notes.get("swaps") != "0" and not any("swap/" in name for name in names):
        return "it lacks the swap that comes nearest"
    whole = m.rung < 4 and m.test not in ("support.off_task", "contribution.sum")
    counted = sequences * find_task(claim.task).rows
    if whole and m.checks and m.checks[0].n != counted:
        return f"it was measured on {m.checks[0].n} sequences, and the last look is at {counted}"
    return ""


def _verdict(whole: dict[str, Any]) -> tuple[Verdict, str]:
    entries = _take(whole, "", "verdict", dict[str, Any])
    name, sentence = (_take(entries, "verdict", key, str) for key in ("name", "sentence"))
    stopped = _take(entries, "verdict", "stopped_by", dict[str, str] | None)
    rung, capped = _take(entries, "verdict", "rung", int), _take(entries, "verdict", "capped", bool)
    _none_left(entries, "verdict")
    if stopped is not None and set(stopped) != {"test", "subject"}:
        raise RecordError(f"verdict.stopped_by has {', '.join(stopped)}, not test and subject")
    if not NOTHING <= rung < len(RUNGS) or name != Verdict(rung).name:
        right = f"which is {Verdict(rung).name!r}" if NOTHING <= rung < len(RUNGS) else "which is no rung"
        raise RecordError(f"verdict.rung is {rung}, {right}, and verdict.name {name!r}")
    return Verdict(rung, None if stopped is None else (stopped["test"], stopped["subject"]), capped), sentence


def _model(whole: dict[str, Any]) -> dict[str, Any]:
    entries = _take(whole, "", "model", dict[str, Any])
    found = {name: _take(entries, "model", name, str) for name in ("name", "checkpoint", "weights")}
    for name in ("checkpoint", "weights"):
        if not re.fullmatch(r"[0-9a-f]{64}", found[name]):
            raise RecordError(f"model.{name} is no SHA-256 in hexadecimal")
    config = _take(entries, "model", "config", dict[str, Any])
    ModelConfig.from_dict(config)
    _none_left(entries, "model")
    return found | {"config": config}


def _run(whole: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = _take(whole, "", "run", dict[str, Any])
    for name, kind in (
        ("confirmation_seed", int), ("heads", str), ("dtype", str), ("device", str), ("text", str | None),
        ("search_seed", int | None), ("first_token", int | None), ("versions", dict[str, str]),
    ):  # fmt: skip
        _take(dict(found), "run", name, kind)
    if found["heads"] != (heads := "given" if found["search_seed"] is None else "found by search"):
        raise RecordError(f"run.heads is {found['heads']!r}; run.search_seed makes it {heads!r}")
    looks = _take(dict(found), "run", "looks", list[dict[str, Any]])
    if not looks:
        raise RecordError("run.looks is empty: a proof has looked at least once")
    for i, look in enumerate(looks):
        entries = dict(look)
        _take(entries, f"run.looks[{i}]", "sequences", int)
        _take(entries, f"run.looks[{i}]", "alpha", float)
        _none_left(entries, f"run.looks[{i}]")
    return found


def _agreement(where: str, entries: dict[str, Any], claim: Claim) -> Agreement:
    agrees = _take(entries, where, "agrees", bool)
    found: Agreement = _as(where, entries, Agreement)
    if agrees is not found.agrees:
        raise RecordError(f"{where}.agrees does not say what its heads say")
    if found.role not in {role.name for role in claim.roles}:
        raise RecordError(f"{where}.role is {found.role!r}, which the claim does not have")
    if found.claimed != tuple(map(head_label, claim.role(found.role).heads)):
        raise RecordError(f"{where}.claimed lists other heads than the claim")
    first = {method: max(heads, key=lambda head: heads[head]) for method, heads in found.means.items() if heads}
    if first != dict(found.first):
        raise RecordError(f"{where}.first does not follow from its means")
    return found


def read_measurement(
    value: Any, specs: Mapping[tuple[str, str], TestSpec], floors: Floors, alpha: float, where: str = "measurement"
) -> Measurement:
    """One test from JSON values, its outcome decided again from its numbers and the floors. Raises RecordError."""
    entries = _entries(where, value)
    key = (_take(entries, where, "test", str), _take(entries, where, "subject", str))
    spec = specs.get(key)
    if spec is None:
        raise RecordError(f"{where} is the test {key[0]!r} of {key[1]!r}, which this claim does not have")
    for name, stored, derived in (
        ("rung", _take(entries, where, "rung", str), RUNGS[spec.rung]),
        ("required", _take(entries, where, "required", bool), spec.required),
    ):
        if stored != derived:
            raise RecordError(f"{where}.{name} is {stored!r}; the claim makes it {derived!r}")
    outcome = _take(entries, where, "outcome", Outcome)
    checks = _take(entries, where, "checks", tuple[Check, ...])
    found = Measurement(
        spec=spec,
        outcome=outcome,
        checks=checks,
        unit=_take(entries, where, "unit", str),
        controls=_take(entries, where, "controls", dict[str, float]),
        undefined=_take(entries, where, "undefined", str),
        not_run=_take(entries, where, "not_run", str),
        notes=_take(entries, where, "notes", dict[str, str]),
    )
    _none_left(entries, where)
    for i, check in enumerate(checks):
        if why := inconsistent(spec.id, check, floors, alpha):
            raise RecordError(f"{where}.checks[{i}], {check.name!r}: {why}")
    derived = decide(spec, checks, floors, found.undefined, found.not_run)
    if outcome is not derived:
        raise RecordError(f"{where}.outcome is {str(outcome)!r}; its numbers and the floors give {str(derived)!r}")
    return found


def _entries(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RecordError(f"{where or 'all of it'} is {_kind(value)}, not an object")
    return dict(value)


def _take(entries: dict[str, Any], where: str, key: str, hint: Any) -> Any:
    name = f"{where}.{key}" if where else key
    if key not in entries:
        raise RecordError(f"{name} is missing")
    return _as(name, entries.pop(key), hint)


def _none_left(entries: dict[str, Any], where: str) -> None:
    if entries:
        raise RecordError(f"{f'{where}.' if where else ''}{next(iter(entries))} is not known")


def _as(where: str, value: Any, hint: Any) -> Any:
    """A JSON value as what a type hint calls for; RecordError if it is anything else. Every field must be there."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return None if value is None else _as(where, value, inner[0])
    if origin is Literal or (isinstance(hint, type) and issubclass(hint, StrEnum)):
        options = inner or tuple(hint)
        if type(value) not in {str, int} or value not in options:
            raise RecordError(f"{where} is {value!r}; known are {', '.join(map(str, options))}")
        return value if origin is Literal else hint(value)
    if isinstance(hint, type) and is_dataclass(hint):
        entries, hints = _entries(where, value), get_type_hints(hint)
        found = {one.name: _take(entries, where, one.name, hints[one.name]) for one in fields(hint)}
        _none_left(entries, where)
        return hint(**found)
    if hint is Any:
        return value
    if hint == Head:
        return _head(where, value)
    if origin in (dict, Mapping):
        return {name: _as(f"{where}.{name}", one, inner[1]) for name, one in _entries(where, value).items()}
    if origin in (tuple, list):
        return _sequence(where, value, origin, inner)
    if hint is float:
        return _float(where, value)
    # A bool is an int to Python, not to us.
    if type(value) is not hint:
        raise RecordError(f"{where} is {_kind(value)}, not {_WORDS[hint]}")
    return value


def _sequence(where: str, value: Any, kind: Any, inner: tuple[Any, ...]) -> Any:
    if not isinstance(value, list):
        raise RecordError(f"{where} is {_kind(value)}, not a list")
    if kind is tuple and inner[-1] is not Ellipsis and len(value) != len(inner):
        raise RecordError(f"{where} has {len(value)} entries, not {len(inner)}")
    return kind(_as(f"{where}[{i}]", one, inner[0]) for i, one in enumerate(value))


def _head(where: str, value: Any) -> Head:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,9}", value):
        raise RecordError(f"{where} is no head; one is written as 1.4")
    layer, head = value.split(".")
    return int(layer), int(head)


def _float(where: str, value: Any) -> float:
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    if type(value) not in (int, float):
        raise RecordError(f"{where} is {_kind(value)}, not a number")
    try:
        return float(value)
    except OverflowError:
        raise RecordError(f"{where} is too large a number") from None


_WORDS = {
    str: "text",
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def _kind(value: Any) -> str:
    return "null" if value is None else _WORDS[type(value)]
