"""What classic code does, written once: each session runs with `transformer_lens` or `rung.transformer_lens`.

A session takes the library as `tl` and gives {name: tensor or plain value}. `record.py` keeps what TransformerLens
gave; the tests compare what Rung gives. Imports nothing of either.
"""

from functools import partial

import numpy as np
import torch

SHAPE = {"n_layers": 2, "d_model": 8, "n_heads": 4, "d_head": 3, "d_mlp": 5, "d_vocab": 16, "n_ctx": 8, "seed": 0}
KINDS = {
    "LN": {"normalization_type": "LN", "act_fn": "gelu_new"},
    "LNPre, parallel, rotary": {
        "normalization_type": "LNPre", "act_fn": "relu", "parallel_attn_mlp": True, "attn_scale": 1.3,
        "positional_embedding_type": "rotary", "rotary_dim": 2, "rotary_adjacent_pairs": True,
    },
    "RMS, rotary, grouped, gated": {
        "normalization_type": "RMS", "act_fn": "silu", "positional_embedding_type": "rotary", "d_head": 4,
        "rotary_base": 100, "n_key_value_heads": 2, "gated_mlp": True, "final_rms": True,
    },
    "RMSPre, other classes out": {"normalization_type": "RMSPre", "act_fn": "gelu", "d_vocab_out": 5},
    "no norm, attention only": {"normalization_type": None, "attn_only": True},
    "LN, shortformer, attention only": {
        "normalization_type": "LN", "attn_only": True, "positional_embedding_type": "shortformer",
    },
    "LNPre, shortformer": {
        "normalization_type": "LNPre", "act_fn": "gelu_new", "positional_embedding_type": "shortformer",
    },
    "no norm, both ways": {"normalization_type": None, "act_fn": "relu", "attention_dir": "bidirectional"},
}  # fmt: skip
"""HookedTransformerConfig fields over `SHAPE`."""
CONSTANTS = (".mask", ".IGNORE", ".rotary_sin", ".rotary_cos")


def make_model(tl, kind, tokenizer=None):
    """A model whose every weight is drawn by numpy, the same for ever and in either library."""
    cfg = tl.HookedTransformerConfig(**SHAPE | KINDS[kind], dtype=torch.float64, device="cpu")
    model = tl.HookedTransformer(cfg, tokenizer=tokenizer)
    model.load_state_dict(drawn(model.state_dict(), gated=cfg.gated_mlp))
    return model


def drawn(state, gated):
    draw = np.random.RandomState(7)
    for name in sorted(name for name in state if not name.endswith(CONSTANTS)):
        values = torch.from_numpy(draw.standard_normal(tuple(state[name].shape)))
        state[name] = 0.5 * values + name.endswith(".w")
        if gated and name.endswith("mlp.b_in"):  # added in another place: see docs/porting.md
            state[name] = torch.zeros_like(state[name])
    return state


def tokens_of(seed=0, rows=2, length=5):
    return torch.from_numpy(np.random.RandomState(seed).randint(0, SHAPE["d_vocab"], (rows, length)))


def fold(model):
    """The model as from_pretrained gives it."""
    model.load_and_process_state_dict(model.state_dict(), fold_value_biases=False)
    return model


def forward(tl, kind):
    model, tokens = make_model(tl, kind), tokens_of()
    found = {"logits": model(tokens), "row": model(tokens[0]), "parameters": sum(p.numel() for p in model.parameters())}
    found["n_params"] = model.cfg.n_params
    found["names"] = sorted(name for name in model.state_dict() if not name.endswith(CONSTANTS))
    for stop in (0, 1, -1):
        found[f"stop {stop}"] = model(tokens, stop_at_layer=stop)
    positions = None if "shortformer" not in kind else model.pos_embed(tokens)
    found["start"] = model(found["stop 1"], start_at_layer=1, shortformer_pos_embed=positions)
    found["middle"] = model(found["stop 0"], start_at_layer=0, stop_at_layer=1, shortformer_pos_embed=positions)
    if model.cfg.d_vocab_out != model.cfg.d_vocab:
        return found
    found |= {"loss": model(tokens, return_type="loss")}
    found |= {"per token": model(tokens, return_type="loss", loss_per_token=True)}
    logits, loss = model(tokens, return_type="both")
    found |= {"both, logits": logits, "both, loss": loss, "loss_fn": model.loss_fn(logits, tokens)}
    found["start, loss"] = model(
        found["stop 1"], start_at_layer=1, shortformer_pos_embed=positions, tokens=tokens, return_type="loss"
    )
    if "both ways" not in kind:
        mask = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]])
        found["left padded"] = model(tokens, attention_mask=mask)[:, 2:]
    return found


def cache(tl, kind):
    model, tokens = make_model(tl, kind), tokens_of()
    logits, everything = model.run_with_cache(tokens)
    found = {f"cached {name}": value for name, value in everything.items()}
    found["names"] = sorted(everything.keys())
    _, one = model.run_with_cache(tokens[:1], remove_batch_dim=True, names_filter=lambda name: name.endswith("hook_z"))
    found |= {f"row, {name}": value for name, value in one.items()}
    _, some = model.run_with_cache(tokens, names_filter=["hook_embed", "blocks.1.attn.hook_pattern"], pos_slice=-1)
    found |= {f"last, {name}": value for name, value in some.items()}
    found["short names"] = torch.stack(
        [everything["pattern", 0].sum(), everything["attn", 1].sum(), everything["q0"].sum()]
    )
    found["negative layer"] = everything["resid_post", -1]
    if "norm" not in kind.split(", ")[0]:
        found["norm"] = torch.cat((everything["scale", 1, "ln1"], everything["normalized", 0, "ln1"]), -1)
        found["last norm"] = everything["scale"]
    if model.cfg.d_vocab == model.cfg.d_vocab_out:
        names = ["hook_embed", "blocks.0.hook_resid_pre", "blocks.1.attn.hook_z", "blocks.1.attn.hook_pattern"]
        loss, with_gradients = model.run_with_cache(tokens, names_filter=names, return_type="loss", incl_bwd=True)
        found |= {f"gradients, {name}": value for name, value in with_gradients.items()}
        found["loss"] = loss.detach()
    found["logits"] = logits
    return found


def hooks(tl, kind):
    model, tokens = make_model(tl, kind), tokens_of()
    seen = []

    def zero_head(z, hook, head):
        z[:, :, head] = 0
        return z

    def halve(value, hook):
        hook.ctx["layer"] = hook.layer()
        return value / 2

    def in_place(value, hook):
        value[:, 2] = 1.0

    def note(value, hook):
        seen.append(hook.name)

    def row(pattern, hook):
        pattern[:, 1] = pattern[:, 2]
        return pattern

    run = partial(model.run_with_hooks, tokens)
    z1 = tl.utils.get_act_name("z", 1)
    found = {
        "a head": run(fwd_hooks=[(z1, partial(zero_head, head=2))]),
        "a pattern": run(fwd_hooks=[("blocks.0.attn.hook_pattern", row)]),
        "every resid_post": run(fwd_hooks=[(lambda name: name.endswith("resid_post"), halve)], clear_contexts=False),
        "in place": run(fwd_hooks=[("hook_embed", in_place)]),
        "two at one place": run(fwd_hooks=[(z1, halve), (z1, in_place)]),
    }
    found["ctx"] = [model.hook_dict[f"blocks.{layer}.hook_resid_post"].ctx["layer"] for layer in range(2)]
    found["afterwards"] = model(tokens)
    with model.hooks(fwd_hooks=[("blocks.0.hook_attn_out", halve)]):
        found["within"] = model(tokens)
        with model.hooks(fwd_hooks=[("blocks.0.hook_attn_out", in_place)]):
            found["within, within"] = model(tokens)
        found["within again"] = model(tokens)
    model.add_hook("blocks.1.hook_attn_out", halve)
    model.add_perma_hook("blocks.0.hook_attn_out", halve)
    model.add_hook("blocks.1.hook_attn_out", in_place, prepend=True)
    found["added"] = model(tokens)
    model.reset_hooks()
    found["permanent"] = model(tokens)
    model.reset_hooks(including_permanent=True)
    found["none"] = model(tokens)
    model.add_hook(lambda name: name.endswith("hook_z") or name == "hook_embed", note)
    model(tokens)
    found["order"] = list(seen)
    model.reset_hooks()
    gradients = {}

    def keep(gradient, hook):
        gradients[hook.name] = gradient.clone()

    with model.hooks(bwd_hooks=[("blocks.0.attn.hook_z", keep), ("hook_embed", keep)]):
        model(tokens).pow(2).mean().backward()
    found |= {f"gradient, {name}": value for name, value in gradients.items()}
    model.set_use_attn_result(True)
    model.set_use_split_qkv_input(True)
    found["a result"] = run(fwd_hooks=[("blocks.1.attn.hook_result", partial(zero_head, head=1))])
    found["a query input"] = run(fwd_hooks=[("blocks.1.hook_q_input", partial(zero_head, head=1))])
    found["a value input"] = run(fwd_hooks=[("blocks.1.hook_v_input", partial(zero_head, head=1))])
    model.cfg.use_split_qkv_input = False
    if not model.cfg.attn_only:
        model.set_use_hook_mlp_in(True)
        found["an MLP input"] = run(fwd_hooks=[("blocks.1.hook_mlp_in", in_place)])
    return found


def decompositions(tl, kind):
    model, tokens = make_model(tl, kind), tokens_of()
    if kind in ("LN", "RMS, rotary, grouped, gated"):
        fold(model)
    if kind == "LN, shortformer, attention only":  # cannot be folded: attributions leave its norms' weights out
        state = model.state_dict()
        model.load_state_dict({k: torch.ones_like(v) if k.endswith(".w") else v for k, v in state.items()})
    _, run = model.run_with_cache(tokens)
    found = {}

    def keep(name, stack, labels):
        for label, part in zip(labels, stack, strict=True):
            found[f"{name}: {label}"] = part[-1]  # of one example, to keep little

    keep("accumulated", *run.accumulated_resid(return_labels=True))
    keep("accumulated, normed", *run.accumulated_resid(-1, apply_ln=True, return_labels=True))
    plain = not model.cfg.attn_only and not model.cfg.parallel_attn_mlp
    if plain:
        keep("accumulated, mid", *run.accumulated_resid(1, incl_mid=True, mlp_input=True, return_labels=True))
    for name, options in {
        "parts": {},
        "parts before 1": {"layer": 1},
        "parts, last position": {"pos_slice": -1},
        "parts, normed": {"apply_ln": True, "pos_slice": (1, 4)},
        "attention": {"mode": "attn", "incl_embeds": False},
    }.items():
        keep(name, *run.decompose_resid(return_labels=True, **options))
    keep("heads", *run.stack_head_results(return_labels=True, incl_remainder=True))
    keep("heads before 1", *run.stack_head_results(1, return_labels=True, pos_slice=[0, 3], apply_ln=True))
    expand = {"expand_neurons": not model.cfg.attn_only}
    keep("everything", *run.get_full_resid_decomposition(return_labels=True, **expand))
    keep("everything, normed", *run.get_full_resid_decomposition(1, apply_ln=True, return_labels=True, **expand))
    if plain:
        keep("everything, mid", *run.get_full_resid_decomposition(1, mlp_input=True, return_labels=True))
        found["bias, mid"] = model.accumulated_bias(1, mlp_input=True, include_mlp_biases=False)
    if not model.cfg.attn_only:
        keep("MLPs", *run.decompose_resid(mode="mlp", return_labels=True))
        keep("MLPs whole", *run.get_full_resid_decomposition(1, expand_neurons=False, return_labels=True))
        keep("neurons", *run.stack_neuron_results(2, return_labels=True, neuron_slice=[1, 4], incl_remainder=True))
        found["neurons of 1"] = run.get_neuron_results(1, pos_slice=-1, neuron_slice=(2, 5))
        onto = model.W_U[:, :2]
        found["neurons onto"] = run.stack_neuron_results(1, project_output_onto=onto, apply_ln="no norm" not in kind)
        if "shortformer" not in kind:
            found["everything onto"] = run.get_full_resid_decomposition(2, project_output_onto=onto[:, 0], pos_slice=-1)
        found["bias"] = model.accumulated_bias(2)
    found["z of all layers"] = run.stack_activation("z")
    attributions(model, tokens, run, found)
    run.compute_head_results()
    found["results"] = run["result", 1]
    one = run.apply_slice_to_batch_dim(1)
    found["a row"] = one["resid_post", 1]
    return found


def attributions(model, tokens, run, found):
    answers, others = tokens[:, -1] % model.cfg.d_vocab_out, tokens[:, 0] % model.cfg.d_vocab_out
    heads = run.stack_head_results(pos_slice=-1)
    found["attribution"] = run.logit_attrs(heads, answers, pos_slice=-1)
    found["attribution, difference"] = run.logit_attrs(heads, answers, others, pos_slice=-1)
    found["attribution, everywhere"] = run.logit_attrs(run.stack_head_results(), 3)
    if model.cfg.normalization_type is not None:  # TransformerLens slices the batch only where there is a norm
        found["attribution, a row"] = run.logit_attrs(run.stack_head_results(), answers[0], others[0], batch_slice=[1])
    found["directions"] = model.tokens_to_residual_directions(answers)
    found["direction"] = model.tokens_to_residual_directions(2)


def patching(tl, kind):
    model, clean, corrupted = make_model(tl, kind), tokens_of(), tokens_of(1)
    _, run = model.run_with_cache(clean)

    def metric(logits):
        return logits[0, -1, 1] - logits[1, 2, 3]

    names = [
        "resid_pre", "attn_out", "attn_head_out_by_pos", "attn_head_q_by_pos", "attn_head_k_by_pos",
        "attn_head_v_by_pos", "attn_head_pattern_by_pos", "attn_head_out_all_pos", "attn_head_q_all_pos",
        "attn_head_k_all_pos", "attn_head_v_all_pos", "attn_head_pattern_all_pos", "attn_head_all_pos_every",
    ]  # fmt: skip
    if not model.cfg.attn_only:
        names += ["mlp_out", "block_every"] + ([] if model.cfg.parallel_attn_mlp else ["resid_mid"])
    if kind == "LN":
        names += ["attn_head_pattern_dest_src_pos", "attn_head_by_pos_every"]
    return {name: getattr(tl.patching, f"get_act_patch_{name}")(model, corrupted, run, metric) for name in names}


def weights(tl, kind):
    model = make_model(tl, kind)
    found = {name: getattr(model, name) for name in ("W_U", "b_U", "W_K", "b_K", "b_O")}
    if "rotary" not in kind:
        found["W_E_pos"] = model.W_E_pos
    if not model.cfg.attn_only:
        found |= {name: getattr(model, name) for name in ("W_out", "b_in")}
    found |= {"OV": model.OV[0, 1].AB, "QK": model.QK[1, 2].AB, "a head's OV": model.blocks[1].attn.OV[3].AB}
    found |= {f"composition {mode}": model.all_composition_scores(mode) for mode in "QKV"}
    found["labels"] = model.all_head_labels()
    if kind not in ("LN, shortformer, attention only", "LNPre, shortformer"):
        processed = fold(make_model(tl, kind))
        state = processed.state_dict()
        found |= {f"processed {name}": state[name] for name in state if not name.endswith(CONSTANTS)}
        found["processed, log-probabilities"] = processed(tokens_of()).log_softmax(-1)
    return found


def parts(tl, kind):
    model, tokens = make_model(tl, kind), tokens_of()
    _, run = model.run_with_cache(tokens)
    x = run["resid_pre", 1]
    normed = model.blocks[1].ln1(x)
    found = {"embed": model.embed(tokens), "ln1": normed, "attn": model.blocks[1].attn(normed, normed, normed)}
    if "rotary" not in kind:
        found["pos_embed"] = model.pos_embed(tokens)
    if "shortformer" not in kind:
        found["block"] = model.blocks[1](x)
    if model.cfg.normalization_type is not None:
        found["ln_final"] = model.ln_final(x)
        found["scale"] = []
        model.ln_final.hook_scale.add_hook(lambda value, hook: found["scale"].append(value))
        model.ln_final(2 * x)
        found["scale"] = found["scale"][0]
    found["unembed"] = model.unembed(x)
    if not model.cfg.attn_only:
        found["mlp"] = model.blocks[1].mlp(model.blocks[1].ln2(x))
    patterns = []
    model.blocks[1].attn.hook_pattern.add_hook(lambda value, hook: patterns.append(value))
    model.blocks[1].attn(normed, normed, normed)
    found["pattern"] = patterns[0]
    return found


def generation(tl, kind):
    if "both ways" in kind or KINDS[kind].get("d_vocab_out"):
        return {}
    model = make_model(tl, kind)
    options = {"do_sample": False, "stop_at_eos": False, "verbose": False, "use_past_kv_cache": False}
    return {"greedy": model.generate(tokens_of(length=4), max_new_tokens=4, prepend_bos=False, **options)}


def factored(tl):
    draw = np.random.RandomState(3)

    def matrix(*shape):
        return torch.from_numpy(draw.standard_normal(shape))

    M = tl.FactoredMatrix(matrix(2, 3, 6, 2), matrix(2, 3, 2, 6))
    thin = tl.FactoredMatrix(matrix(5, 4), matrix(4, 3))
    other = tl.FactoredMatrix(matrix(6, 3), matrix(3, 6))
    U, S, V = M.svd()
    found = {
        "AB": M.AB, "BA": M.BA, "T": M.T.AB, "norm": M.norm(), "S": S, "USV": U * S[..., None, :] @ V.mT,
        "eigenvalues": M.eigenvalues.abs().sort().values, "made even": M.make_even().AB,
        "collapse_l": M.collapse_l().norm(dim=-2), "collapse_r": M.collapse_r().norm(dim=-1),
        "unsqueezed": M.unsqueeze(0).AB, "corner": M[0, 0].get_corner(2), "matrix corner": tl.utils.get_corner(M, 2).AB,
        "product": (M @ other).AB, "from the left": (other @ M).AB, "by a tensor": (M @ matrix(6, 4)).AB,
        "tensor by": (matrix(4, 6) @ M).AB, "by a vector": thin @ matrix(3), "vector by": matrix(5) @ thin,
        "times": (M * 2.5).AB, "times, left": (0.5 * thin).AB, "thin": (thin @ matrix(3, 9)).AB,
        "composition": tl.utils.composition_scores(M, other),
    }  # fmt: skip
    indices = {
        "int": 1, "two": (1, 2), "slice": slice(0, 1), "row": (0, 1, 3), "column": (0, 1, slice(None), -2),
        "tensor": (torch.tensor([1, 0]), 2), "rows": (0, 1, torch.tensor([4, 0, 2])), "dots": (..., 2),
    }  # fmt: skip
    found |= {f"at {name}": M[index].AB for name, index in indices.items() if name != "dots"}
    found["dims"] = [M.ndim, M.ldim, M.mdim, M.rdim, *M.shape, *thin.shape, int(M.has_leading_dims)]
    found["pair"] = torch.cat([part.flatten() for part in thin.pair])
    return found


def utilities(tl):
    utils = tl.utils
    logits = torch.from_numpy(np.random.RandomState(5).standard_normal((2, 6, 16)))
    tokens, mask = tokens_of(length=6), torch.tensor([[1, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1]])
    x = torch.linspace(-3, 3, 13, dtype=torch.float64)
    named = [("k", 6, "a"), ("pre", 2), ("embed",), ("normalized", 27, "ln2"), ("k6",), ("scale4ln1",), ("pre5",)]
    named += [("resid_pre", 5), ("attn_scores", 0), ("mlp_post", 1), ("hook_embed",), ("scale",), ("q_input", 2)]
    named += [("blocks.3.attn.hook_z",), ("pos_embed",), ("result", 1), ("attn_out", 0), ("mid", 1), ("tokens",)]
    slices = [None, 2, (1, 4), (4,), (0, 6, 2), [0, 3], np.array([1, 2])]
    found = {
        "cross entropy": utils.lm_cross_entropy_loss(logits, tokens),
        "cross entropy, per token": utils.lm_cross_entropy_loss(logits, tokens, per_token=True),
        "cross entropy, masked": utils.lm_cross_entropy_loss(logits, tokens, attention_mask=mask),
        "accuracy": utils.lm_accuracy(logits, tokens),
        "accuracy, per token": utils.lm_accuracy(logits, tokens, per_token=True).double(),
        "gelu_new": utils.gelu_new(x), "gelu_fast": utils.gelu_fast(x), "solu": utils.solu(x),
        "corner": utils.get_corner(logits), "without batch": utils.remove_batch_dim(logits[:1]),
        "names": [utils.get_act_name(*name) for name in named],
        "to_numpy": utils.to_numpy(logits[0, 0]).tolist(), "to_numpy, list": utils.to_numpy([1, 2]).tolist(),
        "cumsum": utils.get_cumsum_along_dim(logits, 1, reverse=True),
        "heads": utils.repeat_along_head_dimension(logits, 3), "transposed": utils.transpose(logits),
        "positions": utils.get_offset_position_ids(1, mask),
        "greedy": utils.sample_logits(logits[:, 0], temperature=0.0),
        "triangular": [utils.is_lower_triangular(logits[0]), utils.is_lower_triangular(logits[0, :, :6].tril())],
        "prefix": utils.filter_dict_by_prefix({"a.b": 1, "a.c.d": 2, "b.a": 3}, "a"),
        "fans": [list(utils.calc_fan_in_and_fan_out(torch.empty(s))) for s in ((3,), (3, 4), (2, 3, 4))],
    }  # fmt: skip
    for at, picked in enumerate(slices):
        found[f"slice {at}"] = utils.Slice(picked).apply(logits, dim=1)
        found[f"indices {at}"] = utils.Slice(picked).indices(6).tolist()
    return found


def text(tl):
    tokenizer = letters()
    model = make_model(tl, "LN", tokenizer)
    one, two = "bad cab", ["head", "a badge"]
    found = {
        "tokens": model.to_tokens(one), "without": model.to_tokens(one, prepend_bos=False), "two": model.to_tokens(two),
        "two, left": model.to_tokens(two, padding_side="left"), "cut": model.to_tokens("a long, long head"),
        "string": model.to_string(model.to_tokens(one)), "strings": model.to_string(model.to_tokens(two)),
        "of a list": model.to_string([4, 5]), "str tokens": model.to_str_tokens(one),
        "str tokens of two": model.to_str_tokens(two, prepend_bos=False),
        "str tokens of ids": model.to_str_tokens(torch.tensor([[4, 7, 3]])),
        "single": model.to_single_token("b"), "single text": model.to_single_str_token(5),
        "position": model.get_token_position("b", one), "last": model.get_token_position("a", one, mode="last"),
        "position of an id": model.get_token_position(4, torch.tensor([5, 4, 4]), prepend_bos=False),
        "logits": model("bad"), "loss": model("bad", return_type="loss"), "loss of two": model(["bad", "cab"], "loss"),
        "direction": model.tokens_to_residual_directions("b"),
    }  # fmt: skip
    options = {"max_new_tokens": 3, "do_sample": False, "verbose": False}
    found["generated"] = model.generate("ill", stop_at_eos=False, **options)
    found["generated ids"] = model.generate(model.to_tokens("bad"), stop_at_eos=False, **options)
    _, run = model.run_with_cache("bad cab")
    found["attribution"] = run.logit_attrs(run.stack_head_results(pos_slice=-1) * 0 + 1, "b", "c", pos_slice=-1) * 0
    for name in ("previous_token_head", "duplicate_token_head", "induction_head"):
        for measure in ("mul", "abs"):
            found[f"{name}, {measure}"] = tl.head_detector.detect_head(
                model, "badbad", name, exclude_bos=measure == "mul", error_measure=measure
            )
    return found


def letters():
    """A tokenizer of transformers, of single letters, made in memory."""
    import tokenizers
    import transformers

    known = ["<|bos|>", "<|eos|>", "<|pad|>", " ", *"abcdefghijkl"]
    backend = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({token: i for i, token in enumerate(known)}, unk_token="l")
    )
    backend.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex("."), "isolated")
    backend.decoder = tokenizers.decoders.Fuse()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<|bos|>", eos_token="<|eos|>", pad_token="<|pad|>", padding_side="right",
    )  # fmt: skip


def induction(tl):
    """Loss on a second copy: the tokens are drawn by torch's global generator, so a wide vocabulary is needed."""
    fields = SHAPE | {"n_ctx": 20, "d_vocab": 20000, "d_model": 4, "d_head": 2, "n_heads": 2}
    cfg = tl.HookedTransformerConfig(
        **fields, attn_only=True, normalization_type="LN", device="cpu", dtype=torch.float64
    )
    model = tl.HookedTransformer(cfg)
    model.load_state_dict(drawn(model.state_dict(), gated=False))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        loss = tl.evals.induction_loss(model, batch_size=3, subseq_len=10, prepend_bos=False, device="cpu")
    return {"loss": loss}


OF_EACH_KIND = (forward, cache, hooks, decompositions, patching, weights, parts, generation)
ONCE = (factored, utilities, text, induction)
