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
from lgsid.alignment.next_place_judge import NextPlaceJudge
from lgsid.artefacts import Dataset, Embeddings, Interactions
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.datamodules.preference_data import MixedPairs, PreferenceData, pairs_per_sampler
from lgsid.errors import LgsidError
from lgsid.metrics import NeighborhoodMetrics, NextPlaceQueries
from lgsid.testing import quiet_trainer
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
    dataset = city(n=60)
    frame = dataset.interactions.frame.copy()
    late = (frame["split"] != "train").to_numpy()  # validation and test go to new places
    frame.loc[late, "item_id"] = [f"p{i}" for i in np.random.default_rng(0).integers(60, size=late.sum())]
    Dataset(dataset.items, Interactions(frame)).write(path)
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
    return quiet_trainer(**{"max_epochs": 1, "default_root_dir": folder} | arguments)


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
    assert figures["before/p90_km@5"] != figures["after/p90_km@5"]


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
    np.testing.assert_allclose(reference.vectors, model.reference_embeddings().numpy())
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
    known = {name: value for name, value in tested.items() if not name.startswith("test/")}
    expected = {name: float(value) for name, value in run.callback_metrics.items() if name in tested}
    assert known == pytest.approx(expected, abs=1e-5)
    torch.testing.assert_close(fresh.reference_embeddings(), model.reference_embeddings())  # with the adapter off
    assert not torch.allclose(fresh.reference_embeddings(), fresh.aligned_embeddings(), atol=1e-3)
    assert tested["after/cosine_to_reference"] < 0.9999


@pytest.fixture(scope="module")
def drifted(folder, tiny_bert, tmp_path_factory):
    """A checkpoint of an adapter far from its start, and what it gives."""
    model, data = aligner(tiny_bert), preference_data(folder)
    with torch.no_grad():
        for name, weight in model.encoder.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.5, generator=torch.Generator().manual_seed(0))
    run = trainer(tmp_path_factory.mktemp("drifted"), max_epochs=0)
    run.fit(model, data)
    path = run.default_root_dir + "/model.ckpt"
    run.save_checkpoint(path, weights_only=True)
    return path, model.encoder.encode(data.texts, use_cache=False)


@pytest.mark.parametrize("restored_by", ["trainer", "loader"])
def test_a_checkpoint_is_tested_against_the_reference_with_the_adapter_off(
    folder, tiny_bert, tmp_path, drifted, restored_by, monkeypatch
):
    """Whichever way the adapter comes back, `before/` is the plain encoder and `after/` the policy."""
    monkeypatch.setenv("LGSID_CACHE", str(tmp_path / "cache"))
    path, policy = drifted
    data = preference_data(folder)
    parts = {"encoder": TextEncoder(tiny_bert, lora=LoraSpec(rank=2), autocast="float32"), "loss": SimilarityMargin()}
    if restored_by == "trainer":
        fresh, given = GDPOAligner(**parts), path
    else:
        fresh, given = GDPOAligner.load_from_checkpoint(path, **parts), None
    run = trainer(tmp_path)
    tested = run.test(fresh, data, ckpt_path=given, weights_only=True, verbose=False)[0]
    plain = TextEncoder(tiny_bert, autocast="float32").encode(data.texts, use_cache=False)
    torch.testing.assert_close(fresh.reference_embeddings(), plain)
    torch.testing.assert_close(fresh.aligned_embeddings(), policy)
    location = (data.places.region, data.places.category, data.places.lat_deg, data.places.lon_deg)
    for when, vectors, other in (("before", plain, policy), ("after", policy, plain)):
        metric, mistaken = NeighborhoodMetrics(), NeighborhoodMetrics()
        metric.update(vectors, *location)
        mistaken.update(other, *location)
        right, wrong = float(metric.compute()["effective_rank"]), float(mistaken.compute()["effective_rank"])
        assert tested[f"{when}/effective_rank"] == pytest.approx(right, rel=1e-4)
        assert abs(right - wrong) > 0.01 * right
    judge = NextPlaceJudge(data.dataset, data.is_held_out, 2000)
    for name, vectors in (("test/reference/next_place", plain), ("test/next_place", policy)):
        for key, value in judge.measure(vectors, "test").items():
            assert tested[f"{name}/{key}"] == pytest.approx(float(value), rel=1e-4)
    assert "test/next_place/last/hit@10" in tested
    assert tested["after/cosine_to_reference"] < 0.99


def test_retrieval_is_logged_on_validation_also_on_places_held_out(folder, tiny_bert, tmp_path):
    run, model = trainer(tmp_path), aligner(tiny_bert)
    run.fit(model, preference_data(folder, held_out_share=0.3))
    names = {f"val/{who}next_place/{part}last/hit@10" for who in ("", "reference/") for part in ("", "held_out/")}
    names |= {"train/margin", "train/gained", "after/sentences/spearman", "after/held_out/purity@5"}
    assert names <= run.callback_metrics.keys()
    assert not any(name.startswith("test/") for name in run.callback_metrics)
    data = run.datamodule
    queries = NextPlaceQueries.of(CheckInLog.of(data.dataset), "val")
    assert run.callback_metrics["val/next_place/queries"] == len(queries)
    assert run.callback_metrics["val/next_place/held_out/queries"] == data.is_held_out[queries.target].sum()
    few = aligner(tiny_bert, val_queries=7)
    run = trainer(tmp_path)
    run.fit(few, preference_data(folder))
    assert run.callback_metrics["val/next_place/queries"] == 7


def test_without_check_ins_there_is_no_retrieval(tiny_bert, tmp_path):
    dataset = city(n=60)
    silent = Dataset(dataset.items, Interactions(dataset.interactions.frame.iloc[:0]))
    run = trainer(tmp_path)
    run.fit(aligner(tiny_bert), preference_data(silent))
    assert "after/purity@5" in run.callback_metrics
    assert not any("next_place" in name for name in run.callback_metrics)


def test_other_data_are_measured_anew(folder, tiny_bert, tmp_path):
    city(n=40).write(tmp_path / "other")
    here, there = preference_data(folder), preference_data(str(tmp_path / "other"))
    model = aligner(tiny_bert)
    trainer(tmp_path).fit(model, here)
    first, again = trainer(tmp_path).test(model, there), trainer(tmp_path).test(model, there)
    assert first == again
    assert len(model.reference_embeddings()) == len(model.aligned_embeddings()) == 40
    back = trainer(tmp_path).test(model, here)[0]
    assert back["before/coverage@5/region_2"] != first[0]["before/coverage@5/region_2"]
    measured = NeighborhoodMetrics(5)
    places = here.places
    location = (places.region, places.category, places.lat_deg, places.lon_deg)
    measured.update(model.reference_embeddings(), *location, held_out=torch.from_numpy(here.is_held_out))
    assert back["before/purity@5"] == pytest.approx(float(measured.compute()["purity@5"]))


def test_the_best_of_several_validations_within_an_epoch_is_kept(folder, tiny_bert, tmp_path):
    monitor = "val/next_place/history/mrr@10"
    best = L.pytorch.callbacks.ModelCheckpoint(tmp_path, monitor=monitor, mode="max", save_weights_only=True)
    seen = []

    class Watch(L.Callback):
        def on_validation_end(self, trainer, module):
            seen.append((float(trainer.callback_metrics[monitor]), module.aligned_embeddings()))

    run = trainer(
        tmp_path, val_check_interval=2, limit_train_batches=6, callbacks=[Watch(), best], enable_checkpointing=True
    )
    run.fit(aligner(tiny_bert), preference_data(folder, n_pairs=48))
    assert len(seen) == 3
    assert len({score for score, _ in seen}) > 1
    score, vectors = max(seen, key=lambda found: found[0])
    assert float(best.best_model_score) == pytest.approx(score)
    encoder = TextEncoder(tiny_bert, lora=LoraSpec(rank=2), autocast="float32")
    kept = GDPOAligner.load_from_checkpoint(best.best_model_path, encoder=encoder, loss=SimilarityMargin())
    torch.testing.assert_close(encoder.encode(run.datamodule.texts, use_cache=False), vectors)
    assert kept.val_queries == 2000


def test_each_place_of_a_batch_is_encoded_once_and_prompts_are_tokenized_once(folder, tiny_bert, tmp_path, monkeypatch):
    places = []

    class Watch(L.Callback):
        def on_train_batch_start(self, trainer, module, batch, batch_idx):
            rows = torch.cat([batch.anchor, batch.chosen, batch.rejected.flatten()])
            places.append(len(set(rows.tolist())))

    tokenized = []
    for steps in (1, 4):
        model = aligner(tiny_bert)
        encoded, tokenize, embed = [], model.encoder.tokenize, model.encoder.embed
        monkeypatch.setattr(model.encoder, "embed", lambda t, embed=embed, n=encoded: (n.append(len(t)), embed(t))[1])
        calls = []
        monkeypatch.setattr(model.encoder, "tokenize", lambda t, f=tokenize, n=calls: (n.append(len(t)), f(t))[1])
        model.reference_embeddings = lambda model=model: torch.zeros(60, model.encoder.dim)
        places.clear()
        trainer(tmp_path, max_steps=steps, limit_val_batches=0, callbacks=[Watch()]).fit(
            model, preference_data(folder, n_pairs=64, batch_size=16)
        )
        assert sum(encoded) == sum(places) > 0
        tokenized.append(calls)
    assert tokenized == [[60], [60]]


def test_what_is_held_out_is_told_by_the_embeddings_and_the_checkpoint(folder, tiny_bert, tmp_path):
    model, run = aligner(tiny_bert), trainer(tmp_path, max_steps=1)
    data = preference_data(folder, held_out_share=0.3, held_out_seed=5)
    run.fit(model, data)
    expected = {"share": 0.3, "seed": 5}
    assert model.embeddings().metadata["held_out"] == expected
    run.save_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    parts = {"encoder": TextEncoder(tiny_bert, lora=LoraSpec(rank=2), autocast="float32"), "loss": SimilarityMargin()}
    fresh = GDPOAligner.load_from_checkpoint(tmp_path / "model.ckpt", **parts)
    trainer(tmp_path).predict(fresh, preference_data(folder))
    fresh.export_predictions(tmp_path, [])
    assert Embeddings.read(tmp_path / "embeddings.parquet").metadata["held_out"] == expected  # of its training
    with pytest.raises(LgsidError, match="held_out: 'far' is no share and seed"):
        fresh.on_load_checkpoint({"held_out": "far"})


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
