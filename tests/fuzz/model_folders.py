"""Folders of language models: files that are missing, damaged, or of another model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from fuzz.case import Case
from fuzz.mutations import changed_tree
from fuzz.pipelines import dumped, with_entry

ALIGN: dict[str, Any] = {
    "trainer": {
        "max_epochs": 1,
        "accelerator": "cpu",
        "num_sanity_val_steps": 0,
        "limit_train_batches": 1,
        "limit_val_batches": 1,
    },
    "model": {
        "class_path": "lgsid.alignment.GDPOAligner",
        "init_args": {
            "encoder": {
                "class_path": "lgsid.text.TextEncoder",
                "init_args": {"model": "./encoder", "pooling": "mean", "lora": {"rank": 2, "alpha": 4, "dropout": 0.0}},
            },
            "loss": {"class_path": "lgsid.alignment.SimilarityMargin"},
        },
    },
    "data": {
        "class_path": "lgsid.datamodules.PreferenceData",
        "init_args": {
            "dataset": "shared/city",
            "prompts": {
                "class_path": "lgsid.text.PromptTemplate",
                "init_args": {"content": "{category}", "location": "{lat:.4f} {lon:.4f}"},
            },
            "samplers": [{"class_path": "lgsid.alignment.FarPairs"}],
            "ratios": [1.0],
            "n_pairs": 8,
            "batch_size": 8,
        },
    },
}
FIT = ("fit", "--config=align.yaml", "--run-folder=out")
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
NAMES = ("encoder", "tokenizer", "model")


def cases(rng: Random) -> Iterator[Case]:
    """Yield the cases: those that are spelt out, then changed configs and damaged weights without an end."""
    yield Case("good", FIT, model(lambda _: None), "read", vectors_are_there)
    for name in FILES:
        expect = "either" if name == "tokenizer_config.json" else "refused"
        yield Case(f"without-{name}", FIT, model(lambda f, n=name: (f / n).unlink()), expect, vectors_are_there, NAMES)
        for number, raw in enumerate(
            (b"", b"null", b"[]", b"{}", b"{", b"\xff\xfe", b"version https://git-lfs.github.com/spec/v1\n")
        ):
            loose = name == "tokenizer_config.json" and raw == b"{}"
            make = model(lambda f, n=name, raw=raw: (f / n).write_bytes(raw))
            yield Case(f"other-{name}-{number}", FIT, make, "either" if loose else "refused", vectors_are_there, NAMES)
        make = model(lambda f, n=name: ((f / n).unlink(), (f / n).mkdir()))
        yield Case(f"folder-{name}", FIT, make, expect, vectors_are_there, NAMES)
    without = model(lambda f: [path.unlink() for path in f.iterdir() if "token" in path.name])
    yield Case("without-tokenizer", FIT, without, names=NAMES)
    yield Case("empty", FIT, model(lambda f: [path.unlink() for path in f.iterdir()]), names=NAMES)
    yield Case(
        "only-config", FIT, model(lambda f: [p.unlink() for p in f.iterdir() if p.name != "config.json"]), names=NAMES
    )
    for number, name in enumerate(
        (
            "nowhere",
            "",
            "pkg:nowhere/model",
            "pkg:",
            "pkg:lgsid/../..",
            "shared/city",
            "align.yaml",
            "\x00",
            "a" * 5000,
            "owner/unknown-model",
            "../..",
            7,
            None,
            [],
        )
    ):
        tree = with_entry(ALIGN, "model.init_args.encoder.init_args.model", name)
        yield Case(f"name-{number}", FIT, lambda f, tree=tree: (f / "align.yaml").write_text(dumped(tree)))
    code = {
        "auto_map": {"AutoModel": "evil.Model", "AutoConfig": "evil.Config", "AutoTokenizer": ["evil.Tok", None]},
        "model_type": "evil",
    }
    yield Case("own-code", FIT, model(lambda f: own_code(f, code)), names=NAMES)
    pickled = model(lambda f: pickled_weights(f))
    yield Case("pickled-weights", FIT, pickled, names=NAMES)
    for number, kind in enumerate(("t5", "gpt2", "nonsense", "", None, 7, [], "../x", "vit", "clip")):
        make = model(
            lambda f, kind=kind: edited(
                f / "config.json", lambda tree: {**tree, "model_type": kind, "architectures": None}
            )
        )
        yield Case(f"type-{number}", FIT, make)
    for key, values in {
        "lora": (
            {"rank": 0},
            {"rank": -1},
            {"rank": "x"},
            {"alpha": "x"},
            {"dropout": 2},
            {"targets": ["nothing"]},
            "x",
            7,
            [],
        ),
        "pooling": ("x", "", 7, None, []),
        "max_length": (0, -1, "x", 1.5),
        "batch_size": (0, -1, "x"),
    }.items():
        for number, value in enumerate(values):
            tree = with_entry(ALIGN, f"model.init_args.encoder.init_args.{key}", value)
            expect = "either" if value in (None, []) else "refused"
            yield Case(f"{key}-{number}", FIT, model(lambda _: None, tree), expect, vectors_are_there)
    number = 0
    while True:
        if number % 3:
            seed = rng.random()
            name = FILES[(0, 2, 3)[number % 3]]
            make = model(lambda f, s=seed, n=name: edited(f / n, lambda tree: changed_tree(tree, Random(s))[0]))
            yield Case(f"tree-{name}-{number}", FIT, make, "either", vectors_are_there)
        else:
            place = rng.random()
            make = model(lambda f, place=place: cut(f / "model.safetensors", place))
            yield Case(f"weights-cut-{number}", FIT, make, names=NAMES)
        number += 1


def model(change: Callable[[Path], Any], tree: Any = None) -> Callable[[Path], None]:
    """Return what copies the tiny model to `encoder`, changes it, and writes the config that reads it."""

    def make(folder: Path) -> None:
        import os

        os.environ["LGSID_CACHE"] = str(folder / "cache")
        (folder / "cache").mkdir()
        shutil.copytree(folder / "shared" / "encoder", folder / "encoder")
        change(folder / "encoder")
        (folder / "align.yaml").write_text(dumped(ALIGN if tree is None else tree))

    return make


def edited(path: Path, change: Callable[[Any], Any]) -> None:
    """Change a JSON file."""
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def cut(path: Path, place: float) -> None:
    """Cut a file off at a share of its length."""
    raw = path.read_bytes()
    path.write_bytes(raw[: int(place * len(raw))])


def own_code(folder: Path, config: dict[str, Any]) -> None:
    """Add code to a model folder, which runs only for a reader who trusts it."""
    (folder / "evil.py").write_text(
        "import pathlib\npathlib.Path('executed').touch()\nclass Model: pass\nclass Config: pass\nclass Tok: pass\n"
    )
    edited(folder / "config.json", lambda tree: {**tree, **config})


def pickled_weights(folder: Path) -> None:
    """Put a pickle that runs a command in the place of the weights."""
    import pickle

    from fuzz.malicious_checkpoints import Touch, archive

    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(archive(pickle.dumps(Touch(Path("executed")), protocol=2)))


def vectors_are_there(folder: Path, _: str) -> str | None:
    """Look for vectors of all places, all finite, not all the same."""
    import numpy as np
    import pyarrow.parquet as pq

    found = pq.read_table(folder / "out" / "embeddings.parquet")
    vectors = np.array(found["vector"].to_pylist())
    if len(found) != 60 or not np.isfinite(vectors).all():
        return f"{vectors.shape} vectors, {np.isfinite(vectors).mean():.0%} finite"
    return "all vectors are the same" if np.ptp(vectors, axis=0).max() < 1e-6 else None
