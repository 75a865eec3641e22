"""A column of a user's table, what it is taken for, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

ID_OF_PLACE = (
    "item_id", "place_id", "poi_id", "venue_id", "location_id", "business_id", "fsq_place_id", "gmap_id", "shop_id",
    "store_id", "spot_id", "poi", "venue", "item", "place", "location", "business", "spot",
)  # fmt: skip
NAMES: Mapping[str, tuple[str, ...]] = {
    "item_id": (*ID_OF_PLACE, "id"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "lng", "long", "longitude"),
    "name": ("name", "title", "place_name", "venue_name", "poi_name", "business_name"),
    "category": ("category", "categories", "category_name", "venue_category", "primary_category", "kind", "type"),
    "category_group": ("category_group", "main_category", "top_category", "category_level_1"),
    "brand": ("brand", "chain", "brand_name"),
    "user_id": ("user_id", "uid", "user", "member_id", "visitor_id", "customer_id", "member", "visitor", "customer"),
    "time": (
        "time", "timestamp", "datetime", "utc_time", "local_time", "checkin_time", "check_in_time", "visit_time",
        "visited_at", "created_at", "check_in_at", "date_time", "ts", "date", "when",
    ),
}  # fmt: skip
"""lgsid's column -> what it is called elsewhere, the surest name first."""

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


@dataclass(frozen=True)
class GuessedColumn:
    """One guess.

    Args:
        name: What lgsid calls the column.
        column: What the table calls it.
        why: The reason.
    """

    name: str
    column: str
    why: str


def words_of(header: str) -> tuple[str, ...]:
    """Return the words of a header in lower case: those of `venueId`, `Venue ID` and `venue_id` are the same."""
    return tuple(word.lower() for word in WORDS.findall(header))


def named(name: str, headers: Sequence[str]) -> Iterator[GuessedColumn]:
    """Yield the columns that are called as a column of lgsid is called elsewhere, the surest first.

    A header that is such a name comes before one that ends with it, as `venue latitude` does.

    Args:
        name: What lgsid calls the column.
        headers: What the table calls its columns.
    """
    split = {header: words_of(header) for header in headers}
    known = {synonym: words_of(synonym) for synonym in NAMES[name]}
    for synonym, words in known.items():
        for header, found in split.items():
            if "".join(found) == "".join(words):
                yield GuessedColumn(name, header, f"is called {synonym}")
    for synonym, words in known.items():
        for header, found in split.items():
            if len(found) > len(words) and found[-len(words) :] == words and synonym != "id":
                yield GuessedColumn(name, header, f"its name ends with {synonym}")
