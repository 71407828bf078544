"""The page of a proof: everything is in it, failures as loud as the rest, and nothing in it runs or is fetched."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from rung.errors import RecordError
from rung.evidence.observation import PAIR, Floors, Outcome
from rung.evidence.record import record
from rung.views.report import report, write_report
from rung.views.wording import REPORT, TEST_NAMES, verdict_sentence

SLY = "</title></script><img src=x onerror=alert(1)>&\"'"


class Page(HTMLParser):
    """Tags with their attributes, and the text of the page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.said, self.open = [], [], []
        self.feed(text)
        self.text = " ".join(" ".join(self.said).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.said.append(data)


def page(proof):
    return report(record(proof, verdict_sentence(proof)))


def test_it_says_claim_verdict_rungs_and_every_test(proof):
    one = proof(shown=True, text="0f" * 32)
    found = Page(page(one))
    assert verdict_sentence(one) in found.text
    for m in one.measurements:
        assert TEST_NAMES[m.test] in found.text and m.subject in found.text
    for word in (
        "0 behaviour",
        "4 mechanism",
        "0f" * 32,
        "1e" * 32,
        "rung verify",
        "rung prove induction --model small",
    ):
        assert word in found.text


def test_every_required_number_is_drawn_with_its_words(proof):
    found = Page(page(proof()))
    plots = [attributes for tag, attributes in found.tags if tag == "svg" and attributes["class"] == "effect"]
    assert len(plots) == sum(len(m.checks) for m in proof().measurements if m.required)
    assert all(one["role"] == "img" and re.search(r": .*\d", one["aria-label"]) for one in plots)
    assert any("must be at least" in one["aria-label"] for one in plots)


@pytest.mark.parametrize("outcome", [Outcome.FAILS, Outcome.INCONCLUSIVE, Outcome.CONTRADICTED])
def test_what_did_not_hold_stands_before_the_rungs_in_full(proof, outcome):
    test = "contribution.direct"
    found = page(proof(outcomes={test: outcome}))
    opened = found.index(REPORT["open"])
    named = found.index(TEST_NAMES[test], opened)
    assert opened < named < found.index(REPORT["circuit"])
    assert found[opened:named].count(f">{'?' if outcome is Outcome.INCONCLUSIVE else '✗'} {outcome}<") == 1
    assert "effect" in found[named : found.index(REPORT["circuit"])]
    assert REPORT["none open"] not in found and REPORT["none open"] in page(proof())


def test_nothing_in_it_runs_or_is_fetched(proof):
    found = page(proof(shown=True))
    tags = Page(found).tags
    assert not {tag for tag, _ in tags} & {"script", "img", "link", "iframe", "object", "embed", "form", "base"}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    links = [value for _, attributes in tags for name, value in attributes.items() if name in ("href", "src")]
    assert links and all(link.startswith("#") for link in links)
    assert "default-src 'none'" in found and "url(" not in found and "@import" not in found


def test_what_a_record_says_stays_text(proof):
    one = proof(shown=True)
    claim = replace(one.claim, name=SLY, roles=tuple(replace(role, job=SLY) for role in one.claim.roles))
    measured = tuple(
        replace(m, unit=SLY, controls=dict(m.controls) | {SLY: 1.0, f"{PAIR}{SLY} → {SLY}": 1.0})
        for m in one.measurements
    )
    sly = replace(
        one,
        claim=claim,
        measurements=measured,
        model=dict(one.model) | {"name": SLY},
        run=dict(one.run) | {"versions": {SLY: SLY}, "device": SLY, "heads": SLY, "text": SLY},
    )
    text = report(record(sly, SLY), SLY)
    assert "<img" not in text and "</script" not in text
    found = Page(text)
    assert SLY in found.text
    plain = Page(page(one))
    assert {tag for tag, _ in found.tags} == {tag for tag, _ in plain.tags}
    assert {name for _, attributes in found.tags for name in attributes} == {
        name for _, attributes in plain.tags for name in attributes
    }


def test_the_claimed_heads_and_pairs_are_framed(proof):
    one = proof(shown=True)
    pairs = {f"{PAIR}0.{i} → 1.{j}": 0.1 * (i + j) for i in range(4) for j in range(4)}
    measured = tuple(
        replace(m, controls=dict(m.controls) | pairs) if m.test == "shown.composition" else m for m in one.measurements
    )
    text = page(replace(one, measurements=measured))
    drawn = re.findall(r'<svg class="matrix.*?</svg>', text)
    norm = next(svg for svg in drawn if REPORT["norm"] in svg)
    assert norm.count('class="fill"') == 16 and norm.count('class="claimed"') == 1
    assert "highest 0.60 at 0.3, 1.3" in norm
    assert all(svg.count('class="claimed"') == 1 for svg in drawn)


def test_the_commands_name_what_the_proof_was_made_with(proof):
    said = Page(page(proof(run=dict(proof().run) | {"search_seed": None, "dtype": "float64"}))).text
    assert "--heads previous_token=0.0 --heads induction=1.0 --dtype float64" in said and "--seed" not in said
    assert REPORT["again floors"] in Page(page(proof(floors=Floors(clue=0.2)))).text


def test_a_proof_of_nothing_and_one_without_heads_have_pages_too(proof):
    nothing = page(
        proof(outcomes={"behaviour.gain": Outcome.FAILS}, leave_out=lambda spec: spec.rung > 0, agreement=())
    )
    assert "there is nothing to explain" in nothing
    assert "no head found" in page(proof(heads={"induction": ((1, 0),)}))


def test_it_writes_a_page_and_leaves_other_files_alone(proof, tmp_path):
    made = record(proof(), verdict_sentence(proof()))
    write_report(made, tmp_path / "a.html")
    write_report(made, tmp_path / "a.html", "mine.json")
    assert "rung verify mine.json" in (tmp_path / "a.html").read_text("utf-8")
    assert len((tmp_path / "a.html").read_bytes()) < 1_000_000
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(RecordError, match="left as it is"):
        write_report(made, tmp_path / "notes")
    with pytest.raises(RecordError, match="no folder"):
        write_report(made, tmp_path / "missing" / "a.html")
    with pytest.raises(RecordError, match="it is a folder"):
        write_report(made, tmp_path)
