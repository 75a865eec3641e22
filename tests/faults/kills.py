"""SIGKILL at any moment: what was complete stays, nothing half-written counts, and running again ends right."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

from faults.desk import JOBS, OUTPUT, PIPELINE, Desk, contents, difference, failed, mended
from faults.forked import Running, run
from lgsid.artefacts.names import STAGE_FILE
from trial.outcome import Outcome

SHORTEST, LONGEST = 0.01, 4.0  # seconds until a kill
TRAINS = "fit"  # commands whose checkpoint of an earlier epoch is a result, too


def delay(rng: random.Random) -> float:
    """Draw the seconds until a kill; short ones as often as long ones."""
    return float(SHORTEST * (LONGEST / SHORTEST) ** rng.random())


def pipeline_kills(desk: Desk, seed: int, count: int) -> Iterator[Outcome]:
    """Kill a pipeline over and over until it is through, then begin anew; now and then while it repeats a stage."""
    rng = random.Random(seed)
    right = desk.of("pipeline")
    number = 0
    while number < count:
        folder = desk.new("killed pipeline")
        complete: set[str] = set()
        through = False
        while number < count and not through:
            again = rng.choice(sorted(complete)) if complete and rng.random() < 0.3 else None
            words = [*PIPELINE, *(["--force", again] if again else [])]
            running = Running(words, folder)
            running.wait(delay(rng))
            if not running.kill():
                ended = running.end()
                if ended.code != 0:
                    yield failed("kills", f"pipeline {number}", ended, "run again")
                    number += 1
                    break
                through = again is None
                continue
            running.end()
            number += 1
            now = complete_stages(folder / OUTPUT)
            differences = {name: stage_difference(folder, name, right) for name in sorted(now)}
            wrong = next((f"{name}: {text}" for name, text in differences.items() if text), "")
            lost = complete - now - {again}
            if wrong:
                yield Outcome("kills", f"pipeline {number}", "wrong accepted", wrong)
            elif lost:
                yield Outcome("kills", f"pipeline {number}", "lost", f"stages {sorted(lost)}")
            else:
                yield Outcome("kills", f"pipeline {number}", "nothing lost")
            complete = now
        ended = run(PIPELINE, folder)
        found = difference(contents(folder / OUTPUT), right)
        last = mended("kills", f"pipeline {number}, end", ended, found, "run again")
        if not last.is_good:
            yield last


def complete_stages(run_folder: Path) -> set[str]:
    """Return the stages whose folder has its name and a full record, as a reader would take for complete."""
    names = set()
    for path in run_folder.glob(f"*/{STAGE_FILE}"):
        if path.parent.suffix not in (".partial", ".old") and "files" in json.loads(path.read_text()):
            names.add(path.parent.name)
    return names


def stage_difference(folder: Path, stage: str, right: Mapping[str, bytes]) -> str:
    """Return how the folder of a stage differs from that of an unbroken run."""
    mine = {name: held for name, held in right.items() if name.split("/")[0] == stage}
    found = contents(folder / OUTPUT)
    return difference({name: held for name, held in found.items() if name.split("/")[0] == stage}, mine)


def command_kills(desk: Desk, seed: int, count: int) -> Iterator[Outcome]:
    """Kill single commands, look at what they left, and give the same command again."""
    rng = random.Random(seed)
    for number in range(count):
        name = list(JOBS)[number % len(JOBS)]
        case = f"{name} {number}"
        right = desk.of(name)
        folder = desk.new("killed command")
        running = Running(JOBS[name], folder)
        running.wait(delay(rng) / 2)
        running.kill()
        running.end()
        left = {key: held for key, held in contents(folder / OUTPUT).items() if not key.endswith(".partial")}
        half = [] if TRAINS in name else [key for key, held in left.items() if right.get(key, held) != held]
        ended = run(JOBS[name], folder)
        if half:
            yield Outcome("kills", case, "wrong accepted", f"{half[0]} is half-written")
        else:
            yield mended("kills", case, ended, desk.judge(name, folder), "again")


def kills(desk: Desk, seed: int, count: int) -> Iterator[Outcome]:
    """Kill, `count` times in all, two thirds of them pipelines."""
    yield from pipeline_kills(desk, seed, count - count // 3)
    yield from command_kills(desk, seed, count // 3)
