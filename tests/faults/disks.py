"""Disks that are full and files that may not grow: one line, and nothing that was complete is lost."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.desk import COMMANDS, OUTPUT, Desk, contents, failed
from faults.forked import run
from trial.outcome import Outcome

KILOBYTE = 1024


def disks(desk: Desk, seed: int, count: int) -> Iterator[Outcome]:
    """Run commands where the disk is too small, or a file may not grow so large, then where they are not."""
    rng = random.Random(seed)
    names = list(COMMANDS)
    for number in range(count):
        name = names[number // 2 % len(names)]
        words = COMMANDS[name]
        sizes = [len(held) for held in desk.of(name).values()]
        folder = desk.new("full disk")
        if number % 2 and may_mount():
            room = int(sum(sizes) * rng.random()) // KILOBYTE * KILOBYTE + 4 * KILOBYTE
            with small_disk(folder / "disk", room):
                yield judged(desk, f"{name} {number}, disk of {room} bytes", name, words, folder, None)
        else:
            limit = int(max(sizes) * rng.random())
            yield judged(desk, f"{name} {number}, files of {limit} bytes", name, words, folder, limit)


def judged(desk: Desk, case: str, name: str, words: tuple[str, ...], folder: Path, file_size: int | None) -> Outcome:
    """Run a command on too little room, then on enough, and judge both."""
    ended = run(words, folder, file_size)
    if ended.code == 0:
        found = desk.judge(name, folder)
        return Outcome("full disks", case, "wrong accepted" if found else "nothing lost", found)
    if not ended.is_refused:
        return failed("full disks", case, ended, "too little room")
    right = desk.of(name)
    left = contents(folder / OUTPUT)
    half = [key for key, held in left.items() if is_final(key) and right.get(key) != held]
    if half and not name.startswith("fit"):
        return Outcome("full disks", case, "leftovers", f"{half[0]}; {ended.line}")
    if file_size is None:
        grow(folder / "disk")
    again = run(words, folder)
    if again.code != 0:
        return failed("full disks", case, again, "with room again")
    if found := desk.judge(name, folder):
        return Outcome("full disks", case, "lost", found)
    return Outcome("full disks", case, "nothing lost", ended.line)


def is_final(name: str) -> bool:
    """Tell whether a file lies where a result lies, not where a run works until it is complete."""
    return not any(part.endswith((".partial", ".old")) for part in Path(name).parts)


def may_mount() -> bool:
    """Tell whether this process may mount a disk in memory."""
    import os

    return os.geteuid() == 0 and Path("/proc/mounts").exists()


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """Mount an empty disk of so many bytes on a folder."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def grow(folder: Path) -> None:
    """Give a mounted disk all the room that a command could need."""
    subprocess.run(["mount", "-o", "remount,size=256m", str(folder)], check=True)
