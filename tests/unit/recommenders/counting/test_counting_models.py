"""Every counting baseline against loops over the definitions in docs/evaluation.md."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from lgsid.artefacts import Dataset, Interactions, Items
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.datamodules.sequence_data import SequenceData
from lgsid.errors import LgsidError
from lgsid.functional.ranking import UNRANKED
from lgsid.recommenders.counting import BASELINES, NearestPlace, Popularity, TimeTransition, evaluate_counting
from lgsid.recommenders.counting.log_source import LogSource
from lgsid.recommenders.counting.past_visits import PastVisits
from lgsid.recommenders.counting.split_task import SplitTask, task_of
from lgsid.recommenders.counting.transition_counts import TransitionCounts
from lgsid.testing import quiet_trainer

N, M, USERS = 13, 160, 5
CATEGORIES = ["bar", "cafe", "gym"]


def make_town(task, seed=3):
    rng = np.random.default_rng(seed)
    items = pd.DataFrame({"item_id": [f"i{k:02d}" for k in range(N)], "name": "", "category_group": "", "brand": ""})
    items["category"] = rng.choice(CATEGORIES, N)
    items["lat"], items["lon"] = 40.7 + rng.random(N) / 50, -74 + rng.random(N) / 50
    items.loc[4, ["lat", "lon"]] = items.loc[5, ["lat", "lon"]].to_numpy()  # two places at one spot
    user = rng.integers(0, USERS, M)
    user[-20] = USERS  # somebody with a single check-in, in the test part
    item = np.where(rng.random(M) < 0.6, user * 2 % N, rng.integers(0, N, M))
    time = pd.Timestamp("2012-04-03", tz="UTC") + pd.to_timedelta(np.sort(rng.integers(0, 40 * 86400, M)), unit="s")
    frame = pd.DataFrame({"user_id": [f"u{u}" for u in user], "item_id": [f"i{k:02d}" for k in item], "time": time})
    frame["hour"], frame["weekday"] = time.hour, time.day_of_week
    if task == "temporal":
        frame["split"] = ["train"] * 100 + ["val"] * 20 + ["test"] * 40
    else:
        left = frame.groupby("user_id").cumcount(ascending=False)
        frame["split"] = np.where(left == 0, "test", np.where(left == 1, "val", "train"))
    return Dataset(Items.from_frame(items), Interactions(frame), {"split": task})


@pytest.fixture(scope="module", params=["temporal", "leave_one_out"])
def town(request):
    return make_town(request.param)


def km(items, a, b):
    lat, lon = np.radians(items.lat_deg), np.radians(items.lon_deg)
    half = math.sin((lat[a] - lat[b]) / 2) ** 2
    half += math.cos(lat[a]) * math.cos(lat[b]) * math.sin((lon[a] - lon[b]) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(half))


def as_lists(log):
    """Lists are faster than arrays in loops."""
    names = ("user", "item", "time_s", "hour", "weekday", "split")
    return SimpleNamespace(**{name: getattr(log, name).tolist() for name in names})


def oracle(name, data, log, row, split):
    """Return a function from items to sort keys (score, recency, popularity), and the places visited before."""
    log = as_lists(log)
    counted = {"train"} if split == "val" else {"train", "val"}
    temporal = data.report["split"] == "temporal"
    popularity = [sum(log.item[r] == i and log.split[r] in counted for r in range(M)) for i in range(N)]
    past = [r for r in range(row) if log.user[r] == log.user[row]]
    visited = {int(log.item[r]) for r in past}
    recency = {int(log.item[r]): n for n, r in enumerate(past, 1)}
    last = int(log.item[past[-1]]) if past else None

    def weight(r):
        dh = abs(float(log.hour[r]) - float(log.hour[row]))
        dh = min(dh, 24 - dh)
        same = (log.weekday[r] >= 5) == (log.weekday[row] >= 5)
        age = (log.time_s[row] - log.time_s[r]) / 86400
        return math.exp(-((dh / 2) ** 2) / 2) * math.exp(-age / 30) * (1 if same else 0.5)

    steps, latest = {}, {}
    for after in range(M):
        known = after < row if temporal else log.split[after] in counted
        before = latest.get(log.user[after])
        if known and before is not None:
            pair = (before, int(log.item[after]))
            steps[pair] = steps.get(pair, 0) + 1
        latest[log.user[after]] = int(log.item[after])

    def time(item):
        return sum(weight(r) for r in past if log.item[r] == item)

    def time_transition(item):
        total = sum(weight(r) for r in past)
        score = time(item) / total if past else 0.0
        leaving = sum(n for (a, _), n in steps.items() if a == last)
        score += 0.5 * steps.get((last, item), 0) / (leaving + 5)
        return score * (0.3 if item == last else 1)

    category = data.items.texts("category")
    n_codes = len(set(category)) + 1  # and the unknown one

    def floor(item):
        if item in visited:
            return -math.inf
        rows = [r for r in range(M) if log.split[r] in counted]
        in_hour = [r for r in rows if log.hour[r] == log.hour[row]]
        alike = category[item]
        p_hour = (sum(category[log.item[r]] == alike for r in in_hour) + 1) / (len(in_hour) + n_codes)
        p = (sum(category[log.item[r]] == alike for r in rows) + 1) / (len(rows) + n_codes)
        distance = 0.0 if last is None else km(data.items, last, item)
        return math.sqrt(popularity[item] + 0.1) * math.exp(-math.sqrt(distance / 0.3)) * p_hour / p

    scores = {
        "Popularity": lambda i: popularity[i],
        "UserFrequency": lambda i: sum(log.item[r] == i for r in past),
        "MostRecent": lambda i: recency.get(i, 0),
        "TimeKernel": time,
        "TimeTransition": time_transition,
        "NearestPlace": lambda i: 0.0 if last is None else -1e5 if i == last else -km(data.items, last, i),
        "NewPlaceFloor": floor,
    }[name]
    return (lambda i: (round(scores(i), 9), recency.get(i, 0), popularity[i])), visited


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("split", ["val", "test"])
def test_ranks_and_lists_follow_the_definition(town, baseline, split):
    source = LogSource.of(town)
    log = source.log
    model = baseline()
    model.ensure_built(source.shape)
    model.take_catalogue(source)
    rows = np.flatnonzero(log.split == split)
    batch = sequence_batch(log, rows)
    ranked, rank = model.evaluate(batch)
    scores = model.scores(batch)
    live = sequence_batch(log, rows[-1:])
    assert torch.equal(model.rank(live, 5).items, model.rank(batch, 5).items[-1:])
    for b, row in enumerate(rows.tolist()):
        key, _ = oracle(baseline.__name__, town, log, row, split)
        keys = [key(i) for i in range(N)]
        target = int(log.item[row])
        np.testing.assert_allclose(scores[b], [score for score, *_ in keys], rtol=1e-5, atol=1e-6)
        worse = 1 + sum(keys[i] >= keys[target] for i in range(N) if i != target)
        assert int(rank[b]) == (UNRANKED if keys[target][0] == -math.inf else worse), row
        expected = sorted((i for i in range(N) if keys[i][0] > -math.inf), key=lambda i: (*(-x for x in keys[i]), i))
        assert ranked.items[b, :N].tolist() == expected + [-1] * (N - len(expected)), row


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda cls: cls.__name__)
def test_somebody_without_any_past_gets_a_full_list(town, baseline):
    source = LogSource.of(town)
    model = baseline()
    model.ensure_built(source.shape)
    model.take_catalogue(source)
    rows = source.log.n_before.argmin(keepdims=True)
    assert model.scores(sequence_batch(source.log, rows)).dtype == torch.float64
    assert sorted(model.rank(sequence_batch(source.log, rows), N).items[0].tolist()) == list(range(N))


def test_suite_measures_what_the_models_rank(town, tmp_path):
    found = evaluate_counting(town, "test", tmp_path)
    log = CheckInLog.of(town)
    rows = np.flatnonzero(log.split == "test")
    for baseline in BASELINES:
        name = baseline.__name__
        table = pd.read_parquet(tmp_path / f"per_query_{name}.parquet")
        assert table["row"].tolist() == rows.tolist()
        ranks, explored = [], []
        for row in rows.tolist():
            key, visited = oracle(name, town, log, row, "test")
            keys, target = [key(i) for i in range(N)], int(log.item[row])
            ahead = [i for i in range(N) if i != target and keys[i] >= keys[target]]
            absent = keys[target][0] == -math.inf
            ranks.append(UNRANKED if absent else 1 + len(ahead))
            explored.append(-1 if target in visited else 1 + len([i for i in ahead if i not in visited]))
        assert table["rank"].tolist() == ranks
        assert table["explore_rank"].tolist() == explored
        assert found[f"{name}/test/hit@5"] == pytest.approx(np.mean([r <= 5 for r in ranks]))
        assert found[f"{name}/test/mrr"] == pytest.approx(np.mean([1 / r for r in ranks]), abs=1e-6)
        fresh = [r for r in explored if r > 0]
        if fresh:
            assert found[f"{name}/test/explore/mrr"] == pytest.approx(np.mean([1 / r for r in fresh]), abs=1e-6)


def test_suite_takes_chosen_baselines_and_refuses_two_of_one_name(town):
    assert {k.split("/")[0] for k in evaluate_counting(town, baselines=[NearestPlace()])} == {"NearestPlace"}
    with pytest.raises(LgsidError, match="once only"):
        evaluate_counting(town, baselines=[Popularity(), Popularity()])
    with pytest.raises(LgsidError, match="no check-ins"):
        evaluate_counting(town, split="holdout")
    untrained = town.interactions.to_frame().assign(split="test")
    with pytest.raises(LgsidError, match="the train split has no check-ins"):
        evaluate_counting(Dataset(town.items, Interactions(untrained)))


def test_visits_of_a_log_are_those_of_a_batch(town):
    log = CheckInLog.of(town)
    rows = np.flatnonzero(log.split != "train")[::3]
    flat, padded = PastVisits.of_log(log, rows, N), PastVisits.of(sequence_batch(log, rows), N)
    for name in ("row", "hour", "weekday", "last", "query", "item", "age_s", "visit_hour", "visit_weekday"):
        assert torch.equal(getattr(flat, name), getattr(padded, name)), name
    weight = torch.rand(len(flat.item), dtype=torch.float64)
    assert torch.allclose(flat.sum_per_item(weight).sum(1), flat.sum_per_query(weight))
    which = torch.arange(len(rows)) % 2 == 0
    assert torch.equal(flat.take(which).recency, flat.recency[which])


def test_steps_known_at_a_moment_are_counted_by_loops():
    rng = np.random.default_rng(0)
    user, item = torch.from_numpy(rng.integers(0, 4, 60)), torch.from_numpy(rng.integers(0, 5, 60))
    counts = TransitionCounts.of_log(user, item, torch.arange(60))
    origin, moment = torch.tensor([0, 3, -1, 4, 2]), torch.tensor([30, 1 << 40, 20, 0, 59])
    query, place, steps = counts.known(origin, moment)
    for q in range(5):
        seen = []
        for row in range(60):
            before = [r for r in range(row) if user[r] == user[row]]
            if before and row < moment[q] and item[before[-1]] == origin[q]:
                seen.append(int(item[row]))
        assert sorted(place[query == q].tolist()) == sorted(seen)
        assert int(steps[q]) == len(seen)


def test_task_is_read_or_seen():
    for task in SplitTask:
        data = make_town(task.value)
        assert task_of(data) is task
        assert task_of(Dataset(data.items, data.interactions, {})) is task
        assert task_of(Dataset(data.items, data.interactions, {"task": "temporal"})) is SplitTask.TEMPORAL


def test_popularity_does_not_look_at_the_test(town):
    log = CheckInLog.of(town)
    source = LogSource.of(town)
    model = Popularity()
    model.ensure_built(source.shape)
    model.take_catalogue(source)
    assert model.popularity[0].sum() == (log.split == "train").sum()
    assert model.popularity[1].sum() == (log.split != "test").sum()


def test_fit_saves_counts_and_test_without_a_checkpoint_gives_the_same(tmp_path):
    make_town("temporal").write(tmp_path / "data")
    data = SequenceData(str(tmp_path / "data"), max_history=1000, val_queries=None)
    trainer = quiet_trainer(max_epochs=1, limit_train_batches=1)
    trainer.fit(TimeTransition(transition_weight=0.7), datamodule=data)
    assert "val/hit@1" in trainer.callback_metrics
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    saved = torch.load(tmp_path / "model.ckpt", weights_only=True)
    assert saved["hyper_parameters"]["transition_weight"] == 0.7
    loaded = TimeTransition.load_from_checkpoint(tmp_path / "model.ckpt")
    assert loaded.transition_weight == 0.7
    results = quiet_trainer().test(loaded, datamodule=data, verbose=False)[0]
    fresh = quiet_trainer().test(TimeTransition(transition_weight=0.7), datamodule=data, verbose=False)[0]
    assert results == fresh
    suite = evaluate_counting(tmp_path / "data", baselines=[TimeTransition(transition_weight=0.7)])
    for key, value in suite.items():
        assert results[key.removeprefix("TimeTransition/")] == pytest.approx(value, abs=1e-6), key
