import pytest
import torch

from rung.circuits.heads import QK, full_ov, full_qk, token_inputs, token_outputs
from rung.circuits.tiles import tile, transposed_tile
from rung.errors import NotDefinedError, RungError

TOKENS = torch.tensor([5, 1, 9, 12])


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def dense_ov(model, head):
    x = model.W_E
    return x @ model.W_V[head] @ model.W_O[head] @ model.W_U


def test_a_tile_is_a_corner_of_the_dense_product(wired) -> None:
    head = (1, 2)
    found = tile(wired, head, "OV", TOKENS)
    dense = dense_ov(wired, head)
    torch.testing.assert_close(found.values, dense[TOKENS][:, TOKENS])
    best = dense.argmax(1) == torch.arange(len(dense))
    assert found.whole.share == float(best.double().mean()) == 1.0
    assert found.sample.n == 4 and found.whole.n == wired.config.d_vocab


def test_the_share_of_a_few_rows_is_that_of_those_rows(build) -> None:
    model, rows = build(), torch.tensor([3, 0, 7])
    dense = dense_ov(model, (1, 1))
    right = [int(dense[row].argmax()) == int(row) for row in rows]
    found = tile(model, (1, 1), "OV", TOKENS, rows=rows)
    assert found.whole.n == 3 and found.whole.share == sum(right) / 3


def test_keys_are_rows_and_queries_columns(build) -> None:
    model = build()
    x = token_inputs(model)
    dense = (x @ model.W_Q[1, 2]) @ (x @ model.W_K[1, 2]).T / model.config.d_head**0.5
    found = tile(model, (1, 2), "QK", TOKENS)
    torch.testing.assert_close(found.values, dense.T[TOKENS][:, TOKENS])
    turned = transposed_tile(model, (1, 2), "QK", TOKENS)
    torch.testing.assert_close(turned.values, dense[TOKENS][:, TOKENS])


def test_the_composed_qk_finds_what_the_sender_wrote_and_the_transposed_one_does_not(wired) -> None:
    x = wired.W_E
    written = x @ wired.W_V[0, 1] @ wired.W_O[0, 1]
    dense = (written @ wired.W_K[1, 2]) @ (x @ wired.W_Q[1, 2]).T
    found = tile(wired, (1, 2), "composed QK", TOKENS, sender=(0, 1))
    torch.testing.assert_close(found.values, dense[TOKENS][:, TOKENS])
    assert found.whole.share == 1.0 and "0.1 → 1.2 composed QK" in found.what
    wrong = transposed_tile(wired, (1, 2), "composed QK", TOKENS, sender=(0, 1))
    turned = x @ (wired.W_Q[1, 2] @ wired.W_K[1, 2].T).T @ written.T
    torch.testing.assert_close(wrong.values, turned.T[TOKENS][:, TOKENS])
    assert wrong.whole.share == 0.0
    assert tile(wired, (1, 2), "QK", TOKENS).whole.share == 0.0  # on embeddings alone it matches nothing


def test_the_transposed_ov_is_another_product(build) -> None:
    model = build()
    matrix = (model.W_V[0, 3] @ model.W_O[0, 3]).T
    dense = model.W_E @ matrix @ model.W_U
    found = transposed_tile(model, (0, 3), "OV", TOKENS)
    torch.testing.assert_close(found.values, dense[TOKENS][:, TOKENS])
    assert not torch.allclose(found.values, tile(model, (0, 3), "OV", TOKENS).values)


def test_every_kind_of_model_has_tiles(any_kind) -> None:
    model, x = any_kind, token_inputs(any_kind)
    if model.config.latent is not None:
        with pytest.raises(NotDefinedError):
            QK(model, (2, 1))
        return
    found = tile(model, (2, 1), "OV", TOKENS)
    dense = full_ov(model, (2, 1), x, token_outputs(model)).AB
    torch.testing.assert_close(found.values, dense[TOKENS][:, TOKENS])
    keys = tile(model, (2, 1), "QK", TOKENS)
    torch.testing.assert_close(keys.values, full_qk(model, (2, 1), x, x).AB.T[TOKENS][:, TOKENS])


def test_what_makes_no_tile_is_refused(wired) -> None:
    with pytest.raises(RungError, match="a tile of 1 tokens was requested; a diagonal needs at least two"):
        tile(wired, (1, 2), "OV", TOKENS[:1])
    for read in (tile, transposed_tile):
        with pytest.raises(RungError, match=r"composed QK of 1\.2 was requested without a sender"):
            read(wired, (1, 2), "composed QK", TOKENS)
        with pytest.raises(RungError, match=r"no edge 1\.1 → 1\.2: heads of one layer read the same input"):
            read(wired, (1, 2), "composed QK", TOKENS, sender=(1, 1))
