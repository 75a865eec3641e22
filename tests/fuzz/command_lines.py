"""Words of the command line, for every command."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from fuzz.case import Case

VALID: tuple[tuple[str, ...], ...] = (
    ("card", "shared/sids.parquet", "--items=shared/city/items.parquet"),
    ("recommend", "--checkpoint=shared/popularity/model.ckpt", "--dataset=shared/city", "-k", "3"),
    ("tokenize", "--checkpoint=shared/tokenizer/model.ckpt", "--dataset=shared/city", "--output=out"),
    ("permute-sids", "--sids=shared/sids.parquet", "--items=shared/city/items.parquet", "--output=out"),
    ("data", "describe", "data/synthetic_city.yaml"),
    ("run", "pipelines/demo.yaml", "--dry-run"),
    ("plugins",),
    ("configs",),
    ("data", "download", "foursquare_nyc", "--steps"),
    ("baselines", "--dataset=shared/city", "--output=out"),
)
COMMANDS = (
    "fit", "validate", "test", "predict", "run", "data download", "data prepare", "data describe", "tokenize", "card", "evaluate", "permute-sids",
    "recommend", "baselines", "ctr-baselines", "report", "benchmark run", "benchmark list", "benchmark report", "benchmark check", "plugins", "configs",
)  # fmt: skip
STRAY = (
    "--nonsense",
    "--nonsense=1",
    "-x",
    "---",
    "--=1",
    "--",
    "-",
    "extra",
    "",
    "\x00",
    "--output=/dev/null/x",
    "é",
    "--\u200b=1",
    "=",
    "--output",
)
ASK = ("recommend", "--checkpoint=shared/popularity/model.ckpt", "--dataset=shared/city")


def cases(rng: Random) -> Iterator[Case]:
    """Yield the cases: those that are spelt out, then changed command lines without an end."""
    yield Case("nothing", (), expect="read")
    for words in (("--version",), ("--help",), ("-h",), ("data", "--help"), ("benchmark", "-h")):
        yield Case(" ".join(words), words, expect="read")
    for name in COMMANDS:
        words = tuple(name.split())
        yield Case(f"{name} --help", (*words, "--help"), expect="read")
        if name not in ("plugins", "configs", "benchmark list", "benchmark report"):
            yield Case(f"{name} alone", words)
        for number, stray in enumerate(rng.sample(STRAY, 3)):
            yield Case(f"{name} stray-{number}-{stray!r}", (*words, stray, "--nonsense-too"))
    for number, words in enumerate(
        (
            ("nonsense",), ("data",), ("benchmark",), ("data", "nonsense"), ("Data", "prepare"), ("data prepare",), ("fit fit",), ("--verbose",), ("-v",),
            ("--version", "x"), ("version",), ("help",), ("",), (" ",), ("\x00",), ("--",), ("-",), ("é",), ("a" * 10000,), ("card ", "x"), ("benchmark", ""),
            ("recommendd",), ("../card",), ("lgsid",), ("data", "--nonsense"), ("--help", "--nonsense"), ("None",), ("0",), ("*",), ("\ud800",),
        )
    ):  # fmt: skip
        yield Case(f"no-command-{number}", words, expect="either" if words[0] == "--help" else "refused")
    yield from questions()
    yield from places_and_outputs()
    number = 0
    while True:
        words = list(rng.choice(VALID))
        at = rng.randrange(len(words))
        kind = rng.randrange(6)
        if kind == 0:
            del words[at]
        elif kind == 1:
            words.insert(at, words[at])
        elif kind == 2:
            words.insert(at, rng.choice(STRAY))
        elif kind == 3:
            words[at] = words[at][: rng.randrange(len(words[at]) + 1)]
        elif kind == 4:
            place = rng.randrange(len(words[at]) + 1)
            words[at] = words[at][:place] + rng.choice("=-.,x0 \"'$*\n\té\x7f") + words[at][place:]
        else:
            rng.shuffle(words)
        yield Case(f"random-{number}", tuple(words), expect="either")
        number += 1


def questions() -> Iterator[Case]:
    """Yield questions to a recommender with values that cannot be."""
    for option, values in {
        "user": ("", "nobody", "\x00", " ", "-1", "a" * 9999),
        "history": ("", ",", "nobody", "nobody,", "\x00", ";"),
        "at": ("now", "", "x", "2024-13-01", "12", "99999-01-01T00:00", "0001-01-01", "2024-02-30T10:00", "1e9", "2024-01-01T10:00+99:00"),
        "near": ("", "x", "1", "1,2,3", "91,0", "0,181", "nan,nan", "inf,0", "1;2", ",", "1,", "a,b", "40.7,-74.0,", "1e400,0"),
        "radius-km": ("", "x", "0", "-1", "nan", "inf", "1e-9", "-inf", "1e400x"),
        "k": ("0", "-1", "1.5", "x", "", "nan", "1e3"),
        "checkpoint": ("", "nowhere", "shared", "shared/city", "shared/sids.parquet", "\x00", "/dev/null", "shared/tokenizer/model.ckpt"),
        "dataset": ("", "nowhere", "shared", "shared/sids.parquet", "/", "\x00", "shared/tokenizer"),
        "json": ("perhaps", "1.5", "x"),
        "new-only": ("perhaps", "x"),
    }.items():  # fmt: skip
        for number, value in enumerate(values):
            words = ("-k", value) if option == "k" else (f"--{option}={value}",)
            yield Case(f"recommend-{option}-{number}", (*ASK, *words))
    yield Case("recommend-k-all", (*ASK, "-k", "9" * 20), expect="read")  # as many as there are
    for number, value in enumerate(("-1", "0", ".nan", "nan", "far", "", "[]")):
        words = ("ctr-baselines", "--dataset=shared/city", "--output=out", f"--negatives={value}")
        yield Case(f"clicks-negatives-{number}", words, names=("negatives",))
    for words in (
        ("--history=p0", "--user=u0"),
        ("--radius-km=1",),
        ("--history=p00000", "--radius-km=0.000001"),
    ):
        yield Case(
            f"recommend-{' '.join(words)}", (*ASK, *words), expect="either" if "--user" not in words[-1] else "refused"
        )


def places_and_outputs() -> Iterator[Case]:
    """Yield inputs that are not there, or are something else, and outputs that cannot be written."""
    inputs = (
        "nowhere",
        "shared",
        "",
        "/dev/null",
        "\x00",
        "a" * 5000,
        "shared/city/dataset.json",
        "shared/encoder",
        "~",
        "$HOME",
        "*.parquet",
        "file://x",
        "http://x/y",
    )
    for number, value in enumerate(inputs):
        yield Case(f"card-sids-{number}", ("card", value))
        yield Case(
            f"card-items-{number}",
            ("card", "shared/sids.parquet", f"--items={value}"),
            expect="either" if value in ("", "~") else "refused",
        )
        yield Case(f"describe-{number}", ("data", "describe", value))
        yield Case(f"run-{number}", ("run", value, "--dry-run"))
        yield Case(f"tokenize-{number}", ("tokenize", f"--checkpoint={value}", "--dataset=shared/city", "--output=out"))
        yield Case(f"suite-{number}", ("benchmark", "run", value, "--dry-run"))
        yield Case(f"result-{number}", ("benchmark", "check", value))
        expect = "either" if value == "shared" else "refused"  # it holds semantic IDs
        yield Case(f"report-{number}", ("report", value, "--output=out"), expect=expect)
    outputs = (
        "/dev/null/x",
        "shared/sids.parquet",
        "shared/sids.parquet/x",
        "a" * 300,
        "\x00",
        "/proc/nothing",
        "/dev/full/x",
        "x/" * 2500,
    )
    for number, value in enumerate(outputs):
        yield Case(f"card-output-{number}", ("card", "shared/sids.parquet", f"--output={value}"))
        yield Case(
            f"prepare-output-{number}",
            ("data", "prepare", "data/synthetic_city.yaml", "--source.init_args.n_places=60", f"--output={value}"),
        )
        yield Case(f"permute-output-{number}", (*VALID[3][:-1], f"--output={value}"))
        yield Case(f"count-output-{number}", ("baselines", "--dataset=shared/city", f"--output={value}"))
        yield Case(f"configs-copy-{number}", ("configs", f"--copy={value}"))
