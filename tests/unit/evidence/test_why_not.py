"""The cheapest test that separates a head from a role of the circuit."""

import pytest

from rung.errors import ClaimError
from rung.evidence.claim import INDUCTION
from rung.evidence.observation import Outcome
from rung.evidence.why_not import COST, why_not
from rung.planted import plant


def test_nothing_separates_the_circuits_own_heads_and_one_test_separates_any_other(circuit):
    claim = INDUCTION.with_heads(circuit.heads)
    heads = {head: role.name for role in claim.roles for head in role.heads}
    for head, role in heads.items():
        found = why_not(head, circuit.model, claim)
        assert (found.roles[0].role, found.roles[0].failed) == (role, None)
        assert len(found.roles[0].held) > 8
    config = circuit.model.config
    other = next(
        (layer, h) for layer in range(config.n_layers) for h in range(config.n_heads) if (layer, h) not in heads
    )
    for one in why_not(other, circuit.model, claim).roles:
        assert one.refused or (one.failed is not None and one.failed.outcome is not Outcome.HOLDS)


def test_tests_run_in_rising_cost(circuit):
    claim = INDUCTION.with_heads(circuit.heads)
    (head,) = claim.role("induction").heads
    ran = [COST.index(m.test) for m in why_not(head, circuit.model, claim).roles[0].held]
    assert ran == sorted(ran)


def test_a_model_without_a_circuit_has_nothing_to_compare_with():
    with pytest.raises(ClaimError, match="no head was found"):
        why_not((0, 0), plant("untrained", 0).model, "induction")
