"""Hook points: places in a module that call other people's functions.

`HookedRootModule` manages them for any module tree. A model of one's own becomes inspectable by putting
`self.hook_x = HookPoint()` in its parts, `x = self.hook_x(x)` in their forward, and `self.setup()` at the end of
the root's `__init__`.
"""

from __future__ import annotations

import copy
import re
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ..engine.sites import Site
from ..engine.slicing import Slice, SliceInput, alone
from ..engine.taps import NO_TAP, Tap
from ..errors import BatchAxisError, SiteError, near

Direction = Literal["fwd", "bwd"]
_DIRECTIONS: tuple[Direction, ...] = ("fwd", "bwd")


@runtime_checkable
class HookFn(Protocol):
    """Called with the value (or gradient) and the point it is at; returns a replacement, or None to leave it."""

    def __call__(self, value: Any, /, *, hook: HookPoint) -> Any: ...


Name = str | tuple[Any, ...]
"""A hook point's name. Only a model that knows its layers understands a tuple, ("pattern", 1)."""
NameFilter = Name | Sequence[Name] | Callable[[str], bool] | None
Hook = tuple[Name | Callable[[str], bool], HookFn]


class HookHandle:
    """One hook function at one point; `remove` takes it away."""

    def __init__(self, fn: HookFn, point: HookPoint, dir: Direction, is_permanent: bool, level: int | None) -> None:
        self.fn = fn
        self.dir = dir
        self.is_permanent = is_permanent
        self.level = level
        self._point: weakref.ref[HookPoint] | None = None
        self.bind(point)

    def bind(self, point: HookPoint) -> None:
        """Makes this a handle of `point`."""
        # Weak: the point holds its handles. Holding each other, they and all that a hook keeps would outlive the model
        # until the garbage collector ran.
        self._point = weakref.ref(point)

    @property
    def point(self) -> HookPoint:
        """The point that the function is at. Raises SiteError if that is gone."""
        found = None if self._point is None else self._point()
        if found is None:
            raise SiteError("the hook point of this handle is gone, and its model with it")
        return found

    @property
    def is_bound(self) -> bool:
        """Whether its point still exists; a handle that was copied or pickled without its point has none."""
        return self._point is not None and self._point() is not None

    def __call__(self, x: Any) -> Any:
        """What `fn` makes of `x`, in x's own floating-point type."""
        if not isinstance(x, Tensor):  # a module of one's own may pass anything on
            found = self.fn(x, hook=self.point)
            return x if found is None else found
        # Autograd may need the tensor as it is, and gradients are shared: what may be edited is a copy.
        copied = (self.dir == "bwd" or torch.is_grad_enabled()) and not getattr(self.fn, "reads_only", False)
        x = x.clone() if copied else x
        found = self.fn(x, hook=self.point)
        if self.dir == "bwd" and isinstance(found, tuple):
            (found,) = found
        if found is None:
            return x
        if not isinstance(found, Tensor):
            raise SiteError(
                f"a hook at {self.point.name} returned a {type(found).__name__}; a hook returns a tensor to put there, "
                "or None to leave what is there"
            )
        return found.to(x.dtype) if x.is_floating_point() else found

    @property
    def user_hook(self) -> HookFn:
        """`fn`, under its classic name."""
        return self.fn

    @property
    def hook(self) -> HookHandle:
        """The handle itself: classic code removes a hook with `handle.hook.remove()`."""
        return self

    @property
    def context_level(self) -> int | None:
        """`level`, under its classic name."""
        return self.level

    def remove(self) -> None:
        """Takes the function away; once is enough, twice does no harm."""
        hooks = self.point.hooks_of(self.dir) if self.is_bound else []
        if self in hooks:
            hooks.remove(self)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_point": None}


class HookPoint(nn.Module):
    """Passes its input on, through whatever hooks are attached to it."""

    def __init__(self) -> None:
        super().__init__()
        self.name: str | None = None
        self.ctx: dict[Any, Any] = {}
        self.fwd_hooks: list[HookHandle] = []
        self.bwd_hooks: list[HookHandle] = []

    def hooks_of(self, dir: Direction) -> list[HookHandle]:
        """The hooks of one direction, in the order they run."""
        if dir not in ("fwd", "bwd"):
            raise SiteError(f"dir is {dir!r}; known are 'fwd' and 'bwd'")
        return self.fwd_hooks if dir == "fwd" else self.bwd_hooks

    def has_hooks(
        self,
        dir: Literal["fwd", "bwd", "both"] = "both",
        including_permanent: bool = True,
        level: int | None = None,
    ) -> bool:
        """Whether any hook of this kind is attached."""
        ways: tuple[Direction, ...] = ("fwd", "bwd") if dir == "both" else (dir,)
        return any(
            (including_permanent or not handle.is_permanent) and level in (None, handle.level)
            for one in ways
            for handle in self.hooks_of(one)
        )

    def add_hook(
        self,
        hook: HookFn,
        dir: Direction = "fwd",
        is_permanent: bool = False,
        level: int | None = None,
        prepend: bool = False,
        alias_names: Sequence[str] | None = None,
    ) -> HookHandle:
        """Attaches `hook`, called as hook(value, hook=self); backward hooks get the gradient at this point.

        With `alias_names` it is called once for each, with a point of that name; what one call returns the next gets.
        """
        if alias_names is not None:
            hook = _under_names(hook, alias_names)
        handle = HookHandle(hook, self, dir, is_permanent, level)
        hooks = self.hooks_of(dir)
        hooks.insert(0 if prepend else len(hooks), handle)
        return handle

    def add_perma_hook(self, hook: HookFn, dir: Direction = "fwd") -> HookHandle:
        """Attaches a hook that `reset_hooks` leaves in place."""
        return self.add_hook(hook, dir, is_permanent=True)

    def remove_hooks(
        self,
        dir: Literal["fwd", "bwd", "both"] = "fwd",
        including_permanent: bool = False,
        level: int | None = None,
    ) -> None:
        """Takes hooks away: those of one level if given, permanent ones only if told so."""
        for one in ("fwd", "bwd") if dir == "both" else (dir,):
            for handle in list(self.hooks_of(one)):
                if (including_permanent or not handle.is_permanent) and level in (None, handle.level):
                    handle.remove()

    def clear_context(self) -> None:
        """Empties `ctx`, where hook functions may leave things for later."""
        self.ctx = {}

    def layer(self) -> int:
        """The layer this point is in, from its name."""
        found = re.search(r"blocks\.(\d+)\.", self.name or "")
        if found is None:
            raise SiteError(f"the hook {self.name!r} is in no layer")
        return int(found.group(1))

    def forward(self, x: Tensor) -> Tensor:
        for handle in list(self.fwd_hooks):
            x = handle(x)
        if self.bwd_hooks and x.requires_grad:
            # Several points may pass one tensor on; each needs a node of its own for gradients to meet them in order.
            x = x.view_as(x)
            x.register_hook(self._backward)
        return x

    def _backward(self, grad: Tensor) -> Tensor:
        for handle in list(self.bwd_hooks):
            grad = handle(grad)
        return grad

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        # The handles of a deep copy, or an unpickled point, are its own; those of a shallow copy stay the original's.
        for handle in (*self.fwd_hooks, *self.bwd_hooks):
            if not handle.is_bound:
                handle.bind(self)

    def __repr__(self) -> str:
        counts = [f"{len(self.hooks_of(dir))} {dir}" for dir in _DIRECTIONS if self.hooks_of(dir)]
        return f"HookPoint({', '.join([*([self.name] if self.name else []), *counts])})"


def _under_names(fn: HookFn, names: Sequence[str]) -> HookFn:
    def call(value: Any, *, hook: HookPoint) -> Any:
        replaced = None
        for name in names:
            # A copy of the point shares its ctx and its hooks.
            point = copy.copy(hook)
            point.name = name
            found = fn(value if replaced is None else replaced, hook=point)
            replaced = replaced if found is None else found
        return replaced

    return call


class HookTap:
    """Hook points as a tap: what has hooks is watched, the rest costs nothing."""

    def __init__(self, points: Mapping[Site, HookPoint]) -> None:
        self.sites = frozenset(points)
        self._points = points

    def __call__(self, name: str, layer: int | None, x: Tensor) -> Tensor:
        point = self._points.get(Site(name, layer))
        if point is None:
            return x
        hooked: Tensor = point(x)
        return hooked


def tap_of(points: Mapping[Site, HookPoint]) -> Tap:
    """A tap for those that have hooks; the empty one if none has."""
    hooked = {site: point for site, point in points.items() if point.fwd_hooks or point.bwd_hooks}
    return HookTap(hooked) if hooked else NO_TAP


class HookIntrospectionMixin:
    """`list_hooks`, for whatever has a `hook_dict`."""

    hook_dict: dict[str, HookPoint]

    def list_hooks(
        self,
        name_filter: NameFilter = None,
        dir: Literal["fwd", "bwd", "both"] = "both",
        including_permanent: bool = True,
    ) -> dict[str, list[HookHandle]]:
        """The hooks that are attached, by the name of their point; points without any are left out."""
        if callable(name_filter):
            wanted = name_filter
        else:
            names = [name_filter] if isinstance(name_filter, str) else name_filter
            wanted = lambda name: names is None or name in names  # noqa: E731
        ways: tuple[Direction, ...] = _DIRECTIONS if dir == "both" else (dir,)
        found = {
            name: [
                handle
                for way in ways
                for handle in point.hooks_of(way)
                if including_permanent or not handle.is_permanent
            ]
            for name, point in self.hook_dict.items()
            if wanted(name)
        }
        return {name: handles for name, handles in found.items() if handles}


class HookedRootModule(HookIntrospectionMixin, nn.Module):
    """The root of a module tree with hook points: finds them, attaches hooks for a run, and takes them away again."""

    mod_dict: dict[str, nn.Module]

    def __init__(self, *args: Any) -> None:
        """`args` are what classic subclasses pass on; nothing is done with them."""
        super().__init__()

    def setup(self) -> None:
        """Gives every module its place in the tree as its `name`. Call it at the end of `__init__`."""
        self.hook_dict, self.mod_dict = {}, {}
        for name, module in self.named_modules():
            if name:
                self.mod_dict[name] = module
                module.name = name
            if isinstance(module, HookPoint):
                self.hook_dict[name] = module
        self.context_level = 0

    def hook_points(self) -> list[HookPoint]:
        """Every hook point, in the order of the tree."""
        return list(self.hook_dict.values())

    def select_hooks(self, wanted: NameFilter) -> list[HookPoint]:
        """The points that a name, a list of names or a function of names picks; None picks those cached by default.

        Raises SiteError for a name that is no hook, with near ones.
        """
        if wanted is None:
            return self.default_hooks()
        if callable(wanted):
            return [point for name, point in self.hook_dict.items() if wanted(name)]
        return [self.find_hook(name) for name in ([wanted] if isinstance(wanted, str) else wanted)]

    def default_hooks(self) -> list[HookPoint]:
        """What `run_with_cache` keeps when not told otherwise: everything."""
        return self.hook_points()

    def find_hook(self, name: Any) -> HookPoint:
        """The hook point of this name; SiteError with near names if there is none."""
        if not isinstance(name, str) or name not in self.hook_dict:
            count, names = len(self.hook_dict), near(str(name), self.hook_dict)
            raise SiteError(f"no hook named {name!r} among the {count} of this model.{names}")
        return self.hook_dict[name]

    def add_hook(
        self,
        name: Name | Callable[[str], bool],
        hook: HookFn,
        dir: Direction = "fwd",
        is_permanent: bool = False,
        level: int | None = None,
        prepend: bool = False,
    ) -> list[HookHandle]:
        """Attaches `hook` to every point that `name` picks, until it is reset. Raises SiteError if it picks none."""
        points = self.select_hooks(name)
        if not points:
            raise SiteError("the function given for a hook name picks none of this model's hooks")
        return [
            self.check_and_add_hook(point, point.name or "", hook, dir, is_permanent, level, prepend)
            for point in points
        ]

    def check_and_add_hook(
        self,
        hook_point: HookPoint,
        hook_point_name: str,
        hook: HookFn,
        dir: Direction = "fwd",
        is_permanent: bool = False,
        level: int | None = None,
        prepend: bool = False,
    ) -> HookHandle:
        """Attaches `hook` to one point, if `check_hooks_to_add` does not raise."""
        self.check_hooks_to_add(hook_point, hook_point_name, hook, dir=dir, is_permanent=is_permanent, prepend=prepend)
        return hook_point.add_hook(hook, dir, is_permanent, level, prepend)

    def check_hooks_to_add(
        self,
        hook_point: HookPoint,
        hook_point_name: str,
        hook: HookFn,
        dir: Direction = "fwd",
        is_permanent: bool = False,
        prepend: bool = False,
    ) -> None:
        """Called before a hook is attached: a model of one's own overrides it, to raise where one does not belong."""

    def add_perma_hook(
        self, name: Name | Callable[[str], bool], hook: HookFn, dir: Direction = "fwd"
    ) -> list[HookHandle]:
        """Attaches a hook that `reset_hooks` leaves in place."""
        return self.add_hook(name, hook, dir, is_permanent=True)

    def remove_all_hook_fns(
        self,
        direction: Literal["fwd", "bwd", "both"] = "both",
        including_permanent: bool = False,
        level: int | None = None,
    ) -> None:
        """Takes hooks away from every point."""
        for point in self.hook_points():
            point.remove_hooks(direction, including_permanent, level)

    def reset_hooks(
        self,
        clear_contexts: bool = True,
        direction: Literal["fwd", "bwd", "both"] = "both",
        including_permanent: bool = False,
        level: int | None = None,
    ) -> None:
        """Takes hooks away from every point, and empties the points' contexts."""
        if clear_contexts:
            self.clear_contexts()
        self.remove_all_hook_fns(direction, including_permanent, level)

    def clear_contexts(self) -> None:
        """Empties every point's `ctx`."""
        for point in self.hook_points():
            point.clear_context()

    @contextmanager
    def hooks(
        self,
        fwd_hooks: Sequence[Hook] = (),
        bwd_hooks: Sequence[Hook] = (),
        reset_hooks_end: bool = True,
        clear_contexts: bool = False,
    ) -> Iterator[HookedRootModule]:
        """Hooks for the length of a `with`; gone after it, also after an exception or a wrong name."""
        handles: list[HookHandle] = []
        self.context_level += 1
        try:
            for wanted, dir in ((fwd_hooks, "fwd"), (bwd_hooks, "bwd")):
                for name, hook in wanted:
                    handles += self.add_hook(name, hook, "fwd" if dir == "fwd" else "bwd", level=self.context_level)
            yield self
        finally:
            self.context_level -= 1
            if reset_hooks_end:
                for handle in handles:
                    handle.remove()
                if clear_contexts:
                    self.clear_contexts()

    def run_with_hooks(
        self,
        *model_args: Any,
        fwd_hooks: Sequence[Hook] = (),
        bwd_hooks: Sequence[Hook] = (),
        reset_hooks_end: bool = True,
        clear_contexts: bool = False,
        **model_kwargs: Any,
    ) -> Any:
        """One run with hooks: [(name or function of names, hook function), …]. They are gone afterwards.

        Backward hooks stay attached only if `reset_hooks_end` is False: a backward pass comes after this returns.
        """
        if bwd_hooks and reset_hooks_end:
            raise SiteError(
                "backward hooks would be gone before a backward pass: call backward inside `with model.hooks(…)`, "
                "or pass reset_hooks_end=False and reset_hooks() afterwards"
            )
        with self.hooks(fwd_hooks, bwd_hooks, reset_hooks_end, clear_contexts):
            return self(*model_args, **model_kwargs)

    def cache_run(
        self,
        *model_args: Any,
        names_filter: NameFilter = None,
        keep: Callable[[Tensor, str], Tensor] = lambda x, name: x,
        incl_bwd: bool = False,
        **model_kwargs: Any,
    ) -> tuple[Any, dict[str, Tensor]]:
        """One run's output, and {hook name: value as `keep` left it}; gradients as name + "_grad" if `incl_bwd`.

        With `incl_bwd` the output must be a single number, whose gradient is taken.
        """
        store: dict[str, Tensor] = {}
        handles = self._cache_into(store, names_filter, keep, incl_bwd)
        try:
            with torch.set_grad_enabled(incl_bwd or torch.is_grad_enabled()):
                out = self(*model_args, **model_kwargs)
                if incl_bwd:
                    _single_number(out).backward()
        finally:
            for handle in handles:
                handle.remove()
        return out, store

    def _cache_into(
        self, store: dict[str, Tensor], names_filter: NameFilter, keep: Callable[[Tensor, str], Tensor], incl_bwd: bool
    ) -> list[HookHandle]:
        points = self.select_hooks(names_filter)
        hooks, back = _caching(points, store, keep, incl_bwd)
        handles = [point.add_hook(hook) for point, (_, hook) in zip(points, hooks, strict=True)]
        return handles + [point.add_hook(hook, "bwd") for point, (_, hook) in zip(points, back, strict=False)]

    def run_with_cache(
        self,
        *model_args: Any,
        names_filter: NameFilter = None,
        device: torch.device | str | None = None,
        remove_batch_dim: bool = False,
        incl_bwd: bool = False,
        reset_hooks_end: bool = True,
        clear_contexts: bool = False,
        pos_slice: SliceInput = None,
        **model_kwargs: Any,
    ) -> tuple[Any, Any]:
        """One run's output, and what the hook points saw: {name: value}.

        The hooks that read it are gone afterwards, whatever `reset_hooks_end` says; `clear_contexts` empties every
        point's `ctx` as well. `pos_slice` keeps some positions only, `device` moves what is kept.
        """
        keep = keeper(device, remove_batch_dim, pos_slice)
        try:
            return self.cache_run(*model_args, names_filter=names_filter, keep=keep, incl_bwd=incl_bwd, **model_kwargs)
        finally:
            if clear_contexts:
                self.clear_contexts()

    def get_caching_hooks(
        self,
        names_filter: NameFilter = None,
        incl_bwd: bool = False,
        device: torch.device | str | None = None,
        remove_batch_dim: bool = False,
        cache: dict[str, Tensor] | None = None,
        pos_slice: SliceInput = None,
    ) -> tuple[dict[str, Tensor], list[Hook], list[Hook]]:
        """(cache, forward hooks, backward hooks): hooks for `with model.hooks(…)` that fill `cache`."""
        store = {} if cache is None else cache
        return store, *_caching(
            self.select_hooks(names_filter), store, keeper(device, remove_batch_dim, pos_slice), incl_bwd
        )

    def add_caching_hooks(
        self,
        names_filter: NameFilter = None,
        incl_bwd: bool = False,
        device: torch.device | str | None = None,
        remove_batch_dim: bool = False,
        cache: dict[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """A dict that every run fills from now on, until `reset_hooks`."""
        store = {} if cache is None else cache
        self._cache_into(store, names_filter, keeper(device, remove_batch_dim, None), incl_bwd)
        return store

    def cache_all(self, cache: dict[str, Tensor] | None, incl_bwd: bool = False, **options: Any) -> None:
        """`add_caching_hooks` for what is kept by default, under its oldest name; every run fills `cache`."""
        self.add_caching_hooks(None, incl_bwd, cache=cache, **options)

    def cache_some(
        self, cache: dict[str, Tensor] | None, names: Callable[[str], bool], incl_bwd: bool = False, **options: Any
    ) -> None:
        """`add_caching_hooks` for the points that `names` picks, under its oldest name."""
        self.add_caching_hooks(names, incl_bwd, cache=cache, **options)


def keeper(
    device: torch.device | str | None, remove_batch_dim: bool, pos_slice: SliceInput
) -> Callable[[Tensor, str], Tensor]:
    """What is kept of a value of this name: some positions (one alone keeps its axis), without the batch axis, on a
    device.
    """
    picked = Slice.unwrap(pos_slice)

    def keep(x: Tensor, name: str) -> Tensor:
        if remove_batch_dim and len(x) != 1:
            raise BatchAxisError(f"cannot drop the batch axis: {name} holds {len(x)} examples, not 1")
        if pos_slice is not None:
            x = alone(picked.apply(x, _POSITION_AXIS.get(name.rpartition("hook_")[2].removesuffix("_grad"), 1)))
        x = x[0] if remove_batch_dim else x
        return x if device is None else x.to(device)

    return keep


_POSITION_AXIS = {"pattern": 2, "attn_scores": 2}


def _caching(
    points: Sequence[HookPoint], store: dict[str, Tensor], keep: Callable[[Tensor, str], Tensor], incl_bwd: bool
) -> tuple[list[Hook], list[Hook]]:
    """Hooks that put what points see, and their gradients if asked for, into `store`; they edit nothing."""

    def save(x: Tensor, *, hook: HookPoint) -> None:
        assert hook.name is not None
        store[hook.name] = keep(x.detach(), hook.name)

    def save_grad(grad: Tensor, *, hook: HookPoint) -> None:
        assert hook.name is not None
        store[f"{hook.name}_grad"] = keep(grad.detach(), hook.name)

    save.reads_only = save_grad.reads_only = True  # type: ignore[attr-defined]
    names = [point.name or "" for point in points]
    return [(name, save) for name in names], [(name, save_grad) for name in names if incl_bwd]


def _single_number(out: Any) -> Tensor:
    if not isinstance(out, Tensor) or out.numel() != 1 or not out.requires_grad:
        found = f"shape {list(out.shape)}" if isinstance(out, Tensor) else type(out).__name__
        raise SiteError(
            f"incl_bwd takes the gradient of a single number, such as a loss that depends on weights; "
            f"the output is {found}"
        )
    return out
