"""What is raised for a classic name that Rung does not have."""

from collections.abc import Iterable, Mapping

from ..errors import near


def left_out(module: str, name: str, why: Mapping[str, str], there: Iterable[str]) -> Exception:
    """ImportError that says why a name is left out on purpose and what to use; AttributeError with near names else.

    (An AttributeError's message is lost in `from … import name`; an ImportError's is not.)
    """
    if name in why:
        return ImportError(f"{module}.{name} is left out of Rung: {why[name]}")
    return AttributeError(f"rung.{module} has no {name!r}.{near(name, [*there, *why])}")
