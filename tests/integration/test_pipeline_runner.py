"""The engine on light stages: what runs and why, and kills at every moment."""

import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from lgsid.artefacts.files import write_text
from lgsid.artefacts.locks import LOCK_FILE, locked
from lgsid.cli import main
from lgsid.errors import LgsidError
from lgsid.pipeline import command as command_module
from lgsid.pipeline import runner as runner_module
from lgsid.pipeline.command import AsStage, command
from lgsid.pipeline.pipeline import Pipeline
from lgsid.pipeline.provenance import Meter
from lgsid.pipeline.runner import Runner, content_hash

forked = multiprocessing.get_context("fork")


CODE = ("lgsid.artefacts.files:write_json",)


@command(stage=AsStage(code=CODE, seeded=True))
def write(
    *,
    output: str,
    a: str | None = None,
    b: str | None = None,
    pause: float = 0.0,
    fail: bool = False,
    text: str | int = "",
):
    """Write numbers drawn from every global generator, and what the inputs hold."""
    if fail:
        raise LgsidError("this stage was told to fail")
    folder = Path(output)
    for number in range(3):
        draws = [random.random(), float(np.random.random()), float(torch.rand(()))]  # noqa: NPY002
        write_text(folder / "deep" / f"{number}.json", json.dumps(draws))
        time.sleep(pause)
    inputs = [Path(path) for path in (a, b) if path is not None]
    read = "".join(p.read_text() if p.is_file() else content_hash(p) for p in inputs)
    write_text(folder / "out.txt", f"{read}{text}{draws}\n")
    (folder / "log").mkdir()
    (folder / "log" / "seconds.txt").write_text(str(time.time()))


@command(stage=AsStage(code=CODE, seeded=True))
def gather(*, stages: Sequence[str], output: str, pause: float = 0.0):
    """Write a report."""
    write(output=output, pause=pause)


@pytest.fixture(autouse=True)
def light(monkeypatch):
    kinds = {**command_module.load_kind("commands"), "write": write, "gather": gather}
    monkeypatch.setattr(command_module, "load_kind", lambda kind: kinds)


STAGES = {
    "one": {"command": "write"},
    "two": {"command": ["write"], "set": {"a": "$one/out.txt"}},
    "three": {"command": "write", "set": {"a": "$one", "b": "$two/deep/1.json"}},
    "end": {"command": "gather"},
}


@pytest.fixture
def city(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(stages=STAGES, folder="run", **more):
    Path("light.yaml").write_text(yaml.safe_dump({"name": "light", "stages": stages, **more}, sort_keys=False))
    return Pipeline.read("light.yaml", folder)


def run(stages=STAGES, folder="run", force=(), only=(), **more):
    """Run, and return the stages that ran, with the reason."""
    lines = []
    Runner(read(stages, folder, **more), force, only, lines.append).run()
    assert lines.pop(0) == f"run folder: {folder}"
    started = [line.partition("] ")[2] for line in lines if not line.endswith("up to date") and ": done" not in line]
    return dict(line.split(": ", 1) for line in started)


def results(folder="run"):
    return {name: content_hash(Path(folder, name)) for name in STAGES}


def changed(stage, **options):
    return {**STAGES, stage: {**STAGES[stage], "set": {**STAGES[stage].get("set", {}), **options}}}


def test_everything_runs_once_then_nothing(city):
    assert run() == dict.fromkeys(STAGES, "not yet run")
    first = results()
    assert run() == {}
    assert results() == first
    assert {p.name for p in Path("run").iterdir()} == {*STAGES, "run.json"}


def test_the_same_seed_gives_the_same_files_and_another_seed_others(city):
    run(folder="x")
    run(folder="y")
    run(folder="z", seed=3)
    assert results("x") == results("y")
    assert not set(results("x").values()) & set(results("z").values())


def test_a_stage_does_not_depend_on_those_before_it(city):
    run()
    first = results()
    assert run(force=["three"]) == {"three": "forced"}
    assert results() == first


def test_a_changed_option_runs_the_stage_and_what_reads_other_input_then(city):
    run()
    assert run(changed("two", text="new")) == {"two": "config changed", "end": "inputs changed"}


def test_a_changed_result_runs_what_reads_it(city):
    run()
    assert run(changed("one", text="new")) == {
        "one": "config changed",
        "two": "inputs changed",
        "three": "inputs changed",
        "end": "inputs changed",
    }


def test_changed_code_runs_the_stage(city, monkeypatch):
    run()
    monkeypatch.setattr(runner_module, "code_version", lambda roots, texts: "other")
    assert run() == dict.fromkeys(STAGES, "code changed")


def test_an_input_from_outside_counts_by_its_content(city):
    Path("brought").mkdir()
    Path("brought/data.txt").write_text("a")
    stages = changed("one", a="brought/data.txt")
    run(stages)
    assert run(stages) == {}
    Path("brought/data.txt").write_text("b")
    assert run(stages)["one"] == "inputs changed"


def test_a_copied_or_moved_run_is_up_to_date(city, tmp_path_factory):
    run()
    elsewhere = tmp_path_factory.mktemp("far") / "away" / "copy"
    shutil.copytree("run", elsewhere)
    assert run(folder=str(elsewhere)) == {}
    Path("run").rename("moved")
    assert run(folder="moved") == {}
    Path("moved/one/out.txt").write_text(Path("moved/one/out.txt").read_text()[::-1])
    assert run(folder="moved") == {"one": "damaged: out.txt differs from what the stage wrote"}
    assert results("moved") == results(str(elsewhere))


def test_a_variant_has_a_folder_of_its_own(city, capsys):
    read(name="light")
    main(["run", "light.yaml"])
    main(["run", "light.yaml", "--set", "two.text=new"])
    main(["run", "light.yaml", "--set", "two.text=new", "--dry-run"])
    out = capsys.readouterr().out
    plain, variant = sorted(p.name for p in Path("runs").iterdir())
    assert plain == "light"
    assert re.fullmatch(r"light-[0-9a-f]{8}", variant)
    assert out.count(f"run folder: runs/{variant}") == 2
    assert out.splitlines()[-4:] == [f"{name}: up to date" for name in STAGES]
    assert Path("runs/light/two/out.txt").read_bytes() != Path("runs", variant, "two/out.txt").read_bytes()
    assert "[1/4] one: the same in runs/light, copied" in out
    main(["run", "light.yaml", "--set", "three.text=new", "--dry-run"])
    planned = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert planned["one"] == planned["two"] == "the same in runs/light"
    assert planned["three"] == "would run, not yet run"
    assert planned["end"] == "would run, after three"
    main(["run", "light.yaml", "--set", "three.text=new", "--force", "one", "--dry-run"])
    assert "one: would run, not yet run" in capsys.readouterr().out
    read(seed=7)
    main(["run", "light.yaml", "--dry-run"])
    assert capsys.readouterr().out.splitlines()[0] == "run folder: runs/light-seed7"


def test_interrupted_it_says_what_is_kept_and_goes_on(city, capsys, monkeypatch):
    usual = runner_module.run_commands

    def interrupted(pipeline, stage, *more):
        if stage.name == "three":
            raise KeyboardInterrupt
        return usual(pipeline, stage, *more)

    monkeypatch.setattr(runner_module, "run_commands", interrupted)
    read()
    with pytest.raises(SystemExit) as stop:
        main(["run", "light.yaml", "--run-folder", "run"])
    assert stop.value.code == 130
    message = "lgsid: interrupted; the stages before three are kept in run; run again to go on\n"
    assert capsys.readouterr().err == message
    monkeypatch.setattr(runner_module, "run_commands", usual)
    assert set(run()) == {"three", "end"}


def test_odd_texts_are_no_inputs(city):
    stages = changed("one", text="/ " + "x/" * 3000)
    assert run(stages)
    assert run(changed("one", text=str(city)))
    assert run(changed("one", text="/"))


def test_a_lost_or_cut_file_runs_the_stage(city):
    run()
    first = results()
    Path("run/two/out.txt").unlink()
    assert run() == {"two": "damaged: out.txt is missing"}
    Path("run/two/deep/0.json").write_text("[")
    assert run() == {"two": "damaged: deep/0.json differs from what the stage wrote"}
    assert results() == first


def test_only_needs_what_it_reads(city):
    with pytest.raises(LgsidError, match="stage two needs stage one, which has not run; leave out --only"):
        run(only=["two"])
    assert run(only=["one"]) == {"one": "not yet run"}
    assert run(only=["two"]) == {"two": "not yet run"}


def test_unknown_stages(city):
    with pytest.raises(LgsidError, match=r"no stage 'too' in light.yaml; did you mean two\?"):
        run(only=["too"])
    with pytest.raises(LgsidError, match="no stage 'too'"):
        run(force=["too"])


def test_a_failed_stage_keeps_the_old_result(city):
    run()
    first = results()
    with pytest.raises(LgsidError, match="told to fail"):
        run(changed("two", fail=True))
    assert results() == first
    assert run() == {}
    assert {p.name for p in Path("run").iterdir()} == {*STAGES, "run.json"}


def test_provenance(city):
    run()
    record = json.loads(Path("run/two/provenance.json").read_text())
    assert record["stage"] == "two"
    assert record["seed"] == 2026
    assert record["config"]["write"]["a"] == "run/one/out.txt"
    assert {"commit", "dirty", "versions", "plugins", "device", "seconds", "peak_memory_mb"} <= set(record)


def test_peak_memory_is_that_of_the_stage(city):
    before = Meter().peak_memory_mb
    meter = Meter()
    block = np.ones(40_000_000)
    peak = meter.peak_memory_mb
    del block
    assert peak > before + 250
    assert Meter().peak_memory_mb < peak - 250


def test_two_runs_do_not_mix(city):
    pipeline = read()
    with locked(pipeline.run_folder / LOCK_FILE, pipeline.run_folder), pytest.raises(SystemExit) as stop:
        main(["run", "light.yaml", "--run-folder", "run"])
    assert stop.value.code == 2
    assert run()


def test_dry_run_says_why_and_does_nothing(city, capsys):
    read()
    main(["run", "light.yaml", "--run-folder", "run", "--dry-run"])
    assert not Path("run").exists()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["run folder: run", "one: would run, not yet run", "two: would run, after one"]
    run()
    main(["run", "light.yaml", "--run-folder", "run", "--dry-run", "--set", "two.text=new"])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "run folder: run",
        "one: up to date",
        "two: would run, config changed",
        "three: would run, after two",
        "end: would run, after two, three",
    ]


def child(function):
    """Run a function in a forked process and return its exit code, negative for a signal."""
    process = forked.Process(target=function)
    process.start()
    process.join()
    return process.exitcode


def killed_at(moment):
    """Run the pipeline, and die by SIGKILL at the given one of all moments before and after a change on disk."""
    count = 0

    def step():
        nonlocal count
        count += 1
        if count == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(function):
        def call(*args, **kwargs):
            step()
            result = function(*args, **kwargs)
            step()
            return result

        return call

    paths = [(Path, name) for name in ("rename", "replace", "mkdir", "unlink", "rmdir")]
    for owner, name in (*paths, (shutil, "rmtree")):
        setattr(owner, name, watched(getattr(owner, name)))
    run(changed("one", text="second"))


def test_killed_at_every_change_on_disk_it_ends_with_the_same_result(city):
    """Over an older result: whatever the moment, each folder is a complete result, and the next run carries on."""
    run(changed("one", text="second"), folder="unbroken")
    expected = results("unbroken")
    run(folder="older")
    older = results("older")
    moment, survived = 1, False
    while not survived:
        shutil.rmtree("run", ignore_errors=True)
        shutil.copytree("older", "run")
        survived = child(lambda moment=moment: killed_at(moment)) == 0
        for name in STAGES:
            if Path("run", name).exists():
                assert content_hash(Path("run", name)) in (older[name], expected[name])
        run(changed("one", text="second"))
        assert results() == expected, moment
        moment += 3 if moment > 40 else 1
    assert moment > 40


def test_killed_at_random_moments(city):
    stages = {name: {**stage, "set": {**stage.get("set", {}), "pause": 0.01}} for name, stage in STAGES.items()}
    run(stages, folder="unbroken")
    draws = random.Random(0)
    for _ in range(25):
        process = forked.Process(target=lambda: run(stages))
        process.start()
        time.sleep(draws.uniform(0.0, 0.25))
        process.kill()
        process.join()
    run(stages)
    assert results() == results("unbroken")
