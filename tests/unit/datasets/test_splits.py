import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsid.artefacts.held_out import held_out
from lgsid.datasets import BlockSplit, ColdStartSplit, DatasetBuilder, LeaveOneOutSplit, TableSource, TemporalSplit
from lgsid.datasets.k_core import k_core
from lgsid.errors import LgsidError
from lgsid.testing import toy_city


def log_of(users):
    return pd.DataFrame({"user_id": users, "item_id": ["a"] * len(users)})


def test_temporal_split_cuts_in_order():
    split = TemporalSplit(0.7, 0.1).assign(log_of(["u"] * 20))
    assert split.tolist() == ["train"] * 14 + ["val"] * 2 + ["test"] * 4


@pytest.mark.parametrize(("train", "val"), [(0, 0.1), (0.9, 0.1), (0.9, 0.2), (0.5, -0.1)])
def test_temporal_split_refuses_shares(train, val):
    with pytest.raises(LgsidError, match="TemporalSplit"):
        TemporalSplit(train, val)


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_leave_one_out_against_a_loop(users):
    split = LeaveOneOutSplit().assign(log_of(users))
    for user in set(users):
        rows = [i for i, u in enumerate(users) if u == user]
        expected = {1: ["train"], 2: ["train", "test"]}.get(len(rows), ["train"] * (len(rows) - 2) + ["val", "test"])
        assert [split[i] for i in rows] == expected


def test_block_split():
    log = log_of(["u"] * 3).assign(block=["T1", "T4", "T5"])
    assert BlockSplit().assign(log).tolist() == ["train", "val", "test"]
    with pytest.raises(LgsidError, match="'T9' is in none of train, val, test"):
        BlockSplit().assign(log.assign(block=["T9", "T1", "T2"]))
    with pytest.raises(LgsidError, match="no column 'block'; use TemporalSplit"):
        BlockSplit().assign(log_of(["u"]))


@pytest.mark.parametrize("inner", [TemporalSplit(), LeaveOneOutSplit()], ids=["temporal", "leave_one_out"])
def test_a_cold_start_hides_places_until_the_test_and_nothing_else(inner):
    places = [f"p{i}" for i in range(40)]
    log = pd.DataFrame({"user_id": ["u", "v"] * 100, "item_id": np.random.default_rng(0).choice(places, 200)})
    before, split = inner.assign(log), ColdStartSplit(inner, share=0.3, seed=5)
    found, hidden = split.assign(log), dict(zip(places, held_out(np.array(places, object), 0.3, 5), strict=True))
    assert split.task == inner.task
    assert 0 < sum(hidden.values()) < len(places)
    for item, was, now in zip(log["item_id"], before, found, strict=True):
        assert now == ("" if hidden[item] and was != "test" else was)


@pytest.mark.parametrize("share", [0, 1, -0.1])
def test_a_cold_start_refuses_shares(share):
    with pytest.raises(LgsidError, match="ColdStartSplit: share must be above 0 and below 1"):
        ColdStartSplit(TemporalSplit(), share)


def test_a_dataset_does_without_hidden_check_ins_and_says_so():
    city = toy_city(n_checkins=600)
    source = TableSource(city.items.frame, city.interactions.frame.drop(columns="split"))
    whole = DatasetBuilder("city", source, TemporalSplit()).build()
    cold = DatasetBuilder("city", source, ColdStartSplit(TemporalSplit())).build()
    hidden = held_out(whole.items.ids, 0.2)[whole.item_rows] & (whole.interactions.frame["split"] != "test").to_numpy()
    assert hidden.any()
    expected = whole.interactions.frame[~hidden].reset_index(drop=True)
    pd.testing.assert_frame_equal(cold.interactions.frame, expected)
    assert cold.items.ids.tolist() == whole.items.ids.tolist()
    (note,) = [n for n in cold.report["notes"] if "hidden by ColdStartSplit" in str(n)]
    assert note["count"] == hidden.sum()


def brute_force_core(pairs, least):
    pairs = list(enumerate(pairs))
    while True:
        kept = [
            (i, (u, p))
            for i, (u, p) in pairs
            if sum(v == u for _, (v, _) in pairs) >= least and sum(q == p for _, (_, q) in pairs) >= least
        ]
        if len(kept) == len(pairs):
            return {i for i, _ in kept}
        pairs = kept


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40), st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_k_core_against_brute_force(pairs, least):
    log = pd.DataFrame(pairs, columns=["user_id", "item_id"])
    assert set(np.flatnonzero(k_core(log, least, least))) == brute_force_core(pairs, least)


def test_k_core_needs_several_rounds():
    """Dropping a user makes a place rare, which makes the next user rare, ..."""
    chain = [(i, i) for i in range(5)] + [(i, i + 1) for i in range(5)]
    log = pd.DataFrame(chain, columns=["user_id", "item_id"])
    assert not k_core(log, 2, 2).any()


def test_leave_one_out_of_a_city():
    dataset = toy_city(leave_one_out=True)
    assert dataset.report["split"] == "leave_one_out"
    frame = dataset.interactions.frame
    last = frame.groupby("user_id").tail(1)
    assert (last["split"] == "test").all()
    assert (frame["split"] == "test").sum() == frame["user_id"].nunique()


def test_temporal_split_of_a_city_is_in_time():
    frame = toy_city().interactions.frame
    latest = frame.groupby("split")["time"].max()
    earliest = frame.groupby("split")["time"].min()
    assert latest["train"] <= earliest["val"]
    assert latest["val"] <= earliest["test"]
