"""What `import rung` offers, and what it costs."""

import json
import subprocess
import sys

import pytest

import rung

PUBLIC = [
    "ActivationCache",
    "FactoredMatrix",
    "HookPoint",
    "HookedRootModule",
    "HookedTransformer",
    "HookedTransformerConfig",
    "ModelConfig",
    "claims",
    "load_record",
    "prove",
]
HEAVY = ["gguf", "huggingface_hub", "rich", "safetensors", "scipy", "sympy", "tokenizers", "transformers", "typer"]


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `code`."""
    told = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    return set(json.loads(subprocess.run([sys.executable, "-c", told], check=True, capture_output=True).stdout))


def test_the_public_names_are_these() -> None:
    assert sorted(rung.__all__) == PUBLIC
    assert dir(rung) == PUBLIC
    assert rung.claims.__name__ == "rung.evidence.claim"
    for name in sorted({*PUBLIC} - {"claims"}):
        assert getattr(rung, name).__name__ == name
        assert getattr(rung, name).__module__.startswith("rung.")


def test_another_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        AttributeError, match=r"module 'rung' has no attribute 'HookedTransformr'; it has .*ModelConfig"
    ):
        _ = rung.HookedTransformr


def test_importing_rung_loads_next_to_nothing() -> None:
    assert not loaded_by("import rung") & {"torch", *HEAVY}


def test_the_config_needs_no_torch() -> None:
    assert "torch" not in loaded_by("import rung; rung.ModelConfig")


def test_a_model_needs_torch_and_little_else() -> None:
    config = "rung.ModelConfig(n_layers=1, d_model=4, n_heads=2, d_head=2, d_vocab=3, n_ctx=5)"
    run = (
        f"import rung, torch; model = rung.HookedTransformer({config}); model(torch.tensor([[0, 1]])); model.QK.norm()"
    )
    loaded = loaded_by(run)
    assert "torch" in loaded
    assert not loaded & set(HEAVY)
