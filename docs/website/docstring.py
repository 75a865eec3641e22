"""A Google docstring as Markdown: its paragraphs, and its arguments as a table."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

from lgsid.pipeline.command import argument_texts

SECTION = re.compile(r"^(Args|Returns|Raises|Yields|Attributes|Example|Examples):$")
SOURCE = re.compile(
    r"arXiv[ :]?\d{4}\.\d{4,5}"
    r"|[A-Z][\w-]+(?:,? [A-Z][\w-]+)*(?: et al\.| and (?:[A-Z]\. )?[A-Z][\w-]+)?,? (?:19|20)\d\d[a-z]?\b"
)
INLINE_CODE = re.compile(r"(`[^`]*`)")
MARKUP = re.compile(r"([*_<|\[\]])")


@dataclass(frozen=True)
class Docstring:
    """What a docstring says.

    Args:
        text: Paragraphs before the sections, as Markdown.
        arguments: Name of an argument -> what it is, as Markdown.
    """

    text: str
    arguments: dict[str, str]

    @classmethod
    def of(cls, value: object) -> Docstring:
        """Return the docstring of a class or function."""
        found = inspect.getdoc(value) or ""
        lines = found.splitlines()
        end = next((number for number, line in enumerate(lines) if SECTION.match(line)), len(lines))
        return cls(escaped("\n".join(lines[:end]).strip()), {k: cell(v) for k, v in argument_texts(found).items()})


def escaped(text: str) -> str:
    """Return a text as Markdown shows it, code in backticks kept."""
    pieces = INLINE_CODE.split(text)
    return "".join(piece if number % 2 else MARKUP.sub(r"\\\1", piece) for number, piece in enumerate(pieces))


def cell(text: str) -> str:
    """Return a text as a cell of a table."""
    pieces = INLINE_CODE.split(" ".join(text.split()))
    done = (p.replace("|", r"\|") if n % 2 else MARKUP.sub(r"\\\1", p) for n, p in enumerate(pieces))
    return "".join(done)


def sources_in(text: str) -> list[str]:
    """Return the papers that a text names: authors and year, or a number of arXiv."""
    return list(dict.fromkeys(" ".join(found.split()) for found in SOURCE.findall(text)))
