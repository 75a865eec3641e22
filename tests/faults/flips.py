"""One flipped bit in a file of a run: the stage that wrote it notices, and the run ends with the right result again."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from faults.desk import JOBS, OUTPUT, PIPELINE, RECORDS, Desk, contents, difference, mended
from faults.forked import run
from lgsid.artefacts.names import STAGE_FILE
from trial.outcome import Outcome

READERS = {  # files that single commands read, and a command of the desk that reads each
    "data/items.parquet": "card",
    "tokenize/sids.parquet": "card",
    "align/embeddings.parquet": "card",
    "data/interactions.parquet": "baselines",
    "tokenize/model.ckpt": "tokenize",
}


def flipped(path: Path, rng: random.Random) -> str:
    """Flip one bit of a file, and say which."""
    held = bytearray(path.read_bytes())
    place, bit = rng.randrange(len(held)), rng.randrange(8)
    held[place] ^= 1 << bit
    path.write_bytes(bytes(held))
    return f"bit {bit} of byte {place}"


def pipeline_flips(desk: Desk, seed: int, count: int) -> Iterator[Outcome]:
    """Flip a bit anywhere in a complete run; running it again must end with what the unbroken run left."""
    rng = random.Random(seed)
    right = desk.of("pipeline")
    folder = desk.new("flipped")
    shutil.copytree(desk.given, folder / OUTPUT)
    first = run(PIPELINE, folder)
    assert first.code == 0, first.err
    whole = contents(folder / OUTPUT)
    names = sorted(whole)
    for number in range(count):
        name = rng.choice(names)
        case = f"{name} {number}"
        kept = folder / OUTPUT / name
        before = kept.stat()
        where = flipped(kept, rng)
        if number % 3 == 0:  # the clock and the size say nothing; asked for, it reads everything
            os.utime(kept, ns=(before.st_atime_ns, before.st_mtime_ns))
        ended = run([*PIPELINE, *(["--verify"] if number % 3 == 0 else [])], folder)
        found = difference(contents(folder / OUTPUT), right)
        yield mended("flipped bits", case, ended, found, where)
        if found or ended.code:
            shutil.rmtree(folder / OUTPUT)
            shutil.copytree(desk.given, folder / OUTPUT)


def record_flips(desk: Desk, seed: int, count: int) -> Iterator[Outcome]:
    """Flip a bit in the records of a run themselves."""
    rng = random.Random(seed)
    right = desk.of("pipeline")
    for number in range(count):
        folder = desk.new("flipped record")
        shutil.copytree(desk.given, folder / OUTPUT)
        paths = sorted(path for path in (folder / OUTPUT).rglob("*.json") if path.name in RECORDS)
        path = rng.choice(paths)
        case = f"{path.relative_to(folder / OUTPUT)} {number}"
        where = flipped(path, rng)
        ended = run(PIPELINE, folder)
        yield mended("flipped bits", case, ended, difference(contents(folder / OUTPUT), right), where)


def reader_flips(desk: Desk, seed: int, count: int) -> Iterator[Outcome]:
    """Flip a bit in a file that a single command reads: refused, or without effect on what it writes.

    Every other time the file is out of a run's folder, where no record says what it was.
    """
    rng = random.Random(seed)
    for number in range(count):
        name, job = list(READERS.items())[number % len(READERS)]
        case = f"{name} read by {job} {number}"
        folder = desk.new("flipped input")
        (folder / "given").unlink()
        shutil.copytree(desk.given, folder / "given")
        where = flipped(folder / "given" / name, rng)
        if number // len(READERS) % 2:
            for record in (folder / "given").rglob(STAGE_FILE):
                record.unlink()
        ended = run(JOBS[job], folder)
        if ended.is_refused:
            yield Outcome("flipped bits", case, "nothing lost", ended.line)
        else:
            yield mended("flipped bits", case, ended, difference(contents(folder / OUTPUT), desk.of(job)), where)


def flips(desk: Desk, seed: int, count: int) -> Iterator[Outcome]:
    """Flip one bit at a time, `count` in all: half in a run's results, a tenth in its records, the rest as input."""
    records, inputs = count // 10, count * 4 // 10
    yield from pipeline_flips(desk, seed, count - records - inputs)
    yield from record_flips(desk, seed, records)
    yield from reader_flips(desk, seed, inputs)
