"""Normalize names for comparison: case, accents and punctuation are ignored."""

from __future__ import annotations

import re
import unicodedata

CLOSED_UP = re.compile(r"['\u2019\u2018`\u00b4.]")
NOT_WORD = re.compile(r"[^\w]+|_+")


def normalize_name(text: str) -> tuple[str, ...]:
    """Return the normalized words of a name: no case and accents, "&" is "and", "Joe's" "joes", "T.G.I." "tgi"."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
    return tuple(NOT_WORD.sub(" ", CLOSED_UP.sub("", plain).replace("&", " and ")).split())
