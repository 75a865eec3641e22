"""The reference: commands as their parsers describe them, and the public names of Python."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

import lgsid
import lgsid.testing
from lgsid import plugins
from lgsid.entry_points import OWN_DISTRIBUTION
from lgsid.pipeline.command import Command, commands
from lgsid.pipeline.command_parser import words_parser
from website.docstring import escaped
from website.part_pages import write

WIDTH = "88"  # columns of the texts of parsers
BATCHES = ("Batch", "ItemBatch", "RewardBatch", "PreferenceBatch", "SequenceBatch", "CTRBatch")


def write_commands(target: Path) -> None:
    """Write the page of the commands."""
    os.environ["COLUMNS"] = WIDTH
    own = {one.name.replace(".", " ") for one in plugins.available("commands") if one.distribution == OWN_DISTRIBUTION}
    parts = [
        "# Commands",
        "Made from the parsers. Each command takes `--help`; where a mistake is made, one line says what and where,"
        " and the exit code is 2.",
    ]
    for name, found in commands().items():
        if name in own:
            parts += [f"## lgsid {name}", escaped(found.description), f"```text\n{help_of(name, found)}\n```"]
    write(target / "commands.md", "\n\n".join(parts) + "\n")


def help_of(name: str, found: Command[..., object]) -> str:
    """Return what the parser of a command prints as its help, without the description."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        if found.main is None:
            words_parser(found, name).print_help()
        else:
            with contextlib.suppress(SystemExit):
                found.main(["--help"])
    return "\n".join(line.rstrip() for line in text.getvalue().strip().splitlines())


def write_api(target: Path) -> None:
    """Write the pages of the public names: `import lgsid`, the bases of parts, batches, contracts."""
    named = {f"{module}.{name}" for module, names in lgsid.PUBLIC.items() for name in names}
    own = (value for _, value in sorted(plugins.kinds().items()) if value.startswith(f"{OWN_DISTRIBUTION}."))
    bases = {value.replace(":", "."): None for value in own}
    pages = {
        "names": (
            "Names of lgsid",
            "What `import lgsid` offers. Names are imported when they are first used.",
            [f"{module}.{name}" for module, names in sorted(lgsid.PUBLIC.items()) for name in names],
        ),
        "bases": (
            "Bases of parts",
            "What a part of your own derives from.",
            [name for name in bases if name not in named],
        ),
        "batches": (
            "Batches",
            "What data modules hand to models. Letters of shapes: B batch, T events, N items, D width.",
            [f"lgsid.typing.{name}" for name in BATCHES],
        ),
        "testing": (
            "Contracts and toy data",
            "`lgsid.testing`: a test of your part inherits the contract of its kind.",
            [f"lgsid.testing.{name}" for name in lgsid.testing.__all__],
        ),
    }
    for page, (title, text, names) in pages.items():
        body = "\n\n".join(f"```{{eval-rst}}\n.. {directive(name)}:: {name}\n```" for name in names)
        write(target / "api" / f"{page}.md", f"# {title}\n\n{text}\n\n{body}\n")
    listed = "\n".join(pages)
    public = (
        "What is public, and may be relied on, stands in `docs/public_api.txt` of the repository; a change of it is"
        " told in the [changelog](../changelog.md)."
    )
    write(target / "api" / "index.md", f"# Python\n\n{public}\n\n```{{toctree}}\n{listed}\n```\n")


def directive(name: str) -> str:
    """Return the directive of autodoc for a name."""
    module, _, last = name.rpartition(".")
    value = getattr(__import__(module, fromlist=[last]), last)
    return "autoclass" if isinstance(value, type) else "autofunction"
