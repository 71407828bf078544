"""GGUF: every way to store numbers, every architecture, the tokenizer inside, and files that are broken."""

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType as Kind
from torch import Tensor

from rung.errors import CheckpointError, ConfigError, TokenizerError
from rung.families import FAMILIES
from rung.model.checkpoint import as_saved
from rung.model.fetch import load_checkpoint
from rung.model.gguf import ARCHITECTURES, KINDS
from rung.model.model import HookedTransformer
from rung.model.tokenizer import TextTokenizer

LOGITS = 1e-5
"""Both compute in float32 and sum in different orders."""
READ = {model_type for family in FAMILIES for model_type in family.model_types}
BLOCKS = {kind: gguf.GGML_QUANT_SIZES[Kind[kind]] for kind in KINDS}

# The names that llama.cpp gives what transformers calls otherwise.
NAMES = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    **{f"self_attn.{one}_proj": f"attn_{one}" for one in "qkv"}, "self_attn.o_proj": "attn_output",
    **{f"self_attn.{one}_norm": f"attn_{one}_norm" for one in "qk"},
    **{f"mlp.{one}_proj": f"ffn_{one}" for one in ("gate", "up", "down")},
}  # fmt: skip


def gguf_name(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    if stem.startswith("model.layers."):
        _, _, layer, part = stem.split(".", 3)
        return f"blk.{layer}.{NAMES[part]}.{ending}"
    return f"{NAMES[stem]}.{ending}"


def turned(tensor: Tensor, heads: int) -> Tensor:
    """Rows of q or k in the order of adjacent rotary pairs, as llama.cpp's converter puts them."""
    rows = tensor.reshape(heads, 2, tensor.shape[0] // heads // 2, *tensor.shape[1:])
    return rows.swapaxes(1, 2).reshape(tensor.shape)


def unturned(tensor: Tensor, heads: int) -> Tensor:
    rows = tensor.reshape(heads, tensor.shape[0] // heads // 2, 2, *tensor.shape[1:])
    return rows.swapaxes(1, 2).reshape(tensor.shape)


def stored(tensor: Tensor, kind: str, generator: np.random.Generator) -> tuple[np.ndarray[Any, Any], Tensor]:
    """Numbers as `kind` stores them, and what they are then; k-quants, which gguf cannot make, are drawn."""
    values = tensor.float().numpy()
    try:
        packed = gguf.quants.quantize(values, Kind[kind])
    except NotImplementedError:
        block, size = BLOCKS[kind]
        packed = generator.integers(0, 256, (*values.shape[:-1], values.shape[-1] // block * size), np.uint8)
        # Scales are 16-bit floats somewhere in each block: all of them made small and finite.
        at = {"Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}[kind]
        blocks = packed.reshape(-1, size)
        for offset in at:
            blocks[:, offset : offset + 2] = np.frombuffer(np.float16(0.002).tobytes(), np.uint8)
    return packed, torch.from_numpy(np.array(gguf.quants.dequantize(packed, Kind[kind])).copy())


Written = tuple[Path, Any]
Write = Callable[..., Written]


@pytest.fixture
def write(tmp_path: Path, seed: int) -> Write:
    """write(architecture, kind): a tiny random model of transformers in a GGUF, and it with what the file holds."""

    def make(
        architecture: str, kind: str = "F32", change: Callable[[gguf.GGUFWriter], object] | None = None,
        leave: tuple[str, ...] = (), **settings: Any,
    ) -> Written:  # fmt: skip
        model = tiny(architecture, **settings)
        config = model.config
        path = tmp_path / f"{architecture}-{kind}.gguf"
        writer = gguf.GGUFWriter(path, architecture)
        describe(writer, config, architecture)
        generator = np.random.default_rng(0)
        held = {}
        for name, tensor in model.state_dict().items():
            if name == "lm_head.weight" and config.tie_word_embeddings:
                continue
            heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(
                name.split(".")[-2]
            )
            if architecture == "llama" and heads:
                tensor = turned(tensor, heads)
            tensor = tensor + 1 if architecture == "gemma" and "norm" in name else tensor
            as_kind = kind if tensor.ndim == 2 and tensor.shape[-1] % BLOCKS[kind][0] == 0 else "F32"
            packed, tensor = stored(tensor, as_kind, generator)
            if name not in leave:
                writer.add_tensor(gguf_name(name), packed, raw_dtype=Kind[as_kind])
            tensor = tensor - 1 if architecture == "gemma" and "norm" in name else tensor
            held[name] = unturned(tensor, heads) if architecture == "llama" and heads else tensor
        if change is not None:
            change(writer)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        model.load_state_dict(held, strict=False)
        return path, model

    return make


def tiny(architecture: str, **settings: Any) -> Any:
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    shape = {
        "num_hidden_layers": 2, "hidden_size": 256, "num_attention_heads": 8, "num_key_value_heads": 2,
        "intermediate_size": 512, "vocab_size": 13, "max_position_embeddings": 64, "bos_token_id": 0,
        "eos_token_id": 1, "head_dim": 32,
    }  # fmt: skip
    kind = "mixtral" if architecture == "mixtral" else ARCHITECTURES[architecture].constants["model_type"]
    made = {key: value for key, value in (shape | settings).items() if value is not None or key != "head_dim"}
    config = CONFIG_MAPPING[kind](**made)
    model = AutoModelForCausalLM.from_config(config).float().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.randn(parameter.shape, generator=generator) * 0.05
    return model


def describe(writer: gguf.GGUFWriter, config: Any, architecture: str) -> None:
    """The metadata that llama.cpp's converter writes."""
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    rope = config.rope_parameters
    writer.add_rope_freq_base(rope.get("full_attention", rope)["rope_theta"])
    if rope.get("rope_type") == "longrope":
        for name in ("short", "long"):
            factors = np.array(rope[f"{name}_factor"], np.float32)
            writer.add_tensor(f"rope_factors_{name}.weight", factors)
        writer.add_rope_scaling_orig_ctx_len(config.original_max_position_embeddings)
        writer.add_rope_scaling_attn_factors(1.19)
    if architecture.startswith("gemma") and architecture != "gemma":
        writer.add_sliding_window(config.sliding_window)
    if architecture == "gemma2":
        writer.add_attn_logit_softcapping(50.0)
        writer.add_final_logit_softcapping(30.0)
    experts = getattr(config, "num_local_experts", None) or getattr(config, "num_experts", None)
    if experts is not None:
        writer.add_expert_count(experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
        if architecture != "mixtral":
            writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_key_length(head)
    writer.add_value_length(head)
    if architecture == "llama":
        writer.add_rope_dimension_count(head)
    writer.add_vocab_size(config.vocab_size)


def load(path: Path) -> HookedTransformer:
    return HookedTransformer.from_pretrained_no_processing(path)


def agree(path: Path, theirs: Any) -> None:
    tokens = torch.randint(13, (2, 9), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = theirs(tokens).logits
        gap = (load(path)(tokens) - wanted).abs().max() / wanted.abs().max()
    assert gap < LOGITS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_number_gives_the_logits_of_what_it_stands_for(write: Write, kind: str) -> None:
    agree(*write("llama", kind))


@pytest.mark.parametrize("kind", ["F32", "BF16", "Q4_K"])
def test_the_digest_is_that_of_the_numbers_as_stored(write: Write, kind: str) -> None:
    path, _ = write("llama", kind)
    hashed = hashlib.sha256()
    for tensor in sorted(gguf.GGUFReader(path).tensors, key=lambda tensor: str(tensor.name)):
        shape = [int(length) for length in tensor.shape[::-1]]
        hashed.update((json.dumps([tensor.name, tensor.tensor_type.name, shape]) + "\n").encode())
        hashed.update(tensor.data.tobytes())
    assert load(path).checkpoint_digest() == hashed.hexdigest()
    assert HookedTransformer.from_pretrained(path, dtype="bfloat16").checkpoint_digest() == hashed.hexdigest()


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3", "gemma"])
@pytest.mark.parametrize("kind", ["F32", "Q4_1"])
def test_every_architecture_gives_transformers_logits(write: Write, architecture: str, kind: str) -> None:
    if ARCHITECTURES[architecture].constants["model_type"] not in READ:
        pytest.skip(f"no family reads {architecture} yet")
    path, theirs = write(architecture, kind)
    assert load(path).config.family == architecture
    agree(path, theirs)


GEMMA = {
    "num_hidden_layers": 6, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 256, "sliding_window": 4,
    "query_pre_attn_scalar": 256,
}  # fmt: skip
MOE = {"num_experts": 3, "num_experts_per_tok": 2, "num_hidden_layers": 1}
LATER: dict[str, dict[str, Any]] = {
    "gemma2": GEMMA,
    "gemma3": GEMMA | {"rope_scaling": None},
    "phi3": {"head_dim": None, "sliding_window": None, "pad_token_id": 0},
    # The widths that transformers takes for granted where it reads a GGUF.
    "qwen2moe": MOE | {"moe_intermediate_size": 1408, "shared_expert_intermediate_size": 5632, "head_dim": None},
    "qwen3moe": MOE | {"moe_intermediate_size": 768, "norm_topk_prob": True},
}
ALSO = {
    "self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up", "mlp.gate": "ffn_gate_inp",
    "mlp.shared_expert_gate": "ffn_gate_inp_shexp", "block_sparse_moe.gate": "ffn_gate_inp",
    **{f"mlp.shared_expert.{one}_proj": f"ffn_{one}_shexp" for one in ("gate", "up", "down")},
    **{f"mlp.experts.{one}_proj": f"ffn_{one}_exps" for one in ("gate", "up", "down")},
    **{f"block_sparse_moe.experts.{w}": f"ffn_{o}_exps" for w, o in (("w1", "gate"), ("w2", "down"), ("w3", "up"))},
}  # fmt: skip
GEMMAS = {
    "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}  # fmt: skip


def write_later(folder: Path, architecture: str, kind: str, leave: str = "nothing", **settings: Any) -> Written:
    """A tiny random model of transformers in a GGUF as llama.cpp's converter writes it."""
    model = tiny(architecture, **settings)
    path = folder / f"{architecture}-{kind}.gguf"
    writer = gguf.GGUFWriter(path, "llama" if architecture == "mixtral" else architecture)
    describe(writer, model.config, architecture)
    generator, experts = np.random.default_rng(0), {}
    names = NAMES | ALSO | (GEMMAS if architecture.startswith("gemma") else {})

    def add(name: str, tensor: Tensor) -> None:
        fits = tensor.ndim > 1 and tensor.shape[-1] % BLOCKS[kind][0] == 0 and "gate_inp" not in name
        as_kind = kind if fits else "F32"
        writer.add_tensor(name, stored(tensor, as_kind, generator)[0], raw_dtype=Kind[as_kind])

    for name, tensor in as_saved(model).items():
        if name == "lm_head.weight" and model.config.tie_word_embeddings:
            continue
        stem, _, ending = name.rpartition(".")
        tensor = tensor + 1 if architecture.startswith("gemma") and "norm" in name else tensor
        heads = {"q": model.config.num_attention_heads, "k": model.config.num_key_value_heads}.get(stem[-6:-5])
        tensor = turned(tensor, heads) if architecture == "mixtral" and heads and stem.endswith("_proj") else tensor
        tensor = tensor[0] if stem.endswith("shared_expert_gate") else tensor
        if not stem.startswith("model.layers."):
            add(f"{names[stem]}.{ending}", tensor)
            continue
        _, _, layer, part = stem.split(".", 3)
        if ".experts." in part:
            before, _, rest = part.partition(".experts.")
            which = rest.partition(".")[2]
            experts.setdefault(f"blk.{layer}.{names[f'{before}.experts.{which}']}.{ending}", []).append(tensor)
        elif leave not in name:
            add(f"blk.{layer}.{names[part]}.{ending}", tensor)
    for name, each in experts.items():
        add(name, torch.stack(each))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path, model


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [
        *((name, "F32") for name in LATER),
        *(("gemma2", "Q4_K"), ("gemma3", "Q6_K"), ("phi3", "Q5_K"), ("qwen3moe", "Q4_K"), ("qwen2moe", "Q8_0")),
    ],
)
def test_transformers_reads_the_same_of_the_same_file(architecture: str, kind: str, tmp_path: Path) -> None:
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    path, _ = write_later(tmp_path, architecture, kind, **LATER[architecture])
    said = load_gguf_checkpoint(str(path))["config"]
    theirs = (
        AutoModelForCausalLM.from_config(CONFIG_MAPPING[said["model_type"]](**{"pad_token_id": None} | said))
        .float()
        .eval()
    )
    held = load_gguf_checkpoint(str(path), return_tensors=True, model_to_load=theirs)["tensors"]
    lacking = theirs.load_state_dict(held, strict=False)
    assert not lacking.unexpected_keys and set(lacking.missing_keys) <= {"lm_head.weight"}
    agree(path, theirs)
    assert load(path).config.family == ARCHITECTURES[architecture].constants["model_type"].removesuffix("_text")


def test_a_mixtral_calls_itself_llama(tmp_path: Path) -> None:
    shape = {"num_local_experts": 3, "num_experts_per_tok": 2, "head_dim": None, "sliding_window": None}
    path, theirs = write_later(tmp_path, "mixtral", "F32", **shape)
    config = load(path).config
    assert (config.family, config.n_experts, config.experts_per_token) == ("mixtral", 3, 2)
    agree(path, theirs)


def test_phi_3_lists_the_divisors_of_short_and_long_inputs(tmp_path: Path) -> None:
    shape = {"head_dim": None, "sliding_window": None, "pad_token_id": 0, "original_max_position_embeddings": 8}
    factors = {"short_factor": [1 + i / 16 for i in range(16)], "long_factor": [1.0 + i for i in range(16)]}
    path, _ = write_later(tmp_path, "phi3", "F32", **shape, rope_scaling={"rope_type": "longrope", **factors})
    rotary = load(path).config.rotary
    assert rotary is not None and rotary.scaling is not None
    assert rotary.scaling.long_factors == tuple(factors["long_factor"])
    assert rotary.scaling.attention_factor == pytest.approx(1.19, abs=1e-6)


def test_the_largest_gemmas_divide_scores_by_another_width(tmp_path: Path) -> None:
    shape = GEMMA | {"hidden_size": 256, "num_hidden_layers": 46, "head_dim": 32, "vocab_size": 5}
    assert load(write_later(tmp_path, "gemma2", "F32", **shape)[0]).config.attn_scale == pytest.approx(128**0.5)
    assert load(write_later(tmp_path, "gemma2", "F32", **GEMMA)[0]).config.attn_scale == pytest.approx(16.0)


def test_a_tensor_that_is_missing_from_a_later_kind_is_named(tmp_path: Path) -> None:
    path, _ = write_later(tmp_path, "qwen3moe", "F32", leave="mlp.gate.", **LATER["qwen3moe"])
    with pytest.raises(CheckpointError, match=r"lacks .*mlp\.gate\.weight"):
        load(path)


@pytest.mark.parametrize("tied", [True, False])
def test_embeddings_are_tied_where_the_file_has_no_other(write: Write, tied: bool) -> None:
    path, theirs = write("llama", tie_word_embeddings=tied)
    assert load(path).config.tied_embeddings is tied
    agree(path, theirs)


def test_biases_turn_like_their_weights(write: Write) -> None:
    path, theirs = write("llama", attention_bias=True)
    assert {"b_Q", "b_K"} <= load(path).config.biases
    agree(path, theirs)


def test_the_scaling_that_frequencies_were_listed_for_is_found(write: Write) -> None:
    scaling = {
        "rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }  # fmt: skip

    def listed(writer: gguf.GGUFWriter) -> None:
        frequency = 5e5 ** -(np.arange(0, 32, 2) / 32)
        wavelength = 2 * np.pi / frequency
        smooth = (8192 / wavelength - 1.0) / 3.0
        slowed = 1 / ((1 - smooth) / 8 + smooth)
        factors = np.where(wavelength > 8192, 8.0, np.where(wavelength < 8192 / 4, 1.0, slowed))
        writer.add_tensor("rope_freqs.weight", factors.astype(np.float32))

    path, theirs = write("llama", change=listed, rope_parameters=scaling, max_position_embeddings=64)
    rotary = load(path).config.rotary
    assert rotary is not None and rotary.scaling is not None
    assert rotary.scaling.kind == "llama3" and rotary.scaling.factor == 8.0
    agree(path, theirs)


def test_other_frequencies_are_refused(write: Write) -> None:
    path, _ = write(
        "llama", change=lambda w: w.add_tensor("rope_freqs.weight", np.linspace(1, 2, 16, dtype=np.float32))
    )
    with pytest.raises(ConfigError, match="rope_freqs that are not those of Llama 3"):
        load(path)


def test_a_linear_scaling_is_read(write: Write) -> None:
    def scaled(writer: gguf.GGUFWriter) -> None:
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(2.0)

    linear = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}
    agree(*write("llama", change=scaled, rope_parameters=linear))


def test_a_folder_with_one_gguf_is_that_one(write: Write) -> None:
    path, _ = write("llama")
    assert load(path.parent).config.model_name == path.parent.name
    assert load(path).config.family == "llama"
    path.with_name("other.gguf").write_bytes(path.read_bytes())
    with pytest.raises(CheckpointError, match=r"holds 2 GGUF files; give the one that is meant: .*llama-F32\.gguf"):
        load(path.parent)


# The tokenizer inside.

TEXTS = (
    "hello world", " leading", "trailing  ", "two\n\n\nlines\tand tabs", "Don't we'll I'VE they're",
    "naïve café 日本 😀",
    "x = f(1234567) + 12.5", "a  b   c", "", "<s>hello</s>", "e\u0301",
)  # fmt: skip
PROSE = ["hello world, don't we'll say that they're two lines and tabs", "x = f(1234567) + 12.5", "naïve café café"] * 9


def byte_level(writer: gguf.GGUFWriter, cut: str) -> None:
    """A byte-level vocabulary, learnt from a few lines."""
    import tokenizers

    learnt = tokenizers.Tokenizer(tokenizers.models.BPE())
    learnt.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    special = ["<s>", "</s>", "<think>"]
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=340, initial_alphabet=alphabet, special_tokens=special, show_progress=False
    )
    learnt.train_from_iterator(PROSE, trainer)
    model = json.loads(learnt.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(cut)
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 4] + [1] * (len(tokens) - 3))
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)


def sentence_piece(writer: gguf.GGUFWriter, **flags: bool) -> None:
    """Pieces with scores, and a token for every byte."""
    pieces = [
        "▁",
        *"helowrdnt'xyzi",
        "he",
        "ll",
        "llo",
        "hello",
        "▁w",
        "or",
        "ld",
        "orld",
        "▁world",
        "▁hello",
        "▁t",
        "in",
    ]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    ranked = {
        piece: -float(rank) for rank, piece in enumerate(sorted(pieces, key=lambda piece: (len(piece) < 2, piece)))
    }
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * 259 + [ranked[piece] for piece in pieces])
    writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * len(pieces))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    for flag, value in flags.items():
        getattr(writer, f"add_{flag}")(value)


def tokenizer_of(path: Path) -> TextTokenizer:
    found = load_checkpoint(path).tokenizer
    assert found is not None
    return found


@pytest.mark.parametrize("cut", ["gpt-2", "llama-bpe", "qwen2"])
def test_byte_level_text_becomes_the_tokens_of_transformers(write: Write, cut: str) -> None:
    from transformers import AutoTokenizer

    path, _ = write("llama", change=lambda writer: byte_level(writer, cut), vocab_size=340)
    theirs = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    ours = tokenizer_of(path)
    for text in TEXTS:
        # transformers does not compose what Qwen 2's own tokenizer does: e and an accent are one letter.
        if not (cut == "qwen2" and "\u0301" in text):
            assert ours.encode(text) == theirs(text, add_special_tokens=False).input_ids, text
            assert ours.decode(ours.encode(text)) == text
    assert ours.encode("a<think>b")[1] == 2, "a token of the user's is not cut"
    assert (ours.bos_token_id, ours.eos_token_id, ours.special_ids) == (0, 1, {0, 1})


def test_sentence_piece_text_becomes_the_tokens_of_transformers(write: Write) -> None:
    from transformers import AutoTokenizer

    path, _ = write("llama", change=sentence_piece, vocab_size=300)
    theirs = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    ours = tokenizer_of(path)
    for text in ("hello world", "hello  world", "the world hello", "日本 x", "yin\n"):
        assert ours.encode(text) == theirs(text, add_special_tokens=False).input_ids, text
        assert ours.decode(ours.encode(text)) == text
    assert ours.encode("</s>") == [2]


@pytest.mark.parametrize(
    ("change", "puts"),
    [
        (lambda w: byte_level(w, "smollm"), False), (lambda w: byte_level(w, "llama-bpe"), True),
        (lambda w: (byte_level(w, "gpt-2"), w.add_add_bos_token(True)), True), (sentence_piece, True),
        (lambda w: sentence_piece(w, add_bos_token=False), False),
    ],
)  # fmt: skip
def test_the_file_says_whether_a_first_token_is_put(write: Write, change: Any, puts: bool) -> None:
    path, _ = write("llama", change=change, vocab_size=400)
    config = load_checkpoint(path).config
    assert config.default_prepend_bos is puts and config.bos_token_id in (0, 1)


def test_no_space_is_put_in_front_where_the_file_says_so(write: Write) -> None:
    path, _ = write("llama", change=lambda w: sentence_piece(w, add_space_prefix=False), vocab_size=300)
    ours = tokenizer_of(path)
    assert [ours.backend.id_to_token(index) for index in ours.encode("hello")] == ["hello"]
    assert ours.decode(ours.encode(" hello")) == " hello"


def test_a_way_to_cut_that_is_not_known_leaves_the_tokenizer_out_and_says_so(write: Write) -> None:
    path, _ = write("llama", change=lambda w: byte_level(w, "some-new-way"), vocab_size=340)
    model = load(path)
    assert model.tokenizer is None
    assert any("pre-tokenizer 'some-new-way', which Rung does not know" in note for note in model.config.notes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.add_token_list(["a", "a"]), "stands in the vocabulary twice"),
        (lambda w: w.add_token_list(["a", "b"]), "KeyError: 'merges'"),
        (lambda w: (w.add_token_list(["a", "b"]), w.add_token_merges(["a c"])), "is broken"),
        (
            lambda w: (w.add_token_list(["a", "b", "ab"]), w.add_token_merges(["a b"]), w.add_token_types([1])),
            "is broken",
        ),
        (
            lambda w: (w.add_token_list(["a", "b", "ab"]), w.add_token_merges(["a b"]), w.add_eos_token_id(9)),
            "eos_token_id is 9",
        ),
    ],
)
def test_a_broken_tokenizer_is_one_error(write: Write, change: Any, said: str) -> None:
    def broken(writer: gguf.GGUFWriter) -> None:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("gpt-2")
        change(writer)

    path, _ = write("llama", change=broken)
    with pytest.raises(TokenizerError, match=said):
        load(path)


# Files that are broken, or are not understood.


@pytest.mark.parametrize("size", [0, 3, 4, 7, 20, 100, 700, -1, -2000])
def test_a_truncated_file_is_refused(write: Write, size: int) -> None:
    path, _ = write("llama")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=r"is not (whole )?GGUF"):
        load(path)


def with_bytes(path: Path, old: bytes, new: bytes) -> None:
    held = path.read_bytes()
    assert held.count(old) == 1, (old, held.count(old))
    path.write_bytes(held.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"GGUF\x03\0\0\0", b"GGUF\x01\0\0\0", "GGUF of version 1"),
        (b"GGUF\x03\0\0\0", b"GGUF\0\0\0\x03", "big-endian"),
        (b"llama.block_count", b"llama.block_clunt", "block_clunt = 2, which Rung does not understand"),
        (b"llama.block_count\x04", b"llama.block_count\x63", "has type 99"),
        (b"llama.block_count\x04\0\0\0\x02", b"llama.block_count\x04\0\0\0\x07", r"lacks .*layers\.2.* and \d+ more"),
        (b"blk.0.ffn_up.weight", b"blk.0.ffn_xp.weight", r"lacks model\.layers\.0\.mlp\.up_proj"),
        (b"llama.block_count", b"llama.context_len", None),
        (b"llama.context_length", b"general.architecture", None),
    ],
)
def test_a_corrupt_header_is_refused(write: Write, old: bytes, new: bytes, said: str | None) -> None:
    path, _ = write("llama")
    with_bytes(path, old, new)
    with pytest.raises((CheckpointError, ConfigError), match=said):
        load(path)


def test_a_tensor_that_promises_more_than_there_is_is_refused(write: Write) -> None:
    path, _ = write("llama")
    name = b"token_embd.weight"
    with_bytes(path, name + struct.pack("<IQ", 2, 256), name + struct.pack("<IQ", 2, 1 << 40))
    with pytest.raises(CheckpointError, match=r"token_embd\.weight would end behind its end"):
        load(path)


def test_what_would_change_the_model_is_named(write: Write) -> None:
    for change, error, said in (
        (lambda w: w.add_clamp_kqv(8.0), ConfigError, r"llama\.attention\.clamp_kqv = 8.0, which Rung does not under"),
        (lambda w: w.add_expert_count(8), CheckpointError, r"lacks .*which this mixtral config calls for"),
        (lambda w: w.add_rope_scaling_type(gguf.RopeScalingType.YARN), ConfigError, "yarn"),
        (lambda w: w.add_uint16("split.count", 3), CheckpointError, "one of 3 parts"),
        (lambda w: w.add_tensor("blk.0.odd.weight", np.ones(3, np.float32)), CheckpointError, r"blk\.0\.odd\.weight"),
    ):
        path, _ = write("llama", change=change)
        with pytest.raises(error, match=said):
            load(path)
    path, _ = write("llama", leave=("model.norm.weight",))
    with pytest.raises(CheckpointError, match=r"lacks model\.norm\.weight"):
        load(path)


def test_an_architecture_that_is_not_read_is_named(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "mamba")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ConfigError, match="architecture 'mamba'; Rung reads GGUF of llama, qwen2"):
        load(tmp_path / "m.gguf")


def test_numbers_that_are_not_finite_are_refused(write: Write) -> None:
    path, _ = write("llama", "Q8_0")
    at = gguf.GGUFReader(path).tensors[0].data_offset  # the scale of the first block
    held = bytearray(path.read_bytes())
    held[at : at + 2] = np.float16(np.inf).tobytes()
    path.write_bytes(bytes(held))
    with pytest.raises(CheckpointError, match="not finite"):
        load(path)


def test_a_way_to_store_numbers_that_is_not_read_is_named(write: Write) -> None:
    path, _ = write("llama", "Q4_0")
    name = b"blk.0.attn_q.weight"
    with_bytes(path, name + struct.pack("<IQQI", 2, 256, 256, 2), name + struct.pack("<IQQI", 2, 256, 256, 20))
    with pytest.raises(CheckpointError, match=r"stores blk\.0\.attn_q\.weight as IQ4_NL; Rung reads F32"):
        load(path)
