"""A seed plants the same model on every machine: its hash draws the confirmation sequences."""

import os
import subprocess
import sys
import threading

import torch

from rung.model.origin import hash_weights
from rung.planted import plant
from rung.planted.wiring import STEPS, InDoublePrecision

MODELS = (("circuit", "attention_only"), ("circuit", "all"), ("hushed", "silent_mlp"), ("names", "gpt2"))
SCRIPT = f"""
from rung.model.origin import hash_weights
from rung.planted import plant
for kind, architecture in {MODELS}:
    model = plant(kind, 0, architecture=architecture).model
    print(hash_weights(model.config, model.weights))
"""


def test_other_instructions_and_threads_plant_the_same():
    """The oldest instructions that PyTorch and MKL know, and one thread: other last digits, the same model."""
    other = {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={**os.environ, **other}, capture_output=True, text=True, check=True
    )
    models = [plant(kind, 0, architecture=architecture).model for kind, architecture in MODELS]
    assert run.stdout.split() == [hash_weights(model.config, model.weights) for model in models]


def test_weights_are_float32_on_the_grid():
    for name, W in plant("names", 0, architecture="gpt2").model.weights.items():
        for tensor in W if isinstance(W, tuple) else (W,):
            assert tensor.dtype == torch.float32
            assert name.endswith("_w") or torch.equal((tensor * STEPS).round(), tensor * STEPS)


def test_double_precision_ends_with_its_context_and_stays_in_its_thread():
    seen = []
    with InDoublePrecision():
        assert torch.zeros(2).dtype == torch.eye(2).dtype == torch.float64
        assert torch.ones(2, dtype=torch.float32).dtype == torch.float32
        thread = threading.Thread(target=lambda: seen.append(torch.zeros(2).dtype))
        thread.start()
        thread.join()
    assert seen == [torch.float32] and torch.zeros(2).dtype == torch.float32
