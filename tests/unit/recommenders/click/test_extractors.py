"""What every interest extractor keeps: padding, empty histories, candidates on their own, gradients, whole training."""

from dataclasses import replace

import pytest
import torch

from lgsid import checkpoints
from lgsid.errors import LgsidError
from lgsid.pipeline.training_cli import train
from lgsid.recommenders import (
    ClickModel,
    HardSearch,
    HashSearch,
    InterestEvolution,
    SoftSearch,
    TargetAttention,
    TwoStageAttention,
)

EXTRACTORS = {
    "din": lambda: TargetAttention(8),
    "dien": InterestEvolution,
    "sim_hard": lambda: HardSearch(k=3, head_width=4),
    "sim_soft": lambda: SoftSearch(k=3, head_width=4),
    "twin": lambda: TwoStageAttention(k=3, heads=2, head_width=4),
    "eta": lambda: HashSearch(k=3, head_width=4),
}
LENGTHS = (7, 0, 3, 12, 1)


def made(name, sizes):
    torch.manual_seed(0)
    extractor = EXTRACTORS[name]()
    extractor.build(sizes)
    return extractor


every = pytest.mark.parametrize("name", EXTRACTORS)


@every
@pytest.mark.parametrize("padding", [(0, 0, "left"), (5, 0, "right"), (0, 4, "left"), (2, 3, "right")])
def test_padding_on_any_side_and_in_any_amount_changes_nothing(town, name, padding):
    extractor, (before, behind, align) = made(name, town.sizes), padding
    expected = extractor(town.inputs(LENGTHS)).vector
    found = extractor(town.inputs(LENGTHS, before=before, behind=behind, align=align)).vector
    assert found.shape == (5, 4, extractor.dim)
    assert torch.allclose(found, expected, atol=1e-6)


@every
def test_what_stands_at_padding_is_not_read(town, name):
    extractor, inputs = made(name, town.sizes), town.inputs(LENGTHS, before=2)
    noise = torch.where(inputs.mask[..., None], inputs.event, 50.0)
    other = replace(inputs, event=noise, history=torch.where(inputs.mask, inputs.history, 7))
    assert torch.allclose(extractor(other).vector, extractor(inputs).vector, atol=1e-6)


@every
def test_an_empty_history_says_nothing(town, name):
    extractor = made(name, town.sizes)
    for label in (False, True):
        assert not extractor(town.inputs((3, 0, 5), label=label)).vector[1].any()
        interest = extractor(town.inputs((0, 0), label=label))
        assert not interest.vector.any()
        assert all(loss.isfinite() for loss in interest.losses.values())


@every
def test_a_query_alone_is_a_query_among_others(town, name):
    extractor, inputs = made(name, town.sizes), town.inputs(LENGTHS)
    whole = extractor(inputs).vector
    for row in range(5):
        keys = ("event", "context", "mask", "candidate", "history", "item")
        alone = replace(inputs, **{key: getattr(inputs, key)[row : row + 1] for key in keys})
        assert torch.allclose(extractor(alone).vector, whole[row : row + 1], atol=1e-6)


@every
def test_candidates_of_a_query_do_not_see_each_other(town, name):
    extractor, inputs = made(name, town.sizes), town.inputs(LENGTHS)
    order = torch.tensor([2, 0, 2])
    some = replace(inputs, candidate=inputs.candidate[:, order], item=inputs.item[:, order])
    assert torch.allclose(extractor(some).vector, extractor(inputs).vector[:, order], atol=1e-6)


@every
def test_labels_change_no_vector_and_bring_the_losses(town, name):
    extractor = made(name, town.sizes)
    without, given = extractor(town.inputs(LENGTHS)), extractor(town.inputs(LENGTHS, label=True))
    assert torch.equal(without.vector, given.vector)
    assert not without.losses
    assert set(given.losses) == {"dien": {"next_event"}, "sim_soft": {"search"}}.get(name, set())


@every
def test_every_parameter_learns_from_the_vectors_or_a_loss(town, name):
    extractor = made(name, town.sizes)
    interest = extractor(town.inputs(LENGTHS, label=True))
    of_vector = torch.randn(interest.vector.shape, generator=torch.Generator().manual_seed(3))
    (sum(interest.losses.values(), torch.zeros(())) + (interest.vector * of_vector).sum()).backward()
    assert not [n for n, p in extractor.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert town.table.grad.abs().sum() > 0


@every
@pytest.mark.parametrize("options", [(False, True), (True, False), (False, False)])
def test_semantic_ids_and_distance_can_be_left_out(make_town, name, options):
    town = make_town(*options)
    extractor = made(name, town.sizes)
    assert extractor(town.inputs(LENGTHS)).vector.isfinite().all()


@pytest.mark.parametrize("kind", [HardSearch, SoftSearch, HashSearch, TwoStageAttention])
def test_a_search_for_nothing_is_refused(kind):
    with pytest.raises(LgsidError, match=f"{kind.__name__}: k must be at least 1, not 0"):
        kind(k=0)


SIDS = ("--model.id_width=0",)
BOTH = ()
IDS = ("--model.sid_features=NoSids",)


@pytest.mark.parametrize("features", [BOTH, SIDS, IDS], ids=["both", "sids", "ids"])
@pytest.mark.parametrize("name", sorted(EXTRACTORS))
def test_a_config_trains_for_an_epoch_and_loads(toy_folder, tmp_path, name, features):
    sids = () if features is IDS else (f"--data.sids={toy_folder / 'sids.parquet'}",)
    arguments = ["fit", "--config", f"recommender/{name}.yaml", "--run-folder", str(tmp_path), *features, *sids]
    limits = ("--data.max_history=12", "--trainer.max_epochs=1", "--trainer.enable_progress_bar=false")
    cli = train([*arguments, f"--data.dataset={toy_folder}", *limits])
    assert {"val/auc", "val/logloss"} <= set(cli.trainer.callback_metrics)
    loaded = checkpoints.load(tmp_path / "model.ckpt", ClickModel)
    assert type(loaded.extractor) is type(EXTRACTORS[name]())
    batch = cli.datamodule.ctr_batch(cli.datamodule.queries("test")[:5])
    expected = cli.model.eval().candidate_scores(batch, batch.candidate)
    assert torch.equal(loaded.candidate_scores(batch, batch.candidate), expected)
    with torch.no_grad():
        moved = replace(batch, candidate=batch.candidate.flip(1))
        assert torch.allclose(loaded.candidate_scores(moved, moved.candidate).flip(1), expected, atol=1e-5)
