"""Circuits read from weights alone: QK and OV circuits of heads, positional QK, and composition of heads."""
