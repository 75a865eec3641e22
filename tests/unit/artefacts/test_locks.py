"""One process at a time, named to the others, and gone with the process."""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from lgsid.artefacts.locks import LOCK_FILE, holder, locked, try_lock
from lgsid.errors import LgsidError

forked = multiprocessing.get_context("fork")


def hold(path, ready):
    with try_lock(path) as free:
        assert free
        ready.set()
        time.sleep(60)


@pytest.fixture
def other(tmp_path):
    """A process that holds a lock."""
    ready = forked.Event()
    process = forked.Process(target=hold, args=(tmp_path / LOCK_FILE, ready))
    process.start()
    assert ready.wait(20)
    yield process
    process.kill()
    process.join()


def test_the_second_is_told_who_is_first(other, tmp_path):
    with pytest.raises(LgsidError) as refused, locked(tmp_path / LOCK_FILE, tmp_path):
        pass
    assert f"{tmp_path}: process {other.pid} (since 20" in str(refused.value)
    assert "works here; wait for it" in str(refused.value)
    with try_lock(tmp_path / LOCK_FILE) as free:
        assert not free
    assert str(other.pid) in holder(tmp_path / LOCK_FILE)  # asking takes nothing away


def test_a_killed_process_holds_nothing(other, tmp_path):
    os.kill(other.pid, signal.SIGKILL)
    other.join()
    assert (tmp_path / LOCK_FILE).exists()
    with try_lock(tmp_path / LOCK_FILE) as free:
        assert free
        assert f"process {os.getpid()}" in holder(tmp_path / LOCK_FILE)
    assert list(tmp_path.iterdir()) == []


def test_it_can_be_waited_for(tmp_path):
    with try_lock(tmp_path / LOCK_FILE):
        seen = []
        waiting = threading.Thread(target=lambda: wait_for(tmp_path / LOCK_FILE, seen))
        waiting.start()
        time.sleep(0.2)
        assert seen == []
    waiting.join(20)
    assert seen == [True]


def wait_for(path, seen):
    with try_lock(path, wait_s=15) as free:
        seen.append(free)


def test_a_broken_note_names_nobody(tmp_path):
    for content in ("", "{", "[]", '{"pid": 3}'):
        Path(tmp_path, ".lock.holder").write_text(content)
        assert holder(tmp_path / LOCK_FILE) == "another process"


def count(path, counter, rounds):
    for _ in range(rounds):
        with try_lock(path, wait_s=60) as free:
            assert free
            number = int(counter.read_text())
            time.sleep(0.0005)
            counter.write_text(str(number + 1))


def test_however_many_there_are_one_works_at_a_time(tmp_path):
    """The file is removed each time, and a lock of a removed file counts for nothing: no count is lost."""
    counter = tmp_path / "count"
    counter.write_text("0")
    processes = [forked.Process(target=count, args=(tmp_path / LOCK_FILE, counter, 10)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert counter.read_text() == "40"


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LgsidError, match="file: cannot be written to"), try_lock(tmp_path / "file" / LOCK_FILE):
        pass
