"""Recommended places: as a table, a data frame, JSON and HTML."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import pandas as pd
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from lgsid.console import DataConsole
from lgsid.escaping import one_line

WIDTH = 80
HEADINGS = ("#", "item", "place", "category", "region", "km", "p", "score", "SID", "why")
NUMBERS = ("#", "km", "p", "score")
SHARES = {"place": 0.42, "category": 0.28, "region": 0.3}  # of the room that the other columns leave
NARROWEST = 8  # a column that would be narrower is left out


@dataclass(frozen=True)
class Recommendation:
    """One recommended place.

    Args:
        rank: From 1.
        item_id: Its id in the dataset.
        name: Its name, empty where unknown.
        category: Its category, empty where unknown.
        region: The finest known region, empty where unknown.
        km: Distance from the user, None where that is unknown.
        score: Of the model, higher is better.
        sid: Its semantic ID, empty where the model has none.
        visits: Past check-ins of the user there.
        probability: Of the place among all places, None where the model has no probabilities.
        why: What speaks for it, in a few words: visited before, others went on to it from here, near.
    """

    rank: int
    item_id: str
    name: str
    category: str
    region: str
    km: float | None
    score: float
    sid: tuple[int, ...] = ()
    visits: int = 0
    probability: float | None = None
    why: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of its line in a table, one for each of `HEADINGS`."""
        km = "" if self.km is None else f"{self.km:.2f}" if self.km < 10 else f"{self.km:.0f}"
        sid = "-".join(map(str, self.sid))
        texts = map(one_line, (self.item_id, self.name, self.category, self.region))
        p = "" if self.probability is None else f"{self.probability:.3f}"
        score = f"{self.score:.3g}" if self.probability is None else ""
        return (str(self.rank), *texts, km, p, score, sid, self.why)


@dataclass(frozen=True, repr=False)
class Recommendations:
    """Recommended places, best first; prints as a table of 80 columns, wider only where ids or codes need it.

    Args:
        model: Name of the model's class.
        user: Whom they are for, None for somebody unknown.
        at: Local time they are for.
        items: The places.
        standing_at: Item id of the place where the model takes the user to be, None where no position was given.
    """

    model: str
    user: str | None
    at: str
    items: tuple[Recommendation, ...]
    standing_at: str | None = None

    def __len__(self) -> int:
        """Return the number of places."""
        return len(self.items)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "model": self.model,
            "user": self.user,
            "at": self.at,
            "standing_at": self.standing_at,
            "items": [{**asdict(item), "sid": list(item.sid)} for item in self.items],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a table with the fields of `Recommendation`; km and probability NaN where unknown."""
        frame = pd.DataFrame([vars(item) for item in self.items], columns=[f.name for f in fields(Recommendation)])
        return frame.astype({"km": float, "probability": float})

    @property
    def title(self) -> str:
        """Which model recommends to whom, and when."""
        whom = f"user {self.user}" if self.user is not None else "a visitor"
        return f"{self.model} for {whom} at {self.at.replace('T', ' ')}"

    def __repr__(self) -> str:
        """Return the table as text."""
        width = sum(self._widths().values()) + len(HEADINGS)
        with io.StringIO() as text:
            DataConsole(file=text, width=max(WIDTH, width), color_system=None, force_terminal=False).print(self)
            return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        frame = self.to_frame().drop(columns="rank").rename_axis(self.title, axis="columns")
        frame["sid"] = ["-".join(map(str, sid)) for sid in frame["sid"]]
        return frame.set_axis(range(1, len(frame) + 1)).to_html(na_rep="", float_format="{:.3g}".format)

    def __rich__(self) -> Table:
        """Return the table for a terminal: ids, numbers and codes in full, texts as far as there is room."""
        widths = self._widths()
        table = Table(title=Text(self.title), title_justify="left", box=None, padding=(0, 1, 0, 0))
        for name, width in widths.items():
            justify: JustifyMethod = "right" if name in NUMBERS else "left"
            if name in ("item", "SID"):  # in full, on several lines where the terminal is too narrow
                table.add_column(name, overflow="fold", width=width)
            else:
                table.add_column(name, no_wrap=True, overflow="ellipsis", justify=justify, width=width, min_width=width)
        for item in self.items:
            table.add_row(*(Text(item.cells[HEADINGS.index(name)]) for name in widths))  # Text: names are not markup
        return table

    def _widths(self) -> dict[str, int]:
        """Return the widths of the columns that have something to show."""
        columns = dict(zip(HEADINGS, zip(*(item.cells for item in self.items), strict=True), strict=True))
        return column_widths({name: max(map(len, (name, *cells))) for name, cells in columns.items() if any(cells)})


def column_widths(needed: Mapping[str, int]) -> dict[str, int]:
    """Share the room among the columns.

    Args:
        needed: Column -> width of its longest cell, in the order of the table.

    Returns:
        Column -> width. Texts share what the other columns leave of `WIDTH`; those without room are left out, regions
        first and categories next, never the names.
    """
    widths = dict(needed)
    for dropped in (None, "region", "category"):
        if dropped is not None:
            widths.pop(dropped, None)
        texts = [name for name in widths if name in SHARES]
        room = WIDTH - sum(width for name, width in widths.items() if name not in SHARES) - len(widths)
        if not texts or room >= NARROWEST * len(texts):
            break
    total = sum(SHARES[name] for name in texts)
    for name in texts:
        widths[name] = min(widths[name], max(NARROWEST, int(room * SHARES[name] / total)))
    return widths
