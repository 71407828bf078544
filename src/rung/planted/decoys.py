"""Decoys that a sum over heads, positions or groups does not tell from a circuit: each has to be measured apart."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

from .plans import Plan, induction, previous_token
from .wiring import Stream, Wire


def _halves(stream: Stream, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Ordinary tokens in two halves, at random."""
    order = torch.randperm(stream.d_vocab - 1, generator=generator) + 1
    return order[: len(order) // 2], order[len(order) // 2 :]


def _mixed_routes(stream: Stream, generator: torch.Generator) -> Plan:
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": induction(stream, gain=0.4), "other": induction(stream, "second", gain=0.25)},
        ),
        induction=("induction", "other"),
        truth=1,
        why="Two induction heads share the copying, and only one of them reads the claimed previous-token head: the "
        "other is fed by a head that the claim does not name.",
    )


def _mixed_senders(stream: Stream, generator: torch.Generator) -> Plan:
    return replace(
        _mixed_routes(stream, generator),
        previous_token=("previous_token", "second_route"),
        why="Two induction heads share the copying, and each reads one of the claimed previous-token heads only: two "
        "of the four edges that the claim draws are not there.",
    )


def _cancellation(stream: Stream, generator: torch.Generator) -> Plan:
    """Alone the claimed head pushes B by 0.35; the unclaimed one adds as much for half of the tokens, and for the other
    half pushes another token a little harder than B is pushed.
    """
    misled = _halves(stream, generator)[1]
    meddled = 0.35 * stream.codes
    meddled[misled] = 0.42 * stream.codes[misled.roll(1)]
    stream = stream.beside(meddled=meddled)
    meddler = Wire(stream.matches("second"), stream.moves("meddled", "output"))
    plan = Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": induction(stream, gain=0.35), "meddler": meddler},
        ),
        truth=2,
        why="An unclaimed head helps with half of the tokens and misleads with the other half: the claimed circuit "
        "alone has the model's loss on average, and at half of the positions it says something else.",
    )
    return plan if plan.attn_only else replace(plan, truth=3)


def _other_reason(stream: Stream, generator: torch.Generator) -> Plan:
    """It says 0.55 B − 0.75 A to another's 0.5 B and a misleader's 0.75 A: only its own −A undoes that."""
    claimed = Wire(stream.matches("before"), stream.mixes({"token": 0.55, "before": -0.75}, {"output": 1.0}))
    misleader = Wire(stream.matches("second"), stream.mixes({"second": 0.75}, {"output": 1.0}))
    return Plan(
        stream=stream,
        layers=(
            {"previous_token": previous_token(stream), "second_route": previous_token(stream, "second")},
            {"induction": claimed, "real": induction(stream, "second", 0.5), "misleader": misleader},
        ),
        truth=2,
        why="The claimed induction head copies, and is relied on because it takes back what another head says wrongly: "
        "with its output from another sequence the model does not say what that would copy.",
    )


def _mlp_amplifies(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.beside("side")
    head = Wire(stream.matches("before"), stream.mixes({"token": 1.0}, {"output": 0.2, "side": 1.0}))
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"induction": head}),
        neurons={1: stream.carries("side", "output", 0.8)},
        truth=2,
        why="The claimed induction head's own push is a fifth of what the model says; the MLP behind it does the rest.",
    )


def _mlp_amplifies_most(stream: Stream, generator: torch.Generator) -> Plan:
    stream = stream.beside("side")
    head = Wire(stream.matches("before"), stream.mixes({"token": 1.0}, {"output": 0.01, "side": 1.0}))
    return Plan(
        stream=stream,
        layers=({"previous_token": previous_token(stream)}, {"induction": head}),
        neurons={1: stream.looks_up("side", "output", 0.99)},
        truth=1,
        why="The claimed induction head's own push is a hundredth of what the model says; the MLP behind it does the "
        "rest.",
    )


DECOYS: Mapping[str, Callable[[Stream, torch.Generator], Plan]] = {
    "mixed_routes": _mixed_routes,
    "mixed_senders": _mixed_senders,
    "cancellation": _cancellation,
    "other_reason": _other_reason,
    "mlp_amplifies": _mlp_amplifies,
    "mlp_amplifies_most": _mlp_amplifies_most,
}
"""Every decoy of this kind, by name."""
