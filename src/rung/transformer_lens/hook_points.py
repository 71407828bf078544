"""Hook points and their roots, for models of one's own."""

from ..model.hooks import HookedRootModule, HookFn, HookHandle, HookPoint, NameFilter

HookFunction = HookFn
LensHandle = HookHandle
NamesFilter = NameFilter

__all__ = ["HookFunction", "HookPoint", "HookedRootModule", "LensHandle", "NamesFilter"]
