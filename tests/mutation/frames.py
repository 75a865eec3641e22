"""A pytest plugin: Lightning finds the arguments of a module's constructors in a mutated copy too.

Lightning collects them from the frames of functions named `__init__` that call each other. mutmut gives each of these
another name and a wrapper, so a checkpoint would lack the arguments.
"""

from __future__ import annotations

import inspect
from types import FrameType
from typing import Any

from lightning.pytorch.utilities import parsing
from mutmut.mutation import trampoline


def collect_init_args(
    frame: FrameType | None, path_args: list[dict[str, Any]], inside: bool = False, classes: tuple[type, ...] = ()
) -> list[dict[str, Any]]:
    """Append the arguments of each constructor, from the innermost outwards, as Lightning's function does."""
    while frame:
        known, wraps = frame.f_locals, frame.f_code.co_filename == trampoline.__file__
        if "__class__" in known and "__init__" in frame.f_code.co_name and isinstance(known.get("self"), classes):
            names = list(inspect.signature(known["__class__"].__init__).parameters)
            path_args.append({name: known[name] for name in names if name != "self"})
            inside = True
        elif inside and not wraps:
            break
        frame = frame.f_back
    return path_args


parsing.collect_init_args = collect_init_args
