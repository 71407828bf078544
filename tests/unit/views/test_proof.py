from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from rung.evidence.claim import INDUCTION
from rung.evidence.ladder import Agreement, Verdict
from rung.evidence.measurement import RUNGS, Floors, Outcome
from rung.views.proof import html, plain, proof_view
from rung.views.terminal import show, to_ascii

WIDTHS = [40, 60, 72, 100, 131, 132, 140, 200]


def drawn(proof, width: int = 100, **options) -> str:
    console = Console(file=StringIO(), width=width, color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(proof_view(proof, width, **options))
    return captured.get()


def words(text: str) -> str:
    return " ".join(text.split())


def line(text: str, rung: int) -> str:
    """What stands on a rung: from its line to the next one's."""
    lines = text.splitlines()
    start = next(i for i, one in enumerate(lines) if f"{rung} {RUNGS[rung]}" in one)
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith("       ")), len(lines))
    return words(" ".join(lines[start:end]))


def test_a_good_run_is_a_page_that_reads_like_the_verdict(proof):
    assert [one.rstrip() for one in drawn(proof(), record="induction.json").splitlines()] == [
        "small · 3 layers × 4 heads · 6,460 parameters · 64 confirmation sequences, apart from the search",
        " 0 behaviour      ✓ loss 9.88 → 0.07 nats · among its bag 0.03, unordered 1.94",
        " 1 clue           ✓ 0.0 previous-token 1.00 · 1.0 induction 0.92",
        " 2 contribution   ✓ 1.0 direct +17.88 logits · parts sum within 7e-07",
        " 3 causal support ✓ removing 0.0 costs 85 % of the gain, 1.0 88 % (mean and resample agree)",
        "                    restoring 0.0 mends 100 % · F 0.98",
        " 4 mechanism      ✓ 1.0's OV copies 100 % of tokens",
        "Pattern, attribution, ablation and weights agree on 0.0 and 1.0.",
        "Verdict: mechanism. A circuit for induction: 0.0 → 1.0 (K-composition).   record: induction.json",
    ]


def test_str_and_the_notebook_show_the_same(proof):
    assert str(proof()) == plain(proof()) == "\n".join(one.rstrip() for one in drawn(proof()).splitlines())
    bundle = proof()._repr_mimebundle_()
    assert bundle == {"text/plain": plain(proof()), "text/html": html(proof())}
    assert bundle["text/html"].startswith("<pre")
    assert "Verdict: mechanism" in bundle["text/html"]


def test_html_is_escaped(proof):
    model = proof().model
    assert "<script>" not in html(proof(model=model | {"name": "<script>alert(1)</script>"}))


@pytest.mark.parametrize(
    ("outcome", "mark", "adds"),
    [
        (Outcome.FAILS, "✗", ""),
        (Outcome.CONTRADICTED, "✗", " (contradicted)"),
        (Outcome.INCONCLUSIVE, "?", " (inconclusive)"),
        (Outcome.NOT_APPLICABLE, "?", " (not applicable)"),
    ],
)
def test_what_did_not_hold_comes_first_in_its_own_words_and_has_a_mark(proof, outcome, mark, adds):
    found = drawn(proof(outcomes={"denoising, A replaced": outcome}))
    assert line(found, 3).startswith(
        f"3 causal support {mark} restoring 0.0: 9.4 → 0.04 nats{adds} ✓ removing 0.0 costs"
    )
    assert line(found, 4).startswith("4 mechanism ✓")


def test_a_rung_is_as_good_as_its_worst_test(proof):
    found = drawn(
        proof(outcomes={"induction score": Outcome.INCONCLUSIVE, "previous_token score": Outcome.CONTRADICTED})
    )
    assert line(found, 1) == ("1 clue ✗ 0.0 previous-token 1.00 (contradicted) · ? 1.0 induction 0.92 (inconclusive)")


def test_what_is_only_shown_moves_no_mark(proof):
    found = proof(outcomes={"zero ablation": Outcome.CONTRADICTED})
    assert line(drawn(found), 3).startswith("3 causal support ✓")
    assert "zero ablation" not in drawn(found)
    assert "✗ contradicted, shown" in drawn(found, 140, tests=True)


def test_rungs_that_were_not_run_say_so(proof):
    nothing = proof(
        measurements=proof(outcomes={"gain": Outcome.FAILS}).of(0),
        agreement=(),
        claim=INDUCTION,
        verdict=Verdict(-1, "nothing to explain: no induction here; loss 9.88 → 9.7 nats."),
    )
    found = drawn(nothing)
    assert line(found, 0).startswith("0 behaviour ✗")
    for rung in range(1, 5):
        assert line(found, rung) == f"{rung} {RUNGS[rung]} – not run: there is nothing to explain"
    assert "agree" not in found
    unfilled = proof(measurements=proof().of(0) + proof().of(1), claim=INDUCTION, verdict=Verdict(0, "behaviour; …"))
    assert line(drawn(unfilled), 2) == "2 contribution – not run: a role has no head"
    alone = proof(measurements=proof().of(0), verdict=Verdict(0, "behaviour; …"))
    assert line(drawn(alone), 2) == "2 contribution – not run"


def test_too_few_sequences_count_no_further_than_a_clue(proof):
    few = proof(run=proof().run | {"sequences": 8}, verdict=Verdict(1, "clue; no more is said with only 8 …"))
    found = drawn(few)
    assert line(found, 1).startswith("1 clue ✓")
    for rung in (2, 3, 4):
        assert line(found, rung).startswith(f"{rung} {RUNGS[rung]} – not counted: 64 sequences are asked for")
    fewer_are_asked_for = replace(few, floors=Floors(sequences=8))
    assert line(drawn(fewer_are_asked_for), 3).startswith("3 causal support ✓")


def test_heads_that_were_given_are_said_to_be(proof):
    found = drawn(proof(run=proof().run | {"heads": "given"}))
    assert (
        "heads as given · 64 confirmation sequences\n" in "\n".join(one.rstrip() for one in found.splitlines()) + "\n"
    )
    assert "apart from the search" not in found


def test_disagreement_is_a_table_of_who_points_where(proof):
    points = {"pattern": "0.0", "attribution": "0.0", "ablation": "0.3"}
    found = drawn(
        proof(
            agreement=(
                Agreement("previous_token", ("0.0", "0.1"), points),
                Agreement("induction", ("1.0",), {"pattern": "1.0"}),
            )
        )
    )
    assert "Ablation points at other heads than the claimed:" in found
    rows = [words(one) for one in found.splitlines()]
    assert "claimed 0.0, 0.1 1.0" in rows
    assert "by pattern 0.0 ✓ 1.0 ✓" in rows
    assert "by attribution 0.0 ✓ –" in rows
    assert "by ablation 0.3 ✗ –" in rows
    assert not any(one.startswith("by weights") for one in rows)


def test_agreement_of_fewer_methods_names_those_that_are_missing(proof):
    whole = dict.fromkeys(("pattern", "attribution", "ablation", "weights"), "1.0")
    part = {"pattern": "0.0", "ablation": "0.1"}
    found = drawn(
        proof(agreement=(Agreement("previous_token", ("0.0", "0.1"), part), Agreement("induction", ("1.0",), whole)))
    )
    assert words(found).count(
        "Pattern, attribution, ablation and weights agree on 0.0, 0.1 and 1.0 "
        "(no attribution for previous_token and no weights for previous_token)."
    )
    alone = drawn(proof(agreement=(Agreement("induction", ("1.0",), {"pattern": "1.0"}),)))
    assert "Pattern points at 1.0." in alone


def test_members_and_redundancy_are_listed(proof):
    member = replace(proof().measurements[6], test="member", control=0.6, value=0.05)
    both = (replace(member, subject="1.0"), replace(member, subject="1.1"))
    found = line(drawn(proof(measurements=(*proof().measurements, *both))), 3)
    assert "each member earns its place: 1.0 (costs 5 %, alone does 60 %), 1.1 (costs 5 %, alone does 60 %)" in found


@pytest.mark.parametrize("tests", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_width_holds_everything(proof, width, tests):
    one = proof(outcomes={"denoising, A replaced": Outcome.FAILS})
    found = drawn(one, width, tests=tests, record="a/very/long/path/" * 5 + "it.json")
    assert max(map(len, found.splitlines())) <= width
    for rung, name in enumerate(RUNGS):
        assert f"{rung} {name}" in found
    assert "✗" in found
    assert "Verdict:" in found
    told = words(found)
    if tests:
        assert told.count("necessity,") == 2
        if width >= 60:
            for number in ("[9.7, 9.9]", "0.0001", "1.94", "0.997"):
                assert number in told


def test_every_measurement_has_its_numbers_in_the_table(proof):
    rows = [words(one) for one in drawn(proof(), 140, tests=True).splitlines()]
    assert "gain, nats the model 9.8 [9.7, 9.9] 1 0.0001 ✓ holds" in rows
    assert "induction score, attention 1.0 0.92 0.3 0.02 ✓ holds" in rows
    assert "parts sum to the whole the model 7e-07 1e-04 ✓ holds" in rows
    assert "faithfulness, mean the circuit 0.98 0.8 best swap ✓ holds" in rows
    assert "zero ablation 0.0 0.86 – shown" in rows
    narrow = words(drawn(proof(), 60, tests=True))
    assert "0 gain · the model ✓ holds 9.8 nats · interval [9.7, 9.9] · floor 1 · p 0.0001" in narrow


def test_an_encoding_without_our_signs_loses_none(proof):
    every = {m.test: outcome for m, outcome in zip(proof().measurements, list(Outcome) * 3, strict=False)}
    text = to_ascii(drawn(proof(outcomes=every), 140, tests=True))
    assert text.isascii(), {char for char in text if not char.isascii()}


def test_marks_say_without_colour_what_colours_say(proof, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = StringIO()
    show(lambda width: proof_view(proof(outcomes={"gain": Outcome.FAILS}), width), out)
    assert "[3" not in out.getvalue()
    assert "✗ loss" in words(out.getvalue().replace("\033[0m", "").replace("\033[1m", "").replace("\033[2m", ""))


def test_text_of_a_record_cannot_move_the_cursor(proof):
    sly = "\033[2J\rVerdict: mechanism\b"
    one = proof(
        model=proof().model | {"name": sly},
        verdict=Verdict(0, sly),
        measurements=tuple(replace(m, said=sly, subject=sly, unit=sly, control_name=sly) for m in proof().measurements),
        agreement=(Agreement(sly, (sly,), {"pattern": sly, "ablation": "0.3"}),),
        outcomes={},
    )
    for width in (60, 140):
        text = drawn(one, width, tests=True, record=sly)
        assert not {char for char in text if not char.isprintable()} - {"\n"}
