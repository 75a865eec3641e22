"""`lgsid plugins` and its group."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from pathlib import Path

from lgsid.pipeline.command import command
from lgsid.terminal import columns, show


@command()
def plugins(kind: str | None = None, *, check: bool = False) -> str:
    """List what configs can name, by kind, and which package offers it.

    Args:
        kind: Only this kind, such as quantizers.
        check: Import each, in a process of its own, and tell which can be imported and what is wrong with the others.
    """
    from lgsid import plugins

    found = plugins.available(kind)
    found = plugins.check(found) if check else found
    rows = [(f"  {p.name}", p.distribution, p.version, p.state) for p in found]
    lost = [("  -", name, "", f"broken: {reason}") for name, reason in plugins.unreadable().items()]
    head, *lines = columns([("name", "package", "version", "state"), *rows, *lost]).splitlines()
    shown = [head]
    headings = [p.kind for p in found] + ["unreadable"] * len(lost)
    for heading, group in groupby(zip(headings, lines, strict=True), key=itemgetter(0)):
        shown += [heading, *(line for _, line in group)]
    return "\n".join(shown)


@command()
def new_package(kind: str, name: str, *, folder: Path | None = None) -> str:
    """Write a package with a part of its own, which works as it is: class, contract test, config, README.

    Args:
        kind: Kind of the part, as `lgsid plugins` lists them, such as quantizers.
        name: Name of its class, which is its short name in configs, such as NightLife.
        folder: Folder of the package, which must not exist; by default one of the package's name, here.
    """
    from lgsid.plugin_packages.new_package import Words, write_package

    written = write_package(kind, name, folder)
    root = folder or Path(Words(kind, name).distribution)
    lines = [f"{path}: written" for path in written]
    return "\n".join([*lines, f'`pip install -e "{root}[test]"` installs it, `pytest {root}` tests it'])


@command()
def check_package(package: str) -> str:
    """Run the contract tests on everything that an installed package offers; exit code 1 if one fails.

    Args:
        package: Name of the installed package, such as lgsid-h3.
    """
    from lgsid.plugin_packages.contract_run import check_package as checked

    outcomes = checked(package)
    text = "\n".join(map(str, outcomes))
    if any(outcome.failures for outcome in outcomes):
        show(text)
        raise SystemExit(1)
    return text
