import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from rung.errors import RungError
from rung.lab.computation import Answer, Array, Ask, check_at_most, computation, text_tokens
from rung.lab.computations import load_computations


class Doubled(Answer):
    value: Array


class Double(Ask):
    values: list[float]


@computation("board.double")
def double(lab: object, ask: Double, job: object) -> Doubled:
    return Doubled(value=Array.of(2 * np.array(ask.values)))


def test_a_computation_takes_its_types_from_the_function(lab, job):
    assert (double.name, double.lane, double.ask, double.answer) == ("board.double", "quick", Double, Doubled)
    answer = double.run(lab, msgspec.json.decode(b'{"values": [1.5, -2]}', type=double.ask), job)
    np.testing.assert_array_equal(answer.value.numpy(), [3, -4])


def test_an_array_survives_json(seed):
    values = torch.randn(2, 3, generator=torch.Generator().manual_seed(seed))
    again = msgspec.json.decode(msgspec.json.encode(Array.of(values)), type=Array)
    np.testing.assert_array_equal(again.numpy(), values.numpy())


def test_an_unknown_field_is_an_error():
    with pytest.raises(msgspec.ValidationError, match="unknown field `more`"):
        msgspec.json.decode(b'{"values": [], "more": 1}', type=Double)


def test_limits_say_what_fits(lab):
    with pytest.raises(RungError, match="0 heads were requested; the lab runs from 1 to 9"):
        check_at_most("heads", 0, 9)
    model = lab.model("two-layer-tiny")
    with pytest.raises(RungError, match="the text is empty"):
        text_tokens(model, " ")
    with pytest.raises(RungError, match=r"has \d+ tokens; two-layer-tiny reads 64"):
        text_tokens(model, "time " * 1000)


def test_every_computation_is_named_by_its_topic():
    for name, found in load_computations().items():
        assert found.name == name


def test_the_computation_of_the_docs_gives_what_a_hook_gives(lab, job):
    from rung.tasks.builtin import repeated_tokens

    page = (Path(__file__).parents[3] / "docs" / "lab.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    exec(code, found := {"__name__": "docs"})
    answer = found["silence"].run(lab, found["SilenceAsk"](layer=1, head=0), job)
    model = lab.model("two-layer")
    task = repeated_tokens(model, period=20, sequences=4, seed=0)

    def silence(z, hook):
        z[:, :, 0] = 0
        return z

    def loss(hooks):
        with torch.no_grad():
            logits = model.run_with_hooks(task.tokens, fwd_hooks=hooks)
        return -logits.log_softmax(-1)[:, :-1].gather(-1, task.tokens[:, 1:, None])[..., 0]

    change = loss([("blocks.1.attn.hook_z", silence)]) - loss([])
    expected = change[:, task.predictable].mean()
    assert answer.change == pytest.approx(float(expected), abs=1e-4)
