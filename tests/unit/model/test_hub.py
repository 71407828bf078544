"""The hub over real HTTP and through the real library, served by this test: what is asked for, kept and refused."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from typer.testing import CliRunner

from rung.cli import app
from rung.errors import CheckpointError, ConfigError, FetchError, PickleRefused, TokenizerError
from rung.model import fetch
from rung.model.adapter import WEIGHTS as ADAPTED
from rung.model.catalog import EXAMPLES, PICKLED, SHORT_NAMES
from rung.model.fetch import load_checkpoint, locate_model
from rung.model.model import HookedTransformer
from rung.model.resolve import downloaded_models

MAIN, TAGGED = "a" * 40, "b" * 40


class Hub:
    """Repositories as folders, each at two commits, and what was asked of it."""

    def __init__(self, root: Path) -> None:
        self.root, self.asked = root, []
        self.gated: set[str] = set()
        self.down = False

    def put(self, name: str, folder: Path, *files: str, commit: str = MAIN) -> None:
        """Serves `folder`, and small files of more names, as ORG/NAME."""
        at = self.root / name / commit
        shutil.copytree(folder, at, dirs_exist_ok=True)
        for file in files:
            (at / file).parent.mkdir(parents=True, exist_ok=True)
            (at / file).write_bytes(b"some")

    def got(self) -> set[str]:
        """Files whose bytes were asked for."""
        return {unquote(path).split("/resolve/")[1].split("/", 1)[1] for way, path in self.asked if way == "GET"
                and "/resolve/" in path}  # fmt: skip

    def answer(self, way: str, path: str, token: str | None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body, as the hub's API and its files give them."""
        self.asked.append((way, path))
        if self.down:
            return 503, {}, b""
        parts = unquote(urlsplit(path).path).strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        parts = parts[2:] if api else parts
        name, what, rest = "/".join(parts[:2]), parts[2] if len(parts) > 2 else "", parts[3:]
        if not (self.root / name).is_dir():
            return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"
        revision = rest[0] if rest else "main"
        commit = {"main": MAIN, "v1": TAGGED}.get(revision, revision)
        at = self.root / name / commit
        if not at.is_dir():
            return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
        files = sorted(str(file.relative_to(at)) for file in at.rglob("*") if file.is_file())
        if api and what == "tree":
            tree = [
                {"type": "file", "path": file, "size": (at / file).stat().st_size, "oid": "0" * 40} for file in files
            ]
            return 200, {}, json.dumps(tree).encode()
        if api:
            listed = [{"rfilename": file} for file in files]
            return 200, {}, json.dumps({"id": name, "sha": commit, "siblings": listed}).encode()
        if name in self.gated and token != "Bearer good":
            return 403, {"X-Error-Code": "GatedRepo"}, b""
        file = at / "/".join(rest[1:])
        if not file.is_file():
            return 404, {"X-Error-Code": "EntryNotFound"}, b""
        body = file.read_bytes()
        return 200, {"ETag": f'"{hash((name, commit, file.name)) & 0xFFFFFF:x}"', "X-Repo-Commit": commit}, body


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub on this machine, and an empty cache."""
    served = Hub(tmp_path / "hub")
    served.root.mkdir()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = served.answer(self.command, self.path, self.headers["Authorization"])
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    # The library reads its environment once, when it is imported.
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    yield served
    server.shutdown()
    server.server_close()


@pytest.fixture
def toy(gpt2: Any, tmp_path: Path) -> Path:
    """A tiny GPT-2 as transformers saves it."""
    gpt2.save_pretrained(tmp_path / "toy")
    return tmp_path / "toy"


def load(name: str, **options: Any) -> HookedTransformer:
    return HookedTransformer.from_pretrained_no_processing(name, **options)


def test_only_what_a_model_needs_is_downloaded(hub: Hub, toy: Path, gpt2: Any, draw: Callable[..., Any]) -> None:
    others = ("pytorch_model.bin", "flax_model.msgpack", "consolidated.safetensors", "onnx/model.onnx", "README.md")
    hub.put("org/toy", toy, *others)
    model = load("org/toy")
    assert torch.allclose(model(draw()), gpt2(draw()).logits, atol=1e-5)
    assert hub.got() == {"config.json", "generation_config.json", "model.safetensors"}
    assert model.config.model_name == "org/toy"
    assert model.config.notes == (f"from the hub: org/toy at commit {MAIN}",)


def test_shards_are_those_of_the_index(hub: Hub, gpt2: Any, tmp_path: Path, draw: Callable[..., Any]) -> None:
    gpt2.save_pretrained(tmp_path / "split", max_shard_size="2KB")
    hub.put("org/split", tmp_path / "split", "stranger.safetensors", "pytorch_model-00001-of-00002.bin")
    assert torch.allclose(load("org/split")(draw()), gpt2(draw()).logits, atol=1e-5)
    written = {path.name for path in (tmp_path / "split").iterdir()}
    assert hub.got() == written and len(written) > 4


def test_a_revision_is_honoured(hub: Hub, toy: Path, llama: Any, tmp_path: Path) -> None:
    hub.put("org/toy", toy)
    llama.save_pretrained(tmp_path / "older")
    hub.put("org/toy", tmp_path / "older", commit=TAGGED)
    for revision, family in (("v1", "llama"), (TAGGED, "llama"), (None, "gpt2"), ("main", "gpt2")):
        assert load("org/toy", revision=revision).config.family == family
    with pytest.raises(FetchError, match=r"org/toy has no revision 'v2'; .*org/toy/tree/main"):
        load("org/toy", revision="v2")
    with pytest.raises(CheckpointError, match=r"revision 'v1' was asked for, and .* is no repository"):
        load(str(toy), revision="v1")


def test_what_is_here_needs_no_network(hub: Hub, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.put("org/toy", toy)
    load("org/toy")
    asked = len(hub.asked)
    load("org/toy")
    assert len(hub.asked) == asked, "the cache has it whole: nobody is asked"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    load("org/toy")
    with pytest.raises(
        FetchError, match=r"org/other is not in the cache \(.*HF_HUB_OFFLINE is set.*rung fetch org/other"
    ):
        load("org/other")


def test_a_half_downloaded_model_is_completed(hub: Hub, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.put("org/toy", toy)
    location = locate_model("org/toy")
    (location.path / "model.safetensors").unlink()
    assert downloaded_models() == []
    with monkeypatch.context() as without:
        without.setattr(constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(FetchError, match="not in the cache"):
            load("org/toy")
    load("org/toy")
    assert downloaded_models() == ["org/toy"]


def test_fetching_asks_anew(hub: Hub, toy: Path, llama: Any, tmp_path: Path) -> None:
    hub.put("org/toy", toy)
    runner = CliRunner()
    said = runner.invoke(app, ["fetch", "org/toy"])
    assert (
        said.exit_code == 0
        and "Fetched org/toy" in said.stdout
        and "rung prove induction --model org/toy" in said.stdout
    )
    # The branch moves on.
    (hub.root / "org/toy" / MAIN).rename(hub.root / "org/toy" / TAGGED)
    llama.save_pretrained(tmp_path / "newer")
    hub.put("org/toy", tmp_path / "newer")
    assert load("org/toy").config.family == "gpt2"
    shutil.rmtree(constants.HF_HUB_CACHE)
    assert json.loads(runner.invoke(app, ["fetch", "org/toy", "--json"]).stdout)["name"] == "org/toy"
    assert load("org/toy").config.family == "llama"


def test_a_gated_repository_says_what_to_do(hub: Hub, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.put("org/toy", toy)
    hub.gated.add("org/toy")
    with pytest.raises(FetchError, match=r"org/toy is gated: ask for access at http.*org/toy, .*HF_TOKEN"):
        load("org/toy")
    monkeypatch.setenv("HF_TOKEN", "good")
    assert load("org/toy").config.family == "gpt2"


@pytest.mark.parametrize(
    ("name", "near"),
    [("EleutherAI/pythia-70", "EleutherAI/pythia-70m"), ("me/pythia-70m", "EleutherAI/pythia-70m"), ("x/q", "")],
)
def test_a_repository_that_does_not_exist_has_near_names(hub: Hub, name: str, near: str) -> None:
    with pytest.raises(FetchError, match=rf"no folder '{name}' here, and no repository of that name .*{near}"):
        load(name)


def test_no_network_says_what_to_do(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(FetchError, match=r"org/toy is not in the cache .*rung fetch org/toy"):
        load("org/toy")


def test_a_hub_in_trouble_says_so(hub: Hub, toy: Path) -> None:
    hub.put("org/toy", toy)
    hub.down = True
    with pytest.raises(FetchError, match="answered 503 when asked for org/toy"):
        load("org/toy")


def test_pickles_are_not_downloaded(hub: Hub, toy: Path) -> None:
    (toy / "model.safetensors").rename(toy / "pytorch_model.bin")
    hub.put("org/toy", toy)
    with pytest.raises(PickleRefused, match=r"org/toy has its weights in pytorch_model\.bin, a pickle.*refs/pr/N"):
        load("org/toy")
    assert hub.got() == set()


def test_what_rung_cannot_read_is_refused_before_its_weights_come(hub: Hub, toy: Path) -> None:
    (toy / "config.json").write_text('{"model_type": "bert"}')
    hub.put("org/toy", toy)
    with pytest.raises(ConfigError, match="model_type 'bert'"):
        load("org/toy")
    assert hub.got() == {"config.json", "generation_config.json"}
    (toy / "config.json").unlink()
    hub.put("org/empty", toy)
    with pytest.raises(FetchError, match=r"org/empty holds no config\.json with a model\.safetensors"):
        load("org/empty")


def test_an_index_of_files_that_are_not_there_is_refused(hub: Hub, gpt2: Any, tmp_path: Path) -> None:
    gpt2.save_pretrained(tmp_path / "split", max_shard_size="2KB")
    next((tmp_path / "split").glob("model-00002*")).unlink()
    hub.put("org/split", tmp_path / "split")
    with pytest.raises(FetchError, match="index that names model-00002"):
        load("org/split")


def test_a_short_name_is_its_repository(hub: Hub, toy: Path) -> None:
    hub.put("openai-community/gpt2", toy)
    for name in ("gpt2-small", "gpt2", "GPT2-Small", "openai-community/gpt2"):
        assert load(name).config.model_name == "openai-community/gpt2"


def test_short_names_are_small_and_lead_to_repositories() -> None:
    for name, repository in {**SHORT_NAMES, **PICKLED}.items():
        assert name == name.lower() and repository.count("/") == 1, name
    assert set(EXAMPLES.values()) <= set(SHORT_NAMES)
    assert not set(PICKLED) & set(SHORT_NAMES)


def test_a_misspelt_short_name_has_near_ones() -> None:
    with pytest.raises(CheckpointError, match=r"no folder 'gpt2-smal'.*Near names: gpt2-small"):
        locate_model("gpt2-smal")
    with pytest.raises(CheckpointError, match=r"Near names: .*smollm2-135m"):
        locate_model("smollm2-135")


def test_toys_that_are_pickles_say_so_and_what_ships_instead() -> None:
    with pytest.raises(PickleRefused, match=r"attn-only-2l is NeelNanda/Attn_Only_2L512W_C4_Code.*two-layer"):
        locate_model("attn-only-2l")


@pytest.mark.parametrize("name", ["a/b/c", "/no/where", "./x/y", "..", "org/", "org/na me", "~/x"])
def test_what_is_no_repository_name_is_not_asked_for(hub: Hub, name: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path / "hub")
    with pytest.raises(CheckpointError):
        load_checkpoint(name)
    assert hub.asked == []


def test_offline_from_the_environment_in_a_process_of_its_own(hub: Hub, toy: Path, tmp_path: Path) -> None:
    hub.put("org/toy", toy)
    code = "import sys; from rung.cli import app; app(sys.argv[1:])"
    environment = {"HF_ENDPOINT": constants.ENDPOINT, "HF_HOME": str(tmp_path / "home"), "PATH": ""}

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(command, env=environment | more, capture_output=True, text=True, check=False)

    alone = run("inspect", "org/toy", HF_HUB_OFFLINE="1")
    assert alone.returncode == 2 and alone.stderr.count("\n") == 1 and "rung fetch org/toy" in alone.stderr
    assert run("fetch", "org/toy").returncode == 0
    assert "org/toy" in run("inspect", "org/toy", HF_HUB_OFFLINE="1").stdout


def test_a_gguf_of_a_repository_is_named_by_its_file(hub: Hub, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "quantised").mkdir()
    hub.put("org/some", tmp_path / "quantised", "a.Q4_0.gguf", "b.Q8_0.gguf")
    with pytest.raises(FetchError, match=r"holds GGUF files; .*: org/some/a\.Q4_0\.gguf, org/some/b\.Q8_0\.gguf"):
        load("org/some")
    with pytest.raises(FetchError, match=r"has no a\.gguf\. Near names: a\.Q4_0\.gguf"):
        load("org/some/a.gguf")
    location = locate_model("org/some/b.Q8_0.gguf")
    assert hub.got() == {"b.Q8_0.gguf"} and location.path.is_file() and location.name == "org/some/b.Q8_0.gguf"
    asked = len(hub.asked)
    assert fetch.locate_model("org/some/b.Q8_0.gguf") == location and len(hub.asked) == asked


def test_an_adapter_is_fetched_with_the_base_that_it_names(hub: Hub, toy: Path, tmp_path: Path) -> None:
    lora = tmp_path / "lora"
    lora.mkdir()
    said = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "fan_in_fan_out": True, "base_model_name_or_path": "org/toy"}
    (lora / "adapter_config.json").write_text(json.dumps(said))
    name = "base_model.model.transformer.h.0.attn.c_attn.lora"
    save_file({f"{name}_A.weight": torch.ones(2, 12), f"{name}_B.weight": torch.ones(36, 2)}, lora / ADAPTED)
    hub.put("org/toy", toy)
    hub.put("org/lora", lora, "training_args.bin", "README.md")
    base, tuned = load("org/toy"), load("org/lora")
    torch.testing.assert_close(tuned.W_Q[0], base.W_Q[0] + 4)
    assert {"adapter_config.json", ADAPTED, "model.safetensors"} <= hub.got()
    assert not {"training_args.bin", "README.md"} & hub.got()
    hub.down = True
    assert torch.equal(load("org/lora").W_Q, tuned.W_Q), "both are in the cache"


def test_an_older_tokenizer_is_fetched_where_there_is_no_newer(hub: Hub, toy: Path) -> None:
    for file in ("tokenizer.model", "vocab.json", "merges.txt"):
        (toy / file).write_bytes(b"some")
    hub.put("org/older", toy)
    load("org/older")
    assert {"tokenizer.model", "vocab.json", "merges.txt"} <= hub.got()
    hub.asked.clear()
    hub.put("org/newer", toy)
    (hub.root / "org/newer" / MAIN / "tokenizer.json").write_text("{}")
    with pytest.raises(TokenizerError):
        load("org/newer")
    assert not {"tokenizer.model", "vocab.json", "merges.txt"} & hub.got()
