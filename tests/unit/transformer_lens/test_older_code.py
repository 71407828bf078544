"""What older notebooks call: training, weights processed by hand, steps of training, tokens without their first."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

import rung.transformer_lens as transformer_lens
from rung.errors import ConfigError, NotDefinedError, PickleRefused, SiteError
from rung.model.catalog import SHORT_NAMES
from rung.model.model import HookedTransformer
from rung.transformer_lens import HookedTransformerConfig, loading_from_pretrained, utils
from rung.transformer_lens.tools.analysis import direct_path_patching
from rung.transformer_lens.train import HookedTransformerTrainConfig, train
from rung.transformer_lens.weight_processing import ProcessWeights

SIZE = {"n_layers": 2, "d_model": 12, "n_ctx": 9, "d_head": 4, "n_heads": 3, "d_vocab": 17, "act_fn": "gelu"}
TOKENS = torch.tensor([[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8]])


def drawn(**fields):
    """A float64 model whose every weight is drawn, norms and biases among them."""
    model = HookedTransformer(HookedTransformerConfig(**(SIZE | fields), seed=1)).double()
    generator = torch.Generator().manual_seed(2)
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return model


@pytest.mark.parametrize(
    "fields",
    [{}, {"normalization_type": "RMS", "gated_mlp": True}, {"n_key_value_heads": 1}, {"attn_only": True}],
    ids=["LN", "RMS, gated", "grouped", "attention only"],
)
def test_a_processed_state_dict_means_the_same_model(fields):
    model = drawn(**fields)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    processed = ProcessWeights.process_weights(before, model.cfg)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    twin = HookedTransformer(HookedTransformerConfig(**(SIZE | fields))).double()
    twin.load_state_dict(processed)
    torch.testing.assert_close(twin(TOKENS).log_softmax(-1), model(TOKENS).log_softmax(-1), atol=1e-9, rtol=1e-9)
    assert twin.blocks[1].ln1.w.eq(1).all() and twin.W_U.mean(-1).abs().max() < 1e-12
    assert processed["blocks.0.attn." + ("_b_V" if fields.get("n_key_value_heads") else "b_V")].eq(0).all()
    if not fields.get("normalization_type"):
        assert twin.W_E.mean(-1).abs().max() < 1e-12 and twin.W_Q.mean(-2).abs().max() < 1e-12


def test_each_change_of_a_state_dict_is_a_method_too():
    model = drawn()
    state = model.fold_layer_norm(model.state_dict())
    state = model.center_unembed(model.center_writing_weights(state))
    state = model.refactor_factored_attn_matrices(model.fold_value_biases(state))
    twin = HookedTransformer(HookedTransformerConfig(**SIZE)).double()
    twin.load_state_dict(twin.fill_missing_keys(state))
    torch.testing.assert_close(twin(TOKENS).log_softmax(-1), model(TOKENS).log_softmax(-1), atol=1e-8, rtol=1e-8)
    even = twin.blocks[0].attn
    torch.testing.assert_close(even.W_V.mT @ even.W_V, even.W_O @ even.W_O.mT)
    rotary = SimpleNamespace(**vars(model.cfg))
    rotary.positional_embedding_type = "rotary"
    with pytest.raises(AssertionError, match="can't refactor the QK circuit"):
        ProcessWeights.refactor_factored_attn_matrices(state, rotary)


def test_the_stream_by_hand_and_weights_drawn_again():
    model = drawn()
    stream, shortformer = model.get_residual(model.embed(TOKENS), 0)
    assert shortformer is None and torch.equal(stream, model.run_with_cache(TOKENS)[1]["resid_pre", 0])
    short = drawn(positional_embedding_type="shortformer")
    stream, shortformer = short.get_residual(short.embed(TOKENS), 2)
    assert torch.equal(stream, short.embed(TOKENS)) and torch.equal(shortformer[0], short.W_pos[2:8])
    assert model.get_pos_offset(None, 2) == 0 and model.n_params_total == sum(p.numel() for p in model.parameters())
    model.init_weights()
    assert torch.equal(model.W_Q.float(), HookedTransformer(HookedTransformerConfig(**SIZE, seed=1)).W_Q)


@pytest.mark.parametrize("component", ["q", "k", "v"])
def test_one_heads_write_is_patched_into_one_later_heads_read(component):
    model = drawn(n_layers=3)
    model.process_weights_()
    clean, corrupted = TOKENS[:1], TOKENS[1:]
    (_, clean_cache), (_, cache) = model.run_with_cache(clean), model.run_with_cache(corrupted)

    def metric(logits):
        return logits[0, -1, 3] - logits[0, -1, 7]

    every = direct_path_patching.get_act_patch_direct_path_all_sources(
        model, corrupted, clean_cache, cache, metric, component
    )
    assert every.shape == (3, 3, 3, 3) and every[1, :, :2].eq(0).all() and every[2].eq(0).all()
    delta = clean_cache["result", 0][:, :, 1] - cache["result", 0][:, :, 1]
    # The norm as it scaled the corrupted run, centring what is added to the stream.
    read = (delta - delta.mean(-1, keepdim=True)) / cache["scale", 2, "ln1"]
    more = read @ getattr(model, f"W_{component.upper()}")[2, 0]

    def add(x, hook):
        x[:, :, 0] += more
        return x

    with torch.no_grad():
        wanted = metric(model.run_with_hooks(corrupted, fwd_hooks=[((component, 2), add)]))
    torch.testing.assert_close(every[0, 1, 2, 0].double(), wanted, atol=1e-5, rtol=1e-5)
    with pytest.raises(SiteError, match=r"no head 0\.7"):
        direct_path_patching.get_act_patch_direct_path(model, corrupted, clean_cache, cache, metric, 0, 7)
    with pytest.warns(UserWarning, match="not folded"):
        direct_path_patching.get_act_patch_direct_path(drawn(), corrupted, clean_cache, cache, metric, 1, 0)


def test_direct_paths_into_compressed_vectors_are_refused(build):
    model = build("RMS, latent, one dense layer before groups of experts")
    tokens = torch.tensor([[1, 2, 3]])
    _, cache = model.run_with_cache(tokens)
    with pytest.warns(UserWarning, match="not folded"), pytest.raises(NotDefinedError, match="has no W_K"):
        direct_path_patching.get_act_patch_direct_path(model, tokens, cache, cache, torch.mean, 0, 1, "k")


def test_a_small_loop_trains(tmp_path, capsys):
    model = HookedTransformer(HookedTransformerConfig(**SIZE, seed=1))
    rows = utils.TokenDataset(torch.arange(8).repeat(12, 1))
    before = model(rows["tokens"], return_type="loss").item()
    plan = HookedTransformerTrainConfig(
        num_epochs=8, batch_size=4, lr=1e-2, save_every=3, save_dir=str(tmp_path), warmup_steps=2, max_grad_norm=1.0,
        weight_decay=0.01, print_every=2,
    )  # fmt: skip
    assert train(model, plan, rows) is model
    assert model(rows["tokens"], return_type="loss").item() < before / 3
    assert "Epoch 1 Step 0 Loss" in capsys.readouterr().out
    kept = HookedTransformer.from_pretrained_no_processing(tmp_path / "model_1_0")
    assert kept.cfg.n_layers == 2
    twin = HookedTransformer(HookedTransformerConfig(**SIZE, seed=1))
    train(twin, replace(plan, save_dir=None, print_every=None), rows)
    assert torch.equal(twin.W_E, model.W_E)
    for wrong, said in (({"optimizer_name": "Adamm"}, "Adam, AdamW and SGD"), ({"wandb": True}, "wandb=False")):
        with pytest.raises(ConfigError, match=said):
            train(model, replace(plan, **wrong), rows)
    train(model, HookedTransformerTrainConfig(1, 4, optimizer_name="SGD", max_steps=0, print_every=None), rows)


def test_steps_of_training_have_labels_and_are_revisions(monkeypatch):
    labels, kind = loading_from_pretrained.get_checkpoint_labels("pythia-70m")
    assert (labels[0], labels[4], labels[-1], len(labels), kind) == (0, 8, 143000, 154, "step")
    assert loading_from_pretrained.get_checkpoint_labels("pythia-70m-v0")[0][0] == 1000
    assert len(loading_from_pretrained.get_checkpoint_labels("stanford-gpt2-small-a")[0]) == 609
    asked = []

    def load(name, dtype, revision, base=None):
        asked.append((name, revision))
        raise ZeroDivisionError

    monkeypatch.setattr("rung.model.model.load_checkpoint", load)
    for options in ({"checkpoint_index": -1}, {"checkpoint_value": 512}, {"checkpoint_index": 0}):
        with pytest.raises(ZeroDivisionError):
            HookedTransformer.from_pretrained("pythia-125m-deduped", **options)
    with pytest.raises(ZeroDivisionError):
        HookedTransformer.from_pretrained("stanford-gpt2-small-b", checkpoint_value=400000)
    assert [revision for _, revision in asked] == ["step143000", "step512", "step0", "checkpoint-400000"]
    for name, options, said in (
        ("gpt2", {"checkpoint_index": 1}, "Pythia and Stanford"),
        ("pythia-70m", {"checkpoint_value": 1001}, "closest is 1000"),
        ("pythia-70m", {"checkpoint_index": 154}, "has 154 steps"),
        ("pythia-70m", {"checkpoint_index": 1, "checkpoint_value": 1}, "both given"),
        ("pythia-70m", {"checkpoint_index": 1, "revision": "main"}, "which is a revision too"),
    ):
        with pytest.raises(ConfigError, match=said):
            HookedTransformer.from_pretrained(name, **options)


def test_models_go_by_what_people_call_them():
    for name, repository in (
        ("pythia-125m", "EleutherAI/pythia-160m"),
        ("opt-small", "facebook/opt-125m"),
        ("gpt-neo-large", "EleutherAI/gpt-neo-2.7B"),
        ("tiny-stories-instruct-33M", "roneneldan/TinyStories-Instruct-33M"),
        ("gpt2-mistral-small-a", "stanford-crfm/alias-gpt2-small-x21"),
        ("mixtral-instruct", "mistralai/Mixtral-8x7B-Instruct-v0.1"),
    ):
        assert loading_from_pretrained.get_official_model_name(name) == repository
        assert name.lower() in transformer_lens.MODEL_ALIASES[repository]
    assert all(name == name.lower() and repository.count("/") == 1 for name, repository in SHORT_NAMES.items())
    with pytest.raises(PickleRefused, match="published as a pickle"):
        HookedTransformer.from_pretrained("solu-2l-c4-code")


def test_a_file_of_the_hub_is_read_unless_it_is_a_pickle(tmp_path, monkeypatch):
    (tmp_path / "some.json").write_text(json.dumps({"a": [1]}))
    (tmp_path / "some.txt").write_text("text")
    asked = []

    def download(repository, name, subfolder=None, cache_dir=None):
        asked.append((repository, name, subfolder))
        return str(tmp_path / name)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert utils.download_file_from_hf("a/b", "some.json", "sub") == {"a": [1]}
    assert utils.download_file_from_hf("a/b", "some.txt") == str(tmp_path / "some.txt")
    assert asked == [("a/b", "some.json", "sub"), ("a/b", "some.txt", None)]
    for name, forced in (("weights.pth", False), ("some.txt", True)):
        with pytest.raises(PickleRefused, match="can run code"):
            utils.download_file_from_hf("a/b", name, force_is_torch=forced)


def test_first_tokens_put_and_taken_by_hand():
    left = SimpleNamespace(pad_token_id=9, bos_token_id=1, eos_token_id=2, padding_side="left", bos_token="<s>")
    right = SimpleNamespace(**{**vars(left), "padding_side": "right"})
    assert utils.get_input_with_manually_prepended_bos(left, ["a", "b"]) == ["<s>a", "<s>b"]
    assert utils.get_input_with_manually_prepended_bos("<s>", "a") == "<s>a"
    rows = torch.tensor([[9, 1, 5], [1, 6, 7]])
    assert utils.get_tokens_with_bos_removed(left, rows).tolist() == [[9, 5], [6, 7]]
    assert utils.get_tokens_with_bos_removed(right, torch.tensor([[1, 5, 9], [1, 6, 7]])).tolist() == [[5, 9], [6, 7]]
    assert utils.get_tokenizer_with_bos(left) is left
