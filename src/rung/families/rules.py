"""How a checkpoint's names and layouts become ours, and proof that nothing was forgotten in either direction."""

import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import torch
from einops import repeat
from torch import Tensor

from ..config import Activation, ModelConfig, is_layered, weight_path, weight_shapes
from ..errors import CheckpointError, ConfigError, near

_REQUIRED = object()

# Bookkeeping that transformers writes into every config.json; none of it changes what a model computes.
_GENERIC = frozenset(
    (
        *("_name_or_path", "architectures", "auto_map", "model_type", "prefix", "tokenizer_class", "model_max_length"),
        *("dtype", "torch_dtype", "transformers_version", "transformers.js_config", "use_cache"),
        *("eos_token_id", "pad_token_id", "sep_token_id", "unk_token_id", "decoder_start_token_id"),
        *("id2label", "label2id", "_num_labels", "problem_type", "finetuning_task", "task_specific_params"),
        *("return_dict", "output_attentions", "output_hidden_states", "output_past", "chunk_size_feed_forward"),
        *("initializer_range", "gradient_checkpointing", "cache_implementation", "torchscript", "use_bfloat16"),
        *("_attn_implementation", "_attn_implementation_autoset", "attn_implementation", "tf_legacy_loss"),
        *("is_decoder", "tie_encoder_decoder", "cross_attention_hidden_size", "unsloth_fixed", "unsloth_version"),
        # How text is drawn when nothing else is asked for; older files keep this here.
        *("max_length", "min_length", "do_sample", "early_stopping", "num_beams", "num_beam_groups", "top_k", "top_p"),
        *("temperature", "typical_p", "diversity_penalty", "repetition_penalty", "length_penalty", "bad_words_ids"),
        *("no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "num_return_sequences", "output_scores"),
        *("return_dict_in_generate", "forced_bos_token_id", "forced_eos_token_id", "remove_invalid_values"),
        *("exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens"),
    )
)
# Keys of every config.json that change nothing at these values, and another model at others.
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "is_encoder_decoder": (False,),
    "add_cross_attention": (False,),
    "pruned_heads": ({}, None),
}


ACTIVATIONS: Mapping[str, Activation] = {
    "gelu": "gelu",
    "gelu_new": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
    "gelu_fast": "gelu_new",
    "quick_gelu": "quick_gelu",
    "relu": "relu",
    "relu2": "relu2",
    "silu": "silu",
    "swish": "silu",
}
"""transformers' names for nonlinearities, and ours."""


class Keys:
    """A config.json read key by key, so that whatever nobody understood can be named."""

    def __init__(self, values: Mapping[str, Any], family: str) -> None:
        """Raises ConfigError where the weights are not stored as numbers."""
        self._values = dict(values)
        self._unread = set(values) - _GENERIC
        self._family = family
        for name in ("quantization_config", "quantization"):
            if self.take(name, None):
                raise ConfigError(
                    f"config.json has {name}: these weights are stored as codes, and Rung reads floating-point ones. "
                    "Take the checkpoint that was quantized, or a GGUF of it"
                )

    def assume(self, **silent: Any) -> None:
        """Reads on as if the file said these, each where it says nothing; null is something."""
        self._values = silent | self._values

    def take(self, name: str, default: Any = _REQUIRED) -> Any:
        """The value of `name`. Raises ConfigError when it is absent and has no default."""
        self._unread.discard(name)
        if name in self._values:
            return self._values[name]
        if default is _REQUIRED:
            raise ConfigError(
                f"config.json has no {name!r}, which a {self._family} model needs.{near(name, self._values)}"
            )
        return default

    def put(self, name: str, value: Any) -> None:
        """Reads on as if the file said this: one section in place of several."""
        self._values[name] = value

    def size(self, name: str, default: Any = _REQUIRED, least: int = 1) -> Any:
        """A whole number; null is as good as absent where there is a default. Raises ConfigError on anything else."""
        value = self.take(name, default)
        if value is None and default is not _REQUIRED:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ConfigError(f"config.json says {name} = {value!r}; it must be a whole number of at least {least}")
        return value

    def number(self, name: str, default: Any = _REQUIRED) -> Any:
        """A number above 0; null is as good as absent where there is a default. Raises ConfigError on anything else."""
        value = self.take(name, default)
        if value is None and default is not _REQUIRED:
            return default
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= sys.float_info.max:
            raise ConfigError(f"config.json says {name} = {value!r}; it must be a finite number above 0")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """True or false. Raises ConfigError on anything else."""
        value = self.take(name, default)
        if not isinstance(value, bool):
            raise ConfigError(f"config.json says {name} = {value!r}; it must be true or false")
        return value

    def share(self, width: int, heads: int) -> int:
        """The width of one of `heads` that split `width` evenly. Raises ConfigError if they cannot."""
        if width % heads:
            raise ConfigError(f"config.json has a width of {width}, which {heads} heads cannot share evenly")
        return width // heads

    def expect(self, name: str, *harmless: Any) -> None:
        """Accepts `name` only when absent or at one of the values under which it changes nothing."""
        value = self.take(name, harmless[0])
        if value not in harmless:
            known = " or ".join(repr(h) for h in harmless)
            raise ConfigError(f"config.json says {name} = {value!r}; Rung's {self._family} reads {known} only")

    def choice(self, name: str, default: Any, known: Collection[str]) -> Any:
        """One of `known`, or null. Raises ConfigError on anything else."""
        value = self.take(name, default)
        if value is not None and value not in known:
            raise ConfigError(f"config.json says {name} = {value!r}; known are {', '.join(known)} and null")
        return value

    def activation(self, name: str, default: str) -> Activation:
        """The nonlinearity under `name`, in our spelling."""
        value = self.take(name, default)
        if not isinstance(value, str) or value not in ACTIVATIONS:
            raise ConfigError(f"config.json says {name} = {value!r}; known are {', '.join(ACTIVATIONS)}")
        return ACTIVATIONS[value]

    def ignore(self, *names: str) -> None:
        """Names that do not change what a trained model computes (dropout, initialisation)."""
        self._unread -= set(names)

    def finish(self) -> None:
        """Raises ConfigError for a key that was neither read nor known to be harmless."""
        for name in self._unread & _NEUTRAL.keys():
            self.expect(name, *_NEUTRAL[name])
        if self._unread:
            name = sorted(self._unread)[0]
            raise ConfigError(
                f"config.json has {name} = {self._values[name]!r}, which Rung's {self._family} does not understand; "
                "it could change what the model computes"
            )


class Rule(NamedTuple):
    """One checkpoint tensor: our name(s) for it, its name there, and the einops pattern from there to here.

    Axes: v vocabulary, c context, d model, h heads, k key/value heads, g heads in a group that shares one of those,
    e head width, u width of a head's values, m MLP, x experts, r neurons of the shared expert, n number of our names (a
    fused tensor splits along a leading n); with latent attention q and b coordinates that queries and that keys and
    values are made from, o those of a head that turn, p the rest. In a name, {l} is the layer; {h}, {k} and {x} stand
    for one tensor each, stacked along an axis of that name before the pattern is read.
    """

    ours: str | tuple[str, ...]
    theirs: str
    pattern: str
    split: str = ""
    """Sizes that a fused tensor's axis s splits into where its parts are unequal: "h k k", "g 1 1". An s before others
    counts heads and becomes one axis with what is before it.
    """
    plus: float = 0.0
    """Added to what the file holds: some norms hold their distance from 1."""
    times: float = 1.0
    axes: tuple[tuple[str, int], ...] = ()
    """Lengths of axes that this rule has and no other."""
    skip: int = 0
    """Rows at the beginning that no input reaches."""
    over_layer: tuple[str, ...] = ()
    """Those of our names whose weights are divided by the layer's number, counted from 1."""
    routed: bool | None = None
    """True: of layers with experts; False: of the other layers of such a model; None: of all."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.ours,) if isinstance(self.ours, str) else self.ours


ReadConfig = Callable[[Keys, Collection[str]], ModelConfig]


@dataclass(frozen=True)
class Family:
    """A checkpoint layout. `read_config` gets the config's keys and the names of the tensors that are there."""

    name: str
    model_types: tuple[str, ...]
    read_config: ReadConfig
    rules: tuple[Rule, ...] | Callable[[ModelConfig, Collection[str]], tuple[Rule, ...]]
    """A table, or what chooses one by the config and the names of the tensors that are there."""
    prefix: str = ""
    """Stands before every name in files written by some classes and not by others."""
    ignorable: tuple[str, ...] = field(default=())
    """Patterns of tensors that are left out: masks, rotary tables, what sees images. {end} is the number of layers."""
    tied_copy: str | None = None
    """A tensor that repeats W_E when embeddings are tied."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Names that some files have instead, and those that the rules know."""
    begins_texts: bool = True
    """Whether its texts begin with a first token where one is known and no file says."""


class Step(NamedTuple):
    """What one rule reads for one layer: where it is in the file (one name, or several to stack), and where it goes."""

    theirs: tuple[str, ...]
    rule: Rule
    layer: int | None


def make_plan(family: Family, config: ModelConfig, found: Mapping[str, tuple[int, ...]]) -> list[Step]:
    """Every tensor to read, once names and shapes are known to match in both directions.

    `found` is name → shape. Raises CheckpointError for a tensor no rule reads, one that a rule misses, or a shape
    that the config does not call for; nothing has been loaded by then.
    """
    names = _by_bare_name(family, found)
    steps = list(_steps(family, config, names))
    read = {name: step for step in steps for name in step.theirs}
    missing = [name for name in read if name not in names]
    ignorable = [re.compile(pattern.replace("{end}", str(config.n_layers))) for pattern in family.ignorable]
    extra = [
        name
        for name in sorted(set(names) - read.keys())
        if not (name == family.tied_copy and config.tied_embeddings)
        and not any(pattern.fullmatch(name) for pattern in ignorable)
    ]
    if missing:
        name = missing[0]
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise CheckpointError(
            f"the checkpoint lacks {name}{more}, which this {family.name} config calls for.{near(name, extra)}"
        )
    if extra:
        more = f" and {len(extra) - 1} more" if len(extra) > 1 else ""
        raise CheckpointError(
            f"the checkpoint holds {extra[0]}{more}, which no {family.name} weight of this config reads"
        )
    for name, step in read.items():
        wanted = expected_shape(step.rule, axis_sizes(config, step.layer))
        shape = found[names[name]]
        if shape != wanted:
            raise CheckpointError(f"{name} has shape {list(shape)}; the config calls for {list(wanted)}")
    return [step._replace(theirs=tuple(names[name] for name in step.theirs)) for step in steps]


def apply(step: Step, config: ModelConfig, tensors: Sequence[Tensor]) -> Iterator[tuple[str, Tensor]]:
    """(classic name, tensor) of each weight that a step's tensors hold."""
    rule, sizes = step.rule, axis_sizes(config, step.layer)
    tensor = torch.stack(tuple(tensors)) if _stacked(rule) else tensors[0][rule.skip :]
    tensor = tensor if rule.times == 1 else tensor * rule.times
    tensor = tensor if rule.plus == 0 else tensor + rule.plus
    sizes |= {"n": len(rule.names), "s": sum(_parts(rule, sizes)), **dict(rule.axes)}
    ours = repeat(tensor, rule.pattern, **{axis: sizes[axis] for axis in re.findall(r"[a-z]", rule.pattern)})
    if rule.split:
        at = rule.pattern.split("->")[1].split().index("s")
        parts = list(ours.split(_parts(rule, sizes), at))
        parts = parts if at == ours.ndim - 1 else [part.flatten(0, at) for part in parts]
    else:
        parts = [ours] if isinstance(rule.ours, str) else list(ours)
    for name, part in zip(rule.names, parts, strict=True):
        number = 1 if step.layer is None or name not in rule.over_layer else step.layer + 1
        yield weight_path(config, name, step.layer), part if number == 1 else part / number


def _stacked(rule: Rule) -> str | None:
    """The axis along which a rule's tensors are stacked, if it reads several."""
    found = re.search(r"\{([hkx])\}", rule.theirs)
    return found and found[1]


def _parts(rule: Rule, sizes: Mapping[str, int]) -> list[int]:
    return [sizes[size] for size in rule.split.split()]


def identity_rules(config: ModelConfig, names: Collection[str]) -> tuple[Rule, ...]:
    """The rules of a checkpoint in classic names and our own shapes."""
    axes = {"W_E": "v d", "W_pos": "c d", "W_U": "d v", "W_O": "h u d", "W_Q": "h d e", "W_K": "k d e", "W_V": "k d u"}
    axes |= {"W_in": "d m", "W_gate": "d m", "W_out": "m d", "b_Q": "h e", "b_K": "k e", "b_V": "k u", "b_U": "v"}
    axes |= {"b_in": "m", "b_gate": "m", "W_router": "d x", "W_router_shared": "d 1", "W_out_shared": "r d"}
    axes |= {"W_gate_shared": "d r", "W_in_shared": "d r", "q_norm_w": "h e", "q_norm_b": "h e"}
    axes |= {"k_norm_w": "k e", "k_norm_b": "k e", "sinks": "h", "b_router": "x", "b_select": "x"}
    q = "d" if config.latent is None or config.latent.q_rank is None else "q"
    axes |= {"W_DQ": "d q", "W_QR": f"h {q} o", "W_UQ": f"h {q} p", "W_DKV": "d b", "W_KR": "d o", "W_UK": "h b p"}
    axes |= {"W_UV": "h b u", "q_latent_w": "q", "kv_latent_w": "b"}
    of_experts = {"W_in": "x d m", "W_gate": "x d m", "W_out": "x m d", "b_in": "x m", "b_gate": "x m", "b_out": "x d"}

    def rule(name: str, axes: str, routed: bool | None = None) -> Rule:
        path = weight_path(config, name).replace(".None.", ".{l}.")
        return Rule(name, path, f"{axes} -> {axes}", routed=routed)

    rules = []
    for name in weight_shapes(config):
        one = None if config.n_experts is None or name not in of_experts else False
        rules.append(rule(name, axes.get(name, "d"), one))
        if one is False:
            rules.append(rule(name, of_experts[name], True))
    return tuple(rules)


def axis_sizes(config: ModelConfig, layer: int | None = None) -> dict[str, int]:
    """The axes that patterns speak of, as they are in `layer` (None: in most)."""
    sizes = {"v": config.d_vocab, "c": config.n_ctx, "d": config.d_model, "h": config.n_heads, "k": config.n_kv}
    sizes |= {"e": config.d_head, "u": config.d_v}
    sizes["m"] = (config.d_mlp if layer is None else config.mlp_width(layer)) or 0
    if config.latent is not None and config.rotary is not None:
        turned = config.rotary.dim
        sizes |= {"q": config.latent.q_rank or 0, "b": config.latent.kv_rank, "o": turned, "p": config.d_head - turned}
    sizes |= {"g": config.n_heads // config.n_kv, "1": 1}
    return sizes | {"x": config.n_experts or 0, "r": config.d_mlp_shared or 0}


def expected_shape(rule: Rule, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape a pattern's left side calls for, of one tensor: "(h e) d" is (n_heads · d_head, d_model)."""
    sizes = {**sizes, "n": len(rule.names), "s": sum(_parts(rule, sizes)), **dict(rule.axes)}
    left = rule.pattern.split("->")[0]
    groups = re.findall(r"\(([^)]*)\)|(\w+)", left)
    first, *rest = (prod(sizes[axis] for axis in (group or single).split()) for group, single in groups)
    return tuple(rest) if _stacked(rule) else (first + rule.skip, *rest)


def table(family: Family, config: ModelConfig, names: Collection[str]) -> tuple[Rule, ...]:
    """The family's rules for this checkpoint."""
    return family.rules if isinstance(family.rules, tuple) else family.rules(config, names)


def _steps(family: Family, config: ModelConfig, names: Collection[str]) -> Iterator[Step]:
    of_layer = {layer: weight_shapes(config, layer) for layer in (None, *range(config.n_layers))}
    for rule in table(family, config, names):
        for layer in range(config.n_layers) if is_layered(rule.names[0]) else (None,):
            absent = not all(name in of_layer[layer] for name in rule.names)
            if absent or (layer is not None and rule.routed not in (None, config.routed(layer))):
                continue
            axis = _stacked(rule)
            count = 1 if axis is None else axis_sizes(config)[axis]
            yield Step(tuple(rule.theirs.format(l=layer, **{axis or "": i}) for i in range(count)), rule, layer)


def bare_name(family: Family, name: str) -> str:
    """A tensor's name as the rules know it: without the family's prefix, in its usual spelling."""
    bare = name.removeprefix(family.prefix)
    return family.aliases.get(bare, bare)


def _by_bare_name(family: Family, found: Iterable[str]) -> dict[str, str]:
    """Names without the family's prefix, and as they are in the file. Raises CheckpointError where two become one."""
    names: dict[str, str] = {}
    for name in found:
        bare = bare_name(family, name)
        if bare in names:
            raise CheckpointError(f"the checkpoint holds both {names[bare]} and {name}: which is meant is unknown")
        names[bare] = name
    return names
