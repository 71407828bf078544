"""Folders: what is written is what is read, and what does not fit is refused before anything is loaded."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from rung.config import ModelConfig
from rung.errors import CheckpointError, ConfigError, PickleRefused, RungError, TokenizerError
from rung.model.fetch import load_checkpoint
from rung.model.model import HookedTransformer
from rung.model.paths import bundled_names
from rung.model.tokenizer import TextTokenizer

Change = Callable[[dict[str, Any]], object]
LOGITS_AS_TRANSFORMERS = 1e-5
"""Both compute in float32 and sum in different orders."""


def load(folder: Path) -> HookedTransformer:
    return HookedTransformer.from_pretrained_no_processing(folder)


def edit_config(folder: Path, change: Change) -> None:
    path = folder / "config.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def edit_tensors(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


# What is written is what is read.


def test_any_model_survives_its_folder(
    any_kind: HookedTransformer, tmp_path: Path, draw: Callable[..., Tensor]
) -> None:
    model, tokens = any_kind.float(), draw()
    model.save_pretrained(tmp_path / "copy")
    again = load(tmp_path / "copy")
    assert again.config == replace(model.config, model_name="copy")
    assert torch.equal(again(tokens), model(tokens))
    assert list(again.state_dict()) == list(model.state_dict())
    again.save_pretrained(tmp_path / "again")
    assert load(tmp_path / "again").config == again.config


def test_a_named_model_keeps_its_name_and_a_nameless_one_takes_its_folders(folder: Path, tmp_path: Path) -> None:
    moved = folder.rename(tmp_path / "elsewhere")
    assert load(moved).config.model_name == "saved"
    edit_config(moved, lambda values: values["config"].update(model_name="unnamed"))
    assert load(moved).config.model_name == "elsewhere"


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_processed_model_survives_its_folder(
    family: str, tmp_path: Path, request: pytest.FixtureRequest, draw: Callable[..., Tensor]
) -> None:
    theirs = request.getfixturevalue(family)
    theirs.save_pretrained(tmp_path / "theirs")
    model, tokens = HookedTransformer.from_pretrained(tmp_path / "theirs"), draw()
    model.save_pretrained(tmp_path / "ours")
    # Loading processes again, unless it knows that this was done.
    again = HookedTransformer.from_pretrained(tmp_path / "ours")
    assert again.config == model.config
    assert again.config.family == family
    assert torch.equal(again(tokens), model(tokens))


def test_the_tokenizer_survives_too(folder: Path, letters: TextTokenizer, tmp_path: Path) -> None:
    model = load(folder)
    assert model.to_tokens("abc", prepend_bos=True).tolist() == [[0, 2, 3, 4]]
    assert isinstance(model.tokenizer, TextTokenizer)
    assert model.tokenizer.backend.to_str() == letters.backend.to_str()
    assert (model.tokenizer.bos_token, model.tokenizer.eos_token) == ("<|bos|>", "<|eos|>")
    assert model.tokenizer.pad_token == "<|eos|>"  # none is named in the files


def test_a_model_can_be_saved_over_the_folder_it_was_read_from(folder: Path, draw: Callable[..., Tensor]) -> None:
    one, two = load(folder), load(folder)
    with torch.no_grad():
        for parameter in one.parameters():
            parameter += 1
    before = two(draw())
    one.save_pretrained(folder)
    assert torch.equal(two(draw()), before), "weights still open elsewhere must not change under a model's feet"
    assert torch.equal(load(folder)(draw()), one(draw()))
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    model = HookedTransformer(ModelConfig(n_layers=0, d_model=2, n_heads=1, d_head=2, d_vocab=3, n_ctx=4))
    with pytest.raises(CheckpointError, match=r"cannot write the model to .*file"):
        model.save_pretrained(tmp_path / "file")


@pytest.mark.parametrize("family", ["gpt2", "llama"])
@pytest.mark.parametrize("processed", [True, False])
def test_what_transformers_saved_gives_its_logits(
    family: str, processed: bool, tmp_path: Path, request: pytest.FixtureRequest, draw: Callable[..., Tensor]
) -> None:
    theirs, tokens = request.getfixturevalue(family), draw()
    theirs.save_pretrained(tmp_path)
    wanted = theirs(tokens).logits.detach().log_softmax(-1)
    read = HookedTransformer.from_pretrained if processed else HookedTransformer.from_pretrained_no_processing
    for model in (read(tmp_path), read("theirs", hf_model=theirs)):
        assert (model(tokens).log_softmax(-1) - wanted).abs().max() < LOGITS_AS_TRANSFORMERS
        assert (model.config.bos_token_id, model.config.default_prepend_bos) == (0, True)
    with torch.no_grad():
        next(theirs.parameters()).zero_()
    assert (model(tokens).log_softmax(-1) - wanted).abs().max() < LOGITS_AS_TRANSFORMERS, "weights are copied"


def test_only_a_model_is_taken_for_one() -> None:
    with pytest.raises(CheckpointError, match="hf_model is a str"):
        HookedTransformer.from_pretrained("gpt2", hf_model="gpt2")


def test_a_loaded_model_with_whole_number_weights_is_refused(gpt2: Any) -> None:
    whole = {name: tensor.to(torch.int8) for name, tensor in gpt2.state_dict().items()}
    gpt2.state_dict = lambda: whole
    with pytest.raises(CheckpointError, match=r"holds torch\.int8; weights are floating-point"):
        HookedTransformer.from_pretrained("g", hf_model=gpt2)


def test_weights_split_over_files_are_read(gpt2: Any, tmp_path: Path, draw: Callable[..., Tensor]) -> None:
    gpt2.save_pretrained(tmp_path, max_shard_size="2KB")
    assert not (tmp_path / "model.safetensors").exists()
    assert (load(tmp_path)(draw()) - gpt2(draw()).logits).abs().max() < LOGITS_AS_TRANSFORMERS


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_come_in_the_type_asked_for(folder: Path, dtype: torch.dtype) -> None:
    model = HookedTransformer.from_pretrained(folder, dtype=dtype)
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}
    # Whatever is done to weights is done before they are rounded.
    exact = HookedTransformer.from_pretrained(folder, dtype=torch.promote_types(dtype, torch.float32))
    assert torch.equal(model.W_Q, exact.W_Q.to(dtype))


def test_a_type_that_holds_no_weights_is_refused(folder: Path) -> None:
    with pytest.raises(CheckpointError, match=r"dtype is torch\.int64"):
        HookedTransformer.from_pretrained(folder, dtype=torch.int64)


# Folders that are no models.


def test_a_name_of_nothing_says_what_there_is(tmp_path: Path) -> None:
    for name in (tmp_path / "nowhere", "no such model", "~nobody-of-that-name/model"):
        with pytest.raises(CheckpointError, match=r"no folder .*, and no bundled model of that name"):
            load_checkpoint(name)
    for name in bundled_names():
        with pytest.raises(CheckpointError, match=f"Near names: .*{name}"):
            load_checkpoint(name + "x")


def test_a_folder_without_a_config_says_what_it_has(folder: Path) -> None:
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"no config\.json.*it has model\.safetensors, tokenizer\.json"):
        load_checkpoint(folder)


def test_a_folder_without_weights_says_what_it_has(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"no model\.safetensors; it has config\.json"):
        load_checkpoint(folder)


def test_a_file_is_no_folder(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="is a file; give the folder that holds it"):
        load_checkpoint(folder / "model.safetensors")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pth", "model.ckpt", "model.pkl"])
def test_a_pickle_is_not_opened(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    for path in (folder, folder / name):
        with pytest.raises(PickleRefused, match=r"is a pickle, which can run code.*safe_serialization"):
            load_checkpoint(path)


def test_a_pickle_by_another_name_is_not_opened_either(folder: Path) -> None:
    torch.save({"W_E": torch.zeros(2)}, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        load_checkpoint(folder)


# Configs.


@pytest.mark.parametrize("text", ["{", "", "\ufeff{}", "nul", "[" * 100_000, b"\xff\xfe{}"])
def test_a_config_that_is_not_json_is_refused(folder: Path, text: str | bytes) -> None:
    (folder / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError, match=r"config\.json is not JSON"):
        load_checkpoint(folder)


@pytest.mark.parametrize("text", ["[]", "5", '"config"', "null"])
def test_a_config_that_is_no_object_is_refused(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(ConfigError, match="not the keys and values of a config"):
        load_checkpoint(folder)


def test_a_config_that_is_a_folder_is_refused(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    with pytest.raises(CheckpointError, match=r"config\.json cannot be read"):
        load_checkpoint(folder)


@pytest.mark.parametrize("kind", ["gpt-2", None, 5, ["gpt2"], {"a": 1}])
def test_an_unknown_family_is_named_with_those_known(folder: Path, kind: Any) -> None:
    edit_config(folder, lambda values: values.update(model_type=kind))
    with pytest.raises(ConfigError, match=r"model_type .*Rung reads rung, .*gpt2.*llama"):
        load_checkpoint(folder)


def test_an_unknown_key_is_named(gpt2: Any, tmp_path: Path) -> None:
    gpt2.save_pretrained(tmp_path)
    edit_config(tmp_path, lambda values: values.update(logit_softcap=30.0))
    with pytest.raises(ConfigError, match=r"logit_softcap = 30\.0.*could change what the model computes"):
        load_checkpoint(tmp_path)


# Tensors. Each case is refused by name, and nothing is loaded by then.

Tensors = dict[str, Tensor]
MISFITS: dict[str, tuple[Callable[[Tensors], object], str]] = {
    "one too few": (
        lambda t: t.pop("blocks.1.attn.W_Q"),
        r"lacks blocks\.1\.attn\.W_Q, which this rung config calls for",
    ),
    "three too few": (
        lambda t: [t.pop(name) for name in ("embed.W_E", "unembed.b_U", "ln_final.w")],
        r"lacks embed\.W_E and 2 more",
    ),
    "one misspelt": (
        lambda t: t.update({"embed.W_e": t.pop("embed.W_E")}),
        r"lacks embed\.W_E.*Near names: embed\.W_e\.",
    ),
    "one too many": (lambda t: t.update(stranger=torch.zeros(1)), "holds stranger, which no rung weight"),
    "a layer too many": (
        lambda t: t.update({"blocks.2.attn.W_Q": t["blocks.1.attn.W_Q"].clone()}),
        r"holds blocks\.2\.attn\.W_Q",
    ),
    "a bias the config does not list": (
        lambda t: t.update({"blocks.0.attn.b_K": torch.zeros(4, 3)}),
        r"holds blocks\.0\.attn\.b_K",
    ),
    "a shape turned over": (
        lambda t: t.update({"embed.W_E": t["embed.W_E"].T.contiguous()}),
        r"embed\.W_E has shape \[12, 13\]; the config calls for \[13, 12\]",
    ),
    "an axis too many": (
        lambda t: t.update({"unembed.b_U": t["unembed.b_U"][None]}),
        r"unembed\.b_U has shape \[1, 13\]; the config calls for \[13\]",
    ),
    "not a number": (
        lambda t: t["blocks.0.attn.W_V"][1, 2].fill_(torch.nan),
        r"blocks\.0\.attn\.W_V holds 3 values that are not finite",
    ),
    "infinite": (lambda t: t["ln_final.w"][0].fill_(torch.inf), r"ln_final\.w holds 1 values that are not finite"),
    "whole numbers": (
        lambda t: t.update({"ln_final.w": torch.ones(12, dtype=torch.int32)}),
        r"ln_final\.w holds I32; weights are floating-point",
    ),
    "truth values": (
        lambda t: t.update({"ln_final.w": torch.ones(12, dtype=torch.bool)}),
        r"ln_final\.w holds BOOL",
    ),
    "complex numbers": (
        lambda t: t.update({"ln_final.w": torch.ones(12, dtype=torch.complex64)}),
        r"ln_final\.w holds C64",
    ),
}  # fmt: skip


@pytest.mark.parametrize("misfit", MISFITS)
def test_tensors_that_do_not_fit_are_named(folder: Path, misfit: str) -> None:
    change, message = MISFITS[misfit]
    edit_tensors(folder, change)
    with pytest.raises(CheckpointError, match=message):
        load(folder)


def test_a_value_too_large_for_the_type_asked_for_is_refused(folder: Path) -> None:
    edit_tensors(folder, lambda t: t["ln_final.w"][0].fill_(1e6))
    assert load(folder).ln_final.w[0] == 1e6
    with pytest.raises(CheckpointError, match=r"not finite numbers as torch\.float16"):
        HookedTransformer.from_pretrained(folder, dtype=torch.float16)


@pytest.mark.parametrize("size", [0, 7, 8, 200, -1])
def test_a_truncated_file_is_refused(folder: Path, size: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        load_checkpoint(folder)


@pytest.mark.parametrize("at", [0, 3, 9, 40])
def test_a_corrupt_header_is_refused(folder: Path, at: int) -> None:
    path = folder / "model.safetensors"
    held = bytearray(path.read_bytes())
    held[at] ^= 0xFF
    path.write_bytes(bytes(held))
    with pytest.raises(CheckpointError):
        load_checkpoint(folder)


# Weights in several files.


@pytest.fixture
def split(folder: Path) -> Path:
    """The saved model in two files with an index."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    files = {name: f"model-0000{1 + (i > 4)}.safetensors" for i, name in enumerate(names)}
    for file in set(files.values()):
        save_file({name: tensors[name] for name in names if files[name] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    return folder


def test_an_index_is_followed(split: Path) -> None:
    save_file({"stranger": torch.zeros(1)}, split / "model-00003.safetensors")
    assert load(split).config.model_name == "saved", "a file that the index does not name is not read"


@pytest.mark.parametrize(
    "name", ["../model-00001.safetensors", "/etc/hostname", "..", "sub/model.safetensors", "", 5, None, ["a"], "a\0b"]
)
def test_an_index_names_files_beside_it_and_no_others(split: Path, name: Any) -> None:
    (split.parent / "model-00001.safetensors").write_bytes((split / "model-00001.safetensors").read_bytes())
    index = split / "model.safetensors.index.json"
    files = json.loads(index.read_text())["weight_map"]
    index.write_text(json.dumps({"weight_map": files | {"embed.W_E": name}}))
    with pytest.raises(CheckpointError, match=r"model\.safetensors\.index\.json names"):
        load_checkpoint(split)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"weight_map": []}', '{"weight_map": "a"}', "[" * 100_000])
def test_an_index_that_is_none_is_refused(split: Path, text: str) -> None:
    (split / "model.safetensors.index.json").write_text(text)
    with pytest.raises(CheckpointError, match="not an index of safetensors files: it needs a weight_map"):
        load_checkpoint(split)


def test_a_file_that_an_index_promises_must_be_there(split: Path) -> None:
    (split / "model-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"names model-00002\.safetensors, which is not in"):
        load_checkpoint(split)


def test_one_tensor_in_two_files_is_refused(split: Path) -> None:
    first = load_file(split / "model-00001.safetensors")
    second = load_file(split / "model-00002.safetensors")
    name = next(iter(first))
    save_file(second | {name: first[name] + 1}, split / "model-00002.safetensors")
    with pytest.raises(CheckpointError, match=f"holds {name} in two files"):
        load_checkpoint(split)


# Tokenizers.


def test_a_tokenizer_larger_than_the_embedding_is_noted(
    folder: Path, letters: TextTokenizer, build: Callable[..., HookedTransformer]
) -> None:
    letters.backend.add_tokens(["<|more|>"])
    given = HookedTransformer.from_pretrained(folder, tokenizer=letters).config
    made = HookedTransformer(build().config, tokenizer=letters).config
    letters.save(folder)
    for config in (given, made, load_checkpoint(folder).config):
        assert any("tokenizer has 14 tokens, the model's embedding 13" in note for note in config.notes)


def test_a_first_token_outside_the_vocabulary_is_noted_not_put(llama: Any, tmp_path: Path) -> None:
    llama.save_pretrained(tmp_path)
    edit_config(tmp_path, lambda values: values.update(bos_token_id=13))
    config = load(tmp_path).config
    assert (config.bos_token_id, config.default_prepend_bos) == (None, False)
    assert any("bos_token_id 13 is outside the vocabulary of 13" in note for note in config.notes)


def test_the_first_token_may_be_the_tokenizers(llama: Any, tmp_path: Path, letters: TextTokenizer) -> None:
    llama.save_pretrained(tmp_path)
    edit_config(tmp_path, lambda values: values.update(bos_token_id=None))
    assert load(tmp_path).config.default_prepend_bos is False
    given = HookedTransformer.from_pretrained(tmp_path, tokenizer=letters).config
    letters.save(tmp_path)
    for config in (given, load(tmp_path).config):
        assert (config.bos_token_id, config.default_prepend_bos) == (0, True)
    said = HookedTransformer.from_pretrained(tmp_path, default_prepend_bos=False).config
    assert (said.bos_token_id, said.default_prepend_bos) == (0, False)


def test_a_first_token_that_nobody_knows_cannot_be_put(llama: Any, tmp_path: Path) -> None:
    llama.save_pretrained(tmp_path)
    edit_config(tmp_path, lambda values: values.update(bos_token_id=None))
    with pytest.raises(ConfigError, match="no first token is known"):
        HookedTransformer.from_pretrained(tmp_path, default_prepend_bos=True)


def test_every_refusal_is_one_of_ours(folder: Path) -> None:
    assert issubclass(PickleRefused, CheckpointError)
    for kind in (CheckpointError, ConfigError, TokenizerError):
        assert issubclass(kind, RungError)


# Tied embeddings.


def test_a_tied_copy_may_be_there_and_must_agree(gpt2: Any, tmp_path: Path, draw: Callable[..., Tensor]) -> None:
    gpt2.save_pretrained(tmp_path)
    wanted = load(tmp_path)(draw())
    edit_tensors(tmp_path, lambda t: t.update({"lm_head.weight": t["transformer.wte.weight"].clone()}))
    assert torch.equal(load(tmp_path)(draw()), wanted)
    edit_tensors(tmp_path, lambda t: t["lm_head.weight"][3, 4].add_(1))
    with pytest.raises(CheckpointError, match=r"tied, but lm_head\.weight differs.*tie_word_embeddings to false"):
        load(tmp_path)
    edit_config(tmp_path, lambda values: values.update(tie_word_embeddings=False))
    assert not torch.equal(load(tmp_path)(draw()), wanted)


def test_names_with_and_without_a_prefix_are_read_but_not_both(
    gpt2: Any, tmp_path: Path, draw: Callable[..., Tensor]
) -> None:
    gpt2.save_pretrained(tmp_path)
    wanted = load(tmp_path)(draw())

    def strip(tensors: Tensors) -> None:
        for name in list(tensors):
            tensors[name.removeprefix("transformer.")] = tensors.pop(name)

    edit_tensors(tmp_path, strip)
    assert torch.equal(load(tmp_path)(draw()), wanted)
    edit_tensors(tmp_path, lambda t: t.update({"transformer.wte.weight": t["wte.weight"] + 1}))
    with pytest.raises(CheckpointError, match=r"both .*wte\.weight and .*wte\.weight"):
        load(tmp_path)


def test_masks_in_old_files_are_no_weights(gpt2: Any, tmp_path: Path, draw: Callable[..., Tensor]) -> None:
    gpt2.save_pretrained(tmp_path)
    wanted = load(tmp_path)(draw())
    edit_tensors(tmp_path, lambda t: t.update({"h.0.attn.bias": torch.ones(1, 1, 10, 10, dtype=torch.bool)}))
    assert torch.equal(load(tmp_path)(draw()), wanted)
    edit_tensors(tmp_path, lambda t: t.update({"h.0.mlp.bias": torch.ones(1)}))
    with pytest.raises(CheckpointError, match=r"holds h\.0\.mlp\.bias"):
        load(tmp_path)
