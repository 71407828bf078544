"""The classic names: where they are, what is left out and why, and what importing them costs."""

import importlib
import json
import subprocess
import sys

import pytest
import torch

import rung
import rung.transformer_lens as transformer_lens
from rung.config import ModelConfig
from rung.errors import PromptError, RungError
from rung.model.model import HookedTransformer

CONFIG = ModelConfig(
    n_layers=2, d_model=12, n_heads=4, d_head=3, d_vocab=40, n_ctx=24, d_mlp=16, act_fn="gelu", bos_token_id=0
)


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("", "ActivationCache FactoredMatrix HookedTransformer HookedTransformerConfig HookedRootModule HookPoint"),
        ("", "utils utilities patching components hook_points evals loading loading_from_pretrained head_detector"),
        ("", "HookedTransformerKeyValueCache TransformerLensKeyValueCache SVDInterpreter past_key_value_caching"),
        ("ActivationCache", "ActivationCache"),
        ("FactoredMatrix", "FactoredMatrix"),
        ("HookedTransformer", "HookedTransformer"),
        ("HookedTransformerConfig", "HookedTransformerConfig"),
        ("HookedRootModule", "HookedRootModule"),
        ("hook_points", "HookPoint HookedRootModule LensHandle HookFunction NamesFilter"),
        ("components", "Embed PosEmbed Unembed LayerNorm LayerNormPre RMSNorm RMSNormPre Attention MLP GatedMLP"),
        ("components", "GroupedQueryAttention TransformerBlock"),
        ("components.attention", "Attention"),
        ("components.embed", "Embed"),
        ("components.grouped_query_attention", "GroupedQueryAttention"),
        ("components.layer_norm", "LayerNorm"),
        ("components.layer_norm_pre", "LayerNormPre"),
        ("components.mlps.gated_mlp", "GatedMLP"),
        ("components.mlps.mlp", "MLP"),
        ("components.pos_embed", "PosEmbed"),
        ("components.rms_norm", "RMSNorm"),
        ("components.rms_norm_pre", "RMSNormPre"),
        ("components.transformer_block", "TransformerBlock"),
        ("components.unembed", "Unembed"),
        ("utils", "get_act_name to_numpy test_prompt gelu_new tokenize_and_concatenate get_device Slice SliceInput"),
        ("utils", "lm_cross_entropy_loss lm_accuracy remove_batch_dim get_corner composition_scores sample_logits"),
        ("utilities", "get_act_name to_numpy Slice USE_DEFAULT_VALUE"),
        ("patching", "generic_activation_patch get_act_patch_resid_pre get_act_patch_attn_head_all_pos_every"),
        ("evals", "induction_loss sanity_check evaluate_on_dataset"),
        ("", "MODEL_ALIASES OFFICIAL_MODEL_NAMES config train weight_processing supported_models tools"),
        ("config", "HookedTransformerConfig TransformerLensConfig"),
        ("train", "train HookedTransformerTrainConfig"),
        ("weight_processing", "ProcessWeights"),
        ("HookedTransformer", "Output Loss SingleLoss LossPerToken DTYPE_FROM_STRING"),
        ("tools.analysis.direct_path_patching", "get_act_patch_direct_path get_act_patch_direct_path_all_sources"),
        ("loading_from_pretrained", "OFFICIAL_MODEL_NAMES MODEL_ALIASES get_official_model_name"),
        ("head_detector", "detect_head HEAD_NAMES"),
    ],
)
def test_names_are_where_classic_code_looks(module, names):
    found = importlib.import_module(f"rung.transformer_lens{module and '.'}{module}")
    for name in names.split():
        assert hasattr(found, name)
    assert getattr(transformer_lens, module.partition(".")[0] or "utils") is not None


def test_loading_helpers() -> None:
    loading = transformer_lens.loading_from_pretrained
    assert loading.make_model_alias_map()["gpt2-small"] == loading.get_official_model_name("gpt2-small")
    model = HookedTransformer.from_pretrained("two-layer-tiny")
    assert loading.get_num_params_of_pretrained("two-layer-tiny") == model.cfg.n_params > 0


@pytest.mark.parametrize("name", ["generate_stream", "load_sample_training_dataset", "sample_datapoint"])
def test_methods_that_are_left_out_say_what_to_use(name: str) -> None:
    model = HookedTransformer(CONFIG)
    with pytest.raises(AttributeError, match=f"{name} is left out of Rung: "):
        getattr(model, name)
    assert not hasattr(model, name)


def test_they_are_the_same_objects_as_rungs_own():
    for name in ("ActivationCache", "FactoredMatrix", "HookPoint", "HookedRootModule", "HookedTransformer"):
        assert getattr(transformer_lens, name) is getattr(rung, name)
    assert transformer_lens.HookedTransformerConfig is rung.HookedTransformerConfig


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("from rung.transformer_lens import HookedEncoder", "HookedEncoder is left out of Rung: .*BERT"),
        ("from rung.transformer_lens import TransformerBridge", "hf_model"),
        ("from rung.transformer_lens.config import TransformerBridgeConfig", "describes every model"),
        ("from rung.transformer_lens.tools.analysis import svd_circuits", "SVDInterpreter"),
        ("from rung.transformer_lens.utilities import get_dataset", "fetches from the network"),
        ("from rung.transformer_lens.evals import make_wiki_data_loader", "evaluate_on_dataset"),
        ("from rung.transformer_lens.components import BertBlock", "predict the next token"),
        ("from rung.transformer_lens.loading_from_pretrained import get_basic_config", "HookedTransformerConfig"),
    ],
)
def test_what_is_left_out_says_why(statement, said):
    with pytest.raises(ImportError, match=said):
        exec(statement)


def test_a_wrong_name_lists_near_ones():
    with pytest.raises(AttributeError, match=r"no 'HookedTransformr'.* HookedTransformer"):
        _ = transformer_lens.HookedTransformr
    with pytest.raises(AttributeError, match=r"no 'get_act_nam'.* get_act_name"):
        _ = transformer_lens.utils.get_act_nam
    assert not hasattr(transformer_lens, "nothing_like_it")


def test_importing_the_classic_names_costs_torch_and_little_else():
    code = "import json, sys, rung.transformer_lens; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout))
    heavy = {"transformers", "huggingface_hub", "tokenizers", "safetensors", "scipy", "pandas", "rich", "matplotlib"}
    assert "torch" in loaded and not loaded & heavy
    assert "rung.transformer_lens.patching" not in loaded


def test_keys_and_values_are_kept_between_runs():
    model, tokens = HookedTransformer(CONFIG, seed=1), torch.tensor([[3, 1, 4, 1, 5, 9]])
    past = transformer_lens.HookedTransformerKeyValueCache.init_cache(model.cfg, model.cfg.device, 1)
    model(tokens[:, :2], past_kv_cache=past)
    past.freeze()
    for _ in range(2):
        rest = model(tokens[:, 2:], past_kv_cache=past)
        torch.testing.assert_close(rest, model(tokens)[:, 2:])
    past.unfreeze()
    model(tokens[:, 2:4], past_kv_cache=past)
    torch.testing.assert_close(model(tokens[:, 4:], past_kv_cache=past), model(tokens)[:, 4:])


def test_patches_at_chosen_indices():
    pandas_like = type("Table", (), {"iterrows": lambda self: enumerate(([0, 1, 2], [1, 3, 0]))})()
    model, clean, corrupted = HookedTransformer(CONFIG, seed=1), torch.arange(5)[None], torch.arange(5, 10)[None]
    _, cache = model.run_with_cache(clean)
    patching = transformer_lens.patching
    grid = patching.get_act_patch_attn_head_out_by_pos(model, corrupted, cache, lambda logits: logits[0, -1, 7])
    rows = patching.generic_activation_patch(
        model, corrupted, cache, lambda logits: logits[0, -1, 7], patching.layer_pos_head_vector_patch_setter, "z",
        index_df=pandas_like,
    )  # fmt: skip
    torch.testing.assert_close(rows, torch.stack((grid[0, 1, 2], grid[1, 3, 0])))
    with pytest.raises(RungError, match="index_axis_names or index_df, and not both"):
        patching.generic_activation_patch(model, corrupted, cache, max, patching.layer_pos_patch_setter, "resid_pre")


@pytest.mark.parametrize("together", [1, 10, 17, 1000])
def test_patches_that_share_a_run_are_what_each_is_alone(monkeypatch, together):
    model = HookedTransformer(CONFIG, seed=1).double()
    clean, corrupted = torch.arange(10).view(2, 5), torch.arange(10, 20).view(2, 5)
    _, cache = model.run_with_cache(clean)
    patching = transformer_lens.patching
    monkeypatch.setattr("rung.methods.cells.TOKENS_AT_ONCE", together)

    def metric(logits):
        assert logits.shape == (2, 5, 40)
        return (logits[:, -1, 3] - logits[:, -1, 7]).mean()

    found = patching.get_act_patch_attn_head_v_by_pos(model, corrupted, cache, metric)
    for layer, pos, head in ((0, 0, 0), (1, 3, 2), (1, 4, 3)):

        def swap(v, hook, at=(slice(None), pos, head)):
            v[at] = cache[hook.name][at]

        alone = metric(model.run_with_hooks(corrupted, fwd_hooks=[(("v", layer), swap)]))
        torch.testing.assert_close(found[layer, pos, head], alone.float(), atol=1e-6, rtol=1e-6)


def test_a_setter_of_ones_own_may_change_any_position():
    pandas_like = type("Table", (), {"iterrows": lambda self: enumerate(([0, 3], [1, -2], [1, 1]))})()
    model = HookedTransformer(CONFIG, seed=1).double()
    clean, corrupted = torch.arange(5)[None], torch.arange(5, 10)[None]
    _, cache = model.run_with_cache(clean)
    patching = transformer_lens.patching

    def up_to(stream, index, clean):
        stream[:, : index[1]] = clean[:, : index[1]]
        return stream

    for setter in (up_to, patching.layer_pos_patch_setter):
        found = patching.generic_activation_patch(
            model, corrupted, cache, lambda logits: logits[0, -1, 7] + logits[0, 1, 3], setter, "resid_pre",
            index_df=pandas_like,
        )  # fmt: skip
        for value, index in zip(found, ((0, 3), (1, -2), (1, 1)), strict=True):

            def swap(stream, hook, setter=setter, index=index):
                return setter(stream.clone(), index, cache[hook.name])

            logits = model.run_with_hooks(corrupted, fwd_hooks=[(("resid_pre", index[0]), swap)])
            torch.testing.assert_close(value, (logits[0, -1, 7] + logits[0, 1, 3]).float(), atol=1e-6, rtol=1e-6)


def test_singular_directions_as_logits():
    model = HookedTransformer(CONFIG, seed=1).double()
    reader = transformer_lens.SVDInterpreter(model)
    found = reader.get_singular_vectors("OV", 1, num_vectors=2, head_index=3)
    V = torch.linalg.svd(model.blocks[1].attn.OV[3].AB)[2][:2]
    assert found.shape == (40, 1, 2)
    torch.testing.assert_close(found[:, 0].abs(), (V @ model.W_U).T.abs())
    assert reader.get_singular_vectors("w_in", 0, 4).shape == reader.get_singular_vectors("w_out", 0, 4).shape
    for kind, head in (("OV", None), ("QK", 0)):
        with pytest.raises(RungError):
            reader.get_singular_vectors(kind, 0, head_index=head)


def test_heads_are_scored_by_given_patterns():
    model = HookedTransformer.from_pretrained("two-layer-tiny")
    detect = transformer_lens.head_detector.detect_head
    text = "the man and the man and the man"
    length = model.to_tokens(text).shape[1]
    ones = torch.ones(length, length).tril()
    assert torch.allclose(detect(model, text, ones), torch.ones(2, model.cfg.n_heads))
    few = detect(model, text, "previous_token_head", heads=[(0, 1)])
    assert few[0, 1] > 0 and int((few == -1).sum()) == few.numel() - 1
    both = detect(model, [text, "the man"], "previous_token_head", heads={0: [1]})
    alone = detect(model, "the man", "previous_token_head", heads={0: [1]})
    torch.testing.assert_close(both, (few + alone) / 2)
    for wrong, said in (("inducton_head", "induction_head"), (torch.ones(3, 3), "lower triangular")):
        with pytest.raises(RungError, match=said):
            detect(model, text, wrong)


def test_quick_looks_at_a_model():
    model = HookedTransformer.from_pretrained("two-layer-tiny")
    evals = transformer_lens.evals
    assert evals.induction_loss(model, subseq_len=20, seed=0) < 1.5
    assert evals.induction_loss(model, subseq_len=20, seed=0) == evals.induction_loss(model, subseq_len=20, seed=0)
    batches = [{"tokens": torch.arange(10)[None] + i} for i in range(4)]
    losses = [model(batch["tokens"], return_type="loss").item() for batch in batches]
    assert evals.evaluate_on_dataset(model, batches, truncate=1) == pytest.approx(sum(losses[:2]) / 2)
    with pytest.raises(PromptError, match="reads"):
        evals.induction_loss(model)


def test_what_can_be_loaded_by_name():
    loading = transformer_lens.loading
    assert loading.get_official_model_name("gpt2-small") == "openai-community/gpt2"
    assert loading.get_official_model_name("two-layer") == "two-layer" in loading.OFFICIAL_MODEL_NAMES
    assert "gpt2-small" in loading.MODEL_ALIASES["openai-community/gpt2"]
    assert loading.get_pretrained_model_config("two-layer").n_heads == 4
