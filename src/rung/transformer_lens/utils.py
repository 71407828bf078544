"""The small functions that classic code takes from `transformer_lens.utils` (and `.utilities`)."""

from __future__ import annotations

import importlib.util
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine.factored import composition_scores
from ..engine.generate import Sampling, choose
from ..engine.sites import hook_name
from ..engine.slicing import Slice, SliceInput
from ..errors import PickleRefused, PromptError, TokenizerError
from ..model.model import next_real, next_token_loss
from .left_out import left_out

if TYPE_CHECKING:
    from ..model.model import HookedTransformer

USE_DEFAULT_VALUE = None

_NETWORK = "it fetches from the network; use huggingface_hub or the datasets package yourself"
_WHY = {
    "get_dataset": _NETWORK,
    "clear_huggingface_cache": _NETWORK,
    "keep_single_column": "tokenize_and_concatenate takes column_name",
    "LocallyOverridenDefaults": "every call takes prepend_bos and padding_side",
    "logits_to_df": "pandas.DataFrame makes a table of logits and model.to_str_tokens",
    "check_structure": "it was for debugging its own tests",
    "init_kaiming_normal_": "HookedTransformerConfig(init_mode='kaiming_normal')",
    "init_kaiming_uniform_": "HookedTransformerConfig(init_mode='kaiming_uniform')",
    "init_xavier_normal_": "HookedTransformerConfig(init_mode='xavier_normal')",
    "init_xavier_uniform_": "HookedTransformerConfig(init_mode='xavier_uniform')",
    "move_to_and_update_config": "model.to(device)",
    "get_best_available_cuda_device": "a model lies on one device: model.to('cuda:1')",
    "get_device_for_block_index": "a model lies on one device: model.device",
}

__all__ = [
    "USE_DEFAULT_VALUE",
    "Slice",
    "SliceInput",
    "TokenDataset",
    "calc_fan_in_and_fan_out",
    "composition_scores",
    "download_file_from_hf",
    "filter_dict_by_prefix",
    "gelu_fast",
    "gelu_new",
    "get_act_name",
    "get_attention_mask",
    "get_corner",
    "get_cumsum_along_dim",
    "get_device",
    "get_input_with_manually_prepended_bos",
    "get_matrix_corner",
    "get_nested_attr",
    "get_offset_position_ids",
    "get_tokenizer_with_bos",
    "get_tokens_with_bos_removed",
    "is_library_available",
    "is_lower_triangular",
    "is_square",
    "lm_accuracy",
    "lm_cross_entropy_loss",
    "override_or_use_default_value",
    "print_gpu_mem",
    "remove_batch_dim",
    "repeat_along_head_dimension",
    "sample_logits",
    "set_nested_attr",
    "solu",
    "test_prompt",
    "to_numpy",
    "tokenize_and_concatenate",
    "transpose",
    "warn_if_mps",
]


def __getattr__(name: str) -> Any:
    raise left_out("transformer_lens.utils", name, _WHY, __all__)


def get_act_name(name: str, layer: int | str | None = None, layer_type: str | None = None) -> str:
    """The full hook name of a short one: ("pattern", 1), "pattern1", ("scale", 0, "ln1") and "scale0ln1" are short.

    A name that is full already comes back as it is.
    """
    if ("." in name or name.startswith("hook_")) and layer is None and layer_type is None:
        return name
    found = hook_name(name, None if layer is None else int(layer), layer_type)
    if found != name:
        return found
    # A name that no model of Rung's has is spelled by the same rule.
    parts = {"a": "attn", "attention": "attn", "m": "mlp", "b": "", "block": "", "blocks": ""}
    part = "mlp" if name == "mid" else parts.get(layer_type or "", layer_type)
    return ".".join(filter(None, ["" if layer is None else f"blocks.{layer}", part, f"hook_{name}"]))


def download_file_from_hf(
    repo_name: str,
    file_name: str,
    subfolder: str = ".",
    cache_dir: str | None = None,
    force_is_torch: bool = False,
    **kwargs: Any,
) -> Any:
    """A file of a repository of the Hugging Face hub: what a .json holds, the tensors of a .safetensors, else its path.

    Raises PickleRefused for a pickle (.pth, .pt, .bin, .pkl), or where `force_is_torch`: it can run code when opened.
    """
    from huggingface_hub import hf_hub_download

    if force_is_torch or file_name.endswith((".pth", ".pt", ".bin", ".pkl", ".ckpt")):
        raise PickleRefused(
            f"{file_name} of {repo_name} is a pickle, which can run code when opened; Rung does not open it. Where you "
            "trust it: torch.load(huggingface_hub.hf_hub_download(…), weights_only=True), then load_state_dict"
        )
    path = hf_hub_download(repo_name, file_name, subfolder=None if subfolder in (".", "") else subfolder,
                           cache_dir=cache_dir, **kwargs)  # fmt: skip
    if file_name.endswith(".json"):
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    if file_name.endswith(".safetensors"):
        from safetensors.torch import load_file

        return load_file(path)
    return path


def get_tokenizer_with_bos(tokenizer: Any) -> Any:
    """The tokenizer itself: the model puts the first token, whatever the tokenizer's habit."""
    return tokenizer


def get_input_with_manually_prepended_bos(bos_token: Any, input: str | list[str]) -> str | list[str]:
    """The text, or each of the texts, after the first token; `bos_token` may be a tokenizer that has one."""
    first = bos_token if isinstance(bos_token, str) else bos_token.bos_token
    return first + input if isinstance(input, str) else [first + text for text in input]


def get_tokens_with_bos_removed(tokenizer: Any, tokens: Tensor) -> Tensor:
    """Tokens without the first one of each row; of rows padded on the left, without the last that is not padding."""
    if getattr(tokenizer, "padding_side", "right") != "left":
        return tokens[..., 1:]
    rows = tokens[None] if tokens.ndim == 1 else tokens
    mask = get_attention_mask(tokenizer, rows, prepend_bos=True).bool()
    at = mask.int().argmax(1)
    kept = torch.arange(rows.shape[1], device=rows.device) != at[:, None]
    found = rows[kept].view(len(rows), -1)
    return found[0] if tokens.ndim == 1 else found


def to_numpy(tensor: Any) -> np.ndarray:
    """A tensor, list, tuple, number or array as a numpy array; bfloat16 as float32, which numpy has."""
    if isinstance(tensor, Tensor):
        tensor = tensor.detach().cpu()
        return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()  # type: ignore[no-any-return]
    return np.asarray(tensor)


def get_device() -> str:
    """cuda where there is one, mps where TRANSFORMERLENS_ALLOW_MPS=1 allows it, cpu else."""
    if torch.cuda.is_available():
        return "cuda"
    allowed = os.environ.get("TRANSFORMERLENS_ALLOW_MPS") == "1"
    return "mps" if allowed and torch.backends.mps.is_available() else "cpu"


def warn_if_mps(device: Any) -> None:
    """Nothing: the device is the one that was asked for."""


def print_gpu_mem(step_name: str = "") -> None:
    """Prints how much memory the CUDA device holds, where there is one."""
    if torch.cuda.is_available():
        print(f"{step_name} ~ {torch.cuda.memory_allocated() / 2**30:.2f} GiB allocated on the GPU.")


def is_library_available(name: str) -> bool:
    """Whether a package can be imported."""
    return importlib.util.find_spec(name) is not None


def get_corner(tensor: Any, n: int = 3) -> Any:
    """The first `n` of every axis."""
    return tensor[tuple(slice(n) for _ in range(tensor.ndim))]


def get_matrix_corner(matrix: Any, n: int = 3) -> Tensor:
    """The first `n` of every axis of a FactoredMatrix, dense."""
    return get_corner(matrix, n).AB  # type: ignore[no-any-return]


def remove_batch_dim(tensor: Tensor) -> Tensor:
    """Without its first axis, if that has length one."""
    return tensor.squeeze(0) if tensor.shape[0] == 1 else tensor


def transpose(tensor: Tensor) -> Tensor:
    """With the last two axes exchanged."""
    return tensor.transpose(-1, -2)


def is_square(x: Tensor) -> bool:
    """Whether `x` is a square matrix."""
    return x.ndim == 2 and x.shape[0] == x.shape[1]


def is_lower_triangular(x: Tensor) -> bool:
    """Whether `x` is square and 0 above the diagonal."""
    return is_square(x) and x.equal(x.tril())


def get_cumsum_along_dim(tensor: Tensor, dim: int, reverse: bool = False) -> Tensor:
    """The sum so far along an axis; from its end, if `reverse`."""
    return tensor.flip(dim).cumsum(dim).flip(dim) if reverse else tensor.cumsum(dim)


def get_offset_position_ids(past_kv_pos_offset: int, attention_mask: Tensor) -> Tensor:
    """Each token's position when padding takes none, after the first `past_kv_pos_offset` columns."""
    return (attention_mask.long().cumsum(1) - 1).clamp(min=0)[:, past_kv_pos_offset:]


def get_attention_mask(tokenizer: Any, tokens: Tensor, prepend_bos: bool) -> Tensor:
    """0 at padding: the pad tokens on the tokenizer's padding side, but for a first token that is the same one."""
    mask = torch.ones_like(tokens)
    if tokenizer.pad_token_id is None:
        return mask
    padding = tokens == tokenizer.pad_token_id
    left = getattr(tokenizer, "padding_side", "right") == "left"
    # Only what no real token parts from its end is padding.
    at_end = padding.cumprod(1) if left else padding.flip(1).cumprod(1).flip(1)
    mask[at_end.bool()] = 0
    if left and prepend_bos and tokenizer.bos_token_id == tokenizer.pad_token_id:
        last = at_end.sum(1) - 1
        rows = last >= 0
        mask[rows, last[rows]] = 1
    return mask


def repeat_along_head_dimension(tensor: Tensor, n_heads: int, clone_tensor: bool = True) -> Tensor:
    """[batch, pos, d_model] as [batch, pos, head, d_model]."""
    repeated = tensor.unsqueeze(-2).expand(*tensor.shape[:-1], n_heads, tensor.shape[-1])
    return repeated.clone() if clone_tensor else repeated


def filter_dict_by_prefix(dictionary: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """What is under `prefix`, without it and its dot."""
    start = prefix if prefix.endswith(".") else f"{prefix}."
    return {name.removeprefix(start): value for name, value in dictionary.items() if name.startswith(start)}


def get_nested_attr(obj: Any, attr_str: str) -> Any:
    """obj.a.b for "a.b"."""
    for name in attr_str.split("."):
        obj = getattr(obj, name)
    return obj


def set_nested_attr(obj: Any, attr_str: str, value: Any) -> None:
    """obj.a.b = value for "a.b"."""
    owner, _, name = attr_str.rpartition(".")
    setattr(get_nested_attr(obj, owner) if owner else obj, name, value)


def override_or_use_default_value(default_flag: Any, override: Any = None) -> Any:
    """`override`, or the default where that is None."""
    return default_flag if override is None else override


def calc_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """(inputs, outputs) of a weight: [outputs], [inputs, outputs] or [head, inputs, outputs of one head]."""
    shape = tensor.shape
    if tensor.ndim == 1:
        return 1, shape[0]
    if tensor.ndim not in (2, 3):
        raise PromptError(f"a weight of shape {list(shape)} has no inputs and outputs: 1 to 3 axes do")
    return shape[-2], math.prod(shape) // shape[-2]


def gelu_new(input: Tensor) -> Tensor:
    """GELU as GPT-2 computes it, through tanh (Hendrycks & Gimpel 2016, arXiv:1606.08415)."""
    return F.gelu(input, approximate="tanh")


gelu_fast = gelu_new


def solu(input: Tensor) -> Tensor:
    """x · softmax(x) (Elhage et al. 2022, "Softmax Linear Units")."""
    return input * input.softmax(-1)


def lm_cross_entropy_loss(
    logits: Tensor, tokens: Tensor, attention_mask: Tensor | None = None, per_token: bool = False
) -> Tensor:
    """−log p(next token) in nats: the mean, or [batch, pos − 1] if `per_token`; padding (mask 0) counts nothing."""
    mask = None if attention_mask is None else attention_mask.bool()
    return next_token_loss(logits, tokens.to(logits.device), mask, per_token)


def lm_accuracy(
    logits: Tensor, tokens: Tensor, per_token: bool = False, attention_mask: Tensor | None = None
) -> Tensor:
    """The share of next tokens that are the likeliest; whether each is, if `per_token`.

    With `attention_mask`, 0 at padding, the next token is the next one that is no padding, and what has none is False
    and does not count.
    """
    tokens = tokens.to(logits.device)
    if attention_mask is None:
        right = logits.argmax(-1)[..., :-1] == tokens[..., 1:]
        return right if per_token else right.float().mean()
    targets = next_real(tokens, attention_mask.to(logits.device).bool())[:, :-1]
    right = logits.argmax(-1)[:, :-1] == targets
    return right if per_token else right.sum() / (targets >= 0).sum()


def sample_logits(
    final_logits: Tensor,
    top_k: int | None = None,
    top_p: float | None = None,
    temperature: float = 1.0,
    freq_penalty: float = 0.0,
    repetition_penalty: float = 1.0,
    tokens: Tensor | None = None,
) -> Tensor:
    """One token a row of logits [batch, d_vocab], drawn from torch's global generator."""
    sampling = Sampling(temperature, top_k, top_p, freq_penalty, repetition_penalty)
    return choose(final_logits, sampling, None, tokens)


def test_prompt(
    prompt: str,
    answer: str | list[str],
    model: HookedTransformer,
    prepend_space_to_answer: bool = True,
    print_details: bool = True,
    prepend_bos: bool | None = None,
    top_k: int = 10,
) -> None:
    """Prints how well `model` goes on from `prompt` with `answer`: each token's rank, logit and probability, and the
    likeliest ones. Of several answers, the first token of each is looked at.
    """
    answers = [answer] if isinstance(answer, str) else list(answer)
    if prepend_space_to_answer:
        answers = [one if one.startswith(" ") else f" {one}" for one in answers]
    start = model.to_tokens(prompt, prepend_bos=prepend_bos)
    ends = [model.to_tokens(one, prepend_bos=False) for one in answers]
    if len(answers) > 1:
        ends = [end[:, :1] for end in ends]
    if print_details:
        print("Tokenized prompt:", model.to_str_tokens(prompt, prepend_bos=prepend_bos))
        print(
            "Tokenized answer:" if len(answers) == 1 else "Tokenized answers:", [model.to_str_tokens(e) for e in ends]
        )
    with torch.no_grad():
        logits = model(torch.cat((start, ends[0]), 1))[0].float()
    ranks = []
    for step in range(ends[0].shape[1]):
        row = logits[start.shape[1] + step - 1]
        order, probs = row.argsort(descending=True), row.softmax(-1)

        def told(token: int, row: Tensor = row, probs: Tensor = probs) -> str:
            return f"Logit: {row[token]:5.2f} Prob: {probs[token]:6.2%} Token: |{model.to_single_str_token(token)}|"

        for end in ends:
            token = int(end[0, step])
            rank = int((order == token).nonzero())
            ranks.append((model.to_single_str_token(token), rank))
            if print_details:
                print(f"Performance on answer token:\nRank: {rank: <8} {told(token)}")
        if print_details:
            for place in range(min(top_k, len(order))):
                print(f"Top {place}th token. {told(int(order[place]))}")
    print("Ranks of the answer tokens:", ranks)


test_prompt.__test__ = False  # type: ignore[attr-defined]  # its name is classic; it is no test


class TokenDataset(torch.utils.data.Dataset[dict[str, Tensor]]):
    """Rows of tokens, as `tokenize_and_concatenate` leaves them: ds["tokens"], ds[3], ds[:10]["tokens"]."""

    column_names = ("tokens",)

    def __init__(self, tokens: Tensor) -> None:
        self.tokens = tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, str):
            if index != "tokens":
                raise KeyError(index)
            return self.tokens
        return {"tokens": self.tokens[index]}

    def set_format(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: rows are tensors."""

    def select(self, indices: Iterable[int]) -> TokenDataset:
        """Some of the rows."""
        return TokenDataset(self.tokens[list(indices)])

    def shuffle(self, seed: int | None = None) -> TokenDataset:
        """The rows in another order, from `seed` or torch's global generator."""
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        return self.select(torch.randperm(len(self), generator=generator).tolist())

    def train_test_split(
        self, test_size: int | float, seed: int | None = None, shuffle: bool = True
    ) -> dict[str, TokenDataset]:
        """{"train": …, "test": …}, the second with this many rows, or this share of them."""
        rows = self.shuffle(seed) if shuffle else self
        count = math.ceil(test_size * len(self)) if isinstance(test_size, float) else test_size
        if not 0 < count < len(self):
            raise PromptError(f"test_size is {test_size}, of {len(self)} rows; both parts need at least one")
        cut = len(self) - count
        return {"train": rows.select(range(cut)), "test": rows.select(range(cut, len(self)))}


def tokenize_and_concatenate(
    dataset: Any,
    tokenizer: Any,
    streaming: bool = False,
    max_length: int = 1024,
    column_name: str = "text",
    add_bos_token: bool = True,
    num_proc: int | None = 10,
    set_format: bool = True,
) -> Any:
    """Texts as tokens, one after the other with an end-of-text token (else the first one) between, in rows of
    `max_length`.

    Each row begins with the first token, if `add_bos_token`; what does not fill a row is dropped, unless it is all
    there is: then the row is filled up. `dataset`: a list of texts, a list of {column: text}, a dict of columns, or a
    Dataset of the datasets package, which gives one back; `streaming` and `num_proc` change nothing. Raises PromptError
    for anything else, TokenizerError for a tokenizer without the tokens this needs.
    """
    texts = _texts(dataset, column_name)
    eos, bos = tokenizer.eos_token_id, tokenizer.bos_token_id
    eos = bos if eos is None else eos
    if eos is None or (add_bos_token and bos is None):
        raise TokenizerError("the tokenizer has neither an end-of-text token nor a first one to put between texts")
    joined: list[int] = []
    for at, text in enumerate(texts):
        joined += ([eos] if at else []) + list(tokenizer.encode(text, add_special_tokens=False))
    width = max_length - add_bos_token
    if len(joined) < width:
        fill = eos if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        joined += [fill] * (width - len(joined))
    tokens = torch.tensor(joined[: len(joined) // width * width]).view(-1, width)
    if add_bos_token:
        tokens = F.pad(tokens, (1, 0), value=bos)
    if not type(dataset).__module__.startswith("datasets"):
        return TokenDataset(tokens)
    kept = type(dataset).from_dict({"tokens": tokens.tolist()})
    if set_format:
        kept.set_format(type="torch", columns=["tokens"])
    return kept


def _texts(dataset: Any, column: str) -> list[str]:
    if isinstance(dataset, Mapping) or hasattr(dataset, "column_names"):
        names = list(dataset) if isinstance(dataset, Mapping) else dataset.column_names
        if column not in (names or ()) or not hasattr(dataset, "__getitem__"):
            raise PromptError(f"the data have no column {column!r} that can be read whole; they have {names}")
        found: Sequence[Any] = dataset[column]
    else:
        found = [row[column] if isinstance(row, Mapping) else row for row in dataset]
    odd = next((text for text in found if not isinstance(text, str)), None)
    if odd is not None:
        raise PromptError(f"{odd!r} is no text; {column!r} holds the texts")
    return list(found)
