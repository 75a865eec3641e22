"""`lgsid part-name`."""

from __future__ import annotations

from lgsid.errors import LgsidError
from lgsid.pipeline.command import command


@command()
def part_name(dataset: str, lat: float, lon: float, *, k: int = 5) -> str:
    """List the places of a dataset that are nearest to a point.

    Args:
        dataset: Folder of a prepared dataset.
        lat: Latitude of the point in degrees.
        lon: Longitude of the point in degrees.
        k: Number of places.

    Returns:
        A line for each place, the nearest first: what is returned is printed.
    """
    from lgsid.artefacts import Dataset  # heavy packages are imported here, so that `lgsid --help` stays quick
    from lgsid.geo.neighbors import nearest_places

    if k < 1:
        raise LgsidError(f"-k must be at least 1, not {k}")
    items = Dataset.read(dataset).items
    rows, km = nearest_places(items.lat_deg, items.lon_deg, min(k, len(items)), [lat], [lon])
    return "\n".join(f"{items.ids[row]} {distance:.3f} km" for row, distance in zip(rows[0], km[0], strict=True))
