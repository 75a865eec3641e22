"""Checkpoints: malicious ones, and damage to good ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from fuzz.case import Case
from fuzz.judge import CANARY
from fuzz.malicious_checkpoints import changes, files, write_stranger
from fuzz.shared import shared_folder

TOKENIZE = ("tokenize", "--checkpoint=bad.ckpt", "--dataset=shared/city", "--output=out")
RECOMMEND = ("recommend", "--checkpoint=bad.ckpt", "--dataset=shared/city", "--history=p00000", "-k", "3", "--json")
TEST = (
    "test",
    "--config=recommender/popularity.yaml",
    "--data.dataset=shared/city",
    "--run-folder=out",
    "--ckpt_path=bad.ckpt",
)
RESUME = (
    "fit",
    "--config=recommender/popularity.yaml",
    "--data.dataset=shared/city",
    "--run-folder=out",
    "--ckpt_path=bad.ckpt",
)
ALL = {"tokenize": TOKENIZE, "recommend": RECOMMEND, "test": TEST, "resume": RESUME}
HARMLESS = {
    "compressed members",
    "no tensors",
    "members of another folder",
    "zip bomb",
    "member above its folder",
    "member at the root",
}
"""What a reader may take, since nothing of it is run, written or used."""


def cases(rng: Random) -> Iterator[Case]:
    """Yield malicious checkpoints under every command that reads one, then damaged ones without an end."""
    shared = shared_folder()
    kinds = [*files(shared / "tokenizer" / "model.ckpt", Path(CANARY)), *changes(Path(CANARY))]
    for number, kind in enumerate(kinds):
        for name, command in ALL.items():
            if name == "tokenize" or (number + len(name)) % 3 == 0 or "stranger" in kind or "pickle" in kind:
                expect = "either" if kind in HARMLESS or name in ("test", "resume") else "refused"
                yield Case(f"{name}: {kind}", command, bad(kind, name), expect, names=("bad.ckpt", "ckpt_path"))
    for name, command in ALL.items():
        for number, make in enumerate(others()):
            yield Case(f"{name}: other-{number}", command, make, names=("bad.ckpt", "ckpt_path"))
    number = 0
    while True:
        place = rng.random()
        if number % 2:
            yield Case(f"tokenize: bit-{number}", TOKENIZE, damaged("tokenizer", place), "either", same_sids)
        else:
            yield Case(f"recommend: bit-{number}", RECOMMEND, damaged("popularity", place), "either", same_answer)
        number += 1


def bad(kind: str, command: str) -> Callable[[Path], None]:
    """Return what writes one malicious checkpoint, made of a good one that the command would read."""

    def make(folder: Path) -> None:
        good = folder / "shared" / ("tokenizer" if command == "tokenize" else "popularity") / "model.ckpt"
        marker = folder / CANARY
        write_stranger(folder, marker)
        sys.path.insert(0, str(folder))
        import torch

        found = files(good, marker)
        if kind in found:
            (folder / "bad.ckpt").write_bytes(found[kind]())
            return
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, 10_000))
        torch.save(changes(marker)[kind](torch.load(good, weights_only=True)), folder / "bad.ckpt")
        sys.setrecursionlimit(limit)

    return make


def others() -> Iterator[Callable[[Path], None]]:
    """Yield what is no checkpoint at all."""
    yield lambda folder: None
    yield lambda folder: (folder / "bad.ckpt").mkdir()  # type: ignore[func-returns-value]
    yield lambda folder: (folder / "bad.ckpt").symlink_to("bad.ckpt")
    yield lambda folder: (folder / "bad.ckpt").symlink_to("/dev/null")
    for source in ("sids.parquet", "encoder/model.safetensors", "city/dataset.json"):
        yield lambda folder, source=source: (folder / "bad.ckpt").symlink_to(f"shared/{source}")


def damaged(run: str, place: float) -> Callable[[Path], None]:
    """Return what copies a good checkpoint, with one bit flipped, or cut off, at a share of its length."""

    def make(folder: Path) -> None:
        raw = bytearray((folder / "shared" / run / "model.ckpt").read_bytes())
        at, kind = int(place * len(raw)), int(place * 1e6) % 10
        if kind == 9:
            del raw[at:]
        else:
            raw[at] ^= 1 << kind % 8
        (folder / "bad.ckpt").write_bytes(raw)

    return make


def same_sids(folder: Path, _: str) -> str | None:
    """Compare the semantic IDs with those of the good checkpoint."""
    found, expected = (
        json.loads((folder / name / "sids.index.json").read_text()) for name in ("out", "shared/tokenizer")
    )
    return None if found == expected else "the semantic IDs are not those of the checkpoint that was damaged"


def same_answer(folder: Path, printed: str) -> str | None:
    """Compare the recommendations with those of the good checkpoint."""
    expected = json.loads((folder / "shared" / "answer.json").read_text())
    return None if json.loads(printed) == expected else "the answer is not that of the checkpoint that was damaged"
