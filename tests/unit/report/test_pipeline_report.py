"""The report over synthetic stage folders."""

from __future__ import annotations

import io
import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console

from lgsid.artefacts import Dataset, Embeddings, Interactions, Items, SemanticIDs
from lgsid.artefacts.files import write_json
from lgsid.errors import LgsidError
from lgsid.metrics.neighborhood_declarations import measured_neighborhoods
from lgsid.report.embedding_tables import at_main_k
from lgsid.report.pipeline_report import write_report
from lgsid.report.place_examples import PRIVATE
from lgsid.report.report_figures import draw_map, shuffled
from lgsid.report.report_table import ReportTable, folded
from lgsid.report.stage_results import PipelineResults

USERS = [f"secret-user-{n}" for n in range(4)]
N = 60


def make_dataset() -> Dataset:
    rng = np.random.default_rng(0)
    district = np.arange(N) % 3
    category = np.array(["Bar", "Café | Grill", "Home (private)", "Gym"])[np.arange(N) // 3 % 4]
    frame = pd.DataFrame(
        {
            "item_id": [f"p{i}" for i in range(N)],
            "name": [f"Place {i}" if i % 5 else "Moonbucks" for i in range(N)],
            "category": category,
            "category_group": "",
            "brand": "",
            "lat": 40 + 0.05 * district + rng.normal(0, 0.005, N),
            "lon": 10 + rng.normal(0, 0.008, N),
            "region_1": "Town",
            "region_2": np.array(["North", "Middle", "South"])[district],
        }
    )
    log = pd.DataFrame(
        {
            "user_id": rng.choice(USERS, 200),
            "item_id": [f"p{i}" for i in rng.integers(0, N, 200)],
            "time": pd.date_range("2020-01-01", periods=200, freq="h", tz="UTC"),
            "hour": 3,
            "weekday": 2,
            "split": ["train"] * 160 + ["val"] * 20 + ["test"] * 20,
        }
    )
    report = {"name": "toy_town", "regions": ["city", "district"]}
    return Dataset(Items.from_frame(frame), Interactions(log), report)


def ranking(mrr: float, new: float) -> dict[str, float]:
    return {"test/mrr@10": mrr, "test/hit@1": mrr / 2, "test/hit@10": mrr * 1.5, "test/new/mrr@10": new}


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    root = tmp_path_factory.mktemp("run")
    dataset = make_dataset()
    dataset.write(root / "data")
    items = dataset.items
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(2, N, 8)).astype(np.float32)
    Embeddings(items.ids, vectors[0]).write(root / "align/reference_embeddings.parquet")
    Embeddings(items.ids, vectors[1]).write(root / "align/embeddings.parquet")
    alignment = {"before/coverage@5/region_2": 0.5, "after/coverage@5/region_2": 0.75, "after/effective_rank": 9.5}
    alignment |= {"val/next_place/last/hit@10": 0.06, "val/reference/next_place/last/hit@10": 0.03}
    alignment |= {"before/purity@5": 0.4, "after/purity@5": 0.35, "before/median_km@5": 2, "after/median_km@5": 1}
    write_json(root / "align/metrics.json", {**alignment, "val/loss": 1.0, "after/sentences/spearman": 0.9})
    write_json(
        root / "reward/metrics.json",
        {
            "heldout/distance/spearman": 0.875,
            "heldout/distance/cosine_spearman": 0.72,
            "heldout/distance/ndcg@10": 0.9,
            "heldout/distance/chance_ndcg@10": 0.5,
            "heldout/next_visit/spearman": 0.8,
            "reads/true/distance/spearman": 0.875,
            "reads/true/distance/cosine_spearman": 0.72,
            "reads/content_only/distance/spearman": 0.016,
            "train/loss": 2.0,
        },
    )
    codes = np.stack([items.codes("region_2")[0], items.codes("category")[0], np.arange(N) // 12], axis=1)
    sids = SemanticIDs(items.ids, codes, (4, 5, 5), {"tokenizer": "lgsid.tokenizers.hier_tokenizer.HierTokenizer"})
    sids.write(root / "tokenize/sids.parquet")
    control = {"tokenizer": "lgsid.tokenizers.random_tokenizer.RandomTokenizer"}
    SemanticIDs(items.ids, shuffled(sids).codes, (4, 5, 5), control).write(root / "dice/sids.parquet")
    models = {"tiger": ("tokenize", 0.3, 0.02), "tiger_on_dice": ("dice", 0.2, 0.01)}
    for name, (source, mrr, new) in models.items():
        write_json(root / name / "metrics.json", ranking(mrr, new) | {"val/mrr@10": 0.9})
        config = {
            "model": {"class_path": "lgsid.recommenders.TIGER"},
            "data": {"init_args": {"sids": f"/somewhere/{source}/sids.parquet"}},
        }
        (root / name / "fit_config.yaml").write_text(yaml.safe_dump(config))
        write_json(root / name / "provenance.json", {"seconds": 61.25, "peak_memory_mb": 700.0})
        pd.DataFrame({"user": [1234567], "rank": [1]}).to_parquet(root / name / "per_query.parquet")
    write_json(root / "din/metrics.json", {"test/auc": 0.9, "test/gauc": 0.8, "test/near_auc": 0.7})
    counted = {"TimeTransition": ranking(0.43, 0.0), "Popularity": ranking(0.02, 0.005)}
    flat = {f"{name}/{key}": value for name, metrics in counted.items() for key, value in metrics.items()}
    write_json(root / "baselines/metrics.json", flat)
    names = ("data", "reward", "align", "dice", "tokenize", "tiger", "tiger_on_dice", "din", "baselines")
    return {name: root / name for name in names}


@pytest.fixture(scope="module")
def report(stages, tmp_path_factory):
    return write_report(stages, tmp_path_factory.mktemp("out") / "report")


def test_leaderboard_has_every_model_the_best_first(report):
    rows = report.tables["leaderboard"].rows
    assert [row[0] for row in rows] == ["TimeTransition", "tiger", "tiger_on_dice", "Popularity"]
    header = report.tables["leaderboard"].header
    assert header == ("model", "Hit@1", "Hit@10", "MRR@10", "new MRR@10")  # no columns that nobody has
    assert rows[1][1:] == ("0.150", "0.450", "0.300", "0.020")


def test_kinds_and_sids_of_models(report):
    found = {model["name"]: (model["kind"], model["model"], model["sids"]) for model in report.data["leaderboard"]}
    assert found == {
        "TimeTransition": ("counting", "TimeTransition", ""),
        "tiger": ("learnt", "TIGER", "tokenize"),
        "tiger_on_dice": ("control", "TIGER", "dice"),
        "Popularity": ("counting", "Popularity", ""),
    }


def test_click_through_is_a_table_of_its_own(report):
    assert report.tables["click"].rows == (("din", "-", "0.9000", "0.8000", "0.7000"),)
    assert report.tables["click"].header == ("model", "SIDs", "AUC", "GAUC", "AUC, near")


def test_alignment_before_and_after(report):
    rows = {row[0]: row[1:] for row in report.tables["alignment"].rows}
    assert rows == {
        "coverage@5, district": ("0.500", "0.750"),
        "purity@5": ("0.400", "0.350"),
        "median km@5": ("2.000", "1.000"),
        "effective rank": ("-", "9.500"),
        "coverage of the finest level + purity": ("0.900", "1.100"),
        "next place by last, Hit@10": ("0.030", "0.060"),
    }
    assert [one.title() for one in measured_neighborhoods(["x", "coverage@5/region_9"])] == ["coverage@5, region_9"]


def test_figures_show_one_number_of_neighbors():
    keys = ["coverage@1/region_1", "coverage@5/region_1", "coverage@10/region_1", "purity@5", "effective_rank"]
    found = [one.key for one in at_main_k(measured_neighborhoods(keys))]
    assert found == ["coverage@5/region_1", "purity@5", "effective_rank"]


def test_card_puts_controls_last_and_is_computed_where_absent(report):
    table = report.tables["card"]
    assert table.header == ("", "tokenize", "dice")
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["tokenizer"] == ("Hier", "Random")
    assert rows["codes per level"] == ("4x5x5", "4x5x5")
    ours, control = (float(cell.split(" ")[0]) for cell in rows["km, 1 code"])
    assert ours < control
    assert float(rows["AMI district"][0]) == pytest.approx(1.0)


def test_reward_beside_cosine_and_chance(report):
    assert report.data["rewards"].keys() == {"reward"}  # the alignment has a Spearman of its own
    table = report.tables["rewards"]
    assert table.header == ("stage", "lists", "Spearman", "NDCG@10", "cosine Spearman", "chance NDCG@10")
    assert table.rows == (
        ("reward", "distance", "0.875", "0.900", "0.720", "0.500"),
        ("reward", "next_visit", "0.800", "-", "-", "-"),
    )


def test_what_the_reward_reads_is_a_table_of_its_own(report):
    table = report.tables["reads"]
    assert table.header == ("stage", "lists", "prompts", "Spearman", "cosine Spearman")
    assert table.rows == (
        ("reward", "distance", "true prompts", "0.875", "0.720"),
        ("reward", "distance", "content only", "0.016", "-"),
    )
    assert table.note.startswith("The reward scores the same lists of held-out places again")


def test_examples_share_a_prefix_and_show_no_home(report):
    table = report.tables["examples"]
    starts = [0, *(end + 1 for end in table.breaks), len(table.rows)]
    for first, last in pairwise(starts):
        prefixes = {tuple(row[0].split(">")[:2]) for row in table.rows[first:last]}
        assert len(prefixes) == 1
    categories = {row[2] for key in ("examples", "branches") for row in report.tables[key].rows}
    assert "Home (private)" not in categories
    assert len(categories) > 1
    assert {row[1] for row in report.tables["branches"].rows} == {"Moonbucks"}
    assert PRIVATE.search("Residential Building (Apartment / Condo)")
    assert not PRIVATE.search("Home Goods Store")


def test_pictures_and_files(report):
    assert list(report.figures) == [
        "map.png",
        "prefix_distances.png",
        "embeddings.png",
        "coverage.png",
        "leaderboard.png",
    ]
    for name in report.figures:
        assert (report.folder / name).read_bytes()[:4] == b"\x89PNG"
    text = (report.folder / "report.md").read_text()
    assert text.startswith("# toy town\n")
    assert all(f"]({name})" in text for name in report.figures)
    assert "| tiger_on_dice | 0.100 | 0.300 |" in text
    data = json.loads((report.folder / "report.json").read_text())
    assert data["dataset"]["places"] == N
    assert data["leaderboard"][0]["metrics"]["test/mrr@10"] == 0.43
    assert {path.name for path in report.folder.iterdir()} == {*report.figures, "report.md", "report.json"}


def test_nothing_about_users(report):
    written = (report.folder / "report.md").read_text() + (report.folder / "report.json").read_text() + shown(report)
    assert not any(user in written for user in USERS)
    assert "1234567" not in written
    assert "/somewhere" not in written  # nor about the machine


def shown(renderable, width: int = 80) -> str:
    buffer = io.StringIO()
    Console(file=buffer, width=width, force_terminal=False).print(renderable)
    return buffer.getvalue()


def test_terminal_fits_80_columns_and_shows_all_models(report):
    text = shown(report, width=80)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    for expected in ("toy town", "TimeTransition", "tiger_on_dice", "Popularity", "din", "coverage@5, district", "▀"):
        assert expected in text
    assert "…" not in "".join(line for line in text.splitlines() if "MRR" in line)


@pytest.mark.slow
def test_same_stages_same_bytes(stages, report, tmp_path):
    again = write_report(stages, tmp_path / "again")
    for name in (*report.figures, "report.md", "report.json"):
        assert (again.folder / name).read_bytes() == (report.folder / name).read_bytes(), name


@pytest.mark.parametrize(
    ("kept", "figures", "tables"),
    [
        (("data",), set(), set()),
        (("baselines",), {"leaderboard.png"}, {"leaderboard", "beyond"}),
        (("tokenize",), set(), set()),
        (("data", "tokenize"), {"map.png", "prefix_distances.png"}, {"card", "examples", "branches"}),
        (("align",), {"coverage.png"}, {"alignment"}),
        (("din", "reward"), set(), {"click", "rewards", "reads"}),
        (("data", "dice"), {"map.png", "prefix_distances.png"}, {"card"}),
    ],
)
def test_any_subset_of_stages(stages, tmp_path, kept, figures, tables):
    chosen = {name: stages[name] for name in kept}
    report = write_report({**chosen, "later": tmp_path / "missing", "report": tmp_path / "out"}, tmp_path / "out")
    assert set(report.figures) == figures
    assert set(report.tables) - {"stages"} == tables
    assert (tmp_path / "out" / "report.md").is_file()
    assert shown(report)


def test_no_stage_at_all(tmp_path):
    with pytest.raises(LgsidError, match="nothing to report"):
        write_report({"data": tmp_path / "data"}, tmp_path / "out")


def test_broken_metrics_are_named(stages, tmp_path):
    (tmp_path / "metrics.json").write_text("{")
    with pytest.raises(LgsidError, match=r"metrics\.json: not valid JSON"):
        write_report({"tiger": tmp_path}, tmp_path / "out")


def test_values_that_are_no_numbers_are_left_out(tmp_path):
    write_json(tmp_path / "metrics.json", {"test/mrr@10": 0.5, "test/hit@1": None, "note": "x", "flag": True})
    results = PipelineResults.read({"model": tmp_path})
    assert results.stages[0].metrics == {"test/mrr@10": 0.5}
    assert results.recommenders[0].metrics == {"test/mrr@10": 0.5}


def test_seconds_of_stages(report):
    rows = {row[0]: row[1:] for row in report.tables["stages"].rows}
    assert rows["tiger"] == ("61.2", "700")
    assert rows["data"] == ("-", "-")
    assert rows["all"] == ("122.5", "700")


def test_markdown_of_awkward_cells():
    table = ReportTable("T", ("a", "b c"), (("x|y", "<a_1>"),), 1, "note")
    assert table.markdown() == "## T\n\nnote\n\n| a | b c |\n| --- | ---: |\n| x\\|y | &lt;a_1> |\n"
    assert folded("revisit MRR@10") == "revisit\nMRR@10"
    assert folded("tokenize_unaligned") == "tokenize_\nunaligned"


@pytest.mark.slow
def test_four_tokenizers_fit_80_columns_and_the_map_shows_other_kinds_first(stages, tmp_path):
    sids = SemanticIDs.read(stages["tokenize"] / "sids.parquet")
    folders = {"data": stages["data"], "tokenize": stages["tokenize"], "tokenize_random": stages["dice"]}
    for name, kind in (("tokenize_unaligned", "HierTokenizer"), ("tokenize_text_only", "ResidualTokenizer")):
        folders[name] = tmp_path / name
        SemanticIDs(sids.item_ids, sids.codes, (128, 64, 64), {"tokenizer": f"x.{kind}"}).write(
            tmp_path / name / "sids.parquet"
        )
    report = write_report(folders, tmp_path / "out")
    text = shown(report.tables["card"])
    assert "…" not in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert report.tables["card"].header[1:] == (
        "tokenize",
        "tokenize_unaligned",
        "tokenize_text_only",
        "tokenize_random",
    )
    figure = draw_map(PipelineResults.read(folders))
    headings = [text.get_text() for text in figure.texts if text.get_text().endswith(")")]
    assert headings == [
        "HierTokenizer (tokenize)",
        "ResidualTokenizer (tokenize_text_only)",
        "RandomTokenizer (tokenize_random)",
    ]


def test_folders_without_results_are_no_stages(tmp_path):
    (tmp_path / "notes").mkdir()
    with pytest.raises(LgsidError, match="nothing to report: notes hold no results of a stage"):
        write_report({"notes": tmp_path / "notes"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
