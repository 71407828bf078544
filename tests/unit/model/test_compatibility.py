"""State dicts, switches and weights processed in place, as classic code asks for them."""

from collections.abc import Callable

import pytest
import torch

from rung.errors import CheckpointError, ConfigError
from rung.model.classic import HookedTransformerConfig
from rung.model.components import Attention, Unembed
from rung.model.model import HookedTransformer
from rung.model.tokenizer import TextTokenizer

Build = Callable[..., HookedTransformer]
FULL = "LN, learned positions, MLP, biases"


def test_constants_of_classic_files_are_left_out(build: Build) -> None:
    model, other = build(FULL), build(FULL, seed=1)
    state = other.state_dict()
    for layer in range(3):
        state[f"blocks.{layer}.attn.mask"] = torch.ones(9, 9).tril().bool()
        state[f"blocks.{layer}.attn.IGNORE"] = torch.tensor(-1e5)
        state[f"blocks.{layer}.attn.rotary_sin"] = torch.ones(9, 6)
    model.load_state_dict({name: tensor.half() for name, tensor in state.items()})
    assert torch.equal(model.W_Q, other.W_Q.half().double())
    with pytest.raises(RuntimeError, match="Missing key"):
        model.load_state_dict({name: tensor for name, tensor in state.items() if name != "embed.W_E"})


def test_biases_that_a_model_lacks_may_come_as_zeros(build: Build) -> None:
    model = build()
    state = model.state_dict() | {"unembed.b_U": torch.zeros(13), "blocks.1.attn.b_O": torch.zeros(20)}
    model.load_state_dict(state)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        model.load_state_dict(state | {"unembed.b_U": torch.ones(13)})


def test_shared_keys_may_come_once_for_each_head(build: Build) -> None:
    model, other = build("RMS, rotary, grouped, gated"), build("RMS, rotary, grouped, gated", seed=1)
    state = other.state_dict()
    for layer in range(3):
        for name in ("W_K", "W_V"):
            del state[f"blocks.{layer}.attn._{name}"]
            state[f"blocks.{layer}.attn.{name}"] = getattr(other.blocks[layer].attn, name)
    model.load_state_dict(state)
    assert torch.equal(model.W_K, other.W_K)
    state["blocks.1.attn.W_K"] = state["blocks.1.attn.W_K"] + torch.arange(4)[:, None, None]
    with pytest.raises(CheckpointError, match=r"blocks\.1\.attn\.W_K differs between heads that share"):
        model.load_state_dict(state)


def test_weights_are_processed_in_place(build: Build, draw: Callable[..., torch.Tensor]) -> None:
    model, tokens = build(FULL), draw()
    before = model(tokens).log_softmax(-1)
    model.cfg.tokenizer_name = "mine"
    model.process_weights_()
    assert model.cfg.normalization_type == model.config.normalization_type == "LNPre"
    assert model.cfg.tokenizer_name == "mine"
    torch.testing.assert_close(model(tokens).log_softmax(-1), before, atol=1e-8, rtol=1e-8)
    assert model.W_U.mean(-1).abs().max() < 1e-12
    other = build(FULL, seed=5)
    other.load_and_process_state_dict(build(FULL).state_dict(), center_unembed=False)
    torch.testing.assert_close(other(tokens).log_softmax(-1), before, atol=1e-8, rtol=1e-8)
    assert "center_unembed" not in other.config.processing


def test_switches_change_nothing(build: Build, draw: Callable[..., torch.Tensor]) -> None:
    model, tokens = build(FULL), draw()
    before = model(tokens)
    for switch in ("use_attn_result", "use_split_qkv_input", "use_hook_mlp_in", "use_attn_in"):
        getattr(model, f"set_{switch}")(True)
        assert getattr(model.cfg, switch)
    assert torch.equal(model(tokens), before)


def test_a_tokenizer_can_be_set_later(build: Build, letters: object) -> None:
    model = build(FULL, default_prepend_bos=False)
    with pytest.raises(ConfigError, match="no tokenizer"):
        model.set_padding_side("left")
    model.cfg.use_attn_result = True
    model.set_tokenizer(letters, default_padding_side="left")
    assert model.config.bos_token_id == 0
    assert model.to_tokens(["abc", "d"], prepend_bos=True).tolist() == [[0, 2, 3, 4], [1, 1, 0, 5]]
    assert model.to_tokens(["abc", "d"], prepend_bos=False, padding_side="right").tolist() == [[2, 3, 4], [5, 1, 1]]
    model.cfg.default_prepend_bos = True
    assert model.to_tokens("a").tolist() == [[0, 2]]
    with pytest.raises(ConfigError, match="known are 'left' and 'right'"):
        model.set_padding_side("middle")


@pytest.mark.parametrize(("said", "put"), [(True, True), (False, False), (None, True)])
def test_a_tokenizer_that_says_whether_a_first_token_is_put_decides(
    build: Build, letters: TextTokenizer, said: bool | None, put: bool
) -> None:
    speaking = TextTokenizer(letters.backend, "<|bos|>", "<|eos|>", puts_bos=said)
    model = build(FULL, bos_token_id=0, default_prepend_bos=True)
    model.set_tokenizer(speaking)
    assert model.to_tokens("a").tolist() == [[0, 2] if put else [2]]
    cfg = {"n_layers": 1, "d_model": 8, "d_head": 4, "n_heads": 2, "n_ctx": 9, "attn_only": True}
    made = HookedTransformer(cfg, speaking)
    assert made.to_tokens("a").tolist() == [[0, 2] if put else [2]]
    assert HookedTransformer({**cfg, "default_prepend_bos": False}, speaking).to_tokens("a").tolist() == [[2]]
    silent = build(FULL, default_prepend_bos=False)
    silent.set_tokenizer(speaking)
    assert silent.to_tokens("a").tolist() == [[0, 2] if said else [2]]


def test_the_first_layers_are_a_model() -> None:
    whole = HookedTransformer.from_pretrained("two-layer-tiny")
    first = HookedTransformer.from_pretrained("two-layer-tiny", first_n_layers=1)
    tokens = torch.arange(6)
    assert first.config.n_layers == 1
    torch.testing.assert_close(first(tokens, stop_at_layer=1), whole(tokens, stop_at_layer=1))
    with pytest.raises(ConfigError, match="the first 3 layers were asked for"):
        HookedTransformer.from_pretrained("two-layer-tiny", first_n_layers=3)


def test_types_may_be_named() -> None:
    assert HookedTransformer.from_pretrained("zero-layer", dtype="float64").dtype == torch.float64
    with pytest.raises(CheckpointError, match="dtype is floaty"):
        HookedTransformer.from_pretrained("zero-layer", dtype="floaty")


def test_the_first_stream_can_be_had_alone(build: Build, draw: Callable[..., torch.Tensor]) -> None:
    for kind in ("LN, shortformer, biases", FULL):
        model, tokens = build(kind), draw()
        x, read, positions, mask = model.input_to_embed(tokens)
        assert torch.equal(read, tokens) and mask is None and (positions is not None) == ("shortformer" in kind)
        again = model(x, start_at_layer=0, shortformer_pos_embed=positions)
        torch.testing.assert_close(again, model(tokens), atol=1e-9, rtol=1e-9)
        loss = model(x, "loss", start_at_layer=0, tokens=tokens)
        torch.testing.assert_close(loss, model(tokens, return_type="loss"), atol=1e-9, rtol=1e-9)


def test_options_of_classic_loading_are_answered() -> None:
    model = HookedTransformer.from_pretrained("zero-layer", n_devices=1, checkpoint_index=None, trust_remote_code=False)
    assert model.config.n_layers == 0
    for options, said in (
        ({"checkpoint_value": 1000}, "not known to have steps of its training"),
        ({"n_devices": 2}, "lies on one device"),
        ({"trust_remote_code": True}, "code of a repository is never run"),
        ({"fold_layernorm": True}, "no option 'fold_layernorm'.* fold_ln"),
    ):
        with pytest.raises(ConfigError, match=said):
            HookedTransformer.from_pretrained("zero-layer", **options)


def test_a_state_dict_holds_what_classic_ones_hold(any_kind: HookedTransformer) -> None:
    model, state = any_kind, any_kind.state_dict()
    assert torch.equal(state["unembed.W_U"], model.W_U) and torch.equal(state["unembed.b_U"], model.b_U)
    assert set(model.unembed.state_dict()) == {"W_U", "b_U"}
    for layer in range(model.config.n_layers):
        assert state[f"blocks.{layer}.attn.IGNORE"] == -torch.inf and f"blocks.{layer}.attn.mask" in state
        keys = "_b_K" if model.config.grouped else "b_K"
        if model.config.latent is not None:
            assert f"blocks.{layer}.attn.b_K" not in state
            continue
        assert state[f"blocks.{layer}.attn.{keys}"].shape == (model.config.n_kv, model.config.d_head)
    assert all(tensor.is_contiguous() for tensor in state.values())
    other = HookedTransformer(model.config, seed=9).double()
    other.load_state_dict(state)
    assert all(map(torch.equal, other.parameters(), model.parameters()))
    attn = HookedTransformer(model.config, seed=9).double().blocks[1].attn
    attn.load_state_dict(model.blocks[1].attn.state_dict())
    assert torch.equal(attn.W_O, model.blocks[1].attn.W_O)


def test_named_parameters_hold_a_tied_unembedding_that_no_optimizer_moves(build: Build) -> None:
    model = build("RMSPre, sinusoidal, tied, own scale").requires_grad_()
    named = dict(model.named_parameters())
    assert torch.equal(named["unembed.W_U"], model.W_E.T) and named["unembed.b_U"].eq(0).all()
    assert len(list(model.parameters())) == len(named) - 2 and len(list(model.unembed.named_parameters())) == 0
    with torch.no_grad():
        named["unembed.W_U"][0, 3] = 7.0
        assert model.W_E[3, 0] == 7
        with pytest.raises(RuntimeError):
            named["unembed.b_U"] += 1
    before = model.W_E.detach().clone()
    optimizer = torch.optim.SGD([parameter for _, parameter in model.named_parameters()], lr=0.1)
    model(torch.tensor([[1, 2, 3]]), return_type="loss").backward()
    optimizer.step()
    assert not torch.equal(model.W_E, before) and torch.equal(model.W_U, model.W_E.T)
    untied = model.state_dict() | {"unembed.W_U": model.W_U + 1}
    with pytest.raises(CheckpointError, match="has them tied"):
        model.load_state_dict(untied)


def test_attention_has_its_mask_and_its_layer(build: Build) -> None:
    model = build("LN, each query normed, scaled logits, parallel", biases=frozenset())
    n = model.config.n_ctx
    assert torch.equal(model.blocks[0].attn.mask, torch.ones(n, n).tril().bool())
    assert model.blocks[1].attn.mask.sum(1).tolist() == [min(row + 1, 5) for row in range(n)]
    assert model.blocks[1].attn.layer_id == 1 and model.blocks[0].attn.IGNORE.isneginf()


def test_a_part_made_by_hand_keeps_its_config_and_needs_no_vocabulary() -> None:
    cfg = HookedTransformerConfig(n_layers=2, d_model=8, n_ctx=5, d_head=4, act_fn="relu", seed=4)
    attn = Attention(cfg, layer_id=1)
    assert attn.cfg is cfg and attn.layer_id == 1 and attn.W_Q.shape == (2, 8, 4)
    with pytest.raises(ConfigError, match="d_vocab is not given"):
        Unembed(cfg)
