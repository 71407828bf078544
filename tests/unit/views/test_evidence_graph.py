import pytest

from rung.evidence.claim import required_tests
from rung.evidence.observation import RUNGS, Outcome
from rung.views.evidence_graph import KINDS, evidence_graph, kind_of
from rung.views.wording import result


def required(proof):
    return required_tests(proof.claim, proof.config, proof.run["text"] is not None)


def test_the_edges_are_those_of_the_lesson(proof):
    graph = evidence_graph(proof())
    drawn = {(edge.source, edge.target) for edge in graph.edges}
    for kind, rung in (
        ("pattern", 1), ("attribution", 2), ("ablation", 3), ("QK", 4), ("OV", 4), ("composition", 4),
    ):  # fmt: skip
        assert (f"kind:{kind}", f"rung:{rung}") in drawn
    assert {(f"rung:{rung}", f"rung:{rung + 1}") for rung in range(4)} <= drawn
    assert [node.label for node in graph.nodes if node.is_rung] == list(RUNGS)


def test_every_required_test_fills_one_kind_and_one_rung_and_has_one_row(proof):
    heads = {"previous_token": ((0, 0), (0, 1)), "induction": ((1, 0), (1, 1))}
    whole = proof(heads=heads, text="9" * 64)
    keys = sorted(spec.key for spec in required(whole))
    graph = evidence_graph(whole)
    for rungs in (True, False):
        assert sorted(key for node in graph.nodes if node.is_rung is rungs for key in node.tests) == keys
    assert [(row.test, row.subject) for row in graph.rows] == [spec.key for spec in required(whole)]
    assert all(kind_of(spec.id) in KINDS.values() for spec in required(whole))


@pytest.mark.parametrize("outcome", [Outcome.FAILS, Outcome.INCONCLUSIVE])
@pytest.mark.parametrize("test", ["clue.signature", "support.necessity", "mechanism.ov"])
def test_a_node_is_filled_by_its_own_test(proof, test, outcome):
    graph = evidence_graph(proof(outcomes={test: outcome}))
    rung = next(row.rung for row in graph.rows if row.test == test)
    for node in graph.nodes:
        if node.id in (f"kind:{kind_of(test)}", f"rung:{rung}"):
            assert node.fill == outcome.value
        elif not node.is_rung or node.rung < rung:
            assert (node.fill, node.held) == ("holds", len(node.tests))
        else:
            # Its own tests hold, and the verdict does not reach it.
            assert (node.fill, node.held) == ("inconclusive", len(node.tests))


def test_what_was_not_measured_is_shown_as_not_run(proof):
    part = proof(leave_out=lambda spec: spec.rung > 1)
    graph = evidence_graph(part)
    assert [graph.node(f"rung:{rung}").fill for rung in range(5)] == ["holds", "holds", *3 * ["not run"]]
    assert graph.node("kind:OV").fill == "not run"
    for row in graph.rows:
        assert (row.words == "not measured") is (row.rung > 1)
        assert bool(row.checks) is (row.rung <= 1)


def test_a_row_has_the_measurement_s_own_numbers_and_the_floors_they_are_held_to(proof):
    whole = proof(outcomes={"mechanism.ov": Outcome.FAILS})
    rows = {(row.test, row.subject): row for row in evidence_graph(whole).rows}
    for m in (m for m in whole.measurements if m.required):
        row = rows[m.spec.key]
        assert row.words == result(m, whole.claim, whole.floors)
        assert {(c.name, c.value, c.low, c.high, c.n) for c in row.checks} == {
            (c.name, c.value, c.low, c.high, c.n) for c in m.checks
        }
        assert dict(row.controls) == dict(m.controls)
    floors = whole.floors
    ov = rows["mechanism.ov", "1.0"].checks[0]
    assert (ov.floor, ov.sense, ov.met) == (floors.weights, "at least", False)
    score = next(c for c in rows["clue.signature", "1.0"].checks if c.name == "score")
    assert (score.floor, score.met) == (floors.clue, True)
    control = next(c for c in rows["clue.signature", "1.0"].checks if c.name == "control")
    assert (control.floor, control.sense) == (pytest.approx(1 / 3), "at most")
