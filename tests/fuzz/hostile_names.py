"""Names that lead out of their folder, or would run something where a name is put into a command, a page or a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from fuzz.case import Case
from fuzz.names import GOOD_NAMES, HOSTILE_NAMES, HOSTILE_PATHS, NAMES_THAT_ARE_NONE
from fuzz.pipelines import PIPELINE, SUITE, dumped, raw, with_entry
from fuzz.user_tables import tables, write_config

RUN, SUITE_RUN = ("run", "small.yaml"), ("benchmark", "run", "little.yaml", "--dry-run")
SMALL = {**PIPELINE, "stages": {"card": {"command": "card", "set": {"sids": "shared/sids.parquet"}}}}


def cases(_: Random) -> Iterator[Case]:
    """Yield every name at the places that name a folder or a file; pipelines are run, not only planned."""
    card = SMALL["stages"]["card"]
    for number, name in enumerate((*HOSTILE_NAMES, *NAMES_THAT_ARE_NONE)):
        loose = name is None  # the same as no name
        for place, tree, command in (
            ("pipeline", {**SMALL, "name": name}, (*RUN, *(["--dry-run"] if loose else []))),
            ("suite", {**SUITE, "name": name}, SUITE_RUN),
            ("suite-dataset", {**SUITE, "datasets": [{**SUITE["datasets"][0], "name": name}]}, SUITE_RUN),
        ):
            file = "little.yaml" if command == SUITE_RUN else "small.yaml"
            expect = "either" if loose and place != "suite-dataset" else "refused"
            yield Case(f"{place}-{number}", command, raw(dumped(tree), file), expect)
        if isinstance(name, str):
            stages = raw(dumped({**SMALL, "stages": {name: card}}))
            yield Case(f"stage-{number}", (*RUN, "--run-folder=out"), stages)
            methods = with_entry(SUITE, "methods", {**SUITE["methods"], name: {"stage": "hashed"}})
            yield Case(f"method-{number}", SUITE_RUN, raw(dumped(methods), "little.yaml"))
        if number % 3 == 0:
            yield Case(f"dataset-{number}", ("data", "prepare", "city.yaml", "--output=out"), named_dataset(name))
    for number, path in enumerate(HOSTILE_PATHS):
        tree = with_entry(PIPELINE, "stages.card.set.sids", f"$random/{path}")
        yield Case(f"path-{number}", (*RUN, "--dry-run"), raw(dumped(tree)))
    for number, name in enumerate(GOOD_NAMES):
        yield Case(f"good-{number}", (*RUN, "--dry-run"), raw(dumped({**SMALL, "name": name})), "read")


def named_dataset(name: Any) -> Callable[[Path], None]:
    """Return what writes the usual tables with a dataset config of that name."""

    def make(folder: Path) -> None:
        tables()(folder)
        write_config(folder, {}, {"name": name})

    return make
