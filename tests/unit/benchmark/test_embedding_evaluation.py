"""Judged vectors: every number against the ranks, and what must hold whatever the vectors."""

import json
from io import StringIO

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from lgsid.artefacts import Embeddings
from lgsid.artefacts.held_out import held_out
from lgsid.benchmark.embedding_evaluation import evaluate_embeddings
from lgsid.benchmark.embedding_files import write_evaluation
from lgsid.benchmark.embedding_tables import tables_of
from lgsid.benchmark.sentence_evaluation import sentence_metrics
from lgsid.console import DataConsole
from lgsid.errors import LgsidError
from lgsid.functional.neighborhood import agreement_at_k, nearest_vectors
from lgsid.testing import tiny_encoder, toy_city
from lgsid.text import LoraSpec, TextEncoder, sentence_retention


@pytest.fixture(scope="module")
def city():
    return toy_city(n_items=60, n_users=15, n_checkins=600)


def vectors_of(items, seed):
    return Embeddings(items.ids, np.random.default_rng(seed).normal(size=(len(items), 8)).astype(np.float32))


@pytest.fixture(scope="module")
def judged(city):
    return evaluate_embeddings(city, vectors_of(city.items, 1), vectors_of(city.items, 0), 0.3, held_out_seed=4)


def test_numbers_are_those_of_the_ranks(city, judged):
    log = city.interactions.frame
    trained = set(city.item_rows[(log["split"] == "train").to_numpy()].tolist())
    out = held_out(city.items.ids, 0.3, 4)
    for when, columns in judged.ranks.items():
        assert (log["split"].to_numpy()[columns["row"]] == "test").all()
        cold = np.array([target not in trained for target in columns["target"]])
        for part, mask in {"": ~cold | cold, "cold/": cold, "held_out/": out[columns["target"]]}.items():
            assert mask.any()
            found = judged.metrics[f"{when}/next_place/{part}last+distance/hit@10"]
            assert found == pytest.approx((columns["last+distance"][mask] <= 10).mean())
            assert judged.metrics[f"control/next_place/{part}queries"] == mask.sum()
    control = judged.metrics["control/next_place/distance/hit@10"]
    assert control == pytest.approx((judged.ranks["before"]["distance"] <= 10).mean())
    assert not [key for key in judged.metrics if key.startswith(("before", "after")) and "/distance/" in key]


def test_neighborhoods_are_measured_on_held_out_places_too(city, judged):
    items, rows = city.items, np.flatnonzero(held_out(city.items.ids, 0.3, 4))
    vectors = torch.from_numpy(vectors_of(items, 1).vectors)
    category, rows = torch.from_numpy(items.codes("category")[0]), torch.from_numpy(rows)
    expected = agreement_at_k(nearest_vectors(vectors, 5)[rows], category, rows)
    assert judged.metrics["after/held_out/purity@5"] == pytest.approx(float(expected))
    assert "after/cosine_to_reference" in judged.metrics
    assert "before/cosine_to_reference" not in judged.metrics
    bounds = {key.removeprefix("bound/"): value for key, value in judged.metrics.items() if key.startswith("bound/")}
    assert {"purity@5", "coverage@1/region_1", "coverage@10/region_2", "held_out/alike_3km@5"} <= bounds.keys()
    for when in ("before", "after"):
        assert all(judged.metrics[f"{when}/{key}"] <= bound + 1e-9 for key, bound in bounds.items())


def test_differences_are_paired(judged):
    before, after = (judged.ranks[when]["last"] <= 10 for when in ("before", "after"))
    mean, low, high, p, _ = judged.comparison.differences["hit@10"]["before/last"]["after/last"]
    assert mean == pytest.approx(after.mean() - before.mean())
    assert low <= mean <= high
    assert 0 < p <= 1
    out = judged.slices["held_out/"]
    added = judged.comparison.differences["held_out/mrr@10"]["control/distance"]["after/last+distance"][0]
    ranks = judged.ranks["after"]
    gains = [np.where(ranks[key] <= 10, 1 / ranks[key], 0)[out] for key in ("last+distance", "distance")]
    assert added == pytest.approx(np.mean(gains[0] - gains[1]))


def test_vectors_beside_themselves_change_nothing(city):
    same = vectors_of(city.items, 0)
    found = evaluate_embeddings(city, same, same, split="validation")
    for key, value in found.metrics.items():
        if key.startswith("before/"):
            assert found.metrics[key.replace("before", "after", 1)] == value
    for key in ("last", "history", "last+distance", "history+distance"):
        mean, low, high, p, _ = found.comparison.differences["hit@10"][f"before/{key}"][f"after/{key}"]
        assert (mean, low, high, p) == (0, 0, 0, 1)
    rows = found.ranks["after"]["row"]
    assert (city.interactions.frame["split"].to_numpy()[rows] == "val").all()


def test_the_order_of_vectors_does_not_count_and_a_missing_one_is_told(city, judged):
    given = vectors_of(city.items, 1)
    order = np.random.default_rng(2).permutation(len(given))
    other = Embeddings(given.item_ids[order], given.vectors[order])
    found = evaluate_embeddings(city, other, None, 0.3, held_out_seed=4)
    for key, value in found.metrics.items():
        assert judged.metrics[key] == pytest.approx(value, rel=1e-5), key
    with pytest.raises(LgsidError, match="no vector for 1 of 60 items"):
        evaluate_embeddings(city, Embeddings(given.item_ids[1:], given.vectors[1:]))


@pytest.mark.parametrize("alone", [False, True])
def test_tables_fit_eighty_columns(city, judged, alone):
    found = evaluate_embeddings(city, vectors_of(city.items, 1)) if alone else judged
    out = StringIO()
    tables = tables_of(found, {1: "borough", 2: "neighborhood"})
    for table in tables:
        DataConsole(file=out, width=80).print(table)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert [table.title for table in tables] == ["Next place", "Differences", "Neighborhoods"]
    assert any("coverage@5, neighborhood" in line for line in lines)
    shown = next(row for row in tables[0].rows if row[0] == "last")
    times = ("after",) if alone else ("before", "after")
    assert shown[1 : 1 + len(times)] == tuple(f"{found.metrics[f'{t}/next_place/last/hit@10']:.3f}" for t in times)


def test_files_hold_the_numbers_and_the_ranks(judged, tmp_path):
    write_evaluation(judged, tmp_path)
    assert json.loads((tmp_path / "metrics.json").read_text()) == judged.metrics
    assert set(json.loads((tmp_path / "comparison.json").read_text())) == {"values", "differences"}
    table = pq.read_table(tmp_path / "next_place_ranks_after.parquet")
    assert table["history"].to_pylist() == judged.ranks["after"]["history"].tolist()


@pytest.mark.usefixtures("own_cache")
def test_sentences_are_asked_of_the_encoder_that_made_the_vectors(city, tmp_path):
    encoder = TextEncoder(tiny_encoder("bert", tmp_path / "model"), lora=LoraSpec(rank=2))
    generator = torch.Generator().manual_seed(1)
    for parameter in encoder.parameters():
        if parameter.requires_grad:
            parameter.data = torch.randn(parameter.shape, generator=generator)
    encoder.save_adapter(tmp_path / "adapter")
    made = Embeddings(city.items.ids, vectors_of(city.items, 0).vectors, {"encoder": encoder.describe()})
    expected, found = sentence_retention(encoder), sentence_metrics(made, str(tmp_path / "adapter"))
    assert found["after/sentences/spearman"] == pytest.approx(expected["spearman"])
    assert found["before/sentences/spearman"] == pytest.approx(expected["reference_spearman"])
    other = Embeddings(made.item_ids, made.vectors, {"encoder": {**encoder.describe(), "adapter_hash": "other"}})
    with pytest.raises(LgsidError, match="not the one that made these embeddings"):
        sentence_metrics(other, str(tmp_path / "adapter"))
    with pytest.raises(LgsidError, match="does not tell the encoder"):
        sentence_metrics(vectors_of(city.items, 0), str(tmp_path / "adapter"))
