"""Turn a finished run folder into one result file: the numbers of its report, and how each stage came about.

    python benchmarks/collect_run.py runs/foursquare_nyc

writes `benchmarks/results/foursquare_nyc/<seed>.json`. It holds no row of data, no user, and no path of this machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lgsid.artefacts.files import read_json, write_json
from lgsid.errors import LgsidError
from lgsid.pipeline.provenance import without_paths

RESULTS = Path(__file__).resolve().parent / "results"
LEFT_OUT = ("figures", "stages")


def collect(run_folder: Path) -> dict[str, Any]:
    """Return the content of a result file.

    Args:
        run_folder: A run folder whose last stage wrote a report.

    Raises:
        LgsidError: if the folder holds no report.
    """
    reports = sorted(run_folder.glob("*/report.json"))
    if not reports:
        raise LgsidError(f"{run_folder}: no report in it; finish the pipeline with `lgsid run`")
    numbers = {key: value for key, value in read_json(reports[0]).items() if key not in LEFT_OUT}
    records = [read_json(path) for path in sorted(run_folder.glob("*/provenance.json"))]
    stages = {record["stage"]: without_paths(record, run_folder) for record in records if "stage" in record}
    if not stages:
        raise LgsidError(f"{run_folder}: no provenance.json in its stages; run it with `lgsid run`")
    first = next(iter(stages.values()))
    return {"pipeline": first.get("pipeline"), "seed": first.get("seed"), **numbers, "stages": stages}


def main() -> None:
    """Write the result file of one run folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_folder", type=Path)
    parser.add_argument("--output", type=Path, help="benchmarks/results/<pipeline>/<seed>.json by default")
    options = parser.parse_args()
    result = collect(options.run_folder)
    output = options.output or RESULTS / str(result["pipeline"]) / f"{result['seed']}.json"
    write_json(output, result)


if __name__ == "__main__":
    main()
