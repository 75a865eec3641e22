"""The settings of a suite of vectors as curves: the means over the seeds of its result files."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from lgsid.benchmark.board import COMPARISON_FILE
from lgsid.benchmark.result_file import read_result
from lgsid.errors import LgsidError
from lgsid.metrics.next_place_declarations import CUT_OFF, HIT, LAST, with_distance
from lgsid.metrics.place_vector_declarations import COVERAGE_KEY, ORACLE_KEY, PRIMARY, PURITY_KEY
from lgsid.plots.alignment_dial import DialPoint

SETTING = re.compile(r"(?P<name>.+)_(?P<value>\d+)")
UNALIGNED, DISTANCE = "unaligned", "distance"
ADDED = f"{with_distance(LAST).key}/{HIT.name}@{CUT_OFF}"
NUMBERS = (PURITY_KEY, COVERAGE_KEY, ORACLE_KEY, PRIMARY, ADDED)


def dial_points(folder: Path) -> tuple[dict[str, list[DialPoint]], DialPoint, float | None]:
    """Read the result files of one dataset.

    Returns:
        Setting -> its values, from small to large; the unaligned encoder; Hit@10 of nearness alone, if it was measured.

    Raises:
        LgsidError: if there is no setting, or no unaligned encoder beside them.
    """
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    for path in sorted(folder.glob("*.json")):
        if path.name != COMPARISON_FILE:
            result = read_result(path)
            found[result["method"]["name"]].append(result["metrics"])
    means = {
        name: {key: fmean(one[key] for one in seeds) for key in NUMBERS if all(key in one for one in seeds)}
        for name, seeds in found.items()
    }
    settings = {name: match for name in means if (match := SETTING.fullmatch(name))}
    if not settings or UNALIGNED not in means:
        raise LgsidError(f"{folder}: no results of settings beside {UNALIGNED}; run the suite alignment_dial")
    series: dict[str, list[DialPoint]] = defaultdict(list)
    for name, match in sorted(settings.items(), key=lambda one: (one[1]["name"], int(one[1]["value"]))):
        series[match["name"]].append(dial_point(match["value"], means[name]))
    return dict(series), dial_point(UNALIGNED, means[UNALIGNED]), means.get(DISTANCE, {}).get(ADDED)


def dial_point(label: str, numbers: dict[str, float]) -> DialPoint:
    """Return one setting."""
    return DialPoint(label, *(numbers[key] for key in NUMBERS))
