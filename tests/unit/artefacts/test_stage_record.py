"""Whatever happens to a file of a result, its record notices; a damaged record is none."""

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsid.artefacts.files import read_json, write_json
from lgsid.artefacts.hashes import file_hash
from lgsid.artefacts.names import STAGE_FILE
from lgsid.artefacts.stage_record import StageRecord, check_recorded
from lgsid.errors import LgsidError

PARTS = {"config": "a", "inputs": "b", "code": "c"}


def write(folder, contents):
    """Write files and the record of them."""
    for name, content in contents.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    files = [path for path in Path(folder).rglob("*") if path.is_file() and path.name != STAGE_FILE]
    record = StageRecord.of(Path(folder), "tokenize", PARTS, files)
    write_json(Path(folder) / STAGE_FILE, record.to_dict())
    return record


def flip(path, bit, keep_time=False):
    """Flip one bit of a file."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    path.write_bytes(content)
    moved = 0 if keep_time else 1  # a clock may be coarser than the test is quick
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + moved))


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "stage", {"a.json": b"{}", "deep/b.bin": bytes(range(256))})
    return tmp_path / "stage"


def test_it_comes_back_and_an_untouched_result_is_confirmed(folder):
    record = StageRecord.read(folder)
    assert record.stage == "tokenize"
    assert record.parts == PARTS
    assert {name: entry.sha256 for name, entry in record.files.items()} == {
        name: file_hash(folder / name) for name in ("a.json", "deep/b.bin")
    }
    assert record.confirmed() == record
    assert record.confirmed(verify=True) == record


@settings(max_examples=60, deadline=None)
@given(contents=st.dictionaries(st.sampled_from(["a", "b", "c/d"]), st.binary(min_size=1), min_size=1), data=st.data())
def test_any_flipped_bit_of_any_file_is_noticed(tmp_path_factory, contents, data):
    folder = tmp_path_factory.mktemp("stage")
    record = write(folder, contents)
    name = data.draw(st.sampled_from(sorted(contents)))
    bit = data.draw(st.integers(0, 8 * len(contents[name]) - 1))
    flip(folder / name, bit)
    assert record.confirmed() == f"{name} differs from what the stage wrote"
    with pytest.raises(LgsidError, match=f"{name}: damaged: differs from what stage tokenize wrote"):
        check_recorded(folder / name)
    flip(folder / name, bit)
    assert isinstance(record.confirmed(), StageRecord)
    check_recorded(folder / name)


def test_every_byte_of_the_record_counts(folder):
    path = folder / STAGE_FILE
    for bit in (8 * byte + byte % 8 for byte in range(path.stat().st_size)):
        flip(path, bit)
        assert StageRecord.read(folder) is None, bit
        flip(path, bit)
    assert StageRecord.read(folder) is not None


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"files": []}', '{"config": "a", "inputs": "b", "code": "c", "files": {"x": 3}}'],
)
def test_what_is_no_record(folder, content):
    (folder / STAGE_FILE).write_text(content)
    assert StageRecord.read(folder) is None


def test_a_flipped_bit_with_the_old_time_takes_a_full_look(folder):
    record = StageRecord.read(folder)
    flip(folder / "deep/b.bin", 77, keep_time=True)
    assert record.confirmed() == record
    assert record.confirmed(verify=True) == "deep/b.bin differs from what the stage wrote"


def test_lost_and_cut_files(folder):
    record = StageRecord.read(folder)
    (folder / "deep/b.bin").write_bytes(b"")
    assert record.confirmed() == "deep/b.bin differs from what the stage wrote"
    (folder / "deep/b.bin").unlink()
    assert record.confirmed() == "deep/b.bin is missing"


def test_a_copy_is_the_same_at_other_times(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile)
    for path in (tmp_path / "copy").rglob("*.*"):
        os.utime(path, ns=(5, 5))
    found = StageRecord.read(tmp_path / "copy").confirmed()
    assert {name: entry.sha256 for name, entry in found.files.items()} == {
        name: entry.sha256 for name, entry in StageRecord.read(folder).files.items()
    }
    assert {entry.mtime_ns for entry in found.files.values()} == {5}


def test_an_untouched_result_is_not_read(folder, monkeypatch):
    record = StageRecord.read(folder)

    def refuse(*args, **kwargs):
        raise AssertionError("a file was read")

    monkeypatch.setattr("lgsid.artefacts.stage_record.file_hash", refuse)
    monkeypatch.setattr("lgsid.artefacts.stage_record.current_hash", refuse)
    assert record.confirmed() == record
    assert record.hash_of(folder / "a.json") == record.files["a.json"].sha256
    check_recorded(folder / "a.json")


def test_a_moved_time_is_read_once_per_process(folder, monkeypatch):
    read = []
    monkeypatch.setattr("lgsid.artefacts.hashes.file_hash", lambda path: read.append(path) or file_hash(path))
    os.utime(folder / "a.json", ns=(5, 6))
    record = StageRecord.read(folder)
    for _ in range(3):
        assert isinstance(record.confirmed(), StageRecord)
    assert len(read) == 1


def test_json_of_a_stage_is_read_as_it_was_written_or_not_at_all(folder):
    assert read_json(folder / "a.json") == {}
    (folder / "a.json").write_text(json.dumps({"hit@1": 0.9}))
    with pytest.raises(LgsidError, match=r"a.json: damaged: differs from what stage tokenize wrote; run the pipeline"):
        read_json(folder / "a.json")
    (folder / "new.json").write_text("{}")
    assert read_json(folder / "new.json") == {}
