"""A flipped bit of a checkpoint is noticed, or changes nothing that is read."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsid.checkpoint_file import read_checkpoint_file
from lgsid.errors import LgsidError

SAVED = {"state_dict": {"weight": torch.arange(64.0)}, "epoch": 3, "name": "tiger"}
EXTERNAL_ATTRIBUTES = 38  # where an entry of a ZIP archive's directory holds them


def refused(path):
    try:
        found = read_checkpoint_file(path)
    except LgsidError as error:
        return str(error)
    assert torch.equal(found["state_dict"]["weight"], SAVED["state_dict"]["weight"])
    assert {**found, "state_dict": 0} == {**SAVED, "state_dict": 0}
    return ""


def test_every_byte_of_the_weights_has_a_checksum(tmp_path):
    path = tmp_path / "model.ckpt"
    torch.save(SAVED, path)
    whole, weight = path.read_bytes(), torch.arange(64.0).numpy().tobytes()
    start = whole.index(weight)
    for byte in range(start, start + len(weight)):
        content = bytearray(whole)
        content[byte] ^= 1 << byte % 8
        path.write_bytes(content)
        assert "damaged: " in refused(path)
    path.write_bytes(whole)
    assert refused(path) == ""


def test_values_marked_as_a_folder_are_not_left_unread(tmp_path):
    path = tmp_path / "model.ckpt"
    torch.save(SAVED, path)
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(b"data/0"))
    content[entry + EXTERNAL_ATTRIBUTES] ^= 0x10
    path.write_bytes(content)
    assert "marked as a folder" in refused(path)


@settings(max_examples=150, deadline=None)
@given(where=st.integers(0, 1 << 20))
def test_a_flipped_bit_is_noticed_or_changes_nothing(tmp_path_factory, where):
    path = tmp_path_factory.getbasetemp() / "flipped.ckpt"
    torch.save(SAVED, path)
    content = bytearray(path.read_bytes())
    bit = where % (8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    refused(path)
