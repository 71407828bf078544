import pytest
import torch

from rung.config import ModelConfig
from rung.engine.weights import init_weights
from rung.errors import SiteError
from rung.methods.values import weighted_patterns
from rung.model.model import HookedTransformer

CONFIG = ModelConfig(
    n_layers=2, d_model=8, n_heads=4, d_head=4, n_key_value_heads=2, d_vocab=30, n_ctx=16, d_mlp=8, act_fn="relu",
    model_name="small",
)  # fmt: skip


def test_weighted_values_sum_to_what_the_head_writes_and_have_the_length_shown(seed):
    model = HookedTransformer(CONFIG, init_weights(CONFIG, seed))
    tokens = torch.randint(30, (2, 9), generator=torch.Generator().manual_seed(seed))
    found = weighted_patterns(model, tokens)
    _, cache = model.run_with_cache(tokens, names_filter=lambda name: name.endswith(("pattern", "hook_v", "result")))
    for layer in range(2):
        result = cache["result", layer]
        for head in range(4):
            v = cache["v", layer][:, :, head // 2]
            writes = torch.einsum("bqk,bke->bqke", cache["pattern", layer][:, head], v @ model.W_O[layer, head])
            torch.testing.assert_close(writes.sum(2), result[:, :, head])
            torch.testing.assert_close(found.weighted[:, layer, head], writes.norm(dim=-1))
    torch.testing.assert_close(found.pattern.sum(-1), torch.ones(2, 2, 4, 9))


def test_a_model_without_layers_is_refused():
    config = ModelConfig(n_layers=0, d_model=4, n_heads=1, d_head=4, d_vocab=9, n_ctx=8, model_name="none")
    with pytest.raises(SiteError, match="has no layers"):
        weighted_patterns(HookedTransformer(config, init_weights(config, 0)), torch.zeros(1, 4, dtype=torch.long))
