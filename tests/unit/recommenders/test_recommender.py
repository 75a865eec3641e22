"""What every recommender does with batches of validation and test: the evaluation that fits what is served."""

import numpy as np
import pandas as pd
import pytest

from lgsid import checkpoints
from lgsid.artefacts import Dataset, SemanticIDs
from lgsid.datamodules import CTRData, SequenceData
from lgsid.errors import LgsidError
from lgsid.recommenders import Popularity, TimeTransition, evaluate_counting
from lgsid.testing import quiet_trainer


def names(toy_folder):
    return {path.name for path in toy_folder.iterdir()}


def test_the_files_are_those_of_the_last_test(toy_folder, tmp_path):
    model = TimeTransition()
    for data, files, key in (
        (CTRData(str(toy_folder)), {"per_sample.parquet", "ctr_candidates.parquet"}, "test/auc"),
        (SequenceData(str(toy_folder), max_history=10_000), {"per_query.parquet"}, "test/hit@1"),
    ):
        results = quiet_trainer().test(model, datamodule=data, verbose=False)[0]
        assert key in results
        out = tmp_path / key.replace("/", "-")
        out.mkdir()
        model.export(out)
        assert names(out) == files


def test_a_test_of_the_trainer_writes_what_the_suite_writes(toy_folder, tmp_path):
    evaluate_counting(toy_folder, folder=tmp_path, baselines=[TimeTransition()])
    model = TimeTransition()
    data = SequenceData(str(toy_folder), max_history=10_000)
    quiet_trainer().test(model, datamodule=data, verbose=False)
    model.export(tmp_path)
    one, other = (
        pd.read_parquet(tmp_path / name).sort_values("row", ignore_index=True)
        for name in ("per_query.parquet", "per_query_TimeTransition.parquet")
    )
    pd.testing.assert_frame_equal(one, other)
    assert (one["explore_rank"] > 0).sum() == one["is_new"].sum() > 0


def test_predictions_are_the_lists_of_each_query(toy_folder):
    data, model = SequenceData(str(toy_folder), max_history=10_000, eval_batch_size=50), TimeTransition()
    parts = quiet_trainer().predict(model, datamodule=data)
    rows = data.queries("test")
    lists = model.rank(data.batch(rows), 60)
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = found["row"].argsort(kind="stable")  # queries of like length are served together
    found = {name: column[order] for name, column in found.items()}
    width = 60  # all places, since `k_max` is more
    assert found["row"].tolist() == np.repeat(rows, width).tolist()
    assert found["user"].tolist() == np.repeat(data.log.user[rows], width).tolist()
    assert found["rank"].tolist() == list(range(1, width + 1)) * len(rows)
    assert found["item"].tolist() == lists.items.flatten().tolist()
    assert found["score"].tolist() == lists.scores.flatten().tolist()


def test_validation_leaves_no_file_and_starts_anew_each_time(toy_folder, tmp_path):
    data, model, trainer = SequenceData(str(toy_folder), val_queries=20), TimeTransition(), quiet_trainer()
    first = trainer.validate(model, datamodule=data, verbose=False)[0]
    assert first == trainer.validate(model, datamodule=data, verbose=False)[0]
    assert first["val/queries"] == 20
    assert not any(name.startswith("val/explore/") for name in first)
    model.export(tmp_path)
    assert names(tmp_path) == set()


def test_evaluation_without_a_datamodule_is_one_line(toy_folder):
    data = SequenceData(str(toy_folder))
    data.setup()
    model = Popularity()
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    with pytest.raises(LgsidError, match="Popularity: evaluation needs a datamodule"):
        quiet_trainer().validate(model, dataloaders=data.val_dataloader(), verbose=False)


def test_semantic_ids_other_than_those_of_the_training_are_refused(toy_folder, tmp_path):
    ids = Dataset.read(toy_folder).items.ids

    def served(modulus):
        return SequenceData(str(toy_folder), SemanticIDs(ids, np.arange(60)[:, None] % modulus, (9,)))

    trainer = quiet_trainer(max_epochs=1, limit_train_batches=1)
    trainer.fit(Popularity(), datamodule=served(7))
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    loaded = checkpoints.load(tmp_path / "model.ckpt", Popularity)
    assert loaded.catalogue.codes[:, 0].tolist() == [row % 7 for row in range(60)]
    assert quiet_trainer().test(loaded, datamodule=served(7), verbose=False)
    with pytest.raises(LgsidError, match="other semantic IDs"):
        quiet_trainer().test(loaded, datamodule=served(9), verbose=False)
