"""`lgsid predict` leaves a file for every kind of module."""

import logging

import numpy as np
import pandas as pd
import pytest
import torch

from lgsid.alignment import FarPairs, GDPOAligner, SimilarityMargin
from lgsid.artefacts import Embeddings, SemanticIDs
from lgsid.datamodules import CTRData, ItemData, PreferenceData, RewardData, SequenceData
from lgsid.errors import LgsidError
from lgsid.module import LgsidModule
from lgsid.pipeline.training_cli import train
from lgsid.recommenders import DIN, NoSids, TimeTransition
from lgsid.rewards import AnchoredPair, RewardModel
from lgsid.testing import quiet_trainer, tiny_encoder, toy_city
from lgsid.text import LoraSpec, TextEncoder
from lgsid.tokenizers import RandomTokenizer

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
TRAINER = {"max_epochs": 1, "limit_train_batches": 1}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    root = tmp_path_factory.mktemp("predictions")
    return root, toy_city(folder=root / "data")


def predicted(model, data, folder):
    quiet_trainer(**TRAINER, limit_val_batches=0).fit(model, datamodule=data)
    batches = quiet_trainer(**TRAINER).predict(model, datamodule=data)
    flat = [batch for part in batches for batch in (part if isinstance(part, list) else [part])]
    return model.export_predictions(folder, flat)


def test_a_recommender_leaves_its_lists(town, tmp_path):
    root, city = town
    data = SequenceData(str(root / "data"), max_history=1000, eval_batch_size=9)
    model = TimeTransition()
    table = pd.read_parquet(predicted(model, data, tmp_path))
    assert list(table.columns) == ["row", "user_id", "rank", "item_id", "score"]
    rows = data.queries("test")
    assert table["row"].drop_duplicates().tolist() == rows.tolist()
    for row in rows[:: len(rows) // 5]:
        expected = model.rank(data.batch(np.array([row])), len(city.items))
        part = table[table["row"] == row]
        assert part["rank"].tolist() == list(range(1, len(part) + 1))
        assert part["item_id"].tolist() == city.items.ids[expected.items[0].numpy()][: len(part)].tolist()
        assert part["user_id"].unique().tolist() == [city.user_ids[data.log.user[row]]]


def test_a_click_model_leaves_the_scores_of_the_served_samples(town, tmp_path):
    root, _ = town
    data, model = CTRData(str(root / "data"), max_history=10), DIN(NoSids(), width=8)
    table = pd.read_parquet(predicted(model, data, tmp_path))
    assert list(table.columns) == ["row", "user_id", "item_id", "label", "score"]
    quiet_trainer(**TRAINER).test(model, datamodule=data, verbose=False)
    model.export(tmp_path)
    tested = pd.read_parquet(tmp_path / "per_sample.parquet").sort_values("row", kind="stable")
    assert table["score"].tolist() == tested["score"].tolist()
    assert table["label"].tolist() == tested["label"].tolist()


def test_a_tokenizer_leaves_semantic_ids(town, tmp_path):
    root, city = town
    path = predicted(RandomTokenizer((8, 8, 8)), ItemData(str(root / "data")), tmp_path)
    assert SemanticIDs.read(path).for_items(city.items).shape == (len(city.items), 3)


def test_reward_and_aligner_leave_scores_and_embeddings(town, tmp_path):
    root, city = town
    bert = tiny_encoder("bert", tmp_path / "bert")
    data = RewardData(str(root / "data"), n_candidates=4, batch_size=16)
    model = RewardModel(TextEncoder(bert, autocast="float32"), AnchoredPair(width=8), hidden_dim=16)
    table = pd.read_parquet(predicted(model, data, tmp_path))
    assert set(table["kind"]) == {"distance", "crossed", "next_visit"}
    distance = table[table["kind"] == "distance"]
    assert len(distance) == len(data.heldout) * 5
    assert set(distance["anchor_id"]) == set(city.items.ids[data.heldout])
    assert set(table["anchor_id"]) | set(table["candidate_id"]) == set(city.items.ids[data.heldout])
    own = table[table["anchor_id"] == table["candidate_id"]]
    assert (own["distance_km"] == 0).all()

    pairs = PreferenceData(str(root / "data"), samplers=[FarPairs(near=4)], n_pairs=8, batch_size=8, n_rejected=1)
    aligner = GDPOAligner(TextEncoder(bert, lora=LoraSpec(rank=2), autocast="float32"), SimilarityMargin())
    path = predicted(aligner, pairs, tmp_path)
    assert np.array_equal(Embeddings.read(path).for_items(city.items), aligner.aligned_embeddings().numpy())
    before = Embeddings.read(path.with_name("reference_embeddings.parquet")).for_items(city.items)
    assert np.array_equal(before, aligner.reference_embeddings().numpy())


def test_the_command_tells_the_path_in_one_line(town, tmp_path, caplog):
    root, _ = town
    base = ["--config", "recommender/popularity.yaml", f"--data.dataset={root / 'data'}", f"--run-folder={tmp_path}"]
    train(["fit", *base])
    with caplog.at_level(logging.INFO):
        train(["predict", *base, f"--ckpt_path={tmp_path / 'model.ckpt'}"])
    assert f"{tmp_path / 'predictions.parquet'}: predictions written" in caplog.messages
    assert len(pd.read_parquet(tmp_path / "predictions.parquet"))


def test_a_module_that_predicts_nothing_says_so(tmp_path):
    class Silent(LgsidModule):
        pass

    with pytest.raises(LgsidError, match="Silent: this kind of module predicts nothing"):
        Silent(torch.optim.SGD).export_predictions(tmp_path, [])
