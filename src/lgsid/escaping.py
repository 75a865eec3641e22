"""Texts of data on their way out: whatever a name holds, it is shown, and does nothing.

A name of a place may hold escape codes of a terminal, Markdown, HTML, or what a figure takes for mathematics. These
functions are called where a text leaves; what is stored stays as it is.
"""

from __future__ import annotations

import json
import re

SUBSTITUTE = "\N{REPLACEMENT CHARACTER}"
PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}  # Unicode has a picture of each
INVISIBLE = (
    *range(0x80, 0xA0),  # C1: some terminals take 0x9B for the start of an escape code
    0x00AD,
    0x061C,
    0x180E,
    0x200B,
    0x200E,
    0x200F,
    *range(0x2028, 0x202F),  # line separators, and bidirectional embeddings and overrides
    *range(0x2060, 0x2070),  # invisible operators, and bidirectional isolates
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    *range(0xD800, 0xE000),  # halves of a pair: no encoding has them
    *range(0xE0000, 0xE0080),  # tags
)
CELL = PICTURES | dict.fromkeys(INVISIBLE, SUBSTITUTE)
LINES = {code: shown for code, shown in CELL.items() if chr(code) not in "\n\t"}
JSON = {code: json.dumps(chr(code))[1:-1] for code in (0x7F, *INVISIBLE)}
MARKDOWN = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])|^(?:[#>+=]|-(?=\s|-))|^(?<=\b)\d+(?=[.)](?:\s|$))")
LINK = re.compile(r"(?<=\w):(?=//)|(?<=\bwww)\.|@(?=[\w-]+\.\w)", re.IGNORECASE)


def printable(text: str) -> str:
    """Return a text of one or more lines for a terminal or a log: each character that would act becomes a visible one.

    Control characters, C1 too, bidirectional overrides, and what is neither seen nor printed are replaced one by one,
    so that columns stay aligned; ends of lines and tabulators stay.
    """
    return text.translate(LINES)


def one_line(text: str) -> str:
    """Return a text for one line: as `printable`, and ends of lines and tabulators are replaced, too."""
    return text.translate(CELL)


def in_json(text: str) -> str:
    """Return JSON with the characters that would act on a terminal as escapes of JSON, so that its values stay."""
    return text.translate(JSON)


def markdown(text: str) -> str:
    """Return a text that Markdown shows as it is, in a paragraph, a heading or a cell: no markup, HTML or link."""
    shown = MARKDOWN.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", one_line(text))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;")
    return LINK.sub(lambda found: f"&#{ord(found[0])};", shown)


def in_figure(text: str, longest: int = 60) -> str:
    """Return a text for a figure of matplotlib: one line, not longer than its space, and no mathematics.

    Args:
        text: Any text.
        longest: Characters that there is room for; a longer text ends with an ellipsis.
    """
    line = one_line(text)
    line = line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"
    line = f" {line}" if line.startswith("_") else line  # a legend leaves out what begins with one
    return line.replace("$", "\\$")
