"""What the system refuses is one line that names what was being written, the reason, and what is kept."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lgsid import cli
from lgsid.artefacts import SemanticIDs
from lgsid.artefacts.files import atomic_path, write_text
from lgsid.errors import LgsidError
from lgsid.system_errors import NotWritten, explained, writing


def refused(path, text="new"):
    with pytest.raises(NotWritten) as error:
        write_text(path, text)
    message = str(error.value)
    assert "\n" not in message
    return message


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("old")
    message = refused(tmp_path / "file" / "a" / "b.json")
    assert f"{tmp_path / 'file' / 'a' / 'b.json'}: cannot be written ({tmp_path / 'file'} is a file" in message
    assert (tmp_path / "file").read_text() == "old"


def test_a_link_that_leads_nowhere(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert f"{tmp_path / 'link'} is a link that leads nowhere" in refused(tmp_path / "link" / "a.json")


def test_a_folder_where_a_file_should_be(tmp_path):
    (tmp_path / "a.json").mkdir()
    message = refused(tmp_path / "a.json")
    assert "Is a directory" in message
    assert "what was there is kept" in message
    assert files_in(tmp_path) == ["a.json"]


@pytest.mark.parametrize("name", ["n" * 300, "n" * 250, "x/" + "n" * 5000])
def test_a_name_that_is_too_long(tmp_path, name):
    assert "choose a shorter name" in refused(tmp_path / name)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO, errno.EMFILE, errno.EDQUOT])
@pytest.mark.parametrize("where", ["replace", "fsync", "open", "write"])
def test_whatever_step_fails_the_old_file_is_kept(tmp_path, monkeypatch, number, where):
    path = tmp_path / "a.json"
    path.write_text("old")

    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    target = {
        "replace": (Path, "replace"),
        "fsync": (os, "fsync"),
        "open": (Path, "open"),
        "write": (Path, "write_text"),
    }
    monkeypatch.setattr(*target[where], fail)
    message = refused(path)
    monkeypatch.undo()
    assert f"{path}: cannot be written ({os.strerror(number)}" in message
    assert "what was there is kept" in message
    assert path.read_text() == "old"
    assert files_in(tmp_path) == ["a.json"]


@pytest.mark.parametrize("error", [KeyError("a"), LgsidError("b"), BrokenPipeError()])
def test_errors_of_the_block_itself_pass(tmp_path, error):
    def fail():
        with atomic_path(tmp_path / "a") as partial:
            partial.write_text("half")
            raise error

    with pytest.raises(type(error)) as raised:
        fail()
    assert raised.value is error
    assert files_in(tmp_path) == []


def test_who_expects_an_error_of_the_system_gets_one():
    with pytest.raises(OSError, match="cannot be written"), writing("a", "b"):
        raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/a/b"), "/a/b: No such file or directory"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device; make room"),
        (OSError("two\nlines"), "two lines"),
        (OSError(), "OSError"),
        (OSError(errno.EMFILE, "Too many open files", b"/a"), "/a: Too many open files; raise the limit"),
        (shutil.Error([("/a", "/b", "No space left")]), "No space left"),
    ],
)
def test_an_error_that_nobody_explained_is_one_line_of_the_command(monkeypatch, capsys, error, said):
    def fail(arguments):
        raise error

    assert "\n" not in explained(error)
    monkeypatch.setattr(cli, "dispatch", fail)
    with pytest.raises(SystemExit) as stop:
        cli.main(["plugins"])
    assert stop.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("lgsid: error: ")
    assert said in line


CODE = "import sys; from lgsid.cli import main; main(sys.argv[1:])"


@pytest.mark.parametrize("words", [["plugins", "commands"], ["--help"], ["--version"], ["configs"], ["data", "--help"]])
def test_a_full_standard_output_is_one_line(words):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([sys.executable, "-c", CODE, *words], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "standard output: cannot be written (No space left on device; make room)" in line


def test_a_reader_that_went_away_is_no_error():
    code = "import sys, time; sys.stdin.readline()\n" + CODE
    process = subprocess.Popen(
        [sys.executable, "-c", code, "plugins"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    process.stdin.write(b"\n")
    process.stdin.close()
    assert process.stderr.read() == b""
    assert process.wait() == 1


def test_a_full_standard_error_does_not_change_the_exit_code():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([sys.executable, "-c", CODE, "nonsense"], stdout=full, stderr=full)
    assert done.returncode == 2


def test_a_limit_on_the_size_of_files(toy_folder, tmp_path):
    """The tables of an output that were complete are kept, and nothing is half-written."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2500, 2500))

    output = tmp_path / "permuted"
    words = ["permute-sids", "--sids", str(toy_folder / "sids.parquet"), "--items", str(toy_folder / "items.parquet")]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words, "--output", str(output)],
        capture_output=True,
        text=True,
        preexec_fn=limit,
    )
    assert done.returncode == 2, done.stderr
    [line] = done.stderr.splitlines()
    assert f"{output / 'card.json'}: cannot be written (File too large; raise the limit" in line
    assert "nothing of it was written" in line
    assert files_in(output) == ["sids.index.json", "sids.parquet"]
    assert len(SemanticIDs.read(output / "sids.parquet")) == 60
