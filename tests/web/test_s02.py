"""Section 2: the inspector, a hook's values and line, a weight's, by mouse and by keyboard."""

import pytest

from rung.engine.sites import sites_of
from rung.methods.source_lines import hook_source
from rung.model.model import HookedTransformer

from .figures import number

TEXT = "The President of the United States"


@pytest.fixture(scope="module")
def model():
    return HookedTransformer.from_pretrained("two-layer")


@pytest.fixture
def shown(opened):
    page = opened(section=2)
    panel = page.locator("rung-s02-model")
    panel.locator("[data-act=run]").click()
    panel.locator("[data-number=tokens]").wait_for()
    return page


def test_a_model_s_sizes_and_names_are_its_own(shown, model):
    panel = shown.locator("rung-s02-model")
    assert number(panel.locator("[data-number=tokens]")) == model.to_tokens(TEXT).shape[1]
    assert number(panel.locator("[data-number=parameters]")) == model.config.n_params
    names = {one.get_attribute("data-name") for one in panel.locator("[data-name]").all()}
    assert {site.path for site in sites_of(model.config)} <= names and "blocks.1.attn.W_Q" in names


def test_a_hook_shows_its_values_and_its_line_and_a_weight_its_own(shown, model):
    panel, values = shown.locator("rung-s02-model"), shown.locator("rung-s02-values")
    panel.locator("summary", has_text="layer 1").first.click()
    panel.locator("[data-name='blocks.1.attn.hook_z']").click()
    values.locator("[data-number=line]").wait_for()
    _, cache = model.run_with_cache(model.to_tokens(TEXT))
    z = cache["z", 1].detach()
    assert number(values.locator("[data-number=high]")) == pytest.approx(float(z.max()), abs=6e-5)
    assert number(values.locator("[data-number=std]")) == pytest.approx(float(z.std(correction=0)), abs=6e-5)
    site = next(site for site in sites_of(model.config) if site.path == "blocks.1.attn.hook_z")
    source = hook_source(model.config, site)
    assert number(values.locator("[data-number=line]")) == source.tap.number
    assert source.tap.code in values.locator("pre .here").inner_text()
    panel.locator("summary", has_text="outside the layers").last.click()
    panel.locator("summary", has_text="outside the layers").last.click()
    panel.locator("[data-name='unembed.W_U']").click()
    values.locator("code", has_text="unembed.W_U").first.wait_for()
    values.locator(".facts", has_text="reads each token").wait_for()
    assert number(values.locator("[data-number=low]")) == pytest.approx(float(model.W_U.detach().min()), abs=6e-5)
    assert values.locator("[data-number=line]").count() == 0


def test_a_wrong_name_is_answered_and_what_was_typed_stays(shown):
    values = shown.locator("rung-s02-values")
    field = values.locator("input[size='36']")
    field.fill("blocks.1.attn.hook_patern")
    field.press("Tab")
    values.locator("[data-act=run]").press("Enter")
    values.locator("[role=alert]", has_text="Near names: blocks.1.attn.hook_pattern").wait_for()
    assert field.input_value() == "blocks.1.attn.hook_patern"


def test_the_section_is_accessible(shown, axe):
    assert axe(shown, "#section-2") == []
