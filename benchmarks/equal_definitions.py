"""List which definitions of older result files are equal to those that the suites ask for now.

    python benchmarks/equal_definitions.py collect OLD.json    # with the older version of lgsid installed
    python benchmarks/equal_definitions.py compare OLD.json    # with the present one; writes results/definitions.json

A definition is a hash of settings. When the way of hashing changes, or a name does, results made with the same
settings carry another hash. `collect` writes the settings of every cell of every suite together with its definition, as
the older version sees them. `compare` hashes these settings as the present version does, with renamed commands and keys
under their new names, and lists the pairs that are equal. Cells whose settings differ are printed and not listed: they
have to be run again.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

RENAMED_COMMANDS = {"click baselines": "ctr-baselines", "permute": "permute-sids"}
RENAMED_KEYS: dict[str, str] = {}
LEFT_OUT = {"max_wavelength_m": 50000.0}  # settings that are defaults now, or what a default comes to on these data
FILE = Path(__file__).parent / "results" / "definitions.json"
WHY = (
    "Same commands, merged settings, seed and needed stages; the definitions differ because they were hashed over the"
    " raw text of the configs and now are hashed over the merged settings with short class names."
)
WHY_LEFT_OUT = (
    " And max_wavelength_m 50000 is left out: FourierGeoEncoder fits it to the data, at least 50 km, and 99 % of the"
    " places of each of these cities lie within less, so the frequencies are the same to the last bit."
)


def collect(path: Path) -> None:
    """Write the settings and the definition of every cell, with whatever version of lgsid is installed."""
    from lgsid import plugins
    from lgsid.benchmark.cell import cells_of
    from lgsid.benchmark.suite import Suite, own_suites

    try:
        from lgsid.benchmark.definition import seedless
        from lgsid.config.config_files import read_config
    except ModuleNotFoundError:  # before definitions were hashed over merged settings
        seedless = importlib.import_module("lgsid.benchmark.suite").seedless
        files = importlib.import_module("lgsid.pipeline.config_files")

        def read_config(file: Path) -> dict[str, Any]:
            return dict(files.resolved(files.read_yaml(file), file.parent))

    plugins.load()
    found = []
    for suite in (Suite.read(file) for file in own_suites()):
        for cell in cells_of(suite, Path("runs")):
            stages = {}
            for name in cell.stages():
                stage = cell.pipeline.stages[name]
                stages[name] = {
                    "commands": list(getattr(stage, "commands", None) or stage.verbs),
                    "configs": [read_config(file) for file in stage.configs],
                    "options": dict(stage.options),
                    "seed": None if seedless(cell.pipeline, stage) else cell.pipeline.seed,
                }
            about = {"suite": suite.name, "cell": cell.name, "stage": cell.method.stage, "definition": cell.definition}
            found.append({**about, "stages": stages})
    path.write_text(json.dumps(found, default=str), encoding="utf-8")
    say(f"{path}: {len(found)} cells")


def compare(path: Path) -> int:
    """Write the list of equal definitions; return how many cells differ."""
    from lgsid.artefacts.files import read_json
    from lgsid.benchmark.cell import cells_of
    from lgsid.benchmark.definition import definition
    from lgsid.benchmark.suite import Suite, own_suites

    cells = {(s.name, c.name): c for s in map(Suite.read, own_suites()) for c in cells_of(s, Path("runs"))}
    kept = {read_json(file)["definition"] for file in FILE.parent.glob("*/*/*.*.json")}
    equal: dict[str, dict[str, Any]] = {WHY: {}, WHY + WHY_LEFT_OUT: {}}
    differing = 0
    for old in json.loads(path.read_text(encoding="utf-8")):
        key, hashes, left_out = (old["suite"], old["cell"]), {}, False
        for name, stage in old["stages"].items():
            commands = [RENAMED_COMMANDS.get(command, command) for command in stage["commands"]]
            configs, options = renamed(stage["configs"]), renamed(stage["options"])
            left_out = left_out or any(f"'{key}': {value}" in repr(stage["configs"]) for key, value in LEFT_OUT.items())
            hashes[name] = definition(commands, configs, options, stage["seed"], hashes)
        cell = cells.get(key)
        if cell is None or cell.definition != hashes[old["stage"]]:
            differing += 1
            say(f"{'/'.join(key)}: {'no such cell now' if cell is None else 'other settings now'}")
        elif old["definition"] != cell.definition and old["definition"] in kept:
            equal[WHY + WHY_LEFT_OUT if left_out else WHY][old["definition"]] = {
                "suite": key[0],
                "cell": key[1],
                "definition": cell.definition,
            }
    FILE.write_text(
        json.dumps({"equal": [{"why": why, "cells": cells} for why, cells in equal.items()]}, indent=1) + "\n",
        encoding="utf-8",
    )
    say(f"{FILE}: {sum(map(len, equal.values()))} definitions; {differing} cells differ")
    return differing


def renamed(value: Any) -> Any:
    """Replace keys that have another name now, at any depth and inside dotted keys, and leave out what is default."""
    if isinstance(value, dict):
        value = {key: inner for key, inner in value.items() if key not in LEFT_OUT or inner != LEFT_OUT[key]}
        return {
            ".".join(RENAMED_KEYS.get(part, part) for part in key.split(".")): renamed(inner)
            for key, inner in value.items()
        }
    return [renamed(inner) for inner in value] if isinstance(value, list) else value


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["collect", "compare"])
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    sys.exit(collect(given.file) if given.action == "collect" else bool(compare(given.file)))
