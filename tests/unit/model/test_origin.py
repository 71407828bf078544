"""A model names the checkpoint that its weights come from, for as long as they do come from it."""

import copy
import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from rung.engine.weights import init_weights
from rung.errors import CheckpointError
from rung.model import origin as module
from rung.model.model import HookedTransformer

Edit = Callable[[HookedTransformer], object]
DTYPES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16", torch.uint8: "U8"}


def load(path: Path, **options: Any) -> HookedTransformer:
    return HookedTransformer.from_pretrained(path, **options)


def by_hand(tensors: dict[str, Tensor]) -> str:
    """The formula of `Origin.digest`, from tensors that another library read."""
    hashed = hashlib.sha256()
    for name in sorted(tensors):
        held = tensors[name].contiguous()
        hashed.update((json.dumps([name, DTYPES[held.dtype], list(held.shape)]) + "\n").encode())
        hashed.update(held.view(torch.uint8).numpy().tobytes() if held.ndim else bytes([int(held)]))
    return hashed.hexdigest()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_digest_is_that_of_what_the_files_store(folder: Path, dtype: torch.dtype) -> None:
    path = folder / "model.safetensors"
    tensors = {name: tensor.to(dtype) for name, tensor in load_file(path).items()}
    save_file(tensors, path)
    wanted = by_hand(tensors)
    assert load(folder).checkpoint_digest() == wanted
    assert load(folder, dtype=torch.bfloat16, first_n_layers=1, fold_ln=False).checkpoint_digest() == wanted
    assert HookedTransformer.from_pretrained_no_processing(folder).checkpoint_digest() == wanted
    # Another number, type, shape or name is another checkpoint.
    one = next(iter(tensors))
    tensors[one][..., 0] += 1
    save_file(tensors, path)
    assert load(folder).checkpoint_digest() == by_hand(tensors) != wanted


def test_tensors_that_no_weight_is_made_of_count_too(gpt2: Any, tmp_path: Path) -> None:
    gpt2.save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    plain, tensors = load(tmp_path).checkpoint_digest(), load_file(path)
    tensors["transformer.h.0.attn.bias"] = torch.ones(1, 1, 10, 10, dtype=torch.uint8)
    save_file(tensors, path, {"format": "pt"})
    assert load(tmp_path).checkpoint_digest() == by_hand(tensors) != plain


def test_how_tensors_are_spread_over_files_does_not_count(gpt2: Any, tmp_path: Path) -> None:
    gpt2.save_pretrained(tmp_path / "whole")
    gpt2.save_pretrained(tmp_path / "split", max_shard_size="2KB")
    assert len(list((tmp_path / "split").glob("*.safetensors"))) > 3
    whole, split = load(tmp_path / "whole"), load(tmp_path / "split")
    assert whole.checkpoint_digest() == split.checkpoint_digest() is not None
    assert split.origin is not None and len(split.origin.files) > 3


def test_files_are_read_when_a_digest_is_asked_for_and_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def counted(stamp: module.FileStamp) -> Any:
        opened.append(stamp)
        return whole(stamp)

    whole = module._open_unchanged
    monkeypatch.setattr(module, "_open_unchanged", counted)
    model = load(folder)
    assert model.origin is not None and opened == []
    assert model.checkpoint_digest() == copy.deepcopy(model).checkpoint_digest() and len(opened) == 1


def negate(model: HookedTransformer) -> HookedTransformer:
    model.W_E.data.neg_()
    return model


SURVIVED: dict[str, Callable[[HookedTransformer], HookedTransformer | None]] = {
    "to bfloat16": lambda model: model.to(torch.bfloat16),
    "to bfloat16 and back": lambda model: model.bfloat16().float(),
    "double": lambda model: model.double(),  # type: ignore[dict-item]
    "to the same": lambda model: model.to("cpu", torch.float32),
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "pickle of a copy in another type": lambda model: pickle.loads(pickle.dumps(copy.deepcopy(model).half())),
    "processing": lambda model: model.process_weights_(True, True, True, None, True),
    "processing in another type": lambda model: model.double().process_weights_(),
    "hooks": lambda model: model.add_hook("resid_pre", lambda x, hook: 2 * x) and None,
    "gradients": lambda model: model.requires_grad_(True)(torch.arange(9)[None], return_type="loss").backward(),
    "its own weights again": lambda model: model.load_state_dict(model.state_dict()) and None,
    "an edit undone": lambda model: negate(negate(model)),
    "classic config": lambda model: model.set_use_attn_result(True),
}


@pytest.mark.parametrize("change", SURVIVED)
@pytest.mark.parametrize("options", [{}, {"fold_ln": False, "center_writing_weights": False, "center_unembed": False}])
def test_what_leaves_the_weights_the_checkpoints(folder: Path, change: str, options: dict[str, Any]) -> None:
    model = load(folder, **options)
    wanted = load(folder).checkpoint_digest()
    model = SURVIVED[change](model) or model
    assert model.origin is not None and model.checkpoint_digest() == wanted is not None


@torch.no_grad()
def swap_heads(model: HookedTransformer) -> None:
    W = model.blocks[0].attn.W_Q
    W[[0, 1]] = W[[1, 0]]


@torch.no_grad()
def swap_neurons_at_their_input(model: HookedTransformer) -> None:
    W = model.blocks[1].mlp.W_in
    W[:, [0, 5]] = W[:, [5, 0]]


def train(model: HookedTransformer) -> None:
    model.requires_grad_(True)
    model(torch.arange(9)[None], return_type="loss").backward()
    torch.optim.SGD(model.parameters(), lr=1e-2).step()


def other(model: HookedTransformer) -> dict[str, Tensor]:
    """Its weights, with one number changed by the least that can be."""
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state["blocks.1.attn.W_V"][2, 3, 1] = torch.nextafter(state["blocks.1.attn.W_V"][2, 3, 1], torch.tensor(9.0))
    return state


def assign(model: HookedTransformer) -> None:
    model.blocks[0].attn.W_O = torch.nn.Parameter(model.blocks[0].attn.W_O * 2)


DROPPED: dict[str, Edit] = {
    "one number in place": lambda model: model.requires_grad_(False).embed.W_E[3, 4].add_(0.5),
    "through data": lambda model: model.blocks[1].attn.W_V.data[0].zero_(),
    "data replaced": lambda model: setattr(model.embed.W_E, "data", model.embed.W_E.data * 2),
    "one bias": lambda model: model.requires_grad_(False).unembed.b_U[1:3].add_(1),
    "a bias in another order": lambda model: model.requires_grad_(False).unembed.b_U.copy_(model.b_U.flip(0)),
    "heads swapped": swap_heads,
    "neurons swapped": swap_neurons_at_their_input,
    "another parameter": assign,
    "a step of training": train,
    "another state": lambda model: model.load_state_dict(other(model)),
    "another state, assigned": lambda model: model.load_state_dict(other(model), assign=True),
    "another state, processed": lambda model: model.load_and_process_state_dict(other(model)),
    "other weights": lambda model: model.install(model.config, init_weights(model.config, 3)),
    "no values": lambda model: model.to_empty(device="cpu"),
    "no memory": lambda model: model.to("meta"),
    "one layer in another type": lambda model: model.blocks[0].half(),
}


@pytest.mark.parametrize("edit", DROPPED)
def test_an_edit_in_memory_makes_weights_that_no_checkpoint_has(folder: Path, edit: str) -> None:
    model = load(folder)
    model.unembed.b_U.data.copy_(torch.arange(13.0))
    model.keep_origin(load(folder).origin)
    DROPPED[edit](model)
    assert model.origin is None and model.checkpoint_digest() is None


@pytest.mark.parametrize(
    "through", ["to bfloat16", "double", "deepcopy", "pickle", "processing", "processing in another type"]
)
def test_an_edit_is_not_forgotten_on_the_way(folder: Path, through: str) -> None:
    model = load(folder, fold_ln=False, center_writing_weights=False, center_unembed=False)
    model.blocks[0].attn.W_Q.data[1] *= 2
    model = SURVIVED[through](model) or model
    assert model.origin is None and model.checkpoint_digest() is None


def test_models_that_no_file_was_read_for_have_no_origin(folder: Path, gpt2: Any) -> None:
    model = load(folder)
    made = HookedTransformer(model.config, model.weights)
    taken = HookedTransformer.from_pretrained("gpt2", hf_model=gpt2)
    for each in (made, taken, made.double(), pickle.loads(pickle.dumps(taken))):
        assert each.origin is None and each.checkpoint_digest() is None
    made.process_weights_()
    assert made.origin is None


def test_files_that_changed_since_name_nothing(folder: Path, tmp_path: Path) -> None:
    path = folder / "model.safetensors"
    asked, late = load(folder), load(folder)
    known = asked.checkpoint_digest()
    kept = path.read_bytes()
    os.utime(path, ns=(1, 1))
    assert late.checkpoint_digest() is None and asked.checkpoint_digest() == known
    assert late.origin is not None
    with pytest.raises(CheckpointError, match=r"model\.safetensors is not the file any more"):
        late.origin.digest()
    late = load(folder)
    path.write_bytes(kept + b"\0")
    with pytest.raises(CheckpointError, match="not the file any more"):
        late.origin.digest()
    shutil.rmtree(folder)
    with pytest.raises(CheckpointError, match="cannot be read again: No such file"):
        late.origin.digest()
    assert late.checkpoint_digest() is None
    # What is known stays known, and goes where the model goes.
    assert pickle.loads(pickle.dumps(asked)).checkpoint_digest() == known


def test_an_origin_is_a_value(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    one, two = load(Path(folder.name)).origin, load(folder).origin
    assert one == two and hash(one) == hash(two)
    assert one is not None and len(repr(one)) < 300 and one.files[0].path.is_absolute()
    with pytest.raises(AttributeError):
        one.files = ()  # type: ignore[misc]


def test_every_bundled_model_has_a_digest_of_its_own() -> None:
    names = ("zero-layer", "one-layer", "two-layer")
    found = [HookedTransformer.from_pretrained(name).checkpoint_digest() for name in names]
    assert None not in found and len(set(found)) == 3
