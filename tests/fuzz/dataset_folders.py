"""Folders of prepared datasets, and tables of items in other forms."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fuzz.case import Case
from fuzz.mutations import HOSTILE, changed_bytes, changed_tree

BASELINES = ("baselines", "--dataset=city", "--output=out")
FILES = ("items.parquet", "interactions.parquet", "dataset.json")
TEXTS = ("item_id", "name", "category", "category_group", "brand", "region_1", "region_2")
ITEMS = ("card", "shared/sids.index.json", "--json")


def cases(rng: Random) -> Iterator[Case]:
    """Yield the cases: those that are spelt out, then damaged folders without an end."""
    yield Case("good", BASELINES, folder_with(lambda _: None), "read", same_metrics)
    yield from of_files()
    yield from of_columns()
    yield from of_reports(rng)
    yield from of_item_tables(rng)
    number = 0
    while True:
        name = FILES[number % 3]
        yield Case(f"bytes-{name}-{number}", BASELINES, damaged(name, rng.random()), "either", same_metrics)
        number += 1


def folder_with(change: Callable[[Path], Any]) -> Callable[[Path], None]:
    """Return what copies the usual dataset to `city` and changes it."""

    def make(folder: Path) -> None:
        shutil.copytree(folder / "shared" / "city", folder / "city")
        change(folder / "city")

    return make


def same_metrics(folder: Path, _: str) -> str | None:
    """Compare the metrics of the counting models with those on the usual dataset."""
    found, expected = (json.loads((folder / name / "metrics.json").read_text()) for name in ("out", "shared/baselines"))
    wrong = [key for key in expected if found.get(key) != expected[key]]
    return f"{wrong[0]} is {found.get(wrong[0])}, not {expected[wrong[0]]}" if wrong else None


def damaged(name: str, place: float) -> Callable[[Path], None]:
    """Return what flips a bit of a file, or cuts it off, at a share of its length."""

    def change(folder: Path) -> None:
        raw = bytearray((folder / name).read_bytes())
        at, kind = int(place * len(raw)), int(place * 1e6) % 10
        if kind == 9:
            del raw[at:]
        else:
            raw[at] ^= 1 << kind % 8
        (folder / name).write_bytes(raw)

    return folder_with(change)


def of_files() -> Iterator[Case]:
    """Yield folders that lack a file, or hold another one in its place."""
    yield Case("no-folder", BASELINES, names=("city",))
    yield Case("empty-folder", BASELINES, lambda f: (f / "city").mkdir(), names=("items.parquet",))
    yield Case("file-as-folder", BASELINES, lambda f: (f / "city").write_text("x"), names=("city",))
    for name in FILES:
        yield Case(f"without-{name}", BASELINES, folder_with(lambda f, n=name: (f / n).unlink()), names=(name,))
        for number, raw in enumerate((b"", b"PAR1", b"x" * 99, b"null", b"[]", b"{", b"\xff\xfe\x00")):
            make = folder_with(lambda f, n=name, raw=raw: (f / n).write_bytes(raw))
            yield Case(f"other-{name}-{number}", BASELINES, make, names=(name,))
        make = folder_with(lambda f, n=name: ((f / n).unlink(), (f / n).mkdir()))
        yield Case(f"folder-{name}", BASELINES, make, names=(name,))
    swap = folder_with(lambda f: shutil.copy(f / "items.parquet", f / "interactions.parquet"))
    yield Case("items-twice", BASELINES, swap, names=("interactions.parquet",))


def with_column(file: str, name: str, values: Callable[[list[Any]], Any]) -> Callable[[Path], None]:
    """Return what replaces a column of a table of the dataset, keeping its metadata; `None` drops it."""

    def change(folder: Path) -> None:
        found = pq.read_table(folder / file)
        made = values(found[name].to_pylist())
        place = found.column_names.index(name)
        if made is None:
            found = found.drop_columns([name])
        else:
            column = made if isinstance(made, pa.Array) else pa.array(made)
            found = found.set_column(place, name, column).replace_schema_metadata(found.schema.metadata)
        pq.write_table(found, folder / file)

    return folder_with(change)


def of_columns() -> Iterator[Case]:
    """Yield columns that are missing, of another type, or hold values that cannot be."""
    first = lambda value: lambda old: [value, *old[1:]]
    last = lambda value: lambda old: [*old[:-1], value]
    every = lambda value: lambda old: [value] * len(old)
    for file, columns in (
        ("items.parquet", ("item_id", "name", "category", "category_group", "brand", "lat", "lon")),
        ("interactions.parquet", ("user_id", "item_id", "time", "hour", "weekday", "split")),
    ):
        for name in columns:
            for label, values in {"none": lambda _: None, "lists": every([1]), "structs": every({"a": 1})}.items():
                yield Case(f"{file}-{name}-{label}", BASELINES, with_column(file, name, values), names=(name, file))
            if name not in ("lat", "lon", "time", "hour", "weekday"):
                for label, values in {"numbers": every(7), "bytes": every(b"\xff")}.items():
                    yield Case(f"{file}-{name}-{label}", BASELINES, with_column(file, name, values), names=(name, file))
            if name in ("item_id", "user_id", "split", "time", "hour", "weekday"):
                for label, values in {"gap": first(None), "nulls": lambda old: pa.nulls(len(old))}.items():
                    yield Case(f"{file}-{name}-{label}", BASELINES, with_column(file, name, values), names=(name, file))
    for name in ("lat", "lon"):
        for label, values in {
            "nan": first(float("nan")), "inf": first(float("inf")), "far": first(1e6), "minus": first(-181.0), "gap": first(None),
            "texts": every("x"), "nulls": lambda old: pa.nulls(len(old)), "times": lambda old: pa.array([0] * len(old), pa.date32()),
        }.items():  # fmt: skip
            make = with_column("items.parquet", name, values)
            yield Case(f"items-{name}-{label}", BASELINES, make, names=(name, "items.parquet"))
    log = "interactions.parquet"
    for label, column, values in (
        ("item-unknown", "item_id", first("nowhere")),
        ("item-empty", "item_id", first("")),
        ("user-empty", "user_id", first("")),
        ("split-unknown", "split", first("training")),
        ("split-all-test", "split", every("test")),
        ("split-all-train", "split", every("train")),
        ("hour-24", "hour", first(24)),
        ("hour-minus", "hour", first(-1)),
        ("hour-half", "hour", lambda old: [float(h) + 0.5 for h in old]),
        ("hour-texts", "hour", every("noon")),
        ("weekday-7", "weekday", first(7)),
        ("weekday-minus", "weekday", first(-1)),
        ("time-numbers", "time", lambda old: list(range(len(old)))),
        ("time-backwards", "time", lambda old: old[::-1]),
        ("time-last-first", "time", lambda old: [old[-1], *old[1:]]),
        ("time-gap-at-the-end", "time", last(None)),
        ("item-twice", "item_id", None),
        ("item-id-empty", "item_id", None),
    ):
        file = log if values else "items.parquet"
        made = values or (first("") if "empty" in label else lambda old: [old[1], *old[1:]])
        yield Case(f"log-{label}", BASELINES, with_column(file, column, made), names=(column, file, "item"))
    texts = with_column(log, "time", lambda old: [str(time) for time in old])
    yield Case("log-time-texts", BASELINES, texts, "either", same_metrics)
    empty = folder_with(lambda f: pq.write_table(pq.read_table(f / log).slice(0, 0), f / log))
    yield Case("log-empty", BASELINES, empty, names=("interactions.parquet", "check-ins"))
    none = folder_with(lambda f: pq.write_table(pq.read_table(f / FILES[0]).slice(0, 0), f / FILES[0]))
    yield Case("items-empty", BASELINES, none, names=("items.parquet", "item"))
    plain = folder_with(
        lambda f: pq.write_table(pq.read_table(f / FILES[0]).replace_schema_metadata(None), f / FILES[0])
    )
    yield Case("items-without-geography", BASELINES, plain, names=("items.parquet",))


def of_reports(rng: Random) -> Iterator[Case]:
    """Yield reports with other values; the counting models do not depend on most of them."""

    def changed(folder: Path, how: Callable[[Any], Any]) -> None:
        path = folder / "dataset.json"
        path.write_text(json.dumps(how(json.loads(path.read_text()))))

    for number in range(45):
        seed = rng.random()
        how = lambda tree, seed=seed: changed_tree(tree, Random(seed))[0]
        yield Case(
            f"report-{number}", BASELINES, folder_with(lambda f, how=how: changed(f, how)), "either", same_metrics
        )
    wrong_hash = lambda tree: {**tree, "data_hash": "0" * 64}
    yield Case("report-hash", BASELINES, folder_with(lambda f: changed(f, wrong_hash)), "either", same_metrics)
    twice = folder_with(lambda f: (f / FILES[2]).write_text('{"name": "a", "name": "b"}'))
    yield Case("report-key-twice", BASELINES, twice, names=("dataset.json",))


def of_item_tables(rng: Random) -> Iterator[Case]:
    """Yield items in CSV, JSON and JSON lines, good and bad, for the card of semantic IDs."""

    def rows(folder: Path) -> list[dict[str, Any]]:
        found = pq.read_table(folder / "shared" / "city" / "items.parquet")
        return found.drop_columns(["geometry"]).to_pylist()

    def written(name: str, text: Callable[[list[dict[str, Any]]], str | bytes]) -> Callable[[Path], None]:
        def make(folder: Path) -> None:
            made = text(rows(folder))
            (folder / name).write_bytes(made.encode() if isinstance(made, str) else made)

        return make

    def csv(found: list[dict[str, Any]]) -> str:
        return "\n".join([",".join(found[0]), *(",".join(f'"{value}"' for value in row.values()) for row in found)])

    def lines(found: list[dict[str, Any]]) -> str:
        return "".join(json.dumps(row) + "\n" for row in found)

    forms: Mapping[str, Callable[[list[dict[str, Any]]], str]] = {
        "items.csv": csv,
        "items.jsonl": lines,
        "items.json": json.dumps,
        "by_id.json": lambda found: json.dumps({row["item_id"]: row for row in found}),
    }
    for name, text in forms.items():
        command = (*ITEMS, f"--items={name}")
        yield Case(f"items-{name}", command, written(name, text), "read", same_json_card)
        for number in range(8):
            seed = rng.random()
            broken = lambda found, text=text, seed=seed: changed_bytes(text(found).encode(), Random(seed))
            yield Case(f"items-{name}-bytes-{number}", command, written(name, broken), "either")
        cut = lambda found, text=text: text(found)[: len(text(found)) // 2]
        yield Case(f"items-{name}-cut", command, written(name, cut), names=(name,))
        for number, raw in enumerate(("", "null", "[]", "{}", "[1]", "1", '{"a": 1}', "x", "\ufffd" * 9, "[" * 100000)):
            make = written(name, lambda _, raw=raw: raw)
            names = (name, "1 items")  # {"a": 1} is a table of one item, which the index does not know
            yield Case(f"items-{name}-other-{number}", command, make, names=names)
        for field, value in (
            ("lat", 91),
            ("lat", "x"),
            ("lon", 1e300),
            ("lon", [1]),
            ("item_id", ""),
            ("item_id", None),
        ):
            odd = lambda found, text=text, f=field, v=value: text([{**found[0], f: v}, *found[1:]])
            yield Case(
                f"items-{name}-{field}-{value}", command, written(name, odd), names=(name, field, "sids.index.json")
            )
        double = lambda found, text=text: text([found[1], *found[1:]])
        if name != "by_id.json":
            yield Case(f"items-{name}-twice", command, written(name, double), names=(name, "item_id"))
    for ending in ("xlsx", "pickle", "npy", "", "shp", "PARQUET"):
        name = f"items.{ending}"
        yield Case(f"items-ending-{ending}", (*ITEMS, f"--items={name}"), written(name, csv), names=(name,))
    for number, value in enumerate(rng.sample(HOSTILE, 20)):
        odd = lambda found, v=value: json.dumps([{**found[0], "name": v, "category": v}, *found[1:]])
        yield Case(f"items-text-{number}", (*ITEMS, "--items=odd.json"), written("odd.json", odd), "either")


def same_json_card(folder: Path, printed: str) -> str | None:
    """Compare the card with that of the usual items."""
    expected = json.loads((folder / "shared" / "card_without_vectors.json").read_text())
    return None if json.loads(printed) == expected else "the card is not that of these items"
