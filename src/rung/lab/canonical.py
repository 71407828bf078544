"""JSON that Python and the page write alike: RFC 8785, JSON Canonicalization Scheme.

Keys in order, no spaces, numbers as ECMAScript writes them: 1 for 1.0, 1e-7 for 1e-07.
"""

from __future__ import annotations

import json
import math
from typing import Any


def canonical_json(value: Any) -> str:
    """The canonical text of JSON values. Raises ValueError for a number that is not finite."""
    if isinstance(value, dict):
        inside = (f"{_text(key)}:{canonical_json(value[key])}" for key in sorted(value, key=_utf16))
        return f"{{{','.join(inside)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(canonical_json, value))}]"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(float(value))
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def _number(value: float) -> str:
    """A number as ECMAScript's Number::toString: the shortest digits, an exponent from 1e21 and below 1e-6."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no JSON number")
    if value == 0:
        return "0"
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len((whole + fraction).lstrip("0")))
    digits = digits.rstrip("0") or "0"
    sign = "-" if value < 0 else ""
    if len(digits) <= point <= 21:
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return f"{sign}{digits[0]}{'.' if len(digits) > 1 else ''}{digits[1:]}{power}"
