"""Mutate one room and run its tests against every mutant, in a folder of its own that goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from mutation.rooms import Room

ROOT = Path(__file__).resolve().parents[2]
LINKED = ("src", "tests", "configs", "benchmarks", "plugins", "docs", "README.md", "CHANGELOG.md", "CONTRIBUTING.md")
LEFT_OUT = 34  # what mutmut calls skipped
VERDICTS = {0: "survived", 5: "no tests", 33: "no tests", 1: "killed", 3: "killed", -11: "killed"}  # others: not judged
TIMEOUTS = (-24, 24, 36, 152, 255)
SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = {source}
do_not_mutate_patterns = ['^\\s*raise ', '^\\s*warnings\\.warn']
also_copy = {linked}
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "mutation.frames", "-m", "not slow and not data"]
pytest_add_cli_args_test_selection = {tests}
timeout_constant = 5.0
timeout_multiplier = 3.0
use_git_change_detection = false
on_dependency_change = "ignore"
"""


@dataclass(frozen=True)
class Mutant:
    """A mutant by its name in mutmut, and what came of it: killed, survived, timeout, no tests, or not checked."""

    name: str
    path: str
    verdict: str

    @property
    def function(self) -> str:
        """The function that it changes, as `module.function` or `module.Class.method`."""
        module, _, mangled = self.name.partition("__mutmut_")[0].rpartition(".")
        return f"{module}.{mangled.replace('xǁ', '').replace('ǁ', '.') if 'ǁ' in mangled else mangled[2:]}"


class RoomRun:
    """The mutants of a room, in `mutants/NAME` of the checkout."""

    def __init__(self, name: str, room: Room, seed: int, most: int | None) -> None:
        self.name, self.room, self.seed, self.most = name, room, seed, most
        self.folder = ROOT / "mutants" / name

    def run(self, processes: int) -> None:
        """Judge the mutants that were not judged yet. What survived is judged again when the tests have changed."""
        self._prepare()
        self._mutate()
        self._draw()
        words = [
            sys.executable,
            "-c",
            "from mutmut.__main__ import cli; cli()",
            "run",
            "--max-children",
            str(processes),
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "tests"),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        self._note()
        subprocess.run(words, cwd=self.folder, env=environment, check=True)

    def all(self) -> list[Mutant]:
        """Return every mutant of the room, also those outside the sample."""
        found = []
        for path in sorted(self.folder.glob("mutants/src/**/*.meta")):
            source = str(path.relative_to(self.folder / "mutants").with_suffix(""))
            for name, code in json.loads(path.read_text())["exit_code_by_key"].items():
                verdict = "timeout" if code in TIMEOUTS else VERDICTS.get(code, "not checked")
                found.append(Mutant(name, source, verdict))
        return found

    def sample(self) -> list[Mutant]:
        """Return the mutants to judge: all, or the first `most` in an order given by the seed and the names."""

        def place(mutant: Mutant) -> str:
            return hashlib.sha256(f"{self.seed} {mutant.name}".encode()).hexdigest()

        return sorted(self.all(), key=place)[: self.most]

    def changes(self, mutants: list[Mutant]) -> Iterator[tuple[Mutant, str, str]]:
        """Yield each mutant with the text that it replaces and the text that it puts there."""
        from mutmut.mutation.diff_apply import get_diff_for_mutant

        with self._inside():
            for mutant in mutants:
                lines = get_diff_for_mutant(mutant.name, path=mutant.path).splitlines()[2:]
                was, becomes = (" ".join(line[1:].strip() for line in lines if line.startswith(mark)) for mark in "-+")
                yield mutant, was, becomes

    def about(self) -> dict[str, str]:
        """Return commit and date of the last run."""
        found: dict[str, str] = json.loads((self.folder / "run.json").read_text())
        return found

    def _note(self) -> None:
        asked = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
        commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
        date = datetime.now(tz=timezone.utc).date().isoformat()
        (self.folder / "run.json").write_text(json.dumps({"commit": commit, "date": date}))

    def _prepare(self) -> None:
        """Link the checkout and write the settings; forget verdicts that other tests gave."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in LINKED:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(ROOT / name)
        settings = SETTINGS.format(
            source=json.dumps([f"src/lgsid/{pattern}" for pattern in self.room.source]),
            tests=json.dumps([f"tests/unit/{path}" for path in self.room.tests]),
            linked=json.dumps(LINKED[2:]),
        )
        (self.folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + settings)
        shutil.rmtree(self.folder / "mutants" / "tests", ignore_errors=True)
        record, now = self.folder / "tests.sha256", self._digest_of_tests()
        if record.is_file() and record.read_text() != now:
            (self.folder / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
            self._set({mutant.name: None for mutant in self.all() if mutant.verdict != "killed"})
        record.write_text(now)

    def _digest_of_tests(self) -> str:
        digest = hashlib.sha256()
        for top in (ROOT / "tests" / "unit" / path for path in self.room.tests):
            for path in sorted(top.rglob("*.py")) if top.is_dir() else [top]:
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def _mutate(self) -> None:
        """Write the mutants of what has changed, without judging any."""
        from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants

        top = self.folder / "mutants"
        for path in top.glob("src/**/*.py"):  # what was stopped half-way has no list of mutants that is as new
            record = path.with_name(f"{path.name}.meta")
            if not record.is_file() or record.stat().st_mtime < path.stat().st_mtime:
                path.unlink()
        with self._inside():
            copy_src_dir()
            copy_also_copy_files()
            create_mutants(1)

    def _draw(self) -> None:
        """Leave out what is not in the sample, and take in what is."""
        drawn = {mutant.name for mutant in self.sample()}
        self._set({m.name: None if m.name in drawn else LEFT_OUT for m in self.all()}, only=(None, LEFT_OUT))

    def _set(self, codes: dict[str, int | None], only: tuple[int | None, ...] | None = None) -> None:
        for path in self.folder.glob("mutants/src/**/*.meta"):
            content = json.loads(path.read_text())
            old = content["exit_code_by_key"]
            for name in old.keys() & codes.keys():
                if only is None or old[name] in only:
                    old[name] = codes[name]
            path.write_text(json.dumps(content, indent=4))

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """Work in the folder of the room, with its settings: mutmut looks for both where it is started."""
        from mutmut.configuration import reset_config

        before = Path.cwd()
        (self.folder / "mutants").mkdir(exist_ok=True)
        os.chdir(self.folder)
        reset_config()
        try:
            yield
        finally:
            os.chdir(before)
            reset_config()
