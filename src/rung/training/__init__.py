"""Training the small models that ship, and your own: `train(find_recipe("two-layer-tiny"), out)`."""

from .loop import Progress, TrainResult, train
from .recipes import RECIPES, Recipe, Stage, find_recipe, read_recipe

__all__ = [
    "RECIPES",
    "Progress",
    "Recipe",
    "Stage",
    "TrainResult",
    "find_recipe",
    "read_recipe",
    "train",
]
