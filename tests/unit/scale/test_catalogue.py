"""What is made part by part is what is made at once, and a killed process changes nothing of it."""

import os
import signal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lgsid import checkpoints
from lgsid.artefacts import Embeddings
from lgsid.artefacts.files import read_json
from lgsid.cli import main
from lgsid.errors import LgsidError
from lgsid.metrics import quality_card, render_card
from lgsid.quantizers import RQKMeans
from lgsid.scale import (
    LocalExecutor,
    card_of_catalogue,
    catalogue,
    embed_catalogue,
    read_semantic_ids,
    sample_catalogue,
    tokenize_catalogue,
)
from lgsid.scale.catalogue import ranges_of
from lgsid.scale.embed_step import EmbedStep
from lgsid.scale.encoder_config import encoder_of, settings_of
from lgsid.scale.part_record import PartRecord
from lgsid.tokenizers import CounterSuffix, HierTokenizer, NoResolution, PrefixCodes, ResidualTokenizer


def contents(folder, pattern="*.parquet"):
    """The bytes of all files below a folder, by their names."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob(pattern)}
    assert found
    return found


@pytest.fixture(scope="module")
def vectors(desk):
    table = pa.concat_tables(
        pq.read_table(path).replace_schema_metadata(None) for path in sorted((desk / "embed").glob("*.parquet"))
    )
    values = np.array(table["vector"].to_pylist(), np.float32)
    return Embeddings(np.array(table["item_id"].to_pylist(), object), values)


@pytest.fixture(scope="module")
def hier(tokenizer_of):
    return tokenizer_of("hier", HierTokenizer((16, 16, 32), RQKMeans()))


@pytest.fixture(scope="module")
def tokenized(desk, hier):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "PLACES_OF_A_RANGE", 700)
        tokenize_catalogue(desk / "embed", hier, desk / "hier", LocalExecutor())
    return desk / "hier"


def test_vectors_are_those_of_the_encoder(desk, items, vectors):
    encoder, template = encoder_of(settings_of(desk / "encoder.yaml"))
    expected = encoder.encode(template.prompts(items), progress=False, use_cache=False).numpy()
    np.testing.assert_array_equal(vectors.vectors, expected)
    assert vectors.item_ids.tolist() == items.ids.tolist()
    sources = [path.name for path in sorted((desk / "places").glob("*.parquet"))]
    assert [path.name for path in sorted((desk / "embed").glob("*.parquet"))] == sources


def test_a_sample_does_not_depend_on_the_parts(desk, items, tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    pq.write_table(
        pa.concat_tables(
            pq.read_table(path).replace_schema_metadata(None)
            for path in sorted((desk / "embed").glob("*.parquet"), reverse=True)
        ),
        whole / "all.parquet",
    )
    one = sample_catalogue(whole, 2_000, tmp_path / "one", LocalExecutor())
    assert abs(len(one.items) - 2_000) < 4 * (2_000 * 0.6) ** 0.5
    four = set(pq.read_table(desk / "sample" / "items.parquet")["item_id"].to_pylist())
    assert set(one.items.ids) == four
    assert len(sample_catalogue(whole, 10_000, tmp_path / "all", LocalExecutor()).items) == len(items)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("crowded", lambda: HierTokenizer((8, 8, 81), RQKMeans())),  # first codes that must let places go
        ("counter", lambda: ResidualTokenizer((8, 8, 8), RQKMeans(), collisions=CounterSuffix())),
        ("kept", lambda: ResidualTokenizer((8, 8, 8), RQKMeans(), collisions=NoResolution())),
    ],
)
def test_semantic_ids_in_parts_are_those_at_once(desk, items, vectors, tokenizer_of, monkeypatch, tmp_path, name, make):
    path = tokenizer_of(name, make())
    monkeypatch.setattr(catalogue, "PLACES_OF_A_RANGE", 500)
    manifest = tokenize_catalogue(desk / "embed", path, tmp_path, LocalExecutor())
    same_as_at_once(read_semantic_ids(tmp_path), checkpoints.load(path).tokenize(items, vectors), items)
    assert bool(manifest["spread"]) == (name == "crowded")
    assert len(list((tmp_path / "sids").glob("*.parquet"))) > 3


def same_as_at_once(found, expected, items):
    np.testing.assert_array_equal(found.for_items(items), expected.for_items(items))
    assert found.codebook_sizes == expected.codebook_sizes
    assert found.metadata["changed_by_resolution"] == pytest.approx(expected.metadata["changed_by_resolution"])
    assert found.metadata["before_resolution"] == pytest.approx(expected.metadata["before_resolution"])
    assert found.metadata["reconstruction_error"] == pytest.approx(expected.metadata["reconstruction_error"])


def test_the_hierarchical_tokenizer_and_its_card(desk, tokenized, hier, items, vectors):
    at_once = checkpoints.load(hier).tokenize(items, vectors)
    same_as_at_once(read_semantic_ids(tokenized), at_once, items)
    card = card_of_catalogue(tokenized, LocalExecutor(), desk / "embed", queries=6_000)
    expected = quality_card(at_once, items, vectors)
    for name in ("items", "colliding_items", "colliding_groups", "largest_bucket", "few_distinct", "codebook_sizes"):
        assert card[name] == expected[name]
    for name in ("joint_entropy_bits", "collision_rate", "distinct_share", "before_resolution", "neighbourhood"):
        assert card[name] == pytest.approx(expected[name])
    for one, other in zip(card["by_level"], expected["by_level"], strict=True):
        assert one == pytest.approx(other)
    for one, other in zip(card["by_depth"], expected["by_depth"], strict=True):
        assert {name: one[name] for name in ("prefixes", "largest")} == {n: other[n] for n in ("prefixes", "largest")}
        assert one["nmi"] == pytest.approx(other["nmi"])
        assert one["ami"] == pytest.approx(other["ami"], abs=0.02)  # the mean of all permutations, and one of them
        for name in ("km", "km_random"):
            assert (one[name] is None) == (other[name] is None)
            if one[name] is not None:
                assert one[name]["p50"] == pytest.approx(other[name]["p50"], rel=0.06)
                assert one[name]["mean"] == pytest.approx(other[name]["mean"], rel=0.06)
    assert read_json(tokenized / "card.json") == card
    render_card(card)


def test_a_sample_of_queries_says_so(desk, tokenized, items, vectors, hier):
    card = card_of_catalogue(tokenized, LocalExecutor(), desk / "embed", queries=400)
    whole = quality_card(checkpoints.load(hier).tokenize(items, vectors), items, vectors)["neighbourhood"]
    assert 300 < card["neighbourhood_sample"]["queries"] < 500
    for name, (low, high) in card["neighbourhood_sample"]["interval_95"].items():
        margin = high - low  # twice the interval
        assert low - margin / 2 < whole[name] < high + margin / 2
    assert "sample of pairs" in card["left_out"]


def test_parts_that_share_a_first_code_have_no_card(desk, tokenized, tmp_path):
    (tmp_path / "sids").mkdir()
    (tmp_path / "manifest.json").write_bytes((tokenized / "manifest.json").read_bytes())
    part = min((tokenized / "sids").glob("*.parquet")).read_bytes()
    for name in ("a", "b"):
        (tmp_path / "sids" / f"{name}.parquet").write_bytes(part)
    with pytest.raises(LgsidError, match=r"first code .* is in two parts"):
        card_of_catalogue(tmp_path, LocalExecutor())


def test_a_missing_checkpoint_is_one_line(desk, tmp_path):
    with pytest.raises(LgsidError, match="no such file"):
        tokenize_catalogue(desk / "embed", tmp_path / "none.ckpt", tmp_path / "out", LocalExecutor())


def test_a_strategy_that_looks_at_all_items_is_refused(desk, tokenizer_of, tmp_path):
    path = tokenizer_of("prefixes", ResidualTokenizer((8, 8, 128), RQKMeans(), collisions=PrefixCodes()))
    with pytest.raises(LgsidError, match="PrefixCodes looks at all items at once"):
        tokenize_catalogue(desk / "embed", path, tmp_path, LocalExecutor())


def test_a_place_that_is_there_twice_is_refused(desk, hier, tmp_path):
    (tmp_path / "embed").mkdir()
    for name in ("a", "b"):
        part = min((desk / "embed").glob("*.parquet")).read_bytes()
        (tmp_path / "embed" / f"{name}.parquet").write_bytes(part)
    with pytest.raises(LgsidError, match="occurs more than once"):
        tokenize_catalogue(tmp_path / "embed", hier, tmp_path / "out", LocalExecutor())


def test_a_killed_process_goes_on_to_the_same_bytes(desk, tmp_path, monkeypatch):
    made, seen = EmbedStep.make, []

    def dies(self, task, target):
        if len(seen) == 2:
            target.write_bytes(b"half of a part")
            os.kill(os.getpid(), signal.SIGKILL)
        seen.append(task.name)
        return made(self, task, target)

    def embed():
        return embed_catalogue(desk / "places", desk / "encoder.yaml", tmp_path, LocalExecutor())

    with monkeypatch.context() as patch:
        patch.setattr(EmbedStep, "make", dies)
        child = os.fork()
        if not child:
            embed()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert len(contents(tmp_path)) == 2
    assert list(tmp_path.glob(".*.partial"))
    again = []
    monkeypatch.setattr(PartRecord, "made", classmethod(counted(PartRecord.made.__func__, again)))
    embed()
    assert len(again) == 2
    assert contents(tmp_path) == contents(desk / "embed")
    assert not list(tmp_path.glob(".*.partial"))
    embed()
    assert len(again) == 2  # nothing is made a third time
    damaged = min(tmp_path.glob("*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-100])
    embed()
    assert len(again) == 3
    assert contents(tmp_path) == contents(desk / "embed")


def counted(function, calls):
    def call(cls, step, task, folder):
        calls.append(task.name)
        return function(cls, step, task, folder)

    return call


def test_a_changed_config_makes_all_parts_anew(desk, tmp_path):
    config, folder = tmp_path / "encoder.yaml", tmp_path / "embed"
    config.write_text((desk / "encoder.yaml").read_text())
    embed_catalogue(desk / "places", config, folder, LocalExecutor())
    config.write_text(config.read_text().replace("dim: 16", "dim: 8"))
    embed_catalogue(desk / "places", config, folder, LocalExecutor())
    assert {pq.read_schema(path).field("vector").type.list_size for path in folder.glob("*.parquet")} == {8}


def test_ranges_hold_all_codes_and_no_more_than_they_may():
    held = [3, 0, 5, 9, 1, 1, 0, 2]
    assert ranges_of(held, 8) == [(0, 3), (3, 4), (4, 8)]
    assert ranges_of(held, 100) == [(0, 8)]
    assert ranges_of([0, 0], 8) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [("encoders: {}\n", "unknown key 'encoders'"), ("encoder: {class_path: Nothing}\n", "Nothing")],
)
def test_a_wrong_config_is_one_line(tmp_path, text, message):
    path = tmp_path / "encoder.yaml"
    path.write_text(text)
    with pytest.raises(LgsidError, match=message) as error:
        encoder_of(settings_of(path))
    assert "\n" not in str(error.value)


def test_a_folder_without_parts_is_one_line(tmp_path, desk):
    with pytest.raises(LgsidError, match="no Parquet files there"):
        embed_catalogue(tmp_path / "none", desk / "encoder.yaml", tmp_path / "out", LocalExecutor())


def test_the_commands_do_the_same(desk, tokenized, hier, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    main(["scale", "embed", str(desk / "places"), "--config", str(desk / "encoder.yaml"), "--output", "embed"])
    assert contents(tmp_path / "embed") == contents(desk / "embed")
    main(["scale", "sample", "embed", "--items", "2000", "--output", "sample"])
    assert contents(tmp_path / "sample" / "rows") == contents(desk / "sample" / "rows")
    main(["scale", "tokenize", "embed", "--checkpoint", str(hier), "--output", "sids"])
    one, other = (read_semantic_ids(folder) for folder in (tmp_path / "sids", tokenized))  # of one range, and of many
    np.testing.assert_array_equal(one.codes, other.codes)
    assert one.item_ids.tolist() == other.item_ids.tolist()
    main(["scale", "card", "sids"])
    main(["scale", "neighbors", "embed", "-k", "3", "--output", "near"])
    told = capsys.readouterr().out
    assert "semantic IDs of 5,000 places" in told
    assert "nearest places of 5,000 places" in told
    assert "Adjusted mutual information" in told
