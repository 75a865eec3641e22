"""Preference losses against closed forms."""

import math
import re

import pytest
import torch

from lgsid.alignment import InBatchSoftmax, RewardMargin, SimilarityMargin, SimilaritySoftmax
from lgsid.errors import LgsidError
from lgsid.functional.preference import (
    contrastive_similarity_loss,
    pairwise_preference_loss,
    softmax_preference_loss,
)
from lgsid.rewards import AnchoredPair, MismatchedPrompt, RewardHead, RewardModel
from lgsid.rewards.reward_head import CHECKPOINT_KEY
from lgsid.testing import PreferenceLossContract, tiny_encoder
from lgsid.text import LoraSpec, TextEncoder


def rewards(batch=5, rejected=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = (batch,), (batch, rejected), (batch,), (batch, rejected)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]


def test_pairwise_loss_is_the_formula():
    chosen, rejected, ref_chosen, ref_rejected = rewards()
    total = 0.0
    for b in range(5):
        for k in range(3):
            margin = chosen[b] - rejected[b, k] - ref_chosen[b] + ref_rejected[b, k]
            total += math.log(1 + math.exp(-0.7 * margin))
    found = pairwise_preference_loss(chosen, rejected, ref_chosen, ref_rejected, beta=0.7)
    assert found.item() == pytest.approx(total / 15)


def test_softmax_loss_is_the_formula():
    chosen, rejected, ref_chosen, ref_rejected = rewards()
    total = 0.0
    for b in range(5):
        gains = [float(rejected[b, k] - ref_rejected[b, k] - chosen[b] + ref_chosen[b]) for k in range(3)]
        total += math.log(1 + sum(math.exp(0.7 * gain) for gain in gains))
    found = softmax_preference_loss(chosen, rejected, ref_chosen, ref_rejected, beta=0.7)
    assert found.item() == pytest.approx(total / 5)


def test_both_losses_agree_on_one_rejected_place():
    values = rewards(rejected=1)
    assert softmax_preference_loss(*values, beta=2.0).item() == pytest.approx(
        pairwise_preference_loss(*values, beta=2.0).item()
    )


def test_losses_start_at_log_2_and_log_of_candidates():
    chosen, rejected, _, _ = rewards()
    equal = (chosen, rejected, chosen, rejected)
    assert pairwise_preference_loss(*equal, beta=3.0).item() == pytest.approx(math.log(2))
    assert softmax_preference_loss(*equal, beta=3.0).item() == pytest.approx(math.log(4))


def test_similarity_term_is_the_formula_and_has_a_gradient():
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(4, 6, generator=generator, requires_grad=True)
    reference = torch.randn(4, 6, generator=generator)
    loss = contrastive_similarity_loss(vectors, reference, 0.2)
    cosine = torch.nn.functional.cosine_similarity(vectors.detach()[:, None], reference[None], dim=-1) / 0.2
    expected = -sum(math.log(math.exp(cosine[i, i]) / sum(math.exp(c) for c in cosine[i])) for i in range(4)) / 4
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert vectors.grad.abs().max() > 0


def test_similarity_term_is_least_where_items_stay_themselves():
    reference = torch.randn(8, 16, generator=torch.Generator().manual_seed(0))
    staying = contrastive_similarity_loss(reference, reference, 0.05)
    assert staying < contrastive_similarity_loss(reference.roll(1, 0), reference, 0.05)


def embeddings(batch=4, candidates=3, dim=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(batch, dim, generator=generator),
        torch.randn(batch, candidates, dim, generator=generator),
    )


@pytest.mark.parametrize("loss", [SimilarityMargin(0.1), SimilaritySoftmax(0.1)], ids=lambda loss: type(loss).__name__)
def test_class_starts_at_its_constant_with_a_gradient(loss):
    anchor, candidates = embeddings()
    policy = anchor.clone().requires_grad_(), candidates.clone().requires_grad_()
    value, gain = loss(*policy, anchor, candidates)
    assert value.item() == pytest.approx(math.log(3) if isinstance(loss, SimilaritySoftmax) else math.log(2), rel=1e-5)
    assert gain.shape == (4, 2)
    assert gain.abs().max() < 1e-6
    assert not gain.requires_grad
    value.backward()
    assert all(vectors.grad.abs().max() > 0 for vectors in policy)


def test_margin_class_is_the_function_on_cosines():
    anchor, candidates = embeddings()
    ref_anchor, ref_candidates = embeddings(seed=1)
    value, gain = SimilarityMargin(0.5)(anchor, candidates, ref_anchor, ref_candidates)
    cosine = torch.einsum("bd,bcd->bc", *(torch.nn.functional.normalize(v, dim=-1) for v in (anchor, candidates)))
    ref = torch.einsum("bd,bcd->bc", *(torch.nn.functional.normalize(v, dim=-1) for v in (ref_anchor, ref_candidates)))
    margin = (cosine[:, :1] - cosine[:, 1:]) - (ref[:, :1] - ref[:, 1:])
    torch.testing.assert_close(gain, margin)
    torch.testing.assert_close(value, -torch.nn.functional.logsigmoid(margin / 0.5).mean())


def test_reference_gets_no_gradient():
    anchor, candidates = embeddings()
    reference = anchor.clone().requires_grad_(), candidates.clone().requires_grad_()
    value, _ = SimilarityMargin()(anchor.requires_grad_(), candidates, *reference)
    value.backward()
    assert all(vectors.grad is None for vectors in reference)


class TestSimilarityMargin(PreferenceLossContract):
    def make(self):
        return SimilarityMargin()


class TestSimilaritySoftmax(PreferenceLossContract):
    def make(self):
        return SimilaritySoftmax()


class TestInBatchSoftmax(PreferenceLossContract):
    def make(self):
        return InBatchSoftmax()


def test_in_batch_softmax_is_the_loop():
    (anchor, candidates), reference = embeddings(batch=5, candidates=3), embeddings(batch=5, candidates=3, seed=1)
    positive = torch.rand(5, 5, generator=torch.Generator().manual_seed(2)) < 0.4
    positive[0] = True
    expected = 0.0
    for i in range(5):
        rivals = [candidates[i, 0], candidates[i, 1], candidates[i, 2]]
        rivals += [candidates[j, 0] for j in range(5) if j != i and not positive[i, j]]
        cosines = [torch.cosine_similarity(anchor[i], rival, dim=0).item() / 0.07 for rival in rivals]
        expected += math.log(sum(math.exp(c - cosines[0]) for c in cosines)) / 5
    loss = InBatchSoftmax()
    value, gain = loss(anchor, candidates, *reference, positive)
    assert value.item() == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(gain, SimilarityMargin()(anchor, candidates, *reference)[1])
    assert loss(anchor, candidates, *embeddings(batch=5, candidates=3, seed=3), positive)[0] == value  # no reference
    assert loss(anchor, candidates, *reference)[0] > value


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = tiny_encoder("bert", tmp_path_factory.mktemp("bert"), width=8)
    return TextEncoder(folder, lora=LoraSpec(rank=2), autocast="float32")


def reward_checkpoint(encoder, folder, input):
    torch.manual_seed(0)
    head = RewardHead(input, 8, 16, encoder=encoder.describe())
    state = {f"head.{name}": value for name, value in head.state_dict().items()}
    path = folder / "model.ckpt"
    torch.save({CHECKPOINT_KEY: head.describe(), "state_dict": state}, path)
    return head.eval(), str(path)


@pytest.mark.parametrize("input", [AnchoredPair(width=4), MismatchedPrompt()], ids=lambda i: type(i).__name__)
def test_reward_margin_is_the_formula_on_the_trained_head(encoder, tmp_path, input):
    head, path = reward_checkpoint(encoder, tmp_path, input)
    loss = RewardMargin(path, beta=0.7)
    loss.prepare(encoder, None)
    policy, reference = embeddings(), embeddings(seed=1)
    value, gain = loss(*policy, *reference)
    rewards = head.score(*policy), head.score(*reference)
    margin = (rewards[0][:, :1] - rewards[0][:, 1:]) - (rewards[1][:, :1] - rewards[1][:, 1:])
    torch.testing.assert_close(gain, margin.detach())
    torch.testing.assert_close(value, torch.log1p(torch.exp(-0.7 * margin)).mean())
    same, _ = loss(*policy, *policy)
    assert same.item() == pytest.approx(math.log(2))


def test_reward_is_frozen_and_stays_out_of_checkpoints(encoder, tmp_path):
    _, path = reward_checkpoint(encoder, tmp_path, AnchoredPair(width=4))
    loss = RewardMargin(path)
    loss.prepare(encoder, None)
    anchor, candidates = (vectors.requires_grad_() for vectors in embeddings())
    loss(anchor, candidates, *embeddings(seed=1))[0].backward()
    assert anchor.grad.abs().max() > 0
    assert candidates.grad.abs().max() > 0
    assert not list(loss.parameters())
    assert not loss.state_dict()


def test_a_reward_model_serves_as_its_checkpoint_does(encoder, tmp_path):
    torch.manual_seed(0)
    model = RewardModel(encoder, hidden_dim=16)
    path = tmp_path / "model.ckpt"
    state = {f"head.{name}": value for name, value in model.head.state_dict().items()}
    torch.save({CHECKPOINT_KEY: model.head.describe(), "state_dict": state}, path)
    values = []
    for given in (model, path, str(path)):
        loss = RewardMargin(given)
        loss.prepare(encoder, None)
        values.append(loss(*embeddings(), *embeddings(seed=1))[0])
        assert not list(loss.parameters())
        assert not loss.state_dict()
    assert values[0] == values[1] == values[2]
    assert all(weight.requires_grad for weight in model.head.parameters())
    assert RewardMargin(model, beta=2.0).constructor_arguments() == {"beta": 2.0}


def test_reward_margin_without_its_reward_says_what_to_do(encoder, tmp_path):
    with pytest.raises(LgsidError, match=r"init_args\.reward"):
        RewardMargin().prepare(encoder, None)
    with pytest.raises(LgsidError, match="no such checkpoint"):
        RewardMargin(str(tmp_path / "model.ckpt")).prepare(encoder, None)
    with pytest.raises(LgsidError, match="prepare"):
        RewardMargin("model.ckpt").rewards(*embeddings())
    _, path = reward_checkpoint(encoder, tmp_path, MismatchedPrompt())
    other = TextEncoder(encoder.model, pooling="cls", autocast="float32")
    with pytest.raises(LgsidError, match=f"^{re.escape(str(path))}: .*pooling 'mean', not 'cls'"):
        RewardMargin(path).prepare(other, None)
