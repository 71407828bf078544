"""The steps of an indirect-object study, in the classic names, on a task that a small bundled model can do.

"The old man and the young woman spoke. The young" goes on with "woman", not "man". As there: a logit difference over
pairs of prompts, who pushes it (attribution), where it flows (patching the stream, the heads, one path).
`python indirect_object.py --out plots` writes the plots.
"""

import argparse
from pathlib import Path

import torch
from einops import rearrange

from rung.transformer_lens import ActivationCache, HookedTransformer, patching, utils
from rung.transformer_lens.hook_points import HookPoint

torch.set_grad_enabled(False)
PAIRS = [
    ("old", "man", "young", "woman"),
    ("good", "king", "old", "woman"),
    ("young", "man", "good", "king"),
    ("little", "house", "old", "city"),
    ("red", "door", "little", "house"),
    ("long", "night", "good", "morning"),
]


def prompts() -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Prompts, the same with the other adjective last, and (right, wrong) of each."""
    clean, corrupted, answers = [], [], []
    for a, x, b, y in PAIRS:
        story = f"The {a} {x} and the {b} {y} were there. The"
        for last, other, right, wrong in ((a, b, x, y), (b, a, y, x)):
            clean.append(f"{story} {last}")
            corrupted.append(f"{story} {other}")
            answers.append((f" {right}", f" {wrong}"))
    return clean, corrupted, answers


def logit_difference(logits: torch.Tensor, answers: torch.Tensor, per_prompt: bool = False) -> torch.Tensor:
    """The right answer's logit less the wrong one's, at the end."""
    both = logits[:, -1].gather(-1, answers)
    difference = both[:, 0] - both[:, 1]
    return difference if per_prompt else difference.mean()


def attributions(model: HookedTransformer, cache: ActivationCache, answers: torch.Tensor) -> dict[str, float]:
    """Each part's share of the logit difference: what was written last, projected on the direction between answers."""
    direction = model.tokens_to_residual_directions(answers)
    contrast = direction[:, 0] - direction[:, 1]
    parts, labels = cache.get_full_resid_decomposition(
        expand_neurons=False, apply_ln=True, pos_slice=-1, return_labels=True
    )
    shares = (parts * contrast).sum(-1).mean(-1)
    heads = cache.stack_head_results(pos_slice=-1, apply_ln=True)
    torch.testing.assert_close(
        cache.logit_attrs(cache.stack_head_results(pos_slice=-1), answers[:, 0], answers[:, 1], pos_slice=-1),
        (heads * contrast).sum(-1),
    )
    return dict(zip(labels, shares.tolist(), strict=True))


def patch_path(
    model: HookedTransformer,
    clean: torch.Tensor,
    corrupted_cache: ActivationCache,
    clean_cache: ActivationCache,
    sender: tuple[int, int],
    receiver_input: str,
) -> torch.Tensor:
    """Logits where only `receiver_input` ("blocks.1.hook_k_input") hears `sender` as it was in the corrupted run."""
    layer, head = sender
    change = corrupted_cache["result", layer][:, :, head] - clean_cache["result", layer][:, :, head]

    def add(value: torch.Tensor, hook: HookPoint) -> torch.Tensor:
        return value + change[:, :, None]

    return model.run_with_hooks(clean, fwd_hooks=[(receiver_input, add)])


def draw(folder: Path, name: str, values: torch.Tensor, title: str) -> None:
    """One heat map."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3))
    image = axes.imshow(utils.to_numpy(values), cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
    figure.colorbar(image)
    axes.set(title=title)
    figure.savefig(folder / f"{name}.png")
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="two-layer-full")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    model = HookedTransformer.from_pretrained(args.model, center_unembed=True, fold_ln=None)
    model.set_use_attn_result(True)
    clean_texts, corrupted_texts, pairs = prompts()
    clean, corrupted = model.to_tokens(clean_texts), model.to_tokens(corrupted_texts)
    answers = torch.tensor([[model.to_single_token(word) for word in pair] for pair in pairs])
    utils.test_prompt(clean_texts[0], pairs[0][0], model, top_k=3)

    clean_logits, clean_cache = model.run_with_cache(clean)
    corrupted_logits, corrupted_cache = model.run_with_cache(corrupted)
    best, worst = (float(logit_difference(logits, answers)) for logits in (clean_logits, corrupted_logits))
    print(f"logit difference: clean {best:.2f}, corrupted {worst:.2f}")

    def recovered(logits: torch.Tensor) -> torch.Tensor:
        """0 as in the corrupted run, 1 as in the clean one."""
        return (logit_difference(logits, answers) - worst) / (best - worst)

    shares = attributions(model, clean_cache, answers)
    for label, share in sorted(shares.items(), key=lambda item: -abs(item[1]))[:4]:
        print(f"{label} writes {share:+.2f} of it")
    stream = patching.get_act_patch_resid_pre(model, corrupted, clean_cache, recovered)
    heads = patching.get_act_patch_attn_head_out_all_pos(model, corrupted, clean_cache, recovered)
    layer, head = divmod(int(heads.argmax()), model.cfg.n_heads)
    print(f"patching {layer}.{head} alone brings back {heads.max():.0%}")
    every = patching.get_act_patch_attn_head_all_pos_every(model, corrupted, clean_cache, recovered)

    first = int(heads[0].argmax())
    paths = {}
    for into in "qkv":
        name = utils.get_act_name(f"{into}_input", model.cfg.n_layers - 1)
        logits = patch_path(model, clean, corrupted_cache, clean_cache, (0, first), name)
        paths[into] = 1 - float(recovered(logits))
    told = ", ".join(f"{into.upper()} {share:+.0%}" for into, share in paths.items())
    print(f"what 0.{first} tells the last layer, path by path, takes away: {told}")
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        draw(args.out, "stream", stream, "resid_pre patched, by layer and position")
        draw(args.out, "heads", heads, "heads patched")
        draw(args.out, "every", rearrange(every, "kind layer head -> kind (layer head)"), "z, q, k, v, pattern")


if __name__ == "__main__":
    main()
