"""JSON Schemas (draft 2020-12) of what each command prints with --json, made from the types below.

An object has exactly the fields of its type. Those of a frozen dataclass are all there, whatever their defaults.
"""

from __future__ import annotations

import json
from importlib.resources import files
from inspect import cleandoc
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ..circuits.survey import Listed
from ..config import ModelConfig
from ..errors import RungError, near
from ..evidence.soundness import Result
from ..evidence.verify import Difference
from ..methods.diagnosis import Check
from ..training import Recipe
from .formats import FORMATS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Matrix = list[list[float]]


class Task(msgspec.Struct):
    """Random tokens: what was drawn, and how."""

    sequences: int
    period: int
    start: int
    seed: int
    bos: int | None
    repeated: bool


class Ablate(msgspec.Struct):
    """Losses by sequence; `edited` by layer, head and sequence, null where it is not measured."""

    model: str
    task: Task
    what: str
    metric: str
    unit: str
    layer: list[str]
    head: list[str]
    clean: list[float]
    edited: list[list[list[float] | None]]


class AblateHeads(msgspec.Struct):
    """Losses by sequence, without and with the ablation of all of these heads."""

    model: str
    task: Task
    replaced: list[str]
    by: str
    metric: str
    unit: str
    seed: int | None
    draws: int
    clean: list[float]
    edited: list[float]


class Attribute(msgspec.Struct):
    """The parts sum to the total, but for the residual."""

    model: str
    text: str
    answer: str
    other: str | None
    unit: str
    total: float
    residual: float
    parts: dict[str, float]


class Board(msgspec.Struct):
    """Mean loss of each copy, and at each position."""

    model: str
    unit: str
    task: Task
    first_copy_loss: float
    second_copy_loss: float
    gain: float
    second_copy_accuracy: float
    ln_vocabulary: float
    ln_period: float
    loss: list[float]


class Gaussian(msgspec.Struct):
    """The score of Gaussian matrices of the same shapes."""

    mean: float
    deviation: float
    root_mean_square: float


class Pair(msgspec.Struct):
    """A later head that reads an earlier one; `other_pairs` is the mean score of the receiver's other senders."""

    sender: str
    receiver: str
    into: Literal["Q", "K", "V"]
    score: float
    other_pairs: float | None


class Composition(msgspec.Struct):
    """Pairs of heads, the highest score first."""

    model: str
    kind: Literal["composition"]
    unit: str
    seed: int
    gaussian: Gaussian
    pairs: list[Pair]


class Diff(msgspec.Struct):
    """Two records, compared."""

    same: bool
    differences: list[Difference]


class RecordVerdict(msgspec.Struct):
    """A record's file, and the rung of its verdict: −1 nothing to explain, 0 behaviour … 4 mechanism."""

    record: str
    rung: int


class DiffSeries(msgspec.Struct):
    """For each rung the place, from 0, of the first record from which on all reach it; null if the last does not."""

    verdicts: list[RecordVerdict]
    reached_from: dict[str, int | None]


class Doctor(msgspec.Struct):
    """`ok` is false where a check found a fault."""

    ok: bool
    checks: list[Check]


class Fetch(msgspec.Struct):
    """The model's name, and the file or folder that holds it."""

    name: str
    path: str
    notes: list[str]


class Scores(msgspec.Struct):
    """Mean attention weights of one head, 0 to 1."""

    previous_token: float
    induction: float
    duplicate_token: float
    current_token: float
    bos: float
    elsewhere: float


class Heads(msgspec.Struct):
    """Scores by head, written layer.head; `control` is null where the vocabulary is too small for one."""

    model: str
    unit: str
    task: Task
    heads: dict[str, Scores]
    control: dict[str, Scores] | None


class Hook(msgspec.Struct):
    """A hook; a size that depends on the input is the name of its axis."""

    name: str
    meaning: str
    axes: list[str]
    sizes: list[int | str]


class Hooks(msgspec.Struct):
    """The hooks that were asked for."""

    hooks: list[Hook]


class Tokenizer(msgspec.Struct):
    """Vocabulary size, and special tokens as [id, text]."""

    size: int
    special: dict[str, list[int | str]]


class Inspect(msgspec.Struct):
    """Weights are listed once, with “{l}” for the layer."""

    config: ModelConfig
    parameters: int
    tokenizer: Tokenizer | None
    hooks: list[Hook]
    weights: dict[str, list[int]]


class Package(msgspec.Struct):
    """A package that holds a part of the training text."""

    name: str
    version: str
    licence: str
    sha256: str
    holds: str


class Data(msgspec.Struct):
    """What a model was trained on."""

    kind: str
    sha256: str
    tokens: int
    packages: list[Package] | UnsetType = UNSET


class Measured(msgspec.Struct):
    """Losses in nats; head scores by layer and head."""

    first_copy_loss: float
    second_copy_loss: float
    second_copy_accuracy: float
    induction: Matrix
    previous_token: Matrix
    prose_first_copy_loss: float
    prose_second_copy_loss: float
    prose_second_copy_accuracy: float
    prose_induction: Matrix
    prose_previous_token: Matrix
    prose_loss: float


class CardScores(Measured):
    """The scores of the stored weights."""

    ablation_rise: dict[str, float] | UnsetType = UNSET
    direct_path_correlation: float | UnsetType = UNSET
    direct_path_top1: float | UnsetType = UNSET


class Step(Measured, kw_only=True):
    """One measured step of training."""

    step: int
    stage: int
    seconds: float
    stage_accuracy: float | UnsetType | None = UNSET


class OtherSeed(msgspec.Struct):
    """A run of the same recipe from another seed."""

    seed: int
    seconds: int
    stages_entered_at_steps: list[int]
    scores: CardScores


class Card(msgspec.Struct):
    """A model card."""

    name: str
    about: str
    parameters: int
    data: Data
    licence: str
    seed: int
    steps: int
    stages_entered_at_steps: list[int]
    stages_planned: int
    head_scale: Matrix | None
    silence: float
    seconds: int
    threads: int
    torch: str
    scores: CardScores
    other_seeds: list[OtherSeed] | UnsetType = UNSET


class Model(msgspec.Struct):
    """One model that Rung trained."""

    card: Card
    config: ModelConfig
    curve: list[Step]


class Bundled(msgspec.Struct):
    """One bundled model."""

    card: Card
    config: ModelConfig


class Models(msgspec.Struct):
    """`reads` gives the `model_type`s by family."""

    models: dict[str, Bundled]
    fetched: list[str]
    reads: dict[str, list[str]]


class Runs(msgspec.Struct):
    """The metric on the two texts, and their tokens: clean, corrupted."""

    clean: float
    corrupted: float
    tokens: list[list[int]]


class Patch(msgspec.Struct):
    """`edited` by the two axes that are there, in this order, and by sequence; null where it is not measured."""

    model: str
    runs: Runs
    what: str
    metric: str
    unit: str
    clean: list[float]
    edited: list[list[list[float] | None]]
    layer: list[str] | UnsetType = UNSET
    head: list[str] | UnsetType = UNSET
    position: list[str] | UnsetType = UNSET


class Recipes(msgspec.Struct):
    """Recipes by name, as `rung train --config` reads them."""

    recipes: dict[str, Recipe]


class Soundness(msgspec.Struct):
    """`verdict` and `truth` are rungs; a verdict above the truth is unsound."""

    planned: int
    results: list[Result]


class Sweep(msgspec.Struct):
    """`failed` names the cells that stopped three workers."""

    store: str | None
    cells: int
    measured: int
    failed: list[str]


class Train(msgspec.Struct):
    """Where the model was written, and its card."""

    folder: str
    card: Card


class Verify(msgspec.Struct):
    """`verified` is true where nothing differs."""

    record: str
    verified: bool
    differences: list[Difference]


class HeadWeights(msgspec.Struct):
    """Of ov and qk: shares with their interval, and ranks. Of skip-trigrams: best. Of svd: OV and QK."""

    listed: list[Listed]
    top1: float | UnsetType = UNSET
    low: float | UnsetType = UNSET
    high: float | UnsetType = UNSET
    top5: float | UnsetType = UNSET
    mean_rank: float | UnsetType = UNSET
    median_rank: float | UnsetType = UNSET
    eigenvalues: float | UnsetType = UNSET
    best: float | UnsetType = UNSET
    OV: float | UnsetType = UNSET
    QK: float | UnsetType = UNSET


class Weights(msgspec.Struct):
    """Numbers of each head; `n` is the number of tokens that shares are of."""

    model: str
    kind: Literal["ov", "qk", "skip-trigrams", "svd"]
    unit: str
    n: int
    seed: int
    vocabulary: int
    heads: dict[str, HeadWeights]


class WhyAttend(msgspec.Struct):
    """`values` by query part and key part; they and `alibi` sum to the score, but for the residual."""

    model: str
    head: str
    query: int
    key: int
    tokens: list[int]
    texts: list[str]
    unit: str
    score: float
    mean_score: float
    pattern: float
    before_cap: bool
    residual: float
    alibi: float
    query_parts: list[str]
    key_parts: list[str]
    values: Matrix


class Role(msgspec.Struct):
    """A role of a claim, with the heads that were found for it."""

    name: str
    job: str
    signature: str
    writes_to: str
    heads: list[str]


class Edge(msgspec.Struct):
    """An edge from a role's heads to another's input."""

    sender: str
    receiver: str
    into: Literal["Q", "K", "V"]


class Claim(msgspec.Struct):
    """The claim with the circuit that was found."""

    name: str
    task: str
    roles: list[Role]
    edges: list[Edge]


class Separation(msgspec.Struct):
    """The tests that the head passed in this role, and the first that it did not."""

    role: str
    held: list[str]
    separated_by: str | None
    refused: str | None
    sentence: str


class WhyNot(msgspec.Struct):
    """The head in each role, the nearest role first."""

    head: str
    claim: Claim
    roles: list[Separation]


TYPES: dict[str, type] = {
    "ablate": Ablate,
    "ablate-heads": AblateHeads,
    "attribute": Attribute,
    "board": Board,
    "composition": Composition,
    "diff": Diff,
    "diff-series": DiffSeries,
    "doctor": Doctor,
    "fetch": Fetch,
    "heads": Heads,
    "hooks": Hooks,
    "inspect": Inspect,
    "model": Model,
    "models": Models,
    "patch": Patch,
    "recipes": Recipes,
    "soundness": Soundness,
    "sweep": Sweep,
    "train": Train,
    "verify": Verify,
    "weights": Weights,
    "why-attend": WhyAttend,
    "why-not": WhyNot,
}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a format. Raises RungError for a name that is none."""
    if name not in FORMATS:
        raise RungError(f"there is no schema {name!r}; rung schema lists them.{near(name, FORMATS)}")
    if name not in TYPES:
        return dict(json.loads((files(__package__) / f"{name}.schema.json").read_text("utf-8")))
    made, parts = FORMATS[name], msgspec.json.schema(TYPES[name])["$defs"]
    for part in parts.values():
        _close(part)
    whole = parts.pop(TYPES[name].__name__)
    head = {"format": {"const": f"rung {name}"}, "version": {"const": made.version}}
    return {
        "$schema": DRAFT,
        "title": f"{made.command} --json",
        "description": f"{made.holds[0].upper()}{made.holds[1:]}. {whole['description']}",
        "type": "object",
        "properties": head | whole["properties"],
        "required": [*head, *whole["required"]],
        "additionalProperties": False,
        **({"$defs": parts} if parts else {}),
    }


def _close(part: dict[str, Any]) -> None:
    """Allows the object no other fields, and dedents its description. Fields of dataclasses, which have defaults, are
    required: all are written.
    """
    if any("default" in field for field in part["properties"].values()):
        part["required"] = list(part["properties"])
    part["properties"] = {
        key: {name: value for name, value in field.items() if name != "default"}
        for key, field in part["properties"].items()
    }
    part["additionalProperties"] = False
    if "description" in part:  # a docstring, which Python dedents itself from 3.13 on
        part["description"] = cleandoc(part["description"])
