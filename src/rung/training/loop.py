"""The training loop, on the engine's forward pass.

Every step draws its batch from a generator seeded by (seed, step) alone, and everything else that
a step depends on is saved at each measurement. A run that was interrupted and resumed therefore
ends with bitwise the same weights as an uninterrupted one, on the same machine, torch build and
thread count, which the card names.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Generator, Tensor

from ..display import Shown
from ..engine.positions import sinusoids
from ..engine.transformer import forward
from ..engine.weights import Weights, flatten, init_weights, present
from ..errors import CheckpointError, RungError
from ..model.checkpoint import save_checkpoint
from . import scores
from .card import Training, halved, write_model
from .corpus import Batch, Corpus, make_batch, read_corpus, repeated_rows, synthetic_corpus
from .recipes import Recipe

WARM_UP = 100
PROGRESS = "progress.safetensors"


@dataclass(frozen=True)
class Progress:
    """The argument of the progress callback after every measurement: one line of the training curve."""

    step: int
    steps: int
    stage: int
    """The stage during which this was measured; the next line may belong to the next stage."""
    seconds: float
    scores: Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class TrainResult(Shown):
    """A finished run: the model's folder, and its card."""

    folder: Path
    card: Mapping[str, Any]


@dataclass
class Run:
    """The state of a training run between two steps. `leaves` are the weights before head scales are applied."""

    recipe: Recipe
    seed: int
    corpus: Corpus
    leaves: Weights
    optimizer: torch.optim.AdamW
    step: int = 0
    stage: int = 0
    seconds: float = 0.0
    """Time spent on steps, without measurements."""
    curve: list[dict[str, Any]] = field(default_factory=list)

    @property
    def weights(self) -> Weights:
        """The leaves times their head's scale, which the model computes with."""
        return scaled(self.recipe, self.leaves)


def train(
    recipe: Recipe,
    out: Path,
    *,
    seed: int = 0,
    corpus: Path | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    resume: bool = True,
) -> TrainResult:
    """Trains from the start, or from where an earlier call with the same `out` was interrupted.

    Writes to `out` what `from_pretrained(out)` reads, with the curve, the card and the checkpoints
    that the recipe keeps. Without `resume`, the files of an interrupted run are deleted. Raises
    RungError for a corpus or folder that cannot be used, and CheckpointError if `out` holds the
    progress of another recipe, seed or corpus.
    """
    check_folder(out)
    run = begin(recipe, seed, find_corpus(recipe, corpus))
    out.mkdir(parents=True, exist_ok=True)
    if not resume:
        clear(out)
    if (out / PROGRESS).exists():
        restore(run, out)
    while True:
        due = run.step % recipe.measure_every == 0 or run.step == recipe.steps
        if due and run.step not in (line["step"] for line in run.curve):
            observe(run, out)
            line = run.curve[-1]
            progress(Progress(run.step, recipe.steps, line["stage"], run.seconds, line))
        if run.step == recipe.steps:
            break
        started = time.perf_counter()
        take_step(run)
        run.seconds += time.perf_counter() - started
    done = Training(recipe, seed, run.corpus, corpus, run.seconds, stage_steps(run.curve), run.weights)
    card = write_model(out, done)
    (out / PROGRESS).unlink()
    return TrainResult(out, card)


def find_corpus(recipe: Recipe, path: Path | None) -> Corpus:
    """The corpus of a recipe: its synthetic language, or the text file at `path`."""
    if recipe.synthetic:
        if path is not None:
            raise RungError(f"{recipe.name} is trained without text, but a corpus was given: {path}")
        return synthetic_corpus(recipe.config.d_vocab)
    if path is None:
        raise RungError(
            f"{recipe.name} is trained on text, but no corpus was given: `make corpus` builds one, and any "
            "text file can be used"
        )
    return read_corpus(path, recipe.config.d_vocab)


def check_folder(out: Path) -> None:
    """Raises RungError unless the folder can be made and written to, and holds no finished model."""
    existing = next(path for path in (out, *out.absolute().parents) if os.path.exists(path))
    if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        reason = "is not writable" if existing.is_dir() else "is not a folder"
        raise RungError(f"cannot write to {out}: {existing} {reason}; choose another folder")
    if (out / "model.safetensors").exists() and not (out / PROGRESS).exists():
        raise RungError(f"{out} already holds a finished model; choose another folder or delete it")


def clear(out: Path) -> None:
    """Deletes the files of an interrupted run."""
    (out / PROGRESS).unlink(missing_ok=True)
    for kept in (out / "checkpoints").glob("step-*"):
        shutil.rmtree(kept)


def begin(recipe: Recipe, seed: int, corpus: Corpus) -> Run:
    """A run at step 0, with initial weights and a new optimizer."""
    leaves = initial_weights(recipe, seed)
    flat = [leaf.requires_grad_() for _, leaf in flatten(recipe.config, leaves)]
    optimizer = torch.optim.AdamW(flat, weight_decay=recipe.weight_decay, betas=(0.9, 0.98))
    return Run(recipe, seed, corpus, leaves, optimizer)


def initial_weights(recipe: Recipe, seed: int) -> Weights:
    """Initial weights, with embeddings of standard deviation 0.5.

    The unembedding starts as a scaled-down transpose of the embedding, attention outputs are halved,
    and shortformer positions start as sinusoids. With rotary positions, a common vector is added to
    all embeddings: an attention score can depend on distance alone only through a component that
    all tokens share.
    """
    config = recipe.config
    weights = dict(init_weights(config, seed))
    W_E, W_U, W_pos = weights["W_E"], weights.get("W_U"), weights.get("W_pos")
    assert isinstance(W_E, Tensor)
    W_E.mul_(0.5 / W_E.std())
    if isinstance(W_U, Tensor):
        W_U.copy_(W_E.T * (0.2 / math.sqrt(config.d_model)))
    if isinstance(W_pos, Tensor):
        positions = torch.arange(config.n_ctx)
        W_pos.copy_(sinusoids(positions, config.d_model, recipe.position_base))
    if config.rotary is not None:
        W_E.add_(0.2 * torch.randn(config.d_model, generator=Generator().manual_seed(seed)))
    for W_O in present(weights["W_O"]):
        W_O.mul_(0.5)
    return weights


def scaled(recipe: Recipe, leaves: Weights) -> Weights:
    """Each head's weights times the recipe's `head_scale`.

    AdamW's step size does not depend on the size of the gradient, so that a weight scaled by s starts
    s times as large and learns s times as fast.
    """
    if recipe.head_scale is None:
        return leaves
    group = recipe.config.n_heads // recipe.config.n_kv
    queries = [torch.tensor(factors)[:, None, None] for factors in recipe.head_scale]
    keys = [factors[::group] for factors in queries]
    by = {"W_Q": queries, "W_O": queries, "W_K": keys, "W_V": keys}
    return {
        name: tuple(leaf * factors for leaf, factors in zip(value, by[name], strict=True)) if name in by else value
        for name, value in leaves.items()
    }


def take_step(run: Run) -> None:
    """Takes one AdamW step on one batch."""
    recipe, config = run.recipe, run.recipe.config
    generator = Generator().manual_seed(run.seed * 1_000_003 + run.step)
    mix = recipe.stages[run.stage].mix
    batch = make_batch(mix, run.corpus, config.n_ctx, config.d_vocab, generator)
    warm = min(1.0, (run.step + 1) / WARM_UP)
    end = recipe.learning_rate_end
    cosine = end + (1 - end) / 2 * (1 + math.cos(math.pi * run.step / recipe.steps))
    (group,) = run.optimizer.param_groups
    group["lr"] = recipe.learning_rate * warm * cosine
    run.optimizer.zero_grad()
    weights = run.weights
    if torch.rand((), generator=generator) < recipe.silence:
        weights = without_head(weights, int(torch.randint(config.n_heads, (), generator=generator)))
    weighted_loss(recipe, weights, batch).backward()
    torch.nn.utils.clip_grad_norm_(group["params"], 1.0)
    run.optimizer.step()
    run.step += 1


def without_head(weights: Weights, head: int) -> Weights:
    """The weights with one head of the last layer zero-ablated."""
    *before, last = present(weights["W_O"])
    kept = (torch.arange(len(last)) != head)[:, None, None]
    return dict(weights) | {"W_O": (*before, last * kept)}


def weighted_loss(recipe: Recipe, weights: Weights, batch: Batch) -> Float[Tensor, ""]:
    """Weighted mean of the cross-entropy over the targets, in nats."""
    W_pos = weights.get("W_pos")
    if batch.offset and isinstance(W_pos, Tensor):
        weights = dict(weights) | {"W_pos": W_pos[batch.offset :]}
    logits = forward(recipe.config, weights, batch.tokens[:, :-1])
    targets = batch.tokens[:, 1:].flatten()
    loss = F.cross_entropy(logits.flatten(0, 1), targets, reduction="none")
    return (loss * batch.weight.flatten()).sum() / batch.weight.sum()


def observe(run: Run, out: Path) -> None:
    """Measures, enters the next stage if this one is learned, and saves the state."""
    recipe, config = run.recipe, run.recipe.config
    with torch.no_grad():
        weights = run.weights
    found = scores.along_training(config, weights, run.corpus.held_out)
    if not math.isfinite(found["prose_loss"]):
        raise RungError(
            f"training diverged: at step {run.step} the loss is {found['prose_loss']}; a smaller learning_rate than "
            f"{recipe.learning_rate} may help"
        )
    stage = recipe.stages[run.stage]
    found |= {"step": run.step, "stage": run.stage, "seconds": round(run.seconds, 1)}
    if stage.until is not None:
        learned = stage_accuracy(run)
        found["stage_accuracy"] = learned
        run.stage += learned >= stage.until
    run.curve.append(found)
    if run.step in recipe.keep:
        folder = out / "checkpoints" / f"step-{run.step:05}"
        save_checkpoint(folder, config, halved(weights), tokenizer=None)
    save(run, out)


def stage_accuracy(run: Run) -> float:
    """Accuracy on the stage's predictable targets, on fresh random rows."""
    config = run.recipe.config
    mix = replace(run.recipe.stages[run.stage].mix, natural=0.0)
    generator = Generator().manual_seed(999)
    rows = repeated_rows(mix, scores.ROWS, run.corpus.train, config.d_vocab, generator)
    with torch.no_grad():
        predicted = forward(config, run.weights, rows.tokens[:, :-1]).argmax(-1)
    correct = (predicted == rows.tokens[:, 1:]).float()
    return scores.mean(correct[rows.weight == 1])


def identity(run: Run) -> dict[str, str]:
    """The properties that must be equal for a run to be resumed."""
    return {"recipe": run.recipe.to_json(), "seed": str(run.seed), "corpus": run.corpus.sha256}


def save(run: Run, out: Path) -> None:
    """Writes leaves, optimizer state and curve; the progress file is replaced atomically."""
    config, state = run.recipe.config, run.optimizer.state
    tensors = {}
    for name, leaf in flatten(config, run.leaves):
        tensors[name] = leaf.detach().contiguous()
        for key, value in state[leaf].items():
            tensors[f"{name}/{key}"] = value.contiguous()
    state_of_run = {name: getattr(run, name) for name in ("step", "stage", "seconds", "curve")}
    save_file(tensors, out / "part", metadata=identity(run) | {"place": json.dumps(state_of_run)})
    (out / "part").replace(out / PROGRESS)
    (out / "curve.jsonl").write_text("".join(json.dumps(line) + "\n" for line in run.curve))


def restore(run: Run, out: Path) -> None:
    """Restores the state that `save` wrote. Raises CheckpointError if it belongs to another run."""
    config, path = run.recipe.config, out / PROGRESS
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise CheckpointError(f"{path} cannot be read ({error}); delete it to start again") from None
    for name, value in identity(run).items():
        if metadata.get(name) != value:
            raise CheckpointError(
                f"{path} is the progress of a run with another {name}; resume with that one, or choose another folder"
            )
    with torch.no_grad():
        for name, leaf in flatten(config, run.leaves):
            leaf.copy_(tensors[name])
            for key in ("step", "exp_avg", "exp_avg_sq"):
                if (stored := tensors.get(f"{name}/{key}")) is not None:
                    # The leaf's memory layout selects the same kernels, which give bitwise the same steps.
                    run.optimizer.state[leaf][key] = stored if key == "step" else torch.empty_like(leaf).copy_(stored)
    for name, value in json.loads(metadata["place"]).items():
        setattr(run, name, value)


def stage_steps(curve: list[dict[str, Any]]) -> tuple[int, ...]:
    """The step at which each stage began: the last measurement of the stage before it."""
    last = {line["stage"]: line["step"] for line in curve}
    return (0, *(last[stage] for stage in sorted(last)[:-1]))
