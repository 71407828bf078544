"""What reads and edits a forward pass.

A tap is called at every named site, `x = tap("resid_mid", layer, x)`, and says beforehand which sites it watches
(`tap.sites`), so that the forward pays only for what is looked at.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from .sites import Site

Edit = Callable[[Tensor], Tensor | None]
"""Sees a site's value; returns what to put there, or None to leave it (as changed in place, if it was)."""


@runtime_checkable
class Tap(Protocol):
    """Reads and edits sites; `sites` holds every one it must see."""

    @property
    def sites(self) -> Collection[Site]: ...

    def __call__(self, name: str, layer: int | None, x: Tensor) -> Tensor: ...


class NoTap:
    """Watches nothing."""

    sites: frozenset[Site] = frozenset()

    def __call__(self, name: str, layer: int | None, x: Tensor) -> Tensor:
        return x


NO_TAP = NoTap()


class CacheTap:
    """Keeps the value of each watched site in `store`, by full hook name, in the order met."""

    def __init__(self, sites: Iterable[Site], keep: Callable[[Tensor], Tensor] = lambda x: x) -> None:
        self.sites = frozenset(sites)
        self.store: dict[str, Tensor] = {}
        self._keep = keep

    def __call__(self, name: str, layer: int | None, x: Tensor) -> Tensor:
        site = Site(name, layer)
        if site in self.sites:
            self.store[site.path] = self._keep(x)
        return x


class EditTap:
    """Applies one function to each of some sites."""

    def __init__(self, edits: Mapping[Site, Edit]) -> None:
        self.sites = frozenset(edits)
        self._edits = dict(edits)

    def __call__(self, name: str, layer: int | None, x: Tensor) -> Tensor:
        edit = self._edits.get(Site(name, layer))
        if edit is None:
            return x
        # Autograd may need the tensor as it is.
        x = x.clone() if x.requires_grad and torch.is_grad_enabled() else x
        edited = edit(x)
        return x if edited is None else edited


class Taps:
    """Several taps in order: each sees what the ones before it left."""

    def __init__(self, *taps: Tap) -> None:
        self.sites = frozenset(site for tap in taps for site in tap.sites)
        self._taps = taps

    def __call__(self, name: str, layer: int | None, x: Tensor) -> Tensor:
        if Site(name, layer) in self.sites:
            for tap in self._taps:
                x = tap(name, layer, x)
        return x


def compose(*taps: Tap) -> Tap:
    """One tap for several; the empty tap when none of them watches anything."""
    watching = [tap for tap in taps if tap.sites]
    if not watching:
        return NO_TAP
    return watching[0] if len(watching) == 1 else Taps(*watching)
