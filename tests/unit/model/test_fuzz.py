"""Files with bytes changed, cut, put in, taken out: a load is refused by one of Rung's errors or gives a whole model.

What is promised: the process never ends or hangs, and takes no memory that the files do not call for; a model that is
given is complete, finite, and of the shapes that its config calls for; and where only the description of tensors was
changed (a safetensors header, an index, the list of tensors of a GGUF), it is the same model to the bit. What cannot be
promised without a hash: that a changed weight is noticed, or a setting that is as good as the old one, or (GGUF)
another way to store numbers that takes as much room.

Loads run in a process of their own, so that a crash is seen as one.
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from rung.config import ModelConfig
from rung.engine.weights import init_weights
from rung.model.checkpoint import save_checkpoint
from rung.model.tokenizer import TextTokenizer

pytestmark = pytest.mark.slow

SECONDS = 240
"""A load takes milliseconds, the first one as long as importing torch; on a busy machine, some more."""

CHILD = """
import hashlib, json, resource, sys, traceback, warnings
warnings.simplefilter("ignore")
import torch
from rung.config import weight_shapes
from rung.errors import RungError
from rung.model.fetch import load_checkpoint
import gguf, safetensors.torch, tokenizers
torch.set_num_threads(1)
resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
for line in sys.stdin:
    try:
        config, weights, tokenizer, _ = load_checkpoint(json.loads(line))
        shapes = weight_shapes(config)
        digests = {}
        assert list(weights) == list(shapes), "a weight is missing, or one too many"
        for name, held in weights.items():
            for layer, tensor in enumerate(held if isinstance(held, tuple) else (held,)):
                assert tuple(tensor.shape) == shapes[name] and bool(tensor.isfinite().all()), name
                digests[f"{name}.{layer}"] = hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()
        if tokenizer is not None:
            tokenizer.decode(tokenizer.encode("ab ba"))
            assert len(tokenizer) <= config.d_vocab
        said = {"weights": digests}
    except RungError as error:
        assert str(error)
        said = {"refused": str(error)}
    except BaseException:
        said = {"broke": traceback.format_exc()}
    print(json.dumps(said), flush=True)
"""


class Loader:
    """A process that loads what it is told to."""

    def __init__(self) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def __call__(self, path: Path) -> dict[str, Any]:
        """What came of it; fails if the process ended, hung, or raised anything but one of Rung's errors."""
        assert self.child.stdin is not None and self.child.stdout is not None
        self.child.stdin.write(json.dumps(str(path)) + "\n")
        ready, _, _ = select.select([self.child.stdout], [], [], SECONDS)
        assert ready, "the load hangs"
        line = self.child.stdout.readline()
        assert line, f"the process ended with {self.child.wait()}"
        said: dict[str, Any] = json.loads(line)
        assert "broke" not in said, said["broke"]
        return said


@pytest.fixture(scope="module")
def load() -> Iterator[Loader]:
    loader = Loader()
    yield loader
    loader.child.kill()
    loader.child.communicate()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with a tokenizer, its weights in two files with an index."""
    folder = tmp_path_factory.mktemp("fuzz") / "model"
    config = ModelConfig(n_layers=2, d_model=6, n_heads=2, d_head=3, d_vocab=9, n_ctx=7, d_mlp=5, act_fn="gelu")
    backend = tokenizers.Tokenizer(tokenizers.models.BPE({"<s>": 0, "a": 1, "b": 2, "ab": 3}, [("a", "b")]))
    backend.add_special_tokens(["<s>"])
    save_checkpoint(folder, config, init_weights(config, 0), TextTokenizer(backend, "<s>"))
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    files = {name: f"model-{1 + (i % 2)}.safetensors" for i, name in enumerate(sorted(tensors))}
    for file in set(files.values()):
        save_file({name: tensor for name, tensor in tensors.items() if files[name] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    return folder


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, int]:
    """A tiny GGUF with a tokenizer, and where its list of tensors begins and its numbers do."""
    path = tmp_path_factory.mktemp("fuzz") / "model.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    for add, value in (
        ("block_count", 1), ("context_length", 16), ("embedding_length", 32), ("feed_forward_length", 32),
        ("head_count", 2), ("head_count_kv", 1), ("layer_norm_rms_eps", 1e-5), ("rope_freq_base", 1e4),
        ("tokenizer_model", "gpt2"), ("tokenizer_pre", "smollm"), ("token_list", ["<s>", "a", "b", "ab", "Ġ"]),
        ("token_types", [3, 1, 1, 1, 1]), ("token_merges", ["a b"]), ("bos_token_id", 0), ("add_bos_token", False),
    ):  # fmt: skip
        getattr(writer, f"add_{add}")(value)
    generator = np.random.default_rng(0)
    shapes = {"token_embd": (5, 32), "output_norm": (32,), "blk.0.attn_norm": (32,), "blk.0.ffn_norm": (32,)}
    shapes |= {f"blk.0.attn_{one}": (32 if one in ("q", "output") else 16, 32) for one in ("q", "k", "v", "output")}
    shapes |= {f"blk.0.ffn_{one}": (32, 32) for one in ("gate", "up", "down")}
    for name, shape in shapes.items():
        values = generator.normal(size=shape).astype(np.float32)
        kind = gguf.GGMLQuantizationType.Q4_1 if len(shape) == 2 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(f"{name}.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    first = gguf.GGUFReader(path).tensors[0]
    return path, path.read_bytes().index(b"token_embd.weight") - 8, first.data_offset


Change = Callable[[bytes, int, int], bytes]


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """One to three edits between two places of a file."""
    edits = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["set", "flip", "put in", "take out", "cut", "huge"]),
                st.floats(0, 1, exclude_max=True),
                st.binary(min_size=1, max_size=4),
            ),
            min_size=1,
            max_size=3,
        )
    )

    def change(held: bytes, begin: int, end: int) -> bytes:
        for kind, where, some in edits:
            at = begin + int(where * (min(end, len(held)) - begin))
            if kind == "set":
                held = held[:at] + some + held[at + len(some) :]
            elif kind == "flip":
                held = held[:at] + bytes([held[at] ^ (1 << some[0] % 8)]) + held[at + 1 :] if at < len(held) else held
            elif kind == "put in":
                held = held[:at] + some + held[at:]
            elif kind == "take out":
                held = held[:at] + held[at + len(some) :]
            elif kind == "cut":
                held = held[:at]
            else:
                held = held[:at] + (2 ** (33 + some[0] % 31) - 1).to_bytes(8, "little") + held[at + 8 :]
        return held

    return change


fuzz = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def try_changed(load: Loader, path: Path, held: bytes, change: bytes) -> dict[str, Any]:
    """What comes of a load while a file is changed."""
    whole = path.parent if path.suffix != ".gguf" else path
    try:
        path.write_bytes(change)
        return load(whole)
    finally:
        path.write_bytes(held)


def kinds(path: Path) -> list[int]:
    """How each tensor's numbers are stored."""
    return [tensor.tensor_type for tensor in gguf.GGUFReader(path).tensors]


def header_end(path: Path) -> int:
    with path.open("rb") as file:
        return 8 + int.from_bytes(file.read(8), "little")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
@fuzz
@given(change=changes())
def test_settings_with_changed_bytes_are_refused_or_give_a_whole_model(
    name: str, change: Change, load: Loader, checkpoint: Path
) -> None:
    path = checkpoint / name
    held = path.read_bytes()
    try_changed(load, path, held, change(held, 0, len(held)))


@pytest.mark.parametrize("name", ["model-1.safetensors", "model.safetensors.index.json"])
@fuzz
@given(change=changes())
def test_what_describes_tensors_is_refused_or_means_the_same(
    name: str, change: Change, load: Loader, checkpoint: Path
) -> None:
    path = checkpoint / name
    held = path.read_bytes()
    end = header_end(path) if path.suffix == ".safetensors" else len(held)
    said = try_changed(load, path, held, change(held, 0, end))
    assert "refused" in said or said == load(checkpoint)


@fuzz
@given(change=changes())
def test_changed_numbers_are_refused_or_finite(change: Change, load: Loader, checkpoint: Path) -> None:
    path = checkpoint / "model-1.safetensors"
    held = path.read_bytes()
    try_changed(load, path, held, change(held, header_end(path), len(held)))


@fuzz
@given(change=changes())
def test_gguf_with_changed_bytes_is_refused_or_a_whole_model(
    change: Change, load: Loader, quantised: tuple[Path, int, int]
) -> None:
    path, listed, _ = quantised
    held = path.read_bytes()
    try_changed(load, path, held, change(held, 0, listed))
    try_changed(load, path, held, change(held, 0, len(held)))


@fuzz
@given(change=changes())
def test_a_list_of_gguf_tensors_is_refused_or_means_the_same(
    change: Change, load: Loader, quantised: tuple[Path, int, int]
) -> None:
    path, listed, begin = quantised
    held = path.read_bytes()
    changed = change(held, listed, begin)
    said = try_changed(load, path, held, changed)
    if "refused" not in said:
        copy = path.with_name("changed.gguf")
        copy.write_bytes(changed)
        assert said == load(path) or kinds(copy) != kinds(path)


def test_whole_files_load(load: Loader, checkpoint: Path, quantised: tuple[Path, int, int]) -> None:
    """The tests above say nothing if nothing loads."""
    assert len(load(checkpoint)["weights"]) >= 20 and len(load(quantised[0])["weights"]) > 8
    assert os.path.getsize(quantised[0]) < 20_000
