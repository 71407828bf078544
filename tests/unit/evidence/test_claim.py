import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.config import ModelConfig, Rotary
from rung.errors import ClaimError, RungError, SiteError
from rung.evidence.claim import (
    CLAIMS,
    COPYING,
    INDUCTION,
    LATER,
    OUTPUT,
    PREVIOUS_TOKEN,
    descriptive_tests,
    find_claim,
    parse_heads,
    required_tests,
    uninvolved_heads,
)
from rung.evidence.decide import CRITERIA
from rung.evidence.tests import MEASURES

CONFIG = ModelConfig(n_layers=3, d_model=8, n_heads=4, d_head=2, d_vocab=9, n_ctx=9)
WITH_MLP = replace(CONFIG, d_mlp=8, act_fn="relu")
ONE_EACH = INDUCTION.with_heads({"previous_token": [(0, 1)], "induction": [(1, 2)]})
TWO_EACH = INDUCTION.with_heads({"previous_token": [(0, 1), (0, 3)], "induction": [(1, 2), (2, 0)]})


def test_heads_are_read_as_people_write_them():
    assert parse_heads("induction=1.4,1.10") == ("induction", ((1, 4), (1, 10)))
    assert parse_heads(" previous_token = 0.7 , 0.8 ") == ("previous_token", ((0, 7), (0, 8)))


@given(heads=st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=1, max_size=5))
def test_what_is_written_is_what_is_read(heads):
    assert parse_heads("role=" + ",".join(f"{layer}.{head}" for layer, head in heads)) == ("role", tuple(heads))


@pytest.mark.parametrize(
    "text",
    [
        "", "induction", "induction=", "=1.4", "1.4", "induction=1", "induction=1.4,", "induction=1.4;1.5",
        "induction=a.b", "induction=-1.4", "induction=1.4.2", "induction=1.4=2", "induction=1,4", "induction:1.4",
        f"induction={'9' * 5000}.0",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(ClaimError, match=r"for example induction=1\.4,1\.10"):
        parse_heads(text)


@given(text=st.text(max_size=30))
def test_no_text_breaks_the_reader(text):
    try:
        name, heads = parse_heads(text)
    except RungError:
        return
    assert name
    assert heads


def test_an_unknown_claim_or_role_is_told_its_near_names():
    assert find_claim("induction") is INDUCTION is CLAIMS["induction"]
    known = "known are induction, lookup, previous_token, copying, ioi, duplicate_token, skip_trigram"
    with pytest.raises(ClaimError, match=rf"no claim 'inducton'; {known}\. Near names: induction"):
        find_claim("inducton")
    with pytest.raises(
        ClaimError, match=r"no role 'previous'; its roles are previous_token, induction\. Near names: pr"
    ):
        INDUCTION.with_heads({"previous": [(0, 1)]})


def test_filling_roles_leaves_the_claim_itself_alone():
    claim = INDUCTION.with_heads({"induction": [(1, 0), (1, 2), (1, 0)]})
    assert INDUCTION.heads == ()
    assert claim.role("induction").heads == ((1, 0), (1, 2))
    assert claim.role("induction").labels == "1.0, 1.2"
    assert not claim.complete
    whole = claim.with_heads({"previous_token": [(0, 3)]})
    assert whole.complete
    assert whole.heads == ((0, 3), (1, 0), (1, 2))


def test_a_claim_that_can_be_passes():
    INDUCTION.check(CONFIG)
    INDUCTION.with_heads({"previous_token": [(0, 3), (1, 1)], "induction": [(2, 0), (2, 3)]}).check(CONFIG)


@pytest.mark.parametrize(
    ("previous", "induction", "error", "said"),
    [
        ((0, 4), (1, 0), SiteError, "no head 0.4"),
        ((0, 0), (3, 0), SiteError, "no head 3.0"),
        ((1, 0), (1, 1), ClaimError, "no edge 1.0 → 1.1: heads of one layer read the same input"),
        ((2, 0), (1, 1), ClaimError, "no edge 2.0 → 1.1: what layer 2 writes reaches only later layers"),
        ((1, 1), (1, 1), ClaimError, "head 1.1 is claimed for previous_token and induction; one head, one role"),
    ],
)
def test_a_claim_that_cannot_be_is_refused(previous, induction, error, said):
    with pytest.raises(error, match=said):
        INDUCTION.with_heads({"previous_token": [previous], "induction": [induction]}).check(CONFIG)


def test_one_bad_pair_among_good_ones_is_refused():
    with pytest.raises(ClaimError, match=r"no edge 1\.2 → 1\.0"):
        INDUCTION.with_heads({"previous_token": [(0, 0), (1, 2)], "induction": [(2, 0), (1, 0)]}).check(CONFIG)


def test_it_is_written_as_plain_json():
    claim = INDUCTION.with_heads({"previous_token": [(0, 7)], "induction": [(1, 4), (1, 10)]})
    plain = json.loads(json.dumps(claim.to_dict()))
    assert plain == claim.to_dict()
    assert [role["heads"] for role in plain["roles"]] == [["0.7"], ["1.4", "1.10"]]
    assert plain["edges"] == [{"sender": "previous_token", "receiver": "induction", "into": "K"}]


def test_a_claim_that_leaves_out_what_must_be_tested_is_refused():
    route, match = INDUCTION.roles
    (edge,) = INDUCTION.edges
    for changes, said in (
        ({"edges": ()}, "no edge says through which input"),
        ({"roles": (replace(match, name="copy"), match), "edges": ()}, "no edge leads to it"),
        ({"roles": (route,), "edges": ()}, "no role of 'induction' writes to the output"),
        ({"roles": ()}, "a claim needs roles"),
        ({"roles": (route, route, match)}, "each with a name of its own"),
        ({"task": "indirect object identification"}, "known are random repeats"),
        ({"edges": (edge, replace(edge, sender="induction"))}, "is not where induction is said to write"),
        ({"roles": (replace(route, heads=((0, 1), (0, 1))), match)}, "named twice for previous_token: 0.1, 0.1"),
    ):
        with pytest.raises(ClaimError, match=said):
            replace(INDUCTION, **changes).check(CONFIG)


def test_a_claim_of_one_role_is_a_part_and_asks_for_nothing_that_only_a_whole_circuit_has():
    route, match = INDUCTION.roles
    copying = replace(COPYING, roles=(replace(COPYING.roles[0], heads=((1, 2),)),))
    routing = replace(PREVIOUS_TOKEN, roles=(replace(PREVIOUS_TOKEN.roles[0], heads=((0, 1),)),))
    for claim in (copying, routing):
        claim.check(CONFIG)
        assert claim.is_part and claim.complete
        whole = {"support.faithfulness", "support.agreement", "support.edge", "mechanism.routed_qk"}
        assert not {test for test, _ in keys(claim)} & whole
        assert ("support.complement", "the circuit") in keys(claim)
    beside_one = replace(CONFIG, n_layers=2, n_heads=2)
    assert ("support.complement", "the circuit") in keys(routing, beside_one), "one other head may be the route"
    assert {"mechanism.ov", "support.output"} <= {test for test, _ in keys(copying)}
    assert ("contribution.edge", "0.1 → later heads.K") in keys(routing)
    assert ("mechanism.positional", "0.1") in keys(routing)
    assert uninvolved_heads(copying, CONFIG) == [(1, 0), (1, 1), (1, 3), (2, 0), (2, 1), (2, 2), (2, 3)]
    assert uninvolved_heads(routing, CONFIG) == [(0, 0), (0, 2), (0, 3)]
    for role, said in (
        (replace(match, writes_to=LATER), "at the output alone"),
        (replace(route, writes_to=OUTPUT), "looks one back and writes to the output"),
        (replace(route, writes_to=LATER, heads=((0, 1), (0, 1))), "named twice for previous_token"),
    ):
        with pytest.raises(ClaimError, match=said):
            replace(PREVIOUS_TOKEN, roles=(role,)).check(CONFIG)


def keys(claim, config=CONFIG, texts=False, tests=required_tests):
    return [spec.key for spec in tests(claim, config, texts)]


def test_what_is_required_of_one_head_a_role():
    assert keys(ONE_EACH) == [
        ("behaviour.gain", "the model"),
        ("behaviour.order", "the model"),
        ("clue.signature", "0.1"),
        ("clue.signature", "1.2"),
        ("contribution.direct", "1.2"),
        ("contribution.edge", "0.1 → 1.2.K"),
        ("contribution.sum", "the model"),
        ("support.necessity", "0.1"),
        ("support.denoising", "0.1"),
        ("support.interchange", "0.1"),
        ("support.positions", "0.1"),
        ("support.necessity", "1.2"),
        ("support.denoising", "1.2"),
        ("support.interchange", "1.2"),
        ("support.positions", "1.2"),
        ("support.output", "1.2"),
        ("support.output_interchange", "1.2"),
        ("support.edge", "0.1 → 1.2.K"),
        ("support.edge_interchange", "0.1 → 1.2.K"),
        ("support.complement", "the circuit"),
        ("support.faithfulness", "the circuit"),
        ("support.agreement", "the circuit"),
        ("mechanism.positional", "0.1"),
        ("mechanism.ov", "1.2"),
        ("mechanism.routed_qk", "0.1 → 1.2.K"),
    ]


def test_every_member_every_pair_and_every_receiver_has_tests_of_its_own():
    more = set(keys(TWO_EACH)) - set(keys(ONE_EACH))
    pairs = ["0.1 → 1.2.K", "0.1 → 2.0.K", "0.3 → 1.2.K", "0.3 → 2.0.K"]
    assert {subject for test, subject in keys(TWO_EACH) if test == "contribution.edge"} == set(pairs)
    assert {subject for test, subject in more if test == "support.edge_part"} == set(pairs)
    for test in ("support.member", "support.member_content", "support.member_alone"):
        assert {subject for each, subject in more if each == test} == {"0.1", "0.3", "1.2", "2.0"}
    assert {subject for test, subject in more if test == "support.output_part"} == {"1.2", "2.0"}
    assert {subject for test, subject in more if test == "mechanism.routed_qk"} == {
        "0.1, 0.3 → 1.2.K",
        "0.1, 0.3 → 2.0.K",
    }


def test_more_is_asked_of_one_pair_as_soon_as_there_are_two():
    two = INDUCTION.with_heads({"previous_token": [(0, 1)], "induction": [(1, 2), (2, 0)]})
    assert [key for key in keys(two) if key[0] == "support.edge_part"] == [
        ("support.edge_part", "0.1 → 1.2.K"),
        ("support.edge_part", "0.1 → 2.0.K"),
    ]
    assert ("support.member", "0.1") not in keys(two)


def test_a_role_is_asked_for_what_it_writes_to_whatever_its_author_calls_it():
    """A role that writes to the output is asked for OV copying and for its direct path, also if it looks one back."""
    route, match = ONE_EACH.roles
    odd = replace(ONE_EACH, roles=(route, replace(match, signature="previous_token")))
    with pytest.raises(ClaimError, match="looks one back and writes to the output"):
        odd.check(CONFIG)
    found = keys(odd)
    for test in ("mechanism.ov", "support.output", "contribution.direct"):
        assert (test, "1.2") in found
    assert ("mechanism.positional", "1.2") in found and ("mechanism.routed_qk", "0.1 → 1.2.K") in found
    told = replace(ONE_EACH, roles=(replace(route, job="nothing"), replace(match, job="anything")), name="other")
    assert keys(told) == keys(ONE_EACH)


def test_an_edge_that_is_there_twice_is_refused():
    with pytest.raises(ClaimError, match="is there twice"):
        replace(ONE_EACH, edges=ONE_EACH.edges * 2).check(CONFIG)


def test_an_author_has_no_field_that_drops_a_test():
    """Whatever is changed of a role, a claim that passes `check` asks for as much of every head."""
    for name in ("previous_token", "induction"):
        for signature in ("previous_token", "induction"):
            roles = tuple(replace(r, signature=signature) if r.name == name else r for r in ONE_EACH.roles)
            claim = replace(ONE_EACH, roles=roles)
            try:
                claim.check(CONFIG)
            except ClaimError:
                continue
            assert {test for test, _ in keys(claim)} == {test for test, _ in keys(ONE_EACH)}


def test_with_mlps_faithfulness_is_asked_for_mechanism():
    found = {spec.id: spec for spec in required_tests(ONE_EACH, WITH_MLP, False)}
    for test in ("faithfulness", "agreement", "complement"):
        assert found[f"mechanism.{test}"].rung == 4 and f"support.{test}" not in found
    assert all(found[f"mechanism.{test}"].approximate for test in ("ov", "routed_qk", "faithfulness"))
    assert not any(spec.approximate for spec in required_tests(ONE_EACH, CONFIG, False) if spec.id != "mechanism.ov")


def test_text_is_asked_for_where_it_can_be_read():
    assert ("support.off_task", "the circuit") in keys(ONE_EACH, texts=True)
    assert ("support.off_task", "the circuit") not in keys(ONE_EACH, texts=False)
    shown = {test for test, _ in keys(ONE_EACH, texts=True, tests=descriptive_tests)}
    assert {"shown.prose_signature", "shown.prose_necessity"} <= shown


def test_a_model_with_no_other_heads_has_no_halves():
    small = replace(CONFIG, n_layers=2, n_heads=1)
    claim = INDUCTION.with_heads({"previous_token": [(0, 0)], "induction": [(1, 0)]})
    assert ("support.complement", "the circuit") not in keys(claim, small)


def test_roles_without_heads_are_asked_for_their_signature_alone():
    half = INDUCTION.with_heads({"induction": [(1, 2)]})
    assert [key for key in keys(half) if key[0] != "clue.signature"] == keys(half)[:2]
    assert keys(half)[2:] == [("clue.signature", "previous_token"), ("clue.signature", "1.2")]
    assert descriptive_tests(half, CONFIG, True) == ()


@pytest.mark.parametrize("config", [CONFIG, WITH_MLP])
@pytest.mark.parametrize("claim", [ONE_EACH, TWO_EACH, INDUCTION])
def test_every_test_has_a_name_of_its_own_a_measure_and_a_floor(claim, config):
    required, shown = (tests(claim, config, True) for tests in (required_tests, descriptive_tests))
    found = [spec.key for spec in (*required, *shown)]
    assert len(set(found)) == len(found)
    assert all(spec.required and spec.id in CRITERIA for spec in required)
    assert not any(spec.required or spec.id in CRITERIA for spec in shown)
    assert {spec.id for spec in (*required, *shown)} <= set(MEASURES)
    assert all(spec.id.partition(".")[0] in ("behaviour", "clue", "contribution", "support", "mechanism")
               for spec in required)  # fmt: skip
    rungs = [spec.rung for spec in required]
    assert rungs == sorted(rungs)


def test_positions_read_off_a_table_are_exact_and_a_kernel_is_not():
    def approximate(**changes):
        found = required_tests(ONE_EACH, replace(CONFIG, **changes), False)
        return next(spec.approximate for spec in found if spec.id == "mechanism.positional")

    assert not approximate(positional_embedding_type="standard")
    assert not approximate(positional_embedding_type="shortformer")
    assert approximate(positional_embedding_type="rotary", rotary=Rotary(dim=2))
