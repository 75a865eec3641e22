"""Configs of trainings, and what may be said about them on the command line."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import yaml

from fuzz.case import Case, Check
from fuzz.mutations import changed_bytes, changed_tree
from fuzz.pipelines import dumped, raw, with_entry
from fuzz.yaml_texts import bombs, twice

FIT = ("fit", "--config=small.yaml", "--run-folder=out")
RANDOM: dict[str, Any] = {
    "trainer": {"max_epochs": 1, "accelerator": "cpu", "num_sanity_val_steps": 0},
    "model": {"class_path": "lgsid.tokenizers.RandomTokenizer", "init_args": {"codebook_sizes": [4, 4, 8]}},
    "data": {
        "class_path": "lgsid.datamodules.ItemData",
        "init_args": {"dataset": "shared/city", "embeddings": None, "batch_size": 64},
    },
}
HIER: dict[str, Any] = {
    "seed_everything": 5,
    "trainer": {"max_epochs": 1, "accelerator": "cpu", "num_sanity_val_steps": 0},
    "model": {
        "class_path": "lgsid.tokenizers.HierTokenizer",
        "init_args": {
            "codebook_sizes": [6, 4, 4],
            "quantizer": {"class_path": "lgsid.quantizers.ResidualCentroids", "init_args": {"entropy_weight": 0.1}},
            "geo_encoder": {"class_path": "lgsid.geo.FourierGeoEncoder", "init_args": {"min_wavelength_m": 200.0}},
            "attributes": {"class_path": "lgsid.tokenizers.OneHotAttributes"},
            "collisions": {"class_path": "lgsid.tokenizers.NearestFreeCode"},
            "optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.002, "weight_decay": 0.0}},
        },
    },
    "data": {
        "class_path": "lgsid.datamodules.ItemData",
        "init_args": {"dataset": "shared/city", "embeddings": "shared/embeddings.parquet", "batch_size": 64},
    },
}
COUNTS: dict[str, Any] = {
    "trainer": {"max_epochs": 1, "limit_train_batches": 1, "accelerator": "cpu", "num_sanity_val_steps": 0},
    "model": {"class_path": "lgsid.recommenders.Popularity"},
    "data": {
        "class_path": "lgsid.datamodules.SequenceData",
        "init_args": {"dataset": "shared/city", "max_history": 50, "val_queries": 10},
    },
}


def cases(rng: Random) -> Iterator[Case]:
    """Yield the cases: those that are spelt out, then changed configs without an end."""
    for name, tree in (("random", RANDOM), ("hier", HIER), ("counts", COUNTS)):
        yield Case(f"good-{name}", FIT, raw(dumped(tree)), "read", result_of(tree))
    for name, text in bombs():
        yield Case(f"yaml-{name}", FIT, raw(text), names=("small.yaml", "config", "model", "does not accept option"))
    for name, text in twice(dumped(RANDOM)):
        yield Case(f"twice-{name}", FIT, raw(text), names=("small.yaml",))
    yield from wrong_entries()
    yield from extending()
    number = 0
    while True:
        base = (RANDOM, HIER, RANDOM, COUNTS)[number % 4]
        if number % 5 == 0:
            text = changed_bytes(dumped(base).encode(), rng)
            yield Case(f"bytes-{number}", FIT, raw(text), "either", some_result)
        else:
            tree, what = changed_tree(base, rng)
            yield Case(f"tree-{number}-{what[:60]}", FIT, raw(dumped(tree)), "either", result_of(tree))
        number += 1


def some_result(folder: Path, _: str) -> str | None:
    """Look for what every training leaves, and read the semantic IDs if there are any."""
    out = folder / "out"
    if not out.is_dir():  # the name of the run folder is not in the config, but the trainer may be asked for no files
        return "no run folder"
    missing = [
        n for n in ("model.ckpt", "metrics.json", "provenance.json", "fit_config.yaml") if not (out / n).is_file()
    ]
    if missing:
        return f"{missing[0]} is missing"
    json.loads((out / "metrics.json").read_text(), parse_constant=lambda name: 1 / 0)
    return None


def result_of(tree: Any) -> Check:
    """Return what compares the codes, and the config that was saved, with what the config asks for."""
    asked = copy.deepcopy(tree)

    def check(folder: Path, printed: str) -> str | None:
        problem = some_result(folder, printed)
        if problem:
            return problem
        saved = yaml.safe_load((folder / "out" / "fit_config.yaml").read_text())
        for part in ("model", "data"):
            wanted = asked.get(part, {}).get("init_args") or {}
            given = saved[part].get("init_args") or {}
            for key, value in wanted.items():
                if isinstance(value, (int, str, type(None))) and given.get(key) != value:
                    return f"{part}.{key} is {given.get(key)!r}, not {value!r}"
        sizes = (saved["model"].get("init_args") or {}).get("codebook_sizes")
        if sizes and (folder / "out" / "sids.parquet").is_file():
            found = pq.read_table(folder / "out" / "sids.parquet")
            for level, size in enumerate(sizes, start=1):
                codes = found[f"level_{level}"].to_pylist()
                if not (min(codes) >= 0 and max(codes) < size):
                    return f"level {level} has codes {min(codes)}..{max(codes)} of {size}"
            if len(found) != 60:
                return f"{len(found)} semantic IDs of 60 items"
        return None

    return check


def wrong_entries() -> Iterator[Case]:
    """Yield configs with one entry that cannot be, and how it may be named in the one line."""
    sizes = "model.init_args.codebook_sizes"
    wrong: list[tuple[dict[str, Any], str, Any]] = [
        *((RANDOM, sizes, v) for v in (None, [], "x", 4, [0], [-1, 4], [4.5, 4], ["a"], [[4]], [10**12, 4], [True, 4], [2, 2, 2], [10**5] * 9)),
        *((RANDOM, "model.class_path", v) for v in (None, "", "x", "os.system", "lgsid.nowhere.X", "lgsid.tokenizers", 7, [], "torch.nn.Linear", "HierTokenizerr", "builtins.exec")),
        *((RANDOM, "data.class_path", v) for v in (None, "", "x", "subprocess.Popen", "lgsid.recommenders.TIGER", "lgsid.datamodules.Nothing")),
        *((RANDOM, "data.init_args.dataset", v) for v in (None, "", "nowhere", "small.yaml", 7, [], "/", "\x00", "a" * 5000, "shared/sids.parquet")),
        *((RANDOM, "data.init_args.batch_size", v) for v in (0, -1, 1.5, "x", [])),
        *((RANDOM, "trainer.max_epochs", v) for v in ("x", -5, 1.5, [])),
        *((RANDOM, "trainer.accelerator", v) for v in ("x", 7, "tpu", "gpu")),
        *((RANDOM, "trainer.devices", v) for v in (0, -3, "x", 1.5)),
        *((RANDOM, "trainer.precision", v) for v in ("x", 7, "8")),
        *((RANDOM, "trainer.limit_train_batches", v) for v in (-1, 1.5, "x")),
        *((RANDOM, "trainer.callbacks", v) for v in ("x", ["x"], [{"class_path": "os.system"}], [{"class_path": "lightning.pytorch.callbacks.Nothing"}], 7)),
        *((RANDOM, "trainer.logger", v) for v in ("x", {"class_path": "x"}, {"class_path": "os.system", "init_args": {"command": "touch executed"}}, 7)),
        *((RANDOM, "trainer.nonsense", v) for v in (1,)),
        *((RANDOM, "seed_everything", v) for v in ("x", -1, 2**40, 1.5, [])),
        *((RANDOM, key, v) for key, v in (("nonsense", 1), ("model.nonsense", 1), ("model.init_args.nonsense", 1), ("data.init_args.nonsense", 1), ("trainer", 7), ("model", 7), ("data", None), ("model", None), ("model", []))),
        *((HIER, "data.init_args.embeddings", v) for v in (None, "nowhere.parquet", "", 7, "shared/sids.parquet", "shared/city")),
        *((HIER, sizes, v) for v in ([6], [6, 4, 0], [1, 1, 1])),
        *((HIER, "model.init_args.quantizer", v) for v in ("x", 7, [], {"class_path": "os.system"}, {"class_path": "lgsid.geo.FourierGeoEncoder"}, {"class_path": "ResidualCentroids", "init_args": {"x": 1}})),
        *((HIER, "model.init_args.geo_encoder.init_args.min_wavelength_m", v) for v in (0, -1, "x", float("nan"), float("inf"), None)),
        *((HIER, "model.init_args.optimizer", v) for v in ("x", 7, {"class_path": "os.system"}, {"class_path": "torch.optim.Nothing"}, {"class_path": "builtins.print"}, {"class_path": "torch.optim.AdamW", "init_args": {"lr": "x"}})),
        *((HIER, "model.init_args.optimizer.init_args.lr", v) for v in (-1, "x", None, float("nan"))),
        *((HIER, "model.init_args.quantizer.init_args.entropy_weight", v) for v in ("x", float("nan"), float("inf"), -1e300)),
        *((COUNTS, "data.init_args.max_history", v) for v in (0, -1, 1.5, "x")),
        *((COUNTS, "data.init_args.val_queries", v) for v in (-1, 1.5, "x")),
        *((COUNTS, "data.init_args.sids", v) for v in ("nowhere.parquet", 7, "shared/embeddings.parquet")),
    ]  # fmt: skip
    for number, (base, place, value) in enumerate(wrong):
        yield Case(f"{place}-{number}", FIT, raw(dumped(with_entry(base, place, value))))
    for number, words in enumerate(
        (
            "--nonsense=1", "--trainer.nonsense=1", "--model.nonsense=1", "--trainer.max_epochs", "--trainer.max_epochs=x", "--data", "--model=x",
            "--config=nowhere.yaml", "--config=", "--config=shared/city", "--ckpt_path=nowhere.ckpt", "--ckpt_path=small.yaml", "--ckpt_path=", "extra",
            "--model.codebook_sizes=[", "--model.codebook_sizes=[4,4", "--run-folder=small.yaml", "--run-folder=small.yaml/x", "--run-folder=" + "a" * 300,
            "--run-folder=\x00", "--seed_everything=x", "--trainer=x.yaml", "--data.dataset=\x00", "--model.codebook_sizes={}", "--trainer.callbacks+=x",
            "--optimizer=SGD", "--print_config=x", "--model.class_path=os.system", "--trainer.strategy=x", "--trainer.profiler=x", "--trainer.plugins=x",
        )
    ):  # fmt: skip
        yield Case(f"word-{number}", (*FIT, words), raw(dumped(RANDOM)), keeps=())


def extending() -> Iterator[Case]:
    """Yield configs that extend themselves, each other, or nothing."""
    for number, value in enumerate(
        (
            "small.yaml",
            "nowhere.yaml",
            "",
            ".",
            "/",
            None,
            7,
            [],
            ["tokenizer/random.yaml"],
            "/dev/zero",
            "\x00",
            "a" * 5000,
        )
    ):
        yield Case(f"extends-{number}", FIT, raw(dumped({"extends": value, **RANDOM})), names=("extend", "small.yaml"))

    def circle(folder: Path) -> None:
        raw(dumped({"extends": "other.yaml", **RANDOM}))(folder)
        (folder / "other.yaml").write_text("extends: small.yaml\n")

    yield Case("extends-circle", FIT, circle, names=("extend",))
    inside = with_entry(RANDOM, "data", "small.yaml")
    yield Case("includes-itself", FIT, raw(dumped(inside)), names=("small.yaml",))
    deep = with_entry(RANDOM, "model.init_args.codebook_sizes", "small.yaml")
    yield Case("includes-itself-deep", FIT, raw(dumped(deep)), names=("small.yaml",))

    def chain(folder: Path) -> None:
        for number in range(500):
            (folder / f"c{number}.yaml").write_text(f"extends: c{number + 1}.yaml\n")
        (folder / "c500.yaml").write_text(dumped(RANDOM))
        (folder / "small.yaml").write_text("extends: c0.yaml\n")

    yield Case("extends-chain", FIT, chain, "either", some_result)

    def doubling(folder: Path) -> None:
        for number in range(28):
            (folder / f"d{number}.yaml").write_text(f"a: d{number + 1}.yaml\nb: d{number + 1}.yaml\n")
        (folder / "d28.yaml").write_text("x: 1\n")
        (folder / "small.yaml").write_text(dumped({**RANDOM, "extra": "d0.yaml"}))

    yield Case("includes-double", FIT, doubling)
