"""Write a package with a part of its own: class, contract test, config, pyproject and README.

A template is a folder of files, `templates/<kind>`; `templates/package` has the files that all kinds share, and a kind
may bring its own in their place. In names and texts of files the words of `Words` stand for what is being written.
"""

from __future__ import annotations

import keyword
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lgsid import __version__, plugins
from lgsid.errors import LgsidError
from lgsid.plugins import suggestion

TEMPLATES = Path(__file__).parent / "templates"
SHARED = "package"
SUFFIX = ".template"  # of a file that would mean something where the template lies
PLACES = {
    "__init__.py": "src/part_package/__init__.py",
    "part.py": "src/part_package/part_name.py",
    "test_part.py": "tests/test_part_name.py",
    "config.yaml": "src/part_package/configs/part_name.yaml",
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
}
DATA = "src/part_package"  # where all other files of a template go


@dataclass(frozen=True)
class Words:
    """What the words of a template stand for.

    Args:
        kind: Kind of the part.
        name: Name of its class.
    """

    kind: str
    name: str

    @property
    def module(self) -> str:
        """The name with underscores."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.name).lower()

    @property
    def distribution(self) -> str:
        """Name of the distribution."""
        return f"lgsid-{self.module.replace('_', '-')}"

    def put_into(self, text: str) -> str:
        """Return a text of a template with its words replaced."""
        dashed = self.module.replace("_", "-")
        words = {
            "PartName": self.name,
            "part_package": self.distribution.replace("-", "_"),
            "part-package": self.distribution,
            "part_name": self.module,
            "part-name": dashed,
            "part_kind": self.kind,
            "lgsid_requirement": f"lgsid{compatible(__version__)}",
        }
        return re.sub("|".join(words), lambda found: words[found[0]], text)


def compatible(version: str) -> str:
    """Return the bounds on a version within which lgsid's interfaces stay: those of one minor version before 1.0."""
    major, minor = (int(part) for part in re.findall(r"\d+", version)[:2])
    return f">={major}.{minor},<{major}.{minor + 1}" if major == 0 else f">={major}.{minor},<{major + 1}"


def template_of(kind: str) -> Path:
    """Return the folder with the template of a kind.

    Raises:
        LgsidError: if there is no such kind, or lgsid has no template of it.
    """
    if kind not in plugins.kinds():
        raise LgsidError(f"unknown kind of part {kind!r}; {suggestion(kind, plugins.kinds())}")
    folder = TEMPLATES / kind
    if not folder.is_dir():
        raise LgsidError(f"{kind}: lgsid has no template of this kind, which another package adds; ask that package")
    return folder


def check_name(kind: str, name: str) -> None:
    """Refuse a name that cannot be that of a class, or is taken.

    Raises:
        LgsidError: saying why.
    """
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name) or keyword.iskeyword(name):
        raise LgsidError(f"{name!r} is no name of a class: begin with a capital letter, such as NightLife")
    words = Words(kind, name)
    if words.module in sys.stdlib_module_names or keyword.iskeyword(words.module):
        raise LgsidError(f"{name!r}: {words.module} is a word of Python; choose another name")
    taken = [p for p in plugins.installed() if p.kind == kind and p.name in (name, words.module.replace("_", "-"))]
    if taken:
        raise LgsidError(f"{name!r} is taken: {taken[0].origin} offers {kind} of this name; choose another one")


def package_files(words: Words) -> dict[str, str]:
    """Return the files of a new package, by their path inside it."""
    found: dict[str, str] = {}
    for folder in (TEMPLATES / SHARED, template_of(words.kind)):
        for path in sorted(folder.iterdir()):
            if path.is_file():
                name = path.name.removesuffix(SUFFIX)
                found[words.put_into(PLACES.get(name, f"{DATA}/{name}"))] = words.put_into(
                    path.read_text(encoding="utf-8")
                )
    return found


def write_package(kind: str, name: str, folder: Path | None = None) -> list[Path]:
    """Write a package, all of it or nothing; return its files.

    Args:
        kind: Kind of the part.
        name: Name of its class.
        folder: Folder of the package, which must not exist; that of the distribution's name here if not given.

    Raises:
        LgsidError: if the kind is unknown, the name is bad, or something is in the way.
    """
    template_of(kind)
    check_name(kind, name)
    words = Words(kind, name)
    root = folder or Path(words.distribution)
    if root.exists() or root.is_symlink():
        raise LgsidError(f"{root}: is there already, and nothing is overwritten; give another --folder")
    files = package_files(words)
    root.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.absolute().parent, prefix=f".{root.name}-") as unfinished:
        for place, text in files.items():
            path = Path(unfinished, root.name, place)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        Path(unfinished, root.name).rename(root)
    return [root / place for place in files]
