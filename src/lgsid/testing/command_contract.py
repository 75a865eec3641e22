"""Contract tests of commands, to inherit in the tests of other packages."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from lgsid.pipeline.command import Command
from lgsid.pipeline.command_parser import parse_words, words_parser
from lgsid.testing.part_contract import refused

HEAVY = ("torch", "lightning", "pandas", "transformers")


class CommandContract(ABC):
    """Contract tests of a command of the command line.

    Derive a class whose name starts with `Test` and give it `make`, and `words` if it can be run in a test.
    """

    base = Command
    words: ClassVar[Sequence[str] | None] = None
    """Words after the name of the command, with which it runs in a second and changes nothing; not run if not given."""

    @abstractmethod
    def make(self) -> Command[..., Any]:
        """Return the command."""

    @classmethod
    def made(cls, part: Any) -> Any:
        """Return the command itself: an entry point of this kind is an object."""
        return part

    def test_it_says_what_it_does(self) -> None:
        """The first line of its docstring is a sentence, and each of its arguments has a text and a type."""
        made = self.make()
        assert isinstance(made, Command), f"{made!r} is no command; decorate the function with @command()"
        assert made.summary.endswith((".", "?")), "its docstring begins with no sentence"
        parameters = inspect.signature(made.function).parameters
        for option in made.options:
            assert option.help or option.name in made.supplied, f"`Args:` says nothing of {option.name}"
            assert parameters[option.name].annotation is not inspect.Parameter.empty, f"{option.name} has no type"

    def test_its_words_can_be_parsed(self) -> None:
        """A parser can be made of its signature; a flag that it does not have is refused in one line."""
        made = self.make()
        if made.main is not None or made.open_ended:
            return  # it parses for itself, or takes any key
        assert words_parser(made, "tried").format_help()
        required = [option for option in made.options if option.required]
        given = [word for o in required for word in (("1",) if o.positional else (o.flag, "1"))]
        with refused("no-such-flag"):
            parse_words(made, "tried", [*given, "--no-such-flag", "1"])

    def test_its_module_imports_nothing_heavy(self) -> None:
        """`lgsid --help` imports the modules of all commands, so heavy packages are imported inside the function."""
        module = self.make().function.__module__
        code = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-300:]
        assert done.stdout.strip().splitlines()[-1] == "[]", f"{module} imports {done.stdout.strip()} at its top"

    def test_it_runs_and_repeats_itself(self) -> None:
        """With `words`, it returns what the command line prints, twice the same."""
        made = self.make()
        if self.words is not None:
            options = parse_words(made, "tried", list(self.words))
            assert made(**options) == made(**options)
