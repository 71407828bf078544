"""Names of sites, and taps at them."""

from dataclasses import replace

import pytest
import torch

from rung.config import Alibi, ModelConfig, Rotary
from rung.engine.sites import SITE_KINDS, Site, check_head, find_site, hook_name, select_sites, sites_of
from rung.engine.slicing import take
from rung.engine.taps import NO_TAP, CacheTap, EditTap, compose
from rung.engine.weights import _INPUTS_INNERMOST, flatten, gather, init_weights, to_kernel_layout
from rung.errors import CheckpointError, SiteError

CONFIG = ModelConfig(n_layers=2, d_model=8, n_heads=2, d_head=4, d_vocab=11, n_ctx=6, d_mlp=5, act_fn="relu")


def test_full_names_are_the_fields():
    paths = [site.path for site in sites_of(CONFIG)]
    assert paths[:3] == ["hook_embed", "hook_pos_embed", "blocks.0.hook_resid_pre"]
    assert paths[-1] == "unembed.hook_out" and len(paths) == len(set(paths))
    assert "blocks.1.mlp.hook_post" in paths and "blocks.1.mlp.hook_pre_linear" not in paths
    assert "blocks.0.attn.hook_rot_q" not in paths
    assert all(kind.meaning and kind.axes for kind in SITE_KINDS.values())


MLP = {"mlp_in", "ln2.scale", "ln2.normalized", "mlp_out"}
NEURONS = {"pre", "post"}


@pytest.mark.parametrize(
    ("changes", "gone", "new"),
    [
        ({"positional_embedding_type": None}, {"pos_embed"}, set()),
        ({"positional_embedding_type": "shortformer"}, set(), set()),
        (
            {"positional_embedding_type": "rotary", "rotary": Rotary(dim=4), "windows": (2, None)},
            {"pos_embed"},
            {"rot_q", "rot_k"},
        ),
        ({"positional_embedding_type": "alibi", "alibi": Alibi(slopes=(0.5, 0.25))}, {"pos_embed"}, set()),
        ({"d_mlp": None, "act_fn": None}, {"resid_mid"} | MLP | NEURONS, set()),
        ({"parallel_attn_mlp": True}, {"resid_mid"}, set()),
        ({"gated_mlp": True}, set(), {"pre_linear"}),
        ({"n_experts": 3, "experts_per_token": 1, "gated_mlp": True}, NEURONS, {"expert_weights"}),
        ({"n_experts": 3, "experts_per_token": 1, "d_mlp_shared": 4}, NEURONS, {"expert_weights"}),
        (
            {"norm_placement": "post"},
            {"ln1.scale", "ln1.normalized", "ln2.scale", "ln2.normalized"},
            {"ln1_post.scale", "ln1_post.normalized", "ln2_post.scale", "ln2_post.normalized"},
        ),
        (
            {"norm_placement": "both", "normalization_type": "RMSPre"},
            set(),
            {"ln1_post.scale", "ln1_post.normalized", "ln2_post.scale", "ln2_post.normalized"},
        ),
        (
            {"norm_placement": "both", "d_mlp": None, "act_fn": None},
            {"resid_mid"} | MLP | NEURONS,
            {"ln1_post.scale", "ln1_post.normalized"},
        ),
        (
            {"normalization_type": None, "norm_placement": "both"},
            {f"{norm}.{what}" for norm in ("ln1", "ln2", "ln_final") for what in ("scale", "normalized")},
            set(),
        ),
        ({"qk_norm": "head", "post_embedding_ln": True, "clip_qkv": 1.0, "attn_scores_soft_cap": 2.0}, set(), set()),
    ],
)
def test_what_a_model_lacks_has_no_site_and_what_it_has_does(changes, gone, new):
    usual = {site.name for site in sites_of(CONFIG)}
    found = {site.name for site in sites_of(replace(CONFIG, **changes))}
    assert (usual - found, found - usual) == (gone, new)
    for name in gone:
        layer = 0 if "{l}" in SITE_KINDS[name].path else None
        with pytest.raises(SiteError, match="no hook named"):
            find_site(replace(CONFIG, **changes), (name, layer))


@pytest.mark.parametrize(
    ("key", "full"),
    [
        (("pattern", 1), "blocks.1.attn.hook_pattern"),
        (("resid_post", -1), "blocks.1.hook_resid_post"),
        (("scale", 0, "ln1"), "blocks.0.ln1.hook_scale"),
        (("normalized", 1, "ln2"), "blocks.1.ln2.hook_normalized"),
        (("mlp_post", 0), "blocks.0.mlp.hook_post"),
        ("embed", "hook_embed"),
        ("scale", "ln_final.hook_scale"),
        ("blocks.0.attn.hook_z", "blocks.0.attn.hook_z"),
        (Site("z", 0), "blocks.0.attn.hook_z"),
    ],
)
def test_short_names(key, full):
    assert find_site(CONFIG, key).path == full


def test_unknown_names_suggest_near_ones():
    with pytest.raises(SiteError, match=r"blocks\.0\.attn\.hook_pattern"):
        find_site(CONFIG, "blocks.0.attn.hook_patern")
    with pytest.raises(SiteError, match="2 layers"):
        find_site(CONFIG, ("pattern", 2))
    with pytest.raises(SiteError, match="no hook named 'pattern'"):
        find_site(CONFIG, "pattern")
    assert hook_name("nonsense") == "nonsense"
    with pytest.raises(SiteError, match="no hook named 'pattern'"):
        find_site(CONFIG, ("pattern", None))


@pytest.mark.parametrize("key", [5, None, (), (1, "pattern"), ("pattern", True), ("pattern", 0, "ln1", 3)])
def test_what_is_no_name_at_all(key):
    with pytest.raises((SiteError, TypeError)):
        find_site(CONFIG, key)


def test_a_short_name_without_a_layer_selects_every_layers():
    assert select_sites(CONFIG, ["pattern", "blocks.0.attn.hook_z"]) == {
        Site("pattern", 0), Site("pattern", 1), Site("z", 0)
    }  # fmt: skip


@pytest.mark.parametrize("head", [(2, 0), (0, 2), (-1, 0)])
def test_a_head_out_of_range(head):
    assert check_head(CONFIG, 1, 1) == (1, 1)
    with pytest.raises(SiteError, match=r"layers 0 to 1, heads 0 to 1"):
        check_head(CONFIG, *head)


def test_taps_compose_in_order():
    x = torch.ones(2)
    double = EditTap({Site("z", 0): lambda x: x * 2})
    cache = CacheTap([Site("z", 0)])
    assert compose() is NO_TAP and compose(NO_TAP, cache) is cache
    tap = compose(cache, double)
    assert torch.equal(tap("z", 0, x), x * 2) and torch.equal(cache.store["blocks.0.attn.hook_z"], x)
    compose(double, cache)("z", 0, x)
    assert torch.equal(cache.store["blocks.0.attn.hook_z"], x * 2)
    assert tap("z", 1, x) is x and NO_TAP("z", 0, x) is x
    assert compose(double, cache).sites == {Site("z", 0)}


def test_take_in_every_form():
    x = torch.arange(12).view(3, 4)
    assert take(x, None, 1) is x
    assert torch.equal(take(x, -1, 1), x[:, -1])
    assert torch.equal(take(x, (1, 3), 1), x[:, 1:3])
    assert torch.equal(take(x, slice(None, None, 2), 0), x[::2])
    assert torch.equal(take(x, [0, -1], 1), x[:, [0, -1]])
    assert torch.equal(take(x, torch.tensor(2), 0), x[2])


def test_weights_lie_as_products_read_them():
    for name, tensors in init_weights(CONFIG, 0).items():
        for tensor in tensors if isinstance(tensors, tuple) else (tensors,):
            laid = tensor.mT if name in _INPUTS_INNERMOST else tensor
            assert laid.is_contiguous(), name
            assert to_kernel_layout(name, tensor).data_ptr() == tensor.data_ptr(), "what lies right is not copied"


def test_flatten_and_gather_are_inverse_and_seeds_decide():
    weights = init_weights(CONFIG, 0)
    flat = dict(flatten(CONFIG, weights))
    assert flat["blocks.1.attn.W_Q"].shape == (2, 8, 4) and flat["ln_final.w"].shape == (8,)
    again = dict(flatten(CONFIG, gather(CONFIG, flat)))
    assert flat.keys() == again.keys() and all(torch.equal(flat[name], again[name]) for name in flat)
    assert torch.equal(init_weights(CONFIG, 0)["W_E"], weights["W_E"])
    assert not torch.equal(init_weights(CONFIG, 1)["W_E"], weights["W_E"])
    with pytest.raises(CheckpointError, match=r"unembed.W_U has shape \[11, 8\]; the config calls for \[8, 11\]"):
        gather(CONFIG, flat | {"unembed.W_U": flat["unembed.W_U"].T})
