"""`direct_path_patching`, and why its neighbours of version 3 are not here."""

from typing import Any

from rung.transformer_lens.left_out import left_out

_WHY = {
    "attribution_patching": "rung.methods.paths and rung.methods.interventions patch edges and sites; gradients are in "
    "run_with_cache(incl_bwd=True)",
    "direct_logit_attribution": "rung.methods.attribution.attribute_logits",
    "svd_circuits": "SVDInterpreter, and model.OV[layer, head].svd()",
    "backward_lens": "gradients are in run_with_cache(incl_bwd=True)",
    "projection_kernel": "FactoredMatrix.svd gives each head's subspaces",
    "jacobian_lens": "gradients are in run_with_cache(incl_bwd=True)",
}


def __getattr__(name: str) -> Any:
    raise left_out("transformer_lens.tools.analysis", name, _WHY, ["direct_path_patching"])
