"""Faults: kills, full disks, two commands at once, flipped bytes."""

from trial.outcome import Family

FAMILIES: dict[str, Family] = {}
