"""Installed packages that misbehave: none may take a command down without being named."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from fuzz.case import Case, Check

GOOD = "from lgsid.quantizers import RQKMeans\nclass Acme(RQKMeans):\n    'A quantizer.'\n"
MODULES = {
    "good": GOOD,
    "error": "raise RuntimeError('no licence')",
    "syntax": "def",
    "null": "\x00",
    "interrupt": "raise KeyboardInterrupt",
    "base-exception": "class Odd(BaseException): pass\nraise Odd('odd')",
    "exit": "import sys\nsys.exit(0)",
    "exit-3": "raise SystemExit(3)",
    "exit-text": "raise SystemExit('bye')",
    "generator-exit": "raise GeneratorExit",
    "stop": "raise StopIteration",
    "memory": "raise MemoryError",
    "recursion": "def f(): f()\nf()",
    "import": "import nowhere_at_all",
    "circular": "from acme_places import Acme",
    "noise": "print('noise')\n" + GOOD,
    "warning": "import warnings\nwarnings.warn('old')\n" + GOOD,
    "many-lines": "raise RuntimeError('one\\ntwo\\nthree')",
    "escape": "raise RuntimeError('\\x1b[31mred')",
    "no-text": "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
    "assert": "assert False, ''",
    "not-there": "Other = 1",
    "number": "Acme = 7",
    "none": "Acme = None",
    "function": "def Acme(): pass",
    "other-kind": "from lgsid.geo import FourierGeoEncoder\nclass Acme(FourierGeoEncoder): pass",
    "abstract": "from lgsid.quantizers import Quantizer\nclass Acme(Quantizer): pass",
    "renamed": GOOD.replace("Acme", "Bcme") + "Acme = Bcme\n",
    "attribute": "def __getattr__(name): raise KeyboardInterrupt",
    "attribute-error": "def __getattr__(name): raise ValueError('x')",
    "odd-class": "class M(type):\n    def __subclasscheck__(c, s): raise BaseException\n    def __getattribute__(c, n): raise RuntimeError(n)\nclass Acme(metaclass=M): pass",
}
ENTRIES = {
    "no-module": "Acme = nowhere_at_all:Acme",
    "no-class": "Acme = acme_places",
    "deep": "Acme = acme_places:Acme.Inner.Deep",
    "extras": "Acme = acme_places:Acme [x]",
    "empty": "Acme =",
    "no-name": "= acme_places:Acme",
    "no-equals": "Acme acme_places:Acme",
    "odd": "Acme = ../x:y",
    "spaces": "A cme = acme_places:Acme",
    "own-name": "RQVAE = acme_places:Acme",
    "escape": "Ac\x1b[31mme = acme_places:Acme",
    "os": "system = os:system",
}
METADATA = {
    "no-name": "Metadata-Version: 2.1\nVersion: 1\n",
    "no-version": "Metadata-Version: 2.1\nName: acme-places\n",
    "empty": "",
    "unknown": "Name: UNKNOWN\nVersion: 0.0.0\n",
    "escape": "Name: acme\x1b[31m-places\nVersion: 1\n",
    "long": f"Name: {'a' * 5000}\nVersion: 1\n",
    "odd": "Name: ../../acme\nVersion: $(touch executed)\n",
    "lgsid": "Name: lgsid\nVersion: 99\n",
    "latin-1": "Name: acm\u00e9\nVersion: 1\n",
}
LIST, CARD, FIT = (
    ("plugins",),
    ("card", "shared/sids.parquet"),
    ("fit", "--config=tokenizer/random.yaml", "--data.dataset=shared/city", "--run-folder=out"),
)
PROBE = ("plugins", "quantizers", "--check")


def cases(_: Random) -> Iterator[Case]:
    """Yield every misbehavior under a command that lists plugins, one that probes them, and two that do other work."""
    for name, source in MODULES.items():
        for label, command in {"list": LIST, "check": PROBE, "card": CARD, "fit": FIT}.items():
            check = says("acme") if command in (LIST, PROBE) else worked(command)
            yield Case(f"module-{name}-{label}", command, installed(source), "read", check)
    for name, entry in ENTRIES.items():
        for label, command in {"list": LIST, "fit": FIT}.items():
            make = installed(GOOD, entry)
            if name == "no-equals" and command == FIT:  # the trainer's own reading of entry points fails, too
                yield Case(f"entry-{name}-{label}", command, make, names=("acme-places",))
            else:
                yield Case(f"entry-{name}-{label}", command, make, "read", worked(command))
    for name, metadata in METADATA.items():
        for label, command in {"list": LIST, "fit": FIT}.items():
            yield Case(f"metadata-{name}-{label}", command, installed(GOOD, metadata=metadata), "read", worked(command))
    for name, source in {
        "exit-at-once": "import os\nos._exit(0)",
        "killed": "import os\nos.kill(os.getpid(), 9)",
    }.items():
        yield Case(f"module-{name}-check", PROBE, installed(source), "read", says("acme"))
        yield Case(f"module-{name}-list", LIST, installed(source), "read", says("acme"))


def installed(
    source: str, entry: str = "Acme = acme_places:Acme", metadata: str | None = None
) -> Callable[[Path], None]:
    """Return what installs a package with one entry point."""

    def make(folder: Path) -> None:
        info = folder / "site" / "acme_places-3.2.dist-info"
        info.mkdir(parents=True)
        usual = "Metadata-Version: 2.1\nName: acme-places\nVersion: 3.2\n"
        (info / "METADATA").write_text(usual if metadata is None else metadata, encoding="latin-1")
        (info / "entry_points.txt").write_text(f"[lgsid.quantizers]\n{entry}\n")
        (folder / "site" / "acme_places.py").write_text(source)
        sys.path.insert(0, str(folder / "site"))
        import os

        os.environ["PYTHONPATH"] = str(folder / "site")

    return make


def says(word: str) -> Check:
    """Return what looks for a word in what was printed."""
    return lambda _, printed: None if word in printed else f"{word!r} is not listed"


def worked(command: tuple[str, ...]) -> Check:
    """Return what looks whether a command did its work."""
    if command == FIT:
        return lambda folder, _: None if (folder / "out" / "sids.parquet").is_file() else "nothing was trained"
    word = "collide" if command == CARD else "RQKMeans"
    return lambda _, printed: (
        None if word.lower() in printed.lower() or (command == CARD and printed) else f"{word} is not there"
    )
