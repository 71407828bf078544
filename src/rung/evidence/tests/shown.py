"""What is shown beside the tests and decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import product

import numpy as np
import torch

from ...circuits.composition import Composition, composition
from ...circuits.heads import Head, eigenvalue_copying, head_label
from ...engine.sites import Site
from ...engine.taps import CacheTap, EditTap
from ...engine.weights import changed
from ...errors import NotDefinedError
from ...methods.runner import MEAN, ZERO, Chunk, InductionRunner, TaskRunner, averaged, together
from ...tasks.induction import induction_batch
from ..observation import PAIR, Observation, Quantity, TestSpec
from ..setting import Scores, Setting, signature_scores
from .inputs import inputs_of

DOSES = (0.25, 0.5, 0.75, 1.0)
DISCOVERIES = 10
"""Draws of other sequences on which the search's first step is taken again."""
DISCOVERY_SEQUENCES = 12


def zero(setting: Setting, spec: TestSpec) -> Observation:
    """Zero ablation: a stress test, off distribution."""
    return _of_gain(setting, averaged(setting.cost(spec.heads, ZERO)))


def without(setting: Setting, spec: TestSpec) -> Observation:
    """The model with the whole circuit at its mean."""
    return _of_gain(setting, averaged(setting.cost(setting.claim.heads, MEAN)))


def first_copy(setting: Setting, spec: TestSpec) -> Observation:
    """The change of the first copy's loss with the circuit at its mean."""
    runner, heads = setting.runner, setting.claim.heads
    assert isinstance(runner, InductionRunner)
    at = runner.batch.first_copy
    start = min(layer for layer, _ in heads)
    edited = runner.read(runner.ablation(heads, MEAN), start, at=at)
    return _of_gain(setting, averaged(edited.loss) - averaged(runner.read(at=at).loss))


def aligned_mean(setting: Setting, spec: TestSpec) -> Observation:
    """Ablation by the mean over donors at the same place relative to their copies, not at the same position."""
    runner = setting.runner
    assert isinstance(runner, InductionRunner)
    seed, task = runner.seed_for("donors"), runner.batch.task
    donors = induction_batch(runner.model, sequences=len(runner.donors), seed=seed, task=task)
    layers = sorted({layer for layer, _ in spec.heads})
    foreign = runner.z(layers, donors=True)
    place = torch.where(donors.predictable, torch.arange(donors.tokens.shape[1]) - donors.second[:, None], -1)
    asked = runner.batch.predictable[:, : runner.width]
    own = torch.where(asked, torch.arange(runner.width) - runner.batch.second[:, None], -1)
    # Donors are read as far as the scored sequences go, in chunks or whole.
    place = place[:, : int(runner.batch.ends.max())]
    values = {}
    for layer, whole in foreign.items():
        z = whole[:, : place.shape[1]]
        table = z.new_zeros((int(own.max()) + 1, *z.shape[2:]))
        for k in range(len(table)):
            same = place == k
            table[k] = z[same].mean(0) if same.any() else z[place >= 0].mean(0)
        values[layer] = table[own.clamp(min=0)]
    put = runner.replaced(spec.heads, values, runner.batch.predictable)
    return _of_gain(setting, averaged(runner.read([put], min(layers)).loss - runner.clean.loss))


def dose(setting: Setting, spec: TestSpec) -> Observation:
    """z ← (1 − α) clean + α mean, in quarters."""
    runner = setting.runner
    layers = sorted({layer for layer, _ in spec.heads})
    clean, means = runner.z(layers), runner.donor_means(layers)
    quantities = {}
    for at in DOSES:
        values = {layer: (1 - at) * clean[layer] + at * means[layer][:, : runner.width] for layer in layers}
        cost = averaged(runner.read([runner.replaced(spec.heads, values)], min(layers)).loss - runner.clean.loss)
        quantities[f"{at:g}"] = Quantity(cost, setting.gain)
    return Observation(quantities, "of the gain")


def logit_difference(setting: Setting, spec: TestSpec) -> Observation:
    """Change of the logit of B against the mean of the sequence's other tokens, with the circuit at its mean."""
    runner, heads = setting.runner, setting.claim.heads
    (ablated,) = runner.ablation(heads, MEAN)
    start = min(layer for layer, _ in heads)

    def measured(chunk: Chunk) -> Mapping[str, np.ndarray]:
        tokens, at = chunk.of(runner.batch.tokens), chunk.of(runner.predictable)
        streams = {
            "clean": runner.run(tokens, start=start, stream=_entering(runner, chunk, start)),
            "ablated": runner.run(tokens, ablated(chunk), start, _entering(runner, chunk, start)),
        }
        found = {}
        for name, stream in streams.items():
            logits = runner.row_logits(stream, at)
            sequence = at.nonzero()[:, 0]
            own = logits.gather(1, tokens.roll(-1, 1).to(at.device)[at][:, None])[:, 0]
            others = logits.gather(1, runner.batch.tokens[chunk.rows].to(at.device)[sequence]).mean(1)
            whole = np.full(at.shape, np.nan)
            whole[at.cpu().numpy()] = (own - others).double().cpu().numpy()
            found[name] = averaged(whole)
        return found

    found = runner.by_chunk(measured)
    return Observation(
        {"change": Quantity(found["ablated"] - found["clean"]), "clean": Quantity(found["clean"])}, "logits"
    )


def _entering(runner: TaskRunner, chunk: Chunk, layer: int) -> torch.Tensor:
    return next(x for one, x in zip(runner.chunks, runner.stream(layer), strict=True) if one is chunk)


def self_repair(setting: Setting, spec: TestSpec) -> Observation:
    """What ablation costs with the last norm's scale frozen at the clean run's: a norm that rescales hides a loss."""
    runner, heads = setting.runner, spec.heads
    (ablated,) = runner.ablation(heads, MEAN)
    start = min(layer for layer, _ in heads)
    site = Site("ln_final.scale")

    def frozen(chunk: Chunk) -> EditTap:
        kept = CacheTap([site])
        last = _entering(runner, chunk, runner.config.n_layers)
        runner.row_logits(last, chunk.of(runner.predictable), kept)
        return EditTap({site: lambda _: kept.store[site.path]})

    return _of_gain(setting, averaged(runner.read([together(ablated, frozen)], start).loss - runner.clean.loss))


def eigenvalues(setting: Setting, spec: TestSpec) -> Observation:
    """Σλ / Σ|λ| of W_E W_V W_O W_U."""
    inputs, runner, (head,) = setting.once(inputs_of), setting.runner, spec.heads
    value = eigenvalue_copying(runner.model, head, inputs.tokens.to(runner.model.device), inputs.at(head[0]))
    return Observation({"score": Quantity(np.array([value]), exact=True)}, "Σλ/Σ|λ|")


def _composition(setting: Setting) -> Composition:
    return composition(setting.runner.model)


def composition_norm(setting: Setting, spec: TestSpec) -> Observation:
    """‖W_OV W_QKᵀ‖ / (‖W_OV‖ ‖W_QK‖) of one pair, beside a random pair's and every pair of its two layers."""
    try:
        norms = setting.once(_composition)
    except NotDefinedError as error:
        return Observation({}, "", undefined=str(error))
    into, (sender,), (receiver,) = spec.into, spec.heads, spec.receivers
    assert into is not None
    value = norms.score(head_label(sender), head_label(receiver), into)
    heads = range(setting.runner.config.n_heads)
    pairs = [(head_label((sender[0], one)), head_label((receiver[0], two))) for one, two in product(heads, heads)]
    controls = {"chance": norms.chance}
    controls |= {f"{PAIR}{one} → {two}": norms.score(one, two, into) for one, two in pairs}
    return Observation({"norm": Quantity(np.array([value]), exact=True)}, "", controls=controls)


def search_stability(setting: Setting, spec: TestSpec) -> Observation:
    """In how many of ten draws of other sequences the role's heads have the highest signature scores."""
    role, runner = setting.claim.role(spec.role), setting.runner
    if runner.large:
        return Observation({}, "of the draws", not_run=f"{DISCOVERIES} runs of all layers only to show")
    found = []
    for draw in range(DISCOVERIES):
        seed = runner.seed_for(*spec.key, str(draw))
        own = runner.redrawn(DISCOVERY_SEQUENCES, seed)
        means = np.nanmean(signature_scores(own, own.batch)[role.signature], axis=(-2, -1))
        best = np.argsort(-means, axis=None)[: len(role.heads)]
        heads = {(int(layer), int(head)) for layer, head in zip(*np.unravel_index(best, means.shape), strict=True)}
        found.append(heads == set(role.heads))
    return Observation({"same": Quantity(np.array(found, dtype=float), exact=True)}, "of the draws")


def rival_circuit(setting: Setting, spec: TestSpec) -> Observation:
    """F of the best-looking circuit among the other heads: "not unique" where it is high."""
    runner, claim = setting.runner, setting.claim
    chosen: list[Head] = []
    for role in claim.roles:
        means = np.nanmean(setting.scores[role.signature], axis=(-2, -1))
        free = [head for head in setting.every_head if head not in claim.heads and head not in chosen]
        chosen += sorted(free, key=lambda head: -means[head])[: len(role.heads)]
    if len(chosen) < len(claim.heads):
        return Observation({}, "of the loss explained", not_run="too few other heads")
    rest = {"rival": chosen, "empty": []}
    losses = {
        name: averaged(runner.ablate([head for head in setting.every_head if head not in heads], MEAN).loss)
        for name, heads in rest.items()
    }
    empty, full = losses["empty"], averaged(runner.clean.loss)
    return Observation(
        {"explained": Quantity(empty - losses["rival"], empty - full)},
        "of the loss explained",
        notes={"heads": ", ".join(map(head_label, chosen))},
    )


def permuted(setting: Setting, spec: TestSpec) -> Observation:
    """The gain of the same architecture with the entries of each weight permuted."""
    runner = setting.runner
    if runner.large:
        return Observation({}, "nats", not_run="another model of this size only to show")
    generator = torch.Generator().manual_seed(runner.seed_for(*spec.key))

    weights = {name: changed(held, partial(_shuffled, generator=generator)) for name, held in runner.weights.items()}
    own = runner.again()
    own.weights = weights
    return Observation({"gain": Quantity(own.gain)}, "nats")


def _shuffled(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The same entries in another order, in the same layout."""
    made = torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device=x.device)
    order = torch.randperm(x.numel(), generator=generator).to(x.device)
    made.copy_(x.detach().reshape(-1)[order].reshape(x.shape))
    return made


def _prose_scores(setting: Setting) -> Scores:
    return signature_scores(setting.prose_runner, setting.prose_runner.batch)


def prose_signature(setting: Setting, spec: TestSpec) -> Observation:
    """The head's signature score on repeated passages of prose."""
    role = setting.claim.role(spec.role)
    scores = setting.once(_prose_scores)
    (head,) = spec.heads
    own = averaged(scores[role.signature][head])
    return Observation({"score": Quantity(own, share=True)}, "attention")


def prose_necessity(setting: Setting, spec: TestSpec) -> Observation:
    """What mean ablation of the circuit removes of the gain on repeated passages of prose."""
    prose = setting.prose_runner
    cost = averaged(prose.cost(setting.claim.heads, MEAN))
    return Observation({"removed": Quantity(cost, prose.gain), "gain": Quantity(prose.gain)}, "of the gain on prose")


def _of_gain(setting: Setting, cost: np.ndarray) -> Observation:
    return Observation({"cost": Quantity(cost, setting.gain)}, "of the gain")


MEASURES: Mapping[str, Callable[[Setting, TestSpec], Observation]] = {
    "shown.zero": zero,
    "shown.without": without,
    "shown.first_copy": first_copy,
    "shown.aligned_mean": aligned_mean,
    "shown.dose": dose,
    "shown.logit_difference": logit_difference,
    "shown.self_repair": self_repair,
    "shown.eigenvalues": eigenvalues,
    "shown.composition": composition_norm,
    "shown.search_stability": search_stability,
    "shown.rival_circuit": rival_circuit,
    "shown.permuted": permuted,
    "shown.prose_signature": prose_signature,
    "shown.prose_necessity": prose_necessity,
}
