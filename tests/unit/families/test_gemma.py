"""Gemma's three configs: keys that were renamed, caps, windows, two kinds of rotary."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rung.config import ModelConfig, Rotary, RotaryScaling

Read = Callable[..., ModelConfig]
Refused = Callable[..., None]

FULL, SLIDING = {"rope_theta": 1e6}, {"rope_theta": 1e4}


@pytest.mark.parametrize("later", [None, "gelu_pytorch_tanh"])
@pytest.mark.parametrize("first", ["gelu", "gelu_pytorch_tanh", None])
def test_the_first_gemma_says_gelu_and_means_its_approximation(
    first: str | None, later: str | None, read: Read
) -> None:
    assert read("gemma", hidden_act=first, hidden_activation=later).act_fn == "gelu_new"


def test_every_other_layer_of_gemma_2_sees_a_window_unless_it_says_which(read: Read) -> None:
    assert read("gemma2", num_hidden_layers=5).windows == (4, None, 4, None, 4)
    kinds = ["full_attention", "sliding_attention"]
    assert read("gemma2", layer_types=kinds).windows == (None, 4)
    assert read("gemma2", sliding_window=0).windows is None


def test_scores_are_divided_by_the_root_of_the_scalar(read: Read) -> None:
    assert read("gemma2", query_pre_attn_scalar=144).attn_scale == 12.0


def test_gemma_2_caps_by_itself_and_gemma_3_does_not(read: Read) -> None:
    assert (read("gemma2").attn_scores_soft_cap, read("gemma2").output_logits_soft_cap) == (50.0, 30.0)
    assert (read("gemma3_text").attn_scores_soft_cap, read("gemma3_text").output_logits_soft_cap) == (None, None)


def test_gemma_3_reads_old_keys_and_new_sections_alike(read: Read) -> None:
    old = read(
        "gemma3_text", rope_theta=2e6, rope_local_base_freq=5e3, rope_scaling={"rope_type": "linear", "factor": 8.0}
    )
    scaled = RotaryScaling(kind="linear", factor=8.0, original_n_ctx=10)
    assert old.rotary == Rotary(dim=2, base=2e6, scaling=scaled)
    assert old.rotary_local == Rotary(dim=2, base=5e3)
    sections = {
        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 2e6},
        "sliding_attention": {"rope_type": "default", "rope_theta": 5e3},
    }
    assert read("gemma3_text", rope_parameters=sections) == old


def test_the_pattern_of_gemma_3_ends_with_a_layer_that_sees_all(read: Read) -> None:
    plain = {"sliding_window_pattern": None, "num_hidden_layers": 7}
    assert read("gemma3_text", **plain).windows == (4, 4, 4, 4, 4, None, 4)
    assert read("gemma3_text", **plain, _sliding_window_pattern=3).windows == (4, 4, None, 4, 4, None, 4)
    kinds = ["full_attention", "full_attention"]
    everywhere = read("gemma3_text", layer_types=kinds)
    assert (everywhere.windows, everywhere.rotary_local) == (None, None)


@pytest.mark.parametrize("label", ["gemma2", "gemma3_text"])
def test_embeddings_are_scaled_by_the_root_of_the_width(label: str, read: Read) -> None:
    assert read(label).embed_scale == math.sqrt(12)


@pytest.mark.parametrize(
    ("label", "changes", "message"),
    [
        ("gemma", {"use_bidirectional_attention": True}, "use_bidirectional_attention = True"),
        ("gemma2", {"use_bidirectional_attention": True}, "use_bidirectional_attention = True"),
        ("gemma3_text", {"use_bidirectional_attention": True}, "use_bidirectional_attention = True"),
        ("gemma2", {"layer_types": ["full_attention"]}, "each of 2 layers must be sliding_attention or full_attention"),
        ("gemma2", {"attn_logit_softcapping": 0}, "attn_logit_softcapping = 0"),
        ("gemma2", {"final_logit_softcapping": -30.0}, "final_logit_softcapping = -30.0"),
        ("gemma2", {"query_pre_attn_scalar": 0}, "query_pre_attn_scalar = 0"),
        ("gemma3_text", {"rope_local_base_freq": 0}, "rope_local_base_freq = 0"),
        ("gemma3_text", {"rope_parameters": FULL}, "must have full_attention and sliding_attention"),
        ("gemma3_text", {"rope_parameters": "fast"}, "rope_parameters = 'fast'; it must have full_attention"),
        ("gemma3_text", {"rope_parameters": {"full_attention": FULL, "sliding_attention": 3}}, "must be an object"),
        (
            "gemma3_text",
            {"rope_parameters": {"full_attention": {"rope_type": "yarn"}, "sliding_attention": SLIDING}},
            "of type 'yarn' lacks 'factor'",
        ),
        ("gemma3_text", {"rope_scaling": {"rope_type": "fast"}}, "rope_type is 'fast'"),
        ("gemma3_text", {"rope_scaling": "fast"}, "rope_scaling = 'fast'"),
        ("gemma3_text", {"sliding_window_pattern": 0}, "sliding_window_pattern = 0"),
    ],
)
def test_what_would_be_another_model_is_refused(
    label: str, changes: dict[str, Any], message: str, refused: Refused
) -> None:
    refused(label, message, **changes)


def test_a_gemma_3_that_sees_images_is_read_as_its_model_of_text(read: Read) -> None:
    text, whole = (
        read("gemma3_text", bos_token_id=2),
        read("gemma3", vision_config={"hidden_size": 16}, mm_tokens_per_image=4),
    )
    assert whole.notes == (*text.notes, "it also sees images; that part was left out")
    assert replace(whole, notes=text.notes) == text
    untied = read("gemma3", tie_word_embeddings=False)
    assert (whole.tied_embeddings, untied.tied_embeddings) == (True, False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text_config": [1]}, "text_config = \\[1\\]; it must be an object"),
        ({"audio_config": {}}, "audio_config = {}, which Rung's gemma3 does not understand"),
        ({"text_config": {"hidden_size": 12, "num_hidden_layers": 2, "intermediate_size": 20, "ears": 2}}, "ears = 2"),
        ({"text_config": {"quantization_config": {"bits": 4}}}, "quantization_config: these weights are stored as"),
    ],
)
def test_what_else_such_a_file_says_is_understood_or_refused(
    changes: dict[str, Any], message: str, refused: Refused
) -> None:
    refused("gemma3", message, **changes)
