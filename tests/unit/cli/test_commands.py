import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from rung import cli
from rung.config import ModelConfig
from rung.model.model import HookedTransformer

RUNG = (sys.executable, "-m", "rung")
EVERY = ("inspect", "heads", "board")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models") / "small"
    config = ModelConfig(
        n_layers=2, d_model=16, n_heads=4, d_head=4, d_vocab=60, n_ctx=32, bos_token_id=0, default_prepend_bos=True,
        d_mlp=16, act_fn="relu", model_name="small",
    )  # fmt: skip
    HookedTransformer(config, seed=1).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory) -> Path:
    from transformers import GPT2Config, GPT2LMHeadModel

    path = tmp_path_factory.mktemp("models") / "tiny-gpt2"
    size = {"n_layer": 2, "n_head": 2, "n_embd": 16, "vocab_size": 80, "n_positions": 40}
    with torch.random.fork_rng(devices=[]):
        GPT2LMHeadModel(GPT2Config(**size, bos_token_id=79, eos_token_id=79)).save_pretrained(path)
    # What transformers writes by default: a first token outside so small a vocabulary.
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | {"bos_token_id": 50256, "eos_token_id": 50256}))
    return path


def invoke(*arguments: object, charset: str = "utf-8", **environment: str):
    quiet = {"NO_COLOR": None, "FORCE_COLOR": None, "COLORTERM": None, "COLUMNS": None}
    return CliRunner(charset=charset).invoke(cli.app, [str(a) for a in arguments], env=quiet | environment)


def complaint(*arguments: object) -> str:
    """The one line on stderr of a command that must end with exit code 2 and print nothing else."""
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("rung: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize("command", EVERY)
def test_commands_work_on_our_own_folder_and_on_one_that_transformers_wrote(command, folder, gpt2):
    for model in (folder, gpt2):
        result = invoke(command, model)
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        assert model.name in result.stdout


def test_inspect_says_what_the_model_is(folder, gpt2):
    out = invoke("inspect", folder).stdout
    assert "2 × 4 heads, d_head 4" in out
    assert "BOS, token 0, prepended to every text" in out
    assert "none: give token ids instead of text" in out
    assert "bos_token_id 50256 is outside" in invoke("inspect", gpt2).stdout


def test_inspect_lists_hooks_and_weights(folder):
    assert "blocks.1.attn.hook_pattern" in invoke("inspect", folder, "--hooks").stdout
    assert "blocks.{l}.attn.W_Q 4 × 16 × 4" in " ".join(invoke("inspect", folder, "--weights").stdout.split())
    explained = invoke("inspect", folder, "--hook", "blocks.1.attn.hook_pattern").stdout
    assert "[batch, head 4, query_pos, key_pos]" in explained
    assert "each query's weights over keys" in explained
    everywhere = json.loads(invoke("inspect", folder, "--hook", "pattern", "--json").stdout)
    assert [hook["name"] for hook in everywhere["hooks"]] == [f"blocks.{n}.attn.hook_pattern" for n in (0, 1)]


def test_json_is_the_result_alone(folder):
    inspected = json.loads(invoke("inspect", folder, "--json").stdout)
    assert inspected["config"]["n_layers"] == 2
    scored = json.loads(invoke("heads", folder, "--json", "--sequences", 4).stdout)
    assert scored["task"] == {
        "sequences": 4, "period": 15, "start": 1, "seed": 0, "bos": 0, "repeated": True,
    }  # fmt: skip
    assert len(scored["heads"]) == len(scored["control"]) == 8
    board = json.loads(invoke("board", folder, "--json", "--period", 6).stdout)
    assert board["gain"] == pytest.approx(board["first_copy_loss"] - board["second_copy_loss"])
    assert len(board["loss"]) == 12
    assert json.loads(invoke("doctor", "--json").stdout)["ok"] is True


def test_the_seed_decides(folder):
    def losses(seed: int) -> list[float]:
        return json.loads(invoke("board", folder, "--json", "--sequences", 2, "--seed", seed).stdout)["loss"]

    assert losses(1) == losses(1) != losses(2)


def test_heads_can_be_picked_and_sorted(folder):
    rows = invoke("heads", folder, "--head", "1.2", "--head", "0.3").stdout
    assert "2 of 8 heads" in rows
    by = json.loads(invoke("heads", folder, "--by", "bos", "--json").stdout)["heads"]
    scores = [head["bos"] for head in by.values()]
    assert scores == sorted(scores, reverse=True)


def test_a_vocabulary_too_small_for_the_control_leaves_it_out(tmp_path):
    config = ModelConfig(n_layers=1, d_model=4, n_heads=1, d_head=4, d_vocab=12, n_ctx=20, model_name="few")
    HookedTransformer(config).save_pretrained(tmp_path)
    assert json.loads(invoke("heads", tmp_path, "--period", 8, "--json").stdout)["control"] is None
    assert "ctrl" not in invoke("heads", tmp_path, "--period", 8).stdout.split("0.0")[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("heads", "--head", "2.0"), "no head 2.0 in small: it has layers 0 to 1, heads 0 to 3"),
        (("heads", "--head", "first"), "'first' names no head; write layer.head"),
        (("heads", "--by", "copying"), "no head score is called 'copying'"),
        (("heads", "--period", "16"), "a period of 16 needs 33 tokens, but small reads 32"),
        (("board", "--period", "2"), "the shortest"),
        (("board", "--device", "abacus"), "there is no device 'abacus' here; there is cpu"),
        (("board", "--dtype", "int8"), "dtype is 'int8'; known are float32"),
        (("board", "--threads", "0"), "--threads"),
        (("inspect", "--hook", "blocks.1.attn.hook_patern"), "Near names: blocks.1.attn.hook_pattern"),
        (("inspect", "--nonsense"), "No such option: --nonsense"),
    ],
)
def test_bad_options_are_one_line_and_exit_code_2(arguments, said, folder):
    assert said in complaint(arguments[0], folder, *arguments[1:])


@pytest.mark.parametrize("command", [(), ("bench",)])
def test_a_command_that_needs_another_shows_its_help(command):
    alone, asked = invoke(*command), invoke(*command, "--help")
    assert alone.exit_code == 0 and alone.stderr == ""
    assert alone.stdout.strip() == asked.stdout.strip() and alone.stdout.count("\n") > 5


def test_bad_commands_are_one_line_too():
    assert "No such command 'prof'" in complaint("prof")
    assert "Missing argument 'MODEL'" in complaint("heads")


def spoil_config(folder: Path, **changes: object) -> None:
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(values | changes))


def spoil_tensors(folder: Path, change) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


SPOILED = {
    "no config": (lambda f: (f / "config.json").unlink(), "has no config.json"),
    "config is not JSON": (lambda f: (f / "config.json").write_text("{"), "is not JSON"),
    "unknown key": (lambda f: spoil_config(f, n_experts=8), "n_experts"),
    "unknown family": (lambda f: spoil_config(f, model_type="gpt3"), "model_type 'gpt3'"),
    "tensor too many": (lambda f: spoil_tensors(f, lambda t: t.update(extra=torch.ones(1))), "holds extra"),
    "tensor too few": (lambda f: spoil_tensors(f, lambda t: t.pop("transformer.wpe.weight")), "lacks"),
    "wrong shape": (
        lambda f: spoil_tensors(f, lambda t: t.update({"transformer.wpe.weight": torch.ones(40, 15)})),
        "has shape [40, 15]; the config calls for [40, 16]",
    ),
    "NaN": (lambda f: spoil_tensors(f, lambda t: t["transformer.wpe.weight"].fill_(torch.nan)), "not finite"),
    "not safetensors": (lambda f: (f / "model.safetensors").write_bytes(b"\0" * 9), "not a whole safetensors file"),
    "pickle": (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "is a pickle"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_broken_folder_is_one_line_and_exit_code_2(what, gpt2, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(gpt2, broken)
    spoil, said = SPOILED[what]
    spoil(broken)
    for command in EVERY:
        assert said in complaint(command, broken)


def test_no_such_model():
    assert "no folder 'nowhere'" in complaint("inspect", "nowhere")


def test_output_that_is_not_finite_is_said(folder, tmp_path):
    huge = tmp_path / "huge"
    shutil.copytree(folder, huge)
    spoil_tensors(huge, lambda tensors: tensors["unembed.W_U"].mul_(1e38))
    assert "not finite in float32" in complaint("board", huge)


def test_a_model_without_layers(tmp_path):
    config = ModelConfig(n_layers=0, d_model=4, n_heads=1, d_head=4, d_vocab=30, n_ctx=20, model_name="flat")
    HookedTransformer(config).save_pretrained(tmp_path)
    assert "flat has no layers, so no heads" in complaint("heads", tmp_path)
    assert invoke("board", tmp_path).exit_code == 0
    assert "0: embedding and unembedding only" in invoke("inspect", tmp_path).stdout


def test_a_bug_of_ours_is_not_hidden(monkeypatch, folder):
    monkeypatch.setattr(cli.board, "open_model", lambda *_: 1 / 0)
    assert isinstance(invoke("board", folder).exception, ZeroDivisionError)


def test_an_interrupt_ends_with_130(monkeypatch, folder):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.board, "open_model", interrupt)
    assert invoke("board", folder).exit_code == 130


@pytest.mark.parametrize("command", [(), *((name,) for name in (*EVERY, "doctor"))])
def test_help_teaches(command):
    out = invoke(*command, "--help").stdout
    assert "--help" in out
    assert "rung" in out
    if command:
        assert "Example" in out
        assert "How to read it" in out


def test_threads_are_set_by_the_option_alone(folder):
    before = torch.get_num_threads()
    try:
        invoke("board", folder, "--sequences", 1)
        assert torch.get_num_threads() == before
        invoke("board", folder, "--sequences", 1, "--threads", 1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_help_loads_no_torch():
    code = "import sys; from rung.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass\n"
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_the_version_is_the_installed_one():
    from importlib.metadata import version

    assert invoke("--version").stdout == f"rung {version('rung')}\n"


def test_colour_is_left_out_of_a_pipe_and_follows_no_color(folder):
    arguments, colourful = ("heads", folder, "--sequences", 1), {"FORCE_COLOR": "1", "COLORTERM": "truecolor"}
    assert "\033" not in invoke(*arguments).stdout
    assert "48;2;" in invoke(*arguments, **colourful).stdout
    assert "48;2;" not in invoke(*arguments, **colourful, NO_COLOR="1").stdout


def test_an_encoding_without_our_signs_gets_ascii(folder):
    for command in (*((name, folder) for name in EVERY), ("doctor",)):
        result = invoke(*command, charset="ascii")
        assert result.exit_code == 0, result.stderr
        assert result.stdout.isascii()
        assert "?" not in result.stdout


def test_a_real_process_in_a_real_pipe(folder):
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "60"}
    result = subprocess.run([*RUNG, "board", str(folder)], capture_output=True, text=True, env=environment)
    assert (result.returncode, result.stderr) == (0, "")
    assert max(map(len, result.stdout.splitlines())) <= 60
    assert "ln V" in result.stdout
    refused = subprocess.run([*RUNG, "board", "nowhere"], capture_output=True, text=True, env=environment)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)


def test_a_reader_that_goes_away_gets_no_traceback(folder):
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run([*RUNG, "inspect", str(folder)], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert result.returncode == 141
    assert result.stderr == ""


# `rung why-attend`.


def test_why_attend_splits_one_score():
    text = ("--text", "the man and the man and the man")
    shown = invoke("why-attend", "two-layer-tiny", "1.0", "-1", "3", *text, "--top", "3")
    assert shown.exit_code == 0, shown.output
    assert "Why 1.0 of two-layer-tiny attends from position" in shown.stdout
    for words in (
        "query part",
        "key parts",
        "embed",
        "3 of ",
        "sum to the score but for rounding",
    ):
        assert words in shown.stdout
    narrow = invoke("why-attend", "two-layer-tiny", "1.0", "-1", "3", *text, COLUMNS="60")
    assert narrow.exit_code == 0 and max(map(len, narrow.stdout.splitlines())) <= 60
    plain = json.loads(invoke("why-attend", "two-layer-tiny", "1.0", "-1", "3", *text, "--json").stdout)
    whole = sum(map(sum, plain["values"])) + plain["alibi"]
    assert plain["head"] == "1.0" and plain["key"] == 3 and plain["query"] == len(plain["tokens"]) - 1
    assert whole == pytest.approx(plain["score"], abs=1e-4)


def test_why_attend_says_what_it_cannot_explain():
    text = ("--text", "the man")
    assert "no head 7.0" in complaint("why-attend", "two-layer-tiny", "7.0", "1", "0", *text)
    assert "positions 0 to" in complaint("why-attend", "two-layer-tiny", "1.0", "90", "0", *text)
    assert "does not see" in complaint("why-attend", "two-layer-tiny", "1.0", "0", "1", *text)


def test_heads_are_ablated_by_themselves_or_together(folder, tmp_path):
    found = json.loads(invoke("ablate", folder, "--json", "--sequences", 3, "--by", "mean").stdout)
    assert found["layer"] == ["0", "1"] and found["head"] == list("0123") and found["unit"] == "nats"
    assert len(found["edited"][1][2]) == 3 and len(found["clean"]) == 3
    assert "change of the second copy's loss" in invoke("ablate", folder).stdout
    for by in ("zero", "mean", "resample"):
        together = invoke("ablate", folder, "--heads", "0.1,1.2", "--by", by, "--json")
        assert json.loads(together.stdout)["replaced"] == ["0.1", "1.2"]
    kept = invoke("ablate", folder, "--json", "--sequences", 3, "--store", tmp_path / "store")
    assert json.loads(kept.stdout) == found and (tmp_path / "store").is_dir()
    assert invoke("ablate", folder, "--json", "--sequences", 3, "--store", tmp_path / "store").stdout == kept.stdout
    assert "tokens" in complaint("ablate", folder, "--seed", 5, "--sequences", 3, "--store", tmp_path / "store")
    shown = invoke("ablate", folder, "--heads", "0.1, 1.2").stdout
    assert "0.1, 1.2, together" in shown
    assert "known are zero, mean, resample" in complaint("ablate", folder, "--by", "median")
    assert "no head 2.0" in complaint("ablate", folder, "--heads", "2.0")


def test_a_shard_that_is_not_the_whole_says_how_far_it_is(folder, tmp_path):
    ask = ("ablate", folder, "--sequences", 2, "--store", tmp_path / "store")
    assert invoke(*ask, "--shard", "2/2").stdout == "4 of 8 cells are measured.\n"
    assert json.loads(invoke(*ask, "--shard", "2/2", "--json").stdout)["measured"] == 4
    found = json.loads(invoke(*ask, "--shard", "1/2", "--json").stdout)
    plain = json.loads(invoke("ablate", folder, "--sequences", 2, "--json").stdout)
    assert [len(row) for row in found["edited"]] == [4, 4]
    assert found["edited"][1][2] == pytest.approx(plain["edited"][1][2], abs=1e-5)


def test_a_sweep_runs_on_a_cluster():
    texts = ("--clean", "the man and the man", "--corrupted", "the time and the time")
    ask = ("patch", "two-layer-tiny", *texts, "--answer", " man", "--other", " time", "--site", "z", "--json")
    plain, found = json.loads(invoke(*ask).stdout), json.loads(invoke(*ask, "--dask", "local").stdout)
    assert found["edited"][1] == [pytest.approx(cell, abs=1e-5) for cell in plain["edited"][1]]


def test_slurm_gets_its_options(monkeypatch, tmp_path):
    given = {}

    class Jobs:
        def __init__(self, folder, cluster):
            given.update(folder=folder, cluster=cluster)

        def update_parameters(self, **options):
            given.update(options)

        def submit(self, fn, *args):
            return SimpleNamespace(result=lambda: fn(*args))

    monkeypatch.setitem(sys.modules, "submitit", SimpleNamespace(AutoExecutor=Jobs))
    ask = ("ablate", "two-layer-tiny", "--json", "--sequences", 2, "--store", tmp_path / "store")
    found = invoke(*ask, "--slurm", "timeout_min=60", "--slurm", "slurm_partition=cpu")
    assert len(json.loads(found.stdout)["edited"]) == 2
    assert given == {"folder": "slurm-logs", "cluster": "slurm", "timeout_min": 60, "slurm_partition": "cpu"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--shard", "1/2"], "--shard 1/2 was given without --store"),
        (["--shard", "3/2", "--store", "s"], "write i/n"),
        (["--shard", "1/2", "--store", "s", "--workers", "2"], "was given beside --workers"),
        (["--shard", "1/2", "--store", "s", "--dask", "local"], "was given beside --dask"),
        (["--dask", "local", "--ray", "local"], "--dask and --ray were given"),
        (["--ray", "head:6379"], "--ray was given without --store"),
        (["--slurm", "timeout_min=5"], "--slurm was given without --store"),
        (["--slurm", "timeout", "--store", "s"], "write NAME=VALUE"),
        (["--heads", "0.1", "--workers", "2"], "--workers was given, but --heads are ablated together"),
    ],
)
def test_sharing_that_does_not_fit_is_refused_before_the_model_is_loaded(options, told):
    assert told in complaint("ablate", "no-such-model", *options)


def test_a_cluster_whose_extra_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert "pip install 'rung[ray]'" in complaint("ablate", "two-layer-tiny", "--ray", "local")


def test_prompts_are_patched_into_each_other():
    texts = ("--clean", "the man and the man", "--corrupted", "the time and the time", "--answer", " man")
    both = (*texts, "--other", " time")
    for site, by in (("resid_pre", "head"), ("z", "head"), ("pattern", "position"), ("v", "head")):
        found = json.loads(invoke("patch", "two-layer", *both, "--site", site, "--by", by, "--json").stdout)
        assert found["metric"] == "logit difference" and len(found["clean"]) == 1
        runs = found["runs"]
        assert found["clean"] == pytest.approx([runs["corrupted"]], abs=1e-4)
        if site == "resid_pre":  # all that the model knows of a text enters here, one position at a time
            assert len(found["edited"]) == 2 and len(found["edited"][0]) == len(runs["tokens"][0])
    shown = invoke("patch", "two-layer", *both).stdout
    assert "percent of the way from the corrupted to the clean run" in " ".join(shown.split())
    assert "known are resid_pre" in complaint("patch", "two-layer", *both, "--site", "nowhere")
    assert "are the same" in complaint("patch", "two-layer", *both, "--corrupted", "the man and the man")
    assert "they must be as long" in complaint("patch", "two-layer", *both, "--clean", "the man")
    assert "is 2 tokens" in complaint("patch", "two-layer", *texts, "--other", " man man")


def test_a_logit_is_attributed():
    asked = ("attribute", "two-layer", "--text", "the man and the", "--answer", " man")
    found = json.loads(invoke(*asked, "--json").stdout)
    assert sum(found["parts"].values()) + found["residual"] == pytest.approx(found["total"], abs=1e-4)
    assert {"embed", "0.0", "1.3"} <= set(found["parts"]) and abs(found["residual"]) < 1e-3
    beside = json.loads(invoke(*asked, "--other", " time", "--json").stdout)
    model = HookedTransformer.from_pretrained("two-layer")
    with torch.no_grad():
        logits = model(model.to_tokens("the man and the"))[0, -1]
    right, wrong = model.to_single_token(" man"), model.to_single_token(" time")
    assert found["total"] == pytest.approx(float(logits[right]), abs=1e-4)
    assert beside["total"] == pytest.approx(float(logits[right] - logits[wrong]), abs=1e-4)
    shown = invoke(*asked).stdout
    assert "rows: layers, columns: heads; logits" in shown and f"{found['total']:+.3f}" in shown
    assert "tokens" in complaint(*asked[:-1], " man man")


def test_why_not_names_the_test_that_separates_a_head_from_each_role():
    asked = ("why-not", "1.1", "--model", "two-layer-tiny", "--sequences", "16", "--quiet")
    done = CliRunner().invoke(cli.app, [*asked])
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "1.1" in said and "0.0 → 1.0" in said
    found = json.loads(CliRunner().invoke(cli.app, [*asked, "--json"]).stdout)
    assert {one["role"] for one in found["roles"]} == {"previous_token", "induction"}
    assert all(one["sentence"] in done.stdout and (one["separated_by"] or one["refused"]) for one in found["roles"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("7.0",), "no head 7.0 in two-layer-tiny"),
        (("1",), "1"),
        (("1.1", "--claim", "inductoin"), "no claim 'inductoin'"),
        (("1.1", "--sequences", "1"), "at least 2 are needed"),
    ],
)
def test_why_not_refuses_bad_input_in_one_line(arguments, said):
    done = CliRunner().invoke(cli.app, ["why-not", *arguments, "--model", "two-layer-tiny", "--quiet"])
    assert done.exit_code == 2 and done.stdout == ""
    assert done.stderr.startswith("rung: ") and done.stderr.count("\n") == 1 and said in done.stderr
