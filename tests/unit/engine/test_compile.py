"""`torch.compile` of the untapped forward, in a process of its own: shape checks break the compiler."""

import subprocess
import sys

import pytest

SCRIPT = """
import torch
from rung.config import BIASES, Alibi, ModelConfig, Rotary, RotaryScaling
from rung.model.model import HookedTransformer

gpt = ModelConfig(n_layers=2, d_model=32, n_heads=4, d_head=8, d_vocab=50, n_ctx=16, d_mlp=64, act_fn="gelu_new",
                  biases=frozenset(BIASES) - {"b_gate"})
llama = ModelConfig(n_layers=2, d_model=32, n_heads=4, n_key_value_heads=2, d_head=8, d_vocab=50, n_ctx=16, d_mlp=64,
                    act_fn="silu", gated_mlp=True, normalization_type="RMS", positional_embedding_type="rotary",
                    rotary=Rotary(dim=8))
shape = dict(n_layers=2, d_model=32, n_heads=4, d_head=8, d_vocab=50, n_ctx=16, d_mlp=64, gated_mlp=True)
gemma = ModelConfig(**shape, act_fn="gelu_new", normalization_type="RMS", norm_placement="both", qk_norm="head",
                    windows=(3, None), positional_embedding_type="rotary", rotary=Rotary(dim=8),
                    rotary_local=Rotary(dim=8, base=100.0), attn_scores_soft_cap=5.0, output_logits_soft_cap=9.0,
                    embed_scale=2.0, logit_scale=0.5, clip_qkv=3.0)
bloom = ModelConfig(**shape, act_fn="silu", post_embedding_ln=True, positional_embedding_type="alibi", windows=(4, 5),
                    alibi=Alibi(slopes=(0.5, 0.25, 0.1, 0.1), rounded=True), norm_placement="post", qk_norm="heads")
yarn = ModelConfig(**shape, act_fn="silu", positional_embedding_type="rotary", n_key_value_heads=1,
                   rotary=Rotary(dim=8, scaling=RotaryScaling(kind="yarn", factor=4.0, original_n_ctx=64)))
for config in (gpt, llama, gemma, bloom, yarn):
    model, tokens = HookedTransformer(config, seed=0), torch.arange(12)[None]
    # fullgraph: a graph break is an error. The backend only captures: what is generated is the compiler's affair.
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(tokens), model(tokens), atol=1e-5, rtol=1e-5)
    compiled(tokens).logsumexp(-1).sum().backward()
    assert model.blocks[1].attn.W_Q.grad.abs().sum() > 0
    assert model.run_with_cache(tokens)[1]["pattern", 1].shape == (1, 4, 12, 12)
print("no graph break")
"""


@pytest.mark.slow
def test_no_graph_break():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert run.returncode == 0 and "no graph break" in run.stdout, run.stderr[-2000:]
