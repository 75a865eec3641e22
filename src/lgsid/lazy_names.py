"""Names of a package that are imported when they are first used (PEP 562), so that a command imports what it needs."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazy_names(
    package: str, names: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of a package.

    Args:
        package: Its `__name__`.
        names: Module -> public names that it defines.
    """
    module_of = {name: module for module, inside in names.items() for name in inside}

    def find(name: str) -> Any:
        """Import a public name from its module."""
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(module_of[name]), name)
        setattr(sys.modules[package], name, value)  # found without this function from now on
        return value

    def listing() -> list[str]:
        """List the public names, for completion in a notebook."""
        own = (name for name in vars(sys.modules[package]) if name.startswith("__"))
        return sorted({*module_of, *own})

    return find, listing
