"""Codebooks learned by gradient, and the losses on them: closed forms, loops, and that gradients arrive."""

import numpy as np
import pytest
import torch

from lgsid.errors import LgsidError
from lgsid.functional.residual import most_similar, residual_encode
from lgsid.quantizers import RQVAE, ClusterPull, CosineRQKMeans, EvenUse, LearnedCodebooks, LearnedRQVAE
from lgsid.quantizers.cluster_pull import balanced_clusters, pull
from lgsid.quantizers.kmeans import spherical_centroids


def points(n=80, dim=6, seed=0):
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def built(quantizer, x):
    quantizer.build(x.shape[1])
    quantizer.fit(x)
    return quantizer


def test_codes_by_cosine_against_a_loop():
    x, books = points(30), [points(5, seed=1), points(4, seed=2)]
    codes, residuals = residual_encode(x, books, cosine_levels=1)
    for row in range(len(x)):
        rest = x[row].double().numpy()
        first, second = (book.double().numpy() for book in books)
        code = int(np.argmax(first @ rest / np.linalg.norm(first, axis=1)))
        assert codes[row, 0] == code
        rest = rest - first[code]
        assert codes[row, 1] == int(np.argmin(((rest - second) ** 2).sum(axis=1)))
        np.testing.assert_allclose(residuals[1][row], rest, atol=1e-5)


def test_cosine_ignores_lengths_and_euclid_does_not():
    book = torch.tensor([[1.0, 0.0], [0.0, 9.0]])
    x = torch.tensor([[0.9, 1.0]])
    assert int(most_similar(x, book)) == 1
    assert int(residual_encode(x, [book])[0]) == 0


def test_spherical_centroids_are_the_means_of_their_clusters():
    x = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0], [0.0, 6.0]])
    found = sorted(map(tuple, spherical_centroids(x, 2, 0).tolist()))
    assert found == [(0.0, 4.0), (2.0, 0.0)]


@pytest.mark.parametrize("x", [torch.zeros(5, 3), torch.ones(5, 3), torch.ones(1, 3)], ids=["zeros", "equal", "one"])
@pytest.mark.parametrize("make", [CosineRQKMeans, LearnedCodebooks, lambda sizes: LearnedRQVAE(sizes, 4, (8,))])
def test_equal_vectors_and_one_vector(make, x):
    quantizer = built(make((4, 3)), x)
    codes = quantizer.encode(x)
    assert bool((codes == codes[:1]).all())
    assert bool(quantizer(x).loss.isfinite())
    assert bool(quantizer.decode(codes).isfinite().all())


def test_loss_against_a_loop():
    x = points(12)
    quantizer = built(LearnedCodebooks((4, 3), commitment_weight=0.5), x)
    books = [book.detach().double().numpy() for book in quantizer.codebooks]
    expected = 0.0
    for row in x.double().numpy():
        rest = row
        for book in books:
            nearest = book[np.argmin(((rest - book) ** 2).sum(axis=1))]
            rest = rest - nearest
            expected += 1.5 * (rest**2).mean()  # both terms have the same value
    assert float(quantizer(x).loss.detach()) == pytest.approx(expected / len(x), rel=1e-5)


def test_codebook_term_moves_codebooks_and_commitment_moves_vectors_only():
    x = points(20).requires_grad_()
    quantizer = built(LearnedCodebooks((4, 3)), x.detach())
    terms = quantizer(x).terms
    terms["commitment"].backward(retain_graph=True)
    assert all(book.grad is None for book in quantizer.codebooks)
    assert float(x.grad.norm()) > 0
    x.grad = None
    quantizer(x).terms["codebook"].backward()
    assert x.grad is None
    assert all(float(book.grad.norm()) > 0 for book in quantizer.codebooks)


def test_the_latent_passes_gradients_to_vectors_and_codebooks():
    x = points(20).requires_grad_()
    quantizer = built(LearnedCodebooks((4, 3)), x.detach())
    out = quantizer(x)
    torch.testing.assert_close(out.latent, quantizer.decode(out.codes))
    out.latent.sum().backward()
    torch.testing.assert_close(x.grad, torch.ones_like(x))
    for level, book in enumerate(quantizer.codebooks):
        counts = out.codes[:, level].bincount(minlength=len(book)).float()
        torch.testing.assert_close(book.grad, counts[:, None].expand_as(book))


def test_even_use_of_even_and_of_collapsed_codes():
    book = 10.0 * torch.eye(5)
    even, collapsed = book.repeat(3, 1), book[:1].expand(9, 5)
    loss = EvenUse(temperature=1e-3)
    assert float(loss([even], [book], None)) == pytest.approx(0.0, abs=1e-5)
    assert float(loss([collapsed], [book], None)) == pytest.approx(4.0, abs=1e-4)


def test_even_use_has_a_gradient_that_evens_out():
    x = points(60)
    book = torch.cat([x[:2], x[:2] + 4.0]).requires_grad_()
    before = EvenUse()([x], [book], None)
    before.backward()
    assert bool((book.grad.abs().sum(dim=1) > 0).all())
    after = EvenUse()([x], [book.detach() - 0.05 * book.grad / book.grad.norm()], None)
    assert float(after) < float(before.detach())


def test_pull_against_a_loop():
    book, labels = points(7, seed=3), torch.tensor([0, 1, 0, 2, 1, 0, 3])
    codes, tau = torch.tensor([0, 1, 1, 6, 5]), 0.7
    e, expected = book.double().numpy(), []
    for i in codes.tolist():
        mates = [j for j in range(7) if labels[j] == labels[i] and j != i]
        others = [k for k in range(7) if k != i]
        total = sum(np.exp(e[i] @ e[k] / tau) for k in others)
        costs = [-np.log(np.exp(e[i] @ e[j] / tau) / total) for j in mates]
        expected.append(np.mean(costs) if mates else 0.0)
    assert float(pull(book, labels, codes, tau)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_pull_reaches_codewords_that_no_item_uses_and_draws_a_cluster_together():
    book = points(6, seed=4).requires_grad_()
    labels, codes = torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([0, 0, 3])
    before = pull(book, labels, codes, 1.0)
    before.backward()
    assert bool((book.grad.abs().sum(dim=1) > 0).all())
    assert float(pull(book.detach() - 0.1 * book.grad, labels, codes, 1.0)) < float(before.detach())


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pull_of_few_codewords_is_finite(size):
    loss = ClusterPull(10)([points(4)], [points(size, seed=5)], torch.zeros(4, 1, dtype=torch.int64))
    assert bool(loss.isfinite())


def test_clusters_of_codewords_are_balanced_and_found():
    x = torch.cat([points(6, seed=1) * 0.01 + 5.0, points(6, seed=2) * 0.01])
    labels = balanced_clusters(x, 2)
    assert labels.bincount().tolist() == [6, 6]
    assert len(labels[:6].unique()) == len(labels[6:].unique()) == 1
    crowded = torch.cat([x[:1].expand(11, -1), x[-1:]])
    assert balanced_clusters(crowded, 3).bincount(minlength=3).tolist() == [4, 4, 4]


def test_clusters_are_found_again_after_so_many_calls_also_in_a_copy():
    """Whoever goes on from a checkpoint finds them when the first one would have."""
    codes, seen = torch.zeros(4, 1, dtype=torch.int64), []
    loss, books = ClusterPull(2, refresh=3), [points(8, seed=seed) for seed in range(5)]
    for step, book in enumerate(books):
        if step == 1:
            copy = ClusterPull(2, refresh=3)
            copy.load_state_dict(loss.state_dict())
        value = loss([points(4)], [book], codes)
        assert step == 0 or torch.equal(copy([points(4)], [book], codes), value)
        seen.append(loss.labels.clone())
    assert torch.equal(seen[0], balanced_clusters(books[0], 2))
    assert torch.equal(seen[1], seen[0])
    assert torch.equal(seen[2], seen[0])
    assert torch.equal(seen[3], balanced_clusters(books[3], 2))


@pytest.mark.parametrize("loss", [EvenUse(), ClusterPull(2)], ids=["even", "pull"])
def test_a_weight_reaches_every_codebook(loss):
    x, gradients = points(40), []
    for weight in (0.0, 1.0):
        quantizer = built(LearnedRQVAE((6, 5), 4, (8,), losses=[loss], loss_weights=[weight]), x)
        out = quantizer.train()(x)
        assert float(out.terms[type(loss).__name__].detach()) > 0
        out.loss.backward()
        gradients.append([book.grad.clone() for book in quantizer.vq.codebooks])
    for without, with_loss in zip(*gradients, strict=True):
        assert float((without - with_loss).norm()) > 1e-6


def test_learned_codes_that_are_dead_start_again_at_residuals_of_the_batch():
    x = points(60)
    quantizer = built(LearnedCodebooks((6, 5), dead_below=1.0), x)
    with torch.no_grad():
        quantizer.codebooks[1][3] = 1e3
    rest = x - quantizer.codebooks[0].detach()[quantizer.encode(x)[:, 0]]
    quantizer.eval()(x)
    assert float(quantizer.codebooks[1][3].detach().min()) == 1e3  # only training revives
    quantizer.train()(x).loss.backward()
    revived = quantizer.codebooks[1][3].detach()
    assert float((rest - revived).norm(dim=1).min()) < 1e-6
    never = built(LearnedCodebooks((6, 5), dead_below=0.0), x)
    with torch.no_grad():
        never.codebooks[1][3] = 1e3
    for _ in range(30):
        never.train()(x)
    assert float(never.codebooks[1][3].detach().min()) == 1e3


def test_use_is_a_moving_average_of_counts():
    x = points(60)
    quantizer = built(LearnedCodebooks((6,), dead_below=0.0), x)
    counts = quantizer.encode(x)[:, 0].bincount(minlength=6).float()
    quantizer.train()(x)
    torch.testing.assert_close(quantizer.use_0, 0.05 * counts)


def test_rqvae_revives_dead_codes():
    """A code far from all vectors is put on a vector of the batch, so that it is used again."""
    x = points(64, dim=5)
    quantizer = built(RQVAE((8, 4), latent_dim=3, hidden_dims=(8,), decay=0.5, dead_below=1), x)
    state = quantizer.vq.vq.layers[0]._codebook
    state.embed[0, 2] = 1e3
    state.embed_avg[0, 2] = 1e3
    state.cluster_size[0, 2] = 0.0
    assert 2 not in quantizer.encode(x)[:, 0]
    quantizer.train()(x)
    assert float(state.embed[0, 2].abs().max()) < 1e2
    without = built(RQVAE((8, 4), latent_dim=3, hidden_dims=(8,), decay=0.5, dead_below=0), x)
    without.vq.vq.layers[0]._codebook.embed[0, 2] = 1e3
    without.vq.vq.layers[0]._codebook.embed_avg[0, 2] = 1e3
    without.train()(x)
    assert 2 not in without.encode(x)[:, 0]


def test_mistakes_are_one_clear_line():
    with pytest.raises(LgsidError, match=r"LearnedCodebooks: 1 losses but loss_weights \[1.0, 2.0\]; give one each"):
        LearnedCodebooks(losses=[EvenUse()], loss_weights=[1, 2])
    with pytest.raises(LgsidError, match="cosine_levels must be 0 or more, not -1"):
        LearnedCodebooks(cosine_levels=-1)
    with pytest.raises(LgsidError, match="EvenUse: temperature must be positive, not 0"):
        EvenUse(0)
    with pytest.raises(LgsidError, match="ClusterPull: n_clusters and refresh must be at least 1"):
        ClusterPull(0)
