"""Two commands at once in one folder: one result, whole, of one of them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from faults.desk import COMMANDS, Desk, failed
from faults.forked import Running
from trial.outcome import Outcome


def pairs(desk: Desk, seed: int, count: int) -> Iterator[Outcome]:
    """Start a command twice, the second a moment after the first."""
    rng = random.Random(seed)
    names = list(COMMANDS)
    for number in range(count):
        name = names[number % len(names)]
        case = f"{name} {number}"
        words = COMMANDS[name]
        desk.of(name)
        folder = desk.new("two at once")
        first = Running(words, folder)
        first.wait(rng.random() ** 2)
        second = Running(words, folder)
        while not first.wait(0.02) & second.wait(0.02):  # both are listened to, so that neither waits for its pipe
            pass
        ended = [first.end(), second.end()]
        bad = [one for one in ended if one.code != 0 and not one.is_refused]
        if bad:
            yield failed("two at once", case, bad[0], "two at once")
        elif all(one.code != 0 for one in ended):
            yield Outcome("two at once", case, "lost", f"both refused: {ended[0].line}")
        elif found := desk.judge(name, folder):
            yield Outcome("two at once", case, "wrong accepted", found)
        else:
            refused = [one.line for one in ended if one.code]
            yield Outcome("two at once", case, "nothing lost", refused[0] if refused else "both went through")
