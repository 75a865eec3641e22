"""The files of the page: whole, vendored as they were published, and nothing that loads from elsewhere."""

import gzip
import hashlib
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from lgsid.serving.page.page_files import PageFiles

PAGE = Path(str(files("lgsid.serving.page")))
OWN = sorted(path for path in (PAGE / "static").iterdir() if path.is_file())


def test_vendored_files_are_those_of_the_published_package():
    told = json.loads((PAGE / "vendored.json").read_text(encoding="utf-8"))
    folder = PAGE / "static" / told["name"]
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert found == told["files"]
    assert told["version"] in told["source"]
    assert "Redistribution and use" in (folder / "LICENSE.txt").read_text(encoding="utf-8")
    assert f"v{told['version']}/LICENSE.txt" in (folder / "maplibre-gl.mjs").read_text(encoding="utf-8")[:300]


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_no_own_file_names_another_address(path):
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|//cdn|innerHTML|insertAdjacentHTML|document\.write|eval\(", text)


@pytest.mark.parametrize("path", [path for path in OWN if path.suffix == ".js"], ids=lambda path: path.name)
def test_every_import_is_a_file_of_the_page(path):
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r'(?:from|import\()\s*"\./([^"]+)"', text):
        assert (path.parent / name).is_file(), name


def test_the_digest_names_every_byte(tmp_path):
    for name, text in (("index.html", "<p>[[digest]]</p>"), ("a.js", "1;"), ("inner/b.css", "p {}")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "notes.md").write_text("not served", encoding="utf-8")
    pages = PageFiles(tmp_path)
    assert set(pages.packed) == {"index.html", "a.js", "inner/b.css"}
    assert pages.packed["index.html"].body.decode() == f"<p>{pages.digest}</p>"
    assert PageFiles(tmp_path).digest == pages.digest
    (tmp_path / "inner" / "b.css").write_text("p { }", encoding="utf-8")
    assert PageFiles(tmp_path).digest != pages.digest


def test_what_is_packed_unpacks_to_the_same():
    for name, packed in PageFiles().packed.items():
        assert gzip.decompress(packed.zipped) == packed.body, name
