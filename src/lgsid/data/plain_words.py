"""Compare texts without regard to case, accents and punctuation."""

from __future__ import annotations

import re
import unicodedata

APOSTROPHES = re.compile(r"['\u2019\u2018`\u00b4]")
NOT_WORD = re.compile(r"[^\w]+|_+")


def plain_words(text: str) -> tuple[str, ...]:
    """Return the words of a text: lower case, no accents, "&" as "and", apostrophes closed up ("Joe's" -> "joes")."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
    return tuple(NOT_WORD.sub(" ", APOSTROPHES.sub("", plain).replace("&", " and ")).split())
