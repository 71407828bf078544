"""Small models: random ones of every kind, and one that is wired by hand to do induction."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch

from rung.config import Alibi, Latent, ModelConfig, Rotary, bias_shapes
from rung.evidence.claim import INDUCTION, Claim, descriptive_tests, required_tests
from rung.evidence.decide import CRITERIA, EXACT, Criterion, criterion_of, decide
from rung.evidence.identity import confirmation_seed
from rung.evidence.looks import look_alpha
from rung.evidence.observation import Check, Floors, Measurement, Outcome, TestSpec
from rung.evidence.proof import Agreement, Proof
from rung.evidence.prove import METHODS
from rung.evidence.verdict import verdict
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
    "RMS, latent, one dense layer before groups of experts": {
        "normalization_type": "RMS", "positional_embedding_type": "rotary", "rotary": Rotary(dim=2, pairing="adjacent"),
        "latent": Latent(q_rank=7, kv_rank=5), "d_head_v": 4, "d_mlp": 12, "act_fn": "silu", "gated_mlp": True,
        "n_experts": 6, "experts_per_token": 2, "router_score": "sigmoid", "norm_expert_weights": True,
        "expert_scale": 1.5, "n_expert_groups": 3, "expert_groups_per_token": 2, "experts_per_group_score": 2,
        "d_mlp_shared": 8, "gate_shared": False, "dense_layers": (0,), "d_mlp_dense": 24,
        "biases": frozenset(("b_select",)),
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


VALUES: dict[str, dict[str, float]] = {
    "behaviour.gain": {"gain": 9.8, "stratum": 9.7},
    "behaviour.order": {"excess": -1.93, "stratum": -1.92},
    "clue.signature": {"score": 0.997, "control": 0.02, "stratum": 0.98},
    "contribution.direct": {"push": 17.88, "strongest": 1.0, "rival": 0.01},
    "contribution.edge": {"push": 8.83, "strongest": 1.0, "rival": 0.0},
    "contribution.sum": {"error": 6.9e-7},
    "support.necessity": {"mean": 0.88, "resample": 0.91, "stratum": 0.85},
    "support.member": {"cost": 0.44, "alone": 0.55},
    "support.member_content": {"content": 1.2},
    "support.member_alone": {"cost": 0.44, "alone": 0.55},
    "mechanism.member_alone": {"cost": 0.44, "alone": 0.55},
    "support.denoising": {"recovered": 0.97, "damage": 0.9},
    "support.interchange": {"followed": 0.996},
    "support.positions": {"claimed": 0.98, "elsewhere": 0.01},
    "support.output": {"carried": 0.99, "senders": 0.9},
    "support.output_part": {"cost": 0.44, "alone": 0.55, "direct": 0.97},
    "support.output_interchange": {"followed": 0.996},
    "support.edge_interchange": {"followed": 0.996},
    "support.edge": {"carried": 0.995, "senders": 0.87, "rival": 0.01},
    "support.edge_part": {"cost": 0.44, "alone": 0.55, "rival": 0.01},
    "support.faithfulness": {"explained": 0.98, "room": 0.95, "swap": 8.0},
    "support.agreement": {"same": 0.97},
    "support.complement": {"half": 0.02},
    "support.off_task": {"text": 0.03, "by_token": 0.07},
    "mechanism.ov": {"copied": 1.0},
    "mechanism.positional": {"one_back": 0.94},
    "mechanism.routed_qk": {"matched": 0.99},
    "mechanism.faithfulness": {"explained": 0.98, "room": 0.95, "swap": 8.0},
    "mechanism.agreement": {"same": 0.97},
    "mechanism.complement": {"half": 0.02},
    "shown.dose": {"0.25": 0.01, "0.5": 0.05, "0.75": 0.3, "1": 0.86},
    "shown.prose_necessity": {"removed": 0.4, "gain": 2.5},
}
"""What each test of a good run measures: one value for every number, or for all that begin so."""

CONTROLS: dict[str, dict[str, float]] = {
    "behaviour.gain": {"first copy": 9.88, "second copy": 0.07, "accuracy": 0.98, "ln n": 2.9, "ln V": 8.3},
    "behaviour.order": {"loss": 0.03, "bound": 1.96},
    "clue.signature": {"control": 0.02, "best unclaimed head": 0.09},
    "contribution.direct": {"best unclaimed": 0.2, "strongest": 17.88},
    "contribution.edge": {"best unclaimed": 0.0, "strongest": 8.83},
    "support.necessity": {"nats": 8.6},
    "support.denoising": {"other heads of the layer": 0.01, "clean": 0.1, "corrupted": 9.0},
    "support.output": {"nats": 8.7},
    "support.edge": {"nats": 8.71, "share of Q": 0.0, "share of V": 0.001},
    "support.off_task": {"nats on text": 0.2, "nats on the task": 8.0, "loss on text": 4.0},
    "mechanism.ov": {"best unclaimed head": 0.02},
    "mechanism.positional": {"best unclaimed head": 0.05},
    "mechanism.routed_qk": {"best other pair": 0.03, "rotated": 0.04},
}

NOTES: dict[str, dict[str, str]] = {
    "contribution.direct": {"best unclaimed": "1.3", "strongest": "1.0", "as strong": ""},
    "contribution.edge": {"best unclaimed": "0.3", "strongest": "0.0", "as strong": ""},
    "support.positions": {"positions": "queries"},
}


def _names(spec: TestSpec) -> list[str]:
    """The numbers that a test has: what it needs, and of each kind that it may have some."""
    more = {"rival/*": ("rival/Q", "rival/V"), "swap/*": ("swap/1.3 for 1.0",)}
    if spec.id not in CRITERIA:
        return [*VALUES.get(spec.id, ("value",))]
    halves = [f"half/{bit}{side}" for bit in range(1, 5) for side in "ab"] if spec.id.endswith(".complement") else []
    return [name for one in CRITERIA[spec.id] for name in one.least or more[one.name]] + halves


def _check(spec: TestSpec, name: str, outcome: Outcome, floors: Floors) -> Check:
    """One number: clearly on the right side of its floor, or where `outcome` needs it."""
    value = VALUES.get(spec.id, {"value": 0.5})[name.partition("/")[0]]
    criterion = criterion_of(spec.id, name)
    p = None if criterion is None or spec.id in EXACT else 1e-9
    around = 0.0 if p is None else 0.005 * abs(value)
    # What fails a push is how small it is: below zero it would be contradicted.
    kept = outcome is Outcome.FAILS and criterion is not None and criterion.signed and not criterion.floor(floors)
    if criterion is not None and criterion.use == "decides" and outcome is not Outcome.HOLDS and not kept:
        value, around = _short(criterion, outcome, floors), 0.0 if p is None else 0.05
        p = None if p is None else 0.5
    return Check(name, value, value - around, value + around, 64, p)


def _short(criterion: Criterion, outcome: Outcome, floors: Floors) -> float:
    floor, worse = criterion.floor(floors), -1 if criterion.sense == "at least" else 1
    if outcome is Outcome.CONTRADICTED:
        return -floor - 0.2 if criterion.signed else floor + 0.2 * worse
    return floor + (0.2 * worse if outcome is Outcome.FAILS else 0.0)


def _measured(spec: TestSpec, outcome: Outcome, floors: Floors) -> Measurement:
    """A test by hand, with numbers from which `outcome` follows."""
    undefined = "the keys were clamped" if spec.id in EXACT and outcome is Outcome.INCONCLUSIVE else ""
    not_run = "too large" if outcome is Outcome.NOT_RUN else ""
    checks = () if undefined or not_run else tuple(_check(spec, name, outcome, floors) for name in _names(spec))
    signature = {"signature": spec.role, "best unclaimed head": "0.3", "head": "0.0"}
    followed = decide(spec, checks, floors, undefined, not_run)
    assert followed is (outcome if spec.required else Outcome.NOT_APPLICABLE) or not_run, (spec, followed)
    return Measurement(
        spec=spec,
        outcome=followed,
        checks=checks,
        unit=UNITS.get(spec.id, ""),
        controls=CONTROLS.get(spec.id, {}),
        undefined=undefined,
        not_run=not_run,
        notes=signature if spec.id == "clue.signature" else NOTES.get(spec.id, {}),
    )


UNITS = {
    "behaviour.gain": "nats", "behaviour.order": "nats", "clue.signature": "attention", "contribution.direct": "logits",
    "contribution.edge": "score", "support.necessity": "of the gain", "mechanism.ov": "of tokens",
}  # fmt: skip

HEADS: Mapping[str, tuple[tuple[int, int], ...]] = {"previous_token": ((0, 0),), "induction": ((1, 0),)}


def _pointed(claim: Claim) -> tuple[Agreement, ...]:
    """Every method points at the claimed heads."""
    found = []
    for role in (role for role in claim.roles if role.heads):
        (first, *_), others = role.labels.split(", "), {"0.3": 0.1, "1.3": 0.1}
        means = {method: {first: 0.9, **others} for method in METHODS}
        found.append(Agreement(role.name, tuple(role.labels.split(", ")), dict.fromkeys(METHODS, first), means))
    return tuple(found)


def _proof(
    *,
    outcomes: Mapping[str, Outcome] | None = None,
    heads: Mapping[str, tuple[tuple[int, int], ...]] = HEADS,
    sequences: int = 64,
    floors: Floors | None = None,
    config: ModelConfig | None = None,
    text: str | None = None,
    shown: bool = False,
    leave_out: Callable[[TestSpec], bool] = lambda spec: False,
    **changes: Any,
) -> Proof:
    """A proof by hand: every test that the claim requires with the outcome named for its id, or a good one.

    The verdict, the seeds and α follow, so that its record can be read. `shown`: the tests that only describe too.
    """
    floors, config = floors or Floors(), config or _build().config
    claim = INDUCTION.with_heads(heads)
    required = required_tests(claim, config, text is not None)
    specs = (*required, *(descriptive_tests(claim, config, text is not None) if shown else ()))
    measured = tuple(
        _measured(spec, (outcomes or {}).get(spec.id, Outcome.HOLDS), floors) for spec in specs if not leave_out(spec)
    )
    measured = tuple(replace(m, checks=tuple(replace(one, n=sequences) for one in m.checks)) for m in measured)
    checkpoint = "0f" * 32
    alpha = look_alpha(floors.alpha, sequences, int(floors.sequences))
    whole: dict[str, Any] = {
        "claim": claim,
        "model": {"name": "small", "checkpoint": checkpoint, "weights": "1e" * 32, "config": config.to_dict()},
        "verdict": verdict(required, measured, floors, sequences),
        "measurements": measured,
        "agreement": _pointed(claim),
        "run": {
            "looks": [{"sequences": sequences, "alpha": alpha}], "search_seed": 0,
            "confirmation_seed": confirmation_seed(claim, config, checkpoint, text is not None),
            "heads": "found by search", "text": text,
            "first_token": None, "dtype": "float32", "device": "cpu", "versions": {"rung": "0.1.0"},
        },
        "floors": floors,
    }  # fmt: skip
    return Proof(**(whole | changes))


@pytest.fixture
def proof() -> Callable[..., Proof]:
    """proof(outcomes={test id: outcome}, …): a proof by hand, of a good run but for the changes."""
    return _proof
