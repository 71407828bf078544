"""Hook points and their roots, for models of one's own."""

import torch

from ..model.hooks import HookedRootModule, HookFn, HookHandle, HookIntrospectionMixin, HookPoint, NameFilter

HookFunction = HookFn
LensHandle = HookHandle
NamesFilter = NameFilter
DeviceType = torch.device | None

__all__ = ["HookFunction", "HookIntrospectionMixin", "HookPoint", "HookedRootModule", "LensHandle", "NamesFilter"]
