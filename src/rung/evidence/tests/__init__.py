"""One measurement for each test of the ladder: `measure(setting, spec)` gives numbers, and no word about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..observation import Observation, TestSpec
from ..setting import Setting
from . import attribution, behaviour, causes, clue, edges, shown, weights, whole

Measure = Callable[[Setting, TestSpec], Observation]

MEASURES: Mapping[str, Measure] = {
    "behaviour.gain": behaviour.gain,
    "behaviour.order": behaviour.order,
    "clue.signature": clue.signature,
    "contribution.direct": attribution.direct,
    "contribution.edge": attribution.edge,
    "contribution.sum": attribution.decomposition,
    "support.necessity": causes.necessity,
    "support.member": causes.member,
    "support.member_content": causes.member_content,
    "support.member_alone": whole.member_alone,
    "support.denoising": causes.denoising,
    "support.interchange": causes.interchange,
    "support.positions": causes.positions,
    "support.output": edges.output,
    "support.output_part": edges.output_part,
    "support.output_interchange": edges.output_interchange,
    "support.edge": edges.edge,
    "support.edge_interchange": edges.edge_interchange,
    "support.edge_part": edges.edge_part,
    "support.faithfulness": whole.faithfulness,
    "support.agreement": whole.agreement,
    "support.complement": whole.complement,
    "support.off_task": whole.off_task,
    "mechanism.ov": weights.ov,
    "mechanism.positional": weights.positional,
    "mechanism.qk": weights.own_token_qk,
    "mechanism.routed_qk": weights.composed_qk,
    "mechanism.faithfulness": whole.faithfulness,
    "mechanism.member_alone": whole.member_alone,
    "mechanism.agreement": whole.agreement,
    "mechanism.complement": whole.complement,
    **shown.MEASURES,
}
"""Every test by its stable id."""
