"""Running a suite on light stages: sharing, kills and resumption, workers side by side, and what is refused after."""

import contextlib
import io
import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from lgsid.artefacts.files import read_json, write_json
from lgsid.benchmark import suite as suite_module
from lgsid.benchmark import suite_note
from lgsid.benchmark.board import Board
from lgsid.benchmark.definition import canonical_hash
from lgsid.benchmark.entry_check import Folders, checked_results
from lgsid.benchmark.result_file import read_result, sealed
from lgsid.benchmark.suite import Suite
from lgsid.benchmark.tasks import NextPlace
from lgsid.cli import main
from lgsid.commands import benchmark
from lgsid.errors import LgsidError
from lgsid.pipeline import command as command_module
from lgsid.pipeline import provenance as provenance_module
from lgsid.pipeline.command import AsStage, command

forked = multiprocessing.get_context("fork")
QUERIES = 60


@command(stage=AsStage(code=("lgsid.artefacts.files:write_json",), seeded=True))
def guess(*, dataset: str, skill: float, output: str, seed: int = 0, reads: str | None = None):
    """Rank the right place at random, better with more skill."""
    folder = Path(output)
    log = pq.read_table(Path(dataset) / "interactions.parquet").to_pandas()
    rows = np.flatnonzero((log["split"] == "test").to_numpy())[:QUERIES]
    rank = np.random.geometric(skill, len(rows))  # noqa: NPY002
    user = log["user_id"].astype("category").cat.codes.to_numpy()[rows].astype(np.int64)
    is_new = rows % 2 == 0
    columns = {"row": rows, "user": user, "rank": rank, "is_new": is_new}
    columns["explore_rank"] = np.where(is_new, rank, -1)
    columns["cold_rank"] = np.full(len(rank), -1)
    pq.write_table(pa.table(columns), folder / "per_query.parquet")
    reciprocal = np.where(rank <= 10, 1 / rank, 0.0).mean()
    with (Path(os.environ["RAN"]) / f"{folder.name.partition('.')[0]}.{seed}").open("a") as handle:
        handle.write("x")
    time.sleep(float(os.environ.get("PAUSE", "0")))
    metrics = {"test/mrr@10": float(reciprocal), "test/hit@1": float((rank == 1).mean())}
    write_json(folder / "metrics.json", metrics)


class Light(NextPlace):
    """A task whose only control is a stage of the same kind."""

    @property
    def controls(self):
        path = Path(os.environ["RAN"]).parent / "controls.yaml"
        stages = {"control": {"like": "model", "set": {"skill": 0.1}}}
        path.write_text(
            yaml.safe_dump({"stages": stages, "methods": {"chance": {"stage": "control", "role": "control"}}})
        )
        return path


CITY = (
    "{class_path: SyntheticCity, init_args: {n_places: 40, n_users: 10, n_checkins: 600, n_days: 40, n_districts: 2}}"
)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("ran").mkdir()
    monkeypatch.setenv("RAN", str(tmp_path / "ran"))
    kinds = {**command_module.load_kind("commands"), "guess": guess}
    monkeypatch.setattr(command_module, "load_kind", lambda kind: kinds)
    monkeypatch.setattr(suite_module, "TASKS", {"next_place": Light()})
    clean = lambda: ("0" * 40, False)  # noqa: E731
    monkeypatch.setattr(provenance_module, "git_state", clean)
    Path("city.yaml").write_text(f"name: city\nsource: {CITY}\nsplit: {{class_path: TemporalSplit}}\n")
    write_suite()
    return Folders(Path("runs"), Path("results"))


def write_suite(file="light.yaml", **changes):
    stages = {
        "shared": {"command": "guess", "set": {"dataset": "$data", "skill": 0.5}},
        "good": {"command": "guess", "set": {"dataset": "$data", "skill": 0.6, "reads": "$shared/metrics.json"}},
        "better": {"like": "good", "set": {"skill": 0.9}},
    }
    suite = {
        "task": "next_place",
        "seeds": [1, 2, 3],
        "datasets": [{"name": "city", "split": "temporal", "config": "city.yaml"}],
        "stages": stages,
        "reference": {"sids": "shared", "model": "good"},
        "methods": {"good": {}, "better": {}},
        "baseline": "chance",
        **changes,
    }
    Path(file).write_text(yaml.safe_dump(suite, sort_keys=False))


def run(folders, *only):
    return told(folders, only=only)


def told(folders, **options):
    """Run the suite and return the lines that it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        benchmark.run("light.yaml", results=str(folders.results), runs=str(folders.runs), **options)
    return text.getvalue().splitlines()


def outcomes(folders):
    paths = sorted(folders.results.rglob("*.json"))
    others = ("comparison.json", "suite.json")
    return {str(p.relative_to(folders.results)): read_json(p)["outcome"] for p in paths if p.name not in others}


def times_ran():
    return {path.name: len(path.read_text()) for path in Path("ran").iterdir()}


def test_a_suite_runs_each_stage_once_and_writes_a_result_per_cell(folders):
    lines = run(folders)
    assert set(outcomes(folders)) == {
        f"light/city.temporal/{name}.{seed}.json" for name in ("good", "better", "chance") for seed in (1, 2, 3)
    }
    assert times_ran() == {f"{s}.{seed}": 1 for s in ("shared", "good", "better", "control") for seed in (1, 2, 3)}
    assert lines[-1] == "light: 9 of 9 cells complete"
    before = {path: path.read_bytes() for path in folders.results.rglob("*.json")}
    assert run(folders) == ["light: 9 of 9 cells complete"]
    assert {path: path.read_bytes() for path in folders.results.rglob("*.json")} == before


def test_another_suite_shares_the_stages(folders):
    run(folders)
    write_suite("light.yaml", name="again", methods={"good": {}})
    run(folders)
    assert set(times_ran().values()) == {1}
    assert {Path(name).parts[0] for name in outcomes(folders)} == {"light", "again"}


def test_one_cell(folders):
    lines = run(folders, "city.temporal/good/2")
    assert set(outcomes(folders)) == {"light/city.temporal/good.2.json"}
    assert times_ran() == {"shared.2": 1, "good.2": 1}
    assert lines[-1] == "light: 1 of 9 cells complete"


def test_a_plan_costs_nothing_and_knows_what_was_measured(folders):
    lines = told(folders, dry_run=True)
    never = "13 never ran in this suite, so their time is not known"
    assert lines[-1] == f"9 cells, 13 of 13 stages would run: {never}"
    assert not folders.runs.exists() or not list(folders.runs.rglob("*.json"))
    run(folders, "*/good/1")
    lines = told(folders, dry_run=True)
    assert lines[-1].startswith("9 cells, 10 of 13 stages would run")
    assert "city.temporal good.1: up to date" in lines


def child(pause):
    os.environ["PAUSE"] = str(pause)
    run(Folders(Path("runs"), Path("results")))


def test_killed_at_any_moment_and_resumed_gives_the_same_files(folders):
    run(Folders(Path("whole"), Path("whole_results")))
    expected = outcomes(Folders(Path("whole"), Path("whole_results")))
    draw = random.Random(0)
    for complete in (1, 3, 5, 7, 9):  # of 13 stages
        process = forked.Process(target=child, args=(0.3,))
        process.start()
        while len(list(folders.runs.glob("*/*/stage.json"))) < complete:
            assert process.is_alive()
            time.sleep(0.01)
        time.sleep(draw.uniform(0.0, 0.25))
        assert process.is_alive()
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        for path in folders.results.glob("*/*/[!.]*.json"):
            read_result(path)
    run(folders)
    assert outcomes(folders) == expected


def test_two_workers_share_the_work(folders):
    workers = [forked.Process(target=child, args=(0.3,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert set(times_ran().values()) == {1}
    assert len(outcomes(folders)) == 9


def board(folders):
    suite = Suite.read("light.yaml")
    found = Board.read(suite, suite.datasets[0], folders.results, folders.runs)
    found.comparison(folders.results, folders.runs)
    return found


def result_file(folders, name="good.2"):
    return folders.results / "light" / "city.temporal" / f"{name}.json"


def edit(path, forge=False, **changes):
    """Change a result file by hand; a forger also makes its hashes fit."""
    result = {**read_json(path), **changes}
    body = {key: value for key, value in result.items() if key not in ("outcome", "digest")}
    write_json(path, sealed(body) if forge else result)


def test_a_number_changed_by_hand_is_detected(folders):
    run(folders)
    board(folders)
    path = result_file(folders)
    text = path.read_text()
    value = read_json(path)["metrics"]["mrr@10"]
    path.write_text(text.replace(str(value), str(round(value + 0.001, 6)), 1))
    with pytest.raises(LgsidError, match="was changed after it was written"):
        board(folders)


def test_a_forged_number_does_not_follow_from_the_users(folders):
    run(folders)
    path = result_file(folders)
    edit(path, forge=True, metrics={**read_json(path)["metrics"], "mrr@10": 0.99})
    read_result(path)
    with pytest.raises(
        LgsidError, match=r"mrr@10 is 0\.\d+ in the result files and 0\.\d+ by the results of every user"
    ):
        board(folders)


def test_statistics_changed_by_hand_are_detected(folders):
    run(folders)
    board(folders)
    path = result_file(folders, "comparison")
    kept = read_json(path)
    kept["comparison"]["values"]["good"]["mrr@10"][0] = 0.9
    write_json(path, kept)
    with pytest.raises(LgsidError, match=r"comparison.json: was changed"):
        board(folders)


def test_other_results_give_other_statistics(folders):
    run(folders)
    board(folders)
    first = read_json(result_file(folders, "comparison"))
    stages = yaml.safe_load(Path("light.yaml").read_text())["stages"]
    write_suite(stages={**stages, "better": {"like": "good", "set": {"skill": 0.3}}})
    run(folders)
    board(folders)
    assert read_json(result_file(folders, "comparison"))["cells"] != first["cells"]


def dirty(result):
    record = next(iter(result["stages"].values()))
    return {"stages": {**result["stages"], "good": {**record, "dirty": True}}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda r: {"schema": 2}, "has schema version 2, this lgsid reads 1"),
        (dirty, "stage good was run from a checkout with uncommitted changes"),
        (lambda r: {"dataset": {**r["dataset"], "data_hash": "f" * 64}}, r"on other data \(data hash ffffffff\)"),
        (lambda r: {"definition": "0" * 64}, "with other settings than suite light asks for"),
        (lambda r: {"seed": 3}, "is the result of another cell"),
        (lambda r: {"metrics": {"mrr@10": "high"}}, r"\$.metrics\['mrr@10'\]: 'high' is not of type 'number'"),
        (lambda r: {"method": {**r["method"], "role": "counting"}}, "says role counting, the suite method"),
        (lambda r: {"remark": "hello"}, "'remark' was unexpected"),
    ],
)
def test_bad_or_mixed_results_are_refused(folders, changes, message, capsys):
    run(folders)
    path = result_file(folders)
    edit(path, forge=True, **changes(read_json(path)))
    with pytest.raises(LgsidError, match=message):
        board(folders)
    [(_, reason)] = checked_results([path], ["light.yaml"], folders)
    assert reason


def test_missing_seeds_and_other_files_are_refused(folders):
    run(folders)
    path = result_file(folders)
    shutil.move(path, "kept.json")
    with pytest.raises(LgsidError, match="lacks 1 of 9 results, the first seed 2 of good; run `lgsid benchmark run"):
        board(folders)
    [(_, reason)] = checked_results([result_file(folders, "good.1")], ["light.yaml"], folders)
    assert reason == "the results of seeds 2 are missing beside it; run them too"
    shutil.move("kept.json", path)
    shutil.copy(path, path.with_name("worst.2.json"))
    with pytest.raises(LgsidError, match=r"worst.2.json: suite light has no such cell"):
        board(folders)


def test_without_the_results_of_every_user_the_statistics_on_file_serve(folders):
    run(folders)
    board(folders)
    shutil.rmtree(folders.runs)
    board(folders)
    result_file(folders, "comparison").unlink()
    with pytest.raises(LgsidError, match=r"the results of every user are not here, and the intervals need them; run"):
        board(folders)


def test_the_command_line(folders, capsys):
    where = ["--results", "results", "--runs", "runs"]
    main(["benchmark", "run", "light.yaml", *where])
    assert "[ 1/13] city.temporal data.any: not yet run" in capsys.readouterr().out
    main(["benchmark", "report", "light.yaml", "--output", "out", *where])
    assert capsys.readouterr().out.splitlines() == ["out/README.md: written", "out/leaderboard.html: written"]
    table = Path("out/README.md").read_text()
    assert "| better | method |" in table
    assert table.index("| better") < table.index("| good") < table.index("| chance")
    main(["benchmark", "report", "light.yaml", "--output", "out", "--check", *where])
    Path("out/README.md").write_text(table.replace("better", "best"))
    with pytest.raises(SystemExit) as stop:
        main(["benchmark", "report", "light.yaml", "--output", "out", "--check", *where])
    assert stop.value.code == 2
    assert "is not what the result files say" in capsys.readouterr().err
    main(["benchmark", "check", str(result_file(folders)), "--suite", "light.yaml", *where])
    assert capsys.readouterr().out == f"{result_file(folders)}: may enter\n"
    result_file(folders).write_text("{}")
    with pytest.raises(SystemExit) as stop:
        main(["benchmark", "check", str(result_file(folders)), "--suite", "light.yaml", *where])
    assert stop.value.code == 2
    said = capsys.readouterr()
    assert said.out == f"{result_file(folders)}: refused: not a result of `lgsid benchmark run`\n"
    assert said.err == "lgsid: error: 1 of 1 results may not enter\n"


@pytest.fixture
def alone(monkeypatch):
    """As where lgsid carries no suite, whose controls the light task does not have."""
    monkeypatch.setenv("LGSID_PLUGINS", "")
    for module in (suite_module, suite_note):
        monkeypatch.setattr(module, "own_suites", list)


def test_an_own_suite_is_checked_and_reported_without_naming_it(folders, alone, capsys):
    run(folders)
    where = ["--results", "results", "--runs", "runs"]
    main(["benchmark", "check", str(result_file(folders)), *where])
    main(["benchmark", "report", *where])
    main(["benchmark", "list", *where])
    assert capsys.readouterr().out.splitlines() == [
        f"{result_file(folders)}: may enter",
        "benchmarks/README.md: written",
        "benchmarks/leaderboard.html: written",
        "suite  results  cells  title",
        "light  9        9      light",
    ]
    assert "All 9 cells have run." in Path("benchmarks/README.md").read_text()
    assert read_json("results/light/suite.json") == {"file": "../../light.yaml"}


def test_a_suite_that_moved_is_named_in_one_line(folders, alone):
    write_suite(name="light")
    run(folders)
    shutil.move("light.yaml", "moved.yaml")
    with pytest.raises(
        LgsidError, match=r"suite.json: suite light was \S+/light.yaml, which is not there; run it again"
    ):
        benchmark.report(results="results", runs="runs")
    benchmark.report(["moved.yaml"], results="results", runs="runs", output="out")


def test_what_has_not_run_to_the_end_is_left_out_and_counted(folders, alone):
    city = {"name": "city", "config": "city.yaml"}
    write_suite(datasets=[{**city, "split": "temporal"}, {**city, "split": "again"}])
    run(folders, "city.temporal")
    run(folders, "city.again/good/1")
    benchmark.report(results="results", runs="runs", output="out")
    text = Path("out/README.md").read_text()
    assert "10 of 18 cells have run." in text
    assert "**city, temporal**" in text
    assert "**city, again**" not in text
    assert "10 of 18 cells have run." in Path("out/leaderboard.html").read_text()
    with pytest.raises(LgsidError, match=r"city\.again: lacks 8 of 9 results"):
        benchmark.report(["light.yaml"], results="results", runs="runs", output="out")


def test_the_list_of_suites_fits_80_columns(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("LGSID_PLUGINS", "")  # whose suites are listed, too
    main(["benchmark", "list", "--results", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["suite", "results", "cells", "title"]
    assert [line.split()[:3] for line in lines[1:]] == [
        ["alignment", "0", "27"],
        ["alignment_ablation", "0", "90"],
        ["alignment_codes", "0", "57"],
        ["alignment_codes_lgsid", "0", "57"],
        ["alignment_dial", "0", "39"],
        ["alignment_elsewhere", "0", "18"],
        ["alignment_losses", "0", "42"],
        ["cold_start", "0", "129"],
        ["ctr", "0", "294"],
        ["field_tokenizers", "0", "42"],
        ["generators", "0", "73"],
        ["held_out_city", "0", "74"],
        ["new_place_evidence", "0", "57"],
        ["new_places", "0", "66"],
        ["next_place", "0", "132"],
        ["smoke", "0", "22"],
        ["tokenizers", "0", "81"],
    ]
    assert max(map(len, lines)) <= 80


def test_prose_around_the_tables_stays(folders):
    run(folders)
    Path("out").mkdir()
    Path("out/README.md").write_text("# Mine\n\nwords\n\n<!-- leaderboard -->\nold\n<!-- /leaderboard -->\n\nmore\n")
    benchmark.report(["light.yaml"], output="out", results=str(folders.results), runs=str(folders.runs))
    text = Path("out/README.md").read_text()
    assert text.startswith("# Mine\n\nwords\n\n<!-- leaderboard -->\n")
    assert text.endswith("<!-- /leaderboard -->\n\nmore\n")
    assert "old" not in text


def test_the_seal_does_not_depend_on_the_order_of_keys():
    assert canonical_hash({"a": 1, "b": [0.1]}) == canonical_hash(json.loads('{"b": [0.1], "a": 1}'))
