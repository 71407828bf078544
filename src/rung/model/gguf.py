"""GGUF files: their metadata as a config.json, their tensors under a checkpoint's names, the tokenizer inside.

The header is read here, every length checked against the file before it is believed (the `gguf` package's reader
follows a corrupt length without end); quantised blocks are undone by `gguf.quants`, the format's own definition.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from io import BufferedReader
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from ..errors import CheckpointError, ConfigError, near
from .checkpoint_reader import CheckpointReader, room
from .gguf_tokenizer import find_tokenizer
from .origin import FileStamp, Origin, StoredTensor

KINDS = (
    "F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
)  # fmt: skip
"""Ways to store numbers that are read."""

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9
_AT_ONCE = 1 << 22
"""Numbers undone at a time: gguf holds a second copy of them while it works."""

# What GGUF calls a setting, and what config.json does. A value of None is read by `_values` itself.
_KEYS: dict[str, str | None] = {
    "block_count": "num_hidden_layers",
    "context_length": "max_position_embeddings",
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.layer_norm_rms_epsilon": "rms_norm_eps",
    "attention.key_length": "head_dim",
    "rope.freq_base": "rope_theta",
    "rope.scaling.attn_factor": None,
    **dict.fromkeys(("vocab_size", "attention.value_length", "rope.dimension_count")),
    **dict.fromkeys(f"rope.scaling.{what}" for what in ("type", "factor", "original_context_length", "finetuned")),
}

_NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""A tensor's name without its layer and ending, here and in a checkpoint of the Llama kind."""
_GEMMA_NAMES = {
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
_PHI3_NAMES = {"attn_qkv": "self_attn.qkv_proj", "ffn_up": "mlp.gate_up_proj"}
_MOE_NAMES = {
    "ffn_gate_inp": "mlp.gate",
    "ffn_gate_inp_shexp": "mlp.shared_expert_gate",
    **{f"ffn_{one}_exps": f"mlp.experts.{{x}}.{one}_proj" for one in ("gate", "up", "down")},
    **{f"ffn_{one}_shexp": f"mlp.shared_expert.{one}_proj" for one in ("gate", "up", "down")},
}
_MIXTRAL_NAMES = {
    "ffn_gate_inp": "block_sparse_moe.gate",
    **{
        f"ffn_{o}_exps": f"block_sparse_moe.experts.{{x}}.{w}"
        for o, w in (("gate", "w1"), ("down", "w2"), ("up", "w3"))
    },
}
_EXPERTS = ("ffn_gate_exps", "ffn_up_exps", "ffn_down_exps")
"""Tensors that hold one matrix for each expert."""

_CAPS = {name: name for name in ("attn_logit_softcapping", "final_logit_softcapping")}
_WINDOW = {"attention.sliding_window": "sliding_window"}
_MOE_KEYS = {
    "expert_count": "num_experts",
    "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size",
    "expert_shared_feed_forward_length": "shared_expert_intermediate_size",
}

Change = Callable[[str, Tensor, Mapping[str, Any]], Tensor]


def _as_written(name: str, tensor: Tensor, values: Mapping[str, Any]) -> Tensor:
    return tensor


def _halves(name: str, tensor: Tensor, values: Mapping[str, Any]) -> Tensor:
    """Rows of q and k from adjacent rotary pairs, as llama.cpp turns them, back to two halves."""
    heads = {"q": values["num_attention_heads"], "k": values.get("num_key_value_heads", values["num_attention_heads"])}
    which = name.partition("self_attn.")[2][:6]
    if which not in ("q_proj", "k_proj"):
        return tensor
    return rearrange(tensor, "(h e two) ... -> (h two e) ...", h=heads[which[0]], two=2)


def _shifted_norm(name: str, tensor: Tensor, values: Mapping[str, Any]) -> Tensor:
    """Gemma's norms multiply by 1 + w; the file holds the sum."""
    return tensor - 1 if "norm" in name else tensor


def _as_row(name: str, tensor: Tensor, values: Mapping[str, Any]) -> Tensor:
    """The shared expert's router is a vector here, and a matrix of one row in a checkpoint."""
    return tensor[None] if name.endswith("shared_expert_gate.weight") and tensor.ndim == 1 else tensor


def _gemma_scale(values: Mapping[str, Any]) -> dict[str, Any]:
    """What scores are divided by the root of: a head's width, but in the largest of each kind, as llama.cpp has it."""
    largest = values.get("num_hidden_layers") == {"gemma2": 46}.get(values["model_type"], 62)
    width = values["hidden_size"] // values["num_attention_heads"]
    return {"query_pre_attn_scalar": width if largest else values.get("head_dim", width)}


def _dense_width(values: Mapping[str, Any]) -> dict[str, Any]:
    """The width of an MLP that is not there, which a config.json must name."""
    return {"intermediate_size": values.get("intermediate_size") or values.get("moe_intermediate_size")}


class _Architecture(NamedTuple):
    """How one kind of GGUF differs from a checkpoint of the same model."""

    constants: Mapping[str, Any]
    change: Change = _as_written
    names: Mapping[str, str] = {}
    """Tensors, beside `_NAMES`."""
    keys: Mapping[str, str] = {}
    """Settings, beside `_KEYS`."""
    more: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda values: {}
    """Values that follow from others."""


ARCHITECTURES: dict[str, _Architecture] = {
    "llama": _Architecture({"model_type": "llama"}, _halves),
    "qwen2": _Architecture({"model_type": "qwen2"}),
    "qwen3": _Architecture({"model_type": "qwen3"}),
    "gemma": _Architecture({"model_type": "gemma", "hidden_act": "gelu_pytorch_tanh"}, _shifted_norm),
    "gemma2": _Architecture({"model_type": "gemma2"}, _shifted_norm, _GEMMA_NAMES, _CAPS | _WINDOW, _gemma_scale),
    "gemma3": _Architecture({"model_type": "gemma3_text"}, _shifted_norm, _GEMMA_NAMES, _CAPS | _WINDOW, _gemma_scale),
    "phi3": _Architecture({"model_type": "phi3"}, names=_PHI3_NAMES, keys=_WINDOW),
    "qwen2moe": _Architecture(
        {"model_type": "qwen2_moe", "norm_topk_prob": False}, _as_row, _MOE_NAMES, _MOE_KEYS, _dense_width
    ),
    "qwen3moe": _Architecture(
        {"model_type": "qwen3_moe", "norm_topk_prob": True}, _as_row, _MOE_NAMES, _MOE_KEYS, _dense_width
    ),
}
"""Kinds of GGUF that are read, by `general.architecture`."""
_MIXTRAL = _Architecture(
    {"model_type": "mixtral"},
    _halves,
    _MIXTRAL_NAMES,
    {"expert_count": "num_local_experts", "expert_used_count": "num_experts_per_tok"},
)
"""A GGUF of Mixtral calls itself llama, and says how many experts there are."""


class Entry(NamedTuple):
    """One tensor of the file: GGUF counts axes from the innermost, shapes here from the outermost."""

    kind: str
    shape: tuple[int, ...]
    start: int
    nbytes: int


class Header(NamedTuple):
    """What stands before the numbers."""

    metadata: dict[str, Any]
    tensors: dict[str, Entry]


def open_gguf(path: Path, files: ExitStack) -> CheckpointReader:
    """A GGUF file as a checkpoint. Raises CheckpointError on a broken file, ConfigError on one not understood."""
    try:
        file = files.enter_context(path.open("rb"))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from None
    metadata, entries = read_header(file, path)
    name = _text(metadata, "general.architecture", path)
    if name not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ConfigError(f"{path} has architecture {name!r}; Rung reads GGUF of {known}.{near(name, ARCHITECTURES)}")
    if metadata.get("split.count", 1) != 1:
        raise CheckpointError(f"{path} is one of {metadata['split.count']} parts; llama-gguf-split --merge joins them")
    kind = _MIXTRAL if name == "llama" and metadata.get("llama.expert_count") else ARCHITECTURES[name]
    entries = _expert_by_expert(entries)
    ours = {_checkpoint_name(theirs, kind): theirs for theirs in entries if theirs not in _FREQUENCIES}
    values = _values(metadata, entries, kind, path)
    if "rope_freqs.weight" in entries:
        values["rope_scaling"] = _llama3(_read(file, entries, "rope_freqs.weight", path), metadata, values, path)
    if all(name in entries for name in _LONG):
        factors = [_read(file, entries, name, path).tolist() for name in _LONG]
        values |= _longrope(factors, metadata, values, path)

    def read(tensor: str) -> Tensor:
        return kind.change(tensor, _read(file, entries, ours[tensor], path), values)

    shapes = {
        tensor: (1, *shape) if tensor.endswith("shared_expert_gate.weight") and len(shape) == 1 else shape
        for tensor, theirs in ours.items()
        for shape in (entries[theirs].shape,)
    }
    inside = find_tokenizer(metadata)
    stamp = FileStamp.of(file)
    stored = (
        StoredTensor(theirs, entry.kind, entry.shape, stamp.path, entry.start, entry.nbytes)
        for theirs, entry in entries.items()
    )
    origin = Origin((stamp,), tuple(stored))
    ends = [metadata.get(f"tokenizer.ggml.{kind}_token_id") for kind in ("eos", "eot")]
    return CheckpointReader(
        values, shapes, read, inside.build, origin, inside.puts_bos, inside.notes, generation={"eos_token_id": ends}
    )


def read_header(file: BufferedReader, path: Path) -> Header:
    """Metadata and the place of every tensor. Raises CheckpointError where the file is not whole GGUF."""
    reader = _Bytes(file, path)
    if reader.take(4) != b"GGUF":
        raise CheckpointError(f"{path} is not GGUF: it does not begin with those letters")
    version = reader.number("I")
    if version not in (2, 3):
        raise CheckpointError(f"{path} is GGUF of version {version} (or big-endian); Rung reads versions 2 and 3")
    n_tensors, n_keys = reader.number("Q"), reader.number("Q")
    metadata: dict[str, Any] = {}
    for _ in range(n_keys):
        key = reader.text()
        if key in metadata:
            raise reader.broken(f"{key} stands there twice")
        metadata[key] = reader.value(reader.number("I"))
    listed = [_listed(reader) for _ in range(n_tensors)]
    return Header(metadata, _place(reader, listed, metadata.get("general.alignment", 32)))


def _listed(reader: _Bytes) -> tuple[str, int, tuple[int, ...], int]:
    """A tensor's name, kind, shape and offset."""
    name, axes = reader.text(), reader.number("I")
    if not 1 <= axes <= 4:
        raise reader.broken(f"{name} has {axes} axes")
    shape = tuple(reader.number("Q") for _ in range(axes))[::-1]
    return name, reader.number("I"), shape, reader.number("Q")


def _place(reader: _Bytes, listed: list[tuple[str, int, tuple[int, ...], int]], alignment: Any) -> dict[str, Entry]:
    """Each tensor's bytes, once they are known to lie end to end and within the file."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    if not isinstance(alignment, int) or alignment < 8 or alignment & (alignment - 1):
        raise reader.broken(f"general.alignment is {alignment!r}")
    entries: dict[str, Entry] = {}
    begin = -(-reader.at // alignment) * alignment
    expected = 0
    for name, number, shape, offset in listed:
        kind = GGMLQuantizationType(number).name if number in GGMLQuantizationType._value2member_map_ else str(number)
        if kind not in KINDS:
            raise CheckpointError(f"{reader.path} stores {name} as {kind}; Rung reads {', '.join(KINDS)}")
        block, size = GGML_QUANT_SIZES[GGMLQuantizationType(number)]
        if shape[-1] % block:
            raise reader.broken(f"{name} has rows of {shape[-1]} numbers; {kind} stores {block} at a time")
        nbytes = prod(shape) // block * size
        if name in entries or offset != expected:
            raise reader.broken(f"{name} stands there twice" if name in entries else f"{name} is out of place")
        if begin + offset + nbytes > reader.size:
            raise reader.broken(f"{name} would end behind its end: it is cut short or corrupt")
        entries[name] = Entry(kind, shape, begin + offset, nbytes)
        expected = -(-(offset + nbytes) // alignment) * alignment
    # Bytes put in or taken out further up would move every number.
    if any(reader.take(begin - reader.at)) or reader.size > begin + expected:
        raise reader.broken("numbers are not where its header puts them")
    return entries


class _Bytes:
    """The header as numbers and texts; nothing is taken that the file does not have."""

    def __init__(self, file: BufferedReader, path: Path) -> None:
        self.file, self.path = file, path
        self.size = os.fstat(file.fileno()).st_size
        self.at = 0

    def broken(self, why: str) -> CheckpointError:
        return CheckpointError(f"{self.path} is not whole GGUF: {why}")

    def take(self, length: int) -> bytes:
        if length > self.size - self.at:
            raise self.broken(f"{length} bytes are promised at {self.at}, and it has {self.size}")
        self.at += length
        return self.file.read(length)

    def number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]

    def text(self) -> str:
        try:
            return self.take(self.number("Q")).decode()
        except UnicodeDecodeError:
            raise self.broken(f"the text that ends at {self.at} is not UTF-8") from None

    def value(self, kind: int) -> Any:
        if kind in _SCALARS:
            return self.number(_SCALARS[kind])
        if kind == _TEXT:
            return self.text()
        if kind != _LIST:
            raise self.broken(f"a value at {self.at} has type {kind}")
        inner, count = self.number("I"), self.number("Q")
        if inner == _TEXT:
            return [self.text() for _ in range(count)]
        if inner not in _SCALARS:
            raise self.broken(f"a list at {self.at} holds type {inner}")
        code = _SCALARS[inner]
        return list(struct.unpack(f"<{count}{code}", self.take(count * struct.calcsize(f"<{code}"))))


def _values(
    metadata: Mapping[str, Any], entries: Mapping[str, Entry], kind: _Architecture, path: Path
) -> dict[str, Any]:
    """The metadata as the config.json of the same model. Raises ConfigError on a key that could mean anything."""
    name = metadata["general.architecture"]
    known = {**_KEYS, **kind.keys}
    said = {
        key.removeprefix(f"{name}."): _plain(value) for key, value in metadata.items() if key.startswith(f"{name}.")
    }
    unknown = sorted(set(said) - set(known))
    if unknown:
        raise ConfigError(
            f"{path} has {name}.{unknown[0]} = {said[unknown[0]]!r}, which Rung does not understand; it could change "
            "what the model computes"
        )
    values: dict[str, Any] = dict(kind.constants)
    values |= {ours: said[key] for key, ours in known.items() if ours and key in said}
    if "token_embd.weight" in entries:
        values["vocab_size"] = entries["token_embd.weight"].shape[0]
    values["tie_word_embeddings"] = "output.weight" not in entries
    for which in ("bos", "eos"):
        if f"tokenizer.ggml.{which}_token_id" in metadata:
            values[f"{which}_token_id"] = metadata[f"tokenizer.ggml.{which}_token_id"]
    if name == "llama" and "blk.0.attn_q.bias" in entries:
        values["attention_bias"] = True
    _check_heads(said, values, path)
    if "hidden_size" in values and "num_attention_heads" in values:
        values |= kind.more(values)
    shared = entries.get("blk.0.ffn_gate_shexp.weight")
    if shared is not None:
        values.setdefault("shared_expert_intermediate_size", shared.shape[0])
    scaling = said.get("rope.scaling.type", "none")
    if scaling not in ("none", "longrope"):
        values["rope_scaling"] = {"rope_type": scaling, "factor": said.get("rope.scaling.factor")}
    return values


def _check_heads(said: Mapping[str, Any], values: dict[str, Any], path: Path) -> None:
    """Values are as wide as keys, and all of a head turns, or a part where the family has a word for that."""
    width, heads = values.get("hidden_size"), values.get("num_attention_heads")
    d_head = values.get("head_dim")
    if d_head is None and isinstance(width, int) and isinstance(heads, int) and heads:
        d_head = width // heads
    turned = said.get("rope.dimension_count")
    if values["model_type"] == "phi3" and isinstance(turned, int) and isinstance(d_head, int) and turned < d_head:
        values["partial_rotary_factor"] = turned / d_head
        said = {**said, "rope.dimension_count": d_head}
    for key in ("attention.value_length", "rope.dimension_count"):
        if said.get(key, d_head) != d_head:
            raise ConfigError(f"{path} has {key} = {said[key]!r} where a head is {d_head!r} wide; they must agree")


def _plain(value: Any) -> Any:
    """A float as the decimal that its 32 bits stand for: 1e-05, not 9.999999747378752e-06."""
    return float(f"{value:.7g}") if isinstance(value, float) else value


def _llama3(
    factors: Tensor, metadata: Mapping[str, Any], values: Mapping[str, Any], path: Path
) -> dict[str, float | int | str]:
    """The scaling whose divisors of each frequency the file lists. Raises ConfigError if it is not Llama 3's."""
    context = metadata.get("llama.rope.scaling.original_context_length", 8192)
    base, dim = values.get("rope_theta", 10000.0), 2 * len(factors)
    if not isinstance(base, float) or not isinstance(context, int) or base <= 0 or context <= 0:
        raise ConfigError(f"{path} has rotary base {base!r} and original context {context!r}; both are numbers above 0")
    turns = context / (2 * torch.pi) * base ** -(torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    factor = float(factors.max())
    ramp = ((turns - 1) / (4 - 1)).clamp(0, 1)
    if not torch.allclose(factors.double(), 1 / ((1 - ramp) / factor + ramp), rtol=1e-4):
        raise ConfigError(f"{path} holds rope_freqs that are not those of Llama 3, which alone Rung knows")
    return {
        "rope_type": "llama3", "factor": _plain(factor), "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": context,
    }  # fmt: skip


_LONG = ("rope_factors_short.weight", "rope_factors_long.weight")
_FREQUENCIES = ("rope_freqs.weight", *_LONG)
"""Tensors that are settings."""


def _longrope(
    factors: list[list[float]], metadata: Mapping[str, Any], values: Mapping[str, Any], path: Path
) -> dict[str, Any]:
    """The scaling whose two rows of divisors the file lists (Phi-3)."""
    name = metadata["general.architecture"]
    context = metadata.get(f"{name}.rope.scaling.original_context_length")
    if not isinstance(context, int):
        raise ConfigError(f"{path} lists factors for short and long inputs, and not which inputs are long")
    section = {"rope_type": "longrope", "short_factor": factors[0], "long_factor": factors[1]}
    grown = metadata.get(f"{name}.rope.scaling.attn_factor")
    section |= {} if grown is None else {"attention_factor": _plain(grown)}
    return {"rope_scaling": section, "original_max_position_embeddings": context}


def _expert_by_expert(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries, with one for each expert where a tensor holds a matrix of every one: they lie end to end."""
    found: dict[str, Entry] = {}
    for name, entry in entries.items():
        stem, _, ending = name.rpartition(".")
        if stem.rpartition(".")[2] not in _EXPERTS or len(entry.shape) != 3 or entry.shape[0] == 0:
            found[name] = entry
            continue
        each = entry.nbytes // entry.shape[0]
        for x in range(entry.shape[0]):
            found[f"{stem}.{x}.{ending}"] = Entry(entry.kind, entry.shape[1:], entry.start + x * each, each)
    return found


def _checkpoint_name(name: str, kind: _Architecture) -> str:
    """The name in a checkpoint; one that nobody knows stays, and is reported as a tensor too many."""
    stem, _, ending = name.rpartition(".")
    names = {**_NAMES, **kind.names}
    if stem.startswith("blk."):
        _, layer, part = stem.split(".", 2) if stem.count(".") > 1 else ("", "", "")
        part, _, expert = part.partition(".")
        if part in names and bool(expert) == ("{x}" in names[part]):
            return f"model.layers.{layer}.{names[part].format(x=expert)}.{ending}"
        return name
    return f"{names[stem]}.{ending}" if stem in names else name


def _read(file: BufferedReader, entries: Mapping[str, Entry], name: str, path: Path) -> Tensor:
    """One tensor in float32."""
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize

    kind, shape, start, nbytes = entries[name]
    file.seek(start)
    held = room(nbytes, torch.uint8).numpy()
    if file.readinto(held.data) != nbytes:
        raise CheckpointError(f"{path} ended while {name} was read")
    tensor = room(prod(shape), torch.float32).view(shape)
    out = tensor.view(-1, shape[-1]).numpy()
    rows = held.view({"F32": "<f4", "F16": "<f2"}.get(kind, "u1")).reshape(len(out), -1)
    step = max(1, _AT_ONCE // max(1, shape[-1]))
    for row in range(0, len(out), step):
        with np.errstate(all="ignore"):  # corrupt scales overflow; whoever asked looks for what is not finite
            out[row : row + step] = dequantize(rows[row : row + step], GGMLQuantizationType[kind])
    return tensor


def _text(metadata: Mapping[str, Any], key: str, path: Path) -> str:
    value = metadata.get(key)
    if not isinstance(value, str):
        raise CheckpointError(f"{path} says nothing of its {key}, so what it holds is unknown")
    return value
