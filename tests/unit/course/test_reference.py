"""The forward pass in NumPy against the engine."""

import numpy as np
import pytest
import torch

from rung.course.models import bundled, random_model, random_tokens
from rung.course.reference import log_softmax, losses, run, softmax
from rung.course.trial import planted_model

MODELS = {
    "one-layer": lambda: bundled("one-layer"),
    "two-layer-tiny": lambda: bundled("two-layer-tiny"),
    "random": lambda: random_model(1),
    "random with positions in the stream": lambda: random_model(2, "standard", 3),
    "planted": lambda: planted_model("circuit", 2).model,
}


@pytest.mark.parametrize("name", MODELS)
def test_it_is_the_engine_s_forward_pass(name):
    model = MODELS[name]()
    tokens = random_tokens(model, 2, 11, seed=0)
    seen = run(model, tokens)
    logits, cache = model.run_with_cache(tokens)
    close(seen.logits, logits)
    for layer in range(model.config.n_layers):
        for site in ("resid_pre", "q", "k", "v", "pattern", "z"):
            close(getattr(seen, site)[layer], cache[site, layer])
        close(seen.result[layer].sum(2), cache["attn_out", layer])
    close(losses(seen.logits, tokens), model.loss_fn(logits, tokens, per_token=True))


def test_a_head_s_output_is_replaced():
    model, head = random_model(1), (0, 2)
    tokens = random_tokens(model, 2, 9, seed=1)
    value = torch.randn(2, 10, model.config.d_head, generator=torch.Generator().manual_seed(0))

    def put(z, hook):
        z[:, :, head[1]] = value

    logits = model.run_with_hooks(tokens, fwd_hooks=[("blocks.0.attn.hook_z", put)])
    close(run(model, tokens, {head: value.double().numpy()}).logits, logits)


def test_softmax():
    x = np.random.default_rng(0).normal(size=(3, 5)) * 9
    close(softmax(x), torch.tensor(x).softmax(-1))
    close(log_softmax(x), torch.tensor(x).log_softmax(-1))


def close(found, asked):
    np.testing.assert_allclose(
        found, asked.detach().double().numpy(), rtol=1e-4, atol=2e-5 * max(1, float(asked.detach().abs().max()))
    )
