"""Five checks on the page: the reader's words stay here, and what is chosen is run."""

import pytest

from rung.course import LiftChoice, PlanChoice, check_lift, check_plan

LONG_MS = 90_000


def test_words_are_kept_in_the_browser_and_points_come_after_them(opened):
    page = opened(section=13)
    check = page.locator("#section-13 rung-check").first
    check.locator("[data-act=hold]").click()
    assert "Write a line first" in check.inner_text()
    assert check.locator(".points").count() == 0
    check.locator("textarea").fill("heads of one layer cannot wait <b>for</b> another")
    check.locator("[data-act=hold]").click()
    check.locator("[data-point='0']").check()
    assert check.locator("[data-ticked]").inner_text() == "1 of 4 points said."
    assert all(page.locator(link.get_attribute("href")).count() == 1 for link in check.locator(".points a").all())
    page.reload()
    check = page.locator("#section-13 rung-check").first
    check.wait_for()
    assert check.locator("textarea").input_value() == "heads of one layer cannot wait <b>for</b> another"
    check.locator("[data-act=hold]").click()
    assert check.locator("[data-point='0']").is_checked()


@pytest.mark.parametrize(
    ("tests", "subject", "passed"),
    [
        (["clue.signature"], "head", False),
        (["support.necessity", "support.interchange"], "layer", False),
        (["support.necessity", "support.interchange"], "head", True),
    ],
)
def test_check_c_runs_what_was_chosen(opened, tests, subject, passed):
    page = opened(section=13)
    panel = page.locator("#s13-lift")
    for test in tests:
        panel.locator(f"input[value='{test}']").check()
    panel.locator(f"input[value='{subject}']").check()
    panel.locator("[data-act=run]").click()
    panel.locator("[data-sentence]").wait_for(timeout=LONG_MS)
    own = check_lift(LiftChoice(tuple(tests), subject))
    assert own.passed is passed
    assert panel.locator("[data-passed]").get_attribute("data-passed") == ("yes" if passed else "no")
    assert panel.locator("[data-sentence]").inner_text() == own.sentence
    shown = {
        row.get_attribute("data-model"): row.get_attribute("data-accepted")
        for row in panel.locator("[data-model]").all()
    }
    assert shown == {case.model: "yes" if case.accepted else "no" for case in own.cases}


def test_check_e_names_what_is_missing_and_then_runs_the_plan(opened):
    page = opened(section=13)
    panel = page.locator("#s13-plan")
    panel.locator("[data-act=run]").click()
    assert panel.get_by_role("alert").inner_text() == "Choose a signature for each of the two heads."
    for value in ("one_back", "value", "ablate", "exchange", "ov", "composed_qk"):
        panel.locator(f"input[value='{value}']").check()
    panel.locator("[data-act=run]").click()
    panel.locator("[data-sentence]").wait_for(timeout=LONG_MS)
    own = check_plan(PlanChoice("one_back", "value", ("ablate", "exchange"), "K", ("ov", "composed_qk")))
    assert own.passed
    assert panel.locator("[data-sentence]").inner_text() == own.sentence
    panel.locator("input[value='key']").check()
    panel.locator("[data-act=run]").click()
    panel.locator("[data-mistake='match_signature']").wait_for(timeout=LONG_MS)
