"""Reading figures off a page."""

import re
from typing import Any


def number(locator: Any) -> float:
    """The first number of an element, as the page writes it."""
    found = re.search(r"[+−]?\d+(\.\d+)?(e[−-]?\d+)?", locator.inner_text())
    assert found, locator.inner_text()
    return float(found.group().replace("−", "-"))
