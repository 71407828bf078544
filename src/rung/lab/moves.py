"""The five notebook moves: code that stands here, is shown on the page, runs on the server and becomes a notebook.

A page sends the name of a move, never code.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import RungError, near


@dataclass(frozen=True)
class Move:
    """A few cells of code, each after a sentence."""

    name: str
    title: str
    cells: tuple[tuple[str, str], ...]
    """(what it does, its code)."""

    @property
    def source(self) -> str:
        """The code of all cells as one script, each sentence as a comment."""
        return "\n\n".join(f"# {said}\n{code}" for said, code in self.cells) + "\n"


LOAD = Move(
    "load",
    "Load a model and inspect it",
    (
        (
            "A bundled model: no download.",
            """from rung import HookedTransformer

model = HookedTransformer.from_pretrained("two-layer")
print(model.config.n_layers, "layers,", model.config.n_heads, "heads,", model.config.d_vocab, "tokens")""",
        ),
        (
            "Text becomes tokens; the first one is put there by the tokenizer.",
            """print(model.to_str_tokens("The cat sat on the mat."))""",
        ),
        (
            "Every place of the forward pass that you may look at has a name.",
            """for name in list(model.hook_dict)[:6]:
    print(name)
print(len(model.hook_dict), "hook points")""",
        ),
        (
            "Weights have names too. W_OV is kept as two factors.",
            """print("W_Q", tuple(model.W_Q.shape), "[layer, head, d_model, d_head]")
print("W_OV of 1.0", tuple(model.OV[1, 0].shape))""",
        ),
    ),
)

CACHE = Move(
    "cache",
    "Cache a run and look",
    (
        (
            "Ten random tokens, twice. One run keeps every activation.",
            """from rung import HookedTransformer
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("two-layer")
task = repeated_tokens(model, period=10, sequences=1, seed=0)
logits, cache = model.run_with_cache(task.tokens)
print(len(cache), "activations, logits", tuple(logits.shape))""",
        ),
        (
            "A pattern is [batch, head, query, key], and each row sums to 1.",
            """pattern = cache["pattern", 1][0]
print(tuple(pattern.shape), f"rows sum to {pattern.sum(-1).mean():.4f}")""",
        ),
        (
            "Where does head 1.0 look from each query of the second copy? At the token after the earlier match.",
            """for query in range(task.second, task.second + 5):
    key = int(pattern[0, query].argmax())
    print(f"query {query} looks at {key}, {query - key} back, with {pattern[0, query, key]:.2f}")""",
        ),
        (
            "The loss says whether it helps.",
            """loss = model.loss_fn(logits, task.tokens, per_token=True)[0]
print(f"first copy {loss[1:10].mean():.2f} nats, second copy {loss[11:].mean():.2f} nats")""",
        ),
    ),
)

FIND = Move(
    "find",
    "Find both kinds of head on repeated random tokens",
    (
        (
            "The task, and the same lengths without repetition as the control.",
            """from rung import HookedTransformer
from rung.methods.patterns import head_scores
from rung.tasks.builtin import repeated_tokens, unrepeated_tokens

model = HookedTransformer.from_pretrained("two-layer")
task = repeated_tokens(model, period=20, sequences=16, seed=0)
scores, control = head_scores(model, task), head_scores(model, unrepeated_tokens(model, task))""",
        ),
        (
            "Every head, by both signatures. A score without its control says little.",
            """for layer, row in enumerate(scores.labels):
    for head, label in enumerate(row):
        one_back, stripe = (float(scores[name][layer, head]) for name in ("previous_token", "induction"))
        print(f"{label}  previous-token {one_back:.2f}  induction {stripe:.2f} "
              f"(unrepeated {float(control['induction'][layer, head]):.2f})")""",
        ),
        (
            "The best of each kind: a clue, no more.",
            """for name in ("previous_token", "induction"):
    layer, head = scores.ranked(by=name)[0]
    print(f"{name}: {layer}.{head}")""",
        ),
    ),
)

HOOK = Move(
    "hook",
    "Hook to observe, ablate, replace",
    (
        (
            "The metric: the loss of the second copy, which the first copy predicts.",
            """from rung import HookedTransformer
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("two-layer")
task = repeated_tokens(model, period=20, sequences=16, seed=0)
other = repeated_tokens(model, period=20, sequences=16, seed=1)


def second_copy(logits):
    return model.loss_fn(logits, task.tokens, per_token=True)[:, task.predictable].mean().item()


clean = second_copy(model(task.tokens))
print(f"clean {clean:.2f} nats")""",
        ),
        (
            "Observe: a hook that returns nothing changes nothing.",
            """seen = []
model.run_with_hooks(task.tokens, fwd_hooks=[("blocks.1.attn.hook_z", lambda z, hook: seen.append(z.shape))])
print("hook_z is", tuple(seen[0]), "[batch, pos, head, d_head]")""",
        ),
        (
            "Ablate: one head at a time, by the mean over other sequences.",
            """def ablate(head):
    mean = others["z", 1][:, :, head].mean(0)

    def hook_function(z, hook):
        z[:, :, head] = mean
        return z

    return second_copy(model.run_with_hooks(task.tokens, fwd_hooks=[("blocks.1.attn.hook_z", hook_function)]))


others = model.run_with_cache(other.tokens)[1]
for head in range(model.config.n_heads):
    print(f"1.{head} ablated: {ablate(head) - clean:+.3f} nats")""",
        ),
        (
            "Replace: head 1.0's output from the other sequences. The model now says the other sequence's token.",
            """def from_other(z, hook):
    z[:, :, 0] = others["z", 1][:, :, 0]
    return z


says = model.run_with_hooks(task.tokens, fwd_hooks=[("blocks.1.attn.hook_z", from_other)]).argmax(-1)
queries = task.predictable
own, their = (tokens[:, queries.start + 1 : queries.stop + 1] for tokens in (task.tokens, other.tokens))
print(f"says its own token {float((says[:, queries] == own).float().mean()):.0%}, "
      f"the other sequence's {float((says[:, queries] == their).float().mean()):.0%}")""",
        ),
    ),
)

WEIGHTS = Move(
    "weights",
    "Attribute, then read QK, OV and composition",
    (
        (
            "Which head pushes the right token? The parts sum to the whole.",
            """from rung import HookedTransformer
from rung.circuits.composition import composition, routed_diagonal
from rung.circuits.heads import ov_copying, qk_diagonal
from rung.methods.attribution import attribute_logits
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("two-layer")
task = repeated_tokens(model, period=20, sequences=16, seed=0)
queries = range(*task.predictable.indices(task.tokens.shape[1]))
found = attribute_logits(model, task.tokens, task.tokens[:, queries.start + 1 : queries.stop + 1], queries=queries)
for label, value in zip(found.labels, found.values.mean((1, 2)).tolist()):
    print(f"{label:9} {value:+.2f}")
print(f"largest error of the sum {float(found.residual.abs().max()):.0e}")""",
        ),
        (
            "OV: for how many tokens does attending to a token raise that token most?",
            """for head in range(model.config.n_heads):
    print(f"1.{head} OV copies {ov_copying(model, (1, head)).share:.1%}")""",
        ),
        (
            "QK: head 1.0 does not match tokens by itself; it matches what head 0.0 wrote.",
            """print(f"1.0 alone matches {qk_diagonal(model, (1, 0)).share:.1%}")
print(f"0.0 into 1.0's keys matches {routed_diagonal(model, (0, 0), (1, 0)).share:.1%}")""",
        ),
        (
            "Composition: does 1.0 read what a head of layer 0 writes? Beside it, what random heads give.",
            """scores = composition(model)
for sender in range(model.config.n_heads):
    score = scores.score(f"0.{sender}", "1.0", "K")
    print(f"0.{sender} into 1.0's keys {score:.2f} (random heads {scores.chance:.2f})")""",
        ),
    ),
)

MOVES = (LOAD, CACHE, FIND, HOOK, WEIGHTS)


def find_move(name: str) -> Move:
    """The move of this name. Raises RungError."""
    names = [move.name for move in MOVES]
    if name not in names:
        raise RungError(f"no notebook move {name!r}; there are {', '.join(names)}.{near(name, names)}")
    return MOVES[names.index(name)]


def run_move(move: Move, before: Callable[[int], None] = lambda cell: None) -> list[str]:
    """What each cell prints, run one after another in one namespace. `before` is called with the cell's number."""
    printed: list[str] = []
    lines: list[str] = []

    def keep(*values: object, sep: str = " ", end: str = "\n") -> None:
        lines.append(sep.join(map(str, values)) + end)

    namespace: dict[str, object] = {"__name__": "__main__", "__builtins__": {**vars(builtins), "print": keep}}
    for at, (_, code) in enumerate(move.cells):
        before(at)
        lines.clear()
        exec(compile(code, f"<{move.name}, cell {at + 1}>", "exec"), namespace)
        printed.append("".join(lines))
    return printed


def notebook(move: Move) -> str:
    """The move as a Jupyter notebook (nbformat 4.5): its sentences and its code, nothing run yet."""
    cells: list[dict[str, object]] = [_cell(f"{move.name}-title", "markdown", f"# {move.title}")]
    for at, (said, code) in enumerate(move.cells, 1):
        cells += [_cell(f"{move.name}-{at}-words", "markdown", said), _cell(f"{move.name}-{at}-code", "code", code)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _cell(name: str, kind: str, text: str) -> dict[str, object]:
    cell: dict[str, object] = {"cell_type": kind, "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
