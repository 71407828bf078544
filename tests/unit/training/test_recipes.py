import json

import pytest

from rung.errors import ConfigError
from rung.training.recipes import RECIPES, Recipe, find_recipe, read_recipe


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_recipe_survives_json(recipe):
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_recipe_can_be_carried_out(recipe):
    for stage in recipe.stages:
        assert 2 * stage.mix.shortest <= stage.mix.window <= recipe.config.n_ctx
        assert stage.until is None or stage is not recipe.stages[-1]
    assert set(recipe.keep) <= {*range(0, recipe.steps, recipe.measure_every), recipe.steps}
    if recipe.head_scale is not None:
        assert [len(factors) for factors in recipe.head_scale] == [recipe.config.n_heads] * recipe.config.n_layers


def test_an_unknown_recipe_is_told_its_near_names():
    with pytest.raises(ConfigError, match=r"'two-layers'.*Near names: two-layer,") as caught:
        find_recipe("two-layers")
    assert "\n" not in str(caught.value)


def test_a_recipe_file_is_read(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(RECIPES["two-layer-tiny"].to_json())
    assert read_recipe(path) == RECIPES["two-layer-tiny"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"stepz": 5}, "'stepz' is not known. Near names: steps"),
        ({"config": {"n_layers": 2}}, "d_model"),
        ({"stages": []}, "at least one stage"),
        ({"steps": 0}, "steps is 0"),
        ({"head_scale": [[1.0]]}, "for each head of each layer"),
        ({"stages": [{"mix": {"window": 65, "rows": 8, "repeated": 0.5}}]}, "fit the context of 64"),
        ({"stages": [{"mix": {"window": 64, "rows": 8, "repeated": 0.5}, "until": 0.9}]}, "the last has none"),
        ({"stages": [{"mix": {"window": 64, "rows": 8, "repeated": 1.5}}]}, "between 0 and 1"),
        ({"stages": [{"mix": {"window": 64, "row": 8, "repeated": 0.5}}]}, "row"),
        ({"stages": [{"mix": {"window": 64.5, "rows": 8, "repeated": 0.5}}]}, "window is 64.5; it must be int"),
        ({"stages": [{"mix": {"window": 64, "rows": 8, "repeated": 0.5, "shortest": 0}}]}, "shortest is 0"),
        ({"steps": 2.5}, "steps is 2.5; it must be int"),
        ({"steps": True}, "steps is True"),
        ({"name": 5}, "name is 5; it must be str"),
        ({"head_scale": [["a", "b"], ["a", "b"]]}, "head_scale is"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"learning_rate": 0.0}, "learning_rate is 0"),
        ({"learning_rate_end": 1.5}, "learning_rate_end 1.5"),
        ({"weight_decay": -1.0}, "weight_decay is -1"),
        ({"silence": 2.0}, "silence is 2"),
        ({"head_scale": [[None, 1.0], [1.0, 1.0]]}, "head_scale is"),
        ({"name": None}, "name is None"),
    ],
)
def test_a_recipe_file_that_is_wrong_says_where(tmp_path, change, says):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(json.loads(RECIPES["two-layer-tiny"].to_json()) | change))
    with pytest.raises(ConfigError, match=says):
        read_recipe(path)


def test_a_recipe_file_that_is_absent_or_no_json_says_so(tmp_path):
    with pytest.raises(ConfigError, match="no recipe can be read"):
        read_recipe(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ConfigError, match="not a recipe"):
        read_recipe(tmp_path / "bad.json")
