"""Suites: what they expand to, what they share, and what they refuse."""

from pathlib import Path

import pytest
import yaml

from lgsid.artefacts.files import write_json
from lgsid.benchmark.cell import cells_of, chosen_cells
from lgsid.benchmark.definition import definitions
from lgsid.benchmark.estimate import Costs, duration
from lgsid.benchmark.scheduler import steps_of
from lgsid.benchmark.suite import Suite, own_suites
from lgsid.config.config_files import read_config
from lgsid.errors import LgsidError

CONFIGS = Path(__file__).parents[3] / "configs"
COUNTING = {
    "TimeTransition",
    "TimeKernel",
    "UserFrequency",
    "MostRecent",
    "Popularity",
    "NearestPlace",
    "NewPlaceFloor",
}
CONTROLS = {"plain_ids", "random_codes", "unaligned"}


def content(**changes):
    data = {"data.init_args.dataset": "$data"}
    stages = {
        "align": {"command": "fit", "config": "alignment/gdpo.yaml", "set": data},
        "hier": {
            "command": "fit",
            "config": "tokenizer/hier.yaml",
            "set": {**data, "data.init_args.embeddings": "$align/embeddings.parquet"},
        },
        "tiger": {
            "command": ["fit", "test"],
            "config": "recommender/tiger.yaml",
            "set": {**data, "data.init_args.sids": "$hier/sids.parquet"},
        },
    }
    return {
        "name": "small",
        "task": "next_place",
        "seeds": [1, 2, 3],
        "baseline": "TimeTransition",
        "budget": {"trainer.max_epochs": 2},
        "datasets": [{"name": "city", "split": "temporal", "config": "data/synthetic_city.yaml"}],
        "stages": stages,
        "reference": {"sids": "hier", "vectors": "align", "model": "tiger"},
        "methods": {"ours": {"stage": "tiger"}},
        **changes,
    }


@pytest.fixture
def write(tmp_path):
    def write(file="small.yaml", **changes):
        path = tmp_path / file
        path.write_text(yaml.safe_dump(content(**changes), sort_keys=False))
        return Suite.read(path)

    return write


def test_every_suite_that_ships_has_the_controls_of_its_task():
    suites = {path.stem: Suite.read(path) for path in own_suites()}
    alignments = {"alignment", "alignment_ablation", "alignment_dial", "alignment_elsewhere", "alignment_losses"}
    codes = ("alignment_codes", "alignment_codes_lgsid")
    explored, cold, elsewhere = "new_places", "cold_start", "held_out_city"
    without_ids = "new_place_evidence"
    field = {"field_tokenizers", "generators"}
    others = {"smoke", "next_place", "ctr", "tokenizers", explored, cold, elsewhere, without_ids, *codes}
    assert set(suites) == others | alignments | field
    for name, suite in suites.items():
        assert len(suite.seeds) >= 3
        controls = {"unaligned", "distance"} if name in alignments else set() if name == without_ids else CONTROLS
        assert set(suite.methods) >= controls - ({"unaligned"} if name in {explored, cold, elsewhere} else set())
    for name in others - {"tokenizers"} | field - {"field_tokenizers"}:
        assert set(suites[name].methods) >= COUNTING
    assert "VisitedBefore" in suites["ctr"].methods
    assert {d.split for d in suites["next_place"].datasets} == {"temporal", "leave_one_out"}
    real = {"foursquare_nyc", "gowalla_nyc", "context_trails_petaling_jaya"}
    for name in ("next_place", "ctr", "tokenizers", "alignment", explored, without_ids, *codes):
        assert {dataset.name for dataset in suites[name].datasets} == real
    assert {dataset.name for dataset in suites[cold].datasets} == {f"{name}_cold" for name in real}
    assert {d.name for d in suites[elsewhere].datasets} == {"new_york_to_phoenix", "petaling_jaya_to_new_york"}


def test_the_tokenizers_of_the_field_are_the_same_rows_in_both_suites():
    cards, judged = Suite.read("field_tokenizers"), Suite.read("generators")
    own = {name for name, method in cards.methods.items() if method.role == "method"}
    others = {name for name, method in judged.methods.items() if method.role == "method"} - own
    assert own <= set(judged.methods)
    assert others == {"two_stage", "onerec_lgsid", "onerec_rqvae", "onerec_rqvae_ngram", "onerec_unified"}
    for dataset in cards.datasets:
        of_cards, of_tiger = (suite.pipeline(dataset, 2026, Path("runs")).stages for suite in (cards, judged))
        tigers = [of_tiger[judged.methods[name].stage] for name in own]
        assert len({str(stage.configs) for stage in tigers}) == 1
        for name in own:
            stage, tiger = of_cards[cards.methods[name].stage], of_tiger[judged.methods[name].stage]
            assert tiger.options["data.init_args.sids"] == f"${cards.methods[name].stage}/sids.parquet"
            tokenizer = of_tiger[cards.methods[name].stage]
            assert tokenizer.configs == stage.configs
            budget = {"trainer.max_epochs", "trainer.check_val_every_n_epoch"}
            kept = {key: value for key, value in stage.options.items() if key not in budget}
            assert kept == {key: value for key, value in tokenizer.options.items() if key not in budget}
            assert tiger.options["trainer.max_epochs"] == 2
            if name not in {"lgsid", "gnpr_sid"}:
                assert stage.options["data.init_args.embeddings"] == "$align/reference_embeddings.parquet"


def test_alignment_and_tokenizer_of_a_held_out_city_are_those_of_the_first_alone():
    suite = Suite.read("held_out_city")
    for dataset, first in zip(suite.datasets, ("new_york", "petaling_jaya"), strict=True):
        stages = suite.pipeline(dataset, 2026, Path("runs")).stages
        for name in ("align", "hier"):
            assert stages[name].options["data.init_args.dataset"] == f"${first}"
        for name in ("place_generator", "new_place_ranker", "text", "control_plain", "category_popularity"):
            assert stages[name].options["data.init_args.dataset"] == "$data"
        parts = read_config(dataset.config)["source"]["init_args"]["datasets"]
        assert parts[first] == read_config(stages[first].configs[0])
        assert stages["ranker_aligned"].options["data.init_args.embeddings"] == "$vectors/embeddings.parquet"


def test_a_primary_metric_may_be_one_or_several(write):
    assert write(primary="hit@1").primaries == ("hit@1",)
    several = write(primary=["explore/hit@10", "mrr@10"])
    assert (several.primary, several.primaries) == ("explore/hit@10", ("explore/hit@10", "mrr@10"))
    assert write(primary=[]).primaries == ("mrr@10",)
    with pytest.raises(LgsidError, match=r"primary: unknown metric; did you mean mrr@10"):
        write(primary=["hit@1", "mrr@11"])


def test_controls_copy_the_reference_model(write):
    stages = write().pipeline(write().datasets[0], 1, Path("runs")).stages
    model = stages["tiger"]
    for name in ("control_plain", "control_random", "control_unaligned"):
        control = stages[name]
        assert (control.commands, control.configs) == (model.commands, model.configs)
        assert control.options["trainer.max_epochs"] == 2
        differing = {key for key in model.options if model.options[key] != control.options[key]}
        assert differing == {"data.init_args.sids"}
    unaligned = stages["control_unaligned_sids"]
    assert unaligned.options["data.init_args.embeddings"] == "$align/reference_embeddings.parquet"
    assert unaligned.configs == stages["hier"].configs
    assert stages["control_random_sids"].options["sids"] == "$hier/sids.parquet"


def test_without_an_alignment_there_is_no_unaligned_control(write):
    reference = {"sids": "hier", "model": "tiger"}
    assert set(write(reference=reference).methods) & CONTROLS == CONTROLS - {"unaligned"}


def test_a_suite_without_semantic_ids_has_the_counting_controls_only(write):
    ranker = {"command": ["fit", "test"], "config": "recommender/new_place_ranker.yaml"}
    suite = write(reference={}, stages={"tiger": {**ranker, "set": {"data.init_args.dataset": "$data"}}})
    controls = set(suite.methods) - {"ours"}
    assert controls == {name for name, method in suite.methods.items() if method.role == "counting"}
    assert "TimeTransition" in controls


def test_one_stage_judges_every_method(write):
    judge = {"command": "evaluate", "set": {"dataset": "$data", "embeddings": "$method/embeddings.parquet"}}
    methods = {"align": {}, "again": {"stage": "more"}, "before": {"stage": "looked_at", "role": "control"}}
    stages = {
        "align": content()["stages"]["align"],
        "more": {"like": "align", "set": {"data.init_args.n_pairs": 10}},
        "looked_at": {**judge, "set": {"dataset": "$data", "embeddings": "$align/reference_embeddings.parquet"}},
    }
    given = {"task": "place_vectors", "baseline": "unaligned", "budget": {}, "reference": {"vectors": "align"}}
    suite = write(**given, stages=stages, judge=judge, methods=methods)
    assert {name: suite.methods[name].stage for name in methods} == {
        "align": "judge_align",
        "again": "judge_more",
        "before": "looked_at",
    }
    assert suite.stages["judge_more"].options["embeddings"] == "$more/embeddings.parquet"
    with pytest.raises(LgsidError, match="'judge_align' is the name of the stage that judges"):
        write(**given, stages={**stages, "judge_align": {"like": "looked_at"}}, judge=judge, methods=methods)
    with pytest.raises(LgsidError, match=r"method mare: no such stage; did you mean more\?"):
        write(**given, stages=stages, judge=judge, methods={"mare": {}})


def test_the_dial_is_judged_on_validation():
    suite = Suite.read("alignment_dial")
    stages = suite.pipeline(suite.datasets[0], 2026, Path("runs")).stages
    judging = {method.stage for method in suite.methods.values()}
    assert {stages[name].options["split"] for name in judging} == {"validation"}


def test_cells_share_what_is_the_same(write):
    suite = write()
    cells = list(cells_of(suite, Path("runs")))
    learning = [cell for cell in cells if cell.method.role != "counting"]
    counting = [cell for cell in cells if cell.method.role == "counting"]
    assert len(learning) == 4 * 3
    assert {cell.method.name for cell in counting} == COUNTING
    assert all(cell.seed is None for cell in counting)
    folders = {cell.name: {cell.pipeline.folder(name) for name in cell.stages()} for cell in cells}
    everywhere = set.intersection(*folders.values())
    assert [folder.name.split(".")[:2] for folder in everywhere] == [["data", "any"]]
    names = [step.folder.name.rpartition(".")[0] for step in steps_of(cells)]
    assert len(names) == len(set(names))
    assert names.count("data.any") == names.count("align.1") == names.count("control_baselines.any") == 1


def test_a_definition_knows_all_that_matters_and_nothing_else(write, tmp_path):
    def hashes(suite, seed=1):
        return definitions(suite.pipeline(suite.datasets[0], seed, Path("runs")))

    first = hashes(write())
    assert hashes(write("other.yaml", name="other", title="another", methods={"a": {"stage": "tiger"}})) == first
    longer = hashes(write(budget={"trainer.max_epochs": 3}))
    assert {name for name in first if first[name] != longer[name]} == {
        "tiger",
        "control_plain",
        "control_random",
        "control_unaligned",
    }
    assert {name for name in first if hashes(write(), 2)[name] == first[name]} == {"data", "control_baselines"}
    dataset = {**content()["datasets"][0], "set": {"hier": {"model.init_args.codebook_sizes": [4, 4, 4]}}}
    sized = hashes(write(datasets=[dataset]))
    assert first["align"] == sized["align"]
    assert first["tiger"] != sized["tiger"]


def test_only(write):
    suite = write()
    cells = list(cells_of(suite, Path("runs")))

    def names(*only):
        return {cell.name for cell in chosen_cells(suite, Path("runs"), only)}

    assert names() == {cell.name for cell in cells}
    assert names("city.temporal/ours/2") == {"city.temporal/ours/2"}
    assert names("ours") == {f"city.temporal/ours/{seed}" for seed in (1, 2, 3)}
    assert names("*/ours/1", "*/unaligned/3") == {"city.temporal/ours/1", "city.temporal/unaligned/3"}
    assert len(names("any")) == len(COUNTING)
    with pytest.raises(LgsidError, match=r"--only oours: no such cell in suite small; did you mean ours\?"):
        names("oours")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": [1, 2]}, "seeds: 2 given; a comparison needs at least 3"),
        ({"seeds": [1, 2, 2]}, "seeds: 2 given"),
        ({"seeds": "many"}, "seeds: expected a list of whole numbers"),
        ({"task": "next_places"}, r"task: did you mean next_place\?"),
        ({"primary": "mrr"}, r"primary: unknown metric; did you mean mrr@10\?"),
        ({"primary": "explored/hit@10"}, r"primary: unknown metric; did you mean explore/hit@10\?"),
        ({"baseline": "TimeTransitions"}, r"baseline: unknown method; did you mean TimeTransition\?"),
        ({"methods": {"ours": {"stage": "tigre"}}}, r"method ours: no such stage; did you mean tiger\?"),
        (
            {"methods": {"ours": {"stage": "tiger", "against": "plain_id"}}},
            r"methods: ours: against: unknown method; did you mean plain_ids\?",
        ),
        ({"methods": {"a/b": {"stage": "tiger"}}}, "methods: 'a/b' cannot name a file"),
        (
            {"methods": {"ours": {"stage": "tiger", "role": "best"}}},
            "methods: ours: role: known: control, counting, method",
        ),
        ({"reference": {"sids": "hier"}}, "reference: model is missing"),
        ({"reference": {}}, "reference: sids is missing"),
        ({"reference": {"sids": "hier", "model": "tiger", "vector": "align"}}, "unknown key 'vector'"),
        ({"reference": {"sids": "heir", "model": "tiger"}}, r"heir; did you mean hier\?"),
        ({"methods": None}, "methods: expected `key: value` lines, found None"),
        ({"methods": {}}, "methods is missing"),
        ({"budget": {"data.init_args.sids": "x"}}, "stage tiger: data.init_args.sids is in the budget"),
        ({"datasets": [{"name": "city", "config": "data/synthetic_city.yaml"}]}, "split is missing"),
        ({"datasets": [*content()["datasets"], *content()["datasets"]]}, "each dataset and split may be there once"),
        ({"stages": {**content()["stages"], "data": {"command": "card"}}}, "'data' is lgsid's own name"),
        ({"stages": {**content()["stages"], "a": {"like": "b"}, "b": {"like": "a"}}}, "like each other"),
        ({"stages": {**content()["stages"], "a": {"like": "tigre"}}}, r"stage a: like: did you mean tiger\?"),
    ],
)
def test_refused(write, changes, message):
    with pytest.raises(LgsidError, match=message):
        write(**changes)


def test_unknown_suite():
    with pytest.raises(LgsidError, match=r"no such suite; did you mean smoke\?"):
        Suite.read("smokes")


def test_costs_are_those_of_the_same_suite(tmp_path):
    """A stage of the same name in another suite is another model: neither its folders nor its result files count."""
    for suite, seconds in (("mine", 4.0), ("theirs", 4000.0)):
        folder = tmp_path / "runs" / "a.temporal" / f"tiger.{suite}"
        record = {"stage": "tiger", "pipeline": f"{suite}.a.temporal", "seconds": seconds}
        write_json(folder / "provenance.json", record)
        write_json(
            tmp_path / "results" / suite / "a.temporal" / "tiger.1.json", {"stages": {"din": {"seconds": seconds / 2}}}
        )
    costs = Costs.read(tmp_path / "runs", tmp_path / "results", "mine")
    assert costs.known == {("tiger", "a.temporal"): [4.0], ("din", "a.temporal"): [2.0]}


def test_costs_come_from_the_same_dataset_first():
    costs = Costs()
    for seconds in (10, 30, 20):
        costs.add("tiger", "a.temporal", seconds)
    costs.add("tiger", "b.temporal", 100)
    assert costs.seconds("tiger", "a.temporal") == 20
    assert costs.seconds("tiger", "c.temporal") == 25
    assert costs.seconds("din", "a.temporal") is None
    assert [duration(s) for s in (None, 4.4, 89, 90, 5399, 7300)] == [
        "?",
        "4 s",
        "89 s",
        "2 min",
        "90 min",
        "2 h 1 min",
    ]
