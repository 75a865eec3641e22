"""Public datasets are downloaded from a server on this machine that stands for GitHub."""

import functools
import gzip
import hashlib
import http.server
import io
import threading
import zipfile
from pathlib import Path

import pytest

from lgsid.commands.prepare_data import builder_of
from lgsid.datasets import PublicDataset, PublicFile, download, download_dataset, download_steps
from lgsid.datasets.data_source import ROOT_VARIABLE, data_root
from lgsid.errors import LgsidError

CONFIGS = Path(__file__).parents[3] / "configs" / "data"
PUBLIC = ("context_trails_petaling_jaya", "foursquare_nyc", "foursquare_phoenix", "gowalla_nyc")
COMMIT = "0" * 40
TABLE = b"a,b\n1,2\n" * 50


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"folder/{name.replace('_csv', '.csv')}", content)
    return buffer.getvalue()


PUBLISHED = {
    "plain.json": b"{}",
    "packed.csv.gz": gzip.compress(TABLE, mtime=0),
    "bare table.csv": TABLE,
    "archive.zip": zipped(log_csv=TABLE, other_csv=b"x"),
    "polygons.zip": zipped(shapes_csv=b"s"),
}
FILES = (
    PublicFile("toy/plain.json", "them/data", COMMIT, "plain.json", sha256(b"{}")),
    PublicFile("toy/packed.csv.gz", "them/data", COMMIT, "packed.csv.gz", sha256(TABLE)),
    PublicFile("toy/bare.csv.gz", "them/data", COMMIT, "bare table.csv", sha256(TABLE)),
    PublicFile("toy/log.csv.gz", "them/data", COMMIT, "archive.zip", sha256(TABLE)),
    PublicFile("toy/polygons.zip", "them/data", COMMIT, "polygons.zip", sha256(PUBLISHED["polygons.zip"])),
)
TOY = PublicDataset("toy", "Them, 2020.", "Research use.", FILES)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Print nothing."""


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of the published files; its folder and its address. The public dataset "toy" is made of them."""
    folder = tmp_path / "server"
    for name, content in PUBLISHED.items():
        path = folder / "them/data" / COMMIT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "public_datasets", lambda: {"toy": TOY})
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield folder / "them/data" / COMMIT, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def kept(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_all_kinds_of_files(server, tmp_path):
    lines = []
    assert download_dataset("toy", tmp_path / "data", mirror=server[1], report=lines.append) == tmp_path / "data"
    files = kept(tmp_path / "data")
    assert set(files) == {file.target for file in FILES}
    assert files["toy/packed.csv.gz"] == PUBLISHED["packed.csv.gz"]  # kept as it was published
    assert files["toy/polygons.zip"] == PUBLISHED["polygons.zip"]
    for name in ("toy/bare.csv.gz", "toy/log.csv.gz"):
        assert gzip.decompress(files[name]) == TABLE
        assert files[name][4:8] == bytes(4)  # no time in the header: the same bytes on every machine
    assert lines[:2] == ["Cite: Them, 2020.", "Terms: Research use."]
    assert len(lines) == 2 + len(FILES)


def test_what_is_there_is_skipped(server, tmp_path):
    folder, mirror = server
    download_dataset("toy", tmp_path / "data", mirror=mirror)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*")}
    for path in folder.iterdir():
        path.unlink()
    lines = []
    download_dataset("toy", tmp_path / "data", mirror=mirror, report=lines.append)
    assert all(line.endswith("is there") for line in lines[2:])
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*")}


def test_it_goes_on_after_a_failure(server, tmp_path):
    folder, mirror = server
    (folder / "bare table.csv").rename(folder / "away")
    lines = []
    with pytest.raises(LgsidError, match="toy: 1 of 5 files could not be downloaded"):
        download_dataset("toy", tmp_path / "data", mirror=mirror, report=lines.append)
    failure = lines[4]
    assert failure.startswith(f"[3/5] {tmp_path / 'data/toy/bare.csv.gz'}: {mirror}/them/data/")
    assert f"{COMMIT}/bare%20table.csv answers 404" in failure
    assert failure.endswith(f"compress it with gzip, save it as {tmp_path / 'data/toy/bare.csv.gz'}")
    assert len(kept(tmp_path / "data")) == 4  # and no partial file
    (folder / "away").rename(folder / "bare table.csv")
    download_dataset("toy", tmp_path / "data", mirror=mirror, report=lines.append)
    assert sum(line.endswith("is there") for line in lines) == 4
    assert len(kept(tmp_path / "data")) == 5


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("plain.json", b"<html>", "not the published file"),
        ("packed.csv.gz", PUBLISHED["packed.csv.gz"][:-9], "not the published file"),
        ("archive.zip", b"PK", "not a readable zip archive"),
        ("archive.zip", zipped(other_csv=TABLE), "the archive has no file log.csv"),
    ],
)
def test_another_content_is_refused(server, tmp_path, name, content, message):
    folder, mirror = server
    (folder / name).write_bytes(content)
    lines = []
    with pytest.raises(LgsidError, match="1 of 5"):
        download_dataset("toy", tmp_path / "data", mirror=mirror, report=lines.append)
    assert sum(message in line for line in lines) == 1
    assert len(kept(tmp_path / "data")) == 4


def test_a_file_of_the_user_is_left_alone(server, tmp_path):
    mine = tmp_path / "data/toy/plain.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    lines = []
    with pytest.raises(LgsidError, match="1 of 5"):
        download_dataset("toy", tmp_path / "data", mirror=server[1], report=lines.append)
    assert mine.read_text() == "mine"
    assert "move it away" in lines[2]


def test_without_a_network_every_file_has_its_steps(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "public_datasets", lambda: {"toy": TOY})
    lines = []
    with pytest.raises(LgsidError, match="5 of 5"):
        download_dataset("toy", tmp_path / "data", mirror="http://127.0.0.1:9", report=lines.append)
    assert all("cannot be reached" in line and "by hand: download http://127.0.0.1:9/" in line for line in lines[2:])
    assert all("\n" not in line for line in lines)
    assert not [path for path in (tmp_path / "data").rglob("*") if path.suffix != ".lock"]


def test_an_unknown_name():
    with pytest.raises(LgsidError, match=r"no public dataset 'gowala'; did you mean gowalla_nyc\? known: "):
        download_dataset("gowala")


def test_the_steps_name_address_place_and_hash(tmp_path):
    steps = download_steps("gowalla_nyc", tmp_path)
    assert len(steps) == 7
    assert steps[0].startswith("Cite: E. Cho, S. A. Myers, J. Leskovec")
    assert "/gowalla_venues.csv, compress it with gzip, save it as " in steps[3]
    assert "sha256 decompressed 931389394a43" in steps[3]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_config_reads_nothing_that_is_not_declared(name, monkeypatch):
    monkeypatch.setenv(ROOT_VARIABLE, "data")
    declared = {file.target for file in download.public_datasets()[name].files}
    read = {file.relative_to("data").as_posix() for file in builder_of(CONFIGS / f"{name}.yaml").files()}
    assert read <= declared


@pytest.mark.parametrize("name", PUBLIC)
def test_a_missing_file_says_how_to_get_it(name, tmp_path):
    builder = builder_of(CONFIGS / f"{name}.yaml", {"source.init_args.root": str(tmp_path)})
    with pytest.raises(LgsidError, match=f"no such file; download it with `lgsid data download {name}`"):
        builder.build()


@pytest.mark.data
@pytest.mark.skipif(not data_root(None).is_dir(), reason="LGSID_DATA is absent")
@pytest.mark.parametrize("name", PUBLIC)
def test_the_files_at_hand_are_the_published_ones(name):
    lines = []
    download_dataset(name, mirror="http://127.0.0.1:9", report=lines.append)
    assert all(line.endswith("is there") for line in lines[2:])
