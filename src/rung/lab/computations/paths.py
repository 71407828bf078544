"""Section 3: the next token with the direct path or attention switched off, beside a model without layers."""

from __future__ import annotations

import msgspec
import torch
from torch import Tensor

from ...methods.direct_path import PathSplit, learned_bigrams, split_paths
from ...model.model import HookedTransformer
from ...tasks.builtin import ordinary_tokens, repeated_tokens
from ..computation import (
    DEFAULT_MODEL,
    MOST_TOKENS,
    Answer,
    Ask,
    Computation,
    Job,
    Lab,
    check_at_most,
    computation,
    text_tokens,
)

LAYERLESS = "zero-layer"
TOP = 6
"""Most likely tokens of each variant; the figure shows those of all variants."""


class NextAsk(Ask, frozen=True, kw_only=True):
    """The token after a text; or, with no text, after the second A of random tokens `A B … A`."""

    model: str = DEFAULT_MODEL
    text: str = "The President of the United"
    length: int = 12
    seed: int = 0


class Variant(msgspec.Struct, frozen=True):
    """The prediction with some paths; probabilities and logits of `Next.candidates`, each in order."""

    name: str
    """both, no_attention, no_direct, or zero_layer: the model without layers."""
    probabilities: list[float]
    logits: list[float]
    """Less the mean logit."""
    top: int
    """The index of the most likely token among the candidates."""
    loss: float
    """−log p of the target, in nats."""


class Part(msgspec.Struct, frozen=True):
    """What one path adds to the target's logit."""

    label: str
    """direct, 0.attn, 0.mlp, …, biases."""
    logit: float


class Next(Answer, frozen=True, kw_only=True):
    """The next token with both paths, with either off, and by a model without layers."""

    tokens: list[str]
    query: int
    kind: str
    """bigram: a text; repeat: random tokens twice."""
    source: int | None
    """For a repeat: the position of the target in the first copy."""
    target: str
    """For a repeat the token that followed before; for a text the one that both paths expect."""
    target_index: int
    candidates: list[str]
    candidate_ids: list[int]
    variants: list[Variant]
    parts: list[Part]
    """They sum to the target's logit, all less the mean logit."""
    logit: float
    residual: float
    layerless: bool
    """Whether the model without layers reads the same tokens, so that it is among the variants."""


class BigramsAsk(Ask, frozen=True, kw_only=True):
    """The bigrams that a model without attention is surest of."""

    model: str = LAYERLESS
    count: int = 12


class BigramItem(msgspec.Struct, frozen=True):
    """A word and the word that is expected after it."""

    first: str
    second: str
    probability: float


class Bigrams(Answer, frozen=True, kw_only=True):
    """Bigrams of whole words, the surest first."""

    model: str
    bigrams: list[BigramItem]
    story: bool
    """Whether " New" and " York" are tokens of this model."""


@computation("paths.next")
def following(lab: Lab, ask: NextAsk, job: Job) -> Next:
    """The next token's distribution by path."""
    model = lab.model(ask.model)
    tokens, query, target, source = _prompt(model, ask)
    job.progress("each path's part", 0, 2)
    found = split_paths(model, tokens, query)
    target = int(found.both[0].argmax()) if target is None else target
    logits = {"both": found.both, "no_attention": found.without_attention, "no_direct": found.without_direct}
    layerless = lab.model(LAYERLESS)
    same = ask.model != LAYERLESS and _reads_alike(model, layerless, tokens)
    if same:
        job.progress("the model without layers", 1, 2)
        with torch.no_grad():
            logits["zero_layer"] = layerless(tokens)[:, query]
    candidates = _candidates([each[0] for each in logits.values()], target)
    return Next(
        tokens=[model.token_text(token) for token in tokens[0].tolist()],
        query=query,
        kind="repeat" if source is not None else "bigram",
        source=source,
        target=model.token_text(target),
        target_index=candidates.index(target),
        candidates=[model.token_text(token) for token in candidates],
        candidate_ids=candidates,
        variants=[_variant(name, each[0], candidates, target) for name, each in logits.items()],
        parts=_parts(found, target),
        logit=float(_centred(found.parts.sum(0)[0])[target]),
        residual=float(found.residual.abs().max()),
        layerless=same,
    )


@computation("paths.bigrams")
def bigrams(lab: Lab, ask: BigramsAsk, job: Job) -> Bigrams:
    """The bigrams of whole words that the direct path learned."""
    check_at_most("bigrams", ask.count, 100)
    model = lab.model(ask.model)
    words = [token for token in ordinary_tokens(model.config, model.tokenizer).tolist() if _is_word(model, token)]
    job.progress("every token by itself", 0, 1)
    found = lab.keep(
        f"paths.bigrams {ask.model}", lambda: learned_bigrams(model, 100, torch.tensor(words, dtype=torch.long))
    )
    texts = {model.token_text(token) for token in words}
    items = [BigramItem(model.token_text(one.first), model.token_text(one.second), one.probability) for one in found]
    return Bigrams(model=ask.model, bigrams=items[: ask.count], story={" New", " York"} <= texts)


def _prompt(model: HookedTransformer, ask: NextAsk) -> tuple[Tensor, int, int | None, int | None]:
    """Tokens, the query, and for a repeat the token asked for and its position in the first copy."""
    if ask.text.strip():
        tokens = text_tokens(model, ask.text)
        return tokens, tokens.shape[1] - 1, None, None
    check_at_most("tokens a copy", ask.length, MOST_TOKENS // 2)
    task = repeated_tokens(model, period=ask.length, sequences=1, seed=ask.seed)
    query = task.second + task.period // 2
    source = query + 1 - task.period
    return task.tokens[:, : query + 1], query, int(task.tokens[0, source]), source


def _reads_alike(model: HookedTransformer, other: HookedTransformer, tokens: Tensor) -> bool:
    """Whether the same ids are the same texts for both, and the predictions of one size."""
    if model.config.n_out != other.config.n_out or model.tokenizer is None or other.tokenizer is None:
        return False
    return len(model.tokenizer) == len(other.tokenizer) and all(
        model.token_text(token) == other.token_text(token) for token in range(model.config.n_out)
    )


def _candidates(logits: list[Tensor], target: int) -> list[int]:
    """The target, and the most likely tokens of each variant."""
    chosen = dict.fromkeys([target])
    for each in logits:
        chosen |= dict.fromkeys(each.topk(TOP).indices.tolist())
    return list(chosen)


def _variant(name: str, logits: Tensor, candidates: list[int], target: int) -> Variant:
    chances, centred = logits.double().log_softmax(-1), _centred(logits.double())
    return Variant(
        name,
        chances[candidates].exp().tolist(),
        centred[candidates].tolist(),
        candidates.index(int(logits.argmax())),
        -float(chances[target]),
    )


def _centred(logits: Tensor) -> Tensor:
    return logits - logits.mean(-1, keepdim=True)


def _parts(found: PathSplit, target: int) -> list[Part]:
    values = _centred(found.parts[:, 0])[:, target].tolist()
    # A model without biases has none to show.
    return [
        Part(label, value)
        for label, value in zip(found.labels, values, strict=True)
        if label != "biases" or bool(found.parts[-1].any())
    ]


def _is_word(model: HookedTransformer, token: int) -> bool:
    text = model.token_text(token)
    return text.startswith(" ") and text[1:].isalpha() and len(text) > 2


COMPUTATIONS: tuple[Computation, ...] = (following, bigrams)
