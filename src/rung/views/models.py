"""What a model is, and whether Rung can work here, in words."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..config import ModelConfig
from ..families.rules import Family
from ..methods.diagnosis import Diagnosis
from ..methods.inspection import HookFacts, Inspection
from ..model.catalog import EXAMPLES
from ..model.gguf import ARCHITECTURES
from .terminal import facts, heading, note, printable

_POSITIONS = {
    "standard": "learned, added to the residual stream",
    "sinusoidal": "sinusoidal, added to the residual stream",
    "shortformer": "learned, added to what queries and keys read (shortformer)",
    "rotary": "rotary: queries and keys are turned",
    "alibi": "slopes: later keys score higher (alibi)",
    None: "none",
}
_NORMS = {"LN": "LayerNorm", "LNPre": "LayerNorm", "RMS": "RMSNorm", "RMSPre": "RMSNorm"}
_PLACES = {"pre": "before each part", "post": "behind each part", "both": "before and behind each part"}
_WHOSE = {"head": "each head's", "heads": "all heads'"}
_PROCESSES = {
    "fold_ln": "norm weights folded in",
    "center_writing_weights": "what writes to the stream centred",
    "center_unembed": "unembedding centred",
    "fold_value_biases": "value biases moved to b_O",
    "refactor_factored_attn_matrices": "each head's products shared evenly by their factors",
}


def model_view(found: Inspection, width: int) -> RenderableType:
    """What a model is, in a dozen lines."""
    config = found.config
    rows = [
        ("family", config.family),
        ("parameters", f"{config.n_params:,}"),
        ("layers", _layers(config)),
        ("residual", f"{config.d_model} wide"),
        ("MLP", _mlp(config)),
        ("norm", _norm(config)),
        ("positions", f"{_POSITIONS[config.positional_embedding_type]}; context of {config.n_ctx:,} tokens"),
        *([("windows", _windows(config.windows))] if config.windows else []),
        *([("no positions", _unrotated(config))] if config.unrotated_layers else []),
        *([("besides", "; ".join(_besides(config)))] if _besides(config) else []),
        (
            "vocabulary",
            f"{config.d_vocab:,} tokens{', embedding and unembedding tied' if config.tied_embeddings else ''}",
        ),
        ("tokenizer", _tokenizer(found)),
        ("begins with", _first(config)),
        ("biases", f"{len(config.biases)} kinds" if config.biases else "none"),
        ("processing", ", ".join(_PROCESSES.get(name, name) for name in config.processing) or "none: weights as saved"),
        *(("note", text) for text in config.notes),
        ("hooks", f"{len(found.hooks)}, listed by --hooks, one explained by --hook NAME"),
        ("weights", f"{len(found.weights)} kinds, listed by --weights"),
    ]
    return Group(heading(config.model_name), Text(), facts(rows))


def hooks_view(hooks: Sequence[HookFacts], width: int) -> RenderableType:
    """Hook names with shapes and meanings, one layer standing for all."""
    if width >= 110:
        listed = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for title in ("hook", "shape", "meaning"):
            listed.add_column(title, no_wrap=title != "meaning", style="bold" if title == "hook" else "")
        for hook in hooks:
            listed.add_row(*map(Text, (hook.name, hook.shape, _meaning(hook))))
    else:
        listed = Table.grid()
        for hook in hooks:
            listed.add_row(Text(hook.name, style="bold"))
            listed.add_row(Padding(Text(f"{hook.shape}  {_meaning(hook)}"), (0, 0, 0, 2)))
    starred = [Text(), note("* computed only when asked for by name")] if any(h.on_request for h in hooks) else []
    return Group(listed, *starred)


def weights_view(found: Inspection, width: int) -> RenderableType:
    """Weight names and shapes; {l} is the layer."""
    rows = [(name, " × ".join(f"{length:,}" for length in shape)) for name, shape in found.weights.items()]
    layers = [Text(), note(f"{{l}}: each layer, 0 to {found.config.n_layers - 1}")] if found.config.n_layers else []
    return Group(facts(rows), *layers)


def doctor_view(found: Diagnosis, width: int) -> RenderableType:
    """Every check with its outcome in a word, and what to do."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    marks = {"ok": ("✓ ok", "green"), "note": ("– note", "yellow"), "fault": ("✗ fault", "bold red")}
    for check in found.checks:
        word, style = marks[check.outcome]
        text = f"{check.found}\n→ {check.advice}" if check.advice else check.found
        table.add_row(Text(check.name), Text(word, style=style), Text(text))
    faults = sum(check.outcome == "fault" for check in found.checks)
    end = "Rung can work here." if found.ok else f"{faults} fault{'s' if faults > 1 else ''}: see the arrows."
    return Group(table, Text(), Text(end, style="bold"))


def fetched_view(name: str, path: Path, width: int) -> RenderableType:
    """That a model is here, where, and what to do with it."""
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    size = sum(file.stat().st_size for file in files) / 1e6
    return Group(
        heading(f"{name} is here; it needs no network from now on."),
        Text(),
        facts([("where", str(path)), ("size", f"{size:,.0f} MB"), ("next", f"rung prove induction --model {name}")]),
    )


def sources_view(
    fetched: Sequence[str], others: Mapping[str, str], families: Sequence[Family], width: int
) -> RenderableType:
    """Models that were brought here, those that one command brings, and the checkpoints that can be read at all."""
    here = [heading("Fetched: no network needed"), *map(Text, fetched), Text()] if fetched else []
    there = [(f"rung fetch {name}", what) for name, what in others.items()]
    there.append(("rung fetch ORG/NAME", "a repository of the Hugging Face hub, or its short name: gpt2-small"))
    read = [(family.name, " · ".join((", ".join(family.model_types), *_example(family)))) for family in families]
    return Group(
        Text(), *here, heading("To fetch, once"), facts(there), Text(),
        heading("What Rung reads"),
        note("folders of config.json and safetensors, or hub repositories, by the model_type in config.json; GGUF of "
             + ", ".join(ARCHITECTURES)),
        facts(read),
    )  # fmt: skip


def _example(family: Family) -> tuple[str, ...]:
    found = [EXAMPLES[kind] for kind in family.model_types if kind in EXAMPLES]
    return (f"such as {', '.join(found)}",) if found else ()


def _meaning(hook: HookFacts) -> str:
    return f"{hook.meaning} *" if hook.on_request else hook.meaning


def _layers(config: ModelConfig) -> str:
    if not config.n_layers:
        return "0: embedding and unembedding alone"
    shared = f", {config.n_kv} shared key/value heads" if config.grouped else ""
    beside = ", attention and MLP side by side" if config.parallel_attn_mlp else ""
    return f"{config.n_layers} × {config.n_heads} heads, each {config.d_head} wide{shared}{beside}"


def _mlp(config: ModelConfig) -> str:
    if config.d_mlp is None:
        return "none: attention only"
    act = f"{config.act_fn}{', gated' if config.gated_mlp else ''}"
    if config.n_experts is None:
        return f"{config.d_mlp:,} neurons a layer, {act}"
    shared = f"; one of {config.d_mlp_shared:,} neurons for every token" if config.d_mlp_shared else ""
    chosen = f"{config.experts_per_token} of {config.n_experts} experts for each token"
    return f"{chosen}, {config.d_mlp:,} neurons each, {act}{shared}"


def _norm(config: ModelConfig) -> str:
    if config.normalization_type is None:
        return "none"
    where = [f"{_PLACES[config.norm_placement]} and at the end"]
    where += ["over embeddings"] if config.post_embedding_ln else []
    if config.qk_norm is not None:
        where.append(f"over {_WHOSE[config.qk_norm]} queries and keys")
    folded = ", weights folded into what reads it" if config.normalization_type.endswith("Pre") else ""
    return f"{_NORMS[config.normalization_type]} {', '.join(where)}{folded}"


def _unrotated(config: ModelConfig) -> str:
    return f"{len(config.unrotated_layers)} of {config.n_layers} layers turn neither queries nor keys"


def _windows(windows: Sequence[int | None]) -> str:
    """How far back the layers see that do not see everything."""
    narrow = [size for size in windows if size is not None]
    sizes = " or ".join(f"{size:,}" for size in sorted(set(narrow)))
    return f"{len(narrow)} of {len(windows)} layers see {sizes} tokens, the last one included"


def _besides(config: ModelConfig) -> list[str]:
    """Caps, cut-offs and factors, where there are any."""
    caps = {
        "scores capped at": config.attn_scores_soft_cap,
        "logits capped at": config.output_logits_soft_cap,
        "queries, keys and values cut off at": config.clip_qkv,
    }
    factors = {"embeddings": config.embed_scale, "logits": config.logit_scale}
    found = [f"{what} ±{value:g}" for what, value in caps.items() if value is not None]
    return found + [f"{what} times {value:g}" for what, value in factors.items() if value != 1]


def _tokenizer(found: Inspection) -> str:
    if found.tokenizer is None:
        return "none: token ids stand for text"
    special = [f"{name} {printable(text)} = {index}" for name, (index, text) in found.tokenizer.special.items()]
    return "; ".join([f"{found.tokenizer.size:,} tokens", *special])


def _first(config: ModelConfig) -> str:
    if config.bos_token_id is None:
        return "nothing: no BOS is known"
    if config.default_prepend_bos:
        return f"BOS, token {config.bos_token_id}, put before every text unless told otherwise"
    return f"nothing, unless BOS, token {config.bos_token_id}, is asked for"
