"""What `lgsid recommend` answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table
from rich.text import Text


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
        table = Table(title=f"{self.model} for {whom} at {self.at.replace('T', ' ')}", title_justify="left", box=None)
        table.add_column("#", justify="right", no_wrap=True)
        table.add_column("place", no_wrap=True, overflow="ellipsis", ratio=4)
        table.add_column("category", no_wrap=True, overflow="ellipsis", ratio=3)
        table.add_column("region", no_wrap=True, overflow="ellipsis", ratio=3)
        table.add_column("km", justify="right", no_wrap=True)
        table.add_column("score", justify="right", no_wrap=True)
        if any(item.sid for item in self.items):
            table.add_column("SID", no_wrap=True)
        for item in self.items:
            km = "" if item.km is None else f"{item.km:.2f}" if item.km < 10 else f"{item.km:.0f}"
            texts = (str(item.rank), item.label, item.category, item.region, km, f"{item.score:.3g}")
            cells = [Text(text) for text in texts]  # names are not markup
            if item.sid:
                cells.append(Text("-".join(map(str, item.sid))))
            table.add_row(*cells)
        return table
