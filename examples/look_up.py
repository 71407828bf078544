"""A claim of one's own, from the task to the verdict: which heads find an earlier key, and copy its value?

    k1 v1 k2 v2 k3 v3 … k2 → v2: the pairs return in another order, so that no distance and no position is enough.

State the claim, let the heads be searched for, and test it on every rung; then name other heads, and another edge, and
see where the evidence stops. `python look_up.py --model two-layer`.
"""

import argparse
from dataclasses import replace

import torch

from rung import HookedTransformer, prove
from rung.evidence.claim import Claim, Edge, Role
from rung.tasks.induction import LOOK_UP, induction_batch

CLAIM = Claim(
    name="keys and values",
    task=LOOK_UP.name,
    roles=(
        Role(
            name="route",
            job="writes into each value's position which key came before it",
            signature="previous_token",
            writes_to="read out",
        ),
        Role(
            name="read out",
            job="finds the position whose key is the one asked for, and copies its value",
            signature="induction",
            writes_to="output",
        ),
    ),
    edges=(Edge(sender="route", receiver="read out", into="K"),),
)


def accuracy(model: HookedTransformer) -> float:
    """The share of asked keys whose value the model says."""
    batch = induction_batch(model, sequences=16, seed=1, task=LOOK_UP)
    with torch.no_grad():
        said = model(batch.tokens).argmax(-1)
    return float((said == batch.tokens.roll(-1, 1))[batch.predictable].double().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="two-layer")
    torch.set_num_threads(1)
    model = HookedTransformer.from_pretrained(parser.parse_args().model)
    print(f"{model.cfg.model_name} says the value of {accuracy(model):.1%} of keys")
    found = prove(CLAIM, model)
    print(found)

    heads = {role.name: role.heads for role in found.claim.roles}
    (sender,), (receiver,) = heads["route"], heads["read out"]

    def beside(head: tuple[int, int]) -> tuple[int, int]:
        return head[0], (head[1] + 1) % model.cfg.n_heads

    others = {
        "another head routes": {"route": [beside(sender)], "read out": [receiver]},
        "another head reads out": {"route": [sender], "read out": [beside(receiver)]},
    }
    for what, named in others.items():
        print(f"{what}: {prove(CLAIM.with_heads(named), model).verdict.name}")
    queries = replace(found.claim, edges=(replace(found.claim.edges[0], into="Q"),))
    print(f"the edge into the queries: {prove(queries, model).verdict.name}")


if __name__ == "__main__":
    main()
