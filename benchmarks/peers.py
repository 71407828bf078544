"""Rung and its peers on the same random weights of GPT-2 small's shape: each a process that waits to be told.

TransformerLens 3.9.0 is the last with `HookedTransformer`; the `TransformerBridge` of the current release wraps a model
of transformers. These, nnsight and interp-engine run in environments of their own (`make bench-peers` makes them);
whichever is not there is left out. Each of them imports this file, which therefore needs nothing but Python.
"""

import contextlib
import datetime
import json
import logging
import os
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ENVIRONMENTS = {
    "transformers": None,
    "rung": None,
    "HookedTransformer 3.9": ".venv-tl",
    "TransformerBridge 4": ".venv-tl4",
    "nnsight": ".venv-nnsight",
    "interp-engine": ".venv-interp",
}
"""The folder of each candidate's environment; None: the one that runs the benchmark."""

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
"""Seconds that pass, or those that this process used of all cores, which tell more where other processes share them."""


def find_python(name: str) -> str | None:
    """The Python that runs a candidate, or None where its environment was not made."""
    folder = ENVIRONMENTS[name]
    python = Path(sys.executable) if folder is None else ROOT / folder / "bin" / "python"
    return str(python) if python.exists() else None


def build(name: str, folder: str, device: str = "cpu") -> Any:
    """The candidate's model, from what `prepare` wrote."""
    import torch

    if name == "rung":
        from rung import HookedTransformer

        return HookedTransformer.from_pretrained_no_processing(folder, device=device)
    if name == "HookedTransformer 3.9":
        import safetensors.torch
        import transformer_lens

        cfg = transformer_lens.HookedTransformerConfig(
            n_layers=12, d_model=768, n_ctx=1024, d_head=64, d_vocab=50257, act_fn="gelu_new", device=device
        )
        model = transformer_lens.HookedTransformer(cfg)
        weights = safetensors.torch.load_file(Path(folder) / "classic" / "weights.safetensors")
        model.load_state_dict(weights, strict=False)
        return model.to(device).eval()
    if name == "TransformerBridge 4":
        from transformer_lens.model_bridge import TransformerBridge

        return TransformerBridge.boot_transformers(folder, device=device, dtype=torch.float32)
    import transformers

    theirs = transformers.GPT2LMHeadModel.from_pretrained(folder, attn_implementation="sdpa").eval().to(device)
    if name == "nnsight":
        import nnsight

        return nnsight.NNsight(theirs)
    if name == "interp-engine":
        from interp_engine.model import EagerModel

        return EagerModel("gpt2", hf_model=theirs, tokenizer=object())  # it reads tokens only
    return theirs


def prepare(folder: Path) -> None:
    """Random weights, as transformers saves them and in the classic names."""
    import safetensors.torch
    import torch
    import transformers

    from rung import HookedTransformer

    torch.set_grad_enabled(False)
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(0)
        theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config())
    theirs.save_pretrained(folder)
    (folder / "classic").mkdir()
    ours = HookedTransformer.from_pretrained_no_processing(folder)
    state = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    state["unembed.W_U"] = ours.W_U.contiguous().clone()
    state["unembed.b_U"] = ours.b_U
    safetensors.torch.save_file(state, folder / "classic" / "weights.safetensors")


class Candidate:
    """A candidate in its own process: lines of JSON are asked and answered."""

    def __init__(self, script: str, name: str, folder: str, *options: str) -> None:
        command = [find_python(name) or "", script, "--serve", name, "--folder", folder, *options]
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.ready = self._read()

    def ask(self, **what: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return self._read()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a candidate stopped: {self.process.args}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def serve(
    start: Callable[[], tuple[dict[str, Any], Callable[[Mapping[str, Any]], dict[str, Any]]]], threads: int
) -> None:
    """Answers lines of JSON until there are no more; `start` gives the first answer, and what makes the others."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    answer = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        import torch

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        ready, work = start()
        print(json.dumps(ready), file=answer, flush=True)
        for line in sys.stdin:
            print(json.dumps(work(json.loads(line))), file=answer, flush=True)


def peak_memory(what: Callable[[], Any]) -> tuple[Any, float | None]:
    """What it gives, and the MB that this process held at most beyond those before it (None where /proc is missing)."""
    status, forget = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not forget.exists():
        return what(), None

    def megabytes(key: str) -> float:
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(key)) / 1024

    forget.write_text("5")  # the peak so far is forgotten
    before = megabytes("VmRSS")
    return what(), megabytes("VmHWM") - before


def machine(threads: int) -> str:
    """The date, the machine and the versions, in two lines."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    packages = " · ".join(f"{name} {version(name)}" for name in ("torch", "transformers"))
    processor = platform.processor() or platform.machine()
    return f"{datetime.date.today()} · {processor}, {os.cpu_count()} cores, load {load}, {threads} threads\n{packages}"
