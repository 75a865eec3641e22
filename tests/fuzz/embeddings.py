"""Tables of vectors: their columns, their numbers, and damage to their bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fuzz.case import Case
from fuzz.mutations import HOSTILE
from fuzz.sids import parquet

N, WIDTH = 60, 8
COMMAND = ("card", "shared/sids.parquet", "--items=shared/city/items.parquet", "--embeddings=vectors.parquet", "--json")
NAMES = ("vectors.parquet", "embeddings")


def cases(rng: Random) -> Iterator[Case]:
    """Yield the cases: those that are spelt out, then damaged files without an end."""
    yield Case("good", COMMAND, changed(), "read", same_card)
    yield from of_vectors()
    yield from of_items()
    yield from of_files(rng)
    number = 0
    while True:
        if number % 3:
            yield Case(f"bytes-{number}", COMMAND, damaged(rng.random()), "either", same_card)
        else:
            row, column = rng.randrange(N), rng.randrange(WIDTH)
            value = rng.choice((float("nan"), float("inf"), -float("inf"), 1e39, -1e300))
            yield Case(f"cell-{number}", COMMAND, with_value(row, column, value), names=NAMES)
        number += 1


def usual(folder: Path) -> tuple[list[str], np.ndarray]:
    """Return the ids and vectors that all cases start from."""
    found = pq.read_table(folder / "shared" / "embeddings.parquet")
    return found["item_id"].to_pylist(), np.array(found["vector"].to_pylist(), dtype=np.float64)


def same_card(folder: Path, printed: str) -> str | None:
    """Compare the card with that of the usual vectors."""
    expected = json.loads((folder / "shared" / "card.json").read_text())
    return None if json.loads(printed) == expected else "the card is not that of these vectors"


def changed(
    vectors: Callable[[list[str], np.ndarray], Any] | None = None,
    ids: Callable[[list[str]], Any] | None = None,
    metadata: bytes | None = None,
    **more: Any,
) -> Callable[[Path], None]:
    """Return what writes the usual vectors with another column of vectors, of ids, or other metadata."""

    def make(folder: Path) -> None:
        names, values = usual(folder)
        column = pa.array(values.astype(np.float32).tolist()) if vectors is None else vectors(names, values)
        columns = {"item_id": names if ids is None else ids(names), "vector": column, **more}
        kept = {key: value for key, value in columns.items() if value is not None}
        parquet(kept, metadata, "vectors.parquet")(folder)

    return make


def with_value(row: int, column: int, value: float) -> Callable[[Path], None]:
    """Return what writes the usual vectors with one other value, as float64."""

    def replaced(_: list[str], values: np.ndarray) -> Any:
        values[row, column] = value
        return pa.array(values.tolist())

    return changed(replaced)


def of_vectors() -> Iterator[Case]:
    """Yield columns that hold no vectors of one length."""
    lists = {
        "one-shorter": lambda _, v: pa.array([v[0, :-1].tolist(), *v[1:].tolist()]),
        "one-longer-one-shorter": lambda _, v: pa.array([v[0, :-1].tolist(), [*v[1], 0.0], *v[2:].tolist()]),
        "one-empty": lambda _, v: pa.array([[], *v[1:].tolist()]),
        "all-empty": lambda _, v: pa.array([[] for _ in v], pa.list_(pa.float32())),
        "one-null": lambda _, v: pa.array([None, *v[1:].tolist()]),
        "null-inside": lambda _, v: pa.array([[None, *v[0, 1:]], *v[1:].tolist()]),
        "all-null": lambda _, v: pa.nulls(len(v), pa.list_(pa.float32())),
        "nulls": lambda _, v: pa.nulls(len(v)),
        "numbers": lambda _, v: pa.array(v[:, 0]),
        "texts": lambda _, v: pa.array([str(row) for row in v]),
        "lists-of-texts": lambda _, v: pa.array([[str(x) for x in row] for row in v]),
        "lists-of-words": lambda _, v: pa.array([["x"] * WIDTH for _ in v]),
        "lists-of-flags": lambda _, v: pa.array([[True] * WIDTH for _ in v]),
        "nested": lambda _, v: pa.array([[[x] for x in row] for row in v]),
        "structs": lambda _, v: pa.array([{"x": x} for x in v[:, 0]]),
        "bytes": lambda _, v: pa.array([row.tobytes() for row in v]),
        "maps": lambda _, v: pa.array([[("a", 1.0)] for _ in v], pa.map_(pa.string(), pa.float32())),
        "times": lambda _, v: pa.array([[0] * WIDTH for _ in v], pa.list_(pa.timestamp("us"))),
    }
    for name, column in lists.items():
        yield Case(f"vector-{name}", COMMAND, changed(column), names=NAMES)
    for name, kind in {
        "fixed": pa.list_(pa.float32(), WIDTH),
        "large": pa.large_list(pa.float32()),
        "double": pa.list_(pa.float64()),
        "list": pa.list_(pa.float32()),
    }.items():
        column = lambda _, v, kind=kind: pa.array(v.astype(np.float32).astype(np.float64).tolist(), kind)
        yield Case(f"vector-{name}", COMMAND, changed(column), "read", same_card)
    half = lambda _, v: pa.array([row for row in v.astype(np.float16)], pa.list_(pa.float16()))  # noqa: C416
    yield Case("vector-half", COMMAND, changed(half), "either")
    zero = lambda _, v: pa.array((v * 0).tolist())
    yield Case("vector-zeros", COMMAND, changed(zero), "either")
    with_null_row = lambda _, v: pa.FixedSizeListArray.from_arrays(
        pa.array(v.reshape(-1), pa.float32()), WIDTH, mask=pa.array([True] + [False] * (N - 1))
    )
    yield Case("vector-fixed-with-null", COMMAND, changed(with_null_row), names=NAMES)


def of_items() -> Iterator[Case]:
    """Yield ids that are missing, doubled, or of other types."""
    for name, ids in {
        "twice": lambda ids: [ids[1], *ids[1:]],
        "null": lambda ids: [None, *ids[1:]],
        "empty": lambda ids: ["", *ids[1:]],
        "others": lambda ids: [f"x{i}" for i in ids],
        "floats": lambda ids: [float(n) + 0.5 for n in range(len(ids))],
        "bytes": lambda ids: pa.array([b"\xff" + i.encode() for i in ids]),
        "lists": lambda ids: [[i] for i in ids],
        "flags": lambda ids: [True] * len(ids),
        "all-null": lambda ids: pa.nulls(len(ids)),
    }.items():
        yield Case(f"item-{name}", COMMAND, changed(ids=ids), names=(*NAMES, "item"))
    yield Case("item-missing", COMMAND, changed(ids=lambda _: None), names=NAMES)
    yield Case("vector-missing", COMMAND, changed(lambda _i, _v: None), names=NAMES)
    backwards = changed(lambda _, v: pa.array(v[::-1].astype(np.float32).tolist()), lambda ids: ids[::-1])
    yield Case("item-backwards", COMMAND, backwards, "read", same_card)
    yield Case("item-dictionary", COMMAND, changed(ids=lambda i: pa.array(i).dictionary_encode()), "read", same_card)
    yield Case("item-large", COMMAND, changed(ids=lambda i: pa.array(i, pa.large_string())), "read", same_card)
    fewer = changed(lambda _, v: pa.array(v[:-1].tolist()), lambda ids: ids[:-1])
    yield Case("item-one-less", COMMAND, fewer, names=NAMES)


def of_files(rng: Random) -> Iterator[Case]:
    """Yield files that are no Parquet, and odd metadata."""
    for number, raw in enumerate(
        (b"", b"PAR1", b"PAR1PAR1", b"PAR1" * 100, b"x" * 1000, b"\x00" * 1000, b"id,v\n1,2\n")
    ):
        yield Case(f"file-{number}", COMMAND, lambda f, raw=raw: (f / "vectors.parquet").write_bytes(raw), names=NAMES)
    yield Case("folder", COMMAND, lambda f: (f / "vectors.parquet").mkdir(), names=NAMES)
    yield Case("no-file", COMMAND, names=NAMES)
    yield Case("loop", COMMAND, lambda f: (f / "vectors.parquet").symlink_to("vectors.parquet"), names=NAMES)
    for number, raw in enumerate((b"x", b"[]", b"null", b"\xff", b"[" * 100000, b'{"encoder": {}}', b'{"a": NaN}')):
        expect = "either" if number in (2, 5, 6) else "refused"
        yield Case(f"metadata-{number}", COMMAND, changed(metadata=raw), expect, same_card, NAMES)
    for number, value in enumerate(rng.sample(HOSTILE, 12)):
        raw = json.dumps({"encoder": value, "template": value, "adapter": value}).encode()
        yield Case(f"facts-{number}", COMMAND, changed(metadata=raw), "either", same_card)


def damaged(place: float) -> Callable[[Path], None]:
    """Return what copies the usual vectors, with one bit flipped, or cut off, at a share of the length."""

    def make(folder: Path) -> None:
        raw = bytearray((folder / "shared" / "embeddings.parquet").read_bytes())
        at, kind = int(place * len(raw)), int(place * 1e6) % 10
        if kind == 9:
            del raw[at:]
        else:
            raw[at] ^= 1 << kind % 8
        (folder / "vectors.parquet").write_bytes(raw)

    return make
