"""A model card says what the result files say, and the hub's reader understands its front matter."""

import json
import re

import numpy as np
import pytest
import yaml

from lgsid.artefacts import Dataset
from lgsid.artefacts.files import write_json
from lgsid.artefacts.tables import open_parquet
from lgsid.cli import main
from lgsid.errors import LgsidError
from lgsid.hub import CardResults
from lgsid.testing import tiny_encoder, toy_city


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A recommender that was tested, and its folder."""
    root = tmp_path_factory.mktemp("runs")
    dataset = toy_city(folder=root / "data")
    base = ["--config", "recommender/user_frequency.yaml", "--run-folder", str(root / "freq")]
    base += [f"--data.dataset={root / 'data'}"]
    main(["fit", *base])
    main(["test", *base, "--ckpt_path", str(root / "freq" / "model.ckpt")])
    options = ["--dataset", str(root / "data"), "--license", "apache-2.0"]
    main(["pretrained", "save", str(root / "freq"), str(root / "my-model"), *options])
    return root, dataset, (root / "my-model" / "README.md").read_text()


def test_the_numbers_are_those_of_the_result_files(saved):
    root, _, text = saved
    metrics = json.loads((root / "freq" / "metrics.json").read_text())
    shown = dict(re.findall(r"^\| (\S+@\d+) \| ([\d.]+) \|", text, re.MULTILINE))
    assert float(shown["Hit@10"]) == pytest.approx(metrics["test/hit@10"], abs=6e-4)
    assert float(shown["MRR@10"]) == pytest.approx(metrics["test/mrr@10"], abs=6e-4)
    record = json.loads((root / "freq" / "provenance.json").read_text())
    assert f"- commit: {record['commit']}" in text
    assert f"- seed: {record['seed']}" in text


def test_an_interval_is_that_of_a_bootstrap_over_users(saved):
    """By a loop over replicates of whole users, with other random numbers: the ends agree within its noise."""
    root, _, _ = saved
    table = open_parquet(root / "freq" / "per_query.parquet", ("user", "rank"), "ranks").to_pandas()
    hits = [(group["rank"] <= 10).to_numpy() for _, group in table.groupby("user")]
    rng = np.random.default_rng(7)
    drawn = [rng.integers(0, len(hits), len(hits)) for _ in range(2000)]
    means = [np.concatenate([hits[user] for user in users]).mean() for users in drawn]
    found = next(one for one in CardResults.read(root / "freq").measured if one.key == "hit@10")
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])), abs=0.04)
    assert found.low < found.value < found.high


def test_the_front_matter_is_what_the_hub_reads(saved):
    from huggingface_hub import EvalResult, ModelCard

    root, _, text = saved
    card = ModelCard.load(root / "my-model" / "README.md")
    assert (card.data.license, card.data.library_name, card.data.model_name) == ("apache-2.0", "lgsid", "my-model")
    result = next(one for one in card.data.eval_results if one.metric_type == "hit@10")
    assert isinstance(result, EvalResult)
    metrics = json.loads((root / "freq" / "metrics.json").read_text())
    assert result.metric_value == pytest.approx(metrics["test/hit@10"], abs=1e-6)
    assert yaml.safe_load(text.split("---")[1])["tags"][0] == "lgsid"


def test_it_tells_of_data_use_and_limits_and_names_no_user(saved):
    root, dataset, text = saved
    assert f"- places: {len(dataset.items)}" in text
    for heading in ("Use", "Intended use", "Limits", "Data", "Training", "License"):
        assert f"## {heading}\n" in text
    assert "Single check-ins are not in the folder." in text
    assert not [user for user in Dataset.read(root / "data").user_ids if str(user) in text]
    assert str(root) not in text


def test_a_tokenizer_and_an_encoder_have_tables_of_their_own(tmp_path):
    toy_city(folder=tmp_path / "data")
    tiny_encoder("bert", tmp_path / "bert")
    base = [f"--data.dataset={tmp_path / 'data'}"]
    main(["fit", "--config", "tokenizer/random.yaml", "--run-folder", str(tmp_path / "random"), *base])
    main(["pretrained", "save", str(tmp_path / "random"), str(tmp_path / "out" / "ids")])
    text = (tmp_path / "out" / "ids" / "README.md").read_text()
    card = json.loads((tmp_path / "random" / "card.json").read_text())
    assert f"| distinct / items | {card['distinct_share']:.3f} |" in text
    assert (tmp_path / "out" / "ids" / "sids.parquet").read_bytes() == (tmp_path / "random/sids.parquet").read_bytes()
    assert "None was named" in text

    more = [f"--model.encoder.init_args.model={tmp_path / 'bert'}", "--data.n_pairs=16"]
    main(
        ["fit", "--config", "alignment/similarity_softmax.yaml", "--run-folder", str(tmp_path / "align"), *base, *more]
    )
    main(["pretrained", "save", str(tmp_path / "align"), str(tmp_path / "out" / "enc"), "--adapter", "merged"])
    text = (tmp_path / "out" / "enc" / "README.md").read_text()
    assert "## Alignment\n" in text
    assert "pipeline_tag: feature-extraction" in text
    assert "base_model" not in text  # it lies in a folder, which the hub does not know


def test_what_evaluate_measured_has_its_intervals(tmp_path):
    values = {"after/last": {"hit@10": [0.25, 0.2, 0.3]}, "before/last": {"hit@10": [0.2, 0.1, 0.3]}}
    write_json(tmp_path / "comparison.json", {"values": values, "differences": {}})
    [found] = CardResults.read(tmp_path).measured
    assert (found.key, found.cells()[1:]) == ("last/hit@10", ("0.250", "0.200 to 0.300"))
    with pytest.raises(LgsidError, match="no such folder of a run"):
        CardResults.read(tmp_path / "nowhere")
