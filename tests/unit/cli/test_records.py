"""`rung report` and `rung diff` as people call them, on one small record and a changed copy."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rung import cli
from rung.evidence.observation import Outcome
from rung.evidence.record import record, write_record
from rung.views.wording import verdict_sentence


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch, proof) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, outcomes in (("a", {}), ("b", {"mechanism.ov": Outcome.FAILS})):
        made = proof(outcomes=outcomes)
        write_record(record(made, verdict_sentence(made)), f"{name}.json")
    return tmp_path


def invoke(*arguments: object):
    quiet = {"NO_COLOR": None, "FORCE_COLOR": None, "COLORTERM": None, "COLUMNS": "200"}
    return CliRunner().invoke(cli.app, list(map(str, arguments)), env=quiet)


def test_report_writes_a_page_beside_the_record_or_where_it_is_told():
    done = invoke("report", "b.json")
    assert (done.exit_code, done.stdout) == (0, "b.html\n"), done.output
    assert "OV copying top-1" in Path("b.html").read_text("utf-8")
    assert invoke("report", "b.json", "--html", "other.html").exit_code == 0
    assert Path("other.html").read_bytes() == Path("b.html").read_bytes()


def test_report_refuses_what_is_no_record_and_what_does_not_follow_from_itself():
    assert "no record missing.json" in invoke("report", "missing.json").stderr
    edited = json.loads(Path("a.json").read_text())
    edited["floors"]["clue"] = 0.31
    Path("a.json").write_text(json.dumps(edited))
    assert "floors_changed" in invoke("report", "a.json").stderr
    assert not Path("a.html").exists()


def test_diff_names_what_differs_and_says_so_by_its_exit_code():
    done = invoke("diff", "a.json", "b.json")
    assert done.exit_code == 1
    assert "OV copying top-1 · 1.0 · outcome" in done.stdout and "fails" in done.stdout
    assert invoke("diff", "a.json", "a.json").exit_code == 0
    found = json.loads(invoke("diff", "a.json", "b.json", "--json").stdout)
    assert found["same"] is False and found["differences"][0]["recorded"] == "mechanism"


def test_diff_of_many_says_from_where_on_each_rung_is_reached():
    done = invoke("diff", "b.json", "b.json", "a.json")
    assert done.exit_code == 0
    assert "causal support: reached from b.json on" in done.stdout
    assert "mechanism: reached from a.json on" in done.stdout
    found = json.loads(invoke("diff", "a.json", "a.json", "b.json", "--json").stdout)
    assert found["reached_from"]["mechanism"] is None and found["reached_from"]["clue"] == 0
