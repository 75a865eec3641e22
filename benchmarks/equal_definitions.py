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
WHY = "Same commands, merged settings, seed and needed stages under the names that they have now."
WHY_LEFT_OUT = (
    " max_wavelength_m 50000 is left out: FourierGeoEncoder fits it to the data, at least 50 km, and 99 % of the"
    " places of each of these cities lie within less, so the frequencies are the same to the last bit."
)
WHY_TIGER = (
    " TIGER was one class with two optional parts; with them it is PlaceTIGER now, and without them TIGER has no"
    " arguments for them. The weights after training are the same to the last bit."
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
    earlier: dict[str, list[tuple[str, str]]] = {}
    equal: dict[str, dict[str, Any]] = {}
    for group in read_json(FILE)["equal"] if FILE.is_file() else []:
        for name, entry in group["cells"].items():
            earlier.setdefault(entry["definition"], []).append((name, group["why"] + " Since then: "))
            cell = cells.get((entry["suite"], entry["cell"]))
            if name in kept and cell is not None and cell.definition == entry["definition"]:
                equal.setdefault(group["why"], {})[name] = entry
    differing = 0
    for old in json.loads(path.read_text(encoding="utf-8")):
        key, hashes, why = (old["suite"], old["cell"]), {}, WHY
        for name, stage in old["stages"].items():
            commands = [RENAMED_COMMANDS.get(command, command) for command in stage["commands"]]
            configs, options = renamed(split_tiger(stage["configs"])), renamed(stage["options"])
            if any(f"'{key}': {value}" in repr(stage["configs"]) for key, value in LEFT_OUT.items()):
                why = why if WHY_LEFT_OUT in why else why + WHY_LEFT_OUT
            if configs != renamed(stage["configs"]):
                why = why if WHY_TIGER in why else why + WHY_TIGER
            hashes[name] = definition(commands, configs, options, stage["seed"], hashes)
        cell = cells.get(key)
        if cell is None or cell.definition != hashes[old["stage"]]:
            differing += 1
            say(f"{'/'.join(key)}: {'no such cell now' if cell is None else 'other settings now'}")
        elif old["definition"] != cell.definition:
            # what was equal to the old definition is equal to the new one, too
            for name, reason in [(old["definition"], ""), *earlier.get(old["definition"], [])]:
                if name in kept:
                    entry = {"suite": key[0], "cell": key[1], "definition": cell.definition}
                    equal.setdefault(reason + why, {})[name] = entry
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


def split_tiger(value: Any) -> Any:
    """Give TIGER with optional parts the name PlaceTIGER, and take the empty arguments for them from TIGER without."""
    if isinstance(value, list):
        return [split_tiger(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    value = {key: split_tiger(inner) for key, inner in value.items()}
    if str(value.get("class_path", "")).rpartition(".")[2] != "TIGER" or "init_args" not in value:
        return value
    rest = dict(value["init_args"])
    copy, geography, weight = rest.pop("copy", None), rest.pop("geography", None), rest.pop("generator_weight", None)
    if copy is None and geography is None:
        return value | {"init_args": rest}
    parts = {"copy": copy, "node_logits": [geography], "generator_weight": weight}
    return value | {"class_path": "lgsid.recommenders.PlaceTIGER", "init_args": rest | parts}


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["collect", "compare"])
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    sys.exit(collect(given.file) if given.action == "collect" else bool(compare(given.file)))
