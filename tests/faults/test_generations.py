"""A writer of generations that is killed at any write leaves the last one valid, and running again ends right."""

import errno
import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lgsid.artefacts import Items, SemanticIDs
from lgsid.artefacts.locks import LOCK_FILE, locked
from lgsid.errors import LgsidError
from lgsid.generations import Generations

forked = multiprocessing.get_context("fork")
RENAMES = ("sids.parquet", "slots.parquet", "delta.parquet", "open.txt", "capacity.json", "manifest.json", "current")
NOTES = {LOCK_FILE, f"{LOCK_FILE}.holder"}


@pytest.fixture
def live(tmp_path):
    """A root with one generation of 20 places."""
    number = np.arange(20)
    frame = pd.DataFrame({"item_id": [f"p{n}" for n in number], "lat": number / 20, "lon": number / 20})
    items = Items.from_frame(frame)
    generations = Generations(tmp_path / "live")
    generations.publish(SemanticIDs(items.ids, np.stack([number // 5, number % 5], 1), (4, 5)), items)
    return generations


def content(root):
    """Every file of a root, by its name."""
    paths = (path for path in sorted(Path(root).rglob("*")) if path.is_file() and path.name not in NOTES)
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def killed_at(work, name, when):
    """Do some work in a process that is killed before or after it gives a file its name; `True` if it was."""

    def target():
        rename = Path.replace

        def replace(self, target):
            if Path(target).name == name and when == "before":
                self.write_bytes(self.read_bytes()[: self.stat().st_size // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            found = rename(self, target)
            if Path(target).name == name:
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        Path.replace = replace
        work()

    process = forked.Process(target=target)
    process.start()
    process.join(60)
    return process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", RENAMES)
def test_a_kill_leaves_the_last_generation_and_running_again_ends_right(live, tmp_path, name, when):
    work = lambda: live.retire(["p3", "p4"])  # noqa: E731
    before = content(live.root)
    assert killed_at(work, name, when)
    is_done = (name, when) == ("current", "after")
    assert live.current.number == (2 if is_done else 1)
    live.current.verify()
    left = content(live.root)
    assert {file: left[file] for file in before if file != "current"} == {
        file: held for file, held in before.items() if file != "current"
    }
    outcome = work()
    assert (outcome.written is None) == is_done
    live.current.verify()
    assert len(live.current.open_ids()) == 18
    assert live.current.manifest.parent == 1
    whole = {f"{number:06d}" for number in live.numbers} | {"current"}
    assert {Path(file).parts[0] for file in content(live.root)} == whole  # nothing half-written is left
    assert not [file for file in content(live.root) if file.endswith(".partial")]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_while_rolling_back_leaves_one_of_the_two(live, when):
    live.retire(["p3"])
    assert killed_at(live.rollback, "current", when)
    assert live.current.number == (2 if when == "before" else 1)
    live.current.verify()
    live.rollback(1)
    assert live.current.number == 1


@pytest.mark.parametrize("name", RENAMES)
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(live, monkeypatch, name):
    rename = Path.replace

    def replace(self, target):
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        return rename(self, target)

    before = content(live.root)
    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(LgsidError, match="No space left"):
        live.retire(["p3"])
    assert content(live.root) == before
    monkeypatch.undo()
    live.retire(["p3"])
    assert live.current.number == 2


def test_two_writers_are_one_clear_refusal(live, capsys):
    from lgsid.cli import main

    closed = live.root.parent / "closed.txt"
    closed.write_text("p3\n")
    with locked(live.root / LOCK_FILE, live.root), pytest.raises(SystemExit) as stop:
        main(["sids", "retire", str(live.root), "--places", str(closed)])
    assert stop.value.code == 2
    err = capsys.readouterr().err.strip().splitlines()
    assert [line for line in err if line.startswith("lgsid: error:")] == err[-1:]
    assert f"{live.root}: process {os.getpid()} (since" in err[-1]
    assert live.numbers == [1]


def test_a_leftover_with_a_file_of_somebody_else_is_not_removed(live):
    leftover = live.root / "000002"
    leftover.mkdir()
    (leftover / "notes.txt").write_text("mine")
    with pytest.raises(LgsidError, match=r"notes\.txt: is not of a generation, so nothing was removed"):
        live.retire(["p3"])
    assert (leftover / "notes.txt").read_text() == "mine"
    assert live.current.number == 1
