"""Kinds of MLP, each in a module of its own."""
