"""Tables of places: coordinates, ids and texts, the form of CSV, encodings, and bytes at random."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from random import Random

from fuzz.case import Case
from fuzz.mutations import changed_bytes, changed_lines
from fuzz.user_tables import COMMAND, PLACES, csv_text, same_places, tables, with_cell

NO_DEGREES = [
    "nan",
    "NaN",
    "inf",
    "-inf",
    "91",
    "-91",
    "181",
    "1e400",
    "1e308",
    "-1e308",
    "40.7N",
    "N40.7",
    "40°42'",
    "40:42:46",
    "40.7.1",
    "--40",
    "40-",
    "0x28",
    "1_0",
    "4O.7",
    "TRUE",
    "None",
    "null",
    "-",
    ".",
    "e",
    "1e",
    "1e+",
    "#",
    "=40",
    "$40.7",
    "40.7%",
    "½",
    "40;7",
    "40/7",
    "40.7km",
    "40.7,1",
    "[40.7]",
    "{}",
    "'40.7",
    "40.7\\n",
    "9999",
    "-9999",
    "999",
    "360",
    "400",
    "1000000",
    "NULL",
    "N/A",
    "#N/A",
    "#REF!",
    "40.7\x00",
    "\x00",
    "�",
    "٤٠",
    "4٠",
    "40.7\u200b",
    "١٢",
    "1e-400x",
    "0b101",
    "0o17",
    "--1",
    "+-1",
    "40.7f",
    "40.7L",
    "1,0",
]
DEGREES = ("40.7", "+40.7", "4.07e1", " 40.7 ", "40.700000000000001", "40.7000", "040.7", "40.", "4.07E+1")
TEXTS = (
    "", " ", "nan", "None", "NULL", "0", "-1", "1e5", "007", "1.0", "True", "=1+1", "@SUM(A1)", "$HOME", "$x^2$", "${x}",
    "../../etc/passwd", "/etc/passwd", "a/b", "a\\b", "\\x1b", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "\r",
    "two\nlines", "tab\there", 'a "quoted" name', "a,b", "a;b", "'", '"', "`rm`", "[bold]x[/bold]", "[/]", "[link=x]",
    "<b>x</b>", "<script>alert(1)</script>", "| a | b |", "![x](http://x)", "# title", "%s %d %n", "{0}", "{name}",
    "ａｂｃ", "日本語", "עברית", "\u202egnp.exe", "\u200b", "\ufeff", "e\u0301", "\U0001f355", "\ud7ff", "\x7f", "a" * 5000,
    "a\x0bb", "a\x0cb", "a\x85b", "a\u2028b", "x" * 70000, "--output=x", "-h", "*", "?", "~", "!!python/object:os.system",
    "&a", "*a", "%TAG", "<a_1>", "p1 ", "\u00a0p\u00a0", "COM1", "con", "Null Island", "ÿ", "ﬁ", "İ", "ß", "\u0000",
)  # fmt: skip


def cases(rng: Random) -> Iterator[Case]:
    """Yield the cases: first those that are spelt out, then bytes at random without an end."""
    yield from coordinates(rng)
    yield from identities(rng)
    yield from forms()
    yield from encodings()
    raw = csv_text(PLACES).encode()
    number = 0
    while True:
        change = changed_lines if number % 2 else changed_bytes
        yield Case(f"random-{number}", COMMAND, tables(change(raw, rng)), "either", same_places)
        number += 1


def coordinates(rng: Random) -> Iterator[Case]:
    """Yield values that are no degrees, and degrees in odd spellings."""
    for number, value in enumerate(NO_DEGREES):
        for column in (3, 4):
            if column == 4 and value in ("91", "-91", "400"):  # a longitude may be 91
                continue
            rows = with_cell(PLACES, rng.randrange(1, 9), column, value)
            name = PLACES[0][column]
            yield Case(f"{name}-{number}", COMMAND, tables(csv_text(rows)), names=("places.csv",))
    for number, value in enumerate(DEGREES):
        rows = with_cell(PLACES, rng.randrange(1, 9), 3, value)
        yield Case(f"degrees-{number}", COMMAND, tables(csv_text(rows)), "read", same_places)
    swapped = [[*PLACES[0]], *([a, b, c, lon, lat] for a, b, c, lat, lon in PLACES[1:])]
    yield Case("swapped-all", COMMAND, tables(csv_text(swapped)), names=("swapped",))
    one = [list(row) for row in PLACES]
    one[3][3], one[3][4] = one[3][4], one[3][3]
    yield Case("swapped-one", COMMAND, tables(csv_text(one)), names=("swapped",))
    metric = [[*PLACES[0]], *([a, b, c, f"{450e4 + n}", f"{58e4 + n}"] for n, (a, b, c, *_) in enumerate(PLACES[1:]))]
    yield Case("meters", COMMAND, tables(csv_text(metric)), names=("places.csv",))
    for number, pair in enumerate([("0", "0"), ("-1", "-1"), ("999", "999"), ("", ""), ("0.0", "-0.0")]):
        rows = with_cell(with_cell(PLACES, 2, 3, pair[0]), 2, 4, pair[1])
        yield Case(f"sentinel-{number}", COMMAND, tables(csv_text(rows)), names=("places.csv",))


def identities(rng: Random) -> Iterator[Case]:
    """Yield odd ids, names and categories; ids must be there and unique, all texts stay what they are."""
    for number, text in enumerate(TEXTS):
        for column in (1, 2):
            rows = with_cell(PLACES, rng.randrange(1, 9), column, text)
            yield Case(f"text-{number}-{PLACES[0][column]}", COMMAND, tables(csv_text(rows)), "either", same_places)
        rows = [*map(list, PLACES), [text, "Extra", "Cafe", "40.75", "-73.98"]]
        expect = "refused" if not text.strip() else "either"
        yield Case(f"text-{number}-poi", COMMAND, tables(csv_text(rows)), expect, same_places)
    twice = [*map(list, PLACES), ["p3", "Again", "Cafe", "40.75", "-73.98"]]
    yield Case("id-twice", COMMAND, tables(csv_text(twice)), names=("p3",))
    spaced = [*map(list, PLACES), [" p3 ", "Again", "Cafe", "40.75", "-73.98"]]
    yield Case("id-twice-with-spaces", COMMAND, tables(csv_text(spaced)), names=("p3",))
    gone = [row for row in PLACES if row[0] != "p3"]
    yield Case("id-missing", COMMAND, tables(csv_text(gone)), names=("p3",))


def forms() -> Iterator[Case]:
    """Yield files that are a table in another form, or none."""
    good, names = csv_text(PLACES), ("places.csv",)
    lines = good.splitlines(keepends=True)
    for name, text in {
        "empty": "",
        "blank": "\n\n\n",
        "space": "   ",
        "header-only": lines[0],
        "no-header": "".join(lines[1:]),
        "tabs": csv_text(PLACES, "\t"),
        "semicolons": csv_text(PLACES, ";"),
        "pipes": csv_text(PLACES, "|"),
        "json": '[{"poi": "p0", "latitude": 1, "longitude": 2}]',
        "html": "<html><body>404 Not Found</body></html>",
        "pointer": "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "long-row": good.replace("p4,Old Museum,", "p4,Old, Museum,"),
        "long-rows": lines[0] + "".join(line.replace(",40", ",x,40") for line in lines[1:]),
        "one-more-everywhere": lines[0] + "".join(line.replace("\n", ",9\n") for line in lines[1:]),
        "short-row": good.replace("p4,Old Museum,Museum,", "p4,Museum,"),
        "cut-in-a-row": good[: good.index("-73.9719") + 3],
        "open-quote": good.replace("p4,Old", 'p4,"Old'),
        "open-quote-last": good.replace("p7,Hotel", 'p7,"Hotel'),
        "header-twice": good.replace("name,kind", "name,name"),
        "latitude-twice": good.replace("kind,latitude", "latitude,latitude"),
        "header-misspelt": good.replace("latitude", "latitud"),
        "header-quoted-badly": good.replace("poi,name", 'poi,"name'),
        "header-with-spaces": good.replace("latitude", " latitude "),
        "header-in-capitals": good.replace("latitude", "LATITUDE"),
        "ragged-trailer": good + "total,8\n",
        "comment-line": "# places of my city\n" + good,
        "two-tables": good + good,
        "nul-lines": good + "\x00" * 50,
    }.items():
        yield Case(f"form-{name}", COMMAND, tables(text), "refused", names=() if name == "two-tables" else names)
    for name, text in {
        "crlf": csv_text(PLACES, end="\r\n"),
        "no-last-newline": good.rstrip("\n"),
        "blank-lines-at-the-end": good + "\n\n",
        "byte-order-mark": "\ufeff" + good,
        "all-quoted": "\n".join(",".join(f'"{value}"' for value in row) for row in PLACES) + "\n",
    }.items():
        yield Case(f"form-{name}", COMMAND, tables(text), "read", same_places)
    odd = {"cr": csv_text(PLACES, end="\r"), "spaces": good.replace(",", ", "), "nul": good.replace("Gym", "G\x00m")}
    for name, text in odd.items():
        yield Case(f"form-{name}", COMMAND, tables(text), "either", same_places)
    for separator in ("", ",,", "\n", '"', "\x00", "ab", " ", "a", "\\", ".*", "(", "é", "\t"):
        yield Case(f"separator-{separator!r}", COMMAND, tables(separator=separator), names=("separator", "places.csv"))


def encodings() -> Iterator[Case]:
    """Yield tables in other encodings, and names of encodings."""
    good = csv_text(PLACES)
    for name in ("utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252"):
        yield Case(f"bytes-in-{name}", COMMAND, tables(good.encode(name)), names=("places.csv",))
    for name in (
        "",
        "utf-9",
        "base64",
        "zip",
        "rot13",
        "idna",
        "punycode",
        "unicode_escape",
        "hex",
        "undefined",
        "\x00",
    ):
        yield Case(f"encoding-{name}", COMMAND, tables(encoding=name), names=("encoding",))
    packed = gzip.compress(good.encode(), mtime=0)
    yield Case("gzip", COMMAND, tables(packed, items="places.csv.gz"), "read", same_places_in_gzip)
    for cut in (2, 5, 10, 40, len(packed) // 2, len(packed) - 9, len(packed) - 1):
        yield Case(f"gzip-cut-{cut}", COMMAND, tables(packed[:cut], items="places.csv.gz"), names=("places.csv.gz",))
    for place in (3, 11, 30, 60, len(packed) - 6, len(packed) - 2):
        broken = packed[:place] + bytes([packed[place] ^ 0xFF]) + packed[place + 1 :]
        yield Case(f"gzip-flip-{place}", COMMAND, tables(broken, items="p.csv.gz"), "either", same_places_in_gzip)
    yield Case("not-gzip", COMMAND, tables(b"\x1f\x8b nonsense", items="places.csv.gz"), names=("places.csv.gz",))
    yield Case("not-parquet", COMMAND, tables(good, items="places.parquet"), names=("places.parquet",))


def same_places_in_gzip(folder, printed):
    """Compare with the usual places, which the archive held before it was damaged."""
    (folder / "places.csv").write_text(csv_text(PLACES), encoding="utf-8")
    return same_places(folder, printed)
