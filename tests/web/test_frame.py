"""The frame that all panels share: what a reader sees while it runs, when it fails, and of what was kept."""

import json

import pytest

RUN = "**/api/run"
EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.fixture
def panel(opened):
    """The board of section 6."""
    page = opened(section=6)
    return page.locator("rung-s06-board")


class Held:
    """Requests to the lab that wait until they are let go."""

    def __init__(self, page):
        self.routes = []
        page.route(RUN, self._hold)

    def _hold(self, route):
        # The page asks for the sequence that the reader guesses in by itself.
        if json.loads(route.request.post_data)["computation"] == "board.loss":
            self.routes.append(route)
        else:
            route.continue_()

    def wait(self, page, count):
        for _ in range(200):
            if len(self.routes) >= count:
                return
            page.wait_for_timeout(25)
        raise AssertionError(f"{len(self.routes)} requests came; {count} were expected")


def answered(panel):
    panel.locator(".see").wait_for()
    return panel.locator(".see").inner_text()


def test_a_wait_says_what_is_computed_and_can_be_cancelled_and_asked_again(panel):
    page = panel.page
    held = Held(page)
    panel.locator("[data-act=run]").click()
    held.wait(page, 1)
    waiting = panel.locator(".waiting")
    waiting.wait_for()
    assert "Computing" in waiting.inner_text()
    panel.locator("[data-act=cancel]").click()
    panel.locator(".status").filter(has_text="Cancelled").wait_for()
    assert not waiting.count()
    page.unroute(RUN)
    panel.locator("[data-act=run]").click()
    answered(panel)


def test_progress_is_shown_as_it_comes(panel):
    page = panel.page
    body = 'event: progress\ndata: {"step":"loss by position","done":3,"total":16}\n\n'
    # The stream stays open in the page's own world: an answer never comes.
    page.evaluate(
        """body => {
            const real = window.fetch;
            window.fetch = (path, options) => path !== '/api/run' ? real(path, options) : Promise.resolve(
                new Response(new ReadableStream({ start: (c) => c.enqueue(new TextEncoder().encode(body)) })));
        }""",
        body,
    )
    panel.locator("[data-act=run]").click()
    panel.locator(".waiting").filter(has_text="loss by position: 3 of 16").wait_for()
    assert float(panel.locator("progress").get_attribute("value")) == pytest.approx(3 / 16)


def test_the_latest_request_wins(panel):
    page = panel.page
    held = Held(page)
    panel.locator("[data-act=run]").click()
    held.wait(page, 1)
    with page.expect_event("requestfailed"):
        page.locator(".model-choice select").select_option("two-layer-tiny")
        held.wait(page, 2)
    models = [json.loads(route.request.post_data)["ask"]["model"] for route in held.routes]
    assert models == ["two-layer", "two-layer-tiny"]
    held.routes[1].continue_()
    answered(panel)
    assert not panel.get_by_role("alert").count()


def test_a_lost_connection_is_said_and_nothing_typed_is_lost(panel, guards):
    page = panel.page
    page.route(RUN, lambda route: route.abort("connectionrefused"))
    panel.locator(".predict input[type=range]").first.fill("4")
    panel.locator("[data-act=run]").click()
    panel.get_by_role("alert").filter(has_text="does not answer").wait_for()
    assert panel.locator(".predict input[type=range]").first.input_value() == "4"
    page.unroute(RUN)
    panel.locator("[data-act=run]").click()
    answered(panel)
    assert not panel.get_by_role("alert").count()
    guards.errors.clear()  # the browser itself reports the refused connection


def test_a_stream_that_ends_without_an_answer_is_a_lost_connection(panel):
    page = panel.page
    page.route(
        RUN,
        lambda route: route.fulfill(
            content_type="text/event-stream", body='event: progress\ndata: {"step":"a","done":1,"total":2}\n\n'
        ),
    )
    panel.locator("[data-act=run]").click()
    panel.get_by_role("alert").filter(has_text="does not answer").wait_for()


def test_the_librarys_own_words_are_shown_for_what_cannot_be_computed(opened):
    page = opened("model=two-layer", section=6)
    panel = page.locator("rung-s06-board")
    page.route(
        RUN,
        lambda route: route.fulfill(
            content_type="text/event-stream",
            body='event: error\ndata: {"message":"a period of 8 needs <b>more</b>","kind":"error"}\n\n',
        ),
    )
    panel.locator("[data-act=run]").click()
    panel.get_by_role("alert").filter(has_text="a period of 8 needs <b>more</b>").wait_for()


def test_a_token_is_text_whatever_it_says(panel):
    page = panel.page

    def spoiled(route):
        text = route.fetch().text()
        events = text.replace("\r\n", "\n").split("\n\n")
        at = next(i for i, event in enumerate(events) if "event: answer" in event)
        answer = json.loads(events[at].split("data:", 1)[1])
        answer["sequence"]["texts"] = [EVIL] * len(answer["sequence"]["texts"])
        route.fulfill(content_type="text/event-stream", body=f"event: answer\ndata: {json.dumps(answer)}\n\n")

    page.route(RUN, spoiled)
    panel.locator("[data-act=run]").click()
    answered(panel)
    panel.locator(".columns").first.focus()
    page.keyboard.press("t")
    # An answer computed beforehand may come first; the live one replaces it.
    panel.locator(".table-scroll").first.filter(has_text=EVIL.replace(" ", "·")).wait_for()
    assert page.locator("main img").count() == 0


def test_the_answer_to_the_question_survives_a_reload(panel):
    page = panel.page
    panel.locator("[data-act=run]").click()
    answered(panel)
    panel.locator(".gap-form input").fill("I forgot that the first copy is random")
    page.reload()
    page.locator("#section-6").scroll_into_view_if_needed()
    panel.locator("[data-act=run]").click()
    answered(panel)
    assert panel.locator(".gap-form input").input_value() == "I forgot that the first copy is random"
    assert not panel.locator(".explain").count(), "the text explains only after the reader's line"
    panel.locator("[data-act=answer]").click()
    panel.locator(".explain").wait_for()
    assert "I forgot" in panel.locator(".your-line").inner_text()


def test_a_pin_is_kept_shared_by_two_tabs_downloaded_and_opened_again(panel, tmp_path):
    page = panel.page
    other = page.context.new_page()
    other.goto(page.url)
    other.locator("main section").first.wait_for()
    panel.locator("[data-act=run]").click()
    answered(panel)
    panel.locator("[data-act=pin]").click()
    page.locator(".count").filter(has_text="1").wait_for()
    other.locator(".count").filter(has_text="1").wait_for()
    other.close()
    page.reload()
    page.locator(".count").filter(has_text="1").wait_for()
    page.get_by_role("button", name="Evidence").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    saved = tmp_path / "drawer.json"
    download.value.save_as(saved)
    title = page.locator(".pins strong").inner_text()
    page.get_by_role("button", name="Empty it").click()
    page.locator(".count").filter(has_text="0").wait_for()
    page.locator(".drawer input[type=file]").set_input_files(saved)
    page.locator(".pins strong").filter(has_text=title).wait_for()


def test_a_panel_is_enlarged_and_comes_back_by_keyboard(panel):
    page = panel.page
    button = panel.locator("[data-act=enlarge]")
    button.focus()
    page.keyboard.press("Enter")
    assert panel.locator("dialog[open] .panel-body").count() == 1
    assert page.evaluate("document.activeElement.dataset.act") == "enlarge"
    page.keyboard.press("Escape")
    panel.locator(".slot > .panel-body").wait_for()
    assert page.evaluate("document.activeElement.dataset.act") == "enlarge"


def test_two_runs_stand_side_by_side(panel):
    page = panel.page
    panel.locator("[data-act=run]").click()
    answered(panel)
    panel.locator("[data-act=keep]").click()
    page.locator(".model-choice select").select_option("two-layer-tiny")
    panel.locator(".runs.two .caption").filter(has_text="two-layer-tiny").wait_for()
    assert panel.locator(".kept .caption").inner_text().startswith("Kept two-layer ")
    panel.locator("[data-act=unkeep]").click()
    assert not panel.locator(".runs.two").count()


def test_every_control_is_reached_by_tab_alone(opened):
    page = opened()
    expected = page.evaluate(
        """() => {
            const seen = new Set();
            const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')];
            return all.filter((one) => {
                if (one.tabIndex < 0 || one.disabled || one.closest('[inert]') || !one.checkVisibility({ checkVisibilityCSS: true })) return false;
                if (one.type === 'radio') {
                    // Tab enters a group of radio buttons once; arrows go on.
                    const group = one.name + (one.closest('.panel')?.id ?? '');
                    if (seen.has(group)) return false;
                    seen.add(group);
                    one.dataset.want = group;
                }
                one.dataset.want ??= 'yes';
                return true;
            }).length;
        }"""  # noqa: E501
    )
    assert expected > 60
    page.evaluate(
        "() => { window.reached = new Set(); document.addEventListener('focusin', (e) => reached.add(e.target)); }"
    )
    for _ in range(expected + 60):
        page.keyboard.press("Tab")
    missed = page.evaluate(
        """() => [...document.querySelectorAll('[data-want]')].filter((one) => {
            if (reached.has(one)) return false;
            if (one.type !== 'radio') return true;
            return ![...document.getElementsByName(one.name)].some((other) => reached.has(other));
        }).map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert missed == []
