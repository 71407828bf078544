"""Small models: random ones of every kind, and one that is wired by hand to do induction."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from rung.config import BIASES, ModelConfig, Rotary, bias_shapes
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
}  # fmt: skip


def _build(kind: str = "no norm, shortformer, attention only", seed: int = 0, **changes: Any) -> HookedTransformer:
    shape = {"n_layers": 3, "d_model": 20, "n_heads": 4, "d_head": 6, "d_vocab": 13, "n_ctx": 9}
    values = shape | KINDS[kind] | changes
    if values.get("biases") == "all":
        fitting = bias_shapes(ModelConfig(**(values | {"biases": frozenset()})))
        values["biases"] = frozenset(BIASES) & set(fitting)
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
