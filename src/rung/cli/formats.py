"""What each command prints with --json: the name and version of its format, which every output carries."""

from __future__ import annotations

from typing import NamedTuple


class Format(NamedTuple):
    """One form of output. A field that goes, or changes its meaning, raises the version; so does a new one, for the
    schemas allow no others.
    """

    command: str
    holds: str
    version: int = 1


FORMATS = {
    "ablate": Format("rung ablate", "the metric of each sequence, clean and with each head ablated"),
    "ablate-heads": Format("rung ablate --heads", "the metric of each sequence, clean and with these heads ablated"),
    "attribute": Format("rung attribute", "a logit, or a difference of two, as the sum of its components"),
    "board": Format("rung board", "loss by position on repeated random tokens"),
    "composition": Format("rung weights --kind composition", "composition scores of pairs of heads, with baselines"),
    "diff": Format("rung diff A B", "what differs between two records"),
    "diff-series": Format("rung diff A B C …", "from which record on each rung is reached"),
    "doctor": Format("rung doctor", "the checks of this machine"),
    "fetch": Format("rung fetch", "where the downloaded model is"),
    "heads": Format("rung heads", "attention scores of each head, on repeated tokens and on the control"),
    "hooks": Format("rung inspect --hook", "the hooks of that name"),
    "inspect": Format("rung inspect", "architecture, tokenizer, hooks and weights of a model"),
    "model": Format("rung models NAME", "a model's card, config and training curve"),
    "models": Format("rung models", "bundled models, fetched models, and the kinds of config that are read"),
    "patch": Format("rung patch", "the metric, clean, corrupted and with each activation patched"),
    "recipes": Format("rung train", "the training recipes"),
    "record": Format("rung prove", "a claim, its tests and the verdict; the file that prove writes is the same", 2),
    "soundness": Format("rung bench soundness", "the verdict on each planted model, beside what is true"),
    "sweep": Format("rung worker, or a sweep that is not finished", "how many cells of a stored sweep are measured"),
    "train": Format("rung train RECIPE", "the trained model's folder and card"),
    "verify": Format("rung verify", "whether a record's tests give the same again"),
    "weights": Format("rung weights", "copying, matching, skip-trigrams or singular values of each head"),
    "why-attend": Format("rung why-attend", "an attention score as the sum of its pairs of parts"),
    "why-not": Format("rung why-not", "the test that separates a head from each role"),
}
"""Every format by name: an output has "format": "rung NAME", and "version"."""
