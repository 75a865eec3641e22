"""What `lgsid recommend` answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

WIDTH = 80
HEADINGS = ("#", "place", "category", "region", "km", "score", "SID")
SHARES = {"place": 0.42, "category": 0.28, "region": 0.3}  # of the room that the other columns leave


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
    """

    rank: int
    item_id: str
    name: str
    category: str
    region: str
    km: float | None
    score: float
    sid: tuple[int, ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of its line in a table, one for each of `HEADINGS`."""
        km = "" if self.km is None else f"{self.km:.2f}" if self.km < 10 else f"{self.km:.0f}"
        sid = "-".join(map(str, self.sid))
        return (str(self.rank), self.label, self.category, self.region, km, f"{self.score:.3g}", sid)

    @property
    def label(self) -> str:
        """The name, or the category and the id where there is no name."""
        return self.name or f"{self.category or 'place'} #{self.item_id}"


@dataclass(frozen=True)
class Recommendations:
    """Recommended places, best first; prints as a table of 80 columns.

    Args:
        model: Name of the model's class.
        user: Whom they are for, None for somebody unknown.
        at: Local time they are for.
        items: The places.
    """

    model: str
    user: str | None
    at: str
    items: tuple[Recommendation, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "model": self.model,
            "user": self.user,
            "at": self.at,
            "items": [{**asdict(item), "sid": list(item.sid)} for item in self.items],
        }

    def __rich__(self) -> Table:
        """Return the table."""
        whom = f"user {self.user}" if self.user is not None else "a visitor"
        title = Text(f"{self.model} for {whom} at {self.at.replace('T', ' ')}")
        table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
        rows = [item.cells for item in self.items]
        names = HEADINGS if any(item.sid for item in self.items) else HEADINGS[:-1]
        fixed = {name: max(len(row[i]) for row in [HEADINGS, *rows]) for i, name in enumerate(names)}
        room = WIDTH - sum(width + 1 for name, width in fixed.items() if name not in SHARES) - len(SHARES)
        for name in names:
            if name in SHARES:
                width = min(fixed[name], max(4, int(room * SHARES[name])))
                table.add_column(name, no_wrap=True, overflow="ellipsis", width=width)
            else:
                justify: JustifyMethod = "left" if name == "SID" else "right"
                table.add_column(name, no_wrap=True, justify=justify, min_width=fixed[name])
        for row in rows:
            table.add_row(*(Text(cell) for cell in row[: len(names)]))  # Text: names are not markup
        return table
