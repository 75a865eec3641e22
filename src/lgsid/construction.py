"""How a model was built, as plain values: the record in a checkpoint, and the way back."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from typing_extensions import Self

from lgsid import plugins
from lgsid.errors import LgsidError
from lgsid.trust import part_of_model

PLAIN = (str, int, float, bool, type(None))
CLASS_PATH, INIT_ARGS, PACKAGE, NOT_KEPT = "class_path", "init_args", "package", "not_kept"


def is_plain(value: Any) -> bool:
    """Tell whether a value is made of JSON types only, and so survives `weights_only` loading."""
    if isinstance(value, dict):
        return all(isinstance(k, str) and is_plain(v) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return all(is_plain(v) for v in value)
    return isinstance(value, PLAIN)


def is_tensor(value: Any) -> bool:
    """Tell whether a value is a tensor, without importing torch: reading a dataset needs none."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


class Describable:
    """Base of everything a model is built from: remembers the constructor's arguments.

    So a checkpoint can say how its model was built, whether a config or Python built it. The abstract bases of all
    kinds of plugins derive from this class; a subclass has nothing to do.
    """

    not_described: ClassVar[tuple[str, ...]] = ()
    """Arguments that are left out of the description, so that a rebuilt object has their defaults."""

    _arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make the object and keep the arguments, as they were given."""
        if cls.__init__ is object.__init__ and (args or kwargs):
            raise TypeError(f"{cls.__name__}() takes no arguments")
        made = super().__new__(cls)
        object.__setattr__(made, "_arguments", (args, kwargs))
        return made

    def constructor_arguments(self) -> dict[str, Any]:
        """Return the arguments that the constructor was given, by name."""
        args, kwargs = self._arguments
        if type(self).__init__ is object.__init__:
            return {}
        signature = inspect.signature(type(self).__init__)
        bound = signature.bind_partial(self, *args, **kwargs)
        named: dict[str, Any] = {}
        for name, value in list(bound.arguments.items())[1:]:
            kind = signature.parameters[name].kind
            if kind is inspect.Parameter.VAR_KEYWORD:
                named |= value
            elif kind is not inspect.Parameter.VAR_POSITIONAL:
                named[name] = value
        return {name: value for name, value in named.items() if name not in self.not_described}


def describe(value: Any) -> Any:
    """Describe an object, with the parts that it was given, in values that survive `weights_only` loading.

    Args:
        value: A `Describable`, a dataclass, a plain value, or a list or dictionary of those.

    Returns:
        A plain value; an object becomes its class path and constructor arguments. What cannot be kept is said by name.
    """
    if isinstance(value, Describable):
        return _described(type(value), value.constructor_arguments())
    if is_dataclass(value) and not isinstance(value, type):
        return _described(type(value), {f.name: getattr(value, f.name) for f in fields(value) if f.init})
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: describe(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [describe(part) for part in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, PLAIN) or is_tensor(value):
        return value
    return {NOT_KEPT: type(value).__qualname__}


def rebuild(description: Any) -> Any:
    """Build what `describe` described.

    Only classes of lgsid, of the packages of installed plugins, and those that the running program has defined itself
    are built, and of these only dataclasses and subclasses of `Describable`.

    Raises:
        LgsidError: if a class cannot be found or may not be built, or its arguments were not kept or do not fit it.
    """
    if isinstance(description, list):
        return [rebuild(part) for part in description]
    if not isinstance(description, dict):
        return description
    if not {CLASS_PATH, INIT_ARGS} <= set(description):
        return {key: rebuild(part) for key, part in description.items()}
    kind, arguments = described_class(description), description[INIT_ARGS]
    for name, value in arguments.items():
        if isinstance(value, dict) and NOT_KEPT in value:
            raise LgsidError(
                f"argument {name!r} of {kind.__name__} was a {value[NOT_KEPT]}, which a checkpoint does not keep"
            )
    try:
        return kind(**{name: rebuild(value) for name, value in arguments.items()})
    except TypeError as error:
        raise LgsidError(f"{kind.__name__} here does not take the arguments it was built with ({error})") from error


def described_class(description: Mapping[str, Any]) -> type:
    """Import the class of a description.

    Raises:
        LgsidError: if it cannot be imported or may not be built.
    """
    path = str(description[CLASS_PATH])
    found = part_of_model(path, Describable, f"install {description.get(PACKAGE) or path.partition('.')[0]}")
    if not (issubclass(found, Describable) or is_dataclass(found)):
        raise LgsidError(f"{path} is not a part of a model")
    return found


def import_path(kind: type) -> str:
    """Return the shortest path below its top-level package that leads to a class, so that files can move."""
    parts = kind.__module__.split(".")
    for length in range(2, len(parts)):
        prefix = ".".join(parts[:length])
        if vars(sys.modules.get(prefix, object)).get(kind.__name__) is kind:
            return f"{prefix}.{kind.__qualname__}"
    return f"{kind.__module__}.{kind.__qualname__}"


def package_of(kind: type) -> str:
    """Return the distribution that a class comes from with its version, empty for lgsid's own and where unknown."""
    top = kind.__module__.partition(".")[0]
    if top == "lgsid":
        return ""
    for plugin in plugins.installed():
        if plugin.module.partition(".")[0] == top:
            return plugin.origin
    return next(iter(packages_distributions().get(top, [])), "")


def _described(kind: type, arguments: Mapping[str, Any]) -> dict[str, Any]:
    described = {name: describe(value) for name, value in arguments.items()}
    return {CLASS_PATH: import_path(kind), PACKAGE: package_of(kind), INIT_ARGS: described}
