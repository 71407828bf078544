import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.config import ModelConfig
from rung.errors import ClaimError, RungError, SiteError
from rung.evidence.claim import CLAIMS, INDUCTION, find_claim, parse_heads

CONFIG = ModelConfig(n_layers=3, d_model=8, n_heads=4, d_head=2, d_vocab=9, n_ctx=9)


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
    with pytest.raises(ClaimError, match=r"no claim 'inducton'; known are induction\. Near names: induction\."):
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
        ({"roles": (match,), "edges": ()}, "no edge leads to it"),
        ({"roles": (route,), "edges": ()}, "no role of 'induction' writes to the output"),
        ({"roles": ()}, "a claim needs roles"),
        ({"roles": (route, route, match)}, "each with a name of its own"),
        ({"task": "indirect object identification"}, "known are repeated random tokens"),
        ({"edges": (edge, replace(edge, sender="induction"))}, "is not where induction is said to write"),
        ({"roles": (replace(route, heads=((0, 1), (0, 1))), match)}, "named twice for previous_token: 0.1, 0.1"),
    ):
        with pytest.raises(ClaimError, match=said):
            replace(INDUCTION, **changes).check(CONFIG)
