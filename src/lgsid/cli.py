"""The `lgsid` command: finds the command that is meant, gives it the rest, and prints what it returns."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lgsid
from lgsid.errors import LgsidError
from lgsid.pipeline.command import Command, commands
from lgsid.plugins import suggestion
from lgsid.system_errors import explained
from lgsid.terminal import close_output, complain, prepare_output, show, tell
from lgsid.trust import TRUST_FLAG, trusting

HELP = ("-h", "--help")
DESCRIPTION = "Geography-aware semantic IDs for place recommendation."
WIDTH = 80


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line: exit code 0 if all went well, 2 and one line if the input was wrong."""
    try:
        code = outcome(list(sys.argv[1:] if args is None else args))
    finally:
        close_output()
    if code:
        raise SystemExit(code)


def outcome(arguments: list[str]) -> int:
    """Run the command line and return its exit code; what went wrong is told in one line."""
    try:
        dispatch(arguments)
    except LgsidError as error:
        complain(f"error: {error}")
        return 2
    except KeyboardInterrupt as interrupt:
        complain(f"interrupted; {str(interrupt) or 'what was complete is kept'}")
        return 130
    except BrokenPipeError:
        return 1
    except OSError as error:
        complain(f"error: {explained(error)}")
        return 2
    return 0


def dispatch(arguments: list[str]) -> None:
    """Run the command that the first one or two words name.

    Raises:
        LgsidError: if there is no such command, or its arguments are wrong.
    """
    broken = [number for number, word in enumerate(arguments, start=1) if "\0" in word]
    if broken:  # no name of a file, and no text of a shell, can hold one
        raise LgsidError(f"argument {broken[0]} ({arguments[broken[0] - 1][:60]!r}) holds a NUL character; remove it")
    if arguments == ["--version"]:
        show(f"lgsid {lgsid.__version__}")
        return
    prepare_output()
    known = commands()
    name, rest = named(arguments, known)
    if name not in known:
        show(overview(name, known))
        return
    found = known[name]
    trusts = found.reads_configs and TRUST_FLAG in rest
    with trusting(trusts):
        run(found, name, [word for word in rest if not (trusts and word == TRUST_FLAG)])


def run(found: Command[..., Any], name: str, rest: list[str]) -> None:
    """Run a command with the words after its name.

    Raises:
        LgsidError: if they are wrong.
    """
    if found.main is not None:
        found.main(rest)
        return
    from lgsid.pipeline.command_parser import parse_words, words_parser

    if any(word in HELP for word in rest):
        words_parser(found, name).print_help()
        return
    options = parse_words(found, name, rest)
    output = options.get("output") if found.stage is not None else None
    if not output:
        show(found(**options))
        return
    from lgsid.pipeline.run_folder import working_in

    with working_in(Path(output)):
        result = found(**options)
    show(result)
    tell(f"{output}: written")


def named(arguments: Sequence[str], known: Mapping[str, Command[..., Any]]) -> tuple[str, list[str]]:
    """Return the name of the command, or of a group of commands whose help is asked for, and the words after it.

    Raises:
        LgsidError: if there is no such command.
    """
    words = [word for word in arguments[:2] if not word.startswith("-")]
    groups = {name.partition(" ")[0] for name in known if " " in name}
    for length in (2, 1):
        name = " ".join(words[:length])
        if len(words) >= length and name in known:
            return name, list(arguments[length:])
    if not arguments or arguments[0] in HELP:
        return "", []
    if words and words[0] in groups:
        if len(arguments) == 1 or arguments[1] not in HELP:
            inside = [name for name in known if name.startswith(f"{words[0]} ")]
            what = f"unknown command {' '.join(arguments[:2])!r}" if len(arguments) > 1 else f"{words[0]}: which one"
            raise LgsidError(f"{what}; {suggestion(' '.join(words), inside)}")
        return words[0], []
    hint = suggestion(arguments[0], known, limit=0)
    hint = hint if hint.startswith("did you mean") else ""
    raise LgsidError(f"unknown command {arguments[0]!r}; {hint} `lgsid --help` lists the commands")


def overview(group: str, known: Mapping[str, Command[..., Any]]) -> str:
    """Return the help over all commands, or over those of a group."""
    inside = {name: found for name, found in known.items() if not group or name.startswith(f"{group} ")}
    width = max(map(len, inside)) + 2
    lines = [f"  {name:{width}}{short(found.summary, WIDTH - width - 2)}" for name, found in inside.items()]
    usage = f"usage: lgsid {group + ' ' if group else ''}COMMAND [arguments]"
    options = ["options:", "  --version  print the version", "  --help     print this, or the help of a command", ""]
    return "\n".join([usage, "", DESCRIPTION, "", *([] if group else options), "commands:", *lines])


def short(text: str, width: int) -> str:
    """Return a line that fits."""
    text = text.removesuffix(".")
    return text if len(text) <= width else f"{text[: width - 3].rsplit(' ', 1)[0]} ..."


if __name__ == "__main__":
    main()
