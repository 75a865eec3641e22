"""Compare texts without regard to case, accents and punctuation."""

from __future__ import annotations

import re
import unicodedata

CLOSED_UP = re.compile(r"['\u2019\u2018`\u00b4.]")
NOT_WORD = re.compile(r"[^\w]+|_+")


def plain_words(text: str) -> tuple[str, ...]:
    """Return the words of a text: lower case, no accents, "&" as "and", "Joe's" as "joes", "T.G.I." as "tgi"."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
    return tuple(NOT_WORD.sub(" ", CLOSED_UP.sub("", plain).replace("&", " and ")).split())
