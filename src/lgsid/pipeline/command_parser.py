"""Parse what a command is given, on the command line or in a stage, by the signature of its function."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from lgsid.errors import LgsidError
from lgsid.pipeline.command import SUPPLIED, Command, Option
from lgsid.plugins import suggestion
from lgsid.trust import TRUST_FLAG, TRUST_HELP

KEY = re.compile(r'Parser key "([^"]+)"')
VALUE = re.compile(r"(?:Got|Given) value: (.*)")
MISSING = re.compile(r"the following arguments are required: (.*)")
WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "a mapping"}


def parse_words(found: Command[..., Any], name: str, words: Sequence[str]) -> dict[str, Any]:
    """Return the arguments that words of the command line give to a command.

    Args:
        found: The command.
        name: Its name.
        words: The words after its name.

    Raises:
        LgsidError: if a flag is unknown, or a value is missing or of another type.
    """
    own, rest = split_words(found, name, words)
    parser = words_parser(found, name)
    try:
        parsed = parser.parse_args(own)
    except ArgumentError as error:
        raise LgsidError(f"{explained(str(error), found)}; see `lgsid {name} --help`") from error
    return {**arguments_of(found, parsed), **rest}


def words_parser(found: Command[..., Any], name: str) -> ArgumentParser:
    """Return the parser of a command's words, which also prints its help."""
    parser = ArgumentParser(
        prog=f"lgsid {name}", description=found.description, exit_on_error=False, allow_abbrev=False
    )
    for option in found.options:
        inner = typing.get_args(option.hint)
        settings: dict[str, Any] = {"help": option.help}
        if option.hint is bool:
            settings |= {"action": "store_true", "default": bool(option.default)}
        elif option.many and option.positional:
            settings |= {"type": inner[0], "nargs": "+" if option.required else "*"}
        elif option.many:
            settings |= {"type": inner[0], "action": "append", "required": option.required}
        elif option.positional:
            settings |= {"type": option.hint} | ({} if option.required else {"nargs": "?", "default": option.default})
        else:
            settings |= {"type": option.hint}
            settings |= {"required": True} if option.required else {"default": option.default}
        parser.add_argument(option.flag, **settings)
    if found.reads_configs:
        parser.add_argument(TRUST_FLAG, action="store_true", help=TRUST_HELP)
    return parser


def split_words(found: Command[..., Any], name: str, words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Separate the words of a command's own flags from dotted keys that an open-ended command takes.

    Raises:
        LgsidError: if a flag is unknown, or a dotted key has no value.
    """
    flags = [option.flag for option in found.options if not option.positional]
    own: list[str] = []
    rest: dict[str, Any] = {}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        flag, equals, value = word.partition("=")
        if not word.startswith("--") or flag in (*flags, "--help"):
            own.append(word)
            if flag in flags and not equals and waiting and takes_value(found, flag):
                own.append(waiting.pop(0))
        elif not found.open_ended:
            close = suggestion(flag, flags, limit=0)
            hint = f"{close} " if close.startswith("did you mean") else ""
            raise LgsidError(f"unknown argument {flag!r}; {hint}see `lgsid {name} --help`")
        elif equals or waiting:
            rest[flag[2:]] = value if equals else waiting.pop(0)
        else:
            raise LgsidError(f"{flag}: expected a value, as in {flag}=VALUE")
    return own, rest


def takes_value(found: Command[..., Any], flag: str) -> bool:
    """Tell whether a flag is followed by a value."""
    return next(option for option in found.options if option.flag == flag).hint is not bool


def parse_stage(found: Command[..., Any], options: Mapping[str, Any], supplied: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a command that runs as a stage.

    Args:
        found: The command.
        options: What the stage sets.
        supplied: What the pipeline gives: `config`, `output`, `seed`, `logger`, `stages`.

    Raises:
        LgsidError: if an option is unknown, or a value is missing or of another type.
    """
    taken = {option.name: supplied[option.name] for option in found.options if option.name in supplied}
    if not found.traits.seeded:
        taken.pop("seed", None)
    known = {option.key: option for option in found.options if option.name not in SUPPLIED}
    own = {known[key].name: value for key, value in options.items() if key in known}
    rest = {key: value for key, value in options.items() if key not in known}
    if rest and not found.open_ended:
        first = next(iter(rest))
        raise LgsidError(f"unknown key {first!r} in set; {suggestion(first, known)}")
    for option in known.values():
        if option.required and option.name not in own and option.name not in taken:
            raise LgsidError(f"set lacks {option.key!r}")
    return {**arguments_of(found, typed(found, {**taken, **own})), **rest}


def typed(found: Command[..., Any], values: Mapping[str, Any]) -> Namespace:
    """Check values against the types of a command's parameters.

    Raises:
        LgsidError: if one does not fit.
    """
    parser = ArgumentParser(exit_on_error=False)
    for option in found.options:
        default = None if option.required else option.default
        parser.add_argument(f"--{option.name}", type=option.hint, default=default)
    try:
        parsed: Namespace = parser.parse_object(dict(values))
    except ArgumentError as error:
        raise LgsidError(explained(str(error), found, in_stage=True)) from error
    return parsed


def arguments_of(found: Command[..., Any], parsed: Namespace) -> dict[str, Any]:
    """Return parsed values by the names of a command's parameters."""
    values = {option.name: parsed[option.key if option.key in parsed else option.name] for option in found.options}
    lists = {option.name for option in found.options if option.many and values[option.name] is None}
    defaults = {
        option.name: [] if option.required else list(option.default) for option in found.options if option.name in lists
    }
    return {**values, **defaults}


def explained(message: str, found: Command[..., Any], in_stage: bool = False) -> str:
    """Return one line for the message of a parser's error."""
    if match := MISSING.search(message):
        flags = {option.key: option.flag for option in found.options} | {o.name: o.flag for o in found.options}
        return f"missing: {', '.join(flags.get(key.strip(), key.strip()) for key in match[1].split(','))}"
    key = KEY.search(message)
    option = next((o for o in found.options if key and key[1] in (o.key, o.name)), None)
    if option is None:
        return " ".join(message.split())
    value = VALUE.search(message)
    where = option.key if in_stage else option.flag
    return f"{where}: expected {described(option)}" + (f", found {value[1]!r}" if value else "")


def described(option: Option) -> str:
    """Say what type of value an option takes."""
    hint = option.hint
    parts = [part for part in typing.get_args(hint) if part is not NoneType]
    if typing.get_origin(hint) is typing.Literal:
        return f"one of {', '.join(map(str, parts))}"
    if option.many or (parts and not inspect.isclass(hint)):
        words = " or ".join(WORDS.get(part, str(part)) for part in parts)
        return f"a list of values, each {words}" if option.many else words
    return WORDS.get(hint, str(hint))
