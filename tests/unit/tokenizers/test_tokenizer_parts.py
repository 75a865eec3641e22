"""Quantizers, encoders and the hierarchical tokenizer: what the contracts do not ask."""

import numpy as np
import pytest
import torch

from lgsid.artefacts.vocabularies import Vocabularies
from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m
from lgsid.functional.residual import residual_encode, soft_assignment, usage_entropy
from lgsid.geo import FourierGeoEncoder, LocalMetresGeoEncoder
from lgsid.quantizers import ResidualCentroids, ResidualFSQ, RQKMeans, kmeans_centroids
from lgsid.testing import toy_city
from lgsid.testing.tokenizer_contract import toy_items
from lgsid.tokenizers import (
    HashedAttributes,
    HierTokenizer,
    OneHotAttributes,
    RandomTokenizer,
    attribute_encoders,
    embedding_tokenizer,
    hier_tokenizer,
)


def clumps(n=90, dim=6, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(
        rng.normal(size=(5, dim))[rng.integers(5, size=n)] + 0.3 * rng.normal(size=(n, dim))
    ).float()


def test_residual_codes_against_a_loop():
    x, books = clumps(20), [clumps(4, seed=1), clumps(3, seed=2)]
    codes, residuals = residual_encode(x, books)
    for row in range(20):
        rest = x[row].double().numpy()
        for level, book in enumerate(books):
            code = int(np.argmin([np.sum((rest - c) ** 2) for c in book.double().numpy()]))
            assert codes[row, level] == code
            rest = rest - book[code].double().numpy()
        np.testing.assert_allclose(residuals[-1][row], rest, atol=1e-5)


def test_entropy_term_has_a_gradient_and_counts_have_none():
    """The point of a soft assignment: centroids that no item uses are pulled as well."""
    x, centroids = clumps(), clumps(8, seed=3).requires_grad_()
    usage_entropy(soft_assignment(x, centroids, 0.5)).backward()
    assert bool((centroids.grad.abs().sum(dim=1) > 0).all())


def test_entropy_of_even_and_of_collapsed_use():
    assert usage_entropy(torch.eye(6)).item() == pytest.approx(1.0)
    assert usage_entropy(torch.eye(6)[:1].expand(9, 6)).item() == pytest.approx(0.0, abs=1e-5)


def test_entropy_weight_reaches_the_centroids():
    gradients = []
    for weight in (0.0, 1.0):
        quantizer = ResidualCentroids((6, 4), entropy_weight=weight, temperature=1.0)
        quantizer.build(6)
        quantizer.fit(clumps())
        quantizer(clumps()).loss.backward()
        gradients.append([centroids.grad.clone() for centroids in quantizer.centroids])
    for without, with_term in zip(*gradients, strict=True):
        assert float((without - with_term).norm()) > 1e-6


def test_training_lowers_the_reconstruction_error():
    quantizer = ResidualCentroids((6, 6), entropy_weight=0.0)
    quantizer.build(6)
    x = clumps(300)
    quantizer.fit(x)
    before = float(quantizer(x).loss.detach())
    optimizer = torch.optim.Adam(quantizer.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        quantizer(x).loss.backward()
        optimizer.step()
    assert float(quantizer(x).loss.detach()) < before


def test_reconstruction_loss_does_not_depend_on_the_batch_size():
    quantizer = ResidualCentroids((6, 4), entropy_weight=0.0)
    quantizer.build(6)
    quantizer.fit(clumps())
    whole = float(quantizer(clumps()).loss.detach())
    parts = [float(quantizer(part).loss.detach()) for part in clumps().split(30)]
    assert np.mean(parts) == pytest.approx(whole, rel=1e-5)


def test_kmeans_fills_up_with_different_centroids():
    x = torch.tensor([[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    centroids = kmeans_centroids(x, 5, 0)
    assert len(centroids.unique(dim=0)) == 5
    assert {tuple(row) for row in x.tolist()} <= {tuple(row) for row in centroids.tolist()}
    assert torch.equal(kmeans_centroids(clumps(), 4, 1), kmeans_centroids(clumps(), 4, 1))


def test_bad_sizes_are_one_clear_line():
    with pytest.raises(LgsidError, match="RQKMeans: codebook_sizes must be positive"):
        RQKMeans((4, 0))
    with pytest.raises(LgsidError, match="give codebook_sizes"):
        RQKMeans().build(4)
    with pytest.raises(LgsidError, match=r"has codebook_sizes \[3, 3\], but its tokenizer asks for \[4, 3\]"):
        HierTokenizer((8, 4, 3), RQKMeans((3, 3)))
    with pytest.raises(LgsidError, match="at least two levels"):
        HierTokenizer((8,))
    with pytest.raises(LgsidError, match=r"ResidualFSQ: cannot have \[8, 4\] codes"):
        HierTokenizer((8, 8, 4), ResidualFSQ())
    with pytest.raises(LgsidError, match="at least 2"):
        ResidualFSQ((4, 1))
    with pytest.raises(LgsidError, match="min_wavelength_m"):
        FourierGeoEncoder(min_wavelength_m=0.0)


@pytest.mark.parametrize("size", [2, 6, 64, 81, 125, 128, 256, 1000])
def test_a_grid_is_found_for_a_codebook_size(size):
    quantizer = ResidualFSQ()
    quantizer.take_codebook_sizes((size, size))
    assert np.prod(quantizer.grid) == size
    assert quantizer.codebook_sizes == (size, size)


def test_fourier_distance_grows_with_the_logarithm_of_the_distance():
    """Each tenfold distance between 100 m and 1000 km adds about the same to the squared distance."""
    encoder = FourierGeoEncoder(max_wavelength_m=2e6, n_wavelengths=64, n_directions=64)
    lat, lon = torch.full((1,), 40.7, dtype=torch.float64), torch.full((1,), -74.0, dtype=torch.float64)
    here = encoder(lat, lon)
    assert float(here.norm()) == pytest.approx(1.0, abs=1e-5)
    squares = [float((encoder(lat + m / 111_195.0, lon) - here).square().sum()) for m in (100.0, 1e3, 1e4, 1e5)]
    steps = np.diff(squares)
    assert (steps > 0).all()
    assert steps.max() < 2.0 * steps.min()


def test_local_metres_are_metres_on_the_ground():
    encoder = LocalMetresGeoEncoder(scale_m=1.0)
    lat = torch.tensor([40.70, 40.73, 40.71], dtype=torch.float64)
    lon = torch.tensor([-74.0, -73.95, -73.99], dtype=torch.float64)
    encoder.fit(lat, lon)
    out = encoder(lat, lon).double()
    ground = haversine_m(lat[:1], lon[:1], lat[1:], lon[1:])
    torch.testing.assert_close((out[1:] - out[:1]).norm(dim=1), ground, rtol=1e-3, atol=0.1)


def test_local_metres_cross_the_date_line():
    encoder = LocalMetresGeoEncoder()
    lat, lon = torch.zeros(2, dtype=torch.float64), torch.tensor([179.99, -179.99], dtype=torch.float64)
    encoder.fit(lat, lon)
    assert float((encoder(lat, lon)[0] - encoder(lat, lon)[1]).norm()) == pytest.approx(2.224, abs=0.01)


@pytest.mark.parametrize(("kind", "slack"), [(OneHotAttributes, 1e-5), (HashedAttributes, 0.35)])
def test_attribute_distances_are_the_weights(kind, slack):
    items = toy_city().items
    vocabularies = Vocabularies.of(items)
    batch = vocabularies.batch(items)
    for name, codes in (("category_weight", batch.category), ("region_weight", batch.region[:, -1])):
        weights = dict.fromkeys(("region_weight", "category_weight", "category_group_weight", "brand_weight"), 0.0)
        weights[name] = [0.0, 0.7] if name == "region_weight" else 0.7
        encoder = kind(**weights)
        encoder.build(vocabularies.shape(len(items)))
        gap = torch.cdist(encoder(batch), encoder(batch))
        same = codes[:, None] == codes
        assert float(gap[same].max()) == pytest.approx(0.0, abs=1e-3)
        different = ~same & (codes > 0) & (codes[:, None] > 0)
        assert float((gap[different] - 0.7).abs().max()) < slack


def test_unknown_attributes_are_the_zero_vector():
    vocabularies = Vocabularies.of(toy_city().items)
    few = toy_city().items.take(np.arange(3))
    unknown = {"category": "never seen", "category_group": "", "brand": "", "region_1": "", "region_2": ""}
    few = type(few).from_frame(few.frame.assign(**unknown))
    batch = vocabularies.batch(few)
    for encoder in (OneHotAttributes(), HashedAttributes()):
        encoder.build(vocabularies.shape(3))
        assert float(encoder(batch).abs().sum()) == 0.0


def fitted_hier():
    data = toy_items()
    tokenizer = HierTokenizer((8, 4, 3), RQKMeans())
    tokenizer.ensure_built(data.shape)
    tokenizer.fit_codebooks(data.items_by_id)
    return tokenizer, data.items_by_id


def test_primary_codewords_are_the_mean_vectors_of_the_clusters():
    tokenizer, items = fitted_hier()
    primary, vectors = tokenizer.primary(items), tokenizer.vectors(items)
    torch.testing.assert_close(vectors.mean(dim=0), torch.zeros(vectors.shape[1]), atol=1e-6, rtol=0)
    for code in primary.unique():
        torch.testing.assert_close(tokenizer.codewords[code], vectors[primary == code].mean(dim=0))


def test_codes_and_vectors_are_those_of_the_two_stages():
    tokenizer, items = fitted_hier()
    codes = tokenizer.encode(items)
    rest = tokenizer.vectors(items) - tokenizer.codewords[codes[:, 0]]
    assert torch.equal(codes[:, 1:], tokenizer.quantizer.encode(rest))
    torch.testing.assert_close(
        tokenizer.rebuild(codes), tokenizer.codewords[codes[:, 0]] + tokenizer.quantizer.decode(codes[:, 1:])
    )
    assert 0 < tokenizer.reconstruction_error(items, codes) < 1


def test_primary_prefixes_are_places():
    """Geography only: items of one first code are nearer to each other than items at large."""
    data = toy_items()
    weights = OneHotAttributes(0.0, 0.0, 0.0, 0.0)
    tokenizer = HierTokenizer((8, 2, 2), RQKMeans(), attributes=weights)
    tokenizer.ensure_built(data.shape)
    tokenizer.fit_codebooks(data.items_by_id)
    items = data.items_by_id
    km = haversine_m(items.lat_deg[:, None], items.lon_deg[:, None], items.lat_deg, items.lon_deg) / 1000
    primary = tokenizer.primary(items)
    assert float(km[primary[:, None] == primary].mean()) < 0.5 * float(km.mean())


def test_vectors_are_asked_for_where_they_are_missing():
    data = toy_items()
    empty = data.vocabularies.shape(10, 0)
    with pytest.raises(LgsidError, match=r"HierTokenizer needs vectors: give --data.embeddings FILE"):
        HierTokenizer().ensure_built(empty)
    tokenizer, items = fitted_hier()
    with pytest.raises(LgsidError, match="fitted on vectors of width 12, got 5"):
        tokenizer.encode(type(items)(**{**vars(items), "embedding": torch.zeros(len(items), 5)}))


@pytest.mark.parametrize("n", [5, 60, 200])
def test_random_codes_use_every_semantic_id_equally_often(n):
    data = toy_items()
    items = data.items_by_id.take(torch.arange(60).repeat(4)[:n])
    packed = RandomTokenizer((4, 15)).encode(items) @ torch.tensor([15, 1])
    counts = packed.bincount(minlength=60)
    assert int(counts.max() - counts.min()) <= 1


def test_unseen_values_of_new_items_are_unknown():
    items = toy_city().items
    vocabularies = Vocabularies.from_dict(Vocabularies.of(items.take(np.arange(20))).to_dict())
    codes = vocabularies.codes(items, "category")
    known = set(items.texts("category")[:20])
    assert [code > 0 for code in codes] == [value in known for value in items.texts("category")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": 0.0}, "temperature 0 must be finite and positive"),
        ({"entropy_weight": -1.0}, "entropy_weight -1 must be finite and not negative"),
    ],
)
def test_an_entropy_term_that_cannot_be_is_refused(options, words):
    with pytest.raises(LgsidError, match=words):
        ResidualCentroids((4, 4), **options)


@pytest.mark.parametrize("kind", [OneHotAttributes, HashedAttributes])
def test_what_a_tokenizer_asks_of_attributes_is_that_of_their_vectors(kind):
    items = toy_city().items
    vocabularies = Vocabularies.of(items)
    batch = vocabularies.batch(items)
    encoder = kind([0.0, 0.4], brand_weight=0.9)
    encoder.build(vocabularies.shape(len(items)))
    vectors = encoder(batch).double()
    rows, groups = torch.randn(5, vectors.shape[1], dtype=torch.float64), torch.arange(len(items)) % 3
    torch.testing.assert_close(encoder.products(batch, rows), vectors @ rows.T)
    torch.testing.assert_close(encoder.squares(batch), vectors.square().sum(dim=1))
    expected = torch.stack([vectors[groups == group].sum(dim=0) for group in range(3)])
    torch.testing.assert_close(encoder.sums(batch, groups, 3), expected)
    assert torch.equal(encoder.sketch(batch, 10_000).double(), vectors)


def test_sketches_keep_distances(monkeypatch):
    items = toy_city().items
    vocabularies = Vocabularies.of(items)
    batch, encoder = vocabularies.batch(items), OneHotAttributes()
    encoder.build(vocabularies.shape(len(items)))
    monkeypatch.setattr(attribute_encoders, "SKETCH", 16)
    assert encoder.dim > 16
    sketch, vectors = encoder.sketch(batch, 8), encoder(batch)
    assert sketch.shape == (len(items), 16)
    pairs = torch.triu_indices(len(items), len(items), 1)
    exact = (vectors[pairs[0]] - vectors[pairs[1]]).norm(dim=1)
    found = (sketch[pairs[0]] - sketch[pairs[1]]).norm(dim=1)
    assert torch.equal(found[exact == 0], torch.zeros_like(found[exact == 0]))
    ratio = (found / exact)[exact > 0]
    assert 0.85 < float(ratio.mean()) < 1.15
    assert float((ratio - 1).abs().max()) < 0.9


def test_a_start_from_sketches_ends_in_clusters_of_the_vectors(monkeypatch):
    tokenizer, items = fitted_hier()
    monkeypatch.setattr(attribute_encoders, "SKETCH", 8)
    monkeypatch.setattr(hier_tokenizer, "SKETCHED", 1)
    other, _ = fitted_hier()
    assert not torch.equal(other.centres, tokenizer.centres)
    errors = []
    for one in (tokenizer, other):
        distances = torch.cdist(one.fused(items).double(), one.centres.double()).square()
        torch.testing.assert_close(one.primary_distances(items), distances, atol=1e-9, rtol=1e-6)
        errors.append(float(distances.amin(dim=1).mean()))
    assert errors[1] < 1.15 * errors[0]


@pytest.mark.parametrize("normalize", [True, False])
def test_codes_do_not_depend_on_how_many_items_are_computed_at_once(monkeypatch, normalize):
    data = toy_items()
    found = []
    for chunk in (16_384, 7):
        monkeypatch.setattr(embedding_tokenizer, "CHUNK", chunk)
        monkeypatch.setattr(hier_tokenizer, "CHUNK", chunk)
        tokenizer = HierTokenizer((8, 4, 3), RQKMeans(), normalize=normalize)
        tokenizer.ensure_built(data.shape)
        tokenizer.fit_codebooks(data.items_by_id)
        codes = tokenizer.encode(data.items_by_id)
        found.append((codes, tokenizer.reconstruction_error(data.items_by_id, codes)))
    assert torch.equal(found[0][0], found[1][0])
    assert found[0][1] == pytest.approx(found[1][1])


def test_codebooks_of_many_items_are_fitted_on_a_sample(monkeypatch):
    data, seen = toy_items(), []
    monkeypatch.setattr(embedding_tokenizer, "MAX_FITTED", 20)
    tokenizer = HierTokenizer((8, 4, 3), RQKMeans())
    tokenizer.ensure_built(data.shape)
    monkeypatch.setattr(tokenizer.quantizer, "fit", lambda x: seen.append(x))
    tokenizer.fit_codebooks(data.items_by_id)
    every = {tuple(row) for row in tokenizer.residual(data.items_by_id, tokenizer.encode(data.items_by_id)).tolist()}
    assert len(seen[0]) == 20
    assert {tuple(row) for row in seen[0].tolist()} <= every


def test_items_are_held_once_and_handed_out_in_any_order():
    data = toy_items(shuffled=True)
    items = data.items_by_id
    assert next(iter(data.val_dataloader())) is items
    part = items.cut(3, 9)
    assert part.embedding.data_ptr() == items.embedding[3:].data_ptr()
    assert list(part.item_id) == list(items.item_id[3:9])
    by_row = items.embedding_by_row()
    assert torch.equal(by_row[items.item], items.embedding)
    assert data.vectors is not None
    assert np.array_equal(data.vectors, by_row.numpy())
    assert not torch.equal(items.item, torch.arange(len(items)))
    in_order = items.take(items.item.argsort())
    assert in_order.embedding_by_row() is in_order.embedding
