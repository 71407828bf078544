import json
import math
import shutil
import subprocess
from struct import unpack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.lab.canonical import canonical_json


def bits(hexadecimal: str) -> float:
    return unpack(">d", bytes.fromhex(hexadecimal))[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # RFC 8785, appendix B: IEEE 754 bits and the number as ECMAScript writes it.
        (bits("0000000000000000"), "0"),
        (bits("8000000000000000"), "0"),
        (bits("0000000000000001"), "5e-324"),
        (bits("8000000000000001"), "-5e-324"),
        (bits("7fefffffffffffff"), "1.7976931348623157e+308"),
        (bits("4340000000000000"), "9007199254740992"),
        (bits("4430000000000000"), "295147905179352830000"),
        (bits("44b52d02c7e14af5"), "9.999999999999997e+22"),
        (bits("44b52d02c7e14af6"), "1e+23"),
        (bits("44b52d02c7e14af7"), "1.0000000000000001e+23"),
        (bits("444b1ae4d6e2ef4e"), "999999999999999700000"),
        (bits("444b1ae4d6e2ef50"), "1e+21"),
        (bits("3eb0c6f7a0b5ed8c"), "9.999999999999997e-7"),
        (bits("3eb0c6f7a0b5ed8d"), "0.000001"),
        (bits("41b3de4355555555"), "333333333.3333333"),
        (1, "1"),
        (1.0, "1"),
        (-2.5, "-2.5"),
        (100, "100"),
        (1e-7, "1e-7"),
        (True, "true"),
        (None, "null"),
    ],
)
def test_numbers_are_written_as_in_the_page(value, text):
    assert canonical_json(value) == text


def test_keys_are_sorted_and_text_is_kept():
    assert canonical_json({"b": [1.0, "é\n</script>"], "a": {"y": None, "x": False}}) == (
        '{"a":{"x":false,"y":null},"b":[1,"é\\n</script>"]}'
    )


def test_keys_sort_by_utf_16_as_in_the_page():
    assert list(json.loads(canonical_json({"\ue000": 1, "😀": 2}))) == ["😀", "\ue000"]


def test_what_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="nan is no JSON number"):
        canonical_json([math.nan])


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=300)
def test_numbers_survive(value):
    assert float(canonical_json(value)) == value


@pytest.mark.skipif(shutil.which("node") is None, reason="compares with a real JavaScript, and node is not here")
def test_numbers_are_those_of_javascript(seed):
    import random

    draw = random.Random(seed)
    values = [draw.uniform(-1, 1) * 10 ** draw.randint(-30, 30) for _ in range(2000)]
    script = "console.log(JSON.stringify(JSON.parse(require('fs').readFileSync(0))))"
    done = subprocess.run(["node", "-e", script], input=json.dumps(values), capture_output=True, text=True, check=True)
    assert canonical_json(values) == done.stdout.strip()
