"""`tools.analysis.direct_path_patching`; the rest of version 3's tools is left out."""

from typing import Any

from rung.transformer_lens.left_out import left_out

_WHY = {"model_registry": "`rung models` lists what can be opened"}


def __getattr__(name: str) -> Any:
    raise left_out("transformer_lens.tools", name, _WHY, ["analysis"])
