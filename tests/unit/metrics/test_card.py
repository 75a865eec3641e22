"""The quality card: its numbers, its JSON, its looks, and the way from a checkpoint to new items."""

import json

import lightning as L
import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score

from lgsid.artefacts import Dataset, Embeddings, Interactions, Items, SemanticIDs
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.errors import LgsidError
from lgsid.metrics import compare_cards, flat_metrics, quality_card, render_card
from lgsid.metrics.card import next_visits
from lgsid.metrics.card_declarations import card_metrics
from lgsid.quantizers import ResidualCentroids
from lgsid.testing import toy_city
from lgsid.testing.tokenizer_contract import toy_folder, toy_items
from lgsid.tokenizers import HierTokenizer, ResidualTokenizer, tokenize


def sids_of(codes, items):
    codes = np.asarray(codes, dtype=np.int64)
    return SemanticIDs(items.ids, codes, tuple(int(k) for k in codes.max(axis=0) + 1))


def test_card_of_perfect_and_of_useless_codes():
    items = toy_city().items
    region, n = items.codes("region_2")[0], len(items)
    card = quality_card(sids_of(np.column_stack([region, np.arange(n)]), items), items)
    assert card["collision_rate"] == 0.0
    assert card["distinct_share"] == 1.0
    assert card["joint_entropy_normalised"] == pytest.approx(1.0)
    assert card["by_depth"][0]["nmi"]["region_2"] == pytest.approx(1.0)
    assert card["by_depth"][0]["km"]["mean"] < card["by_depth"][0]["km_random"]["mean"]
    assert card["by_depth"][0]["nmi_random"]["region_2"] < 0.5
    assert card["by_depth"][1]["nmi"] == pytest.approx(card["by_depth"][1]["nmi_random"])
    assert card["by_depth"][1]["km"] is None
    assert card["by_depth"][1]["same_name"]["branches"] == 1.0
    useless = quality_card(sids_of(np.zeros((n, 2)), items), items)
    assert useless["collision_rate"] == 1.0
    assert useless["largest_bucket"] == n
    assert useless["by_level"][0]["perplexity"] == pytest.approx(1.0)
    assert useless["by_depth"][1]["same_name"]["pairs"] == 0.0
    assert useless["by_depth"][0]["km"]["mean"] == pytest.approx(useless["by_depth"][0]["km_random"]["mean"])


def test_card_numbers_against_libraries():
    items = toy_city().items
    codes = np.random.default_rng(0).integers(4, size=(len(items), 2))
    card = quality_card(sids_of(codes, items), items)
    category = items.codes("category")[0]
    expected = normalized_mutual_info_score(category, codes[:, 0] * 4 + codes[:, 1])
    assert card["by_depth"][1]["nmi"]["category"] == pytest.approx(expected)
    counts = np.bincount(codes[:, 0]) / len(codes)
    assert card["by_level"][0]["perplexity"] == pytest.approx(np.exp(-(counts * np.log(counts)).sum()))
    assert card["by_level"][0]["used"] == 4


def test_bits_of_a_level_by_hand():
    items = toy_city().items.take(np.arange(8))
    card = quality_card(SemanticIDs(items.ids, np.array([[0, 0, 0, 0, 1, 1, 2, 5]]).T, (8,), {}), items)
    level = card["by_level"][0]
    assert (level["bits"], level["used"], level["size"]) == (3.0, 4, 8)
    assert level["entropy_bits"] == pytest.approx(1.75)  # 1/2 log2 2 + 1/4 log2 4 + 2/8 log2 8
    assert level["entropy_normalised"] == pytest.approx(1.75 / 3)
    assert "1.75 3.00" in " ".join(" ".join(printed(card)).split())


@pytest.mark.parametrize(
    ("codes", "told", "few"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 0.69, True),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 0.7, False),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], None, None),  # nobody knows what they were before
        ([0, 1, 2, 3, 4, 5, 5, 5, 5, 5], None, True),
        ([0, 1, 2, 3, 4, 5, 6, 6, 6, 6], None, None),
    ],
)
def test_few_distinct_semantic_ids_before_resolution_have_a_mark(codes, told, few):
    items = toy_city().items.take(np.arange(10))
    before = {"collision_rate": 0.5, "distinct_share": told, "largest_bucket": 2}
    metadata = {} if told is None else {"before_resolution": before}
    card = quality_card(SemanticIDs(items.ids, np.array([codes]).T, (10,), metadata), items)
    assert card["few_distinct"] is few
    assert ("! fewer distinct" in " ".join(printed(card))) == (few is True)


@pytest.mark.parametrize("n_regions", [2, 3, 4])
def test_card_is_json_and_fits_a_terminal(n_regions):
    data = toy_items()
    items = data.dataset.items
    more = {f"region_{level}": items.texts("region_2") for level in range(3, n_regions + 1)}
    items = type(items).from_frame(items.frame.assign(**more))
    card = quality_card(sids_of(np.random.default_rng(0).integers(4, size=(len(items), 3)), items), items, data.vectors)
    assert json.loads(json.dumps(card, allow_nan=False)) == card
    assert {"purity@5", "median_km@5", "coverage@5/region_1"} <= set(card["neighbourhood"])
    console = Console(width=80)
    with console.capture() as captured:
        console.print(render_card(card))
    shown = captured.get()
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert "…" not in shown
    assert "collisions" in shown
    assert flat_metrics(card)["collision_rate"] == card["collision_rate"]


def test_card_of_items_without_names_and_attributes():
    items = toy_city().items
    blank = dict.fromkeys(("name", "category", "category_group", "brand", "region_1", "region_2"), "")
    items = type(items).from_frame(items.frame.assign(**blank))
    card = quality_card(sids_of(np.zeros((len(items), 1)), items), items, np.ones((len(items), 2), dtype=np.float32))
    assert card["same_name"] is None
    assert card["by_depth"][0]["nmi"] == {}
    Console(width=80, quiet=True).print(render_card(card))


def test_adjusted_information_is_that_of_a_library_up_to_one_permutation():
    rng, places = np.random.default_rng(0), toy_city().items.frame
    frame = places.iloc[rng.integers(len(places), size=3000)].reset_index(drop=True)
    items = Items.from_frame(frame.assign(item_id=[str(row) for row in range(len(frame))]))
    category = items.codes("category")[0]
    for noise in (0.0, 0.5, 1.0):
        first = np.where(rng.random(len(items)) < noise, rng.integers(40, size=len(items)), category)
        card = quality_card(sids_of(first[:, None], items), items)
        row = card["by_depth"][0]
        assert row["ami"]["category"] == pytest.approx(adjusted_mutual_info_score(category, first), abs=0.005)
        assert flat_metrics(card)["ami@1/category"] == row["ami"]["category"]
        declared = {metric.key: metric.value(card) for metric in card_metrics(1, {"category": "category"})}
        assert declared["ami@1/category"] == row["ami"]["category"]


def test_next_visits_are_counted_as_in_a_loop():
    city = toy_city()
    log = CheckInLog.of(city)
    places, pairs = {}, []
    for user, item, split in zip(log.user, log.item, log.split, strict=True):
        past = places.setdefault(user, [])
        if split == "val" and past and item not in past:
            pairs.append((past[-1], item))
        past.append(item)
    assert pairs
    last, following = next_visits(log)
    assert list(zip(last.tolist(), following.tolist(), strict=True)) == pairs
    items, codes = city.items, np.random.default_rng(0).integers(3, size=(len(city.items), 2))
    card = quality_card(sids_of(codes, items), items, log=log)
    assert card["next_visits"] == len(pairs)
    for depth, row in enumerate(card["by_depth"], start=1):
        prefix = [tuple(code[:depth]) for code in codes]
        n = len(items)
        share = np.mean([prefix[a] == prefix[b] for a, b in pairs])
        chance = np.mean([prefix[a] == prefix[b] for a in range(n) for b in range(n) if a != b])
        expected = {"share": share, "share_random": chance, "lift": share / chance}
        assert row["next_visit"] == pytest.approx(expected)
        assert flat_metrics(card)[f"next_visit@{depth}"] == pytest.approx(share)
    assert "Visits to new places" in "\n".join(printed(card))


def test_next_visits_of_unique_codes_and_of_no_validation_split():
    city = toy_city()
    items, log = city.items, CheckInLog.of(city)
    alone = quality_card(sids_of(np.arange(len(items))[:, None], items), items, log=log)
    assert alone["by_depth"][0]["next_visit"] == {"share": 0.0, "share_random": 0.0, "lift": None}
    printed(alone)
    same = quality_card(sids_of(np.zeros((len(items), 1)), items), items, log=log)
    assert same["by_depth"][0]["next_visit"] == {"share": 1.0, "share_random": 1.0, "lift": 1.0}
    test_only = CheckInLog.of(Dataset(items, Interactions(city.interactions.frame.assign(split="test"))))
    without = quality_card(sids_of(np.zeros((len(items), 1)), items), items, log=test_only)
    assert without["next_visits"] is without["by_depth"][0]["next_visit"] is None
    with pytest.raises(LgsidError, match="check-ins name rows of the items; give the items, too"):
        quality_card(sids_of(np.zeros((len(items), 1)), items), log=log)


def test_cards_stand_beside_each_other():
    city = toy_city()
    items, rng = city.items, np.random.default_rng(0)
    cards = {}
    for name in ("first.parquet", "second.parquet"):
        codes = np.column_stack([rng.integers(4, size=len(items)), np.arange(len(items))])
        cards[name] = quality_card(sids_of(codes, items), items, log=CheckInLog.of(city))
    console = Console(width=80)
    with console.capture() as captured:
        console.print(compare_cards(cards))
    shown = captured.get()
    row = next(line for line in shown.splitlines() if line.startswith("AMI category"))
    values = [f"{card['by_depth'][0]['ami']['category']:.3f}" for card in cards.values()]
    assert row.split()[2:] == values
    assert values[0] != values[1]
    assert "A  first.parquet" in shown
    assert "AMI category, 2" not in shown  # every item is alone there
    with pytest.raises(LgsidError, match="compares at most 26 files, got 27"):
        compare_cards(dict.fromkeys(map(str, range(27)), cards["first.parquet"]))


def test_codes_are_judged_alone():
    items = toy_city().items
    sids = sids_of(np.random.default_rng(0).integers(4, size=(len(items), 3)), items)
    alone, whole = quality_card(sids), quality_card(sids, items)
    told = ("collision_rate", "colliding_items", "colliding_groups", "by_level", "joint_entropy_bits", "largest_bucket")
    assert {name: alone[name] for name in told} == {name: whole[name] for name in told}
    assert [row["prefixes"] for row in alone["by_depth"]] == [row["prefixes"] for row in whole["by_depth"]]
    assert alone["by_depth"][0]["km"] is alone["by_depth"][0]["same_name"] is alone["same_name"] is None
    assert whole["left_out"] is None
    shown = printed(alone)
    assert sum("Not judged: geography" in line for line in shown) == 1
    assert f"{alone['colliding_items']} colliding items in {alone['colliding_groups']} groups" in "\n".join(shown)
    assert set(flat_metrics(alone)) < set(flat_metrics(whole))
    with pytest.raises(LgsidError, match="give the items, too"):
        quality_card(sids, embeddings=np.ones((len(items), 2), dtype=np.float32))


def test_colliding_items_and_groups_are_counted():
    card = quality_card(
        SemanticIDs.from_frame(pd.DataFrame({"item_id": list("abcdef"), "level_1": [0, 0, 1, 2, 2, 2]}))
    )
    assert (card["colliding_items"], card["colliding_groups"]) == (5, 2)


def test_only_items_with_coordinates_are_measured():
    items, nowhere = toy_city().items, np.arange(60) % 3 == 0
    sids = sids_of(np.random.default_rng(0).integers(3, size=(len(items), 2)), items)
    partly = Items.from_frame(items.frame.assign(lat=np.where(nowhere, np.nan, items.lat_deg)))
    card = quality_card(sids, partly, np.random.default_rng(0).normal(size=(len(items), 4)).astype(np.float32))
    json.dumps(card, allow_nan=False)
    rest = quality_card(sids, items.take(~nowhere))
    assert [row["km"] for row in card["by_depth"]] == [row["km"] for row in rest["by_depth"]]
    assert card["left_out"] == "geography of 20 of 60 items: they have no coordinates"
    lost = quality_card(sids, Items.from_frame(items.frame.assign(lat=np.nan, lon=np.nan)))
    assert lost["by_depth"][0]["km"] is None
    assert lost["by_depth"][0]["nmi"] == quality_card(sids, items)["by_depth"][0]["nmi"]
    assert lost["left_out"] == "geography: the items have no coordinates"


def printed(card):
    console = Console(width=80)
    with console.capture() as captured:
        console.print(render_card(card))
    return captured.get().splitlines()


@pytest.mark.parametrize("n_regions", [0, 2, 9])
def test_nothing_is_cut_at_80_columns(n_regions):
    """The numbers of a country's catalogue: 2,340,000 places, 16,384 codes, distances of 5 digits."""
    attributes = ["category", "category_group", "brand", *(f"region_{level}" for level in range(1, n_regions + 1))]
    km = {"mean": 11234.5, "p50": 19123.4, "p90": 13123.4, "p95": 15678.9, "pairs": 1000000}
    depths = [(1, 16384, 1234567), (2, 1234567, 123456), (3, 2339999, 2)]
    by_depth = [
        {
            **{"depth": depth, "prefixes": prefixes, "largest": largest, "km": km, "km_random": km},
            **{"nmi": dict.fromkeys(attributes, 0.97), "nmi_random": dict.fromkeys(attributes, 0.12)},
            "same_name": {"pairs": 1.0, "branches": 1.0, "groups": 1.0},
            "next_visit": {"share": 1.0, "share_random": 0.12345, "lift": 12345.67},
        }
        for depth, prefixes, largest in depths
    ]
    level = {"level": 1, "size": 16384, "used": 16383, "perplexity": 15234.56, "entropy_normalised": 0.987}
    card = {
        **{"items": 2340000, "levels": 3, "codebook_sizes": [16384, 16384, 16384], "by_level": [level] * 3},
        **{"collision_rate": 0.97, "distinct_share": 0.123, "largest_bucket": 123456, "by_depth": by_depth},
        **{"colliding_items": 2269800, "colliding_groups": 412345, "joint_entropy_bits": 21.158},
        **{"joint_entropy_normalised": 0.999, "before_resolution": None, "same_name": {"names": 3, "items": 123456}},
        "next_visits": 7654321,
    }
    shown = printed(card)
    assert max(map(len, shown)) <= 80
    words = " ".join(shown).split()
    assert "…" not in " ".join(words)
    numbers = ["2,340,000", "2,269,800", "412,345", "16,384", "16,383", "15,234.6", "1,234,567", "123,456", "2,339,999"]
    for number in [*numbers, "11,234", "19,123", "13,123", "15,679", "100.0"]:
        assert number in words or f"{number}," in words, number
    assert words.count("0.966") == 3 * len(attributes)  # (0.97 - 0.12) / (1 - 0.12)
    assert words.count("12,345.7") == 3
    assert "7,654,321" in words
    console = Console(width=80)
    with console.capture() as captured:
        console.print(compare_cards({f"{'long/' * 8}{number}.parquet": card for number in range(5)}))
    beside = captured.get()
    assert max(map(len, beside.splitlines())) <= 80
    assert "…" not in beside
    assert beside.split().count("12,345.7") == 5 * 3


def trained(tmp_path, tokenizer):
    data = toy_items()
    trainer = L.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False)
    trainer.fit(tokenizer, data)
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    tokenizer.export(tmp_path / "run")
    return tmp_path / "model.ckpt", SemanticIDs.read(tmp_path / "run" / "sids.parquet")


def test_a_checkpoint_tokenizes_the_same_items_the_same_and_new_ones_too(tmp_path):
    checkpoint, expected = trained(tmp_path, HierTokenizer((7, 9, 8)))
    folder = toy_folder().name
    again = tokenize(checkpoint, folder, f"{folder}/embeddings.parquet", tmp_path / "again")
    assert np.array_equal(again.codes, expected.codes)
    assert (tmp_path / "again" / "card.json").is_file()
    items = toy_city(seed=5).items
    frame = items.frame.assign(item_id=[f"new{row}" for row in range(len(items))], category="never seen")
    nobody = Interactions(toy_city().interactions.frame[:0])
    Dataset(type(items).from_frame(frame), nobody, {}).write(tmp_path / "new")
    new_ids = Dataset.read(tmp_path / "new").items.ids
    vectors = np.random.default_rng(0).normal(size=(len(items), 12)).astype(np.float32)
    Embeddings(new_ids, vectors).write(tmp_path / "new.parquet")
    new = tokenize(checkpoint, tmp_path / "new", tmp_path / "new.parquet", tmp_path / "out")
    assert len(np.unique(new.codes, axis=0)) == len(new) == len(items)
    assert new.codebook_sizes == expected.codebook_sizes


def test_checkpoints_that_cannot_be_used_are_one_clear_line(tmp_path):
    with pytest.raises(LgsidError, match="no such checkpoint"):
        tokenize(tmp_path / "none.ckpt", toy_folder().name, None, tmp_path / "out")
    with pytest.raises(LgsidError, match="needs vectors"):
        tokenize(trained(tmp_path, HierTokenizer((7, 9, 8)))[0], toy_folder().name, None, tmp_path / "out")


def test_too_small_codebooks_are_told_before_training(tmp_path):
    with pytest.raises(LgsidError, match="60 items cannot have different semantic IDs, codebooks 5x4 hold 20"):
        trained(tmp_path, ResidualTokenizer((5, 4), ResidualCentroids()))


def test_neighbors_of_a_sample_stand_for_those_of_all_items_with_their_intervals():
    data = toy_items()
    items, n = data.dataset.items, len(data.dataset.items)
    sids = sids_of(np.random.default_rng(0).integers(4, size=(n, 2)), items)
    whole, all_of_them = quality_card(sids, items, data.vectors), quality_card(sids, items, data.vectors, max_queries=n)
    assert whole == all_of_them
    assert whole["neighbourhood_sample"] is None
    assert "random items" not in "".join(printed(whole))
    card = quality_card(sids, items, data.vectors, max_queries=n - 10)
    sample = card["neighbourhood_sample"]
    assert sample["queries"] == n - 10
    assert set(sample["interval_95"]) == set(card["neighbourhood"]) == set(whole["neighbourhood"])
    for name, (low, high) in sample["interval_95"].items():
        assert low <= card["neighbourhood"][name] <= high
        assert low <= whole["neighbourhood"][name] <= high
    assert f"of {n - 10} random items (95 % intervals)" in " ".join(" ".join(printed(card)).split())
    assert json.loads(json.dumps(card, allow_nan=False)) == card


@pytest.mark.parametrize(
    "wrong", [{"before_resolution": True}, {"before_resolution": {}}, {"reconstruction_error": "x"}]
)
def test_metadata_that_no_tokenizer_writes_is_refused(wrong):
    sids = SemanticIDs(np.array(["a", "b"], dtype=object), np.array([[0], [1]]), (2,), wrong)
    with pytest.raises(LgsidError, match="are not as a tokenizer writes them"):
        quality_card(sids)
