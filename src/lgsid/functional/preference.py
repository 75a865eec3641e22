"""Preference losses on implicit rewards of embeddings, and the similarity term (docs/method.md, section 2)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def pairwise_preference_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float
) -> Tensor:
    """Return the preference loss of G-DPO, mean over all (chosen, rejected) pairs.

    `-log sigmoid(beta [R(E(i+)) - R(E(i-)) - R(E_ref(i+)) + R(E_ref(i-))])` (arXiv 2511.14221, L_align): the form of
    DPO (Rafailov et al. 2023, arXiv 2305.18290, eq. 7) with a reward on embeddings instead of log-likelihoods. It is
    log 2 where policy and reference are equal.

    Args:
        chosen: Rewards of the preferred items under the policy, shape (B,).
        rejected: Rewards of the rejected items under the policy, shape (B, K).
        reference_chosen: The same under the reference, shape (B,).
        reference_rejected: The same under the reference, shape (B, K).
        beta: Scale of the reward margin.

    Returns:
        A scalar.
    """
    gain = (chosen - reference_chosen)[:, None] - (rejected - reference_rejected)  # (B, K)
    return -F.logsigmoid(beta * gain).mean()


def softmax_preference_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float
) -> Tensor:
    """Return the preference loss of one chosen item against all of its rejected ones at once.

    `log(1 + sum_k exp(beta [gain(i-_k) - gain(i+)]))` with `gain = R(E) - R(E_ref)`: the softmax DPO of Chen et al.
    2024 (arXiv 2406.09215, eq. 11). With K = 1 it is `pairwise_preference_loss`; where policy and reference are equal
    it is log(1 + K).

    Args:
        chosen: Rewards of the preferred items under the policy, shape (B,).
        rejected: Rewards of the rejected items under the policy, shape (B, K).
        reference_chosen: The same under the reference, shape (B,).
        reference_rejected: The same under the reference, shape (B, K).
        beta: Scale of the reward margin.

    Returns:
        A scalar.
    """
    gain = torch.cat([(chosen - reference_chosen)[:, None], rejected - reference_rejected], dim=1)  # (B, 1 + K)
    return -F.log_softmax(beta * gain, dim=1)[:, 0].mean()


def contrastive_similarity_loss(vectors: Tensor, reference: Tensor, temperature: float) -> Tensor:
    """Return L_sim: each item must find its own reference embedding among those of the batch.

    `-(1/B) sum_i log softmax_j(cos(E(i), E_ref(j)) / tau)[i]` (arXiv 2511.14221; the exact form is our
    reading). The alternative reading is `1 - cos(E(i), E_ref(i))`, which forbids turning all vectors together.

    Args:
        vectors: Policy embeddings of B different items, shape (B, D).
        reference: Their reference embeddings, shape (B, D).
        temperature: Temperature tau; a lower one is stricter.

    Returns:
        A scalar.
    """
    logits = F.normalize(vectors, dim=1) @ F.normalize(reference, dim=1).T / temperature  # (B, B)
    return F.cross_entropy(logits, torch.arange(len(vectors), device=vectors.device))
