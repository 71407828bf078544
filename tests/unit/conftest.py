"""Small models: random ones of every kind, and one that is wired by hand to do induction."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from rung.config import Alibi, ModelConfig, Rotary, bias_shapes
from rung.evidence.claim import INDUCTION
from rung.evidence.ladder import Agreement, Proof, Verdict
from rung.evidence.measurement import Floors, Measurement, Outcome
from rung.model.model import HookedTransformer

KINDS: dict[str, dict[str, Any]] = {
    "LN, learned positions, MLP, biases": {
        "biases": "all", "d_mlp": 24, "act_fn": "gelu_new",
    },
    "RMS, rotary, grouped, gated": {
        "normalization_type": "RMS", "positional_embedding_type": "rotary", "rotary": Rotary(dim=4),
        "n_key_value_heads": 2, "d_mlp": 24, "act_fn": "silu", "gated_mlp": True,
    },
    "no norm, shortformer, attention only": {
        "normalization_type": None, "positional_embedding_type": "shortformer",
    },
    "LNPre, parallel, rotary, key and value biases": {
        "normalization_type": "LNPre", "positional_embedding_type": "rotary",
        "rotary": Rotary(dim=6, pairing="adjacent"), "parallel_attn_mlp": True,
        "biases": frozenset(("b_Q", "b_K", "b_V", "b_U")), "d_mlp": 24, "act_fn": "relu",
    },
    "RMSPre, sinusoidal, tied, own scale": {
        "normalization_type": "RMSPre", "positional_embedding_type": "sinusoidal", "tied_embeddings": True,
        "attn_scale": 1.5,
    },
    "LN, shortformer, biases": {
        "positional_embedding_type": "shortformer", "biases": "all",
    },
    "RMS before and behind, queries normed, caps, windows": {
        "normalization_type": "RMS", "norm_placement": "both", "qk_norm": "head", "attn_scores_soft_cap": 2.0,
        "output_logits_soft_cap": 5.0, "windows": (4, None, 6), "embed_scale": 3.0, "tied_embeddings": True,
        "positional_embedding_type": "rotary", "rotary": Rotary(dim=6), "rotary_local": Rotary(dim=6, base=10.0),
        "n_key_value_heads": 2, "d_mlp": 24, "act_fn": "gelu_new", "gated_mlp": True,
    },
    "RMS behind, all queries normed as one": {
        "normalization_type": "RMS", "norm_placement": "post", "qk_norm": "heads", "d_mlp": 24, "act_fn": "silu",
        "gated_mlp": True, "positional_embedding_type": "rotary", "rotary": Rotary(dim=6), "n_key_value_heads": 2,
    },
    "LN before and behind, all queries normed as one, biases": {
        "norm_placement": "both", "qk_norm": "heads", "biases": "all", "d_mlp": 24, "act_fn": "gelu",
    },
    "LN, slopes, normed embeddings, biases": {
        "positional_embedding_type": "alibi", "alibi": Alibi(slopes=(1.0, 0.5, 0.25, 0.125)), "biases": "all",
        "post_embedding_ln": True, "d_mlp": 24, "act_fn": "gelu",
    },
    "LN, each query normed, scaled logits, parallel": {
        "qk_norm": "head", "biases": frozenset(("ln1_b", "q_norm_b", "k_norm_b")), "logit_scale": 0.25,
        "tied_embeddings": True, "parallel_attn_mlp": True, "d_mlp": 24, "act_fn": "silu", "gated_mlp": True,
        "positional_embedding_type": "rotary", "rotary": Rotary(dim=4, pairing="adjacent"), "windows": (None, 5, None),
    },
    "RMS, experts, clipped in vain": {
        "normalization_type": "RMS", "positional_embedding_type": "rotary", "rotary": Rotary(dim=6), "d_mlp": 12,
        "act_fn": "silu", "gated_mlp": True, "n_experts": 3, "experts_per_token": 2, "d_mlp_shared": 8,
        "clip_qkv": 100.0,
    },
}  # fmt: skip


def _build(kind: str = "no norm, shortformer, attention only", seed: int = 0, **changes: Any) -> HookedTransformer:
    shape = {"n_layers": 3, "d_model": 20, "n_heads": 4, "d_head": 6, "d_vocab": 13, "n_ctx": 9}
    values = shape | KINDS[kind] | changes
    if values.get("biases") == "all":
        fitting = bias_shapes(ModelConfig(**(values | {"biases": frozenset()})))
        values["biases"] = frozenset(fitting) - {"b_gate"}
    model = HookedTransformer(ModelConfig(**values), seed=seed).double()
    generator = torch.Generator().manual_seed(seed)
    # Every weight counts: no zero biases, no norms of ones, no tiny embeddings.
    model.requires_grad_(False)
    for parameter in model.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4 + (parameter == 1))
    return model


@pytest.fixture(params=KINDS)
def any_kind(request: pytest.FixtureRequest) -> HookedTransformer:
    """A random model, in float64, of each kind in turn."""
    return _build(request.param)


@pytest.fixture(params=KINDS)
def any_kind_name(request: pytest.FixtureRequest) -> str:
    """Each kind's name in turn, for `build`."""
    return str(request.param)


@pytest.fixture
def build() -> Callable[..., HookedTransformer]:
    """build(kind, seed, **config changes): a random model in float64."""
    return _build


@pytest.fixture
def draw() -> Callable[..., torch.Tensor]:
    """draw(rows, seed, length, vocabulary): random tokens."""

    def tokens(rows: int = 3, seed: int = 1, length: int = 7, vocabulary: int = 13) -> torch.Tensor:
        return torch.randint(vocabulary, (rows, length), generator=torch.Generator().manual_seed(seed))

    return tokens


@pytest.fixture
def wired() -> HookedTransformer:
    """An induction circuit by hand: 0.1 writes the previous token where 1.2 reads its keys; 1.2 copies. The rest is 0.

    The stream: [token | previous token | position], each in coordinates of its own. Token 0 begins a sequence.
    """
    v, n = 16, 20
    config = ModelConfig(
        n_layers=2, d_model=2 * v + n, n_heads=3, d_head=n, d_vocab=v, n_ctx=n, normalization_type=None,
        positional_embedding_type="shortformer", attn_scale=1.0, bos_token_id=0, model_name="wired",
    )  # fmt: skip
    model = HookedTransformer(config)
    token, before, position = slice(0, v), slice(v, 2 * v), slice(2 * v, None)
    sharp, eye = 30.0, torch.eye
    model.requires_grad_(False)
    for parameter in model.parameters():
        parameter.zero_()
    weights = model.weights
    weights["W_E"][:, token] = weights["W_U"][token] = eye(v)
    weights["W_U"][token] *= 20
    weights["W_pos"][:, position] = eye(n)
    # Query p asks for key p − 1.
    weights["W_Q"][0][1][position] = sharp * eye(n).roll(-1, 1)
    weights["W_K"][0][1][position] = eye(n)
    weights["W_V"][0][1][token, :v] = weights["W_O"][0][1][:v, before] = eye(v)
    weights["W_Q"][1][2][token, :v] = sharp * eye(v)
    weights["W_K"][1][2][before, :v] = eye(v)
    weights["W_V"][1][2][token, :v] = weights["W_O"][1][2][:v, token] = eye(v)
    return model


HOLDS, FAILS, SHOWN = Outcome.HOLDS, Outcome.FAILS, Outcome.NOT_APPLICABLE


def _measured(rung: int, test: str, subject: str, value: float, said: str = "", **more: Any) -> Measurement:
    values: dict[str, Any] = {"outcome": HOLDS, "required": True, "n": 64, "said": said} | more
    return Measurement(rung=rung, test=test, subject=subject, value=value, **values)


def _proof(**changes: Any) -> Proof:
    """A proof by hand, as one of a good run looks; `outcomes` changes some of them, by test."""
    p = {"p": 0.0001, "p_test": "paired sign flips"}
    measurements = [
        _measured(
            0, "gain", "the model", 9.8, "loss 9.88 → 0.07 nats", unit="nats", interval=(9.7, 9.9), floor=1.0, **p
        ),
        _measured(0, "order within the bag", "the model", 0.03, "0.03 nats among the tokens left", floor=1.94),
        _measured(1, "previous_token score", "0.0", 0.997, "0.0 previous-token 1.00", unit="attention", floor=0.3),
        _measured(1, "induction score", "1.0", 0.92, "1.0 induction 0.92", unit="attention", floor=0.3, control=0.02),
        _measured(2, "attribution, direct", "1.0", 17.9, "1.0 direct +17.88 logits", unit="logits", floor=0.0, **p),
        _measured(2, "parts sum to the whole", "the model", 6.9e-7, "parts sum within 7e-07", floor=1e-4),
        _measured(3, "necessity, mean and resample", "0.0", 0.85, "removing 0.0 costs +8.3 nats", floor=0.1, **p),
        _measured(3, "necessity, mean and resample", "1.0", 0.88, "removing 1.0 costs +8.7 nats", floor=0.1, **p),
        _measured(3, "denoising, A replaced", "0.0", 1.0, "restoring 0.0: 9.4 → 0.04 nats", floor=0.5),
        _measured(3, "faithfulness, mean", "the circuit", 0.98, "F 0.98", floor=0.8, control_name="best swap"),
        _measured(3, "zero ablation", "0.0", 0.86, "zero ablation 0.0: +86%", outcome=SHOWN, required=False),
        _measured(4, "OV copying top-1", "1.0", 1.0, "1.0's OV copies 100 % of tokens", unit="of tokens", floor=0.8),
    ]
    outcomes: dict[str, Outcome] = changes.pop("outcomes", {})
    methods = ("pattern", "attribution", "ablation", "weights")
    whole: dict[str, Any] = {
        "claim": INDUCTION.with_heads({"previous_token": [(0, 0)], "induction": [(1, 0)]}),
        "model": {"name": "small", "weights": "0f" * 32, "config": _build().config.to_dict()},
        "verdict": Verdict(4, "mechanism. A circuit for induction: 0.0 → 1.0 (K-composition)."),
        "measurements": tuple(replace(m, outcome=outcomes.get(m.test, m.outcome)) for m in measurements),
        "agreement": (
            Agreement("previous_token", ("0.0",), dict.fromkeys(methods, "0.0")),
            Agreement("induction", ("1.0",), dict.fromkeys(methods, "1.0")),
        ),
        "run": {
            "sequences": 64, "search_seed": 0, "confirmation_seed": 7, "heads": "found by search", "dtype": "float32",
            "device": "cpu", "versions": {"rung": "0.1.0"},
        },
        "floors": Floors(),
    }  # fmt: skip
    return Proof(**(whole | changes))


@pytest.fixture
def proof() -> Callable[..., Proof]:
    """proof(outcomes={test: outcome}, **fields of Proof): a proof by hand, of a good run but for the changes."""
    return _proof
