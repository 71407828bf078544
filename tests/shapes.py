"""Shape checks at a fraction of their cost: jaxtyping checks a call only if nothing like it was checked before.

What jaxtyping and beartype say of a call depends on the types of its arguments and result, the shapes and dtypes of
tensors, and the values of integers and strings (a literal may be asked for). Calls that agree in all of these are
checked once; checking each of them takes four fifths of the time of the tests. Where nothing in a signature
has brackets (no shape, literal or container), the types of the arguments are enough.
"""

import inspect
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, is_dataclass
from enum import Enum
from functools import partial, wraps
from types import CodeType, FunctionType
from typing import Any

import jaxtyping
import numpy as np
from torch import Tensor

whole = jaxtyping.jaxtyped
"""The decorator of jaxtyping, which checks every call."""
PLAIN = {int, str, bool, type(None)}
"""Types whose values a literal may ask for."""
FEW = 4
"""Longer tuples, and lists, are known by their first and last items; beartype looks at one item of either."""


def key(value: Any) -> Hashable:
    """What a check of `value` can depend on."""
    kind = type(value)
    if kind in PLAIN:
        return kind, value
    if isinstance(value, Tensor):
        return kind, value.shape, value.dtype
    if kind is tuple or kind is list:
        some = value if kind is tuple and len(value) <= FEW else (value[:1] + value[-1:])
        return kind, len(value), *map(key, some)
    if kind is dict or kind is set or kind is frozenset:  # beartype looks at the first item
        first = next(iter(value.items() if kind is dict else value), None)
        return kind, key(first)
    if isinstance(value, np.ndarray):
        return kind, value.shape, value.dtype
    if isinstance(value, (int, str, type, Enum)):
        return kind, value
    return kind


def jaxtyped(made: Any = None, *, typechecker: Any) -> Any:
    """In place of `jaxtyping.jaxtyped`: decorates a function, or the `__init__` of a dataclass."""
    if made is None:
        return partial(jaxtyped, typechecker=typechecker)
    if isinstance(made, type):
        if is_dataclass(made) and "__init__" in vars(made):
            made.__init__ = jaxtyped(made.__init__, typechecker=typechecker)
        return made
    if isinstance(made, (classmethod, staticmethod)):
        return type(made)(jaxtyped(made.__func__, typechecker=typechecker))
    if isinstance(made, property):
        return property(*(part and jaxtyped(part, typechecker=typechecker) for part in (made.fget, made.fset)))
    return _once(made, typechecker)


@dataclass
class _Checks:
    """What was checked of a function, and what checks it: made at the first call, once for all closures of one code."""

    parameters: Callable[..., Any]
    result: Callable[..., Any]
    at_hand: threading.local
    key: Callable[[Any], Hashable]
    called: set[Hashable] = field(default_factory=set)
    returned: set[Hashable] = field(default_factory=set)

    @classmethod
    def of(cls, function: FunctionType, typechecker: Any) -> "_Checks":
        """Two functions of the same signature that do nothing: the second returns the result that is at hand."""
        at_hand = threading.local()
        signature = inspect.signature(function)

        def echo(*args: Any, **kwargs: Any) -> Any:
            return at_hand.result

        def check(given: inspect.Signature) -> Callable[..., Any]:
            made: Any = FunctionType(echo.__code__, function.__globals__, function.__name__, None, echo.__closure__)
            made.__qualname__, made.__module__, made.__signature__ = function.__qualname__, function.__module__, given
            return whole(made, typechecker=typechecker)

        parameters = signature.replace(return_annotation=signature.empty)
        try:
            said = str(inspect.signature(function, eval_str=True))
        except NameError:  # an annotation names what only the type checker imports
            said = "["
        return cls(check(parameters), check(signature), at_hand, key if "[" in said else type)


MADE: dict[tuple[str, str, CodeType], _Checks] = {}
"""By module, name and code: codes alone are equal where two dataclasses have fields of the same names."""


def _once(function: FunctionType, typechecker: Any) -> Callable[..., Any]:
    """`function`, with a check of each call that is unlike all before."""
    checks: _Checks | None = None

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        nonlocal checks
        if checks is None:
            name = function.__module__, function.__qualname__, function.__code__
            checks = MADE.get(name) or MADE.setdefault(name, _Checks.of(function, typechecker))
        key = checks.key
        asked: Hashable = tuple(map(key, args))
        if kwargs:
            asked = asked, *kwargs, *map(key, kwargs.values())
        if asked not in checks.called:
            checks.at_hand.result = None
            checks.parameters(*args, **kwargs)
            checks.called.add(asked)
        result = function(*args, **kwargs)
        given = asked, key(result)
        if given not in checks.returned:
            checks.at_hand.result = result
            try:
                checks.result(*args, **kwargs)
            finally:
                del checks.at_hand.result
            checks.returned.add(given)
        return result

    return checked
