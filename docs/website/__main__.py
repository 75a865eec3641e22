"""Build the documentation site, and check that it needs nothing outside its folder.

PYTHONPATH=docs python -m website            # build/docs/html/index.html
PYTHONPATH=docs python -m website --fast     # without running the tutorials
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import build_main

from website.checked_site import problems_of
from website.copied_pages import CopiedPages
from website.part_pages import PartPages
from website.reference_pages import write_api, write_commands

ROOT = Path(__file__).resolve().parents[2]
HERE, BUILD = ROOT / "docs" / "website", ROOT / "build" / "docs"
COPIED = ("conf.py", "index.md", "_static", "tutorials")
OFFLINE = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "WANDB_MODE": "offline", "COLUMNS": "80"}
OFFLINE |= {"LGSID_PLUGINS": ""}  # what happens to be installed beside lgsid is no part of the site
ALONE = {"JUPYTER_PLATFORM_DIRS": "1", "MPLBACKEND": "agg", "PY_COLORS": "0"}

UNKNOWN = "suppress_warnings=misc.highlighting_failure,myst-nb.lexer"  # a kernel that never ran has told no language
NOT_RUN = ["-D", "nb_execution_mode=off", "-D", UNKNOWN]


def prepare(source: Path) -> None:
    """Write the sources of all pages."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for name in COPIED:
        origin = HERE / name
        shutil.copytree(origin, source / name) if origin.is_dir() else shutil.copyfile(origin, source / name)
    parts = PartPages(ROOT, source)
    parts.write()
    CopiedPages(ROOT, source, parts.pages).write()
    write_commands(source)
    write_api(source)


def strict_kernel(folder: Path) -> Path:
    """Return a folder of IPython whose kernels fail where a command of the shell does."""
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HERE / "strict_shell.py", startup / "00_strict_shell.py")
    return folder


def main() -> None:
    """Build the site; a warning, or a link that leads nowhere, is an error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="do not run the tutorials")
    options = parser.parse_args()
    os.environ.update(OFFLINE | ALONE)
    os.environ["IPYTHONDIR"] = str(strict_kernel(BUILD / "ipython"))
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # that `lgsid` is this one
    source, html = BUILD / "source", BUILD / "html"
    prepare(source)
    shutil.rmtree(html, ignore_errors=True)
    fast = NOT_RUN if options.fast else []
    code = build_main(
        ["-b", "html", "-q", "-W", "--keep-going", *fast, "-d", str(BUILD / "trees"), str(source), str(html)]
    )
    problems = problems_of(html)
    if code or problems:
        sys.exit("\n".join(problems) or "the site has warnings")
    print(f"{html.relative_to(ROOT) / 'index.html'}: {len(list(html.rglob('*.html')))} pages")


if __name__ == "__main__":
    main()
