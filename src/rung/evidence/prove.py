"""`prove`: a claim is searched for, tested on every rung on sequences that the search never saw, and judged."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from torch import Tensor

from ..config import ModelConfig
from ..errors import ClaimError, near
from ..methods.runner import Progress, no_progress
from ..methods.task_runners import task_runner
from ..model.model import HookedTransformer
from ..model.origin import hash_weights
from ..tasks.prose import bundled_text, text_windows
from ..tasks.task import find_task, task_batch
from .claim import Claim, Role, descriptive_tests, find_claim, required_tests
from .decide import summarize
from .identity import confirmation_seed, versions
from .looks import check_sequences, look_alpha
from .observation import Floors, Measurement, Outcome, TestSpec
from .proof import Agreement, Proof
from .resume import KeptHeads, KeptMeasurements, Store
from .search import search
from .setting import Setting
from .tests import MEASURES
from .verdict import verdict

METHODS = ("pattern", "attribution", "ablation", "weights")
"""What the agreement table compares."""


@dataclass(eq=False)
class Confirmation:
    """A claim with its heads, and the sequences that confirm it: what a proof is run on, whole or in part."""

    claim: Claim
    setting: Setting
    required: tuple[TestSpec, ...]
    described: tuple[TestSpec, ...]
    sequences: int
    alpha: float
    """What this look may spend."""
    about: Mapping[str, Any]
    """The model, as a record names it."""
    how: Mapping[str, Any]
    """Seeds and where the heads are from, as a record names them."""
    measured: MutableMapping[tuple[str, str], Measurement] = field(default_factory=dict)
    """Tests that were run, by id and subject."""

    def conclude(self, measured: Sequence[Measurement]) -> Proof:
        """The proof that these measurements make; a required test that is not among them is "not run"."""
        model, text, floors = self.setting.runner.model, self.setting.text, self.setting.floors
        return Proof(
            claim=self.claim,
            model=self.about,
            verdict=verdict(self.required, measured, floors, self.sequences),
            measurements=tuple(measured),
            agreement=tuple(agreement(role, self.setting) for role in self.claim.roles if role.heads),
            run={
                "looks": [{"sequences": self.sequences, "alpha": self.alpha}],
                **self.how,
                "text": _hash_text(text),
                "first_token": model.config.bos_token_id,
                "dtype": str(model.dtype).removeprefix("torch."),
                "device": str(model.device),
                "versions": versions(),
            },
            floors=floors,
        )


def _hash_text(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def _hash_tokens(tokens: Tensor) -> str:
    return hashlib.sha256(tokens.cpu().numpy().tobytes()).hexdigest()


def checkpoint_of(model: HookedTransformer) -> str:
    """The SHA-256 by which a record names a model: that of its checkpoint, or of weights that are from none."""
    return model.checkpoint_digest() or hash_weights(model.config, model.weights)


def prepare(
    claim: str | Claim,
    model: HookedTransformer,
    *,
    sequences: int = 64,
    seed: int = 0,
    floors: Floors | None = None,
    text: str | None = None,
    progress: Progress = no_progress,
    store: Store | None = None,
) -> Confirmation:
    """Everything of `prove` but its tests: checks the claim, searches for heads, draws the confirming sequences.

    With a store, the heads and the measurements that it holds of this very proof are read back, and new ones are kept.
    """
    claim = find_claim(claim) if isinstance(claim, str) else claim
    floors = floors or Floors()
    floors.check()
    check_sequences(sequences, floors)
    claim.check(model.config)
    check_model(model)
    weights, checkpoint = hash_weights(model.config, model.weights), checkpoint_of(model)
    about = {
        "checkpoint": checkpoint,
        "weights": weights,
        "dtype": str(model.dtype),
        "device": str(model.device),
        "sequences": sequences,
        "floors": vars(floors),
    }
    found = claim
    if not claim.complete:
        kept = None if store is None else KeptHeads(store, claim, about | {"seed": seed})
        known = None if kept is None else kept.read()
        found = known or search(claim, model, floors, seed, sequences, progress)
        found.check(model.config)
        if kept is not None and known is None:
            kept.write(found)
    text = (bundled_text() if text is None else text) if model.tokenizer is not None else None
    confirm = confirmation_seed(found, model.config, checkpoint, text is not None)
    batch = task_batch(model, find_task(found.task), sequences=sequences, seed=confirm)
    setting = Setting(task_runner(model, batch, seed=confirm), found, floors, text)
    required = required_tests(found, model.config, text is not None)
    described = descriptive_tests(found, model.config, text is not None)
    alpha = look_alpha(floors.alpha, sequences, floors.sequences)
    measured: MutableMapping[tuple[str, str], Measurement] = {}
    if store is not None:
        read = [batch.tokens] if text is None else [batch.tokens, text_windows(model, text)]
        about |= {"confirmation_seed": confirm, "text": _hash_text(text), "tokens": list(map(_hash_tokens, read))}
        measured = KeptMeasurements(store, setting, (*required, *described), alpha, about)
    return Confirmation(
        claim=found,
        setting=setting,
        required=required,
        described=described,
        sequences=sequences,
        alpha=alpha,
        measured=measured,
        about={
            "name": model.config.model_name,
            "checkpoint": checkpoint,
            "weights": weights,
            "config": model.config.to_dict(),
        },
        how={
            "search_seed": None if claim.complete else seed,
            "confirmation_seed": confirm,
            "heads": "given" if claim.complete else "found by search",
        },
    )


def prove(
    claim: str | Claim,
    model: HookedTransformer,
    *,
    sequences: int = 64,
    seed: int = 0,
    floors: Floors | None = None,
    text: str | None = None,
    progress: Progress = no_progress,
    store: str | Path | None = None,
) -> Proof:
    """Tests `claim` on every rung of the ladder; roles without heads are filled by a search on other sequences.

    `seed` draws the search; the confirming sequences come from a hash of the heads, the checkpoint's weights and the
    task, so that nobody picks them. `text` (None: forty bundled passages) is the ordinary text of the off-task test and
    of the scope on prose; both need a tokenizer. `store` is a folder: what a proof of the very same claim on the same
    weights, sequences and floors has measured there before it was interrupted is read back, and the rest is added.

    Raises ClaimError for a claim that cannot be tested, or a model with
    hooks attached; SiteError for a missing head; PromptError where the model cannot read the task. A model without the
    behaviour gets a verdict, not an error.
    """
    folder = None if store is None else Store(store)
    found = prepare(
        claim, model, sequences=sequences, seed=seed, floors=floors, text=text, progress=progress, store=folder
    )
    specs = (*found.required, *found.described)
    return found.conclude(run_tests(found.setting, specs, found.alpha, progress, found.measured))


def prove_part(found: Confirmation, tests: Collection[str], progress: Progress = no_progress) -> Proof:
    """The proof with the required tests of these ids alone; every other one is "not run", and stops the verdict.

    Tests that `found` has run already are not run again. Raises ClaimError for an id that the claim does not require.
    """
    ids = list(dict.fromkeys(spec.id for spec in found.required))
    for test in tests:
        if test not in ids:
            raise ClaimError(f"the claim {found.claim.name!r} requires no test {test!r}.{near(test, ids)}")
    chosen = [spec for spec in found.required if spec.id in tests]
    return found.conclude(run_tests(found.setting, chosen, found.alpha, progress, found.measured))


def check_model(model: HookedTransformer) -> None:
    """Raises ClaimError for a model that the verdict would not be about, or that predicts no next token."""
    config: ModelConfig = model.config
    hooked = [name for name, point in model.hook_dict.items() if point.fwd_hooks or point.bwd_hooks]
    if hooked:
        raise ClaimError(
            f"{config.model_name} has hooks attached at {', '.join(hooked[:3])}{', …' if len(hooked) > 3 else ''}: the "
            "verdict would be about another model; model.reset_hooks(including_permanent=True) takes them away"
        )
    if config.attention_dir != "causal" or config.n_out != config.d_vocab:
        found = "attends both ways" if config.attention_dir != "causal" else f"predicts {config.n_out} classes"
        raise ClaimError(
            f"{config.model_name} {found}; a claim is about a model that attends to the past and predicts a token"
        )


def run_tests(
    setting: Setting,
    specs: Sequence[TestSpec],
    alpha: float,
    progress: Progress = no_progress,
    known: MutableMapping[tuple[str, str], Measurement] | None = None,
) -> list[Measurement]:
    """Every test, from behaviour up; the rungs above a behaviour that is not there are not run.

    What is `known` is not run again, and what is run is added to it.
    """
    known = {} if known is None else known
    measured: list[Measurement] = []
    for done, spec in enumerate(specs):
        if spec.rung > 0 and (not setting.runner.config.n_layers or not _behaves(measured)):
            break
        if spec.key in known:
            measured.append(known[spec.key])
            continue
        runs = count(1)
        progress(spec.id, done, len(specs))
        setting.on_run = lambda spec=spec, done=done, runs=runs: progress(  # type: ignore[misc]
            f"{spec.id}, run {next(runs)}", done, len(specs)
        )
        known[spec.key] = summarize(spec, MEASURES[spec.id](setting, spec), setting.floors, alpha)
        measured.append(known[spec.key])
    progress("done", len(specs), len(specs))
    return measured


def _behaves(measured: Sequence[Measurement]) -> bool:
    return all(m.outcome is Outcome.HOLDS for m in measured if m.rung == 0 and m.required)


def agreement(role: Role, setting: Setting) -> Agreement:
    """The top head of a role by each method, where the method was run."""
    means = {
        method: {f"{layer}.{head}": float(values.mean()) for (layer, head), values in found.items()}
        for method in METHODS
        if (found := setting.tables.get((method, role.name)))
    }
    first = {method: max(heads, key=lambda head: heads[head]) for method, heads in means.items()}
    return Agreement(role.name, tuple(f"{layer}.{head}" for layer, head in role.heads), first, means)
