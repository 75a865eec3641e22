"""Vectors aligned on one city are judged on another, by hand and as stages of a pipeline."""

import json

import numpy as np
import pytest

from lgsid.artefacts import Embeddings
from lgsid.cli import main
from lgsid.testing import tiny_encoder, toy_city

pytestmark = pytest.mark.usefixtures("own_cache")

STAGES = """
name: other_city
stages:
  align:
    command: fit
    config: alignment/gdpo.yaml
    set: &set
      data.init_args.dataset: {here}
      data.init_args.n_pairs: 64
      data.init_args.samplers: [{{class_path: lgsid.alignment.FarPairs}}]
      data.init_args.ratios: [1.0]
      model.init_args.encoder.init_args.model: {model}
      model.init_args.optimizer.init_args.lr: 0.02
  elsewhere:
    command: test
    config: alignment/gdpo.yaml
    set: {{<<: *set, data.init_args.dataset: {there}, ckpt_path: $align/model.ckpt}}
  judge:
    command: evaluate
    set:
      embeddings: $elsewhere/embeddings.parquet
      reference: $elsewhere/reference_embeddings.parquet
      adapter: $align/adapter
      dataset: {there}
"""


@pytest.mark.slow
def test_the_aligner_of_one_city_is_judged_on_another(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    there = toy_city(n_items=70, n_users=15, n_checkins=600, seed=5, folder="there")
    toy_city(n_items=60, folder="here")
    model = tiny_encoder("bert", tmp_path / "model")
    settings = {"here": tmp_path / "here", "there": tmp_path / "there", "model": model}
    (tmp_path / "pipeline.yaml").write_text(STAGES.format(**settings))
    main(["run", "pipeline.yaml", "--run-folder", "runs"])
    judged = json.loads((tmp_path / "runs/judge/metrics.json").read_text())
    assert judged["after/cosine_to_reference"] < 0.999  # the adapter of the other city acts here
    assert 0 <= judged["after/next_place/last/hit@10"] <= 1
    assert judged["after/sentences/spearman"] != judged["before/sentences/spearman"]

    config = ["--config", "runs/align/fit_config.yaml", "--data.init_args.dataset", "there"]
    main(["predict", *config, "--ckpt_path", "runs/align/model.ckpt", "--run-folder", "by_hand"])
    for name in ("embeddings.parquet", "reference_embeddings.parquet"):
        by_hand, as_stage = (Embeddings.read(f"{folder}/{name}") for folder in ("by_hand", "runs/elsewhere"))
        assert by_hand.item_ids.tolist() == there.items.ids.tolist()
        np.testing.assert_allclose(by_hand.vectors, as_stage.vectors, atol=1e-5)
    capsys.readouterr()
    files = ["by_hand/embeddings.parquet", "--reference", "by_hand/reference_embeddings.parquet"]
    main(["evaluate", *files, "--dataset", "there", "--adapter", "runs/align/adapter", "--output", "judged"])
    text = capsys.readouterr().out
    assert "Everyday sentences" in text
    assert max(map(len, text.splitlines())) <= 80
    again = json.loads((tmp_path / "judged/metrics.json").read_text())
    assert again == pytest.approx(judged, abs=1e-5)
