"""Preference losses on rewards or similarities of embeddings: tensors in, a scalar out (docs/method.md, section 2).

They need nothing else of lgsid, take any floating type and any device, and are means over the lists of a batch. B is
the number of anchors, K that of rejected items of each, C that of candidates of a list. A `reference` is the reward of
the same item under the model that is held fixed; the loss is then of the gain over it.

| what is known of an anchor | loss |
|---|---|
| one item is better than another | `pairwise_preference_loss` |
| one is better than several | `softmax_preference_loss` |
| every item of a list has a grade | `listwise_preference_loss`, `plackett_luce_preference_loss` |
| one is better than another, and there is no reference | `reference_free_preference_loss` |
| one is better than most others of the batch | `in_batch_softmax_loss` |
| items should stay what they are | `contrastive_similarity_loss` |

Example:
    >>> import torch
    >>> from torch.nn.functional import normalize
    >>> from lgsid.functional.preference import in_batch_softmax_loss
    >>> anchor = normalize(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), dim=1)
    >>> chosen = normalize(torch.tensor([[1.0, 0.1], [0.1, 1.0], [1.0, 0.1]]), dim=1)
    >>> place = torch.tensor([7, 8, 7])  # the first and the third anchor chose one place
    >>> same = place[:, None] == place[None]
    >>> in_batch_softmax_loss(anchor @ chosen.T, temperature=0.5, excluded=same).item() < 0.6
    True
"""

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
    return _first_among(beta * (chosen - reference_chosen), beta * (rejected - reference_rejected))


def reference_free_preference_loss(chosen: Tensor, rejected: Tensor, beta: float, margin: float = 0.0) -> Tensor:
    """Return the preference loss without a reference, mean over all (chosen, rejected) pairs.

    `-log sigmoid(beta [R(i+) - R(i-)] - margin)`: SimPO (Meng et al. 2024, arXiv 2405.14734, eq. 6) with rewards of
    embeddings instead of length-normalized log-likelihoods. With margin 0 it is `pairwise_preference_loss` under a
    constant reference.

    Args:
        chosen: Rewards of the preferred items, shape (B,).
        rejected: Rewards of the rejected items, shape (B, K).
        beta: Scale of the rewards.
        margin: Target margin (gamma), in units of the scaled rewards.

    Returns:
        A scalar.
    """
    return -F.logsigmoid(beta * (chosen[:, None] - rejected) - margin).mean()


def listwise_preference_loss(
    rewards: Tensor, relevance: Tensor, beta: float, reference: Tensor | None = None
) -> Tensor:
    """Return the cross-entropy of the softmax over a list against its relative grades.

    `-sum_j (g_j / sum g) log softmax(beta gain)_j`: ListNet's top-one loss (Cao et al. 2007, ICML) with grades as its
    targets, on the gain over a reference, if there is one. It is least where the softmax equals the targets. A list
    without any grade adds nothing. With a single graded item it is `softmax_preference_loss`.

    Args:
        rewards: Rewards of the items of each list, shape (B, C).
        relevance: Grades, at least 0, shape (B, C).
        beta: Scale of the rewards.
        reference: Rewards under the reference, shape (B, C); none if not given.

    Returns:
        A scalar.
    """
    gain = rewards if reference is None else rewards - reference
    total = relevance.sum(dim=1, keepdim=True)
    targets = relevance / torch.where(total > 0, total, torch.ones_like(total))
    return -(targets * F.log_softmax(beta * gain, dim=1)).sum(dim=1).mean()


def plackett_luce_preference_loss(
    rewards: Tensor, relevance: Tensor, beta: float, reference: Tensor | None = None
) -> Tensor:
    """Return the negative log-likelihood of the order of grades under the Plackett-Luce model, mean over lists.

    `sum_j log sum_{k: g_k <= g_j} exp(beta [gain_k - gain_j])` over all j but those of the lowest grade of their list,
    which have nothing below them: the ranking form of DPO (arXiv 2305.18290, appendix A.3, eq. 20) and of ListMLE (Xia
    et al. 2008, ICML). Items of equal grades are each drawn against all of them and those below (Breslow's reading of
    ties), so the order within a list is irrelevant.

    Args:
        rewards: Rewards of the items of each list, shape (B, C).
        relevance: Grades, of which only the order counts, shape (B, C).
        beta: Scale of the rewards.
        reference: Rewards under the reference, shape (B, C); none if not given.

    Returns:
        A scalar.
    """
    gain = beta * (rewards if reference is None else rewards - reference)
    left = relevance[:, None, :] <= relevance[:, :, None]  # (B, C, C): k is still there when j is drawn
    drawn = torch.logsumexp(gain[:, None, :].masked_fill(~left, -torch.inf), dim=2) - gain  # (B, C)
    above = relevance > relevance.amin(dim=1, keepdim=True)
    return (drawn * above).sum(dim=1).mean()


def in_batch_softmax_loss(
    similarity: Tensor,
    temperature: float,
    excluded: Tensor | None = None,
    rejected: Tensor | None = None,
    reference: Tensor | None = None,
    reference_rejected: Tensor | None = None,
) -> Tensor:
    """Return the loss of finding each anchor's chosen item among those of the whole batch.

    `-log softmax_j(s_ij / temperature)[i]`: InfoNCE (van den Oord et al. 2018, arXiv 1807.03748, eq. 4) with the other
    anchors' chosen items as negatives. Items that may be right as well, the same one or another known positive, are to
    be excluded: otherwise the loss drives them apart.

    Args:
        similarity: Similarity or reward of anchor i (row) and the chosen item of anchor j (column), shape (B, B).
        temperature: Temperature of the softmax.
        excluded: Where a column is no negative of a row, bool, shape (B, B); the diagonal is of no account.
        rejected: Similarities of each anchor's own rejected items, further columns, shape (B, K).
        reference: Similarities under the reference, shape (B, B): the softmax is then over gains.
        reference_rejected: The same of the rejected items, shape (B, K).

    Returns:
        A scalar.
    """
    gain = similarity if reference is None else similarity - reference
    own = torch.eye(len(gain), dtype=torch.bool, device=gain.device)
    others = gain.masked_fill(own if excluded is None else own | excluded, -torch.inf)
    if rejected is not None:
        others = torch.cat([others, rejected if reference_rejected is None else rejected - reference_rejected], dim=1)
    return _first_among(gain.diagonal() / temperature, others / temperature)


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


def _first_among(first: Tensor, others: Tensor) -> Tensor:
    """Return the mean of `-log softmax` of the first (B,) among itself and the others (B, C)."""
    return -F.log_softmax(torch.cat([first[:, None], others], dim=1), dim=1)[:, 0].mean()
