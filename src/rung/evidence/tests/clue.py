"""Rung 1: where does each head look?"""

from __future__ import annotations

import numpy as np

from ...circuits.heads import head_label
from ...methods.runner import averaged
from ..claim import LOOKS
from ..observation import Observation, Quantity, TestSpec
from ..setting import Setting, uniform_scores
from .behaviour import by_stratum


def signature(setting: Setting, spec: TestSpec) -> Observation:
    """The head's signature score in every stratum, against the same place where nothing should draw it.

    A head that looks one back does so on any text: its control is even attention. For a match it is the same place on
    sequences in which nothing repeats.
    """
    role, runner = setting.claim.role(spec.role), setting.runner
    scores = setting.scores[role.signature]
    means = np.nanmean(scores, axis=(-2, -1))
    setting.tables["pattern", role.name] = {
        (layer, head): averaged(scores[layer, head]) for layer, head in np.ndindex(means.shape)
    }
    head = spec.heads[0] if spec.heads else np.unravel_index(int(means.argmax()), means.shape)
    own = scores[head]
    others = {head_label(h): means[h] for h in np.ndindex(means.shape) if h not in role.heads}
    best = max(others, key=lambda name: others[name], default="")
    if LOOKS[role.signature].control == "even":
        control = uniform_scores(runner.batch, role.signature, runner.config.window(int(head[0])))
    else:
        control = averaged(setting.unrepeated_scores[role.signature][head])
    return Observation(
        {
            "score": Quantity(averaged(own), share=True),
            "control": Quantity(control, averaged(own)),
            **by_stratum(setting, own, share=True),
        },
        "attention",
        controls={"control": float(control.mean()), **({"best unclaimed head": float(others[best])} if best else {})},
        notes={"signature": role.signature, "best unclaimed head": best, "head": f"{head[0]}.{head[1]}"},
    )
