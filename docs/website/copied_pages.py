"""Pages of the site that are documents of the repository: copied, with links that lead to pages of the site."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")
CODE = re.compile(r"(^```.*?^```$|^(?: {4}[^\n]*\n)+)", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"(?<!\[)`([A-Z]\w+)`(?!\])")
AWAY = re.compile(r"^(?:https?|mailto):")
IMAGES = (".png", ".svg")


def pages_of(root: Path) -> dict[Path, str]:
    """Return document of the repository -> name of its page.

    Args:
        root: The repository.
    """
    found = {
        root / "README.md": "readme",
        root / "CONTRIBUTING.md": "contributing",
        root / "CHANGELOG.md": "changelog",
        root / "benchmarks" / "README.md": "results",
        root / "docs" / "method.md": "method",
    }
    found |= {path: f"guides/{path.stem}" for path in sorted((root / "docs").glob("*.md")) if path not in found}
    source = root / "src" / "lgsid"
    rooms = sorted(path for path in source.rglob("README.md") if "templates" not in path.parts)
    found |= {path: f"rooms/{'_'.join(path.parent.relative_to(source).parts)}" for path in rooms}
    found |= {path: f"packages/{path.parent.name}" for path in sorted((root / "plugins").glob("*/README.md"))}
    return found


class CopiedPages:
    """The copies.

    Args:
        root: The repository.
        target: Folder of the sources of the site.
        parts: Name of a class -> page that describes it.
    """

    def __init__(self, root: Path, target: Path, parts: Mapping[str, str]) -> None:
        self.root, self.target, self.parts = root, target, parts
        self.pages = pages_of(root)

    def write(self) -> None:
        """Write all pages and the pictures in them.

        Raises:
            ValueError: if a link leads nowhere.
        """
        for path, page in self.pages.items():
            text = path.read_text(encoding="utf-8")
            pieces = CODE.split(text)
            done = [piece if number % 2 else self.linked(piece, path, page) for number, piece in enumerate(pieces)]
            out = self.target / f"{page}.md"
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text("".join(done), encoding="utf-8")

    def linked(self, text: str, path: Path, page: str) -> str:
        """Return a piece of a document with its links changed, and the names of parts made links."""

        def changed(found: re.Match[str]) -> str:
            target, anchor = found["target"], found["anchor"] or ""
            if AWAY.match(target) or not target:
                return found[0]
            file = Path(os.path.normpath(path.parent / target))
            if not file.exists():
                raise ValueError(f"{path}: the link to {target} leads nowhere")
            if file in self.pages:
                return f"[{found['text']}]({self.relative(self.pages[file], page)}.md{anchor})"
            if file.suffix in (*IMAGES, ".html"):
                copy = self.target / "files" / file.name
                copy.parent.mkdir(exist_ok=True)
                shutil.copyfile(file, copy)
                if found["image"]:
                    return f"![{found['text']}]({self.relative(f'files/{file.name}', page)})"
            return found["text"]

        def part(found: re.Match[str]) -> str:
            where = self.parts.get(found[1])
            return found[0] if where is None else f"[`{found[1]}`]({self.relative(where, page)}.md)"

        text = LINK.sub(changed, text)
        lines = (line if line.startswith("#") else NAMED.sub(part, line) for line in text.split("\n"))
        return "\n".join(lines)

    @staticmethod
    def relative(name: str, page: str) -> str:
        """Return the path of a page from another."""
        return Path(os.path.relpath(name, Path(page).parent)).as_posix()
