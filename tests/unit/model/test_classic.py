"""A model in the classic field names, and what each means."""

import copy
import math
from dataclasses import replace

import pytest
import torch

from rung.config import BIASES, ModelConfig, Rotary, RotaryScaling, bias_shapes
from rung.errors import CheckpointError, ConfigError, SiteError
from rung.model.classic import HookedTransformerConfig, describe, draw_weights
from rung.model.model import HookedTransformer

SMALL = {"n_layers": 2, "d_model": 12, "n_ctx": 9, "d_head": 3, "d_vocab": 11, "act_fn": "relu"}


def test_defaults_follow_from_what_is_given():
    cfg = HookedTransformerConfig(**SMALL)
    assert (cfg.n_heads, cfg.d_mlp, cfg.d_vocab_out) == (4, 48, 11)
    assert cfg.attn_scale == math.sqrt(3) and cfg.initializer_range == 0.8 / math.sqrt(12)
    assert cfg.n_params == 2 * (4 * 12 * 3 * 4 + 12 * 48 * 2)
    config = cfg.to_model_config()
    assert config.biases == frozenset(BIASES) & (bias_shapes(config).keys() - {"b_gate"})
    assert config.attn_scale is None and config.d_vocab_out is None and not config.default_prepend_bos


@pytest.mark.parametrize(
    ("fields", "meant"),
    [
        ({"attn_only": True, "d_mlp": 30}, {"d_mlp": None, "act_fn": None}),
        ({"act_fn": "gelu_fast", "gated_mlp": True}, {"act_fn": "gelu_new", "gated_mlp": True}),
        ({"normalization_type": None, "attn_scale": 2.0}, {"normalization_type": None, "attn_scale": 2.0}),
        ({"use_attn_scale": False}, {"attn_scale": 1.0}),
        ({"positional_embedding_type": "rotary", "d_head": 4}, {"rotary": Rotary(dim=4)}),
        (
            {"positional_embedding_type": "rotary", "rotary_dim": 2, "rotary_adjacent_pairs": True, "rotary_base": 50},
            {"rotary": Rotary(dim=2, base=50.0, pairing="adjacent")},
        ),
        (
            {"positional_embedding_type": "rotary", "rotary_dim": 2, "rotary_scaling_factor": 4.0},
            {"rotary": Rotary(dim=2, scaling=RotaryScaling(kind="linear", factor=4.0))},
        ),
        (
            {"positional_embedding_type": "rotary", "rotary_dim": 2, "use_NTK_by_parts_rope": True},
            {"rotary": Rotary(dim=2, scaling=RotaryScaling(kind="llama3", factor=8.0))},
        ),
        ({"n_key_value_heads": 2, "d_vocab_out": 3}, {"n_key_value_heads": 2, "d_vocab_out": 3}),
        ({"attention_dir": "bidirectional", "parallel_attn_mlp": True}, {"attention_dir": "bidirectional"}),
    ],
)
def test_each_field_means_what_it_says(fields, meant):
    config = HookedTransformerConfig(**SMALL | fields).to_model_config()
    assert {name: getattr(config, name) for name in meant} == meant
    # There and back: the same model again.
    again = HookedTransformerConfig(**describe(config).to_dict() | {"model_name": config.model_name}).to_model_config()
    assert again == config


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"n_layer": 2}, "no field 'n_layer'.* n_layers"),
        ({"act_fn": "solu_ln"}, "act_fn is 'solu_ln'; known are .*gelu"),
        ({"num_experts": 4}, "num_experts is 4; .* from_pretrained"),
        ({"use_qk_norm": True}, "use_qk_norm is True"),
        ({"output_logits_soft_cap": 30.0}, "output_logits_soft_cap is 30.0"),
        ({"final_rms": True}, "final_rms is set beside LayerNorm"),
        ({"n_key_value_heads": 2, "ungroup_grouped_query_attention": True}, "once a key/value head"),
        ({"d_head": 5}, "d_head 5 does not divide d_model 12"),
        ({"d_vocab": -1}, "d_vocab is not given"),
    ],
)
def test_what_cannot_be_is_said(fields, said):
    with pytest.raises(ConfigError, match=said):
        HookedTransformerConfig(**SMALL | fields).to_model_config()


def test_a_field_must_not_be_missing():
    with pytest.raises(ConfigError, match="lacks d_head"):
        HookedTransformerConfig(n_layers=2, d_model=4, n_ctx=3)


def test_bookkeeping_is_kept_and_changes_nothing():
    odd = {"use_attn_result": True, "checkpoint_index": 4, "use_local_attn": False, "n_params": 9}
    cfg = HookedTransformerConfig.from_dict(SMALL | odd)
    assert cfg.use_attn_result and cfg.checkpoint_index == 4 and cfg.n_params != 9
    assert cfg.num_experts is None and cfg.from_checkpoint is None and not cfg.is_layer_norm_activation()
    assert cfg.to_model_config() == HookedTransformerConfig(**SMALL).to_model_config()
    assert HookedTransformerConfig.from_dict(cfg.to_dict()) == cfg == copy.copy(cfg)
    with pytest.raises(AttributeError, match=r"no field 'n_head'.* n_heads"):
        _ = cfg.n_head


def test_a_models_cfg_can_be_read_and_its_bookkeeping_written():
    model = HookedTransformer(HookedTransformerConfig(**SMALL, seed=3, dtype=torch.float64))
    assert model.cfg is model.cfg and model.cfg.seed == 3
    assert (model.cfg.dtype, model.cfg.device) == (torch.float64, "cpu")
    assert model.float().cfg.dtype == torch.float32
    model.cfg.use_split_qkv_input = True
    model.cfg.original_architecture = "mine"
    assert model.cfg.use_split_qkv_input and model.cfg.original_architecture == "mine"
    model.cfg.n_layers = 2
    with pytest.raises(ConfigError, match="n_layers is 2 in a model that is built; for 3, change a copy"):
        model.cfg.n_layers = 3
    with pytest.raises(ConfigError, match="attn_scores_soft_cap"):
        model.cfg.attn_scores_soft_cap = 50.0
    free = copy.deepcopy(model.cfg)
    free.n_layers = 3
    assert HookedTransformer(free).config.n_layers == 3
    assert HookedTransformer(model.cfg).config == model.config
    other = copy.deepcopy(model)
    other.cfg.use_attn_in = True
    assert not model.cfg.use_attn_in and other.cfg is not model.cfg


def test_a_copy_of_a_models_cfg_builds_the_same_kind_of_model(any_kind):
    """Also what classic fields have no names for: latent attention, experts, windows, caps, norms elsewhere."""
    for cfg in (copy.copy(any_kind.cfg), HookedTransformerConfig.from_dict(any_kind.cfg.to_dict())):
        twin = HookedTransformer(cfg)
        kept = ("tied_embeddings", "biases", "bos_token_id", "default_prepend_bos", "model_name", "processing")
        same = replace(twin.config, **{name: getattr(any_kind.config, name) for name in kept})
        assert same == any_kind.config
        tokens = torch.arange(8).reshape(2, 4)
        other = HookedTransformer(same, any_kind.weights)
        torch.testing.assert_close(other(tokens), any_kind(tokens))
        assert twin(tokens).shape == other(tokens).shape


def test_a_copy_that_is_changed_is_what_it_says_or_is_refused(build):
    capped = build("RMS before and behind, queries normed, caps, windows")
    assert capped.cfg.attn_scores_soft_cap == 2.0
    free = copy.copy(capped.cfg)
    free.attn_scores_soft_cap = None
    assert HookedTransformer(free).config == replace(
        HookedTransformer(capped.cfg.__copy__()).config, attn_scores_soft_cap=None
    )
    free.n_layers = 2
    with pytest.raises(ConfigError, match="windows"):
        HookedTransformer(free)
    routed = copy.copy(build("RMS, experts, clipped in vain").cfg)
    routed.num_experts = None
    with pytest.raises(ConfigError, match="experts"):
        HookedTransformer(routed)


def test_keys_and_values_stay_grouped():
    model = HookedTransformer(HookedTransformerConfig(**SMALL, n_key_value_heads=2))
    with pytest.raises(ConfigError, match="cannot be ungrouped"):
        model.set_ungroup_grouped_query_attention(True)
    HookedTransformer(HookedTransformerConfig(**SMALL)).set_ungroup_grouped_query_attention(True)


@pytest.mark.parametrize("mode", ["gpt2", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"])
def test_weights_are_drawn_as_the_mode_says(mode):
    cfg = HookedTransformerConfig(**SMALL | {"d_model": 120, "d_head": 30, "d_mlp": 200}, init_mode=mode, seed=1)
    weights = draw_weights(cfg, cfg.to_model_config())
    deviation = {"gpt2": 0.8 / math.sqrt(120), "xavier": math.sqrt(2 / (120 + 200)), "kaiming": math.sqrt(2 / 120)}
    found = weights["W_in"][0]
    assert found.std().item() == pytest.approx(deviation[mode.partition("_")[0]], rel=0.03)
    # A uniform draw ends at sqrt(3) deviations; a normal one of 24,000 goes on to four.
    assert (found.abs().max() / found.std() < 1.8) == mode.endswith("uniform")
    assert not any(bias.any() for bias in weights["b_in"]) and bool((weights["ln_final_w"] == 1).all())


def test_seeds_decide_the_draw(seed):
    def drawn(seed):
        return HookedTransformer(HookedTransformerConfig(**SMALL, seed=seed)).W_E

    assert torch.equal(drawn(4), drawn(4)) and not torch.equal(drawn(4), drawn(5))
    torch.manual_seed(0)
    one, two = drawn(None), drawn(None)
    torch.manual_seed(0)
    assert torch.equal(drawn(None), one) and not torch.equal(one, two)
    with pytest.raises(ConfigError, match="init_mode is 'muP'"):
        HookedTransformer(HookedTransformerConfig(**SMALL, init_mode="muP"))


def test_a_model_is_made_from_any_kind_of_config(letters):
    cfg = HookedTransformerConfig(**SMALL | {"d_vocab": -1})
    model = HookedTransformer(cfg, letters)
    assert model.config.d_vocab == 13 and model.config.bos_token_id == 0 and model.cfg.default_prepend_bos
    assert model.to_tokens("ab").tolist() == [[0, 2, 3]]
    assert HookedTransformer(SMALL).config == HookedTransformer(HookedTransformerConfig(**SMALL)).config
    plain = ModelConfig(n_layers=1, d_model=4, n_heads=2, d_head=2, d_vocab=3, n_ctx=5)
    assert HookedTransformer(plain).cfg.n_layers == 1


def test_a_config_may_be_called_cfg_and_must_be_one():
    cfg = HookedTransformerConfig(**SMALL, seed=3)
    model = HookedTransformer(cfg=cfg)
    assert torch.equal(model.W_E, HookedTransformer(cfg).W_E)
    assert HookedTransformer(cfg=model.config).config == model.config
    for call in (lambda: HookedTransformer(), lambda: HookedTransformer(cfg, cfg=cfg)):
        with pytest.raises(ConfigError, match="one config"):
            call()


def test_hook_tokens_sees_and_changes_what_is_read():
    model = HookedTransformer(HookedTransformerConfig(**SMALL, seed=3, use_hook_tokens=True))
    tokens = torch.tensor([[1, 2, 3], [4, 5, 6]])
    logits, cache = model.run_with_cache(tokens)
    assert next(iter(cache)) == "hook_tokens" and torch.equal(cache["hook_tokens"], tokens)
    _, few = model.run_with_cache(tokens, names_filter=["hook_tokens", ("z", 0)])
    assert list(few) == ["hook_tokens", "blocks.0.attn.hook_z"]
    loss = model.run_with_hooks(tokens, return_type="loss", fwd_hooks=[("hook_tokens", lambda x, hook: x.flip(0))])
    assert torch.equal(loss, model(tokens.flip(0), return_type="loss"))
    assert torch.equal(model.input_to_embed(tokens)[1], tokens)
    model.process_weights_()
    assert "hook_tokens" in model.hook_dict and model.cfg.use_hook_tokens
    model.cfg.use_hook_tokens = False
    assert "hook_tokens" not in model.hook_dict and "hook_tokens" not in model.run_with_cache(tokens)[1].cache_dict
    with pytest.raises(SiteError, match="hook_tokens"):
        model.run_with_cache(tokens, names_filter="hook_tokens")
    model.cfg.use_hook_tokens = True
    assert torch.equal(model.run_with_cache(tokens)[0], model(tokens)) and logits.shape == (2, 3, model.cfg.d_vocab)


def test_a_named_tokenizer_is_loaded_and_says_how_many_tokens_there_are():
    fields = {name: value for name, value in SMALL.items() if name != "d_vocab"}
    model = HookedTransformer(HookedTransformerConfig(**fields, tokenizer_name="two-layer-tiny"))
    known = HookedTransformer.from_pretrained("two-layer-tiny")
    assert model.cfg.d_vocab == model.cfg.d_vocab_out == len(known.tokenizer)
    assert torch.equal(model.to_tokens("the man"), known.to_tokens("the man"))
    assert model.cfg.tokenizer_name == known.cfg.tokenizer_name == "two-layer-tiny"
    assert HookedTransformer(copy.copy(known.cfg)).tokenizer.get_vocab() == known.tokenizer.get_vocab()
    with pytest.raises(CheckpointError, match="no folder 'nothing-like-it'"):
        HookedTransformer(HookedTransformerConfig(**fields, tokenizer_name="nothing-like-it"))
