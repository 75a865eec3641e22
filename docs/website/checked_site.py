"""What is wrong with a built site: links that lead nowhere, and anything that a page would load from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}
NOT_LOADED = {"canonical", "search", "index", "next", "prev", "author", "help", "copyright", "top"}
AWAY = ("http", "https")


class PageReader(HTMLParser):
    """Reads what a page links to, what it loads, and which anchors it has."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        found = {key: value or "" for key, value in attrs}
        if "id" in found:
            self.anchors.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in LOADS and LOADS[tag] in found and found.get("rel", "") not in NOT_LOADED:
            self.loaded.append(found[LOADS[tag]])


@cache
def read(path: Path) -> PageReader:
    """Read a page."""
    reader = PageReader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


def problems_of(folder: Path) -> list[str]:
    """Return one line for each wrong link or load, sorted."""
    return sorted(line for path in folder.rglob("*.html") for line in problems_in(path, folder))


def problems_in(path: Path, folder: Path) -> Iterator[str]:
    """Yield what is wrong with one page."""
    page, name = read(path), path.relative_to(folder)
    for target in page.loaded:
        if urlsplit(target).scheme in AWAY or target.startswith("//"):
            yield f"{name}: loads {target} from elsewhere"
    for target in [*page.links, *page.loaded]:
        parts = urlsplit(target)
        if parts.scheme or target.startswith("//"):
            continue
        file = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
        if not file.exists():
            yield f"{name}: {target} leads nowhere"
        elif parts.fragment and file.suffix == ".html" and unquote(parts.fragment) not in read(file).anchors:
            yield f"{name}: {target} has no such anchor"
