import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from rung.config import ModelConfig
from rung.errors import RungError
from rung.lab import models as models_module
from rung.lab.computation import Job, Lab
from rung.lab.jobs import Running
from rung.lab.models import Kept, LaneLab, Models, load_local, twin
from rung.model.model import HookedTransformer


@pytest.fixture
def folders(tmp_path):
    config = ModelConfig(
        n_layers=1, d_model=8, n_heads=2, d_head=4, d_vocab=30, n_ctx=16, bos_token_id=0, model_name="x"
    )
    for i in range(6):
        HookedTransformer(config, seed=i).save_pretrained(tmp_path / f"m{i}")
    return [str(tmp_path / f"m{i}") for i in range(6)]


def test_a_twin_shares_weights_and_not_hooks():
    model = HookedTransformer.from_pretrained("two-layer-tiny")
    other = twin(model)
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        assert one.data_ptr() == two.data_ptr()
    assert other.checkpoint_digest() == model.checkpoint_digest() is not None
    tokens = model.to_tokens("once upon a time")
    assert torch.equal(model(tokens), other(tokens))
    model.blocks[0].attn.hook_z.add_hook(lambda z, hook: 0 * z)
    assert not torch.equal(model(tokens), other(tokens))
    assert not other.blocks[0].attn.hook_z.fwd_hooks


def test_each_lane_has_one_twin_and_a_model_is_loaded_once(folders, monkeypatch):
    loaded = []
    real = models_module.load_local
    monkeypatch.setattr(models_module, "load_local", lambda name: loaded.append(name) or real(name))
    models = Models(folders[0])
    with ThreadPoolExecutor(8) as pool:
        quick = set(pool.map(lambda _: models.get(folders[0], "quick"), range(16)))
        long = set(pool.map(lambda _: models.get(folders[0], "long"), range(16)))
    assert len(quick) == len(long) == 1 and quick != long
    assert loaded == [folders[0]]


def test_hooks_of_one_lane_are_not_seen_by_the_other():
    """What two threads on one model would break: the quick lane's hook in the middle of the long lane's run."""
    models = Models("two-layer-tiny")
    quick, long = models.get("two-layer-tiny", "quick"), models.get("two-layer-tiny", "long")
    tokens = long.to_tokens("once upon a time there was a")
    expected = long(tokens)
    inside, done = threading.Event(), threading.Event()

    def hold(z, hook):
        inside.set()
        assert done.wait(30)
        return 0 * z

    thread = threading.Thread(target=lambda: quick.run_with_hooks(tokens, fwd_hooks=[("blocks.0.attn.hook_z", hold)]))
    thread.start()
    assert inside.wait(30)
    try:
        assert torch.equal(long(tokens), expected)
    finally:
        done.set()
        thread.join()


def test_only_the_last_few_models_are_held(folders):
    models = Models(folders[0])
    first = models.get(folders[0], "quick")
    second = models.get(folders[1], "quick")
    for name in folders[2:]:
        models.get(name, "quick")
    assert list(models._loaded) == [folders[0], *folders[-models_module.MOST_MODELS :]]
    assert models.get(folders[0], "quick") is first  # the default one stays
    assert models.get(folders[1], "quick") is not second


def test_large_models_are_not_held_beside_each_other(folders, monkeypatch):
    monkeypatch.setattr(models_module, "MOST_BYTES", 1)
    models = Models(folders[0])
    for name in folders[:4]:
        models.get(name, "long")
    assert list(models._loaded) == [folders[0], folders[3]]


def test_the_page_asks_no_network_for_a_model():
    with pytest.raises(RungError, match="gpt2 is not on this machine; this brings it here, once: rung fetch gpt2"):
        load_local("gpt2")
    with pytest.raises(RungError, match="no folder 'nothing'"):
        load_local("nothing")


def test_names_begin_with_the_default(folders):
    assert Models(folders[2]).names[0] == folders[2]
    assert Models("one-layer").names.count("one-layer") == 1


def test_a_value_is_made_once_and_the_last_few_are_kept():
    made = []
    kept = Kept(most=2)

    def make(key: str) -> str:
        return kept.get(key, lambda: made.append(key) or key.upper())

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: make("a"), range(32))) == {"A"}
    assert made == ["a"]
    make("b")
    make("a")
    make("c")  # b was used longest ago
    assert make("a") == "A" and make("b") == "B"
    assert made == ["a", "b", "c", "b"]


def test_one_value_may_need_another():
    kept = Kept()
    assert kept.get("outer", lambda: kept.get("inner", lambda: 1) + 1) == 2


def test_a_value_that_failed_is_made_again():
    kept = Kept()
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0)
    assert kept.get("a", lambda: 2) == 2


def test_they_are_what_computations_expect(tmp_path):
    assert isinstance(LaneLab(Models("two-layer-tiny"), Kept(), tmp_path, "quick"), Lab)
    assert issubclass(Running, Job)
