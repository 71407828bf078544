"""Terminal views of a model's description, of fetched models, and of `rung doctor`."""

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
    "shortformer": "learned, added to query and key inputs (shortformer)",
    "rotary": "rotary: queries and keys are rotated by position",
    "alibi": "ALiBi: a linear bias raises the scores of later keys",
    None: "none",
}
_NORMS = {"LN": "LayerNorm", "LNPre": "LayerNorm", "RMS": "RMSNorm", "RMSPre": "RMSNorm"}
_PLACES = {"pre": "before each sublayer", "post": "after each sublayer", "both": "before and after each sublayer"}
_WHOSE = {"head": "each head's", "heads": "all heads'"}
_PROCESSES = {
    "fold_ln": "norm weights folded in",
    "center_writing_weights": "weights that write to the stream centred",
    "center_unembed": "unembedding centred",
    "fold_value_biases": "value biases moved to b_O",
    "refactor_factored_attn_matrices": "factors of each head's QK and OV balanced",
}


def model_view(found: Inspection, width: int) -> RenderableType:
    """A summary of a model."""
    rows = [
        *model_facts(found),
        ("hooks", f"{len(found.hooks)}, listed by --hooks; --hook NAME explains one"),
        ("weights", f"{len(found.weights)} kinds, listed by --weights"),
    ]
    return Group(heading(found.config.model_name), Text(), facts(rows))


def model_facts(found: Inspection) -> list[tuple[str, str]]:
    """What a model is, a row a fact."""
    config = found.config
    return [
        ("family", config.family),
        ("parameters", f"{config.n_params:,}"),
        ("layers", _layers(config)),
        ("residual", f"d_model {config.d_model}"),
        ("MLP", _mlp(config)),
        ("norm", _norm(config)),
        ("positions", f"{_POSITIONS[config.positional_embedding_type]}; context of {config.n_ctx:,} tokens"),
        *([("windows", _windows(config.windows))] if config.windows else []),
        *([("no positions", _unrotated(config))] if config.unrotated_layers else []),
        *([("scaling", "; ".join(_scaling(config)))] if _scaling(config) else []),
        (
            "vocabulary",
            f"{config.d_vocab:,} tokens{', embedding and unembedding tied' if config.tied_embeddings else ''}",
        ),
        ("tokenizer", _tokenizer(found)),
        ("begins with", _first(config)),
        ("biases", f"{len(config.biases)} kinds" if config.biases else "none"),
        (
            "processing",
            ", ".join(_PROCESSES.get(name, name) for name in config.processing) or "none: weights as stored",
        ),
        *(("note", text) for text in config.notes),
    ]


def hooks_view(hooks: Sequence[HookFacts], width: int) -> RenderableType:
    """Hook names with shapes and meanings."""
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
    starred = [Text(), note("* computed only when requested by name")] if any(h.on_request for h in hooks) else []
    return Group(listed, *starred)


def weights_view(found: Inspection, width: int) -> RenderableType:
    """Weight names and shapes; {l} is the layer."""
    rows = [(name, " × ".join(f"{length:,}" for length in shape)) for name, shape in found.weights.items()]
    layers = [Text(), note(f"{{l}}: each layer, 0 to {found.config.n_layers - 1}")] if found.config.n_layers else []
    return Group(facts(rows), *layers)


def doctor_view(found: Diagnosis, width: int) -> RenderableType:
    """Every check with its outcome, what was found, and advice."""
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
    """Where a fetched model is stored, its size, and a next command."""
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    size = sum(file.stat().st_size for file in files) / 1e6
    return Group(
        heading(f"Fetched {name}; it needs no network from now on."),
        Text(),
        facts([("where", str(path)), ("size", f"{size:,.0f} MB"), ("next", f"rung prove induction --model {name}")]),
    )


def sources_view(
    fetched: Sequence[str], others: Mapping[str, str], families: Sequence[Family], width: int
) -> RenderableType:
    """Fetched models, models that can be fetched, and the checkpoint formats that Rung reads."""
    here = [heading("Fetched: no network needed"), *map(Text, fetched), Text()] if fetched else []
    there = [(f"rung fetch {name}", what) for name, what in others.items()]
    there.append(("rung fetch ORG/NAME", "a repository of the Hugging Face hub, or its short name: gpt2-small"))
    read = [(family.name, " · ".join((", ".join(family.model_types), *_example(family)))) for family in families]
    return Group(
        Text(), *here, heading("Available to fetch"), facts(there), Text(),
        heading("What Rung reads"),
        note("folders of config.json and safetensors, or hub repositories, by the model_type in config.json; GGUF of "
             + ", ".join(ARCHITECTURES)),
        facts(read),
    )  # fmt: skip


def formats_view(formats: Mapping[str, str]) -> RenderableType:
    """What the formats of --json hold, by name."""
    return Group(
        heading("Formats of --json: rung schema NAME"),
        facts(list(formats.items())),
        Text(),
        note("each output names its format, “rung NAME”, and its version"),
    )


def _example(family: Family) -> tuple[str, ...]:
    found = [EXAMPLES[kind] for kind in family.model_types if kind in EXAMPLES]
    return (f"such as {', '.join(found)}",) if found else ()


def _meaning(hook: HookFacts) -> str:
    return f"{hook.meaning} *" if hook.on_request else hook.meaning


def _layers(config: ModelConfig) -> str:
    if not config.n_layers:
        return "0: embedding and unembedding only"
    shared = f", {config.n_kv} shared key/value heads" if config.grouped else ""
    if config.latent is not None:
        shared = f", {config.d_v} for values, keys and values from {config.latent.kv_rank} coordinates"
    parallel = ", attention and MLP in parallel" if config.parallel_attn_mlp else ""
    return f"{config.n_layers} × {config.n_heads} heads, d_head {config.d_head}{shared}{parallel}"


def _mlp(config: ModelConfig) -> str:
    if config.d_mlp is None:
        return "none: attention only"
    act = f"{config.act_fn}{', gated' if config.gated_mlp else ''}"
    if config.n_experts is None:
        return f"{config.d_mlp:,} neurons per layer, {act}"
    shared = f"; a shared expert of {config.d_mlp_shared:,} neurons for every token" if config.d_mlp_shared else ""
    groups = (
        f", from {config.expert_groups_per_token} of {config.n_expert_groups} groups" if config.n_expert_groups else ""
    )
    chosen = f"{config.experts_per_token} of {config.n_experts} experts for each token{groups}"
    without = (
        f"; {len(config.dense_layers)} of {config.n_layers} layers have {config.d_mlp_dense} neurons and no experts"
    )
    dense = without if config.dense_layers else ""
    return f"{chosen}, {config.d_mlp:,} neurons each, {act}{shared}{dense}"


def _norm(config: ModelConfig) -> str:
    if config.normalization_type is None:
        return "none"
    where = [f"{_PLACES[config.norm_placement]} and at the end"]
    where += ["over embeddings"] if config.post_embedding_ln else []
    if config.qk_norm is not None:
        where.append(f"over {_WHOSE[config.qk_norm]} queries and keys")
    folded = ", weights folded into the matrices that read it" if config.normalization_type.endswith("Pre") else ""
    return f"{_NORMS[config.normalization_type]} {', '.join(where)}{folded}"


def _unrotated(config: ModelConfig) -> str:
    return f"{len(config.unrotated_layers)} of {config.n_layers} layers turn neither queries nor keys"


def _windows(windows: Sequence[int | None]) -> str:
    """How many layers have a sliding window, and its size."""
    narrow = [size for size in windows if size is not None]
    sizes = " or ".join(f"{size:,}" for size in sorted(set(narrow)))
    return f"{len(narrow)} of {len(windows)} layers attend to the last {sizes} tokens, the current one included"


def _scaling(config: ModelConfig) -> list[str]:
    """The soft caps, clamps and scale factors of a model."""
    caps = {
        "scores soft-capped at": config.attn_scores_soft_cap,
        "logits soft-capped at": config.output_logits_soft_cap,
        "queries, keys and values clamped at": config.clip_qkv,
    }
    factors = {"embeddings": config.embed_scale, "logits": config.logit_scale}
    found = [f"{what} ±{value:g}" for what, value in caps.items() if value is not None]
    return found + [f"{what} times {value:g}" for what, value in factors.items() if value != 1]


def _tokenizer(found: Inspection) -> str:
    if found.tokenizer is None:
        return "none: give token ids instead of text"
    special = [f"{name} {printable(text)} = {index}" for name, (index, text) in found.tokenizer.special.items()]
    return "; ".join([f"{found.tokenizer.size:,} tokens", *special])


def _first(config: ModelConfig) -> str:
    if config.bos_token_id is None:
        return "nothing: the model has no BOS"
    if config.default_prepend_bos:
        return f"BOS, token {config.bos_token_id}, prepended to every text by default"
    return f"nothing by default; BOS is token {config.bos_token_id}"
