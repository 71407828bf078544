"""Checkpoint layouts: each family is a config reader and a table of rules."""

from collections.abc import Mapping

from .attn_only import ATTN_ONLY
from .biogpt import BIOGPT
from .bloom import BLOOM
from .codegen import CODEGEN
from .cohere import COHERE, COHERE2
from .deepseek import DEEPSEEK
from .falcon import FALCON
from .gemma import GEMMA, GEMMA2, GEMMA3, GEMMA3_IMAGES
from .glm import GLM, GLM4
from .gpt2 import GPT2
from .gpt_bigcode import GPT_BIGCODE
from .gpt_neo import GPT_NEO
from .gpt_neox import GPT_NEOX
from .gpt_oss import GPT_OSS
from .gptj import GPTJ
from .granite import GRANITE
from .llama import LLAMA, MINISTRAL, MISTRAL, MISTRAL3, QWEN2
from .llama_kin import ARCEE, ERNIE, EXAONE4, HELIUM, SEED, SMOLLM3
from .moe import FLEX_OLMO, GRANITE_MOE, MIXTRAL, OLMOE, QWEN_MOE
from .mpt import MPT
from .native import NATIVE
from .nemotron import NEMOTRON
from .olmo import OLMO, OLMO2, OLMO3
from .opt import OPT
from .persimmon import PERSIMMON
from .phi import PHI, PHI3
from .qwen3 import QWEN3
from .rules import Family
from .stablelm import STABLELM
from .starcoder2 import STARCODER2

FAMILIES: tuple[Family, ...] = (
    *(NATIVE, ATTN_ONLY, GPT2, GPT_NEO, GPTJ, GPT_NEOX, OPT, BLOOM, LLAMA, MISTRAL, MIXTRAL, QWEN2, QWEN3, QWEN_MOE),
    *(GEMMA, GEMMA2, GEMMA3, GEMMA3_IMAGES, PHI, PHI3, STABLELM, FALCON, OLMO, OLMO2, GRANITE, STARCODER2, COHERE),
    *(MINISTRAL, MISTRAL3, SMOLLM3, GLM, GLM4, COHERE2, OLMO3, OLMOE, FLEX_OLMO, GRANITE_MOE, EXAONE4, ERNIE, HELIUM),
    *(SEED, ARCEE, NEMOTRON, PERSIMMON, MPT, GPT_BIGCODE, CODEGEN, BIOGPT, GPT_OSS, DEEPSEEK),
)
"""Every family that Rung reads."""

UNREAD: Mapping[str, str] = {
    "qwen3_next": "three of four of its layers are gated delta nets, which carry a state from token to token: they "
    "have no scores and no pattern, and no forward pass of attention and MLPs computes them",
}
"""Kinds of config.json that people ask for, and why they are not read."""
