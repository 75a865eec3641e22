"""The tokenizers of other papers: their equations by hand, what they may see, and the way through a checkpoint."""

from dataclasses import replace

import lightning as L
import numpy as np
import pytest
import torch

from lgsid import checkpoints
from lgsid.artefacts import Dataset, Interactions
from lgsid.datamodules import ItemData
from lgsid.errors import LgsidError
from lgsid.functional.sids import group_rows
from lgsid.quantizers import ClusterPull, EvenUse, LearnedCodebooks, LearnedRQVAE, RQKMeans
from lgsid.testing import quiet_trainer
from lgsid.testing.tokenizer_contract import toy_items
from lgsid.tokenizers import (
    CollaborativeTokenizer,
    CounterSuffix,
    CoVisitFactors,
    DualStreamTokenizer,
    FeatureTokenizer,
    GeoRotaryTokenizer,
    IdentitySuffix,
    NearestFreeCode,
    NoResolution,
    PrefixCodes,
    ResidualTokenizer,
    VisitHours,
    Visits,
)
from lgsid.tokenizers.collaborative_tokenizer import alignment_loss
from lgsid.tokenizers.geo_rotary_tokenizer import rotary_angles, rotate

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def small_rqvae(**options):
    return LearnedRQVAE(latent_dim=4, hidden_dims=(8,), **options)


MAKE = {
    "collaborative": lambda: CollaborativeTokenizer((9, 8), small_rqvae(losses=[ClusterPull(2)]), CoVisitFactors(4)),
    "feature": lambda: FeatureTokenizer((9, 8), small_rqvae(losses=[EvenUse()])),
    "rotary": lambda: GeoRotaryTokenizer((6, 5, 4)),
    "dual": lambda: DualStreamTokenizer((4, 3, 5, 4)),
    "unified": lambda: ResidualTokenizer((6, 5), small_rqvae(cosine_levels=1), collisions=IdentitySuffix()),
    "ngram": lambda: ResidualTokenizer((6, 5), RQKMeans(), collisions=PrefixCodes(CounterSuffix())),
}


def fit(tokenizer, data, epochs=2):
    trainer = quiet_trainer(max_epochs=epochs)
    L.seed_everything(0, verbose=False)
    trainer.fit(tokenizer, data)
    return trainer


@pytest.fixture(scope="module")
def toy():
    return toy_items()


@pytest.fixture(scope="module", params=sorted(MAKE))
def fitted(request, toy, tmp_path_factory):
    tokenizer, path = MAKE[request.param](), tmp_path_factory.mktemp(request.param) / "model.ckpt"
    fit(tokenizer, toy).save_checkpoint(path)
    return tokenizer, path


def test_a_checkpoint_gives_the_same_codes(fitted, toy):
    tokenizer, path = fitted
    loaded = checkpoints.load(path)
    assert np.array_equal(loaded.tokenize(toy.items_by_id).codes, tokenizer.tokenize(toy.items_by_id).codes)
    for name, value in tokenizer.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_part_of_the_items_and_copies_have_the_codes_of_the_whole(fitted, toy):
    """Before collisions are resolved, an item's codes follow from what is known of it, whatever else is tokenized."""
    tokenizer, items = fitted[0], toy.items_by_id
    codes = tokenizer.encode(items)
    some = torch.tensor([7, 3, 50])
    assert torch.equal(tokenizer.encode(items.take(some)), codes[some])
    twins = replace(items, item_id=np.array([f"new {name}" for name in items.item_id], dtype=object))
    if isinstance(tokenizer, FeatureTokenizer):  # nobody has been there, so far as it knows
        assert not tokenizer.known_signals(twins).any()
        tokenizer = FeatureTokenizer((9, 8), signals=[], quantizer=RQKMeans())
        fit(tokenizer, toy, 1)
        codes = tokenizer.encode(items)
    assert torch.equal(tokenizer.encode(twins), codes)


@pytest.mark.parametrize("name", sorted(MAKE))
@pytest.mark.parametrize("count", [1, 12], ids=["one item", "equal items"])
def test_one_item_and_equal_items(name, count, toy):
    tokenizer, one = MAKE[name](), toy.items_by_id.cut(0, 1)
    ids = np.array([f"{n:02}" for n in range(count)], dtype=object)
    items = replace(one.take(torch.zeros(count, dtype=torch.int64)), item_id=ids)
    tokenizer.ensure_built(toy.shape)
    tokenizer.count_check_ins(items, Visits(*(np.zeros(0, dtype=np.int64) for _ in range(3)), count))
    with torch.no_grad():
        tokenizer.fit_codebooks(items)
    codes = tokenizer.encode(items)
    assert bool((codes == codes[:1]).all())
    assert len(np.unique(tokenizer.tokenize(items).codes, axis=0)) == count


@pytest.mark.parametrize("name", ["collaborative", "feature"])
def test_check_ins_after_the_training_and_at_places_held_out_do_not_count(name, toy):
    """The state of a tokenizer is the same whatever happens in validation, in the test, and at places held out."""
    dataset, states = toy.dataset, []
    options = {"held_out_share": 0.3, "batch_size": 16}
    first = ItemData(dataset, toy.embeddings, **options)
    first.setup()
    kept = set(first.fitted_by_id.item_id)
    frame = dataset.interactions.frame
    hidden = (frame["split"] != "train") | ~frame["item_id"].isin(kept)
    assert 0 < int(hidden.sum()) < len(frame)
    moved = frame.assign(hour=frame["hour"].where(~hidden, (frame["hour"] + 7) % 24))
    moved["user_id"] = frame["user_id"].where(~hidden, frame["user_id"].iloc[0])
    for table in (frame, moved):
        tokenizer = MAKE[name]()
        fit(tokenizer, ItemData(Dataset(dataset.items, Interactions(table), dataset.report), toy.embeddings, **options))
        states.append(tokenizer.state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_training_check_ins_do_count(toy):
    frame = toy.dataset.interactions.frame
    moved = frame.assign(user_id=frame["user_id"].sample(frac=1.0, random_state=0).to_numpy())
    for name in ("collaborative", "feature"):
        states = []
        for table in (frame, moved):
            tokenizer = MAKE[name]()
            fit(tokenizer, ItemData(Dataset(toy.dataset.items, Interactions(table)), toy.embeddings, batch_size=16))
            states.append(tokenizer.state_dict())
        assert any(not torch.equal(states[0][key], states[1][key]) for key in states[0])


# LETTER


def test_alignment_against_a_loop_and_without_rows_of_zeros():
    generator = torch.Generator().manual_seed(0)
    z, h = (torch.randn(6, 3, generator=generator) for _ in range(2))
    h[2] = 0.0
    tau, kept = 0.5, [0, 1, 3, 4, 5]
    scores = (z @ h.T / tau).double().numpy()
    expected = [-np.log(np.exp(scores[i, i]) / np.exp(scores[i, kept]).sum()) for i in kept]
    assert float(alignment_loss(z, h, tau)) == pytest.approx(np.mean(expected), rel=1e-5)
    assert float(alignment_loss(z, torch.zeros(6, 3), tau)) == 0.0


def test_the_alignment_reaches_the_codebooks_and_draws_vectors_to_their_own(toy):
    tokenizer = CollaborativeTokenizer((9, 8), small_rqvae(), CoVisitFactors(4))
    fit(tokenizer, toy, 1)
    items = toy.items_by_id
    tokenizer.count_check_ins(items, Visits.of(toy.dataset, items))
    quantized = tokenizer.quantizer(tokenizer.vectors(items))
    found = tokenizer.added_losses(items, quantized)["alignment"]
    known = tokenizer.signal.of(Visits.of(toy.dataset, items))
    again = alignment_loss(quantized.latent, torch.from_numpy(known), 1.0)
    assert float(found.detach()) == pytest.approx(0.02 * float(again.detach()), rel=1e-5)
    tokenizer.zero_grad()
    found.backward()
    for codebook in tokenizer.quantizer.vq.codebooks:
        assert float(codebook.grad.norm()) > 0
    assert all(float(p.grad.norm()) > 0 for p in tokenizer.quantizer.encoder.parameters())
    assert all(p.grad is None for p in tokenizer.quantizer.decoder.parameters())


def test_a_tokenizer_that_cannot_be_aligned_says_so(toy):
    with pytest.raises(LgsidError, match="RQKMeans does not learn by gradient"):
        fit(CollaborativeTokenizer((9, 8), RQKMeans()), toy)
    with pytest.raises(LgsidError, match="the quantized vectors are 4 wide and the signal 32"):
        fit(CollaborativeTokenizer((9, 8), small_rqvae()), toy)
    with pytest.raises(LgsidError, match="alignment_weight must not be negative"):
        CollaborativeTokenizer(alignment_weight=-1)


# GNPR-SID


def test_parts_of_the_features_are_as_far_apart_as_their_weights(toy):
    tokenizer = FeatureTokenizer((9, 8), RQKMeans(), geo_weight=0.7, signal_weights=[0.5, 2.0])
    fit(tokenizer, toy, 1)
    vectors, items = tokenizer.vectors(toy.items_by_id).double(), toy.items_by_id
    torch.testing.assert_close(vectors.mean(dim=0), torch.zeros(vectors.shape[1]).double(), atol=1e-5, rtol=0.0)
    widths = [tokenizer.geo_encoder.dim, tokenizer.attributes.dim, 24, 32]
    position, category, hours, factors = vectors.split(widths, dim=1)
    cells = tokenizer.geo_encoder(items.lat_deg, items.lon_deg)
    torch.testing.assert_close(torch.cdist(position, position), 0.7 * torch.cdist(cells, cells).double())
    other = items.category[:, None] != items.category
    known = (items.category > 0)[:, None] & (items.category > 0)
    apart = torch.cdist(category, category)
    torch.testing.assert_close(apart[known], other[known].double(), atol=1e-5, rtol=0.0)
    for part, weight in ((hours, 0.5), (factors, 2.0)):
        raw = part - part.mean(dim=0) + tokenizer.mean.double().split(widths)[2 if weight == 0.5 else 3]
        assert float(raw.square().sum(dim=1).mean() * 2) == pytest.approx(weight**2, rel=1e-3)


def test_features_need_no_vectors_and_no_check_ins(toy):
    data = ItemData(toy.dataset, batch_size=16)
    tokenizer = MAKE["feature"]()
    fit(tokenizer, data)
    sids = tokenizer.tokenize(toy.dataset.items)
    assert len(np.unique(sids.codes, axis=0)) == len(toy.dataset.items)
    with pytest.raises(LgsidError, match=r"FeatureTokenizer: 1 signals but signal_weights \[1.0, 1.0\]; give one each"):
        FeatureTokenizer(signals=[VisitHours()], signal_weights=[1, 1])
    with pytest.raises(LgsidError, match="weights must be numbers from 0 up"):
        FeatureTokenizer(geo_weight=-1)


# Pro-GEO


def test_turning_against_matrices_keeps_lengths_and_can_be_undone():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 7, generator=generator)
    angles = torch.randn(5, 3, generator=generator).double()
    turned = rotate(x, angles)
    for row in range(5):
        for pair in range(3):
            a = float(angles[row, pair])
            matrix = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
            expected = matrix @ x[row, 2 * pair : 2 * pair + 2].numpy()
            np.testing.assert_allclose(turned[row, 2 * pair : 2 * pair + 2], expected, atol=1e-6)
    assert torch.equal(turned[:, 6], x[:, 6])
    torch.testing.assert_close(turned.norm(dim=1), x.norm(dim=1))
    torch.testing.assert_close(rotate(turned, -angles), x)
    torch.testing.assert_close(rotate(x, torch.zeros(5, 3)), x)


def test_even_pairs_turn_by_distance_and_odd_ones_by_bearing():
    angles = rotary_angles(torch.tensor([0.0, 2.0]), torch.tensor([0.5, -0.5]), 4, 100.0)
    expected = torch.tensor([[0.0, 0.5, 0.0, 0.5], [2 * np.pi, -0.5, 0.2 * np.pi, -0.5]]).double()
    torch.testing.assert_close(angles, expected)


def test_places_at_one_spot_are_told_by_their_vectors_alone(toy):
    """With all places at one position nothing is turned: the last level is k-means of the residuals."""
    tokenizer = GeoRotaryTokenizer((6, 5, 4))
    items = toy.items_by_id
    here = replace(items, lat_deg=torch.full_like(items.lat_deg, 3.0), lon_deg=torch.full_like(items.lon_deg, 101.0))
    tokenizer.ensure_built(toy.shape)
    with torch.no_grad():
        tokenizer.fit_codebooks(here)
        codes = tokenizer.encode(here)
        residual = tokenizer.vectors(here) - tokenizer.quantizer.decode(codes[:, :2])
        torch.testing.assert_close(tokenizer.turned(here, codes), residual, atol=1e-5, rtol=1e-4)


def test_the_last_code_follows_the_position_and_the_others_do_not(fitted_rotary, toy):
    items = toy.items_by_id
    codes = fitted_rotary.encode(items)
    moved = replace(items, lat_deg=items.lat_deg.flip(0), lon_deg=items.lon_deg.flip(0))
    other = fitted_rotary.encode(moved)
    assert torch.equal(codes[:, :2], other[:, :2])
    assert not torch.equal(codes[:, 2], other[:, 2])


@pytest.fixture(scope="module")
def fitted_rotary(toy):
    tokenizer = MAKE["rotary"]()
    fit(tokenizer, toy, 1)
    return tokenizer


def test_centers_are_those_of_the_first_codes(fitted_rotary, toy):
    items, codes = toy.items_by_id, fitted_rotary.encode(toy.items_by_id)
    distance_m, _ = fitted_rotary.local_polar(items, codes)
    assert float(distance_m.square().mean().sqrt()) == pytest.approx(float(fitted_rotary.scale_m), rel=1e-6)
    for code in codes[:, 0].unique():
        inside = codes[:, 0] == code
        center = fitted_rotary.centers_deg[code]
        assert float(center[0]) == pytest.approx(float(items.lat_deg[inside].mean()), abs=1e-4)
        assert float(center[1]) == pytest.approx(float(items.lon_deg[inside].mean()), abs=1e-4)


def test_what_learns_by_gradient_cannot_come_before_a_fitted_level(toy):
    with pytest.raises(LgsidError, match="GeoRotaryTokenizer: LearnedCodebooks learns by gradient"):
        GeoRotaryTokenizer((6, 5, 4), LearnedCodebooks()).ensure_built(toy.shape)
    with pytest.raises(LgsidError, match="DualStreamTokenizer: geo_quantizer LearnedCodebooks learns by gradient"):
        DualStreamTokenizer((6, 5, 4), 1, LearnedCodebooks()).ensure_built(toy.shape)
    with pytest.raises(LgsidError, match="center_levels must be from 1"):
        GeoRotaryTokenizer((6, 5, 4), center_levels=3)
    with pytest.raises(LgsidError, match="base must be a number from 1 up"):
        GeoRotaryTokenizer(base=0)
    with pytest.raises(LgsidError, match="geo_levels must be from 1"):
        DualStreamTokenizer((6, 5), geo_levels=2)
    with pytest.raises(LgsidError, match="ridge must be positive"):
        DualStreamTokenizer(ridge=0)


# LGRID


@pytest.fixture(scope="module")
def fitted_dual(toy):
    tokenizer = DualStreamTokenizer((4, 3, 5, 4), ridge=1e-6)
    fit(tokenizer, toy, 1)
    return tokenizer


def test_the_semantic_stream_knows_nothing_linear_of_geography(fitted_dual, toy):
    items = toy.items_by_id
    geography = fitted_dual.geography(items).double()
    left, before = fitted_dual.residual(items, None).double(), fitted_dual.vectors(items).double()
    assert float((geography.T @ left).norm()) < 1e-2 * float((geography.T @ before).norm())
    assert 0 < float(left.square().sum()) < float(before.square().sum())


def test_regression_against_numpy(toy):
    tokenizer = DualStreamTokenizer((4, 3, 5, 4), ridge=0.1)
    fit(tokenizer, toy, 1)
    g, x = (part(toy.items_by_id).double().numpy() for part in (tokenizer.geography, tokenizer.vectors))
    square = g.T @ g
    expected = np.linalg.inv(square + 0.1 * np.diag(square).mean() * np.eye(len(square))) @ g.T @ x
    np.testing.assert_allclose(tokenizer.explained, expected, atol=1e-4)


def test_streams_do_not_see_each_other(fitted_dual, toy):
    """Other vectors leave the geographic codes; the semantic ones are the same below any geographic code."""
    items = toy.items_by_id
    codes = fitted_dual.encode(items)
    other = replace(items, embedding=items.embedding.flip(0))
    assert torch.equal(fitted_dual.encode(other)[:, :2], codes[:, :2])
    elsewhere = torch.cat([(codes[:, :2] + 1) % torch.tensor([4, 3]), codes[:, 2:]], dim=1)
    for level in (2, 3):
        there = fitted_dual.distances(items, elsewhere, level)
        torch.testing.assert_close(there, fitted_dual.distances(items, codes, level))
    near = torch.stack([fitted_dual.distances(items, codes, level).argmin(dim=1) for level in range(4)], dim=1)
    assert torch.equal(near, codes)


# Unified semantic and ID tokens, n-grams


def codes_of(seed=0):
    return np.random.default_rng(seed).integers(3, size=(40, 3))


def distances(rows, codes, level):
    return (np.arange((4, 4, 5)[level])[None, :] - codes[:, level, None]) ** 2.0 + 0.001 * rows[:, None]


def test_identity_is_one_code_for_each_item():
    codes = codes_of()
    resolved = IdentitySuffix().resolve(codes, (3, 3, 3), distances)
    assert np.array_equal(resolved.codes[:, :3], codes)
    assert resolved.codes[:, 3].tolist() == list(range(40))
    assert resolved.codebook_sizes == (3, 3, 3, 40)


@pytest.mark.parametrize("inner", [NoResolution(), CounterSuffix(), NearestFreeCode()])
def test_prefix_codes_keep_the_tree(inner):
    codes = codes_of()
    expected = inner.resolve(codes, (4, 4, 5), distances)
    resolved = PrefixCodes(inner).resolve(codes, (4, 4, 5), distances)
    assert np.array_equal(resolved.codes, expected.codes)
    assert resolved.codebook_sizes == expected.codebook_sizes
    names, sizes = resolved.written
    assert names.shape == expected.codes.shape
    for depth in range(1, names.shape[1] + 1):
        own, named = (torch.from_numpy(part[:, :depth]) for part in (expected.codes, names))
        assert torch.equal(group_rows(own), group_rows(named))
        assert torch.equal(group_rows(own), torch.from_numpy(names[:, depth - 1]))  # one code names the prefix
        assert sizes[depth - 1] == len(np.unique(expected.codes[:, :depth], axis=0))
    with pytest.raises(LgsidError, match="cannot have different semantic IDs"):
        PrefixCodes().check(100, (3, 3))


def test_the_card_of_prefix_codes_is_told_in_the_tokenizer_s_own(toy):
    told = []
    for collisions in (NearestFreeCode(), PrefixCodes()):
        tokenizer = ResidualTokenizer((6, 5, 4), RQKMeans(), collisions=collisions)
        fit(tokenizer, toy, 1)
        told.append(tokenizer.tokenize(toy.items_by_id).metadata)
    for name in ("before_resolution", "changed_by_resolution", "reconstruction_error"):
        assert told[0][name] == told[1][name]
