"""A command: one typed function that the command line offers and, where it leaves files, a pipeline as a stage.

Flags, help and what a stage accepts follow from the function's signature and docstring: parameters that can be given by
position are arguments of the command line, keyword-only ones are flags. What a signature cannot say is declared beside
it. Modules of commands import nothing heavy at their top, so that `lgsid --help` stays quick.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

from lgsid.errors import LgsidError
from lgsid.plugins import load_kind, suggestion

P = ParamSpec("P")
R = TypeVar("R")
KIND = "commands"
SUPPLIED = ("config", "output", "logger", "stages")
SECTION = re.compile(r"^(Args|Returns|Raises|Yields):$")


@dataclass(frozen=True)
class AsStage:
    """What a pipeline has to know of a command beyond its signature.

    A stage passes its options as keyword arguments. It supplies `output` (the folder of its result), `config` (its
    config files), `seed` if the result is seeded and no option says otherwise, `logger` (the config of the pipeline's
    logger) and `stages` (the folders of all stages before it, which the command then reads).

    Args:
        code: Names `module:function` of what runs; when that code, or what it imports, changes, the stage runs again.
            The command's own module if empty.
        seeded: Whether the result depends on the seed of the pipeline.
        inputs: Returns the files outside the run folder that the command reads; called with the same arguments but
            `output`.
        check: Refuses arguments that the signature cannot refuse, before anything ran; called with the same arguments.
        follows: Command that has to come before it in the same stage, unless the stage sets `unless`.
        unless: Option that makes up for it.
    """

    code: tuple[str, ...] = ()
    seeded: bool = False
    inputs: Callable[..., Sequence[Path]] | None = None
    check: Callable[..., None] | None = None
    follows: str = ""
    unless: str = ""


@dataclass(frozen=True)
class Option:
    """One parameter of a command.

    Args:
        name: Its name in Python, and in a stage; a trailing underscore is left out there.
        hint: Its type.
        default: Its default, `inspect.Parameter.empty` if it must be given.
        positional: Whether the command line takes it by position.
        help: The text of the docstring.
    """

    name: str
    hint: Any
    default: Any
    positional: bool
    help: str

    @property
    def key(self) -> str:
        """What a stage calls it."""
        return self.name.rstrip("_")

    @property
    def flag(self) -> str:
        """What the command line calls it."""
        if self.positional:
            return self.key
        return f"-{self.key}" if len(self.key) == 1 else f"--{self.key.replace('_', '-')}"

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is inspect.Parameter.empty

    @property
    def many(self) -> bool:
        """Whether it is a list."""
        return typing.get_origin(self.hint) in (list, Sequence)


@dataclass(frozen=True)
class Command(Generic[P, R]):
    """A typed function with what the command line and pipelines need of it. Calling it calls the function.

    What the function returns is shown on the terminal: a text, or anything that rich can print; a mapping is the
    resolved config of a stage, and is not shown.

    Args:
        function: The function.
        stage: What makes it a kind of stage; `None` for commands that are none.
        main: Takes the words of the command line as they are, for a command with a parser of its own.
        reads_configs: Whether it makes classes that configs name, so that `--trust-config` may be given.
    """

    function: Callable[P, R]
    stage: AsStage | None = None
    main: Callable[[list[str]], None] | None = field(default=None)
    reads_configs: bool = False

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        return self.function(*args, **kwargs)

    @cached_property
    def summary(self) -> str:
        """First line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @cached_property
    def description(self) -> str:
        """The docstring without its sections."""
        lines = (inspect.getdoc(self.function) or "").splitlines()
        sections = [number for number, line in enumerate(lines) if SECTION.match(line)]
        return "\n".join(lines[: sections[0]] if sections else lines).strip()

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """The parameters, without those that collect the rest."""
        hints = parameter_types(self.function)
        texts = argument_texts(inspect.getdoc(self.function) or "")
        return tuple(
            Option(p.name, hints.get(p.name, str), p.default, p.kind is not p.KEYWORD_ONLY, texts.get(p.name, ""))
            for p in inspect.signature(self.function).parameters.values()
            if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        )

    @cached_property
    def open_ended(self) -> bool:
        """Whether it takes any dotted key beside its options."""
        return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(self.function).parameters.values())

    @property
    def traits(self) -> AsStage:
        """What a pipeline has to know of it."""
        return self.stage or AsStage()

    @property
    def code(self) -> tuple[str, ...]:
        """What runs, as names of a module and a function in it."""
        return self.traits.code or (f"{self.function.__module__}:{self.function.__name__}",)

    @property
    def reads_everything(self) -> bool:
        """Whether it reads the results of all stages before it."""
        return any(option.name == "stages" for option in self.options)

    @property
    def supplied(self) -> tuple[str, ...]:
        """Parameters that the pipeline gives, whatever the stage says."""
        return tuple(option.name for option in self.options if option.name in SUPPLIED)

    def option(self, name: str) -> Option | None:
        """Return a parameter by name."""
        return next((option for option in self.options if option.name == name), None)


def command(
    stage: AsStage | None = None, main: Callable[[list[str]], None] | None = None, reads_configs: bool = False
) -> Callable[[Callable[P, R]], Command[P, R]]:
    """Make a command of a typed function.

    Args:
        stage: What makes it a kind of stage; `None` for a command that is none.
        main: Takes the words of the command line as they are, for a command with a parser of its own.
        reads_configs: Whether it makes classes that configs name.
    """
    return lambda function: Command(function, stage, main, reads_configs)


def parameter_types(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of a function's parameters; that of what it returns may be imported for type checks only."""
    own = {name: hint for name, hint in function.__annotations__.items() if name != "return"}
    return typing.get_type_hints(type("Parameters", (), {"__annotations__": own}), globalns=function.__globals__)


def argument_texts(docstring: str) -> dict[str, str]:
    """Return the texts of the section `Args:` of a docstring, by the name of the argument."""
    texts: dict[str, str] = {}
    name, inside = "", False
    for line in docstring.splitlines():
        if SECTION.match(line):
            inside = line == "Args:"
        elif inside and (match := re.match(r"^ {4}\*{0,2}(\w+): (.*)$", line)):
            name = match[1]
            texts[name] = match[2].strip()
        elif inside and name and line.strip():
            texts[name] += f" {line.strip()}"
    return texts


def commands() -> Mapping[str, Command[..., Any]]:
    """Return all installed commands by name, such as "data prepare". Imports their modules, which are light."""
    return {name.replace(".", " "): found for name, found in load_kind(KIND).items()}


def stage_kinds() -> Mapping[str, Command[..., Any]]:
    """Return the commands that a stage of a pipeline can run."""
    return {name: found for name, found in commands().items() if found.stage is not None}


def stage_kind(name: str, where: str = "") -> Command[..., Any]:
    """Return the command that a stage names.

    Raises:
        LgsidError: if no installed package has it.
    """
    known = stage_kinds()
    if name not in known:
        prefix = f"{where}: " if where else ""
        raise LgsidError(f"{prefix}unknown command {name!r}; {suggestion(str(name), known)}")
    return known[name]
