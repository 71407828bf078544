"""What a process holds at most while it loads a model, over the size of the weights it then has."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from rung.config import ModelConfig
from rung.engine.weights import flatten, init_weights
from rung.model.checkpoint import save_checkpoint

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which only Linux has"),
]

AS_THEY_ARE = 1.3
AS_THEY_ARE_NARROW = 1.4
"""What is held beside the weights, whatever their type, is twice as much of weights half as large."""
PROCESSED = 1.45
"""While one weight's new tensors are made for all layers, its old ones are still there: here, 8 layers' W_in."""
PROCESSED_NARROW = 3.0
"""Narrow types are processed in float32, twice as large, and rounded afterwards."""

CHILD = """
import sys, json, torch
import rung.model.model as m
read = getattr(m.HookedTransformer, sys.argv[2])
read("zero-layer")  # whatever is imported on the way is here before it is counted
def held(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = held("VmRSS")
model = read(sys.argv[1], dtype=getattr(torch, sys.argv[3]))
size = sum(p.numel() * p.element_size() for p in model.parameters())
print(json.dumps((held("VmHWM") - before) / size))
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """130 MB of weights in float32 and, beside them, in bfloat16."""
    folder = tmp_path_factory.mktemp("large")
    shape: dict[str, Any] = {"n_heads": 8, "d_head": 64, "d_mlp": 2048, "act_fn": "gelu", "n_ctx": 64, "n_layers": 8}
    config = ModelConfig(d_model=512, d_vocab=8000, model_name="large", **shape)
    weights = init_weights(config, 0)
    save_checkpoint(folder / "float32", config, weights, None)
    narrow: Any = {
        name: tuple(one.bfloat16() for one in held) if isinstance(held, tuple) else held.bfloat16()
        for name, held in weights.items()
    }
    assert sum(tensor.nbytes for _, tensor in flatten(config, weights)) > 1e8
    save_checkpoint(folder / "bfloat16", config, narrow, None)
    return folder


@pytest.mark.parametrize(
    ("stored", "read", "dtype", "most"),
    [
        ("float32", "from_pretrained_no_processing", "float32", AS_THEY_ARE),
        ("bfloat16", "from_pretrained_no_processing", "float32", AS_THEY_ARE),
        ("bfloat16", "from_pretrained_no_processing", "bfloat16", AS_THEY_ARE_NARROW),
        ("float32", "from_pretrained", "float32", PROCESSED),
        ("bfloat16", "from_pretrained", "bfloat16", PROCESSED_NARROW),
    ],
)
def test_loading_holds_little_beside_the_weights(large: Path, stored: str, read: str, dtype: str, most: float) -> None:
    command = [sys.executable, "-c", CHILD, str(large / stored), read, dtype]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) < most


def test_a_file_that_is_overwritten_changes_no_model(large: Path, tmp_path: Path) -> None:
    """Weights are in memory of their own: a mapped file that is cut short would end the process."""
    from rung.model.model import HookedTransformer

    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (large / "bfloat16").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    model = HookedTransformer.from_pretrained_no_processing(copy)
    before = model.W_E.clone()
    (copy / "model.safetensors").write_bytes(b"")
    assert torch.equal(model.W_E, before)
