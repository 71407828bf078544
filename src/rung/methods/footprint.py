"""How much a run holds at once: estimates that real peaks stay below, so that sweeps can bound their memory.

Of a block, what is alive together either while heads are made or while its MLP is: the stream and what is read of it,
queries, keys and values, scores where they are not fused, neurons. What the allocator adds is not counted.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from ..config import ModelConfig
from ..engine.sites import LAST, Site
from ..model.model import HookedTransformer

MAX_MEMORY = 2**28
"""Bytes of activations, and of logits, that a sweep holds at once, unless one run over one example needs more."""
TOKENS_AT_ONCE = 1024
"""Tokens that share a batch on a CPU, where more save nothing: weights are fetched once for all."""

STEPWISE = ("attn_scores", "pattern")
"""Sites whose values are made only where they are watched, with a number for each query and key."""
PER_HEAD = ("attn_in", "q_input", "k_input", "v_input", "result")
"""Sites with a vector of the stream's width for each head."""


def run_bytes(model: HookedTransformer, edited: Collection[Site], new: int, keys: int) -> int:
    """Bytes that one sequence's run of `new` positions holds at its peak, if each sees up to `keys`.

    `edited` are the sites that are edited. Where keys and values before the first position are another run's, they are
    put before its own in one tensor.
    """
    config, names = model.config, {site.name for site in edited}
    d, n_heads = config.d_model, config.n_heads
    of_kv = config.n_kv * (config.d_head + config.d_v)
    qkv, z = n_heads * config.d_head + of_kv, n_heads * config.d_v
    if config.rotary is not None or config.qk_norm is not None:
        qkv *= 2
    attention = new * (6 * d + qkv + 2 * z) + (keys * of_kv if keys > new else 0)
    watched = not names.isdisjoint(STEPWISE)
    stepwise = config.attn_scores_soft_cap is not None or config.attn_sinks or watched
    if stepwise or config.alibi is not None or model.device.type != "cpu":
        # Scores, what is made of them, and keys and values as they are multiplied.
        wide = 2 if model.dtype.itemsize < 4 else 1  # the softmax is taken in float32
        attention += new * (3 + watched) * wide * n_heads * keys + keys * n_heads * (config.d_head + config.d_v)
    mlp = new * (10 * d + z + _neuron_copies(config, names) * _neurons(config))
    more = new * 3 * n_heads * d if not names.isdisjoint(PER_HEAD) else 0
    more += new * 3 * config.n_out if not names.isdisjoint((*LAST, "unembed_out")) else 0
    return (max(attention, mlp) + more) * model.dtype.itemsize


def _neurons(config: ModelConfig) -> int:
    return max(config.d_mlp or 0, config.d_mlp_dense or 0, config.d_mlp_shared or 0)


def _neuron_copies(config: ModelConfig, names: set[str]) -> int:
    """How often an MLP's neurons are held: before and after the nonlinearity, and between."""
    copies = 3 if config.gated_mlp or config.act_fn in ("quick_gelu", "relu2") else 2
    copies += 2 if config.swiglu_limit is not None else 0
    return copies + (not names.isdisjoint(("pre", "pre_linear", "post")))


def kept_floats(config: ModelConfig, streams: int, outputs: int, keys: bool) -> int:
    """Numbers for each position that a clean run leaves: `streams` before layers, `outputs` z of all heads, `keys` and
    values of every layer.
    """
    of_kv = config.n_layers * config.n_kv * (config.d_head + config.d_v) if keys else 0
    return streams * config.d_model + outputs * config.n_heads * config.d_v + of_kv


def site_floats(config: ModelConfig, site: Site, length: int) -> int:
    """Numbers that a site holds of one sequence."""
    sizes = {
        "pos": length, "query_pos": length, "key_pos": length, "d_model": config.d_model, "head": config.n_heads,
        "kv_head": config.n_kv, "d_head": max(config.d_head, config.d_v), "d_vocab": config.n_out,
        "d_mlp": max(config.d_mlp or 0, config.d_mlp_dense or 0), "expert": config.n_experts or 0,
    }  # fmt: skip
    return math.prod(sizes.get(axis, 1) for axis in site.kind.axes)
