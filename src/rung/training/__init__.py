"""Trains the bundled models, and models of your own: `train(find_recipe("two-layer-tiny"), out)`."""

from .card import checkpoints, read_card, read_curve
from .loop import Progress, TrainResult, train
from .recipes import RECIPES, Recipe, Stage, find_recipe, read_recipe

__all__ = [
    "RECIPES",
    "Progress",
    "Recipe",
    "Stage",
    "TrainResult",
    "checkpoints",
    "find_recipe",
    "read_card",
    "read_curve",
    "read_recipe",
    "train",
]
