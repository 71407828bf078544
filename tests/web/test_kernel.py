"""The page as a whole, and the guards of its tests."""

import json
from typing import Any

import pytest


def test_a_request_that_is_not_local_fails_a_test(page, guards, lab_url):
    """The guard itself, shown to fail when it should."""
    page.route("https://example.org/**", lambda route: route.fulfill(body=""))
    page.goto(lab_url)
    page.evaluate("() => { new Image().src = 'https://example.org/pixel.png'; }")
    page.wait_for_timeout(300)
    with pytest.raises(AssertionError):
        guards.check()


@pytest.mark.parametrize("script", ["console.error('broken')", "setTimeout(() => { throw new Error('broken') })"])
def test_an_error_on_the_page_fails_a_test(page, guards, lab_url, script):
    page.goto(lab_url)
    guards.check()
    page.evaluate(script)
    page.wait_for_timeout(200)
    with pytest.raises(AssertionError, match="broken"):
        guards.check()


def test_the_token_leaves_the_address_and_settings_survive_a_reload(opened):
    page = opened("model=two-layer-tiny")
    assert "token" not in page.url
    assert page.locator(".model-choice select").input_value() == "two-layer-tiny"
    page.locator(".model-choice select").select_option("two-layer-full")
    assert "model=two-layer-full" in page.url
    page.reload()
    page.locator("main section").first.wait_for()
    assert page.locator(".model-choice select").input_value() == "two-layer-full"


def test_every_section_is_there_and_named(opened):
    page = opened()
    headings = page.locator("main h2").all_inner_texts()
    assert [text.split()[0] for text in headings[:14]] == [str(n) for n in range(1, 15)]
    assert not page.get_by_text("This section is being built").count()
    for link in page.locator("#contents a").all():
        target = link.get_attribute("href")
        assert page.locator(target).count() == 1, target


def test_no_section_scrolls_sideways_on_a_telephone(opened):
    page = opened()
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_timeout(300)
    wide = page.evaluate(
        """() => [...document.querySelectorAll('main *')].filter((one) => {
            const box = one.getBoundingClientRect();
            return box.width > 0 && box.right > innerWidth + 1 && !one.closest('.table-scroll, pre, .wide-table, svg');
        }).slice(0, 5).map((one) => `${one.tagName}.${one.className} in ${one.closest('section')?.id}`)"""
    )
    assert wide == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_theme_can_be_chosen_and_is_kept(opened):
    page = opened()
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator(".theme-choice select").select_option("dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    page.reload()
    page.locator("main section").first.wait_for()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_nothing_is_said_by_axe(opened, axe):
    assert axe(opened()) == []


def test_a_page_of_a_lab_that_was_restarted_says_so(opened, guards):
    page = opened()
    refusal = json.dumps({"message": "", "kind": "restarted"})
    page.route("**/api/session", lambda route: route.fulfill(status=401, body=refusal))
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.get_by_role("alert").filter(has_text="The lab was restarted").wait_for()
    guards.errors.clear()  # the browser itself reports the refusal


def test_the_drawer_opens_what_it_saved_and_refuses_what_was_edited(opened, guards, tmp_path):
    page = opened()
    page.get_by_role("button", name="Evidence").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    saved = tmp_path / "drawer.json"
    download.value.save_as(saved)
    page.locator(".drawer input[type=file]").set_input_files(saved)
    page.wait_for_timeout(300)
    assert page.locator(".drawer .status").inner_text() == ""
    saved.write_text(saved.read_text().replace('"pins"', '"pinned"'))
    page.locator(".drawer input[type=file]").set_input_files(saved)
    page.locator(".drawer .status").filter(has_text="drawer").wait_for()
    guards.errors.clear()


def focused(page: Any) -> str:
    """The focused element, in words."""
    return str(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))


def test_the_first_tab_leads_past_the_head(opened):
    page = opened()
    page.keyboard.press("Tab")
    assert "To the lesson" in focused(page)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
