"""The examples run as people run them, from imports to plots, and find what is there to be found."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name, tmp_path, *options):
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *options],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"MPLBACKEND": "Agg", "MPLCONFIGDIR": str(tmp_path), "OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout


def number(text, pattern):
    found = re.search(pattern, text)
    assert found, f"{pattern} is not in: {text}"
    return float(found[1].rstrip("%"))


@pytest.mark.slow
def test_an_introduction_to_induction_heads(tmp_path):
    told = run("induction_heads.py", tmp_path, "--out", "plots")
    assert number(told, r"of the second ([\d.]+)") < 1 < 5 < number(told, r"loss of the first copy ([\d.]+)")
    assert number(told, r"previous-token head [\d.]+: ([\d.]+)") > 0.9
    assert number(told, r"induction head [\d.]+: ([\d.]+)") > 0.5
    for circuit in ("OV copies", "QK looks one back", "routed QK matches"):
        assert number(told, rf"{circuit}: ([\d.]+)") > 0.9
    costs = re.findall(r"'(-?[\d.]+)'", told.split("silencing costs")[1].split("]")[0])
    assert sorted(map(float, costs))[-2] > 5 and sorted(map(float, costs))[-3] < 0.5
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        "ablation.png", "attribution.png", "composition.png", "induction.png"
    }  # fmt: skip


@pytest.mark.slow
def test_the_steps_of_an_indirect_object_study(tmp_path):
    told = run("indirect_object.py", tmp_path, "--out", "plots")
    clean = number(told, r"clean (-?[\d.]+)")
    assert clean > 1 and number(told, r"corrupted (-?[\d.]+)") == -clean
    assert number(told, r"alone brings back (\d+)%") > 20
    paths = {into: number(told, rf"{into} ([+-]\d+)%") for into in "QKV"}
    assert paths["Q"] > 5 * max(abs(paths["K"]), abs(paths["V"]))
    assert "Performance on answer token" in told
    assert len(list((tmp_path / "plots").iterdir())) == 3


@pytest.mark.slow
def test_a_claim_of_ones_own_from_the_task_to_the_verdict(tmp_path):
    told = run("look_up.py", tmp_path, "--model", "two-layer-tiny")
    assert number(told, r"says the value of ([\d.]+)%") > 95
    assert "Verdict: Mechanism (rung 4 of 4). A circuit for key-value look-up of random tokens: 0.0 → 1.0" in re.sub(
        r"\s+", " ", told
    )
    for what in ("another head routes", "another head reads out"):
        assert f"{what}: behaviour" in told
    assert re.search(r"the edge into the queries: (clue|behaviour)", told)
