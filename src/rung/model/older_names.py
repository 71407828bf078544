"""Names that older code calls models by, and the steps of training that some were published at. Facts, no code."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import ConfigError

_PYTHIA = {
    "70m": "19m", "160m": "125m", "410m": "350m", "1b": "800m", "1.4b": "1.3b", "2.8b": "2.7b", "6.9b": "6.7b",
    "12b": "13b",
}  # fmt: skip
"""Each size, and what it was called before embeddings were counted."""
_STANFORD = {
    "small": ("alias-gpt2-small-x21", "battlestar-gpt2-small-x49", "caprica-gpt2-small-x81",
              "darkmatter-gpt2-small-x343", "expanse-gpt2-small-x777"),
    "medium": ("arwen-gpt2-medium-x21", "beren-gpt2-medium-x49", "celebrimbor-gpt2-medium-x81",
               "durin-gpt2-medium-x343", "eowyn-gpt2-medium-x777"),
}  # fmt: skip
_STORIES = ("1M", "3M", "8M", "28M", "33M")


def _pythia() -> dict[str, str]:
    found: dict[str, str] = {}
    for now, before in _PYTHIA.items():
        for ending in ("", "-deduped", "-v0", "-deduped-v0"):
            found |= dict.fromkeys((f"pythia-{now}{ending}", f"pythia-{before}{ending}"), f"pythia-{now}{ending}")
    for seed in (1, 2, 3):
        found |= dict.fromkeys((f"pythia-160m-seed{seed}", f"pythia-125m-seed{seed}"), f"pythia-160m-seed{seed}")
    found["pythia-v0"] = "pythia-70m-v0"
    return {name: f"EleutherAI/{repository}" for name, repository in found.items()}


def _stanford() -> dict[str, str]:
    found: dict[str, str] = {}
    for size, repositories in _STANFORD.items():
        for letter, repository in zip("abcde", repositories, strict=True):
            names = (repository, f"gpt2-stanford-{size}-{letter}", f"gpt2-mistral-{size}-{letter}")
            found |= dict.fromkeys(names, f"stanford-crfm/{repository}")
    return found


def _stories() -> dict[str, str]:
    found = {f"tiny-stories-{size}": f"TinyStories-{size}" for size in _STORIES}
    found |= {f"tiny-stories-instruct-{size}": f"TinyStories-Instruct-{size}" for size in _STORIES}
    found |= {"tiny-stories-1L-21M": "TinyStories-1Layer-21M", "tiny-stories-2L-33M": "TinyStories-2Layers-33M"}
    # The first of these repositories is spelled so.
    found |= {"tiny-stories-instruct-1L-21M": "TinyStories-Instuct-1Layer-21M"}
    found |= {"tiny-stories-instruct-2L-33M": "TinyStories-Instruct-2Layers-33M"}
    return {name.lower(): f"roneneldan/{repository}" for name, repository in found.items()}


OLDER_NAMES: Mapping[str, str] = {
    **_pythia(),
    **_stanford(),
    **_stories(),
    **dict.fromkeys(("distillgpt2", "distill-gpt2", "gpt2-xs"), "distilbert/distilgpt2"),
    **dict.fromkeys(("neo", "neo-small"), "EleutherAI/gpt-neo-125m"),
    **dict.fromkeys(("gpt-neo-medium", "neo-medium"), "EleutherAI/gpt-neo-1.3B"),
    **dict.fromkeys(("gpt-neo-large", "neo-large"), "EleutherAI/gpt-neo-2.7B"),
    "gptj": "EleutherAI/gpt-j-6b",
    "neox": "EleutherAI/gpt-neox-20b",
    **dict.fromkeys(("opt", "opt-small"), "facebook/opt-125m"),
    **{
        f"opt-{name}": f"facebook/opt-{size}"
        for name, size in (
            ("medium", "1.3b"), ("large", "2.7b"), ("xl", "6.7b"), ("xxl", "13b"), ("xxxl", "30b"), ("xxxxl", "66b"),
        )
    },
    "mixtral-instruct": "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "mixtral-8x7b-instruct": "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "mistral-nemo-base-2407": "mistralai/Mistral-Nemo-Base-2407",
    "meta-llama-2-70b-chat-hf": "meta-llama/Llama-2-70b-chat-hf",
    "codellamallama-2-7b": "codellama/CodeLlama-7b-hf",
    "codellama-7b-python": "codellama/CodeLlama-7b-Python-hf",
    "codellama-7b-instruct": "codellama/CodeLlama-7b-Instruct-hf",
    **{name.lower(): f"01-ai/{name}" for name in ("Yi-6B", "Yi-34B", "Yi-6B-Chat", "Yi-34B-Chat")},
    **{
        f"qwen2.5-{size}{ending}".lower(): f"Qwen/Qwen2.5-{size}{ending}"
        for size in ("32B", "72B")
        for ending in ("", "-Instruct")
    },
    **{
        f"qwen1.5-{size}{ending}".lower(): f"Qwen/Qwen1.5-{size}{ending}"
        for size in ("0.5B", "1.8B", "4B", "7B", "14B")
        for ending in ("", "-Chat")
    },
    "qwen-32b-preview": "Qwen/QwQ-32B-Preview",
    "qwen3-0.6b-base": "Qwen/Qwen3-0.6B-Base",
}  # fmt: skip
"""Name, in small letters → ORG/NAME."""

TOY_ENDINGS = ("-new", "-c4-code", "-old", "-pile")
"""What may follow the name of a toy that is published as a pickle."""

_PYTHIA_STEPS = (0, *(2**power for power in range(10)), *range(1000, 143_001, 1000))
_STANFORD_STEPS = (*range(0, 100, 10), *range(100, 2000, 50), *range(2000, 20_000, 100), *range(20_000, 400_001, 1000))


def checkpoint_steps(repository: str) -> tuple[tuple[int, ...], str]:
    """The steps of training that a repository has as revisions, and how one is spelled: "step{}". Raises ConfigError
    for one that is not known to have any.
    """
    name = repository.rpartition("/")[2].lower()
    if re.match(r"pythia-\d", name):
        return (_PYTHIA_STEPS if not name.endswith("-v0") else _PYTHIA_STEPS[11:]), "step{}"
    if repository.startswith("stanford-crfm/"):
        return _STANFORD_STEPS, "checkpoint-{}"
    raise ConfigError(
        f"{repository} is not known to have steps of its training as revisions; Pythia and Stanford's GPT-2 have. "
        "Another repository's are asked for as revision=…"
    )


def checkpoint_revision(repository: str, index: int | None, value: int | None) -> str:
    """The revision of one step: the `index`-th, or that which is called `value`. Raises ConfigError."""
    steps, spelled = checkpoint_steps(repository)
    if index is not None and value is not None:
        raise ConfigError("checkpoint_index and checkpoint_value were both given; one says which step is meant")
    if index is not None:
        if not -len(steps) <= index < len(steps):
            raise ConfigError(f"checkpoint_index is {index}; {repository} has {len(steps)} steps")
        return spelled.format(steps[index])
    if value not in steps:
        closest = min(steps, key=lambda step: abs(step - (value or 0)))
        raise ConfigError(f"checkpoint_value is {value}; {repository} has no such step. The closest is {closest}")
    return spelled.format(value)
