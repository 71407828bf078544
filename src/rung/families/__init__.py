"""Checkpoint layouts: each family is a config reader and a table of rules."""

from .attn_only import ATTN_ONLY
from .gpt2 import GPT2
from .llama import LLAMA
from .native import NATIVE
from .rules import Family

FAMILIES: tuple[Family, ...] = (NATIVE, ATTN_ONLY, GPT2, LLAMA)
"""Every family that Rung reads."""
