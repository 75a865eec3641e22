"""A second generator with a decoder of its own: what it takes to add one, and that it keeps the contract."""

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn

from lgsid import checkpoints
from lgsid.artefacts import SemanticIDs
from lgsid.datamodules import SequenceData
from lgsid.recommenders.generative import TIGER, GenerativeRecommender, HistoryTokens, SeparateTokens
from lgsid.recommenders.generative.beam_decoder import EncodedQueries, RecomputingDecoder
from lgsid.testing import GenerativeRecommenderContract, quiet_trainer, toy_city


class DecoderOnly(GenerativeRecommender):
    """A causal transformer that reads history, query and the codes so far as one sequence.

    Args:
        width: Width D of the tokens.
        n_heads: Attention heads.
        n_layers: Layers.
        max_length: Longest sequence; positions count back from the query token, which padding leaves in place.
        history_tokens: How past check-ins become tokens; one token per check-in by default.
        history_length: Check-ins that become tokens, the most recent ones.
        user_buckets: Hash buckets of the user token.
        beam_width: Prefixes kept while decoding; the lists of an evaluation are as long.
        warmup_share: Share of the training steps in which the learning rate rises; it then falls to zero.
        optimizer: Optimizer for the weights.
    """

    def __init__(
        self,
        width: int = 16,
        n_heads: int = 2,
        n_layers: int = 1,
        max_length: int = 64,
        history_tokens: HistoryTokens | None = None,
        history_length: int = 12,
        user_buckets: int = 50,
        beam_width: int = 12,
        warmup_share: float = 0.1,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-2),
    ) -> None:
        super().__init__(history_tokens, history_length, user_buckets, beam_width, warmup_share, optimizer)
        self.save_hyperparameters()
        self.width, self.n_heads, self.n_layers, self.max_length = width, n_heads, n_layers, max_length

    def build_network(self, n_tokens: int) -> None:
        """Create the token table and the transformer."""
        self.tokens = nn.Embedding(n_tokens, self.width)
        self.position = nn.Embedding(self.max_length, self.width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(self.width, self.n_heads, 2 * self.width, 0.0, batch_first=True, norm_first=True)
            for _ in range(self.n_layers)
        )

    @property
    def token_table(self) -> nn.Embedding:
        """Vectors of the tokens."""
        return self.tokens

    def decode(self, encoded: EncodedQueries, prefix: Tensor) -> Tensor:
        """Return the states along prefixes (B, l), shape (B, l, D)."""
        n_read, length = encoded.states.shape[1], prefix.shape[1]
        back = torch.arange(n_read - 1, -1, -1, device=prefix.device)
        ahead = self.max_length - 1 - torch.arange(length, device=prefix.device)
        x = torch.cat([encoded.states, self.tokens(prefix)], 1) + self.position(torch.cat([back, ahead]))
        real = torch.cat([encoded.real, torch.ones_like(prefix, dtype=torch.bool)], 1)
        causal = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        seen = causal & (real[:, None] | torch.eye(x.shape[1], dtype=torch.bool, device=x.device))
        for layer in self.layers:
            x = layer(x, src_mask=~seen.repeat_interleave(self.n_heads, 0))
        return x[:, n_read:]


@pytest.fixture(scope="module")
def city():
    return toy_city(n_checkins=500)


def served(city, sizes=(4, 5, 3)):
    rng = np.random.default_rng(0)
    sids = None
    if sizes:
        codes = np.stack([rng.integers(0, size, len(city.items)) for size in sizes], 1)
        sids = SemanticIDs(city.items.ids, codes, sizes)
    data = SequenceData(city, sids, batch_size=32)
    data.setup()
    return data


def untrained(city, sizes=(4, 5, 3), kind=DecoderOnly, **options):
    torch.manual_seed(0)
    data, model = served(city, sizes), kind(**options)
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model.eval(), data


class TestCollidingSemanticIDs(GenerativeRecommenderContract):
    @pytest.fixture(autouse=True)
    def town(self, city):
        self.city = city

    def make(self):
        return untrained(self.city, (4, 5, 3), history_tokens=SeparateTokens())


class TestPlainItemIDs(GenerativeRecommenderContract):
    @pytest.fixture(autouse=True)
    def town(self, city):
        self.city = city

    def make(self):
        return untrained(self.city, ())


def test_a_few_steps_of_training_and_a_checkpoint(city, tmp_path):
    L.seed_everything(0, verbose=False)
    model, data = DecoderOnly(), served(city)
    batch = data.batch(data.queries("train"))
    before, _ = untrained(city)
    trainer = quiet_trainer(max_epochs=6)
    trainer.fit(model, data)
    with torch.no_grad():
        likelihood = model.eval().item_log_prob(batch, batch.target).mean()
        assert likelihood > before.item_log_prob(batch, batch.target).mean() + 0.3
    trainer.test(model, data, verbose=False)
    assert trainer.callback_metrics["test/hit@10"] > 10 / len(city.items)
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    loaded = checkpoints.load(tmp_path / "model.ckpt", DecoderOnly)
    assert torch.equal(loaded.rank(batch, 9).scores, model.rank(batch, 9).scores)


def test_the_learning_rate_rises_and_falls_to_zero(city):
    data, model = served(city), DecoderOnly(warmup_share=0.25)
    rates = []

    class Watch(L.Callback):
        def on_train_batch_start(self, trainer, *_):
            rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    quiet_trainer(max_epochs=2, limit_val_batches=0, callbacks=[Watch()]).fit(model, data)
    steps, warmup = len(rates), round(0.25 * len(rates))
    expected = [1e-2 * min((i + 1) / warmup, (steps - i) / (steps - warmup)) for i in range(steps)]
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize("options", [{}, {"feed_forward_proj": "gated-gelu"}, {"relative_attention_num_buckets": 4}])
def test_a_decoder_with_a_cache_gives_the_states_of_one_without(city, options):
    t5 = {"d_model": 16, "d_kv": 4, "d_ff": 24, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 2}
    model, data = untrained(city, kind=TIGER, t5={**t5, **options})
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        encoded = model.encode_queries(data.batch(np.arange(300, 308)))
        cached, plain = model.beam_decoder(encoded), RecomputingDecoder(model.decode, encoded)
        tokens = torch.randint(1, 12, (8,), generator=generator)
        states, expected = cached.start(tokens), plain.start(tokens)
        for n_beams in (24, 16, 5):  # three a query, then ragged ones, then queries without any
            assert torch.equal(states.query, expected.query)
            assert torch.allclose(states.hidden, expected.hidden, atol=1e-5)
            at = torch.randint(0, len(states), (n_beams,), generator=generator).sort().values
            parent = torch.arange(8).repeat_interleave(3) if n_beams == 24 else at
            tokens = torch.randint(1, 12, (n_beams,), generator=generator)
            states = cached.advance(states.take(parent), tokens)
            expected = plain.advance(expected.take(parent), tokens)
        assert torch.allclose(states.hidden, expected.hidden, atol=1e-5)
