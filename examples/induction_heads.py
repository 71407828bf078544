"""An introduction to induction heads, in the classic names: the circuit of a two-layer model, from runs and weights.

The only line that differs from a `transformer_lens` notebook is the import. `python induction_heads.py --out plots`
writes the plots; without it nothing is drawn.
"""

import argparse
from functools import partial
from pathlib import Path

import einops
import torch

import rung.transformer_lens as transformer_lens
from rung.transformer_lens import ActivationCache, FactoredMatrix, HookedTransformer, utils
from rung.transformer_lens.hook_points import HookPoint

torch.set_grad_enabled(False)
LENGTH = 40


def repeated_tokens(model: HookedTransformer, length: int, rows: int = 4, seed: int = 0) -> torch.Tensor:
    """[batch, 1 + 2 length]: the first token, then random ones twice."""
    half = torch.randint(100, model.cfg.d_vocab, (rows, length), generator=torch.Generator().manual_seed(seed))
    first = torch.full((rows, 1), model.tokenizer.bos_token_id)
    return torch.cat((first, half, half), dim=-1).to(model.cfg.device)


def stripe(pattern: torch.Tensor, offset: int) -> torch.Tensor:
    """Each head's mean attention to the token `offset` back: [head]."""
    return pattern.diagonal(-offset, dim1=-2, dim2=-1).mean((0, -1))


def attention_scores(model: HookedTransformer, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Previous-token and induction scores of every head, collected by hooks: [layer, head] each."""
    previous = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    induction = torch.zeros_like(previous)

    def score(pattern: torch.Tensor, hook: HookPoint) -> None:
        previous[hook.layer()] = stripe(pattern, 1)
        induction[hook.layer()] = stripe(pattern, LENGTH - 1)

    model.run_with_hooks(tokens, return_type=None, fwd_hooks=[(lambda name: name.endswith("pattern"), score)])
    return previous, induction


def ablation_costs(model: HookedTransformer, tokens: torch.Tensor) -> torch.Tensor:
    """What silencing each head adds to the loss on the second copy, in nats: [layer, head]."""

    def silence(z: torch.Tensor, hook: HookPoint, head: int) -> torch.Tensor:
        z[:, :, head] = 0.0
        return z

    def second_copy(logits: torch.Tensor) -> torch.Tensor:
        return utils.lm_cross_entropy_loss(logits, tokens, per_token=True)[:, -(LENGTH - 1) :].mean()

    base = second_copy(model(tokens))
    costs = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            name = utils.get_act_name("z", layer)
            logits = model.run_with_hooks(tokens, fwd_hooks=[(name, partial(silence, head=head))])
            costs[layer, head] = second_copy(logits) - base
    return costs


def direct_attributions(model: HookedTransformer, cache: ActivationCache, tokens: torch.Tensor) -> torch.Tensor:
    """Each part's share of the right next token's logit on the second copy, less its mean: [embed and heads]."""
    queries = (LENGTH + 1, 2 * LENGTH)
    heads, labels = cache.stack_head_results(pos_slice=queries, return_labels=True)
    answers = tokens[:, LENGTH + 2 :]
    shares = cache.logit_attrs(heads, answers, pos_slice=queries) - heads @ model.W_U.mean(-1)
    assert labels == model.all_head_labels()
    return shares.mean((1, 2)).view(model.cfg.n_layers, model.cfg.n_heads)


def copying_share(circuit: FactoredMatrix) -> float:
    """How many tokens a full OV circuit raises most themselves."""
    dense = circuit.AB
    return (dense.argmax(-1) == torch.arange(len(dense), device=dense.device)).float().mean().item()


def full_circuits(model: HookedTransformer, sender: tuple[int, int], receiver: tuple[int, int]) -> dict[str, float]:
    """What the two heads' weights do with tokens and positions, and how strongly they compose."""
    (l0, h0), (l1, h1) = sender, receiver
    OV = FactoredMatrix(model.W_V[l1, h1], model.W_O[l1, h1])
    copying = model.W_E @ OV @ model.W_U
    by_position = (model.W_pos @ model.QK[l0, h0] @ model.W_pos.T).AB / model.cfg.attn_scale
    allowed = by_position[:LENGTH, :LENGTH].tril() - 1e9 * torch.ones(LENGTH, LENGTH).triu(1).to(by_position)
    one_back = (allowed.argmax(-1)[1:] == torch.arange(LENGTH - 1, device=allowed.device)).float().mean()
    routed = model.W_E @ model.OV[l0, h0]
    matching = (model.W_E @ model.QK[l1, h1] @ routed.T).AB
    return {
        "OV copies": copying_share(copying),
        "QK looks one back": one_back.item(),
        "routed QK matches": (matching.argmax(0) == torch.arange(len(matching), device=matching.device))
        .float()
        .mean()
        .item(),
        "K-composition": model.all_composition_scores("K")[l0, h0, l1, h1].item(),
    }


def draw(folder: Path, name: str, values: torch.Tensor, title: str) -> None:
    """One heat map."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(4, 3))
    image = axes.imshow(utils.to_numpy(values), cmap="RdBu", vmin=-values.abs().max(), vmax=values.abs().max())
    figure.colorbar(image)
    axes.set(title=title, xlabel="head", ylabel="layer")
    figure.savefig(folder / f"{name}.png")
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="two-layer")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    model = HookedTransformer.from_pretrained(args.model)
    tokens = repeated_tokens(model, LENGTH)
    logits, cache = model.run_with_cache(tokens)
    losses = model.loss_fn(logits, tokens, per_token=True)
    first, second = losses[:, 1:LENGTH].mean(), losses[:, LENGTH + 1 :].mean()
    print(f"loss of the first copy {first:.2f}, of the second {second:.2f}")

    previous, induction = attention_scores(model, tokens)
    stacked = cache.stack_activation("pattern")
    from_cache = torch.stack([stripe(pattern, LENGTH - 1) for pattern in stacked])
    torch.testing.assert_close(induction, from_cache.cpu())
    sender, receiver = (divmod(int(scores.argmax()), model.cfg.n_heads) for scores in (previous, induction))
    print(f"previous-token head {sender[0]}.{sender[1]}: {previous.max():.2f}")
    print(f"induction head {receiver[0]}.{receiver[1]}: {induction.max():.2f}")

    costs = ablation_costs(model, tokens)
    shares = direct_attributions(model, cache, tokens)
    print("silencing costs", [f"{cost:.2f}" for cost in costs.flatten().tolist()])
    print("direct attributions", [f"{share:.2f}" for share in shares.flatten().tolist()])
    for name, value in full_circuits(model, sender, receiver).items():
        print(f"{name}: {value:.3f}")
    score = transformer_lens.head_detector.compute_head_attention_similarity_score(
        cache["pattern", receiver[0]][0, receiver[1]],
        transformer_lens.head_detector.get_induction_head_detection_pattern(tokens[:1]),
        exclude_bos=False,
        exclude_current_token=False,
        error_measure="mul",
    )
    print(f"share of its attention that an induction head's pattern explains: {score:.2f}")
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        draw(args.out, "induction", induction, "induction score")
        draw(args.out, "ablation", costs, "loss added by silence, nats")
        draw(args.out, "attribution", shares, "direct attribution")
        kept = einops.rearrange(model.all_composition_scores("K"), "l1 h1 l2 h2 -> (l1 h1) (l2 h2)")
        draw(args.out, "composition", kept, "K-composition")


if __name__ == "__main__":
    main()
