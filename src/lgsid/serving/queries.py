"""Requests as queries of a recommender."""

from __future__ import annotations

from datetime import datetime

from lgsid.recommenders.place_filters import Among, InPolygon, InRegions, OfCategories, PlaceFilter
from lgsid.recommenders.place_query import PlaceQuery
from lgsid.serving import schemas as s
from lgsid.serving.limits import Limits
from lgsid.serving.refused import Refused
from lgsid.serving.served_model import ServedModel


def query_of(request: s.Query, k: int, model: ServedModel, limits: Limits) -> PlaceQuery:
    """Return a request as a query for `k` places.

    Raises:
        LgsidError: for an unknown user, a list or a history too long, half a position, or an area that is none.
    """
    if k > limits.k:
        raise Refused(422, f"k {k}: at most {limits.k} places")
    if request.user is not None and model.live.dataset.user_numbers([request.user])[0] < 0:
        raise Refused(404, f"user {request.user!r} is not in the dataset; describe somebody new by a history")
    if request.history is not None and len(request.history) > limits.history:
        raise Refused(422, f"history of {len(request.history)} visits: at most {limits.history}")
    here = None
    if request.latitude is not None and request.longitude is not None:
        here = (request.latitude, request.longitude)
    elif request.latitude is not None or request.longitude is not None:
        raise Refused(422, "latitude and longitude: give both or none")
    history: list[str | tuple[str, str | datetime]] | None = None
    if request.history is not None:
        history = [visit if isinstance(visit, str) else (visit[0], visit[1]) for visit in request.history]
    wanted = request.filters
    filters = [*model.filters, *filters_of(wanted)]
    return PlaceQuery(request.user, history, request.time, here, request.radius_km, k, wanted.new_only, filters)


def filters_of(wanted: s.Filters) -> list[PlaceFilter]:
    """Return the constraints of a request.

    Raises:
        LgsidError: if the area is none.
    """
    found: list[PlaceFilter] = []
    if wanted.category:
        found.append(OfCategories(wanted.category))
    if wanted.region:
        found.append(InRegions(wanted.region))
    if wanted.area is not None:
        found.append(InPolygon.of_geojson(wanted.area))
    if wanted.among is not None:
        found.append(Among(wanted.among))
    return found
