"""A stored sweep on a local Ray cluster. `make ray` runs it, in an environment that has Ray."""

import os
import signal
from pathlib import Path

import pytest
import torch

from rung.methods.executors import open_executor
from rung.methods.interventions import Mean, on_head
from rung.methods.sweep import sweep
from rung.model.model import HookedTransformer
from rung.tasks.metrics import next_token_loss

pytest.importorskip("ray")
pytestmark = [pytest.mark.filterwarnings("default")]

TOKENS = torch.arange(1, 25).reshape(2, 12)
CELLS = [on_head((layer, head), Mean(TOKENS + at)) for at in range(5) for layer in range(2) for head in range(2)]


def die_once(marker: str) -> int:
    """Kills its worker the first time."""
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 3


def test_a_ray_cluster_gives_the_same_bytes_and_tells_a_death(tmp_path):
    from rung.methods.executors import worker_died

    model = HookedTransformer.from_pretrained("two-layer-tiny")
    metric = next_token_loss(slice(4, 11))
    whole = sweep(model, TOKENS, CELLS, metric, store=tmp_path / "store")
    with open_executor(workers=2, ray="local") as executor:
        found = sweep(model, TOKENS, CELLS, metric, executor=executor)
        death = executor.submit(die_once, str(tmp_path / "marker")).exception()
        assert death is not None and worker_died(death)
        assert executor.submit(die_once, str(tmp_path / "marker")).result() == 3
    assert found.measured.all()
    for one, two in ((found.clean, whole.clean), (found.edited, whole.edited)):
        assert torch.equal(one.view(torch.uint8), two.view(torch.uint8))
