"""`rung prove` as people call it: on a bundled model, on models without the behaviour, and with bad input."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from rung import cli, load_record
from rung.config import ModelConfig
from rung.evidence import prove as evidence
from rung.model.model import HookedTransformer

TINY = ("--model", "two-layer-tiny", "--sequences", 60)
WRONG = ("--heads", "previous_token=0.1", "--heads", "induction=1.1")
RIGHT = ("--heads", "previous_token=0.0", "--heads", "induction=1.0")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A model that has learned nothing."""
    path = tmp_path_factory.mktemp("models") / "blank"
    config = ModelConfig(
        n_layers=2, d_model=8, n_heads=2, d_head=4, d_vocab=60, n_ctx=32, bos_token_id=0, model_name="blank"
    )
    HookedTransformer(config, seed=1).save_pretrained(path)
    return path


def invoke(*arguments: object, charset: str = "utf-8", **environment: str):
    quiet = {"NO_COLOR": None, "FORCE_COLOR": None, "COLORTERM": None, "COLUMNS": None}
    return CliRunner(charset=charset).invoke(cli.app, ["prove", *map(str, arguments)], env=quiet | environment)


def words(text: str) -> str:
    return " ".join(text.split())


def complaint(*arguments: object) -> str:
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("rung: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_full_run_ends_in_a_verdict_and_a_record_that_anyone_can_read(here):
    result = invoke("induction", "--model", "two-layer-tiny", "--require", "mechanism")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    out = result.stdout
    assert "two-layer-tiny · 2 layers × 2 heads" in out
    assert out.count("✓") == 5
    assert "agree on 0.0 and 1.0." in out
    said = " ".join(out.split())
    assert "Verdict: Mechanism (rung 4 of 4). A circuit for token induction on random repeats: 0.0 → 1.0 (K-com" in said
    assert "record: induction.json" in out
    found = load_record("induction.json")
    assert found.proof.verdict.name == "mechanism"
    assert found.proof.run["versions"].keys() >= {"rung", "torch", "python"}
    assert [path.name for path in here.iterdir()] == ["induction.json"]


def test_few_sequences_stop_at_a_clue_and_say_so():
    result = invoke("induction", *TINY, "--no-record", "--require", "contribution")
    assert result.exit_code == 1
    assert "Verdict: Clue (rung 1 of 4), capped: 60 of the 64 confirmation sequences required." in words(result.stdout)
    assert "not counted: 64 sequences are required" in result.stdout
    assert result.stderr == ""
    assert invoke("induction", *TINY, "--no-record", "--require", "clue").exit_code == 0


def test_wrong_heads_stop_where_the_evidence_stops(here):
    result = invoke("induction", *TINY, *WRONG, "--record", "wrong.json", "--require", "1")
    assert result.exit_code == 1
    assert "heads as given" in result.stdout
    said = words(result.stdout)
    assert "Verdict: Behaviour (rung 0 of 4), token induction on random repeats. Not clue: 0.1 previous-token" in said
    assert "Methods disagree with the claim: " in said
    assert load_record("wrong.json").proof.run["heads"] == "given"
    assert not Path("induction.json").exists()


def test_a_role_that_is_left_out_is_searched_for():
    found = json.loads(invoke("induction", *TINY, "--heads", "induction=1.0", "--json").stdout)
    assert [role["heads"] for role in found["claim"]["roles"]] == [["0.0"], ["1.0"]]
    assert found["run"]["heads"] == "found by search"


def test_heads_of_one_role_may_be_given_in_turn():
    found = json.loads(
        invoke("induction", *TINY, "--heads", "induction=1.0", "--heads", "induction=1.1", *RIGHT[:2], "--json").stdout
    )
    assert found["claim"]["roles"][1]["heads"] == ["1.0", "1.1"]


@pytest.mark.parametrize("width", [60, 140])
def test_a_model_without_the_behaviour_gets_a_verdict_not_an_error(folder, width):
    result = invoke("induction", "--model", folder, "--tests", COLUMNS=str(width))
    assert result.exit_code == 0
    said = words(result.stdout)
    assert "Verdict: Nothing to explain: no token induction on random repeats in this model. Loss" in said
    assert said.count("not run: there is nothing to explain") == 4
    assert max(map(len, result.stdout.splitlines())) <= width
    assert load_record("induction.json").proof.verdict.rung == -1
    assert invoke("induction", "--model", folder, "--require", "behaviour", "--no-record").exit_code == 1


@pytest.mark.parametrize("layers", [0, 1])
def test_models_with_too_few_layers_get_a_verdict_too(tmp_path, layers):
    config = ModelConfig(n_layers=layers, d_model=8, n_heads=2, d_head=4, d_vocab=60, n_ctx=32, model_name="flat")
    HookedTransformer(config, seed=1).save_pretrained(tmp_path / "flat")
    result = invoke("induction", "--model", tmp_path / "flat")
    assert result.exit_code == 0, result.output
    assert "Nothing to explain" in result.stdout


def test_json_is_the_record_alone(folder, here):
    result = invoke("induction", "--model", folder, "--json")
    found = json.loads(result.stdout)
    assert found["format"] == "rung record"
    assert list(here.iterdir()) == []
    invoke("induction", "--model", folder, "--json", "--record", "it.json")
    assert json.loads(Path("it.json").read_text()) | {"date": ""} == found | {"date": ""}


def test_the_seed_is_that_of_the_search_alone(folder):
    found = [
        json.loads(invoke("induction", "--model", folder, "--seed", seed, "--json").stdout) | {"date": ""}
        for seed in (1, 1, 2)
    ]
    assert found[0] == found[1] != found[2]
    assert found[0]["measurements"] == found[2]["measurements"]
    assert [one["run"]["search_seed"] for one in found] == [1, 1, 2]


BAD = {
    ("inductoin",): "no claim 'inductoin'; known are induction, lookup, previous_token, ",
    (): "Missing argument 'CLAIM'",
    ("induction", "--heads", "1.4"): "heads are given as ROLE=LAYER.HEAD",
    ("induction", "--heads", "induction=1"): "not 'induction=1'",
    ("induction", "--heads", "previous=0.0"): "no role 'previous'; its roles are previous_token, induction. Near names",
    ("induction", "--heads", "induction=1.2"): "no head 1.2 in two-layer-tiny: it has layers 0 to 1, heads 0 to 1",
    (
        "induction",
        "--heads",
        "previous_token=1.0",
        "--heads",
        "induction=1.1",
    ): "heads of one layer read the same input",
    ("induction", "--heads", "previous_token=1.0", "--heads", "induction=0.1"): "reaches only later layers",
    ("induction", "--heads", "previous_token=1.0", "--heads", "induction=1.0"): "one head, one role",
    ("induction", "--require", "proof"): "there is no rung 'proof'; there are behaviour, clue, contribution",
    ("induction", "--require", "mechanisms"): "Near names: mechanism.",
    ("induction", "--require", "5"): "there is no rung '5'",
    ("induction", "--record", "nowhere/it.json"): "cannot be written to nowhere/it.json: No such file or directory",
    ("induction", "--record", "."): "names no file for the record",
    ("induction", "--record", "-"): "--json prints it, --no-record writes none",
    ("induction", "--record", "it.json", "--no-record"): "--record and --no-record exclude each other",
    ("induction", "--sequences", "1"): "at least 2 are needed",
    (
        "induction",
        "--sequences",
        "65",
    ): "above 64 a proof looks at 128, 256, 512, …",
    ("induction", "--sequences", "many"): "Invalid value for '--sequences'",
    ("induction", "--dtype", "int8"): "dtype is 'int8'; known are",
    ("induction", "--device", "abacus"): "there is no device 'abacus'",
}


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_bad_input_is_one_line_and_exit_code_2(arguments, here):
    assert BAD[arguments] in complaint(*arguments, "--model", "two-layer-tiny")
    assert list(here.iterdir()) == []


def test_a_model_that_cannot_be_found_or_cannot_read_the_task(tmp_path):
    assert "no folder 'nowhere'" in complaint("induction", "--model", "nowhere")
    for name, n_ctx, d_vocab, said in (
        ("short", 12, 60, "the context of short is 12, too short for the induction task"),
        ("few", 32, 20, "few has 20 ordinary tokens, too few for the induction task"),
    ):
        config = ModelConfig(n_layers=2, d_model=8, n_heads=2, d_head=4, d_vocab=d_vocab, n_ctx=n_ctx, model_name=name)
        HookedTransformer(config).save_pretrained(tmp_path / name)
        assert said in complaint("induction", "--model", tmp_path / name)


def test_a_place_that_cannot_be_written_is_known_before_anything_is_computed(monkeypatch):
    def never(*_, **__):
        raise AssertionError("computed first")

    monkeypatch.setattr(evidence, "prove", never)
    monkeypatch.setattr(cli.prove, "open_model", never)
    assert "No such file" in complaint("induction", "--record", "nowhere/it.json")
    Path("induction.json").write_text("my own notes")
    assert "is not a record, so it is left as it is" in complaint("induction")
    assert Path("induction.json").read_text() == "my own notes"


def test_output_that_is_not_finite_is_said(folder, tmp_path):
    huge = tmp_path / "huge"
    shutil.copytree(folder, huge)
    tensors = load_file(huge / "model.safetensors")
    tensors["unembed.W_U"].mul_(1e38)
    save_file(tensors, huge / "model.safetensors")
    assert "not finite in float32" in complaint("induction", "--model", huge)


def test_an_interrupt_ends_with_130_and_leaves_nothing(monkeypatch, here):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(evidence, "run_tests", interrupt)
    result = invoke("induction", *TINY)
    assert result.exit_code == 130
    assert result.stdout == ""
    assert list(here.iterdir()) == []


def test_help_teaches_the_rungs_and_keeps_its_lines():
    out = invoke("--help").stdout
    for line in (
        "    rung prove induction --heads previous_token=0.1 --heads induction=1.2",
        "    3 causal support   does the model need them, where and for what the claim says?",
    ):
        assert line in out.splitlines()
    assert "\\b" not in out
    code = "import sys; from rung.cli import app\ntry: app(['prove', '--help'])\nexcept SystemExit: pass\n"
    code += "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_an_encoding_without_our_signs_gets_ascii(folder):
    for extra in ((), ("--tests",)):
        result = invoke("induction", *TINY, *extra, charset="ascii")
        assert result.exit_code == 0, result.stderr
        assert result.stdout.isascii()
        assert "?" not in result.stdout


def test_colour_follows_no_color(folder):
    arguments, colourful = ("induction", "--model", folder, "--no-record"), {"FORCE_COLOR": "1"}
    assert "\033" not in invoke(*arguments).stdout
    assert "\033[1;31m" in invoke(*arguments, **colourful).stdout
    assert "[31m" not in invoke(*arguments, **colourful, NO_COLOR="1").stdout


def test_progress_is_shown_where_somebody_can_see_it(folder):
    pty = pytest.importorskip("pty")
    command = (sys.executable, "-m", "rung", "prove", "induction", "--model", str(folder), "--no-record")

    def stderr_of(*extra: str) -> str:
        ours, theirs = pty.openpty()
        result = subprocess.run(
            [*command, *extra], stdout=subprocess.PIPE, stderr=theirs, env=os.environ | {"TERM": "xterm"}
        )
        os.close(theirs)
        assert result.returncode == 0
        assert b"Verdict" in result.stdout
        os.set_blocking(ours, False)
        try:
            return os.read(ours, 1_000_000).decode()
        except OSError:
            return ""
        finally:
            os.close(ours)

    assert "100%" in stderr_of()
    assert stderr_of("--quiet") == ""


@pytest.mark.parametrize("arguments", [("--model", "two-layer-tiny", "--sequences", 60), ()], ids=["tiny", "blank"])
def test_the_page_is_what_report_writes_from_the_record(folder, arguments):
    result = invoke("induction", *(arguments or ("--model", folder)), "--record", "it.json", "--html", "it.html")
    assert result.exit_code == 0, result.output
    done = CliRunner().invoke(cli.app, ["report", "it.json", "--html", "again.html"])
    assert done.exit_code == 0, done.output
    assert Path("it.html").read_bytes() == Path("again.html").read_bytes()
    assert len(Path("it.html").read_bytes()) < 1_000_000


def test_a_proof_with_a_store_goes_on_from_what_it_holds(folder, monkeypatch):
    asked = ("induction", *TINY, "--store", "kept", "--json")
    first = json.loads(invoke(*asked).stdout)
    monkeypatch.setattr(evidence, "summarize", lambda *_: pytest.fail("a test was run"))
    assert json.loads(invoke(*asked).stdout) | {"date": ""} == first | {"date": ""}
    Path("file").write_text("mine")
    assert "the store file cannot be read" in complaint("induction", *TINY, "--store", "file")
