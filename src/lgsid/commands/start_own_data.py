"""`lgsid init`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lgsid.errors import LgsidError
from lgsid.pipeline.command import command
from lgsid.terminal import columns

FEW_PLACES = 2000  # below which codebooks and epochs are those of the demo
WHOLE_JOB, SMALL_JOB = "foursquare_nyc", "demo"  # pipelines to start from


@command()
def init(
    places: str,
    check_ins: str,
    *,
    name: str = "my_city",
    output: str = ".",
    place: Sequence[str] = (),
    check_in: Sequence[str] = (),
    time_zone: str | None = None,
    time_format: str | None = None,
    time_unit: str | None = None,
) -> str:
    """Write a dataset config and a pipeline for two tables of your own.

    Columns are guessed from their names and values; each guess is shown with its reason. Nothing is overwritten.

    Args:
        places: Table of places, CSV (also .gz) or Parquet, with an id, a latitude and a longitude.
        check_ins: Table of check-ins with a user, a place and a time.
        name: Name of the dataset and of the pipeline.
        output: Folder for the two files.
        place: NAME=COLUMN, a column of the places: item_id, lat, lon, name, category, category_group or brand
            (repeatable).
        check_in: NAME=COLUMN, a column of the check-ins: user_id, item_id or time (repeatable).
        time_zone: IANA time zone of local hours and of times without an offset, such as Europe/Berlin.
        time_format: Format of the times as of strptime.
        time_unit: Unit of times that are numbers since 1970: s, ms, us or ns.

    Raises:
        LgsidError: if a column cannot be found, or a file exists already.
    """
    from lgsid.artefacts.files import write_text
    from lgsid.artefacts.names import check_name
    from lgsid.datasets.guess import DatasetRecipe

    check_name(name, "--name")
    folder = Path(output)
    config, pipeline = folder / f"{name}.yaml", folder / f"{name}_pipeline.yaml"
    for path in (config, pipeline):
        if path.exists():
            raise LgsidError(f"{path}: exists already, and is not overwritten; choose another --name or --output")
    recipe = DatasetRecipe.guessed(places, check_ins, place, check_in, time_zone, time_format, time_unit)
    write_text(config, recipe.config(name, folder))
    write_text(pipeline, pipeline_text(name, config.name, len(recipe.places.frame)))
    return "\n".join(
        [
            columns(list(recipe.lines())),
            f"{config}: written",
            f"{pipeline}: written",
            f"Next: lgsid data describe {config}, then lgsid run {pipeline}",
        ]
    )


def pipeline_text(name: str, config: str, n_places: int) -> str:
    """Return the pipeline of the whole job, whose first stage prepares a dataset config beside it."""
    from lgsid.config.config_files import config_root

    model = SMALL_JOB if n_places < FEW_PLACES else WHOLE_JOB
    lines = (config_root() / "pipelines" / f"{model}.yaml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("#", "name:"))]
    data = next(number for number, line in enumerate(kept) if line.startswith("  data:"))
    kept[data] = f"  data: {{command: data prepare, config: '{config}'}}"
    head = [f"# The whole job on {config}. Written by `lgsid init`; parts are lgsid's own configs.", f"name: '{name}'"]
    return "\n".join([*head, *kept, ""])
