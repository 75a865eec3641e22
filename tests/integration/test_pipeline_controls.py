"""The controls of the leaderboard as stages of a pipeline."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lgsid.artefacts import Items, SemanticIDs
from lgsid.cli import main
from lgsid.datamodules import CTRCandidates, CTRData, PopularityNegatives
from lgsid.metrics import flat_metrics
from lgsid.pipeline.pipeline import Pipeline
from lgsid.recommenders.counting import CLICK_BASELINES
from lgsid.recommenders.live import recommend
from lgsid.tokenizers.permute_sids import permute_across_items

FILE = Path(__file__).resolve().parents[1] / "conf" / "tiny_controls.yaml"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        main(["run", str(FILE), "--run-folder", str(folder / "run")])
    return folder / "run"


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_plain_ids_are_codes_that_tiger_recommends_with(desk):
    sids = SemanticIDs.read(desk / "plain" / "sids.parquet")
    ids = sorted(Items.read(desk / "data" / "items.parquet").ids.tolist())
    assert sids.codebook_sizes == (len(ids),)
    assert [ids[code] for code in sids.codes[:, 0]] == sids.item_ids.tolist()
    assert np.array_equal(SemanticIDs.read(desk / "plain_again" / "sids.parquet").codes, sids.codes)
    assert read(desk / "tiger" / "metrics.json")["test/queries"] > 0
    found = recommend(desk / "tiger" / "model.ckpt", desk / "data", history=[ids[0]], k=len(ids))
    assert sorted(place.item_id for place in found.items) == ids


@pytest.mark.slow
def test_codes_are_dealt_from_the_seed_of_the_pipeline(desk):
    items = Items.read(desk / "data" / "items.parquet")
    codes, dealt = (SemanticIDs.read(desk / name / "sids.parquet") for name in ("codes", "dealt"))
    assert np.array_equal(dealt.codes, permute_across_items(codes, items, Pipeline.read(FILE).seed).codes)
    index = SemanticIDs.read_index_json(desk / "dealt" / "sids.index.json", items)
    assert np.array_equal(index.for_items(items), dealt.codes)
    card = read(desk / "dealt" / "card.json")
    assert read(desk / "dealt" / "metrics.json") == pytest.approx(flat_metrics(card))
    assert card["codebook_sizes"] == list(codes.codebook_sizes)
    assert dealt.metadata["data_hash"] == read(desk / "data" / "dataset.json")["data_hash"]
    assert read(desk / "dealt" / "provenance.json")["seed"] == 1
    assert "test/auc" in read(desk / "din" / "metrics.json")


@pytest.mark.slow
def test_counting_and_models_score_the_same_samples(desk):
    metrics = read(desk / "clicks" / "metrics.json")
    keys = ["row", "user", "candidate", "label", "near"]
    models = [pd.read_parquet(desk / name / "per_sample.parquet") for name in ("din", "distance")]
    counted = [pd.read_parquet(desk / "clicks" / f"per_sample_{b.__name__}.parquet") for b in CLICK_BASELINES]
    first, *others = (table[keys].sort_values(keys, ignore_index=True) for table in (*models, *counted))
    for other in others:
        pd.testing.assert_frame_equal(first, other)
    drawn = [pd.read_parquet(desk / name / "ctr_candidates.parquet") for name in ("clicks", "din", "distance")]
    for other in drawn[1:]:
        pd.testing.assert_frame_equal(drawn[0], other)
    assert all(0 <= metrics[f"{baseline.__name__}/test/auc"] <= 1 for baseline in CLICK_BASELINES)
    assert read(desk / "clicks" / "provenance.json")["seed"] is None


@pytest.mark.slow
def test_stored_negatives_are_taken_as_they_are(desk, tmp_path):
    stored, words = desk / "others" / "ctr_candidates.parquet", ["ctr-baselines", f"--dataset={desk / 'data'}"]
    main([*words, f"--candidates={stored}", f"--output={tmp_path}"])
    assert read(tmp_path / "metrics.json") == read(desk / "others" / "metrics.json")
    other = CTRCandidates.read(stored)
    CTRCandidates(other.row, other.negative, other.near, {**other.metadata, "data_hash": "x"}).write(
        tmp_path / "x.parquet"
    )
    with pytest.raises(SystemExit):
        main([*words, f"--candidates={tmp_path / 'x.parquet'}", f"--output={tmp_path}"])
    with pytest.raises(SystemExit):
        main([*words, "--negatives=Nonsense", f"--output={tmp_path}"])


@pytest.mark.slow
def test_options_are_those_of_the_datamodule(desk):
    data = CTRData(str(desk / "data"), negatives=PopularityNegatives(), seed=3)
    data.setup()
    table = pd.read_parquet(desk / "others" / "ctr_candidates.parquet")
    assert np.array_equal(np.stack(table["negative"].tolist()), data.candidates.negative)
    other = pd.read_parquet(desk / "clicks" / "ctr_candidates.parquet")
    assert not np.array_equal(np.stack(table["negative"].tolist()), np.stack(other["negative"].tolist()))
