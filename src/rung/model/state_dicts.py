"""The changes of `processing`, on a state dict in classic names that no model holds yet.

Old code processes a dict that it converted itself, then loads it. Each function gives a new dict; the tensors of the
one that it was given stay as they were. Norms keep their names, with weights of ones and biases of zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..engine.factored import FactoredMatrix
from ..errors import ProcessingError

StateDict = Mapping[str, Tensor]


class RotaryRefused(ProcessingError, AssertionError):
    """Queries and keys that are turned by position have no one product. Also an AssertionError, as classic code has."""


def fold_layer_norm(
    state: StateDict, cfg: Any, fold_biases: bool = True, center_weights: bool = True
) -> dict[str, Tensor]:
    """Norm weights moved into what reads the norm, W ← w·W, with b ← b + b_norm W if `fold_biases`, and each reader's
    mean over d_model taken out if `center_weights`.
    """
    new = dict(state)
    for layer in range(cfg.n_layers):
        block, kv = f"blocks.{layer}.", "_" if cfg.n_key_value_heads else ""
        names = [f"{block}attn.W_Q", f"{block}attn.{kv}W_K", f"{block}attn.{kv}W_V"]
        _fold(new, f"{block}ln1", names, fold_biases, center_weights)
        if not cfg.attn_only:
            _fold(new, f"{block}ln2", [f"{block}mlp.W_in", f"{block}mlp.W_gate"], fold_biases, center_weights)
            # A norm between the neurons and what they write: SoLU's.
            _fold(new, f"{block}mlp.ln", [f"{block}mlp.W_out"], fold_biases, center_weights)
    _fold(new, "ln_final", ["unembed.W_U"], fold_biases and not cfg.final_rms, center_weights)
    return new


def _fold(new: dict[str, Tensor], norm: str, readers: list[str], fold_biases: bool, center: bool) -> None:
    w, b = new.get(f"{norm}.w"), new.get(f"{norm}.b")
    if w is None:
        return
    for name in readers:
        if name not in new:
            continue
        W = new[name]
        if fold_biases and b is not None:
            owner, _, leaf = name.rpartition(".")
            bias = f"{owner}.{leaf.replace('W_', 'b_')}"
            shift = torch.einsum("d,...de->...e", b, W)
            if bias in new or bool(shift.any()):
                new[bias] = shift + new[bias] if bias in new else shift
        W = W * w.unsqueeze(-1)
        new[name] = W - W.mean(-2, keepdim=True) if center else W
    new[f"{norm}.w"] = torch.ones_like(w)
    if fold_biases and b is not None:
        new[f"{norm}.b"] = torch.zeros_like(b)


def center_writing_weights(state: StateDict, cfg: Any) -> dict[str, Tensor]:
    """The mean over d_model taken out of everything that writes to the stream."""
    new = dict(state)
    names = ["embed.W_E"]
    if cfg.positional_embedding_type not in ("rotary", "shortformer", "alibi"):
        names.append("pos_embed.W_pos")
    for layer in range(cfg.n_layers):
        names += [f"blocks.{layer}.{name}" for name in ("attn.W_O", "attn.b_O", "mlp.W_out", "mlp.b_out")]
    for name in names:
        if name in new:
            new[name] = new[name] - new[name].mean(-1, keepdim=True)
    return new


def center_unembed(state: StateDict) -> dict[str, Tensor]:
    """The mean over the vocabulary taken out of W_U and b_U."""
    new = dict(state)
    for name in ("unembed.W_U", "unembed.b_U"):
        if name in new:
            new[name] = new[name] - new[name].mean(-1, keepdim=True)
    return new


def fold_value_biases(state: StateDict, cfg: Any) -> dict[str, Tensor]:
    """b_O ← b_O + Σ_h b_V[h] W_O[h], and b_V ← 0."""
    new, kv = dict(state), "_" if cfg.n_key_value_heads else ""
    for layer in range(cfg.n_layers):
        attn = f"blocks.{layer}.attn."
        b_V, W_O = new.get(f"{attn}{kv}b_V"), new[f"{attn}W_O"]
        if b_V is None:
            continue
        each = b_V.repeat_interleave(W_O.shape[0] // b_V.shape[0], 0).to(W_O.device)
        shift = torch.einsum("he,hed->d", each, W_O)
        new[f"{attn}b_O"] = shift + new[f"{attn}b_O"] if f"{attn}b_O" in new else shift
        new[f"{attn}{kv}b_V"] = torch.zeros_like(b_V)
    return new


def refactor_factored_attn_matrices(state: StateDict, cfg: Any) -> dict[str, Tensor]:
    """Each head's W_Q W_Kᵀ and W_V W_O as they were, from factors that share their size evenly; value biases folded.

    Raises RotaryRefused where positions stand between queries and keys.
    """
    if cfg.positional_embedding_type == "rotary":
        raise RotaryRefused("You can't refactor the QK circuit when using rotary embeddings (positions turn both)")
    new = fold_value_biases(state, cfg)
    for layer in range(cfg.n_layers):
        attn = f"blocks.{layer}.attn."
        Q, K = (torch.cat((new[f"{attn}W_{n}"], new[f"{attn}b_{n}"].unsqueeze(1)), 1) for n in "QK")
        even = FactoredMatrix(Q, K.mT).make_even()
        for name, factor in (("Q", even.A), ("K", even.B.mT)):
            new[f"{attn}W_{name}"], new[f"{attn}b_{name}"] = factor[:, :-1].contiguous(), factor[:, -1].contiguous()
        even = FactoredMatrix(new[f"{attn}W_V"], new[f"{attn}W_O"]).make_even()
        new[f"{attn}W_V"], new[f"{attn}W_O"] = even.A, even.B
    return new


def process_weights(
    state: StateDict,
    cfg: Any,
    fold_ln: bool = True,
    center_writing: bool = True,
    unembed: bool = True,
    value_biases: bool = True,
    refactor: bool = False,
) -> dict[str, Tensor]:
    """What is asked for, in the order that makes sense, where it fits: no norm is folded beside experts, nothing that
    writes is centred under RMSNorm.
    """
    new, layered = dict(state), cfg.normalization_type in ("LN", "LNPre")
    if fold_ln and not cfg.num_experts and cfg.normalization_type is not None:
        new = fold_layer_norm(new, cfg, fold_biases=layered, center_weights=layered)
    if center_writing and layered and not cfg.final_rms:
        new = center_writing_weights(new, cfg)
    new = center_unembed(new) if unembed else new
    new = fold_value_biases(new, cfg) if value_biases else new
    return refactor_factored_attn_matrices(new, cfg) if refactor else new
