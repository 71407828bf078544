"""Claims about sentences of names and about skip-trigrams: found where they are true, and nowhere else."""

from rung.evidence.claim import CLAIMS
from rung.evidence.prove import prove
from rung.planted import plant
from rung.tasks.triples import read_task
from rung.views.wording import verdict_sentence


def test_the_search_finds_the_circuit_of_names():
    planted = plant("names", 1, architecture="gpt2")
    proof = prove("ioi", planted.model)
    assert {role.name: role.heads for role in proof.claim.roles} == dict(planted.heads)
    assert proof.verdict.name == "mechanism", verdict_sentence(proof)
    assert "indirect-object identification" in verdict_sentence(proof)


def test_a_duplicate_token_head_by_itself_is_a_part():
    planted = plant("names", 1)
    claim = CLAIMS["duplicate_token"]
    heads = planted.heads["duplicate_token"]
    proof = prove(claim.with_heads({"duplicate_token": heads}), planted.model)
    said = verdict_sentence(proof)
    assert proof.verdict.name == "mechanism" and "A part of a circuit" in said and "is not claimed" in said
    other = prove(claim.with_heads({"duplicate_token": planted.heads["s_inhibition"]}), planted.model)
    assert other.verdict.name == "behaviour"


def test_the_search_finds_table_and_head_of_skip_trigrams():
    planted = plant("skip", 0)
    proof = prove("skip_trigram", planted.model)
    assert proof.claim.heads == planted.heads["skip_trigram"]
    found, true = read_task(proof.claim.task), read_task(planted.task)
    assert found.queries == true.queries and set(found.pairs) <= set(true.pairs)
    assert proof.verdict.name == "mechanism", verdict_sentence(proof)


def test_a_head_that_looks_from_every_token_is_no_skip_trigram():
    """The one-layer model's own: its outputs hang on the source, and hardly on the query."""
    from rung import HookedTransformer

    proof = prove("skip_trigram", HookedTransformer.from_pretrained("one-layer"))
    (clue,) = proof.of(1)[:1]
    assert proof.verdict.name == "behaviour" and clue.test == "clue.signature"
    assert clue.check("control").value > 1 / 3
