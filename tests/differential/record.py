"""Runs every session with TransformerLens and keeps what it gave, in an environment that has it: `make tl-golden`.

Numbers are kept as float32, whatever they were computed in.
"""

import importlib.util
import json
import logging
import warnings
from pathlib import Path

import safetensors.torch
import torch

HERE = Path(__file__).parent


def load_sessions():
    spec = importlib.util.spec_from_file_location("sessions", HERE / "sessions.py")
    sessions = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sessions)
    return sessions


def main():
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    import transformer_lens as tl
    import transformer_lens.utils

    tl.utils = transformer_lens.utils
    # It would look a tokenizer that was made in memory up on the hub, by the name that it does not have.
    tl.utilities.get_tokenizer_with_bos = lambda tokenizer: tokenizer
    torch.set_default_dtype(torch.float64)  # it adds biases up in the default type, whatever the model's is
    sessions = load_sessions()
    runs = {
        f"{session.__name__} | {kind}": (session, kind) for session in sessions.OF_EACH_KIND for kind in sessions.KINDS
    }
    runs |= {session.__name__: (session,) for session in sessions.ONCE}
    tensors, values = {}, {}
    for name, (session, *kind) in runs.items():
        for key, value in session(tl, *kind).items():
            if isinstance(value, torch.Tensor):
                value = value.detach()
                tensors[f"{name} | {key}"] = (
                    (value.float() if value.is_floating_point() else value).contiguous().clone()
                )
            else:
                values[f"{name} | {key}"] = value
    from importlib.metadata import version

    safetensors.torch.save_file(tensors, HERE / "golden.safetensors")
    values["versions"] = {name: version(name) for name in ("transformer_lens", "torch", "transformers")}
    (HERE / "golden.json").write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")
    print(f"{len(tensors)} tensors and {len(values)} values kept")


if __name__ == "__main__":
    main()
