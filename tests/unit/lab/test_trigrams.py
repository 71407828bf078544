import math

import numpy as np
import pytest
import torch

from rung.errors import RungError
from rung.lab.computations.trigrams import TableAsk, table


def forward(model, text, qk=0.0, ov=(), head=0, source=None):
    """The last position's logits of a one-layer model by dense products, with edits of one head's tables."""
    tokens = model.to_tokens(text)[0]
    w = {name: value.double() for name, value in model.state_dict().items() if value.is_floating_point()}
    x, pos = w["embed.W_E"][tokens], w["pos_embed.W_pos"][: len(tokens)]
    logits = x[-1] @ w["unembed.W_U"] + w["unembed.b_U"]
    attention = None
    for h in range(4):
        q = (x[-1] + pos[-1]) @ w["blocks.0.attn.W_Q"][h]
        scores = (x + pos) @ w["blocks.0.attn.W_K"][h] @ q / math.sqrt(32)
        if h == head:
            scores = scores + qk * (tokens == source)
        shares = scores.softmax(-1)
        logits = logits + shares @ x @ w["blocks.0.attn.W_V"][h] @ w["blocks.0.attn.W_O"][h] @ w["unembed.W_U"]
        if h == head:
            attention = float(shares[1])
            for output, by in ov:
                logits[output] += by * attention
    return logits, attention


def test_the_model_s_own_bug_is_shown_with_its_numbers(lab, job):
    model = lab.model("one-layer")
    found = table.run(lab, TableAsk(), job)
    assert (found.source, found.head) == (" at", "0.0")
    assert (found.destinations, found.outputs) == ([" same", " early"], [" time", " period"])
    assert found.prompts == [" at the same", " at an early"]
    for one in found.triples:
        logits, _ = forward(model, found.prompts[one.destination])
        output = model.to_single_token(found.outputs[one.output])
        assert one.probability == pytest.approx(float(logits.softmax(-1)[output]), rel=1e-3)
        assert one.edited == pytest.approx(one.probability, rel=1e-6) and abs(one.rise) < 1e-6
        with torch.no_grad():
            deeper = lab.model("two-layer")(model.to_tokens(found.prompts[one.destination]))[0, -1].softmax(-1)
        assert one.deeper == pytest.approx(float(deeper[output]), rel=1e-4)
        assert one.right == (one.destination == one.output)
    wrong = {(found.destinations[t.destination], found.outputs[t.output]): t for t in found.triples if not t.right}
    bug = wrong[" early", " time"]
    assert bug.text == 0.0 and bug.probability > 0.02 and bug.deeper < 0.005 and bug.moved > 0


@pytest.mark.parametrize(("qk", "ov"), [((2.0, 0.0), (0.0, 0.0)), ((0.0, 1.5), (3.0, -2.0)), ((1.0, 1.0), (1.0, 1.0))])
def test_edits_do_what_dense_tables_do(lab, job, qk, ov):
    model = lab.model("one-layer")
    found = table.run(lab, TableAsk(qk=qk, ov=ov), job)
    source = model.to_single_token(" at")
    outputs = [model.to_single_token(text) for text in found.outputs]
    for one in found.triples:
        prompt = found.prompts[one.destination]
        before, _ = forward(model, prompt)
        edit = list(zip(outputs, ov, strict=True))
        after, looks = forward(model, prompt, qk[one.destination], edit, 0, source)
        assert found.pattern[one.destination] == pytest.approx(looks, abs=1e-5)
        output = outputs[one.output]
        assert one.edited == pytest.approx(float(after.softmax(-1)[output]), rel=1e-3)
        rise = float((after - after.mean())[output] - (before - before.mean())[output])
        assert one.rise == pytest.approx(rise, abs=1e-4)
    attention, logits = found.attention.numpy(), found.logits.numpy()
    np.testing.assert_allclose(found.product.numpy(), np.outer(attention, logits), rtol=1e-5)


def test_raising_an_output_for_one_destination_raises_it_for_the_other(lab, job):
    found = table.run(lab, TableAsk(ov=(2.0, 2.0)), job)
    assert all(one.rise > 0 for one in found.triples)


def test_every_case_can_be_shown_and_a_wrong_ask_is_refused(lab, job):
    cases = table.run(lab, TableAsk(), job).cases
    assert len(cases) >= 5 and cases[0] == "at … same → time / early → period"
    for at in range(len(cases)):
        assert table.run(lab, TableAsk(case=at), job).triples
    with pytest.raises(RungError, match="case 99 was asked for; there are 0 to"):
        table.run(lab, TableAsk(case=99), job)
    with pytest.raises(RungError, match=r"has no head '1.0'; it has 0.0, 0.1"):
        table.run(lab, TableAsk(head="1.0"), job)
    with pytest.raises(RungError, match="it is two numbers from"):
        table.run(lab, TableAsk(qk=(99.0, 0.0)), job)
