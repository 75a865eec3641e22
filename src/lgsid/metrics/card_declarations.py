"""The numbers of the quality card that tables compare. To add one, add a declaration here; nothing else has to change.

A card (`lgsid.metrics.card.quality_card`) holds more than is compared: here is what has a title, a direction and a
place in tables. Numbers that a card does not have are `None`: a card of codes without places knows no kilometers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lgsid.functional.sids import adjusted_for_chance
from lgsid.metrics.metric_spec import ALL, MetricSpec, Shown

PRIMARY = "km@1"
DEPTHS = 2
"""Prefixes of up to so many codes are compared on the leaderboard."""
ATTRIBUTES = {"category": "category", "region_2": "region"}
"""Columns of the items, and what they are called, that the leaderboard compares: region_2 is the finest of its data."""
Card = Mapping[str, Any]
Reading = Callable[[Card], float | None]


@dataclass(frozen=True, kw_only=True)
class CardMetric(MetricSpec):
    """A number of the card.

    Args:
        value: Card -> the number, `None` where the card does not have it.
        beside: Card -> what random groups of the same sizes have, shown in brackets.
    """

    value: Reading
    beside: Reading | None = None


def entry(*path: str) -> Reading:
    """Return what reads a number inside a card."""

    def read(card: Card) -> float | None:
        found: Any = card
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return None if found is None else float(found)

    return read


def of_prefix(depth: int | None, *path: str) -> Reading:
    """Return what reads a number of the prefixes of some depth, the deepest if `None`."""

    def read(card: Card) -> float | None:
        rows = {row["depth"]: row for row in card.get("by_depth", ())}
        return entry(*path)(rows.get(max(rows, default=0) if depth is None else depth, {}))

    return read


def adjusted(depth: int, column: str) -> Reading:
    """Return what reads the adjusted mutual information of prefixes with a column, also of cards that do not say it."""
    known, chance = of_prefix(depth, "nmi", column), of_prefix(depth, "nmi_random", column)

    def read(card: Card) -> float | None:
        value, random = known(card), chance(card)
        return None if value is None or random is None else adjusted_for_chance(value, random)

    return read


def first_perplexity(card: Card) -> float | None:
    """Return the perplexity of the first code over the size of its codebook."""
    levels = card.get("by_level", ())
    return float(levels[0]["perplexity"] / levels[0]["size"]) if levels else None


def prefix_words(depth: int) -> str:
    """Write which codes a prefix has."""
    return {1: "the first code", 2: "the first two codes"}.get(depth, f"the first {depth} codes")


def prefix_distance(depth: int) -> CardMetric:
    """Declare the distance between places that share their first codes."""
    return CardMetric(
        f"km@{depth}",
        f"km, {depth} code{'s' if depth > 1 else ''}",
        f"Median distance of two places that share {prefix_words(depth)}.",
        False,
        2,
        value=of_prefix(depth, "km", "p50"),
        beside=of_prefix(depth, "km_random", "p50"),
        shown=Shown(report=ALL, documents=ALL, suite=ALL if depth == DEPTHS else (), cards=ALL),
        compared=depth <= DEPTHS,
    )


def information(depth: int, column: str, name: str) -> CardMetric:
    """Declare the mutual information of the first codes with a column of the items that is called `name`."""
    attribute = "finest region" if (column, name) == ("region_2", "region") else name
    return CardMetric(
        f"nmi@{depth}/{column}",
        f"NMI {name}" + (f", {depth}" if depth > 1 else ""),
        f"Information that {prefix_words(depth)} ha{'s' if depth == 1 else 've'} of the {attribute}.",
        value=of_prefix(depth, "nmi", column),
        shown=Shown(suite=ALL if (depth, column) == (1, "category") else ()),
        compared=depth <= DEPTHS and (depth == 1 or column == "category"),
    )


def adjusted_information(depth: int, column: str, name: str) -> CardMetric:
    """Declare the same above chance."""
    above, first = information(depth, column, name), ALL if depth == 1 else ()
    return replace(
        above,
        key=f"ami@{depth}/{column}",
        title=above.title.replace("NMI", "AMI"),
        help=above.help[:-1] + ", above that of random groups.",
        value=adjusted(depth, column),
        shown=replace(above.shown, report=first, documents=first, cards=ALL),
        compared=(depth, column) == (1, "category"),
    )


def next_visit(depth: int) -> tuple[CardMetric, CardMetric]:
    """Declare how many next visits stay within the first codes, and how many times more than by chance."""
    codes = f"{depth} code{'s' if depth > 1 else ''}"
    share = CardMetric(
        f"next_visit@{depth}",
        f"next visit, {codes}",
        f"Share of visits to new places that share {prefix_words(depth)} with the place before.",
        value=of_prefix(depth, "next_visit", "share"),
        beside=of_prefix(depth, "next_visit", "share_random"),
        shown=Shown(report=ALL, cards=ALL),
        compared=False,
    )
    lift = CardMetric(
        f"next_visit_lift@{depth}",
        f"next visit, {codes}, lift",
        "That share over the one expected of random groups of the same sizes.",
        digits=1,
        value=of_prefix(depth, "next_visit", "lift"),
        shown=Shown(cards=ALL),
        compared=False,
    )
    return share, lift


def name_separation(depth: int) -> CardMetric:
    """Declare how well the first codes tell places of one name apart."""
    return CardMetric(
        f"same_name@{depth}",
        f"branches, {depth}",
        f"Share of pairs of one name that {prefix_words(depth)} tell{'s' if depth == 1 else ''} apart.",
        value=of_prefix(depth, "same_name", "pairs"),
        shown=Shown(suite=ALL if depth == DEPTHS else (), cards=ALL),
        compared=depth <= DEPTHS,
    )


WHOLE_CODE: tuple[CardMetric, ...] = (
    CardMetric(
        "branches_apart",
        "branches, all codes",
        "Share of places whose name others have too, that share all codes with none of those.",
        value=of_prefix(None, "same_name", "branches"),
        shown=Shown(report=ALL, cards=ALL),
        compared=False,
    ),
    CardMetric(
        "collision_before",
        "collisions",
        "Share of places that shared all codes before resolution.",
        False,
        value=entry("before_resolution", "collision_rate"),
        shown=Shown(report=ALL, suite=ALL, cards=ALL),
    ),
    CardMetric(
        "collision_rate",
        "after resolution",
        "Share of places that share all codes after resolution.",
        False,
        value=entry("collision_rate"),
        shown=Shown(report=ALL, cards=ALL),
    ),
    CardMetric(
        "distinct_share",
        "distinct",
        "Distinct semantic IDs over places.",
        value=entry("distinct_share"),
        shown=Shown(report=ALL, suite=ALL, documents=ALL, cards=ALL),
    ),
    CardMetric(
        "distinct_before",
        "distinct before",
        "The same before resolution; below 0.7, codebooks are too small or too unevenly used.",
        value=entry("before_resolution", "distinct_share"),
        shown=Shown(cards=ALL),
        compared=False,
    ),
    CardMetric(
        "perplexity_1",
        "used, 1",
        "Perplexity of the first code over its codebook size.",
        value=first_perplexity,
        shown=Shown(cards=ALL),
    ),
    CardMetric(
        "joint_entropy_normalised",
        "entropy",
        "Entropy of the semantic IDs over the largest that the places and codebooks allow.",
        value=entry("joint_entropy_normalised"),
        shown=Shown(report=ALL, cards=ALL),
        compared=False,
    ),
    CardMetric(
        "reconstruction_error",
        "error",
        "Share of the vectors' variance that the codes lose.",
        False,
        value=entry("reconstruction_error"),
        shown=Shown(cards=ALL),
    ),
)


def card_metrics(depths: int = DEPTHS, attributes: Mapping[str, str] = ATTRIBUTES) -> tuple[CardMetric, ...]:
    """Return the numbers of a card that tables show.

    Args:
        depths: Prefixes of up to so many codes have columns.
        attributes: Column of the items -> what it is called.
    """
    levels = range(1, depths + 1)
    return (
        *(prefix_distance(depth) for depth in levels),
        *(information(depth, column, name) for depth in levels for column, name in attributes.items()),
        *(adjusted_information(depth, column, name) for depth in levels for column, name in attributes.items()),
        *(metric for depth in levels for metric in next_visit(depth)),
        *(name_separation(depth) for depth in levels),
        *WHOLE_CODE,
    )
