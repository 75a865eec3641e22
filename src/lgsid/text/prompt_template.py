"""Prompts of places: a content half and a location half."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from lgsid.artefacts import Items
from lgsid.errors import LgsidError
from lgsid.text.grid_cells import LEVELS, cell_level, cell_texts

GROUP = re.compile(r"\[([^\[\]]*)\]")
JOINERS = " \t\n,;:|/·"

# (is optional, pieces); a piece is (literal, field, format spec), as `string.Formatter.parse` gives them
Piece = tuple[str, str | None, str]
Part = tuple[bool, list[Piece]]


class PromptTemplate:
    """Template of prompts in two halves: what a place is (content) and where it is (location).

    A template is a Python format string over the columns of the items table: `{name}`, `{category}`,
    `{category_group}`, `{brand}`, `{region_1}` .., `{lat:.4f}`, `{lon:.4f}`, or any further column; and over the cells
    of a grid that is fixed to the globe, `{cell_1}` (10 degrees on a side) to `{cell_5}` (0.001 degrees, some 100 m),
    each the row and column within the cell before it (`lgsid.text.grid_cells`):
    `cells {cell_2}, {cell_3}, {cell_4}, {cell_5}` reads "cells 0 6, 7 0, 1 0, 2 6". A part in square brackets is
    printed only if none of its fields is empty: `{category}[ ({category_group})][, {name}]`.
    A region level that repeats one already printed counts as empty: a place in no neighborhood may carry its county
    twice. What an empty field leaves outside brackets is tidied: joining punctuation (`, ; : | /`) is neither doubled
    nor left at an end of the half.

    Source: the halves follow the prompt mismatching of LGSID, `P_i^j = [content_i, location_j]` (arXiv 2511.14221); the
    wording is ours.

    Args:
        content: Template of the first half, what the place is.
        location: Template of the second half, where it is.
        separator: Text between the halves; left out if a half is empty.

    Raises:
        LgsidError: if a template is not well formed.
    """

    def __init__(
        self,
        content: str = "{category}[ ({category_group})][, {name}]",
        location: str = "[{region_3}, ][{region_2}, ][{region_1}, ]latitude {lat:.4f}, longitude {lon:.4f}",
        separator: str = ". ",
    ) -> None:
        self.content = content
        self.location = location
        self.separator = separator
        self._content = _parse(content, "content")
        self._location = _parse(location, "location")

    def contents(self, items: Items) -> list[str]:
        """Return the content half of every item, N texts."""
        return _render(self._content, items, "content")

    def locations(self, items: Items) -> list[str]:
        """Return the location half of every item, N texts."""
        return _render(self._location, items, "location")

    def join(self, content: str, location: str) -> str:
        """Return the prompt of a content at a location."""
        return self.separator.join(half for half in (content, location) if half)

    def prompts(self, items: Items) -> list[str]:
        """Return the full prompt of every item, N texts."""
        return [self.join(*halves) for halves in zip(self.contents(items), self.locations(items), strict=True)]

    def without(self, is_left_out: Callable[[str], bool]) -> PromptTemplate:
        """Return a template that leaves fields out, as if they were empty everywhere, with the words before them.

        Args:
            is_left_out: Name of a field -> whether it is left out. A part in brackets goes with any of its fields.
        """
        content, location = (_without(parts, is_left_out) for parts in (self._content, self._location))
        return PromptTemplate(content, location, self.separator)

    def describe(self) -> dict[str, str]:
        """Return the templates as plain values, for the metadata of artefacts."""
        return {"content": self.content, "location": self.location, "separator": self.separator}


def _parse(template: str, half: str) -> list[Part]:
    parts: list[Part] = []
    position = 0
    for match in GROUP.finditer(template):
        parts.append((False, _pieces(template[position : match.start()], template, half)))
        parts.append((True, _pieces(match.group(1), template, half)))
        position = match.end()
    parts.append((False, _pieces(template[position:], template, half)))
    return parts


def _pieces(text: str, template: str, half: str) -> list[Piece]:
    if "[" in text or "]" in text:
        raise LgsidError(f"prompt template, {half}: brackets do not match or are nested in {template!r}")
    try:
        pieces = [(literal, field, spec or "") for literal, field, spec, _ in string.Formatter().parse(text)]
    except ValueError as error:
        raise LgsidError(f"prompt template, {half}: {error} in {template!r}") from error
    wrong = [field for _, field, _ in pieces if field is not None and not field.isidentifier()]
    if wrong:
        raise LgsidError(f"prompt template, {half}: {wrong[0]!r} is no column name in {template!r}")
    return pieces


def _without(parts: Iterable[Part], is_left_out: Callable[[str], bool]) -> str:
    texts: list[str] = []
    for optional, pieces in parts:
        kept = [piece for piece in pieces if piece[1] is None or not is_left_out(piece[1])]
        if optional and len(kept) < len(pieces):
            continue
        text = "".join(_piece_text(*piece) for piece in kept)
        texts.append(f"[{text}]" if optional else text)
    return "".join(texts)


def _piece_text(literal: str, field: str | None, spec: str) -> str:
    words = literal.replace("{", "{{").replace("}", "}}")
    return words if field is None else f"{words}{{{field}{f':{spec}' if spec else ''}}}"


def _render(parts: Iterable[Part], items: Items, half: str) -> list[str]:
    parts = list(parts)
    columns = {
        (field, spec): _column(items, field, spec, half)
        for _, pieces in parts
        for _, field, spec in pieces
        if field is not None
    }
    return [_text(parts, columns, row) for row in range(len(items))]


def _column(items: Items, field: str, spec: str, half: str) -> list[str]:
    if field not in items.frame.columns or field == items.frame.geometry.name:
        known = [str(c) for c in items.frame.columns if c != items.frame.geometry.name]
        if is_region(field):
            return [""] * len(items)  # datasets differ in the number of region levels; a missing one is empty
        if (level := cell_level(field)) is not None:
            return cell_texts(items.lat_deg, items.lon_deg, level)
        raise LgsidError(
            f"prompt template, {half}: unknown field {field!r}; known are {', '.join(known)}, cell_1 to cell_{LEVELS}"
        )
    values: npt.NDArray[np.object_] = items.frame[field].astype(object).to_numpy(dtype=object)
    try:
        return ["" if _is_missing(value) else format(value, spec).strip() for value in values]
    except (ValueError, TypeError) as error:
        raise LgsidError(f"prompt template, {half}: cannot format field {field!r} as {spec!r} ({error})") from error


def is_region(field: str | None) -> bool:
    """Tell whether a field names a region level."""
    return field is not None and re.fullmatch(r"region_\d+", field) is not None


def _is_missing(value: object) -> bool:
    return value is None or value == "" or bool(value != value)


def _text(parts: Sequence[Part], columns: dict[tuple[str, str], list[str]], row: int) -> str:
    texts: list[str] = []
    regions: set[str] = set()
    untidy = False
    for optional, pieces in parts:
        values = ["" if field is None else columns[field, spec][row] for _, field, spec in pieces]
        values = [
            "" if is_region(field) and v in regions else v for (_, field, _), v in zip(pieces, values, strict=True)
        ]
        has_gap = any(field is not None and not value for (_, field, _), value in zip(pieces, values, strict=True))
        if optional and has_gap:
            continue
        untidy |= has_gap
        regions |= {value for (_, field, _), value in zip(pieces, values, strict=True) if is_region(field)}
        texts += [text for (literal, _, _), value in zip(pieces, values, strict=True) for text in (literal, value)]
    text = "".join(texts)
    if untidy:
        text = re.sub(r"\(\s*\)", "", text)
        text = re.sub(r"\s+([,;:|])", r"\1", text)
        text = re.sub(r"([,;:|/])(?:\s*[,;:|/])+", r"\1", text)
    return " ".join(text.split()).strip(JOINERS)
