"""DIEN's networks and its auxiliary loss, against PyTorch's cell and plain loops."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from lgsid.recommenders import InterestEvolution
from lgsid.recommenders.click.augru import AUGRU

LENGTHS = (7, 0, 3, 12, 1)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cell_like(layer, width):
    """Return PyTorch's cell with the same weights, those of the update gate negated, and no bias of the state."""
    cell = nn.GRUCell(layer.of_input.in_features, width)
    sign = torch.ones(3 * width)
    sign[width : 2 * width] = -1
    with torch.no_grad():
        cell.weight_ih.copy_(layer.of_input.weight * sign[:, None])
        cell.bias_ih.copy_(layer.of_input.bias * sign)
        cell.weight_hh.copy_(layer.of_state.weight * sign[:, None])
        cell.bias_hh.zero_()
    return cell


def test_with_full_attention_it_is_pytorchs_cell():
    torch.manual_seed(0)
    layer, inputs = AUGRU(5, 4), 2 * torch.randn(3, 9, 5)
    found = layer(inputs, torch.ones(3, 2, 9))
    cell, state = cell_like(layer, 4), torch.zeros(3, 4)
    for step in inputs.unbind(1):
        state = cell(step, state)
    assert torch.allclose(found, state[:, None].expand(3, 2, 4), atol=1e-6)


def test_attention_scales_the_update_gate():
    torch.manual_seed(1)
    layer, inputs, attention = AUGRU(5, 4), torch.randn(3, 6, 5), torch.rand(3, 2, 6)
    found = layer(inputs, attention).detach().numpy()
    of_input, bias = layer.of_input.weight.detach().numpy(), layer.of_input.bias.detach().numpy()
    of_state = layer.of_state.weight.detach().numpy()
    for i, j in np.ndindex(3, 2):
        h = np.zeros(4)
        for t in range(6):
            x_r, x_u, x_n = np.split(of_input @ inputs[i, t].numpy() + bias, 3)
            h_r, h_u, h_n = np.split(of_state @ h, 3)
            update = attention[i, j, t].item() * sigmoid(x_u + h_u)
            h = (1 - update) * h + update * np.tanh(x_n + sigmoid(x_r + h_r) * h_n)
        assert np.allclose(found[i, j], h, atol=1e-6)


def test_without_attention_the_state_stays_exactly():
    torch.manual_seed(2)
    layer, inputs, attention = AUGRU(5, 4), torch.randn(2, 5, 5), torch.rand(2, 3, 5)
    around = torch.randn(2, 8, 5)
    around[:, 2:7] = inputs
    padded = torch.zeros(2, 3, 8)
    padded[:, :, 2:7] = attention
    assert torch.allclose(layer(around, padded), layer(inputs, attention), atol=1e-7)
    assert not layer(inputs, torch.zeros(2, 3, 5)).any()


def made(town, **options):
    torch.manual_seed(0)
    extractor = InterestEvolution(**options)
    extractor.build(town.sizes)
    return extractor


def test_it_is_both_networks_on_the_bare_history(town):
    """Against one history and candidate at a time, without padding, with the attention in NumPy."""
    extractor = made(town)
    found = extractor(town.inputs(LENGTHS, before=1, behind=2)).vector
    histories, contexts, item = town.queries(LENGTHS)
    for i, (history, context) in enumerate(zip(histories, contexts, strict=True)):
        if not len(history):
            continue
        states = extractor.gru(torch.cat([town.table[history], context], -1)[None])[0]
        for j in range(4):
            match = town.pairs.match(history, item[i, j])
            asked = town.table[item[i, j]] @ extractor.of_candidate.weight.T
            score = (states[0] @ asked + match @ extractor.of_match.weight[0]).detach().numpy()
            weight = torch.from_numpy(np.exp(score) / np.exp(score).sum())
            state = extractor.augru(states, weight[None, None])[0, 0]
            assert torch.allclose(found[i, j], torch.cat([state, weight @ match]), atol=1e-5)


def test_the_first_network_runs_once_per_query(town):
    extractor, seen = made(town), []
    extractor.gru.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape))
    extractor.augru.of_input.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape))
    extractor(town.inputs(LENGTHS, candidates=9, before=5))
    assert [tuple(shape[:2]) for shape in seen] == [(5, 12), (5, 12)]  # as long as the longest history


def test_the_auxiliary_loss_asks_for_the_next_event(town, monkeypatch):
    extractor = made(town, next_event=0.5)
    inputs = town.inputs(LENGTHS, before=3, label=True)
    drawn = torch.randint(29, (5, 11), generator=torch.Generator().manual_seed(5))
    with monkeypatch.context() as patch:
        patch.setattr(torch, "randint", lambda *args, **kwargs: drawn)
        found = extractor(inputs).losses["next_event"]
    histories, contexts, _ = town.queries(LENGTHS)
    losses = []
    for i, (history, context) in enumerate(zip(histories, contexts, strict=True)):
        for t in range(len(history) - 1):
            states = extractor.gru(torch.cat([town.table[history], context], -1)[None])[0][0]
            other = [row for row in range(30) if row != history[t + 1]][drawn[i, t]]
            there, elsewhere = (float(states[t].detach() @ town.table[row]) for row in (int(history[t + 1]), other))
            losses.append(-math.log(sigmoid(there)) - math.log(1 - sigmoid(elsewhere)))
    assert len(losses) == 6 + 2 + 11
    assert float(found) == pytest.approx(0.5 * sum(losses) / len(losses), rel=1e-5)


def test_without_a_next_event_there_is_no_loss(town):
    extractor = made(town)
    loss = extractor(town.inputs((1, 0, 1), before=2, label=True)).losses["next_event"]
    loss.backward()
    assert float(loss) == 0
    assert not town.table.grad.any()


def test_negatives_are_all_items_but_the_next_event(town):
    extractor, inputs = made(town), town.inputs((300,), label=True)
    asked = []
    town_embed = inputs.embed
    object.__setattr__(inputs, "embed", lambda rows: asked.append(rows) or town_embed(rows))
    for _ in range(20):
        extractor(inputs)
    drawn, following = torch.cat(asked), inputs.history[:, 1:].expand(20, -1)
    assert not (drawn == following).any()
    counts = torch.bincount(drawn.flatten(), minlength=30).double()
    expected = (20 * (299 - torch.bincount(inputs.history[0, 1:], minlength=30)) / 29).double()
    assert ((counts - expected).abs() < 6 * expected.sqrt()).all()


def test_the_auxiliary_loss_reaches_the_first_network_alone(town):
    extractor = made(town)
    extractor(town.inputs(LENGTHS, label=True)).losses["next_event"].backward()
    reached = {name for name, p in extractor.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert reached == {f"gru.{name}" for name, _ in extractor.gru.named_parameters()}
