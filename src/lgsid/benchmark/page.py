"""The leaderboard as one HTML file that needs nothing else: no server, no network, no build."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from lgsid.artefacts.files import write_text
from lgsid.errors import LgsidError
from lgsid.plots.palette import CATEGORICAL

PARTS = files("lgsid.benchmark") / "page_parts"
SCRIPTS = (
    "elements",
    "numbers",
    "view",
    "choices",
    "table",
    "details",
    "forest",
    "label_places",
    "cost",
    "map_grid",
    "map_paint",
    "map_panel",
    "maps",
    "theme",
    "main",
)
SLOT = re.compile(r"\[\[(\w+)\]\]")
DIGITS = 6


def write_page(leaderboard: Mapping[str, Any], path: str | Path) -> None:
    """Write the page of a leaderboard, atomically.

    Args:
        leaderboard: As `leaderboard.leaderboard` returns it.
        path: The HTML file.

    Raises:
        LgsidError: if the leaderboard holds something that JSON has not.
    """
    write_text(path, page_html(leaderboard))


def page_html(leaderboard: Mapping[str, Any]) -> str:
    """Return the page of a leaderboard. Equal leaderboards give equal pages, whatever the order of their keys.

    The page may run its own script and use its own style, known by their hashes, and may load nothing at all. Texts
    of the leaderboard are data to it: they become text nodes, never markup. Numbers keep `DIGITS` digits that count.

    Args:
        leaderboard: As `leaderboard.leaderboard` returns it.

    Raises:
        LgsidError: if the leaderboard holds something that JSON has not.
    """
    style = part("style.css")
    script = '(() => {\n"use strict";\n' + "\n".join(part(f"{name}.js") for name in SCRIPTS) + "})();\n"
    contents = {
        "title": html.escape(str(leaderboard.get("title", ""))),
        "style": style,
        "style_hash": source_hash(style),
        "script": script,
        "script_hash": source_hash(script),
        "data": embedded_json(rounded(leaderboard)),
        "palette": embedded_json(CATEGORICAL),
    }
    return SLOT.sub(lambda slot: contents[slot[1]], part("template.html"))


def part(name: str) -> str:
    """Return a file that the page is made of, its lines ended as the browser hashes them."""
    return (PARTS / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def source_hash(text: str) -> str:
    """Return what a Content-Security-Policy calls an inline script or style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def embedded_json(value: Any) -> str:
    """Return JSON for a `<script>`: with `<` escaped, no text in it can end the element or open a comment.

    Raises:
        LgsidError: if the value holds something that JSON has not.
    """
    try:
        text = json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise LgsidError(f"leaderboard page: a value is not JSON ({error}); leave it out, or make it null") from error
    return text.replace("<", "\\u003c")


def rounded(value: Any) -> Any:
    """Return plain values with their numbers rounded to `DIGITS` digits that count: a page shows fewer."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {key: rounded(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(child) for child in value]
    return value
