"""The aligner and its data, end to end on a tiny encoder."""

import math

import lightning as L
import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModel

from lgsid.alignment import (
    CollaborativePairs,
    FarPairs,
    GDPOAligner,
    NearOtherCategoryPairs,
    PairSampler,
    SameCategoryFarPairs,
    SimilarityMargin,
    SimilaritySoftmax,
)
from lgsid.artefacts import Embeddings
from lgsid.datamodules.preference_data import MixedPairs, PreferenceData, pairs_per_sampler
from lgsid.errors import LgsidError
from lgsid.text import LoraSpec, PromptTemplate, TextEncoder
from lgsid.typing import PreferenceBatch

from .test_pair_samplers import city


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LGSID_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("city")
    city(n=60).write(path)
    return str(path)


def preference_data(folder, **arguments):
    prompts = PromptTemplate("{category}", "{region_2}, {lat:.1f}, {lon:.1f}")
    samplers = [SameCategoryFarPairs(near=4), NearOtherCategoryPairs(near=4, neighbours=10)]
    return PreferenceData(folder, prompts, samplers, **{"n_pairs": 40, "batch_size": 8, "n_rejected": 2} | arguments)


def aligner(tiny_bert, loss=None, **arguments):
    torch.manual_seed(0)
    encoder = TextEncoder(tiny_bert, lora=LoraSpec(rank=2), autocast="float32")
    arguments = {"optimizer": lambda p: torch.optim.AdamW(p, lr=1e-2)} | arguments
    return GDPOAligner(encoder, loss or SimilarityMargin(), **arguments)


def trainer(folder, **arguments):
    settings = {"max_epochs": 1, "logger": False, "enable_checkpointing": False, "accelerator": "cpu"}
    return L.Trainer(
        **settings | arguments,
        default_root_dir=folder,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


@pytest.fixture(scope="module")
def fitted(folder, tiny_bert, tmp_path_factory):
    model, data = aligner(tiny_bert), preference_data(folder)
    run = trainer(tmp_path_factory.mktemp("run"))
    run.fit(model, data)
    return model, data, run


def test_fit_logs_figures_of_before_and_after(fitted):
    _, _, run = fitted
    names = ["coverage@5/region_1", "coverage@5/region_2", "purity@5", "median_km@5", "effective_rank"]
    expected = {f"{when}/{name}" for when in ("before", "after") for name in names}
    expected |= {"after/cosine_to_reference", "bound/coverage+purity@5", "train/align", "train/similarity"}
    assert expected <= run.callback_metrics.keys()
    figures = {name: float(value) for name, value in run.callback_metrics.items()}
    assert figures["before/coverage@5/region_1"] == figures["after/coverage@5/region_1"] == 1  # one region only
    assert figures["before/coverage@5/region_2"] + figures["before/purity@5"] <= figures["bound/coverage+purity@5"] <= 2
    assert 0 < figures["after/cosine_to_reference"] < 0.99999  # the adapter moved
    assert figures["before/median_km@5"] != figures["after/median_km@5"]


@pytest.mark.parametrize(("loss", "expected"), [(SimilarityMargin(), math.log(2)), (SimilaritySoftmax(), math.log(3))])
def test_training_starts_at_the_constant_of_the_loss(folder, tiny_bert, tmp_path, loss, expected):
    model = aligner(tiny_bert, loss)
    model.encoder.train = lambda mode=True: model.encoder  # no dropout in the adapter: policy equals reference
    run = trainer(tmp_path, max_steps=1)
    run.fit(model, preference_data(folder))
    assert float(run.callback_metrics["train/align"]) == pytest.approx(expected, abs=1e-5)


def test_forward_keeps_the_order_of_prompts(tiny_bert):
    model = aligner(tiny_bert)
    texts = [f"{'place ' * (7 * i % 5)}{i}" for i in range(70)]
    model.eval()
    torch.testing.assert_close(model(texts).detach(), model.encoder.encode(texts, use_cache=False))


def test_learning_rate_falls_to_zero(folder, tiny_bert, tmp_path):
    model = aligner(tiny_bert)
    run = trainer(tmp_path, max_steps=4)
    rates = []
    model.on_before_optimizer_step = lambda optimizer: rates.append(optimizer.param_groups[0]["lr"])
    run.fit(model, preference_data(folder))
    assert rates == pytest.approx([1e-2, 0.75e-2, 0.5e-2, 0.25e-2])
    assert run.optimizers[0].param_groups[0]["lr"] == 0


def test_only_the_adapter_learns(folder, tiny_bert, tmp_path):
    model = aligner(tiny_bert)
    before = {name: value.clone() for name, value in model.named_parameters()}
    trainer(tmp_path, max_steps=3).fit(model, preference_data(folder))
    moved = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert moved
    assert all("lora_" in name for name in moved)


def test_reference_is_the_encoder_without_adapter(fitted, tiny_bert):
    model, data, _ = fitted
    plain = TextEncoder(tiny_bert, autocast="float32").encode(data.texts, use_cache=False)
    torch.testing.assert_close(model.reference_embeddings(), plain)
    assert not torch.allclose(model.aligned_embeddings(), plain, atol=1e-3)


def test_alignment_brings_near_places_together(folder, tiny_bert, tmp_path):
    """With nothing but far pairs, neighbourhoods must grow and distances shrink."""
    data = preference_data(folder, n_pairs=160, batch_size=16)
    data.samplers, data.ratios = [FarPairs(near=4)], [1.0]
    run = trainer(tmp_path)
    run.fit(aligner(tiny_bert, similarity_weight=0.0), data)
    figures = run.callback_metrics
    assert figures["after/median_km@5"] < 0.95 * figures["before/median_km@5"]
    assert figures["after/coverage@5/region_2"] > figures["before/coverage@5/region_2"] + 0.05


def test_similarity_weight_keeps_the_reference_near(folder, tiny_bert, tmp_path):
    cosines = []
    for weight in (0.0, 20.0):
        run = trainer(tmp_path)
        run.fit(aligner(tiny_bert, similarity_weight=weight), preference_data(folder, n_pairs=80))
        cosines.append(float(run.callback_metrics["after/cosine_to_reference"]))
    assert cosines[1] > cosines[0]


def test_export_writes_adapter_and_embeddings(fitted, tiny_bert, tmp_path):
    model, data, _ = fitted
    model.export(tmp_path)
    aligned, reference = (
        Embeddings.read(tmp_path / name) for name in ("embeddings.parquet", "reference_embeddings.parquet")
    )
    assert aligned.item_ids.tolist() == reference.item_ids.tolist() == data.dataset.items.ids.tolist()
    np.testing.assert_allclose(aligned.vectors, model.aligned_embeddings().numpy())
    assert aligned.metadata["encoder"]["adapter_hash"] == model.encoder.adapter_hash() != ""
    assert reference.metadata["encoder"]["adapter_hash"] == ""
    assert aligned.metadata["prompts"]["content"] == "{category}"
    assert aligned.metadata["data_hash"] == data.dataset.data_hash
    PeftModel.from_pretrained(AutoModel.from_pretrained(tiny_bert), str(tmp_path / "adapter"))
    again = TextEncoder(tiny_bert, autocast="float32", adapter=str(tmp_path / "adapter")).encode(
        data.texts, use_cache=False
    )
    np.testing.assert_allclose(again.numpy(), aligned.vectors, atol=1e-5)


def test_embeddings_come_without_files(fitted, tiny_bert):
    model, data, _ = fitted
    items, rows = data.dataset.items, np.arange(20, 0, -1)
    aligned, reference = model.embeddings(), model.embeddings(reference=True)
    np.testing.assert_allclose(aligned.vectors, model.aligned_embeddings().numpy())
    np.testing.assert_allclose(reference.vectors, model.reference_embeddings().numpy())
    assert aligned.metadata["data_hash"] == data.dataset.data_hash
    some = model.embeddings(items.take(rows))
    assert some.item_ids.tolist() == items.ids[rows].tolist()
    np.testing.assert_allclose(some.vectors, aligned.vectors[rows], atol=1e-5)
    before = model.embeddings(items.take(rows), reference=True)
    np.testing.assert_allclose(before.vectors, reference.vectors[rows], atol=1e-5)
    with pytest.raises(LgsidError, match="not fitted here; give `items` and `prompts`"):
        aligner(tiny_bert).embeddings()


def test_checkpoint_holds_the_adapter_only_and_gives_the_same_embeddings(fitted, tiny_bert, tmp_path):
    model, data, run = fitted
    run.save_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    state = torch.load(tmp_path / "model.ckpt", weights_only=True)["state_dict"]
    assert state
    assert all("lora_" in name for name in state)
    fresh = GDPOAligner.load_from_checkpoint(
        tmp_path / "model.ckpt",
        weights_only=True,
        encoder=TextEncoder(tiny_bert, lora=LoraSpec(rank=2), autocast="float32"),
        loss=SimilarityMargin(),
    )
    predicted = trainer(tmp_path).predict(fresh, data)
    torch.testing.assert_close(torch.cat(predicted), model.aligned_embeddings())
    tested = trainer(tmp_path).test(fresh, data, verbose=False)[0]
    expected = {name: float(value) for name, value in run.callback_metrics.items() if name in tested}
    assert tested == pytest.approx(expected, abs=1e-5)
    torch.testing.assert_close(fresh.reference_embeddings(), model.reference_embeddings())  # with the adapter off
    assert not torch.allclose(fresh.reference_embeddings(), fresh.aligned_embeddings(), atol=1e-3)
    assert tested["after/cosine_to_reference"] < 0.9999


def test_same_seed_same_result(folder, tiny_bert, tmp_path):
    results = []
    for _ in range(2):
        model = aligner(tiny_bert)
        torch.manual_seed(7)  # of the dropout
        trainer(tmp_path, max_steps=3).fit(model, preference_data(folder))
        results.append(model.aligned_embeddings())
    assert torch.equal(*results)


def test_meaning_and_geography_weigh_the_same_unless_told_otherwise(tiny_bert):
    model = aligner(tiny_bert)
    assert (model.similarity_weight, model.similarity_temperature, model.neighbours) == (1.0, 0.05, 5)


def test_an_encoder_without_adapter_is_one_clear_line(folder, tiny_bert, tmp_path):
    model = GDPOAligner(TextEncoder(tiny_bert, autocast="float32"), SimilarityMargin())
    with pytest.raises(LgsidError, match="lora"):
        trainer(tmp_path).fit(model, preference_data(folder))


class Marked(PairSampler):
    """Pairs whose anchor tells which sampler made them."""

    def __init__(self, mark, n_anchors=1):
        self.mark = mark
        self.anchors = n_anchors

    def fit(self, dataset):
        pass

    @property
    def n_anchors(self):
        return self.anchors

    def draw(self, n, n_rejected, rng):
        rows = torch.full((n,), self.mark)
        return PreferenceBatch(rows, rows, rows[:, None].expand(n, n_rejected))


def test_kinds_are_mixed_by_ratio_in_every_batch():
    pairs = MixedPairs([(Marked(0), 6.0), (Marked(1), 3.0), (Marked(2), 1.0)], np.arange(3), 1000, 2, 32, seed=0)
    batches = list(pairs)
    assert len(batches) == len(pairs) == 32
    assert [len(batch) for batch in batches] == [32] * 31 + [8]
    counts = np.array([torch.bincount(batch.anchor, minlength=3).tolist() for batch in batches])
    np.testing.assert_allclose(counts.sum(0), [600, 300, 100], atol=5)
    assert (np.abs(counts[:31] - np.array([19.2, 9.6, 3.2])) < 3).all()


def test_pairs_per_sampler_does_not_depend_on_the_batches():
    shares = np.array([0.55, 0.05, 0.4])
    whole = pairs_per_sampler(shares, 0, 100)
    assert (sum(pairs_per_sampler(shares, i, i + 4) for i in range(0, 100, 4)) == whole).all()
    assert pairs_per_sampler(np.array([1.0]), 3, 9).tolist() == [6]


def test_epochs_differ_and_seeds_repeat(folder):
    def epochs(seed):
        data = preference_data(folder, seed=seed)
        data.setup("fit")
        return [torch.cat([batch.anchor for batch in data.train_dataloader()]) for _ in range(2)]

    first, again, other = epochs(0), epochs(0), epochs(1)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[0], other[0])


def test_a_sampler_without_pairs_is_left_out_with_a_warning(folder, caplog):
    samplers = [FarPairs(near=4), CollaborativePairs(min_count=10_000)]
    data = PreferenceData(folder, samplers=samplers, ratios=[1.0, 3.0], n_pairs=16, batch_size=8)
    data.setup("fit")
    assert "CollaborativePairs" in caplog.text
    assert [type(sampler) for sampler in data.pairs.samplers] == [FarPairs]
    assert sum(len(batch) for batch in data.train_dataloader()) == 16
    nothing = PreferenceData(folder, samplers=[CollaborativePairs(min_count=10_000)])
    with pytest.raises(LgsidError, match="FarPairs"):
        nothing.setup("fit")


@pytest.mark.parametrize(
    "arguments",
    [{"ratios": [1.0]}, {"ratios": [1.0, -1.0]}, {"ratios": [0.0, 0.0]}, {"n_pairs": 0}, {"n_rejected": 0}],
)
def test_wrong_arguments_are_one_clear_line(folder, arguments):
    with pytest.raises(LgsidError, match="PreferenceData"):
        preference_data(folder, **arguments)


def test_shape_counts_the_data(folder):
    data = preference_data(folder)
    data.setup("predict")
    assert data.shape.n_items == len(data.texts) == len(data.places.item) == 60
    assert data.shape.n_users == 6
    assert data.shape.n_categories == 4
    assert next(iter(data.val_dataloader())).tolist() == list(range(60))
