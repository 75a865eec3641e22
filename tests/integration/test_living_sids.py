"""`lgsid sids` as a user has it: a tokenizer that was fitted on some places, and others that open, move and close."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from lgsid.artefacts import Dataset, Embeddings, Items, SemanticIDs
from lgsid.cli import main
from lgsid.generations import Generations
from lgsid.serving import ModelFiles, Service, schemas
from lgsid.testing import toy_city


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A folder with a dataset of 50 places, a tokenizer, semantic IDs, and ten places that are new."""
    folder = tmp_path_factory.mktemp("city")
    whole = toy_city(n_items=60)
    vectors = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    Embeddings(whole.items.ids, vectors).write(folder / "vectors.parquet")
    whole.take(np.arange(60) < 50).write(folder / "data")
    whole.items.take(np.arange(60) >= 50).write(folder / "new.parquet")
    north = whole.items.take(np.arange(3)).to_frame().drop(columns="geometry")
    Items.from_frame(north.assign(lat=north["lat"] + 0.5)).write(folder / "moved.parquet")
    (folder / "closed.txt").write_text("\n".join(whole.items.ids[10:14]))
    main(
        [
            *("fit", "--config", "tokenizer/hier.yaml", "--run-folder", str(folder / "tok")),
            *(f"--data.dataset={folder / 'data'}", f"--data.embeddings={folder / 'vectors.parquet'}"),
            *("--trainer.max_epochs=1", "--model.codebook_sizes=[4, 4, 8]"),
        ]
    )
    return folder


@pytest.fixture
def live(city, tmp_path, monkeypatch, capsys):
    """Runs a `lgsid sids` command in a folder with one generation, and returns what it prints."""
    for path in city.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*words):
        capsys.readouterr()
        main(["sids", *words])
        out = capsys.readouterr().out
        assert "--json" in words or max(map(len, out.splitlines())) <= 80
        return out

    run("publish", "live", "--sids", "tok/sids.parquet", "--items", "data", "--checkpoint", "tok")
    return run


def mistake(run, *words):
    """Return the one line that a wrong command prints."""
    with pytest.raises(SystemExit) as stop:
        run(*words)
    assert stop.value.code == 2


def test_a_place_has_one_semantic_id_from_opening_to_closing(live, city):
    assert "generation 2, from 1: live/000002" in live(
        "append", "live", "--items=new.parquet", "--embeddings=vectors.parquet"
    )
    again = live("append", "live", "--items=new.parquet", "--embeddings=vectors.parquet")
    assert "nothing changes; generation 2 stays the current one" in again
    assert "4 retired" in live("retire", "live", "--places=closed.txt")
    moved = live("move", "live", "--items=moved.parquet", "--embeddings=vectors.parquet")
    assert "3 moved" in moved
    assert "of 3 places would get another semantic ID now" in moved
    published = SemanticIDs.read(city / "tok" / "sids.parquet").to_frame()
    now = SemanticIDs.read("live").to_frame()
    assert now.iloc[:50].equals(published)
    assert len(now) == 60
    assert not now.duplicated([f"level_{level}" for level in (1, 2, 3)]).any()
    told = live("diff", "live", "1")
    assert "10 appended, 4 retired, 3 moved" in told
    found = json.loads(live("diff", "live", "1", "--json"))
    assert found["churn"]["prefix"] == [0.0, 0.0, 0.0]
    assert live("list", "live").splitlines()[-2].split()[:4] == ["*", "4", "3", "move"]
    assert "generation 3 is the current one" in live("rollback", "live")
    assert "generation 3, from 2, by retire" in live("status", "live", "--verify")
    assert json.loads(live("status", "live", "--json", "--generation=1"))["counts"]["open"] == 50


def test_appended_places_get_what_the_tokenizer_gives_them_where_it_is_free(live):
    live("append", "live", "--items=new.parquet", "--embeddings=vectors.parquet")
    from lgsid import checkpoints

    new, tokenizer = Items.read("new.parquet"), checkpoints.load("tok")
    raw = tokenizer.encode(tokenizer.batch_of(new, Embeddings.read("vectors.parquet"))).tolist()
    held = [*raw, *SemanticIDs.read("live/000001").codes.tolist()]
    found = SemanticIDs.read("live").for_items(new).tolist()
    crowded = [row[:2] for row in raw if held.count(row) > 1]
    free = [number for number, row in enumerate(raw) if row[:2] not in crowded]
    assert 0 < len(free) < len(raw)
    assert [found[number] for number in free] == [raw[number] for number in free]


def test_dry_run_writes_nothing(live):
    assert "nothing was written; generation 1" in live("retire", "live", "--places=closed.txt", "--dry-run")
    assert Generations("live").numbers == [1]


def test_a_refit_tells_the_churn_and_later_places_are_appended_to_it(live, city):
    words = ("--data.dataset=data", "--data.embeddings=vectors.parquet", "--trainer.max_epochs=1", "--model.seed=1")
    main(["fit", "--config", "tokenizer/hier.yaml", "--run-folder", "tok2", *words, "--model.codebook_sizes=[4, 4, 8]"])
    told = live("refit", "live", "--sids=tok2/sids.parquet", "--checkpoint=tok2")
    assert "ByPrefix" in told
    assert "as they are" in told
    live("append", "live", "--items=new.parquet", "--embeddings=vectors.parquet")
    codes = SemanticIDs.read("live").codes
    assert len(np.unique(codes, axis=0)) == 60


def test_another_tokenizer_is_refused_and_a_moved_one_is_found(live, city, capsys, tmp_path):
    shutil.copytree(city / "tok", "elsewhere")
    (tmp_path / "tok").unlink()
    root = Generations("live")
    assert root.current.manifest.tokenizer is not None
    assert "10 appended" in live(
        "append", "live", "--items=new.parquet", "--embeddings=vectors.parquet", "--checkpoint=elsewhere"
    )
    (tmp_path / "elsewhere" / "model.ckpt").write_bytes(b"another")
    live("rollback", "live")
    mistake(live, "append", "live", "--items=new.parquet", "--embeddings=vectors.parquet", "--checkpoint=elsewhere")
    assert "not the tokenizer that live was published with" in capsys.readouterr().err


def test_mistakes_are_told_in_one_line(live, capsys):
    mistake(live, "append", "live", "--items=new.parquet")
    assert "needs the vectors of the items" in capsys.readouterr().err
    mistake(live, "append", "nowhere", "--items=new.parquet")
    assert "nowhere: no generations in it" in capsys.readouterr().err
    mistake(live, "refit", "live", "--sids=tok/sids.parquet", "--relabeler=ByPrefixes")
    assert "did you mean" in capsys.readouterr().err
    mistake(live, "publish", "live", "--sids=live/000001", "--items=new.parquet")
    assert "semantic IDs" in capsys.readouterr().err
    mistake(live, "diff", "live")
    assert "generation 1 is the first one" in capsys.readouterr().err


def test_a_recommender_is_trained_on_a_root_and_asked_among_open_places(live, city):
    from lgsid.datamodules import SequenceData

    live("append", "live", "--items=new.parquet", "--embeddings=vectors.parquet")
    live("retire", "live", "--places=closed.txt")
    data = SequenceData("data", "live")
    data.setup()
    dataset = Dataset.read("data")
    assert np.array_equal(data.codes, SemanticIDs.read("live/000001").for_items(dataset.items))
    from lgsid.recommenders.place_filters import Among

    open_places = Among.of_file("live/000003/open.txt").allowed(dataset.items)
    assert set(dataset.items.ids[~open_places]) == set((city / "closed.txt").read_text().split())


def test_a_trained_recommender_follows(city, live, capsys):
    toy_city(n_items=60).write("now")
    main(
        [
            *("fit", "--config", "recommender/tiger.yaml", "--run-folder", "tiger", "--trainer.max_epochs=1"),
            *("--data.dataset=data", "--data.sids=live", "--model.t5={d_model: 8, d_kv: 4, d_ff: 16, num_heads: 2}"),
        ]
    )
    live("append", "live", "--items", "new.parquet", "--embeddings", "vectors.parquet")
    refresh = ["refresh", "tiger", "--before", "data", "--dataset", "now", "--sids", "live"]
    capsys.readouterr()
    main([*refresh, "--output", "followed"])
    assert capsys.readouterr().out == "places: 60, new: 10; new users: 0\nfollowed: written\n"
    ids = Dataset.read("now").items.ids[50:]
    Path("opened.txt").write_text("\n".join(ids))
    main(["recommend", "--checkpoint", "followed", "--dataset", "now", "--among", "opened.txt", "--json"])
    found = json.loads(capsys.readouterr().out)["items"]
    assert {place["item_id"] for place in found} == set(ids)
    given = Generations("live").current.sids()
    codes = dict(zip(given.item_ids, given.codes.tolist(), strict=True))
    assert all(place["sid"] == codes[place["item_id"]] for place in found)
    for mistaken, told in (
        ([*refresh, "--output", "followed"], "followed/model.ckpt: exists already; name a new folder"),
        ([*refresh[:3], "now", *refresh[4:], "--output", "other"], "ids, positions and order must be the same"),
        ([*refresh[:-2], "--output", "other"], "codebooks of the semantic IDs: none now, (4, 4, 8) in the training"),
    ):
        mistake(lambda *words: main(list(words)), *mistaken)
        line = capsys.readouterr().err
        assert line.startswith("lgsid: error: ")
        assert line.endswith(f"{told}\n")
        assert line.count("\n") == 1
        assert not Path("other").exists()
    service = Service.load({"followed": ModelFiles.of("followed", dataset="now", sids="live")})
    answer = service.recommend(schemas.RecommendRequest(history=[str(ids[0])], k=60))
    assert set(ids) <= {place.item for place in answer.places}
