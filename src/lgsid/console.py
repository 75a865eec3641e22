"""A console of rich that shows data and obeys none of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from lgsid.escaping import printable


class DataConsole(Console):
    """A console for texts of data: no markup in brackets, no names of emojis, no control characters.

    Args:
        options: Options of `rich.console.Console`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of what is printed, their texts without control characters.

        Args:
            renderable: What to print.
            options: How.
        """
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)
