"""`prove`: a claim is searched for, tested on every rung on sequences that the search never saw, and judged."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from typing import Any

import numpy as np
import torch

from ..circuits.heads import Head, head_label
from ..config import ModelConfig
from ..engine.weights import Weights, flatten
from ..errors import ClaimError
from ..model.model import HookedTransformer
from ..tasks.induction import induction_batch
from .claim import Claim, Edge, Role, find_claim
from .clue import Scores, behaviour, clue, signature_scores
from .contribution import contribution
from .measurement import RUNGS, Floors, Measurement, Outcome, Tables, in_words
from .mechanism import mechanism
from .support import denoising, edge_support, faithfulness, members, necessity, shown
from .trial import MEAN, Progress, Trial, silent, sub_seed

FEWEST_SEQUENCES = 2
MOST_CANDIDATES = 8
"""Heads of one signature that the search looks at more closely."""
WITH = ("rung", "torch", "numpy", "scipy")
"""Packages whose versions a record names."""
MARGIN = 1.2
"""How far above a floor the search wants a member: who barely passes may fail on the confirming sequences."""
SUFFICES = 0.8
"""Share of a role's work from which one member is said to suffice."""
NOTHING = -1
"""The rung of a claim about a behaviour that is not there."""


@dataclass(frozen=True)
class Agreement:
    """For one role: the head that each method puts first."""

    role: str
    claimed: tuple[str, ...]
    first: Mapping[str, str]
    """pattern, attribution, ablation, weights → head."""
    means: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Each method's mean for every head it was run on: scores, pushes, costs, shares."""

    @property
    def agrees(self) -> bool:
        """Whether every method puts a claimed head first."""
        return bool(self.first) and all(head in self.claimed for head in self.first.values())


@dataclass(frozen=True)
class Verdict:
    """The highest rung up to which every required test holds, in one sentence with its weakest link."""

    rung: int
    """−1: nothing to explain; 0 behaviour, 1 clue, 2 contribution, 3 causal support, 4 mechanism."""
    sentence: str

    @property
    def name(self) -> str:
        """The rung in words."""
        return RUNGS[self.rung] if self.rung >= 0 else "nothing to explain"


@dataclass(frozen=True)
class Proof:
    """What was claimed of a model, every test, and the verdict."""

    claim: Claim
    model: Mapping[str, Any]
    """Name, hash of weights, config."""
    verdict: Verdict
    measurements: tuple[Measurement, ...]
    agreement: tuple[Agreement, ...]
    run: Mapping[str, Any]
    """Seeds, sequences, how heads were found, dtype, device, versions."""
    floors: Floors = field(default_factory=Floors)

    def of(self, rung: int) -> tuple[Measurement, ...]:
        """The tests of one rung."""
        return tuple(m for m in self.measurements if m.rung == rung)

    def __str__(self) -> str:
        from ..views.proof import plain

        return plain(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows."""
        from ..views.proof import html, plain

        return {"text/plain": plain(self), "text/html": html(self)}


def prove(
    claim: str | Claim,
    model: HookedTransformer,
    *,
    sequences: int = 64,
    seed: int = 0,
    floors: Floors | None = None,
    progress: Progress = silent,
) -> Proof:
    """Tests `claim` on every rung of the ladder; roles without heads are filled by a search on other sequences.

    `seed` draws the search; the confirming sequences come from a hash of claim, weights and task, so that nobody picks
    them. Raises ClaimError for a claim that cannot be, SiteError for a missing head, PromptError where the model
    cannot read the task. A model without the behaviour gets a verdict, not an error.
    """
    claim = find_claim(claim) if isinstance(claim, str) else claim
    floors = floors or Floors()
    if sequences < FEWEST_SEQUENCES:
        raise ClaimError(f"{sequences} confirmation sequences were asked for; at least {FEWEST_SEQUENCES} are needed")
    claim.check(model.config)
    _check_speaks(model.config)
    weight_hash = hash_weights(model.config, model.weights)
    found = claim
    if not claim.complete:
        progress("searching", 0, 6)
        found = search(claim, model, floors, seed, sequences)
        found.check(model.config)
    confirm = confirmation_seed(claim, weight_hash)
    trial = Trial(model, induction_batch(model, sequences=sequences, seed=confirm), sequences=sequences, seed=confirm)
    measurements, tables = climb(trial, found, floors, confirm, progress)
    return Proof(
        claim=found,
        model={"name": model.config.model_name, "weights": weight_hash, "config": model.config.to_dict()},
        verdict=judge(found, measurements, floors, sequences),
        measurements=tuple(measurements),
        agreement=tuple(agree(role, tables) for role in found.roles if role.heads),
        run={
            "sequences": sequences,
            "search_seed": None if claim.complete else seed,
            "confirmation_seed": confirm,
            "heads": "given" if claim.complete else "found by search",
            "first_token": model.config.bos_token_id,
            "dtype": str(model.dtype).removeprefix("torch."),
            "device": str(model.device),
            "versions": {"python": platform.python_version()} | {name: _version(name) for name in WITH},
        },
        floors=floors,
    )


def _check_speaks(config: ModelConfig) -> None:
    if config.attention_dir != "causal" or config.n_out != config.d_vocab:
        found = "attends both ways" if config.attention_dir != "causal" else f"predicts {config.n_out} classes"
        raise ClaimError(
            f"{config.model_name} {found}; a claim is about a model that reads on and predicts the next token"
        )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from its sources, say
        return "not installed"


def climb(
    trial: Trial, claim: Claim, floors: Floors, seed: int, progress: Progress = silent
) -> tuple[list[Measurement], Tables]:
    """Every test, from behaviour up; the rungs above a behaviour that is not there are not run."""
    tables: Tables = {}
    tell = partial(_tell, trial, progress)
    tell("behaviour", 1)
    found = behaviour(trial, floors, seed)
    if not _holds(found) or trial.config.n_layers == 0:
        return found, tables
    tell("clue", 2)
    unrepeated = induction_batch(trial.model, sequences=trial.n, seed=trial.seed, kind="unrepeated")
    scores = signature_scores(trial, trial.batch)
    for role in claim.roles:
        per_head = scores[role.signature]
        tables["pattern", role.name] = {(layer, h): per_head[layer, h] for layer, h in np.ndindex(per_head.shape[:2])}
    found += clue(trial, claim, scores, signature_scores(trial, unrepeated), floors, seed)
    found += [_unfilled(role, scores) for role in claim.roles if not role.heads]
    if not claim.complete:
        return found, tables
    tell("contribution", 3)
    found += contribution(trial, claim, scores, floors, seed, tables)
    tell("causal support", 4)
    trial.z({layer for layer, _ in claim.heads}, donors=True)
    for role in claim.roles:
        measured, effects = necessity(trial, role, floors, seed)
        found += [measured, *members(trial, role, effects, floors, seed), denoising(trial, role, floors, seed)]
        tables["ablation", role.name] = single_ablations(trial, role)
    found += [edge_support(trial, claim, edge, floors, seed) for edge in claim.edges]
    found += [*faithfulness(trial, claim, scores, floors, seed), *shown(trial, claim, seed)]
    tell("mechanism", 5)
    found += mechanism(trial, claim, floors, tables)
    progress("done", 6, 6)
    return found, tables


def _tell(trial: Trial, progress: Progress, rung: str, done: int) -> None:
    """Says where the climb is, now and at each run from here on."""
    runs = count(1)
    progress(rung, done, 6)
    trial.on_run = lambda: progress(f"{rung}, run {next(runs)}", done, 6)


def single_ablations(trial: Trial, role: Role) -> dict[Head, np.ndarray]:
    """What each head of the role's layers costs by mean ablation; of a large model on few sequences."""
    layers = sorted({layer for layer, _ in role.heads})
    heads = [(layer, head) for layer in layers for head in range(trial.config.n_heads)]
    clean = trial.ablate([], MEAN, trial.few)
    return {head: trial.ablate([head], MEAN, trial.few) - clean for head in heads}


def _holds(found: list[Measurement]) -> bool:
    return all(m.outcome is Outcome.HOLDS for m in found if m.required)


def _unfilled(role: Role, scores: Scores) -> Measurement:
    means = scores[role.signature].mean(-1)
    best = np.unravel_index(means.argmax(), means.shape)
    said = f"no head was found for {role.name}: the highest {role.signature} score is {means.max():.2f}"
    return Measurement(
        rung=1,
        test=f"{role.signature} score",
        subject=role.name,
        outcome=Outcome.FAILS,
        required=True,
        value=float(means.max()),
        unit="attention",
        said=f"{said}, of {best[0]}.{best[1]}",
    )


def search(claim: Claim, model: HookedTransformer, floors: Floors, seed: int, sequences: int) -> Claim:
    """Fills the claim's empty roles: heads with the signature that, on the discovery sequences, earn their place."""
    seed = sub_seed(seed, "discovery")
    trial = Trial(model, induction_batch(model, sequences=sequences, seed=seed), sequences=sequences, seed=seed)
    if not model.config.n_layers or not _holds(behaviour(trial, floors, seed)):
        return claim
    scores = signature_scores(trial, trial.batch)
    chosen: dict[str, tuple[Head, ...]] = {role.name: role.heads for role in claim.roles if role.heads}
    # Receivers first: a sender must stand before every receiver.
    for role in reversed(claim.roles):
        if role.heads:
            continue
        means = scores[role.signature].mean(-1)
        # What must hold in every stratum later is asked of every stratum now.
        strata = [rows.numpy() for rows in trial.batch.strata.values()]
        least = np.min([scores[role.signature][..., rows].mean(-1) for rows in strata if rows.any()], axis=0)
        candidates = [
            h for h in np.ndindex(means.shape) if least[h] >= floors.clue and _may_send(claim, role, h, chosen)
        ]
        ranked = sorted(candidates, key=lambda head: -means[head])[:MOST_CANDIDATES]
        chosen[role.name] = _earning([(int(layer), int(head)) for layer, head in ranked], trial, floors)
    return claim.with_heads(chosen)


def _may_send(claim: Claim, role: Role, head: tuple[int, ...], chosen: Mapping[str, tuple[Head, ...]]) -> bool:
    taken = {other for heads in chosen.values() for other in heads}
    after = [chosen.get(edge.receiver, ()) for edge in claim.edges if edge.sender == role.name]
    before = [chosen.get(edge.sender, ()) for edge in claim.edges if edge.receiver == role.name]
    return (
        head not in taken
        and all(head[0] < layer for heads in after for layer, _ in heads)
        and all(layer < head[0] for heads in before for layer, _ in heads)
    )


def _earning(heads: list[Head], trial: Trial, floors: Floors) -> tuple[Head, ...]:
    """Those without passengers: weakest first, each is dropped that costs little and does little alone."""
    kept, gain = list(heads), trial.gain.mean()
    for head in reversed(heads):
        if len(kept) == 1:
            break
        whole = (trial.ablate(kept, MEAN) - trial.clean).mean()
        cost = (trial.ablate([head], MEAN) - trial.clean).mean()
        left = (trial.ablate([other for other in kept if other != head], MEAN) - trial.clean).mean()
        if cost < MARGIN * floors.member * gain and 1 - left / whole < MARGIN * floors.alone:
            kept.remove(head)
    return tuple(sorted(kept))


def judge(claim: Claim, measurements: list[Measurement], floors: Floors, sequences: int) -> Verdict:
    """The highest rung up to which every required test holds, and what stopped it there."""
    reached = NOTHING
    for rung in range(len(RUNGS)):
        required = [m for m in measurements if m.rung == rung and m.required]
        if not required or not _holds(required):
            break
        reached = rung
    if sequences < floors.sequences and reached > 1:
        why = f"only {sequences} confirmation sequences ({floors.sequences:g} are asked for above a clue)"
        return Verdict(1, _under(floors, f"clue; no more is said with {why}."))
    if reached == NOTHING:
        weak = _weakest(measurements, 0)
        if any(m.rung == 0 and m.outcome is Outcome.INCONCLUSIVE for m in measurements):
            return Verdict(NOTHING, _under(floors, f"nothing can be said: {weak}."))
        return Verdict(NOTHING, _under(floors, f"nothing to explain: no {claim.name} here; {weak}."))
    if reached == len(RUNGS) - 1:
        return Verdict(
            reached,
            _under(
                floors, f"mechanism. A circuit for {claim.name}: {drawn(claim)}.{_shared(claim, measurements, floors)}"
            ),
        )
    weak = _weakest(measurements, reached + 1)
    sentence = f"{RUNGS[reached]}; not {RUNGS[reached + 1]}: {weak}."
    return Verdict(reached, _under(floors, sentence + _shared(claim, measurements, floors)))


def _weakest(measurements: list[Measurement], rung: int) -> str:
    stopped = [m for m in measurements if m.rung == rung and m.required and m.outcome is not Outcome.HOLDS]
    if not stopped:
        return "it was not tested"
    worst = next((m for m in stopped if m.outcome is Outcome.CONTRADICTED), stopped[0])
    return worst.said if worst.outcome is Outcome.FAILS else f"{worst.said} ({worst.outcome})"


def drawn(claim: Claim) -> str:
    """The circuit in a line: 0.0 → 1.0 (K-composition)."""

    def edge(one: Edge) -> str:
        sender, receiver = claim.role(one.sender).labels, claim.role(one.receiver).labels
        return f"{sender} → {receiver} ({one.into}-composition)"

    return "; ".join(map(edge, claim.edges)) or ", ".join(role.labels for role in claim.roles)


def _shared(claim: Claim, measurements: list[Measurement], floors: Floors) -> str:
    """Roles whose members stand in for each other, said plainly."""
    said = ""
    for role in claim.roles:
        alone = [m for m in measurements if m.test == "member" and m.subject in set(map(head_label, role.heads))]
        shares = [m.control or 0.0 for m in alone]
        if len(alone) < 2 or min(shares) < floors.alone or max(m.value or 0.0 for m in alone) >= floors.necessity:
            continue
        if min(shares) >= SUFFICES:
            said += f" Redundant: any one of {role.labels} suffices."
        else:
            alone_at_least = f"{min(shares):.0%} of the work or more"
            said += f" Redundant: {role.labels} cover for each other; alone, each does {alone_at_least}."
    return said


def _under(floors: Floors, sentence: str) -> str:
    changed = ", ".join(f"{name} {value:g}" for name, value in floors.changed().items())
    return in_words(f"{sentence} (Under other floors than the default: {changed}.)" if changed else sentence)


def agree(role: Role, tables: Tables) -> Agreement:
    """The head that each method puts first for a role, where the method was run."""
    means = {
        method: {head_label(head): float(values.mean()) for head, values in tables[method, role.name].items()}
        for method in ("pattern", "attribution", "ablation", "weights")
        if tables.get((method, role.name))
    }
    first = {method: max(heads, key=lambda head: heads[head]) for method, heads in means.items()}
    return Agreement(role.name, tuple(map(head_label, role.heads)), first, means)


def hash_weights(config: ModelConfig, weights: Weights) -> str:
    """SHA-256 over sorted name, dtype, shape and bytes of every weight, as the model holds them."""
    digest = hashlib.sha256()
    for name, tensor in sorted(flatten(config, weights), key=lambda item: item[0]):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.detach().contiguous().cpu().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def confirmation_seed(claim: Claim, weight_hash: str) -> int:
    """A seed that nobody chose: from what is claimed of which heads (not its words), the weights and the task."""
    roles = sorted((role.name, role.signature, role.build, sorted(role.heads)) for role in claim.roles)
    edges = sorted((edge.sender, edge.receiver, edge.into) for edge in claim.edges)
    text = json.dumps(["confirmation", claim.task, roles, edges, weight_hash])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
