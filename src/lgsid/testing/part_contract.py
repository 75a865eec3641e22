"""What every part that a config names keeps, whatever its kind."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from io import BytesIO
from typing import Any, ClassVar

import torch
from jsonargparse import ArgumentParser

from lgsid.construction import CLASS_PATH, INIT_ARGS, NOT_KEPT, PACKAGE, describe, import_path, rebuild
from lgsid.errors import LgsidError
from lgsid.trust import lies_in, limit_imports, own_packages, trusting

UNKNOWN_ARGUMENT = "an_argument_that_nobody_has"


class PartContract(ABC):
    """Contract tests of a part: configs, checkpoints and its arguments. Contracts of kinds derive from it.

    `lgsid plugins check` makes the parts of an installed package with `made`, and so with as few arguments as it can.
    """

    base: ClassVar[type]
    """Base class of the kind."""
    bad_arguments: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """Arguments that the class must refuse, each with one clear line, beside those that `make` gives."""

    @abstractmethod
    def make(self) -> Any:
        """Return a new part; with the same arguments every time."""

    @classmethod
    def made(cls, part: Any) -> Any:
        """Return what `make` returns for a class of which nothing is known but its kind."""
        return part()

    def part(self) -> Any:
        """Return a new part, without what `make` may return beside it."""
        return self.make()

    def test_a_config_names_it_by_short_name_and_by_path(self) -> None:
        """`class_path: Name` and `class_path: package.Name` make it with the arguments of `init_args`."""
        part = self.part()
        kind, described = type(part), describe(part)
        assert isinstance(part, self.base), f"{kind.__qualname__} is no {self.base.__qualname__}"
        if "<locals>" in kind.__qualname__ or not is_kept(described):
            return  # no config can say it
        settings = plain_config(described)[INIT_ARGS]
        own = all(lies_in(path, own_packages()) for path in (kind.__module__, *paths_in(settings)))
        for name in (kind.__name__, import_path(kind)):
            with trusting(not own):
                made = from_config(self.base, {CLASS_PATH: name, INIT_ARGS: settings})
            assert type(made) is kind, f"{name} makes a {type(made).__qualname__}"
            found = plain_config(describe(made))[INIT_ARGS]
            assert holds(found, settings), f"{name} is made with {found}, not {settings}"

    def test_a_checkpoint_says_how_it_was_made(self) -> None:
        """Its description is plain, survives `weights_only` loading, and builds the same part again."""
        part = self.part()
        described = describe(part)
        if not is_kept(described):
            return  # it was given an object that no file holds
        assert through_a_file(described) == described
        assert describe(rebuild(through_a_file(described))) == described

    def test_bad_arguments_are_refused(self) -> None:
        """An unknown argument is an error, and so is each of `bad_arguments`, in one line."""
        part = self.part()
        given = arguments_of(part)
        try:
            type(part)(**given, **{UNKNOWN_ARGUMENT: 1})
        except (TypeError, LgsidError):
            pass
        else:
            raise AssertionError(f"{type(part).__name__} takes an argument that it does not know, and says nothing")
        for bad in self.bad_arguments:
            with refused():
                type(part)(**{**given, **bad})


@contextmanager
def refused(*words: str) -> Iterator[None]:
    """Expect an `LgsidError` of one line inside the block.

    Args:
        words: What the line has to hold.
    """
    try:
        yield
    except LgsidError as error:
        text = str(error).strip()
        missing = [word for word in words if word not in text]
        if "\n" in text or not text or missing:
            raise AssertionError(f"no clear line{f' about {missing[0]}' if missing else ''}: {text}") from error
    else:
        raise AssertionError("nothing was refused, an LgsidError was due")


def from_config(base: type, config: dict[str, Any]) -> Any:
    """Make a part as a training config does.

    Args:
        base: Base class of its kind.
        config: `class_path`, a short name or a full path, and `init_args`.
    """
    limit_imports()
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--part", type=base)
    return parser.instantiate(parser.parse_object({"part": deepcopy(config)})).part


def plain_config(described: Any) -> Any:
    """Return a description as a config would say it: without packages."""
    if isinstance(described, dict):
        return {key: plain_config(value) for key, value in described.items() if key != PACKAGE}
    return [plain_config(value) for value in described] if isinstance(described, list) else described


def paths_in(settings: Any) -> Iterator[str]:
    """Yield the paths of the classes that settings name, those of parts of parts among them."""
    if isinstance(settings, dict):
        if isinstance(path := settings.get(CLASS_PATH), str):
            yield path
        settings = list(settings.values())
    if isinstance(settings, list):
        for value in settings:
            yield from paths_in(value)


def holds(found: Any, settings: Any) -> bool:
    """Tell whether what was made has all settings; what they leave out may have any default."""
    if isinstance(found, dict) and isinstance(settings, dict):
        return all(holds(found.get(key), value) for key, value in settings.items())
    if isinstance(found, list) and isinstance(settings, list) and len(found) == len(settings):
        return all(map(holds, found, settings))
    return bool(found == settings)


def is_kept(described: Any) -> bool:
    """Tell whether a description holds all of what a part was made with."""
    if isinstance(described, dict):
        return NOT_KEPT not in described and all(map(is_kept, described.values()))
    return all(map(is_kept, described)) if isinstance(described, list) else not isinstance(described, torch.Tensor)


def arguments_of(part: Any) -> dict[str, Any]:
    """Return the arguments that a part was given, by name, those of defaults left out."""
    given, named = getattr(part, "_arguments", ((), {}))
    if not given:
        return dict(named)
    return {**inspect.signature(type(part)).bind_partial(*given, **named).arguments}


def through_a_file(value: Any) -> Any:
    """Write a value as a checkpoint and read it again, as one that nobody vouches for."""
    file = BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=True)
