"""The verbs of `lgsid benchmark`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lgsid.errors import LgsidError
from lgsid.terminal import Parser, prepare_output, print_columns, tell


def add_benchmark(verbs: Any) -> None:
    """Add `lgsid benchmark run | list | report | check`."""
    actions = verbs.add_parser("benchmark", help="compare tokenizers and recommenders by the rules").add_subparsers(
        title="actions", metavar="ACTION", required=True, parser_class=Parser
    )
    run = actions.add_parser("run", help="run a suite; what is complete is kept, so start it again at will")
    run.add_argument("suite", help="YAML file, or the name of a suite that lgsid carries (smoke)")
    run.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="CELL",
        help="only dataset.split/method/seed, or one of these; `*` and `?` are understood (repeatable)",
    )
    run.add_argument("--dry-run", action="store_true", help="say what would run, why, and what it cost before")
    run.set_defaults(verb=run_benchmark)
    listing = actions.add_parser("list", help="list suites, and how many of their results are there")
    listing.set_defaults(verb=list_benchmarks)
    report = actions.add_parser("report", help="write the tables and the page from the result files")
    report.add_argument("suites", nargs="*", help="YAML files or names; all that lgsid carries by default")
    report.add_argument("--output", default="benchmarks", help="folder of README.md and leaderboard.html")
    report.add_argument("--check", action="store_true", help="write nothing; exit code 2 if something would change")
    report.set_defaults(verb=report_benchmarks)
    check = actions.add_parser("check", help="say whether result files may enter the leaderboard")
    check.add_argument("files", nargs="+", metavar="RESULT", help="result files")
    check.add_argument("--suite", action="append", default=[], help="suite they may belong to (repeatable)")
    check.set_defaults(verb=check_benchmarks)
    for action in (run, listing, report, check):
        action.add_argument("--results", default="benchmarks/results", help="folder of result files")
        action.add_argument("--runs", default="runs/benchmark", help="folder of stages and results of every user")


def benchmark_folders(options: argparse.Namespace) -> Any:
    """Return where a benchmark keeps things."""
    prepare_output()
    from lgsid.benchmark.commands import Folders

    return Folders(Path(options.runs), Path(options.results))


def run_benchmark(options: argparse.Namespace) -> None:
    """Run a suite."""
    folders = benchmark_folders(options)
    from lgsid.benchmark import commands

    if options.dry_run:
        for line in commands.plan(options.suite, options.only, folders):
            tell(line)
        return
    commands.run(options.suite, options.only, folders, tell)


def list_benchmarks(options: argparse.Namespace) -> None:
    """List the suites that lgsid carries."""
    folders = benchmark_folders(options)
    from lgsid.benchmark import commands

    print_columns([("suite", "results", "cells", "title"), *commands.listing(folders)])


def report_benchmarks(options: argparse.Namespace) -> None:
    """Write the leaderboard, or tell whether it is current."""
    folders = benchmark_folders(options)
    from lgsid.benchmark import commands

    changed = commands.report(options.suites, folders, Path(options.output), options.check)
    if options.check and changed:
        raise LgsidError(f"{changed[0]}: is not what the result files say; run `lgsid benchmark report`")
    for path in changed:
        tell(f"{path}: written")
    if not changed:
        tell(f"{options.output}: current")


def check_benchmarks(options: argparse.Namespace) -> None:
    """Say of each result file whether it may enter."""
    folders = benchmark_folders(options)
    from lgsid.benchmark import commands

    refused = 0
    for path, reason in commands.check([Path(name) for name in options.files], options.suite, folders):
        refused += bool(reason)
        tell(f"{path}: {'refused: ' + reason if reason else 'may enter'}")
    if refused:
        raise LgsidError(f"{refused} of {len(options.files)} results may not enter")
