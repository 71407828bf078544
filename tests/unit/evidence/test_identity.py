from dataclasses import replace

import torch

from rung.config import ModelConfig
from rung.evidence.claim import INDUCTION
from rung.evidence.identity import confirmation_seed, versions
from rung.model.origin import hash_weights

CLAIM = INDUCTION.with_heads({"previous_token": [(0, 1)], "induction": [(1, 2), (1, 3)]})
CHECKPOINT = "0f" * 32


CONFIG = ModelConfig(n_layers=2, d_model=8, n_heads=4, d_head=2, d_vocab=9, n_ctx=9)


def seed_of(claim=CLAIM, checkpoint=CHECKPOINT, config=CONFIG, texts=False):
    return confirmation_seed(claim, config, checkpoint, texts)


def test_the_seed_follows_the_heads_that_were_found():
    assert seed_of() == seed_of()
    assert seed_of() != seed_of(INDUCTION)
    assert seed_of() != seed_of(CLAIM.with_heads({"induction": [(1, 2)]}))
    assert seed_of() != seed_of(CLAIM.with_heads({"previous_token": [(0, 0)]}))


def test_it_follows_roles_edges_and_weights():
    route, match = CLAIM.roles
    assert seed_of() != seed_of(checkpoint="1e" * 32)
    assert seed_of() != seed_of(replace(CLAIM, edges=(replace(CLAIM.edges[0], into="Q"),)))
    assert seed_of() != seed_of(replace(CLAIM, roles=(route, replace(match, signature="previous_token"))))


def test_words_and_order_shop_for_no_other_seed():
    route, match = CLAIM.roles
    for same in (
        replace(CLAIM, name="my induction"),
        replace(CLAIM, roles=(replace(route, job="in other words"), match)),
        replace(CLAIM, roles=(match, route)),
        CLAIM.with_heads({"induction": [(1, 3), (1, 2)]}),
        replace(
            CLAIM,
            roles=(replace(route, name="route", writes_to="match"), replace(match, name="match")),
            edges=(replace(CLAIM.edges[0], sender="route", receiver="match"),),
        ),
    ):
        assert seed_of(same) == seed_of()


def test_it_follows_the_shape_and_the_tokenizer_and_no_processing():
    assert seed_of(texts=True) != seed_of()
    assert seed_of(config=replace(CONFIG, n_ctx=10)) != seed_of()
    assert seed_of(config=replace(CONFIG, normalization_type="LNPre", processing=("fold_ln",))) == seed_of()


def test_the_hash_is_that_of_every_weight(build):
    model = build()
    before = hash_weights(model.config, model.weights)
    assert len(before) == 64 and before == hash_weights(model.config, model.weights)
    assert before == hash_weights(build().config, build().weights)
    with torch.no_grad():
        model.blocks[2].attn.W_O[0, 0, 0] += 1e-9
    assert hash_weights(model.config, model.weights) != before
    assert hash_weights(model.config, model.float().weights) != before


def test_versions_name_what_computed():
    assert set(versions()) == {"python", "rung", "torch", "numpy", "scipy"}
    assert all(versions().values())
