"""Checkpoint layouts: each family is a config reader and a table of rules."""

from .attn_only import ATTN_ONLY
from .bloom import BLOOM
from .cohere import COHERE
from .falcon import FALCON
from .gemma import GEMMA, GEMMA2, GEMMA3, GEMMA3_IMAGES
from .gpt2 import GPT2
from .gpt_neo import GPT_NEO
from .gpt_neox import GPT_NEOX
from .gptj import GPTJ
from .granite import GRANITE
from .llama import LLAMA, MISTRAL, QWEN2
from .moe import MIXTRAL, QWEN_MOE
from .native import NATIVE
from .olmo import OLMO, OLMO2
from .opt import OPT
from .phi import PHI, PHI3
from .qwen3 import QWEN3
from .rules import Family
from .stablelm import STABLELM
from .starcoder2 import STARCODER2

FAMILIES: tuple[Family, ...] = (
    *(NATIVE, ATTN_ONLY, GPT2, GPT_NEO, GPTJ, GPT_NEOX, OPT, BLOOM, LLAMA, MISTRAL, MIXTRAL, QWEN2, QWEN3, QWEN_MOE),
    *(GEMMA, GEMMA2, GEMMA3, GEMMA3_IMAGES, PHI, PHI3, STABLELM, FALCON, OLMO, OLMO2, GRANITE, STARCODER2, COHERE),
)
"""Every family that Rung reads."""
