import faiss
import numpy as np
import pytest
import torch
from lgsid_faiss import OPQ

import lgsid
from lgsid import plugins
from lgsid.errors import LgsidError
from lgsid.testing import QuantizerContract, toy_city


class TestContract(QuantizerContract):
    def make(self):
        return OPQ([8, 8, 8])


class TestContractOfWidthsThatDoNotDivide(QuantizerContract):
    dim = 13

    def make(self):
        return OPQ([16, 16, 16], n_iter=5)


class TestContractOfFewerVectorsThanColumns(QuantizerContract):
    dim = 120
    n_vectors = 30

    def make(self):
        return OPQ([4, 4, 4], n_iter=2)


class TestContractOfFewerVectorsThanCodes(QuantizerContract):
    n_vectors = 20

    def make(self):
        return OPQ([32, 32], n_iter=5)


def vectors(n=500, dim=16, seed=0):
    """Vectors whose coordinates depend on each other, so that a rotation helps."""
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(dim, dim, generator=generator)
    return torch.randn(n, dim, generator=generator) * torch.arange(1, dim + 1) ** -1.0 @ mix


def fitted(x, sizes=(16, 16), **options):
    quantizer = OPQ(sizes, **options)
    quantizer.build(x.shape[1])
    quantizer.fit(x)
    return quantizer


def in_faiss(quantizer):
    """An index of faiss with the rotation and the centroids of a quantizer."""
    levels, codes, part = quantizer.centroids.shape
    rotation = faiss.LinearTransform(quantizer.rotation.shape[1], levels * part, False)
    faiss.copy_array_to_vector(quantizer.rotation.numpy().ravel(), rotation.A)
    rotation.is_trained = rotation.is_orthonormal = True
    book = faiss.ProductQuantizer(levels * part, levels, codes.bit_length() - 1)
    faiss.copy_array_to_vector(quantizer.centroids.numpy().ravel(), book.centroids)
    return rotation, book


@pytest.mark.parametrize(("dim", "sizes"), [(16, (16, 16)), (13, (256, 256, 256))])
def test_codes_and_vectors_are_those_of_faiss(dim, sizes):
    x = vectors(400, dim)
    quantizer = fitted(x, sizes, n_iter=3)
    rotation, book = in_faiss(quantizer)
    rotated = rotation.apply(x.numpy())
    packed = book.compute_codes(rotated)
    bits = (sizes[0] - 1).bit_length()
    theirs = packed if bits == 8 else np.stack([packed & 15, packed >> 4], -1).reshape(len(x), -1)
    assert torch.equal(quantizer.encode(x), torch.from_numpy(theirs[:, : len(sizes)].astype(np.int64)))
    rebuilt = book.decode(packed)
    rebuilt = rotation.reverse_transform(rebuilt) if dim == book.d else rebuilt @ quantizer.rotation.numpy()
    assert torch.allclose(quantizer.decode(quantizer.encode(x)), torch.from_numpy(rebuilt), atol=1e-4)


def test_codes_are_the_nearest_of_a_loop():
    x = vectors(60)
    quantizer = fitted(x)
    rotation, centroids = quantizer.rotation.double().numpy(), quantizer.centroids.double().numpy()
    for row, codes in zip(x.double().numpy(), quantizer.encode(x).tolist(), strict=True):
        parts = (rotation @ row).reshape(len(centroids), -1)
        assert codes == [
            int(np.argmin(((book - part) ** 2).sum(1))) for part, book in zip(parts, centroids, strict=True)
        ]


def test_the_rotation_keeps_lengths_and_the_first_part_varies_most():
    x = vectors()
    quantizer = fitted(x, (8, 8, 8))
    identity = quantizer.rotation.T @ quantizer.rotation
    assert torch.allclose(identity, torch.eye(16), atol=1e-4)
    variance = quantizer.parts(x).var(dim=1).sum(dim=1)
    assert bool((variance.diff() <= 0).all())
    assert float(variance.sum()) == pytest.approx(float(x.double().var(dim=0).sum()), rel=1e-4)


def test_the_rotation_makes_the_error_smaller():
    x = vectors(300)
    plain = fitted(x)
    plain.rotation.copy_(torch.eye(16))
    parts = x.reshape(-1, 2, 8).transpose(0, 1)
    for level, part in enumerate(parts):
        book = faiss.Kmeans(8, 16, niter=25, seed=0, min_points_per_centroid=1)
        book.train(part.contiguous().numpy())
        plain.centroids[level] = torch.from_numpy(book.centroids)
    assert float(fitted(x)(x).loss) < 0.8 * float(plain(x).loss)


def test_distances_order_codes_as_the_decoded_vectors_do():
    x = vectors(80)
    quantizer = fitted(x, (8, 8))
    codes = quantizer.encode(x)
    for level in range(2):
        found = quantizer.distances(x, codes, level)
        plain = super(OPQ, quantizer).distances(x, codes, level)
        rest = (plain - found).mean(dim=1, keepdim=True)  # of the other parts, the same for all codes
        assert torch.allclose(found + rest, plain, atol=1e-3)


def test_the_number_of_threads_changes_nothing_and_stays():
    x = vectors()
    before = faiss.omp_get_max_threads()
    try:
        states = []
        for threads in (1, 2):
            faiss.omp_set_num_threads(threads)
            states.append(fitted(x).state_dict())
            assert faiss.omp_get_max_threads() == threads
    finally:
        faiss.omp_set_num_threads(before)
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


@pytest.mark.parametrize("sizes", [(8, 4), (12, 12), (1, 1), (2**17,)])
def test_sizes_that_it_cannot_have(sizes):
    with pytest.raises(LgsidError, match=r"OPQ: cannot have \["):
        OPQ(sizes).build(8)


def test_wrong_input():
    with pytest.raises(LgsidError, match="n_iter and kmeans_iter must be positive, got 0 and 25"):
        OPQ([8], n_iter=0)
    with pytest.raises(LgsidError, match="a vector is not finite"):
        fitted(torch.full((20, 4), torch.nan))


def test_it_is_listed_and_has_its_short_name():
    assert {p.name: p for p in plugins.available("quantizers")}["OPQ"].distribution == "lgsid-faiss"
    assert plugins.load()["quantizers"]["OPQ"] is OPQ


def test_a_tokenizer_trained_by_the_command_line_comes_back_without_faiss(tmp_path, monkeypatch):
    city = toy_city(folder=tmp_path / "data")
    table = np.random.default_rng(0).normal(size=(len(city.items), 12)).astype(np.float32)
    lgsid.Embeddings(city.items.ids, table).write(tmp_path / "vectors.parquet")
    monkeypatch.chdir(tmp_path)
    from lgsid.cli import main

    data = ["--data.dataset=data", "--data.embeddings=vectors.parquet", "--model.codebook_sizes=[8, 8]"]
    assert not main(["fit", "--config", "tokenizer/opq.yaml", *data, "--run-folder", "run"])
    tokenizer = lgsid.load("run/model.ckpt")
    assert isinstance(tokenizer.quantizer, OPQ)
    monkeypatch.setattr(faiss, "ProductQuantizer", None)
    written = lgsid.SemanticIDs.read("run/sids.parquet")
    again = tokenizer.tokenize(city, lgsid.Embeddings.read("vectors.parquet"))
    assert np.array_equal(again.codes, written.codes)
