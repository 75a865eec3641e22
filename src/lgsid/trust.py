"""What a config or a checkpoint that somebody else wrote may name.

Both say which classes are made, so a file that could name any class could run any program. What may be named is what is
defined in lgsid, in the packages of installed plugins, and, for configs, in the parts of torch and Lightning that a
training is made of. The user may trust a config with more (`lgsid ... --trust-config`); a checkpoint is never trusted.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from lgsid import plugins
from lgsid.errors import LgsidError

PARTS_OF_TRAINING = (
    "torch.optim",
    "torch.nn",
    *(f"lightning.pytorch.{part}" for part in ("accelerators", "callbacks", "loggers", "plugins", "profilers")),
    "lightning.pytorch.strategies",
    "lightning.fabric.plugins",  # where some of lightning.pytorch.plugins are defined
)
TRUST_FLAG = "--trust-config"
TRUST_HELP = "Let the configs name any class or function that can be imported: they are run as programs."

trusted: ContextVar[bool] = ContextVar("trusted", default=False)
"""Whether configs may name anything that can be imported."""


@contextmanager
def trusting(configs: bool = True) -> Iterator[None]:
    """Let configs name anything that can be imported, inside the block; or, with `False`, what strangers may name."""
    token = trusted.set(configs)
    try:
        yield
    finally:
        trusted.reset(token)


def own_packages() -> set[str]:
    """Return the top-level packages whose classes are parts of models: lgsid, and those of enabled plugins.

    An entry point that leads into the standard library, or nowhere, adds nothing.
    """
    enabled = {plugin.module.partition(".")[0] for plugin in plugins.available() if plugin.state != "disabled"}
    return {name for name in enabled if name.isidentifier() and name not in sys.stdlib_module_names} | {"lgsid"}


def lies_in(path: str, packages: Iterable[str]) -> bool:
    """Tell whether a dotted path is one of these packages, or below one."""
    return any(path == package or path.startswith(f"{package}.") for package in packages)


def limit_imports() -> None:
    """Tell the parser of configs what it may import; called before each parsing.

    The parser asks before it imports anything, whatever the type of the argument and however deep it lies, and asks
    again where the object that it found is defined. So `lgsid.cli.os.system` is refused like `os.system`.
    """
    from jsonargparse import set_parsing_settings

    anywhere = [name for name in top_level_modules() if name.isidentifier() and name != "jsonargparse"]
    if trusted.get():
        set_parsing_settings(import_path_denylist=["*"], import_path_allowlist=anywhere)
    else:
        allowed = [*own_packages(), *PARTS_OF_TRAINING]
        set_parsing_settings(import_path_denylist=["*", *anywhere], import_path_allowlist=allowed)
    set_parsing_settings(instantiate_subclass_spec_in_any=False)


def top_level_modules() -> set[str]:
    """Return the names of all modules and packages that an import could find."""
    found = {module.name for module in pkgutil.iter_modules()}
    return found | set(sys.stdlib_module_names) | {name.partition(".")[0] for name in sys.modules}


def part_of_model(path: str, bases: type | tuple[type, ...], hint: str) -> type:
    """Return the class that a checkpoint names, importing nothing but modules of lgsid and of installed plugins.

    Args:
        path: Its dotted path.
        bases: What a class of the running program derives from that may be named, too.
        hint: What to do if it is not there.

    Raises:
        LgsidError: if it may not be named, or cannot be imported.
    """
    module, _, name = path.rpartition(".")
    own = own_packages()
    if not lies_in(path, own) and module not in sys.modules:
        raise LgsidError(f"{path} is of no package that offers plugins of lgsid; {hint}, or import it first")
    try:
        found: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise LgsidError(f"{path} cannot be imported ({error}); {hint}") from error
    if not inspect.isclass(found) or not (lies_in(found.__module__, own) or issubclass(found, bases)):
        raise LgsidError(f"{path} is not a part of a model")
    return found
