import pytest
import torch
import torch.nn.functional as F

from rung.engine.positions import position_info
from rung.engine.taps import NO_TAP
from rung.engine.transformer import attention_inputs, from_latents, project
from rung.engine.weights import block_weights
from rung.errors import InterventionError, RungError, SiteError
from rung.methods.interventions import Patch, hooks_of, on_head
from rung.methods.paths import Edge, patch_all_senders, patch_paths, path_tap
from rung.methods.sweep import measure
from rung.tasks.builtin import repeated_tokens
from rung.tasks.metrics import next_token_loss

LOSS = next_token_loss(slice(1, 6))


def every_edge(config, sender):
    """All direct edges of one head: to every later head, and to the logits."""
    later = [(layer, head) for layer in range(sender[0] + 1, config.n_layers) for head in range(config.n_heads)]
    return [Edge(sender)] + [Edge(sender, receiver, into) for receiver in later for into in ("Q", "K", "V")]


def message(model, clean, other, layer, head):
    """What swapping one head's result changes in what its layer's attention writes, by hand."""
    result, config = clean["result", layer].clone(), model.config
    result[:, :, head] = other["result", layer][:, :, head]
    w = block_weights(model.weights, layer)
    out = result.sum(2) + (0 if w.b_O is None else w.b_O)
    if config.norm_placement != "pre":
        norm = F.layer_norm if config.normalization_type == "LN" else F.rms_norm
        out = norm(out, (config.d_model,), eps=config.eps) * w.ln1_post_w
    return out - clean["attn_out", layer]


def test_a_run_patched_with_itself_stays_as_it_was(any_kind, draw) -> None:
    tokens = draw()
    found = patch_paths(any_kind, tokens, tokens, every_edge(any_kind.config, (0, 1)), LOSS)
    torch.testing.assert_close(found.change, torch.zeros(3, dtype=torch.float64), atol=1e-12, rtol=0)


@pytest.mark.parametrize("groups", [4, 2])
@pytest.mark.parametrize("norm", [None, "LN", "RMSPre"])
@pytest.mark.parametrize(
    ("positions", "placement"),
    [("shortformer", "pre"), ("standard", "pre"), ("standard", "both"), ("standard", "post")],
)
def test_all_edges_together_are_the_heads_whole_effect(build, draw, norm, positions, placement, groups) -> None:
    """Attention only: nothing but later heads and the logits reads a head."""
    model = build(
        "LN, shortformer, biases",
        normalization_type=norm,
        norm_placement=placement,
        positional_embedding_type=positions,
        n_key_value_heads=groups,
        biases=frozenset({"b_Q", "b_V", "b_O"}),
    )
    tokens, corrupted = draw(), draw(seed=2)
    whole = measure(model, tokens, [on_head((0, 2), Patch(corrupted))], LOSS)
    found = patch_paths(model, tokens, corrupted, every_edge(model.config, (0, 2)), LOSS)
    torch.testing.assert_close(found.edited, whole.edited)


@pytest.mark.parametrize("into", ["Q", "K", "V"])
def test_one_edge_is_the_receivers_input_computed_by_hand(any_kind, draw, into) -> None:
    """0.1 → 2.2: layer 1 reads the clean run, and the receiver the swap. Keys and values that are shared by a group
    are another's for the named query head alone: its siblings' z stays as it was.
    """
    model, tokens, corrupted = any_kind, draw(), draw(seed=2)
    config, w = model.config, block_weights(model.weights, 2)
    _, clean = model.run_with_cache(tokens)
    _, other = model.run_with_cache(corrupted)
    x = clean["resid_pre", 2] + message(model, clean, other, 0, 1)
    positions = position_info(config, model.weights, tokens.shape, tokens.device)
    inputs = attention_inputs(config, w, 2, x, positions, NO_TAP)
    if config.latent is None:
        made = project(inputs["QKV".index(into)], getattr(w, f"W_{into}"), getattr(w, f"b_{into}"))
    else:
        made = from_latents(config.latent, w, inputs)["QKV".index(into)]
    received = {}

    def swap(value, *, hook):
        return made

    def keep(z, *, hook):
        received["z"] = z.clone()

    hooks = [(f"blocks.2.attn.hook_{into.lower()}", swap), ("blocks.2.attn.hook_z", keep)]
    model.run_with_hooks(tokens, fwd_hooks=hooks)

    def named_head_alone(z, *, hook):
        z = z.clone()
        z[:, :, 2] = received["z"][:, :, 2]
        return z

    by_hand = model.run_with_hooks(tokens, fwd_hooks=[("blocks.2.attn.hook_z", named_head_alone)])
    found = patch_paths(model, tokens, corrupted, [Edge((0, 1), (2, 2), into)], LOSS)
    torch.testing.assert_close(found.edited, LOSS(by_hand, tokens))
    torch.testing.assert_close(found.clean, LOSS(model(tokens), tokens))
    assert found.labels == (f"0.1 → 2.2.{into}",)
    assert (found.n, found.unit) == (3, "nats")


@pytest.mark.parametrize("into", ["K", "V"])
def test_siblings_of_a_group_read_what_they_read(build, draw, into) -> None:
    """With grouped queries: patching K or V of one head changes that head's z and no other's of its layer."""
    model, tokens, corrupted = build("RMS, rotary, grouped, gated"), draw(), draw(seed=2)
    tap = path_tap(model, tokens, corrupted, [Edge((0, 1), (1, 2), into)])
    z = {}

    def keep(name):
        def hook(value, *, hook):
            z[name] = value.clone()

        return hook

    site = "blocks.1.attn.hook_z"
    model.run_with_hooks(tokens, fwd_hooks=[(site, keep("clean"))])
    model.run_with_hooks(tokens, fwd_hooks=[*hooks_of(tap), (site, keep("patched"))])
    moved = (z["clean"] - z["patched"]).abs().amax((0, 1, 3))
    assert moved[2] > 1e-3
    assert moved[[0, 1, 3]].tolist() == [0, 0, 0]


def test_straight_to_the_logits_is_the_last_stream_with_the_swap(any_kind, draw) -> None:
    model, tokens, corrupted = any_kind, draw(), draw(seed=2)
    _, clean = model.run_with_cache(tokens)
    _, other = model.run_with_cache(corrupted)
    x = clean["resid_post", 2] + message(model, clean, other, 1, 3)
    by_hand = model(x, start_at_layer=3)
    found = patch_paths(model, tokens, corrupted, [Edge((1, 3))], LOSS)
    torch.testing.assert_close(found.edited, LOSS(by_hand, tokens))
    assert found.labels == ("1.3 → logits",)


def test_edges_into_two_heads_of_a_group_are_two_edges(build, draw) -> None:
    """The group's shared key is patched for each of them apart, and not twice for either."""
    model, tokens, corrupted = build("RMS, rotary, grouped, gated"), draw(), draw(seed=2)
    alone = [patch_paths(model, tokens, corrupted, [Edge((0, 0), (1, head), "K")], LOSS) for head in (2, 3)]
    edges = [Edge((0, 0), (1, head), "K") for head in (2, 3)]
    both = patch_paths(model, tokens, corrupted, edges, LOSS)
    assert not torch.allclose(alone[0].edited, alone[1].edited)
    assert not torch.allclose(both.edited, alone[0].edited)
    _, clean = model.run_with_cache(tokens)
    _, other = model.run_with_cache(corrupted)
    x = clean["resid_pre", 1] + message(model, clean, other, 0, 0)
    w, info = block_weights(model.weights, 1), position_info(model.config, model.weights, tokens.shape, tokens.device)
    read = attention_inputs(model.config, w, 1, x, info, NO_TAP)[1]
    made = project(read, w.W_K, w.b_K)

    def swap(k, *, hook):
        k = k.clone()
        k[:, :, 1] = made[:, :, 1]  # heads 2 and 3 are all of the second group
        return k

    by_hand = model.run_with_hooks(tokens, fwd_hooks=[("blocks.1.attn.hook_k", swap)])
    torch.testing.assert_close(both.edited, LOSS(by_hand, tokens))


def test_the_wired_circuit_runs_through_k_alone(wired) -> None:
    task = repeated_tokens(wired, period=7, sequences=16)
    loss, corrupted = next_token_loss(task.predictable), task.tokens.roll(1, 0)

    def change(*edges: Edge) -> float:
        return float(patch_paths(wired, task.tokens, corrupted, edges, loss).change.mean())

    assert change(Edge((0, 1), (1, 2), "K")) > 1
    rivals = [Edge((0, 1), (1, 2), "Q"), Edge((0, 1), (1, 2), "V"), Edge((0, 1)), Edge((0, 0), (1, 2), "K")]
    assert [change(edge) for edge in rivals] == pytest.approx([0] * 4, abs=1e-4)


@pytest.mark.parametrize(
    ("edge", "told"),
    [
        (Edge((1, 0), (1, 2), "K"), "heads of one layer read the same input"),
        (Edge((1, 0), (0, 2), "K"), "the stream runs forwards"),
        (Edge((0, 0), (1, 2)), r"a receiver and its input"),
    ],
)
def test_edges_that_cannot_be(wired, edge: Edge, told: str) -> None:
    tokens = torch.arange(6)[None]
    with pytest.raises(RungError, match=told):
        patch_paths(wired, tokens, tokens, [edge], next_token_loss(slice(0, 2)))


def test_what_cannot_be_patched_is_refused(wired) -> None:
    tokens, loss = torch.arange(6)[None], next_token_loss(slice(0, 2))
    with pytest.raises(SiteError, match=r"no head 0\.7"):
        patch_paths(wired, tokens, tokens, [Edge((0, 7))], loss)
    with pytest.raises(InterventionError, match="no edge"):
        patch_paths(wired, tokens, tokens, [], loss)
    with pytest.raises(InterventionError, match="each example needs a corrupted sequence"):
        patch_paths(wired, tokens, tokens[:, :5], [Edge((0, 0))], loss)


def frozen_run(model, tokens, clean, other, sender, last):
    """Hooks that hold every head and MLP to layer `last` at its clean value, the sender at its corrupted one."""
    hooks = []

    def hold(name, value):
        hooks.append((name, lambda x, hook: value.clone()))

    config = model.config
    if sender == "embed":
        hold("hook_embed", other["embed"])
    for layer in range(last + 1):
        z = clean["z", layer].clone()
        if isinstance(sender, tuple) and sender[0] == layer:
            z[:, :, sender[1]] = other["z", layer][:, :, sender[1]]
        hold(f"blocks.{layer}.attn.hook_z", z)
        if not config.attn_only:
            from_run = other if sender == f"{layer}.mlp" else clean
            hold(f"blocks.{layer}.hook_mlp_out", from_run["mlp_out", layer])
    return hooks


@pytest.mark.parametrize("into", ["Q", "K", "V"])
def test_every_sender_as_in_three_runs_by_hand(any_kind, draw, into) -> None:
    """Wang et al. 2022: a clean run, a corrupted run, a run with all else held, whose reading goes into a fourth."""
    model, tokens, corrupted, config = any_kind, draw(), draw(seed=2), any_kind.config
    _, clean = model.run_with_cache(tokens)
    _, other = model.run_with_cache(corrupted)
    found = patch_all_senders(model, tokens, corrupted, ((2, 3), into), LOSS)
    assert found.receiver == f"2.3.{into}" and found.senders[0] == "embed" and found.n == 3
    senders = {"embed": "embed", "0.1": (0, 1), "1.2": (1, 2)} | ({} if config.attn_only else {"1.mlp": "1.mlp"})
    assert set(senders) <= set(found.senders) and len(found.senders) == 1 + 2 * (4 + (not config.attn_only))
    site = f"blocks.2.attn.hook_{into.lower()}"
    for label, sender in senders.items():
        kept = {}
        hooks = frozen_run(model, tokens, clean, other, sender, 1)
        model.run_with_hooks(tokens, fwd_hooks=[*hooks, (site, lambda x, hook, kept=kept: kept.update(read=x.clone()))])

        def z_of(z, *, hook, kept=kept):
            kept["z"] = z.clone()

        swap = (site, lambda x, hook, kept=kept: kept["read"])
        model.run_with_hooks(tokens, fwd_hooks=[swap, ("blocks.2.attn.hook_z", z_of)])

        def named_head_alone(z, *, hook, kept=kept):
            z = z.clone()
            z[:, :, 3] = kept["z"][:, :, 3]
            return z

        by_hand = model.run_with_hooks(tokens, fwd_hooks=[("blocks.2.attn.hook_z", named_head_alone)])
        torch.testing.assert_close(found.edited[found.senders.index(label)], LOSS(by_hand, tokens))


def test_every_sender_to_an_mlp_and_to_the_logits_by_hand(any_kind, draw) -> None:
    model, tokens, corrupted, config = any_kind, draw(), draw(seed=2), any_kind.config
    _, clean = model.run_with_cache(tokens)
    _, other = model.run_with_cache(corrupted)
    found = patch_all_senders(model, tokens, corrupted, ("logits", None), LOSS)
    for label, sender in {"embed": "embed", "2.1": (2, 1)}.items():
        by_hand = model.run_with_hooks(tokens, fwd_hooks=frozen_run(model, tokens, clean, other, sender, 2))
        torch.testing.assert_close(found.edited[found.senders.index(label)], LOSS(by_hand, tokens))
    if config.attn_only:
        return
    found = patch_all_senders(model, tokens, corrupted, ("1.mlp", None), LOSS)
    assert ("1.0" in found.senders) == (not config.parallel_attn_mlp) and "1.mlp" not in found.senders
    for label, sender in {"embed": "embed", "0.mlp": "0.mlp", "1.3": (1, 3)}.items():
        if label not in found.senders:
            continue
        kept = {}
        hooks = [one for one in frozen_run(model, tokens, clean, other, sender, 1) if one[0] != "blocks.1.hook_mlp_out"]
        out = ("blocks.1.hook_mlp_out", lambda x, hook, kept=kept: kept.update(out=x.clone()))
        model.run_with_hooks(tokens, fwd_hooks=[*hooks, out])
        swap = ("blocks.1.hook_mlp_out", lambda x, hook, kept=kept: kept["out"])
        by_hand = model.run_with_hooks(tokens, fwd_hooks=[swap])
        torch.testing.assert_close(found.edited[found.senders.index(label)], LOSS(by_hand, tokens))


def test_all_inputs_of_a_head_are_its_three_edges(build, draw) -> None:
    model, tokens, corrupted = build("RMS, rotary, grouped, gated"), draw(), draw(seed=2)
    found = patch_all_senders(model, tokens, corrupted, ((2, 1), None), LOSS)
    edges = [Edge((0, 2), (2, 1), into) for into in ("Q", "K", "V")]
    expected = patch_paths(model, tokens, corrupted, edges, LOSS)
    torch.testing.assert_close(found.of("0.2"), expected.change)
    assert found.receiver == "2.1"


def test_receivers_that_are_not_there_are_refused(wired) -> None:
    tokens, loss = torch.arange(6)[None], next_token_loss(slice(0, 2))
    for receiver, error, message in (
        (((1, 3), "K"), SiteError, r"no head 1\.3"),
        (("1.mlp", None), SiteError, "no MLPs"),
        (("logits", "Q"), InterventionError, "one input"),
    ):
        with pytest.raises(error, match=message):
            patch_all_senders(wired, tokens, tokens, receiver, loss)
    with pytest.raises(InterventionError, match="of the same length"):
        patch_all_senders(wired, tokens, tokens[:, :5], ((1, 2), "K"), loss)
    with pytest.raises(InterventionError, match=r"no sender '1\.0'"):
        patch_all_senders(wired, tokens, tokens, ((1, 2), "K"), loss).of("1.0")
