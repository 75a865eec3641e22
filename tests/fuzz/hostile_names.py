"""Names that lead out of their folder, or would run something where a name is put into a command, a page or a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from fuzz.case import Case
from fuzz.pipelines import PIPELINE, SUITE, dumped, raw, with_entry
from fuzz.user_tables import tables, write_config

NAMES = (
    "../escaped", "../../../escaped", "/tmp/escaped-lgsid", "..", ".", "a/../../../../escaped", "..\\..\\escaped", "C:\\escaped", "~/escaped",
    "$(touch executed)", "`touch executed`", "; touch executed", "| touch executed", "a\x00/../../b", "\n../escaped", "${HOME}/escaped",
    "%2e%2e%2fescaped", "\x1b]0;owned\x07", "<script>alert(1)</script>", "!!python/object/apply:os.system ['touch executed']", "-rf", " ", "a" * 300,
    "{os.system}", "//escaped", "./../escaped", ".ssh", "\u2024\u2024/escaped", "x/" * 40 + "y", "con:",
)  # fmt: skip


def cases(rng: Random) -> Iterator[Case]:
    """Yield every name at every place that names a folder or a file."""
    small = {**PIPELINE, "stages": {"card": {"command": "card", "set": {"sids": "shared/sids.parquet"}}}}
    for number, name in enumerate(NAMES):
        harmless = number in (6, 7, 9, 10, 11, 12, 16, 18, 19, 20, 23, 29)  # odd, but the name of one folder
        expect = "either" if harmless else "refused"
        keeps = ("runs/*",)
        run = ("run", "small.yaml")
        yield Case(f"pipeline-{number}", run, raw(dumped({**small, "name": name})), expect, keeps=keeps)
        named = with_entry(small, "stages", {name: small["stages"]["card"]})
        yield Case(f"stage-{number}", (*run, "--run-folder=out"), raw(dumped(named)), keeps=("out/*",))
        suite = ("benchmark", "run", "little.yaml", "--dry-run")
        yield Case(f"suite-{number}", suite, raw(dumped({**SUITE, "name": name}), "little.yaml"))
        entry = {**SUITE["datasets"][0], "name": name}
        yield Case(f"suite-dataset-{number}", suite, raw(dumped({**SUITE, "datasets": [entry]}), "little.yaml"))
        methods = {**SUITE["methods"], name: {"stage": "hashed"}}
        yield Case(f"method-{number}", suite, raw(dumped({**SUITE, "methods": methods}), "little.yaml"))
        prepare = ("data", "prepare", "city.yaml", "--output=out")

        def dataset(folder, name=name):
            tables()(folder)
            write_config(folder, {}, {"name": name})

        yield Case(f"dataset-{number}", prepare, dataset, "either")
        yield Case(f"download-{number}", ("data", "download", name, "--root=."))
        yield Case(f"own-suite-{number}", ("benchmark", "run", name, "--dry-run"))
