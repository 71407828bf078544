"""Section 5: the model's own bug, edits that raise the wrong triples too, and two layers beside it."""

import pytest
import torch

from rung.methods.skip_trigrams import TableEdit, edited_logits
from rung.model.model import HookedTransformer

from .figures import number

MODEL = HookedTransformer.from_pretrained("one-layer")
PROMPTS, OUTPUTS = (" at the same", " at an early"), (" time", " period")


def ran(page):
    panel = page.locator("rung-s05-tables")
    panel.locator("[data-act=run]").click()
    panel.locator("[data-triple='00']").wait_for()
    return panel


def check(panel, column, models_logits):
    for d, logits in enumerate(models_logits):
        for o, output in enumerate(OUTPUTS):
            cell = panel.locator(f"[data-triple='{d}{o}'] [data-number={column}]")
            chance = 100 * float(logits.softmax(-1)[MODEL.to_single_token(output)])
            assert number(cell) == pytest.approx(chance, abs=0.06)


def test_the_bug_and_both_models_have_their_own_numbers(opened):
    panel = ran(opened(section=5))
    deeper = HookedTransformer.from_pretrained("two-layer")
    with torch.no_grad():
        check(panel, "one", [MODEL(MODEL.to_tokens(text))[0, -1] for text in PROMPTS])
        check(panel, "deeper", [deeper(deeper.to_tokens(text))[0, -1] for text in PROMPTS])
    assert "No edits yet" in panel.locator("[data-number=outcome]").inner_text()


def test_raising_the_right_triples_raises_wrong_ones(opened):
    page = opened(section=5)
    panel = ran(page)
    for key in ("ov0", "ov1"):
        slider = panel.locator(f"[data-edit={key}]")
        slider.focus()
        for _ in range(4):
            slider.press("ArrowRight")
    panel.locator("[data-number=outcome]", has_text="Both right triples rose, and with them").wait_for()
    at = MODEL.to_single_token(" at")
    edits = [TableEdit("OV", at, MODEL.to_single_token(output), 2.0) for output in OUTPUTS]
    check(panel, "edited", [edited_logits(MODEL, MODEL.to_tokens(text), (0, 0), edits)[0, -1] for text in PROMPTS])
    panel.locator("[data-act=reset]").click()
    panel.locator("[data-number=outcome]", has_text="No edits yet").wait_for()


def test_another_case_is_chosen(opened):
    page = opened(section=5)
    panel = ran(page)
    panel.locator("select").select_option("1")
    page.wait_for_function(
        "() => !document.querySelector('rung-s05-tables [data-triple=\"00\"]').innerText.includes('·same')"
    )
    assert panel.locator("[data-triple]").count() == 4


def test_the_section_is_accessible(opened, axe):
    page = opened(section=5)
    ran(page)
    assert axe(page, "#section-5") == []
