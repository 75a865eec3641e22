"""Pipeline files and suites of benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import yaml

from fuzz.case import Case
from fuzz.mutations import changed_bytes, changed_tree
from fuzz.yaml_texts import bombs, twice

PIPELINE: dict[str, Any] = {
    "name": "small",
    "seed": 7,
    "stages": {
        "data": {"command": "data prepare", "config": "data/synthetic_city.yaml"},
        "random": {"command": "permute-sids", "set": {"sids": "shared/sids.parquet", "items": "$data/items.parquet"}},
        "card": {"command": "card", "set": {"sids": "$random/sids.parquet", "items": "$data/items.parquet"}},
        "count": {"command": ["baselines"], "set": {"dataset": "$data"}},
        "clicks": {
            "command": "ctr-baselines",
            "set": {"dataset": "$data", "negatives": "PopularityNegatives", "seed": "$seed"},
        },
    },
}
SUITE: dict[str, Any] = {
    "name": "little",
    "title": "Little",
    "task": "sid_quality",
    "seeds": [1, 2, 3],
    "datasets": [{"name": "city", "split": "temporal", "title": "City", "config": "data/synthetic_city.yaml"}],
    "stages": {
        "hashed": {"command": "permute-sids", "set": {"sids": "shared/sids.parquet", "items": "$data/items.parquet"}},
        "again": {"like": "hashed"},
    },
    "reference": {"sids": "hashed"},
    "methods": {"hashed": {"help": "First."}, "again": {"title": "Again", "help": "Second."}},
}
RUN = ("run", "small.yaml", "--dry-run")
SUITE_RUN = ("benchmark", "run", "little.yaml", "--dry-run")


def cases(rng: Random) -> Iterator[Case]:
    """Yield the cases: those that are spelt out, then changed files without an end."""
    yield Case("good-pipeline", RUN, text_of(PIPELINE), "read", all_stages)
    yield Case("good-suite", SUITE_RUN, text_of(SUITE, "little.yaml"), "read", all_methods)
    for name, text in bombs():
        yield Case(f"pipeline-{name}", RUN, raw(text), names=("small.yaml",))
        if name not in ("json-lines", "html", "comment", "number"):
            yield Case(f"suite-{name}", SUITE_RUN, raw(text, "little.yaml"), names=("little.yaml",))
            beside = raw(text + dumped(PIPELINE) if text.endswith("\n") and ":" in text else text)
            yield Case(f"pipeline-with-{name}", RUN, beside, names=("small.yaml",))
    for name, text in twice(dumped(PIPELINE)):
        yield Case(f"pipeline-twice-{name}", RUN, raw(text), names=("small.yaml",))
    for name, text in twice(dumped(SUITE)):
        yield Case(f"suite-twice-{name}", SUITE_RUN, raw(text, "little.yaml"), names=("little.yaml",))
    yield from wrong_pipelines()
    yield from wrong_suites()
    number = 0
    while True:
        base, command, name, check = (
            (PIPELINE, RUN, "small.yaml", all_stages) if number % 2 else (SUITE, SUITE_RUN, "little.yaml", all_methods)
        )
        if number % 4 < 2:
            text = changed_bytes(dumped(base).encode(), rng)
            yield Case(f"bytes-{name}-{number}", command, raw(text, name), "either", check)
        else:
            tree, what = changed_tree(base, rng)
            yield Case(f"tree-{name}-{number}-{what[:60]}", command, text_of(tree, name), "either", check)
        number += 1


def dumped(tree: Any) -> str:
    """Return a tree as YAML."""
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def raw(text: str | bytes, name: str = "small.yaml") -> Callable[[Path], None]:
    """Return what writes a file."""
    content = text if isinstance(text, bytes) else text.encode("utf-8", errors="surrogatepass")
    return lambda folder: (folder / name).write_bytes(content)  # type: ignore[return-value]


def text_of(tree: Any, name: str = "small.yaml") -> Callable[[Path], None]:
    """Return what writes a tree as YAML."""
    return raw(dumped(tree), name)


def all_stages(folder: Path, printed: str) -> str | None:
    """Compare the plan with the stages of the file."""
    stages = yaml.safe_load((folder / "small.yaml").read_text(encoding="utf-8"))["stages"]
    planned = {line.partition(":")[0] for line in printed.splitlines() if ": " in line}
    return None if planned >= {str(name) for name in stages} else f"planned {sorted(planned)} of {sorted(stages)}"


def all_methods(folder: Path, printed: str) -> str | None:
    """Look for every method of the file in the plan."""
    suite = yaml.safe_load((folder / "little.yaml").read_text(encoding="utf-8"))
    missing = [name for name in suite["stages"] if name not in printed and str(name) in suite["methods"]]
    return f"stage {missing[0]} is not in the plan" if missing else None


def with_entry(tree: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """Return a tree with a value at a dotted place."""
    key, _, rest = place.partition(".")
    return {**tree, key: with_entry(tree.get(key, {}), rest, value) if rest else value}


def wrong_pipelines() -> Iterator[Case]:
    """Yield pipelines with one entry that cannot be."""
    wrong: list[tuple[str, Any]] = [
        *(("seed", value) for value in ("x", 1.5, True, None, [], -1, 2**64, 10**30, float("nan"))),
        *(("name", value) for value in ("", " ", ".", "..", "../../../escaped", "/tmp/escaped", "a/b", ".hidden", 7, [], "x\x00", "a" * 300)),
        *(("stages", value) for value in (None, [], {}, "x", 1, {"a": None}, {"a": []}, {"a": {}}, {"a": "data prepare"})),
        *((f"stages.{name}", PIPELINE["stages"]["data"]) for name in ("", "a b", "../x", "a/b", "$x", "seed", "..", ".", "a" * 300, "-", "é/")),
        *(("stages.data.command", value) for value in ("", "x", None, [], ["x"], [None], "data", "run", "plugins", {"a": 1}, 7, ["data prepare", 1])),
        *(("stages.data.config", value) for value in ("", "nowhere.yaml", None, [], "/", "..", 7, {"a": 1}, ["a.yaml", "b.yaml"], "\x00", "a" * 5000)),
        *(("stages.data.set", value) for value in ("x", [], 7, {"nonsense": 1}, {"": 1}, {"source.init_args.n_places": "many"}, {"k_core": -1})),
        *(("stages.card.set.sids", value) for value in ("$nowhere", "$nowhere/x", "$card/x")),
        ("stages.card.set.items", "$report"),
        ("stages.card.set.output", "elsewhere"),
        ("stages.card.set.json", "perhaps"),
        ("stages.count.set", {}),
        ("stages.count.config", "data/synthetic_city.yaml"),
        *(("stages.clicks.set.negatives", value) for value in ("far", float("nan"), [])),
        ("stages.clicks.set.seed", "x"),
        ("stages.random.set.seed", 1.5),
        ("stages.data.needs", ["card"]),
        ("stages.data.verb", "data prepare"),
        ("logger", "nowhere.yaml"),
        ("logger", 7),
        ("nonsense", 1),
    ]  # fmt: skip
    for number, (place, value) in enumerate(wrong):
        names = ("small.yaml", "config", "name too long", "negatives")
        yield Case(f"pipeline-{place}-{number}", RUN, text_of(with_entry(PIPELINE, place, value)), names=names)
    circle = with_entry(PIPELINE, "stages.random.set.sids", "$card/sids.parquet")
    yield Case("pipeline-circle", RUN, text_of(circle), names=("wait for each other",))
    for number, words in enumerate(
        (
            ["--set", "x"], ["--set", "data"], ["--set", "data.k_core"], ["--set", "nowhere.x=1"], ["--set", "data.x=1"],
            ["--set", "data.k_core=["], ["--set", "=1"], ["--set", ".=1"], ["--set", "data.=1"], ["--set", "data.k_core=x"],
            ["--only", "nowhere"], ["--force", "nowhere"], ["--logger", "nowhere.yaml"], ["--only", ""], ["--set", ""],
            ["--set", "data.k_core=!!python/name:os.system"], ["--set", "data.k_core=&a [*a]"], ["--set", "data.k_core=\x00"],
        )
    ):  # fmt: skip
        yield Case(f"pipeline-words-{number}", (*RUN, *words), text_of(PIPELINE))


def wrong_suites() -> Iterator[Case]:
    """Yield suites with one entry that cannot be."""
    entry = SUITE["datasets"][0]
    wrong: list[tuple[str, Any]] = [
        *(("task", value) for value in (None, "", "x", 7, [], "next_place", "click_through")),
        *(("seeds", value) for value in (None, [], [1], [1, 1, 1], [1, 2], ["a", "b", "c"], [1.5, 2, 3], "123", 7, [True, 2, 3], [-1, -2, -3])),
        *(("name", value) for value in ("", "..", "../../../escaped", "/tmp/escaped", "a/b", 7, ".x", "a" * 300, "x\x00", " ")),
        *(("datasets", value) for value in (None, [], {}, "x", [None], [{}], [{**entry, "name": "../x"}], [{**entry, "split": "/"}],
          [{**entry, "config": "nowhere.yaml"}], [{**entry, "set": {"nowhere": {}}}], [{**entry, "set": 7}], [entry, entry], [{**entry, "x": 1}])),
        *(("stages", value) for value in (None, {}, [], "x", {"hashed": None}, {"hashed": {}}, {"hashed": {"like": "hashed"}}, {"hashed": {"like": "x"}})),
        *((f"stages.{name}", {"like": "hashed"}) for name in ("", "../x", "a/b", "data", "seed", "$x", "a b", "..")),
        *(("methods", value) for value in (None, {}, [], "x", {"x": {}}, {"hashed": {"role": "x"}}, {"../x": {"stage": "hashed"}}, {"hashed": {"stage": "x"}})),
        *(("reference", value) for value in (None, "x", {"sids": "x"}, {"x": "hashed"}, [])),
        *(("budget", value) for value in ("x", [], {"seed": 1}, 7)),
        ("primary", "nonsense"),
        ("baseline", "nonsense"),
        ("nonsense", 1),
    ]  # fmt: skip
    for number, (place, value) in enumerate(wrong):
        names = ("little.yaml", "name too long")
        yield Case(
            f"suite-{place}-{number}", SUITE_RUN, text_of(with_entry(SUITE, place, value), "little.yaml"), names=names
        )
    for number, words in enumerate((["--only", "nowhere"], ["--only", ""], ["--only", "["], ["--runs", "\x00"])):
        yield Case(f"suite-words-{number}", (*SUITE_RUN, *words), text_of(SUITE, "little.yaml"))
