"""`lgsid export`, alone and as a stage."""

import numpy as np
import pytest

from lgsid.artefacts import Embeddings, SemanticIDs
from lgsid.cli import main
from lgsid.stores import FaissStore, LanceStore


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vectors")
    rng = np.random.default_rng(0)
    ids = np.array([f"p{row}" for row in range(50)], dtype=object)
    Embeddings(ids, rng.normal(size=(50, 8)).astype(np.float32)).write(folder / "embeddings.parquet")
    SemanticIDs(ids, np.stack([np.arange(50) % 5, np.arange(50) // 5], 1), (5, 10)).write(folder / "sids.parquet")
    return folder


def test_a_store_is_written_searched_and_told(inputs, tmp_path, capsys):
    given = [str(inputs / "embeddings.parquet"), "--sids", str(inputs / "sids.parquet")]
    main(["export", *given, "--output", str(tmp_path / "out")])
    told = capsys.readouterr().out
    assert "50 places; recall@10 of 50 of them against brute force 1.000" in told
    kept = LanceStore().semantic_ids(tmp_path / "out")
    assert kept.codes.tolist() == SemanticIDs.read(inputs / "sids.parquet").codes.tolist()
    with pytest.raises(SystemExit):
        main(["export", *given, "--output", str(tmp_path / "out")])
    assert "places.lance: exists already" in capsys.readouterr().err


def test_a_misspelled_store_is_told(inputs, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["export", str(inputs / "embeddings.parquet"), "--store", "FaisStore", "--output", str(tmp_path / "out")])
    assert "did you mean FaissStore?" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_stage_exports_with_arguments(inputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = "{class_path: FaissStore, init_args: {factory: HNSW8}}"
    options = f"{{embeddings: {inputs / 'embeddings.parquet'}, store: {store}}}"
    (tmp_path / "p.yaml").write_text(f"stages:\n  export: {{command: export, set: {options}}}\n")
    main(["run", "p.yaml"])
    found = FaissStore().search(tmp_path / "runs/p/export", Embeddings.read(inputs / "embeddings.parquet").vectors, 1)
    assert found.ids[:, 0].tolist() == [f"p{row}" for row in range(50)]
