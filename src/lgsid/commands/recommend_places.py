"""`lgsid recommend`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lgsid.errors import LgsidError
from lgsid.escaping import in_json
from lgsid.pipeline.command import command

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lgsid.recommenders.place_filters import PlaceFilter


@command()
def recommend(
    *,
    checkpoint: str,
    dataset: str,
    user: str | None = None,
    history: str | None = None,
    at: str | None = None,
    near: str | None = None,
    radius_km: float | None = None,
    new_only: bool = False,
    category: str | None = None,
    region: str | None = None,
    area: str | None = None,
    among: str | None = None,
    k: int = 10,
    rank_with: str | None = None,
    json: bool = False,
) -> RenderableType:
    """Recommend places to a user, or after a history.

    Args:
        checkpoint: model.ckpt of a recommender.
        dataset: Folder of the dataset it was trained on.
        user: User id; the history is the user's check-ins.
        history: Item ids, oldest first, separated by commas.
        at: Local time of the query, 2012-10-05T19:00; the end of the log by default.
        near: LAT,LON where the user is; the last place by default.
        radius_km: Only places within this distance.
        new_only: Only places the user has not been to.
        category: Only places of these categories or groups of categories, separated by commas.
        region: Only places in these regions, of any level, separated by commas.
        area: Only places inside the polygons of this GeoJSON file.
        among: Only places of this text file, one item id on each line: what is open, or in stock.
        k: How many places.
        rank_with: model.ckpt of a click model; it orders the places that the recommender proposes.
        json: Print JSON.
    """
    from json import dumps

    from lgsid.recommenders.live import recommend as answer

    if user is not None and history is not None:
        raise LgsidError("--history: not allowed with --user; give one of them")
    visits = None if history is None else [part.strip() for part in history.split(",") if part.strip()]
    if visits == []:
        raise LgsidError("--history: no item id in it; leave it out to ask for somebody unknown")
    found = answer(
        checkpoint,
        dataset,
        user=user,
        history=visits,
        at=at,
        near=None if near is None else read_place(near),
        radius_km=radius_km,
        k=k,
        new_only=new_only,
        filters=read_filters(category, region, area, among),
        rank_with=rank_with,
    )
    return in_json(dumps(found.to_dict(), indent=2, ensure_ascii=False)) if json else found


def read_place(text: str) -> tuple[float, float]:
    """Read `LAT,LON`.

    Raises:
        LgsidError: if it is something else.
    """
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        raise LgsidError(f"--near {text!r}: expected LAT,LON in degrees, for example 40.7580,-73.9855") from None
    return lat, lon


def read_filters(category: str | None, region: str | None, area: str | None, among: str | None) -> list[PlaceFilter]:
    """Return the constraints that the options ask for.

    Raises:
        LgsidError: if a list is empty, or a file cannot be read.
    """
    from lgsid.recommenders.place_filters import Among, InPolygon, InRegions, OfCategories

    found: list[PlaceFilter] = []
    for option, text, kind in (("category", category, OfCategories), ("region", region, InRegions)):
        if text is not None:
            names = [part.strip() for part in text.split(",") if part.strip()]
            if not names:
                raise LgsidError(f"--{option}: no name in it; leave it out to allow all")
            found.append(kind(names))
    if area is not None:
        found.append(InPolygon.of_file(area))
    if among is not None:
        found.append(Among.of_file(among))
    return found
