"""Quality cards beside each other, as tables for a terminal of 80 columns, made from the declarations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lgsid.errors import LgsidError
from lgsid.metrics.card_declarations import CardMetric, card_metrics
from lgsid.metrics.card_view import SHORT, narrow_table

WIDTH = 80
NOTHING = "-"


def compare_cards(cards: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    """Return the declared numbers of cards, a column each, at most 80 columns wide.

    Args:
        cards: What `quality_card` found, by the file it is of.

    Raises:
        LgsidError: if there are more cards than letters to name them by.
    """
    if len(cards) > len(ascii_uppercase):
        raise LgsidError(f"card: compares at most {len(ascii_uppercase)} files, got {len(cards)}")
    letters = dict(zip(ascii_uppercase, cards.values(), strict=False))
    parts: list[RenderableType] = [Text(f"{name}  {path}") for name, path in zip(letters, cards, strict=True)]
    metrics, names = declared(list(letters.values())), list(letters)
    columns = {name: [cell(metric, card) for metric in metrics] for name, card in letters.items()}
    titles = [metric.title for metric in metrics]
    widest = max(len(text) for column in columns.values() for text in column) + 1
    in_a_table = max((WIDTH - max(map(len, titles))) // widest, 1)
    for start in range(0, len(names), in_a_table):
        shown = names[start : start + in_a_table]
        rows = list(zip(titles, *(columns[name] for name in shown), strict=True))
        parts += [Text(), narrow_table("In brackets: of random groups of the same sizes", ("", *shown), rows)]
    return Group(*parts)


def declared(cards: Sequence[Mapping[str, Any]]) -> list[CardMetric]:
    """Return the metrics that any of the cards has, in the order of their declaration."""
    rows = [(row, card["items"]) for card in cards for row in card["by_depth"]]
    columns = dict.fromkeys(column for row, _ in rows for column in row["nmi"])
    attributes = {column: SHORT.get(column, column) for column in columns}
    shared = [row["depth"] for row, n_items in rows if row["prefixes"] < n_items]  # below, every item is alone
    metrics = card_metrics(max(shared, default=1), attributes)
    return [m for m in metrics if m.shown.cards and any(m.value(card) is not None for card in cards)]


def cell(metric: CardMetric, card: Mapping[str, Any]) -> str:
    """Write a number of a card, in brackets that of random groups where there is one."""
    value, chance = metric.value(card), None if metric.beside is None else metric.beside(card)
    beside = "" if chance is None else f" ({chance:,.{metric.digits}f})"
    return NOTHING if value is None else f"{value:,.{metric.digits}f}{beside}"
