"""The task that compares vectors: its numbers are those of `lgsid evaluate`, and its differences are paired."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from lgsid.artefacts import Embeddings
from lgsid.benchmark.embedding_evaluation import CONTROL, evaluate_embeddings
from lgsid.benchmark.embedding_files import read_ranks, write_evaluation
from lgsid.benchmark.tasks import TASKS
from lgsid.errors import LgsidError
from lgsid.metrics.place_vector_declarations import share_of_oracle
from lgsid.testing import toy_city

TASK = TASKS["place_vectors"]
SEEDS = (1, 2)


@pytest.fixture(scope="module")
def city():
    return toy_city(n_items=60, n_users=15, n_checkins=600)


def vectors_of(items, seed):
    return Embeddings(items.ids, np.random.default_rng(seed).normal(size=(len(items), 8)).astype(np.float32))


@pytest.fixture(scope="module")
def found(city, tmp_path_factory):
    folders = {}
    before = vectors_of(city.items, 0)  # the same whatever the seed of the alignment
    for seed in SEEDS:
        for name, judged in (
            ("aligned", evaluate_embeddings(city, vectors_of(city.items, seed), before, 0.3)),
            ("unaligned", evaluate_embeddings(city, before, held_out_share=0.3)),
        ):
            folder = tmp_path_factory.mktemp(f"{name}.{seed}")
            write_evaluation(judged, folder)
            folders.setdefault(name, []).append((seed, folder, judged))
    return folders


def compared(found, city):
    cells, files = {}, {}
    for name, stage, part in (
        ("aligned", "aligned", ""),
        ("unaligned", "unaligned", ""),
        ("distance", "unaligned", CONTROL),
    ):
        groups = found[stage]
        method = {"name": name} | ({"part": part} if part else {})
        cells[name] = [{"seed": s, "method": method, "metrics": TASK.measured(f, part)} for s, f, _ in groups]
        files[name] = [folder / TASK.per_user_file(part) for _, folder, _ in groups]
    return cells, TASK.compare(cells, files, city)


def test_numbers_are_those_of_the_evaluation(found):
    _, folder, judged = found["aligned"][0]
    numbers = TASK.measured(folder, "")
    assert set(numbers) <= set(TASK.keys)
    for part in ("", "held_out/"):
        assert numbers[f"{part}last/hit@10"] == judged.metrics[f"after/next_place/{part}last/hit@10"]
        assert numbers[f"{part}purity@5"] == judged.metrics[f"after/{part}purity@5"]
        assert numbers[f"{part}coverage@5"] == judged.metrics[f"after/{part}coverage@5/region_2"]  # the finest
        oracle = judged.metrics[f"after/{part}oracle_coverage@5"]
        assert numbers[f"{part}of_oracle@5"] == pytest.approx(numbers[f"{part}coverage@5"] / oracle)
    distance = TASK.measured(folder, CONTROL)
    assert set(distance) == {
        f"{part}{origin}+distance/{number}@10"
        for part in ("", "held_out/")
        for origin in ("last", "history")
        for number in ("hit", "mrr")
    }
    assert distance["history+distance/mrr@10"] == judged.metrics["control/next_place/distance/mrr@10"]
    assert share_of_oracle({"coverage@5/region_1": 0.5, "oracle_coverage@5": 0.0}, "") is None


def test_differences_are_paired_by_user_and_by_seed(found, city):
    cells, comparison = compared(found, city)
    for name, group in cells.items():
        for key in group[0]["metrics"]:
            mean = np.mean([cell["metrics"][key] for cell in group])
            assert comparison.values[name][key][0] == pytest.approx(mean), key
    added = comparison.differences["held_out/last+distance/hit@10"]["distance"]["aligned"]
    alone = [
        j.comparison.differences["held_out/hit@10"]["control/distance"]["after/last+distance"][0]
        for *_, j in found["aligned"]
    ]
    assert added[0] == pytest.approx(np.mean(alone))
    mean, low, high, p, _ = comparison.differences["last/hit@10"]["unaligned"]["aligned"]
    assert low < mean < high
    assert 0 < p <= 1
    assert "last/hit@10" not in comparison.values["distance"]
    assert "purity@5" in comparison.differences
    assert "hit@1" not in " ".join(comparison.values["aligned"]).split()


def test_ranks_are_read_in_any_order(found, tmp_path):
    _, folder, _ = found["unaligned"][0]
    path = folder / TASK.per_user_file("")
    table = pq.read_table(path)
    shuffled = tmp_path / path.name
    pq.write_table(table.take(np.random.default_rng(0).permutation(len(table))), shuffled)
    (columns, inside, queries), again = read_ranks(path), read_ranks(shuffled)
    assert queries == again[2]
    for name, column in columns.items():
        np.testing.assert_array_equal(column, again[0][name])
    for name, mask in inside.items():
        np.testing.assert_array_equal(mask, again[1][name])
    assert inside["held_out/"].any()
    pq.write_table(table.slice(0, 0), shuffled)
    with pytest.raises(LgsidError, match="ranks must be there and start at 1; run the stage again"):
        read_ranks(shuffled)


def test_a_stage_that_evaluates_nothing_is_one_clear_line(tmp_path):
    (tmp_path / "metrics.json").write_text('{"test/mrr@10": 0.5}')
    with pytest.raises(LgsidError, match=r"metrics\.json: no metric after/\.\.\.; the stage must run `evaluate`"):
        TASK.measured(tmp_path, "")
