"""Semantic IDs that others made: `.index.json` and Parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fuzz.case import Case, Check
from fuzz.mutations import HOSTILE, changed_bytes

CARD = ("card", "sids.index.json", "--output=out")
CARD_PARQUET = ("card", "sids.parquet", "--output=out")
INDEX = {f"p{n}": [f"<a_{n % 3}>", f"<b_{n % 4}>", f"<c_{n // 4}>"] for n in range(12)}
TOKEN = re.compile(r"<?[a-zA-Z]*_?([0-9]+)>?")
BAD_TOKENS = (
    "<a_-1>", "<a_1.5>", "<a_1e3>", "<a_>", "<a>", "", " ", "a", "<a_x>", "<a_1", "<a_NaN>", "<a_0x10>", "<a_1_000>",
    "<a_+1>", "<a_１>", "<a_²>", "<a_1000000000>", "<a_99999999999999999999>", "<a_1> <a_2>", "<a_1>garbage", "1.0", "-1",
    -1, 1.5, float("nan"), float("inf"), True, None, [], {}, ["<a_1>"], {"a": 1}, 10**9, 10**30, "<a_1\x00>", "<a_1\n>x",
)  # fmt: skip
BAD_VALUES = (None, [], {}, "", "x", 1, True, [[]], [None], ["<a_1>", None], "no tokens here", {"a": ["<a_1>"]}, 1.5)
BAD_FILES = (
    "", " ", "null", "[]", "{}", "1", '"x"', "true", "{", '{"a"', '{"a": [}', "[1, 2]", '{"a": ["<a_1>"]', "NaN", "{'a': 1}",
    '{"a": ["<a_1>"], "a": ["<a_2>"]}', '{"a": ["<a_1>"], "b": ["<a_1>"], "a": ["<a_1>"]}', '{"a": ["<a_1>"]} {}',
    '{"a": ["<a_1>"],}', "// comment\n{}", "\ufeff\ufeff{}", "[" * 100000, '{"a":' * 100000, "<html></html>", "a,b\n1,2\n",
    '{"": ["<a_1>"]}', '{"a": ["<a_' + "9" * 5000 + '>"]}', '{"a": [' + "9" * 5000 + "]}", '{"\\ud800": ["<a_1>"]}',
)  # fmt: skip


def cases(rng: Random) -> Iterator[Case]:
    """Yield the cases: those that are spelt out, then damaged files without an end."""
    yield from of_index(rng)
    yield from of_columns()
    yield from of_metadata()
    number = 0
    raw = json.dumps(INDEX).encode()
    while True:
        if number % 2:
            yield Case(f"index-bytes-{number}", CARD, index(changed_bytes(raw, rng)), "either", as_written)
        else:
            yield Case(f"parquet-bytes-{number}", CARD_PARQUET, damaged(rng.random()), "either", unchanged)
        number += 1


def index(content: Any) -> Callable[[Path], None]:
    """Return what writes an index, from bytes or as JSON."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return lambda folder: (folder / "sids.index.json").write_bytes(raw)  # type: ignore[return-value]


def read_back(folder: Path) -> dict[str, list[int]]:
    """Return the codes that the command wrote, by item."""
    rows = pq.read_table(folder / "out" / "sids.parquet").to_pylist()
    return {row.pop("item_id"): [row[f"level_{level + 1}"] for level in range(len(row))] for row in rows}


def as_written(folder: Path, _: str) -> str | None:
    """Compare with what the tokens of an index say; where lists differ in length, a missing code is 0."""
    pairs = json.loads((folder / "sids.index.json").read_bytes(), object_pairs_hook=lambda found: found)
    if len(dict(pairs)) != len(pairs):
        return "read, although a key occurs twice"
    codes: dict[str, list[int]] = {}
    for key, value in pairs:
        tokens = re.findall(r"<[^>]*>", value) or value.split() if isinstance(value, str) else value
        found = [TOKEN.fullmatch(str(token)) for token in tokens]
        if not found or not all(found):
            return f"{key!r} was read, although {value!r} is no list of tokens"
        codes[key] = [int(match[1]) for match in found if match]
    longest = max(map(len, codes.values()))
    ragged = [any(len(row) <= level for row in codes.values()) for level in range(longest)]
    expected = {
        key: [row[level] + ragged[level] if level < len(row) else 0 for level in range(longest)]
        for key, row in codes.items()
    }
    return None if read_back(folder) == expected else f"read as {read_back(folder)}, not {expected}"[:600]


def of_index(rng: Random) -> Iterator[Case]:
    """Yield files that are no index, and tokens that are no codes."""
    for number, text in enumerate(BAD_FILES):
        raw = text.encode("utf-8", errors="surrogatepass")
        yield Case(f"file-{number}", CARD, index(raw), names=("sids.index.json",))
    for number, token in enumerate(BAD_TOKENS):
        key = f"p{rng.randrange(12)}"
        changed = {**INDEX, key: [INDEX[key][0], token, INDEX[key][2]]}
        yield Case(f"token-{number}", CARD, index(changed), names=("sids.index.json", key))
    for number, value in enumerate(BAD_VALUES):
        yield Case(f"value-{number}", CARD, index({**INDEX, "p5": value}), names=("p5",))
    yield Case("levels-5000", CARD, index({k: [f"<a_{n}>" for n in range(5000)] for k in INDEX}), names=("level",))
    yield Case("latin-1", CARD, index('{"é": ["<a_1>"]}'.encode("latin-1")), names=("sids.index.json",))
    yield Case("utf-16", CARD, index(json.dumps(INDEX).encode("utf-16")), names=("sids.index.json",))
    unknown = ("card", "sids.index.json", "--output=out", "--items=shared/city/items.parquet")
    yield Case("unknown-items", unknown, index({"nobody": ["<a_1>"]}), names=("nobody",))
    yield Case("rows-out-of-range", unknown, index({"99999": ["<a_1>"]}), names=("99999",))
    for name, content in {
        "plain": INDEX,
        "ragged": {**INDEX, "p1": INDEX["p1"][:2]},
        "glued": {key: "".join(tokens) for key, tokens in INDEX.items()},
        "one-level": {key: tokens[:1] for key, tokens in INDEX.items()},
        "unicode": {"Zoë 日本": ["<a_1>"], "\u200b": ["<a_0>"]},
    }.items():
        yield Case(f"good-{name}", CARD, index(content), "read", as_written)
    letters = {"x": [f"<{letter}_1>" for letter in ("a", "z", "aa", "zz")]}
    yield Case("letters-of-other-levels", CARD, index(letters), "either", as_written)
    yield Case("leading-zeros", CARD, index({"x": ["<a_007>"]}), "either", as_written)


def table(**columns: Any) -> dict[str, Any]:
    """Return the columns of a table of semantic IDs with changes; `None` leaves one out."""
    usual = {
        "item_id": [f"p{n}" for n in range(12)],
        "level_1": [n % 3 for n in range(12)],
        "level_2": [n % 4 for n in range(12)],
        "level_3": [n // 4 for n in range(12)],
    }
    return {name: value for name, value in {**usual, **columns}.items() if value is not None}


def parquet(columns: dict[str, Any], metadata: bytes | None = None, name: str = "sids.parquet") -> Any:
    """Return what writes a Parquet file."""

    def make(folder: Path) -> None:
        found = pa.table(
            {key: value if isinstance(value, pa.Array) else pa.array(value) for key, value in columns.items()}
        )
        if metadata is not None:
            found = found.replace_schema_metadata({b"lgsid": metadata})
        pq.write_table(found, folder / name)

    return make


def of_columns() -> Iterator[Case]:
    """Yield columns of other types and values."""
    levels = {
        "negative": [-1] + [0] * 11,
        "gap": [None] + [0] * 11,
        "all-null": pa.nulls(12),
        "half": [0.5] + [0.0] * 11,
        "nan": [float("nan")] + [0.0] * 11,
        "infinite": [float("inf")] + [0.0] * 11,
        "texts": ["x"] * 12,
        "tokens": ["<a_1>"] * 12,
        "flags": [True, False] * 6,
        "billion": [10**9] + [0] * 11,
        "trillion": [10**12] + [0] * 11,
        "most": [2**63 - 1] + [0] * 11,
        "unsigned": pa.array([2**64 - 1] + [0] * 11, pa.uint64()),
        "lists": [[0]] * 12,
        "structs": [{"a": 0}] * 12,
        "decimals": [Decimal("0.5")] * 12,
        "times": pa.array([0] * 12, pa.timestamp("us")),
        "durations": pa.array([0] * 12, pa.duration("s")),
        "dates": pa.array([0] * 12, pa.date32()),
        "bytes": [b"1"] * 12,
    }
    for name, values in levels.items():
        yield Case(f"level-{name}", CARD_PARQUET, parquet(table(level_2=values)), names=("level",))
    for name, values in {
        "twice": ["p0", "p0", *(f"p{n}" for n in range(2, 12))],
        "gap": [None, *(f"p{n}" for n in range(1, 12))],
        "empty": ["", *(f"p{n}" for n in range(1, 12))],
        "not-utf8": pa.array([b"\xff\xfe", *(b"p%d" % n for n in range(1, 12))], pa.binary()),
        "floats": [n + 0.5 for n in range(12)],
        "nans": [float("nan")] * 12,
        "lists": [[f"p{n}"] for n in range(12)],
        "structs": [{"id": n} for n in range(12)],
        "nulls": pa.nulls(12),
        "flags": [True, False] * 6,
        "times": pa.array(range(12), pa.timestamp("us")),
    }.items():
        yield Case(f"item-{name}", CARD_PARQUET, parquet(table(item_id=values)), names=("item",))
    raw_texts = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(np.array([0, 2, 4], np.int32)), pa.py_buffer(b"\xff\xfeok")]
    )
    two = {"item_id": raw_texts, "level_1": [0, 1], "level_2": [0, 1]}
    yield Case("item-texts-not-utf8", CARD_PARQUET, parquet(two), names=("item",))
    for name, columns in {
        "no-item": table(item_id=None),
        "no-level-1": table(level_1=None),
        "no-level-2": table(level_2=None),
        "no-levels": table(level_1=None, level_2=None, level_3=None),
        "level-0": table(level_0=[0] * 12),
        "level-5": table(level_5=[0] * 12),
        "level-01": {**table(level_1=None), "level_01": [0] * 12},
        "level-²": {**table(level_2=None), "level_²": [0] * 12},
        "no-rows": {"item_id": pa.array([], pa.string()), "level_1": pa.array([], pa.int64())},
        "5000-levels": {"item_id": ["a", "b"], **{f"level_{n + 1}": [0, 1] for n in range(5000)}},
    }.items():
        yield Case(f"columns-{name}", CARD_PARQUET, parquet(columns), names=("sids.parquet", "level", "item"))
    numbers = table(item_id=list(range(12)))
    yield Case("item-numbers", CARD_PARQUET, parquet(numbers), "either", keys({str(n) for n in range(12)}))
    whole = table(level_2=[float(n % 4) for n in range(12)])
    yield Case("level-whole-floats", CARD_PARQUET, parquet(whole), "either", unchanged)
    for kind in (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint32()):
        typed = table(level_2=pa.array([n % 4 for n in range(12)], kind))
        yield Case(f"level-{kind}", CARD_PARQUET, parquet(typed), "read", unchanged)
    coded = table(item_id=pa.array([f"p{n}" for n in range(12)]).dictionary_encode())
    yield Case("item-dictionary", CARD_PARQUET, parquet(coded), "read", unchanged)
    long = table(item_id=pa.array([f"p{n}" for n in range(12)], pa.large_string()))
    yield Case("item-large-texts", CARD_PARQUET, parquet(long), "read", unchanged)
    yield Case("further-columns", CARD_PARQUET, parquet(table(name=["x"] * 12)), "read", unchanged)


def keys(wanted: set[str]) -> Check:
    """Return what compares the item ids."""
    return lambda folder, _: None if set(read_back(folder)) == wanted else f"ids {sorted(read_back(folder))[:3]}"


def unchanged(folder: Path, _: str) -> str | None:
    """Compare with the usual codes."""
    rows = table()
    expected = {i: list(c) for i, *c in zip(*rows.values(), strict=True)}
    return None if read_back(folder) == expected else f"read as {read_back(folder)}"[:400]


def of_metadata() -> Iterator[Case]:
    """Yield metadata that is broken, or does not fit the codes."""
    for number, raw in enumerate((b"", b"x", b"{", b"[]", b"1", b'"x"', b"null", b"\xff\xfe", b"[" * 100000, b"NaN")):
        expect = "either" if raw in (b"", b"null") else "refused"
        yield Case(f"metadata-{number}", CARD_PARQUET, parquet(table(), raw), expect, unchanged, ("sids.parquet",))
    for number, sizes in enumerate(
        ([2, 4, 3], [3, 4], [3, 4, 3, 1], [0, 0, 0], [-3, 4, 3], ["3", "4", "3"], [3.5, 4, 3], "x", 7, {"a": 1}, [[3], 4, 3],
         [None, 4, 3], [True, 4, 3], [10**30, 4, 3], [float("nan"), 4, 3])
    ):  # fmt: skip
        raw = json.dumps({"codebook_sizes": sizes}).encode()
        names = ("sids.parquet", "level", "codebook")
        yield Case(f"sizes-{number}", CARD_PARQUET, parquet(table(), raw), names=names)
    for number, value in enumerate(HOSTILE):
        raw = json.dumps({"codebook_sizes": [3, 4, 3], "tokenizer": value, "before_resolution": value}).encode()
        yield Case(f"facts-{number}", CARD_PARQUET, parquet(table(), raw), "either", unchanged)


def damaged(place: float) -> Callable[[Path], None]:
    """Return what writes the usual table as lgsid does, with one bit flipped, or cut off, at a share of its length."""

    def make(folder: Path) -> None:
        from lgsid.artefacts import SemanticIDs

        rows = table()
        codes = np.stack([np.array(rows[f"level_{n}"]) for n in (1, 2, 3)], axis=1)
        path = folder / "sids.parquet"
        SemanticIDs(np.array(rows["item_id"], dtype=object), codes, (3, 4, 3)).write(path)
        raw = bytearray(path.read_bytes())
        at, kind = int(place * len(raw)), int(place * 1e6) % 10
        if kind == 9:
            del raw[at:]
        else:
            raw[at] ^= 1 << kind % 8
        path.write_bytes(raw)

    return make
