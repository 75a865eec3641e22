"""Two and four processes do what one does: the same weights, metrics and files, every query once."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import torch

from lgsid.cli import main
from lgsid.pipeline import process_team
from lgsid.pipeline.process_team import ProcessTeam
from lgsid.recommenders import DIN
from processes.work import IN_PIECES, SHARDED, Work, prepare, table

TOLERANCE = 1e-6
FILES = {"tiger": "per_query.parquet", "din": "per_sample.parquet", "popularity": "per_query.parquet"}
COMPARED = ("tiger", "onerec", "place_tiger", "din", "popularity", "aligner", "listwise", "reward", "lora_reward")
COMPARED += ("hier", "kmeans", "rqvae")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("several")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LGSID_CACHE", str(found / "cache"))
        prepare(found)
        yield found


def start(folder, size, *names):
    """Start processes of `processes.work`, as a launcher would."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    shared = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "NODE_RANK": "0", "OMP_NUM_THREADS": "1"}
    shared |= {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    command = [sys.executable, "-m", "processes.work", str(folder), str(size), *names]
    return [
        subprocess.Popen(command, env={**shared, "LOCAL_RANK": str(number)}, stderr=subprocess.PIPE, text=True)
        for number in range(size)
    ]


def finish(members):
    errors = [member.communicate(timeout=600)[1] for member in members]
    assert [member.returncode for member in members] == [0] * len(members), "\n".join(e[-3000:] for e in errors)


@pytest.fixture(scope="module")
def two(folder):
    """Results of two processes, and of one on the same data, which ran meanwhile."""
    members = start(folder, 2)
    alone = Work(folder, 1, folder / "by1")
    for name in COMPARED:
        alone.fit_and_test(name)
    alone.uneven()
    finish(members)
    return folder


def both(folder, name):
    return [torch.load(folder / f"by{n}" / name, weights_only=True) for n in (1, 2)]


def same_numbers(one, two):
    assert one.keys() == two.keys()
    for part in one:
        assert one[part].keys() == two[part].keys(), part
        for name, value in one[part].items():
            if name.startswith("reads/content_only/"):
                continue  # prompts without a place: scores of one kind of place are level, and rounding ranks them
            assert two[part][name] == pytest.approx(value, abs=TOLERANCE, rel=TOLERANCE, nan_ok=True), (part, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPARED)
def test_two_processes_train_and_measure_what_one_does(two, name):
    ours, theirs = both(two, f"{name}.0.weights")
    second = torch.load(two / "by2" / f"{name}.1.weights", weights_only=True)
    assert ours.keys() == theirs.keys() == second.keys()
    for key, value in ours.items():
        torch.testing.assert_close(theirs[key], value, rtol=TOLERANCE, atol=TOLERANCE, msg=lambda m, k=key: f"{k}: {m}")
        assert torch.equal(theirs[key], second[key]), key
    same_numbers(*both(two, f"{name}.metrics"))


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_PIECES)
def test_frozen_weights_in_pieces_train_and_measure_what_whole_ones_do(two, name):
    for number in range(2):
        whole, pieces = (
            torch.load(two / "by2" / f"{n}.{number}.weights", weights_only=True) for n in (name, SHARDED + name)
        )
        assert whole.keys() == pieces.keys()
        for key, value in whole.items():
            torch.testing.assert_close(pieces[key], value, rtol=TOLERANCE, atol=TOLERANCE)
    whole, pieces = (torch.load(two / "by2" / f"{n}.metrics", weights_only=True) for n in (name, SHARDED + name))
    sizes = pieces.pop("held")
    assert sizes["here"] < 0.52 * sizes["in all"]
    same_numbers(whole, pieces)


@pytest.mark.slow
def test_frozen_weights_in_pieces_wait_for_whoever_encodes_more(two):
    alone = torch.load(two / "by1" / "uneven.0", weights_only=True)
    for number in range(2):
        found = torch.load(two / "by2" / f"uneven.{number}", weights_only=True)
        assert found.keys() == alone.keys()
        assert any("lora_" in key for key in found)
        for key, value in alone.items():
            torch.testing.assert_close(found[key], value, rtol=1e-5, atol=1e-6, msg=lambda m, k=key: f"{k}: {m}")


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("file", ["", "predictions.parquet"])
def test_files_hold_every_query_once(two, name, file):
    one, several = (table(two / f"by{n}" / name / (file or FILES[name])) for n in (1, 2))
    assert one.keys() == several.keys()
    assert len(one["row"]) > 0
    for column in one:
        if column == "score":
            assert several[column] == pytest.approx(one[column], abs=1e-5)
        else:
            assert several[column] == one[column], column


@pytest.mark.slow
def test_predictions_of_lists_hold_every_list_once(two):
    one, several = (table(two / f"by{n}" / "reward" / "predictions.parquet") for n in (1, 2))
    for column in ("kind", "anchor_id", "candidate_id", "label"):
        assert several[column] == one[column], column
    assert several["score"] == pytest.approx(one["score"], abs=1e-5)


def check_served(folder, size):
    """Every row once, and as many training steps in each process, none of them without rows."""
    served = [torch.load(folder / f"by{size}" / f"served.{number}", weights_only=True) for number in range(size)]
    alone = Work(folder, 1, folder / "by1")
    for name, data in (("sequences", alone.sequences()), ("clicks", alone.clicks())):
        data.setup()
        for split in ("train", "val", "test"):
            rows = Counter(row for one in served for batch in one[f"{name}/{split}"] for row in batch)
            assert rows == Counter(data.queries(split).tolist()), (name, split)
    for key in served[0]:
        if key.startswith("lists/val"):
            anchors = [anchor for one in served for batch in one[key] for anchor in batch]
            assert len(anchors) == len(set(anchors)), key
    for name in ("sequences/train", "clicks/train"):
        steps = [len(one[name]) for one in served]
        assert len(set(steps)) == 1
        assert min(len(batch) for one in served for batch in one[name]) > 0


@pytest.mark.slow
def test_every_query_is_served_once(two):
    check_served(two, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["place_generator", "ranker", "dien"])
def test_models_that_draw_negatives_stay_equal_and_draw_different_ones(two, name):
    (first, drawn), (second, also) = (
        torch.load(two / "by2" / f"{name}.{number}.weights", weights_only=True) for number in (0, 1)
    )
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(drawn, also)


@pytest.mark.slow
def test_four_processes_measure_what_one_does(two):
    finish(start(two, 4, "tiger", "din"))
    check_served(two, 4)
    for name in ("tiger", "din"):
        one, four = (torch.load(two / f"by{n}" / f"{name}.metrics", weights_only=True) for n in (1, 4))
        same_numbers(one, four)


DIN_WORDS = ("--config=recommender/din.yaml", "--trainer.accelerator=cpu", "--trainer.check_val_every_n_epoch=8")
DIN_WORDS += ("--trainer.max_epochs=8", "--data.init_args.batch_size=16", "--trainer.enable_progress_bar=false")


def fit_din(folder, run, devices):
    more = ["--trainer.strategy=ddp"] if devices > 1 else []
    main(["fit", *DIN_WORDS, f"--trainer.devices={devices}", *more, f"--data.init_args.dataset={folder / 'data'}",
          f"--data.init_args.sids={folder / 'sids.parquet'}", f"--run-folder={run}"])  # fmt: skip
    return run


def kill_when_begun(team, run, number):
    """Kill a member as soon as the run has begun."""
    while not (run / "fit_config.yaml").exists():
        time.sleep(0.01)
    team.members[number].send_signal(signal.SIGTERM)


@pytest.mark.slow
def test_a_killed_process_ends_the_run_and_the_same_command_makes_it_whole(folder, tmp_path, monkeypatch, capfd):
    unkilled, run = fit_din(folder, tmp_path / "unkilled", 2), tmp_path / "killed"
    begun = ProcessTeam.start

    def start_and_kill(team, where):
        begun(team, where)
        threading.Thread(target=kill_when_begun, args=(team, run, 1)).start()

    with monkeypatch.context() as patch:
        patch.setattr(ProcessTeam, "start", start_and_kill)
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            fit_din(folder, run, 2)
    assert stop.value.code == 2
    lines = [line for line in capfd.readouterr().err.splitlines() if "error:" in line]
    assert len(lines) == 1
    assert lines[0].startswith("lgsid: error: process 2 of 2 was killed (SIGTERM")
    assert not (run / "model.ckpt").exists()
    fit_din(folder, run, 2)
    assert not (run / ".lock").exists()
    for name in ("metrics.json", "model.ckpt", "fit_config.yaml"):
        assert (run / name).read_bytes() == (unkilled / name).read_bytes(), name
    assert {path.name for path in run.iterdir()} == {path.name for path in unkilled.iterdir()}
    assert isinstance(DIN.load_from_checkpoint(run / "model.ckpt"), DIN)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Let a team start small programs in place of a training."""

    def write(text):
        (tmp_path / "stand_in.py").write_text(
            f"import os, sys, time, signal\nnumber = os.environ['LOCAL_RANK']\n{text}"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(process_team, "MEMBER", "stand_in")
        return ProcessTeam(["fit"], 3, True)

    return write


def test_a_team_is_done_when_all_are(stand_in, tmp_path):
    stand_in(f"open(r'{tmp_path}/' + number, 'w').write(' '.join(sys.argv[2:]))").run()
    assert [(tmp_path / str(number)).read_text() for number in range(3)] == ["record untrusted fit"] * 3


def test_a_message_for_the_user_is_told_before_what_follows_from_it(stand_in, monkeypatch):
    monkeypatch.setattr(process_team, "GRACE_S", 0.3)
    team = stand_in(
        "codes = {'0': 1, '1': 2}\nif number == '2': time.sleep(60)\n"
        "open(sys.argv[1], 'w').write(f'message {number}')\nsys.exit(codes[number])"
    )
    with pytest.raises(process_team.LgsidError, match="message 1"):
        team.run()
    assert team.members[2].returncode == -signal.SIGKILL  # stopped, as it had not ended by itself


def test_a_fault_of_the_program_keeps_its_traceback(stand_in, monkeypatch):
    monkeypatch.setattr(process_team, "GRACE_S", 0.3)
    team = stand_in("if number == '1': raise ValueError('at fault')\ntime.sleep(60)")
    with pytest.raises(RuntimeError, match=r"process 2 of 3 ended with exit code 1(?s:.)*ValueError: at fault"):
        team.run()


def test_a_killed_first_process_is_told(stand_in, monkeypatch):
    monkeypatch.setattr(process_team, "GRACE_S", 0.3)
    team = stand_in("if number == '0': os.kill(os.getpid(), signal.SIGKILL)\ntime.sleep(60)")
    with pytest.raises(process_team.LgsidError, match=r"process 1 of 3 was killed \(SIGKILL"):
        team.run()


def test_processes_that_others_started_need_a_folder_in_common(folder, monkeypatch, capsys):
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(SystemExit):
        main(["fit", *DIN_WORDS, f"--data.init_args.dataset={folder / 'data'}"])
    assert "--run-folder is missing" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["run", "pipelines/demo.yaml"])
    assert "start it once" in capsys.readouterr().err


@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork", "fsdp", "ddp_sharded_encoder"])
def test_strategies_that_cannot_be_get_one_line(folder, tmp_path, strategy, capsys):
    words = ["--trainer.devices=2", f"--trainer.strategy={strategy}", f"--data.init_args.dataset={folder / 'data'}"]
    words += [f"--data.init_args.sids={folder / 'sids.parquet'}"]
    with pytest.raises(SystemExit):
        main(["fit", *DIN_WORDS, *words, f"--run-folder={tmp_path / 'run'}"])
    lines = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert len(lines) == 1
    assert lines[0].startswith("lgsid: error: trainer")
    assert not (tmp_path / "run").exists()
