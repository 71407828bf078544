"""The ladder on the page: a verdict from chosen tests, the whole proof and its cancelling, the decoys."""

import json
import re
from dataclasses import replace

import pytest

from rung import HookedTransformer
from rung.evidence.claim import INDUCTION
from rung.evidence.prove import prepare, prove_part
from rung.evidence.verify import verify
from rung.planted import plant
from rung.views.evidence_graph import evidence_graph
from rung.views.wording import read_record, stopper, verdict_sentence

TINY = "two-layer-tiny"
LONG_MS = 90_000


@pytest.fixture(scope="module")
def found():
    return prepare("induction", HookedTransformer.from_pretrained(TINY))


def drawn(panel):
    """Each node of the graph as the page says it: {label: (fill, "held of all")}."""
    said = panel.locator("rung-evidence svg").get_attribute("aria-label").removeprefix("Evidence graph. ")
    return {one.split(": ")[0]: tuple(one.split(": ")[1].split(", ")) for one in said.split("; ")}


def computed(proof):
    return {node.label: (node.fill, f"{node.held} of {len(node.tests)}") for node in evidence_graph(proof).nodes}


def numbers(text):
    return [float(one.replace("−", "-")) for one in re.findall(r"[−-]?\d+\.\d+", text)]


def test_a_verdict_follows_from_the_tests_that_are_chosen(opened, found):
    page = opened(f"model={TINY}", 12)
    panel = page.locator("#s12-part")
    panel.get_by_role("radio", name="mechanism").check()
    panel.locator("[data-act=list]").click()
    panel.locator("[data-test='contribution.direct']").wait_for()
    for test in ("contribution.direct", "contribution.edge", "contribution.sum"):
        panel.locator(f"[data-test='{test}']").check()
    panel.locator("[data-act=run]").click()
    panel.locator("[data-verdict]").wait_for(timeout=LONG_MS)
    tests = ["behaviour.gain", "behaviour.order", "clue.signature", "contribution.direct", "contribution.edge"]
    proof = prove_part(found, [*tests, "contribution.sum"])
    assert panel.locator("[data-verdict]").inner_text() == verdict_sentence(proof)
    assert panel.locator("[data-weakest]").inner_text() == stopper(proof)
    assert panel.locator("[data-rung]").inner_text() == proof.verdict.name == "contribution"
    assert drawn(panel) == computed(proof)
    assert "You said mechanism" in panel.inner_text()
    panel.locator("summary").click()
    rows = sorted(evidence_graph(proof).rows, key=lambda row: -row.rung)
    lines = panel.locator("rung-ladder tbody tr").all()
    for row, line in zip(rows, lines, strict=True):
        cells = line.locator("td").all_inner_texts()
        assert cells[0].endswith(row.outcome)
        assert line.locator("th").inner_text().startswith(f"{row.name} {row.subject}")
        if row.checks and abs(row.checks[0].value) >= 0.01:
            assert numbers(cells[1])[0] == pytest.approx(row.checks[0].value, abs=0.006)
    not_run = [row for row in rows if row.outcome == "not run"]
    assert panel.locator("rung-ladder tr.outcome-not-run").count() == len(not_run) > 0


def test_a_test_that_is_taken_away_lowers_the_verdict_by_keyboard_alone(opened, found):
    page = opened(f"model={TINY}", 12)
    panel = page.locator("#s12-part")
    panel.locator("[data-act=list]").focus()
    page.keyboard.press("Enter")
    panel.locator("[data-test='behaviour.order']").wait_for()
    panel.locator("[data-test='behaviour.order']").focus()
    page.keyboard.press("Space")
    panel.locator("[data-act=run]").focus()
    page.keyboard.press("Enter")
    panel.locator("[data-verdict]").wait_for(timeout=LONG_MS)
    proof = prove_part(found, ["behaviour.gain", "clue.signature"])
    assert panel.locator("[data-verdict]").inner_text() == verdict_sentence(proof)
    assert drawn(panel)["behaviour"] == ("not run", "1 of 2")
    assert drawn(panel)["clue"][0] == "inconclusive"


def test_a_whole_proof_is_cancelled_midway_run_again_and_its_record_verifies(opened, tmp_path):
    # The larger model's proof lasts long enough to be cancelled in its middle.
    page = opened("model=two-layer", 12)
    panel = page.locator("#s12-proof")
    panel.locator("[data-act=run]").click()
    panel.locator(".waiting", has_text=" of ").wait_for(timeout=LONG_MS)
    panel.locator("[data-act=cancel]").click()
    panel.get_by_text("Cancelled. Press Run to ask again.").wait_for()
    assert panel.locator("[data-verdict]").count() == 0
    page.locator(".model-choice select").select_option(TINY)
    panel.locator("[data-act=run]").click()
    panel.locator("[data-verdict]").wait_for(timeout=LONG_MS)
    with page.expect_download() as download:
        panel.locator("[data-act=record]").click()
    path = tmp_path / "induction.json"
    download.value.save_as(path)
    record = read_record(str(path))
    assert panel.locator("[data-verdict]").inner_text() == record.sentence
    assert drawn(panel) == computed(record.proof)
    _, differences = verify(record.proof, HookedTransformer.from_pretrained(TINY))
    assert differences == []
    panel.locator("[data-act=to-drawer]").click()
    kept = page.evaluate("Object.values(localStorage).find((one) => one.includes('rung record'))")
    assert json.loads(kept)["proof"]["verdict"]["sentence"] == record.sentence


def test_decoys_are_stopped_at_their_truth_and_words_light_their_graph(opened):
    page = opened("", 12)
    panel = page.locator("#s12-decoys")
    for kind in ("stripe", "wrong_edge"):
        panel.locator(f"input[value='{kind}']").check()
        planted = plant(kind, 0)
        claim = replace(INDUCTION, edges=(replace(INDUCTION.edges[0], into=planted.into),))
        whole = prepare(claim.with_heads(planted.heads), planted.model)
        proof = prove_part(whole, {spec.id for spec in whole.required})
        panel.locator("[data-act=run]").click()
        panel.locator("[data-verdict]", has_text=verdict_sentence(proof)).wait_for(timeout=LONG_MS)
        assert panel.locator("[data-weakest]").inner_text() == stopper(proof)
        assert drawn(panel) == computed(proof)
    panel.locator("[data-act=skip]").click()
    assert planted.why in panel.inner_text()
    page.locator("#section-12 rung-word button", has_text="OV").first.click()
    lit = panel.locator("rung-evidence g.lit")
    assert lit.count() == 1 and "OV" in lit.text_content()
