"""Contract tests of text encoders, to inherit in the tests of other packages."""

from __future__ import annotations

import os
import tempfile
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.construction import is_plain
from lgsid.testing.part_contract import PartContract, through_a_file
from lgsid.text.text_encoder import TextEncoder

CACHE_VARIABLE = "LGSID_CACHE"
TEXTS = (
    "Coffee Shop, north",
    "Park",
    "",
    "a much longer text about a bakery near the museum, latitude 40.1, longitude -73.9",
    "é ☕ 喝茶",
    "Park",
)


class TextEncoderContract(PartContract):
    """Contract tests of a text encoder.

    Derive a class whose name starts with `Test` and give it `make`. An encoder derives from `TextEncoder`. One that has
    weights of its own instead of a transformers model calls `torch.nn.Module.__init__(self)` in place of
    `super().__init__(...)`, sets `model`, `pooling`, `dim`, `max_length`, `batch_size`, `autocast` and `normalize`, and
    overrides `tokenize`, `embed`, `device`, `is_trainable`, `has_adapter` and `weights_hash`; one that can be trained
    also `adapter_hash`, `reference`, `save_adapter` and `train`. `lgsid plugins new text_encoders NAME` writes one.
    """

    base = TextEncoder
    tolerance: ClassVar[float] = 1e-4
    """How far two vectors of one text may be apart: rounding, by the batch that the text was in."""

    @abstractmethod
    def make(self) -> TextEncoder:
        """Return a new encoder; with the same arguments and weights every time."""

    def vectors(self, encoder: TextEncoder, texts: Any = TEXTS) -> Tensor:
        """Return the vectors of texts, computed now and not looked up. (N, D)."""
        return encoder.encode(list(texts), progress=False, use_cache=False)

    def near(self, found: Tensor, expected: Tensor) -> None:
        """Check that vectors are the same but for rounding."""
        torch.testing.assert_close(found, expected, atol=self.tolerance, rtol=self.tolerance)

    def test_shapes_and_types(self) -> None:
        """`encode` returns (N, dim) float32 on the CPU, finite, without a gradient; (0, dim) for no texts."""
        encoder = self.make()
        found = self.vectors(encoder)
        assert found.shape == (len(TEXTS), encoder.dim)
        assert found.dtype == torch.float32
        assert found.device.type == "cpu"
        assert bool(found.isfinite().all())
        assert not found.requires_grad
        assert self.vectors(encoder, []).shape == (0, encoder.dim)

    def test_a_text_has_its_vector_alone_and_in_any_order(self) -> None:
        """What else is in the batch, and how long it is, does not matter; equal texts have equal vectors."""
        encoder = self.make()
        together = self.vectors(encoder)
        self.near(torch.cat([self.vectors(encoder, [text]) for text in TEXTS]), together)
        order = torch.tensor([4, 2, 0, 5, 1, 3])
        self.near(self.vectors(encoder, [TEXTS[row] for row in order]), together[order])
        assert torch.equal(together[1], together[5])

    def test_different_texts_have_different_vectors(self) -> None:
        """No two of the different texts are the same vector."""
        found = self.vectors(self.make())[:5]
        apart = (found[:, None] - found[None]).norm(dim=-1) + torch.eye(len(found))
        assert float(apart.min()) > 1e-3

    def test_vectors_are_of_unit_length_if_it_says_so(self) -> None:
        """`normalize` holds of all texts but those that have no vector."""
        encoder = self.make()
        if encoder.normalize:
            lengths = self.vectors(encoder).norm(dim=1)
            self.near(lengths[lengths > 0], torch.ones_like(lengths[lengths > 0]))
            assert int((lengths > 0).sum()) >= len(TEXTS) - 1

    def test_forward_is_embed_after_tokenize_and_agrees_with_encode(self) -> None:
        """All three ways to a vector lead to the same one."""
        encoder = self.make().eval()
        tokens = encoder.tokenize(TEXTS)
        assert len(tokens) == len(TEXTS)
        assert all(isinstance(token, int) for text in tokens for token in text)
        self.near(encoder(list(TEXTS)).detach(), encoder.embed(tokens).detach())
        self.near(encoder.embed(tokens).detach().cpu(), self.vectors(encoder))

    def test_same_arguments_same_vectors(self) -> None:
        """Two encoders of the same arguments agree, in what they say and in what they say of themselves."""
        one, other = self.make(), self.make()
        assert torch.equal(self.vectors(one), self.vectors(other))
        assert one.describe() == other.describe()
        assert is_plain(one.describe())
        assert one.describe()["dim"] == one.dim

    def test_encoding_changes_nothing(self) -> None:
        """`encode` leaves the mode as it was, and gives the same twice, also while training."""
        encoder = self.make().train()
        first = self.vectors(encoder)
        assert encoder.training
        assert torch.equal(first, self.vectors(encoder))

    def test_vectors_can_be_trained_on(self) -> None:
        """Those that were made inside a validation loop, too."""
        with torch.inference_mode():
            found = self.vectors(self.make())
        assert not found.is_inference()

    def test_the_cache_gives_what_was_computed(self) -> None:
        """With `use_cache` the vectors are the same the first time and the next."""
        encoder = self.make()
        with own_cache():
            first, again = (encoder.encode(list(TEXTS), progress=False) for _ in range(2))
        assert torch.equal(first, again)
        self.near(first, self.vectors(encoder))

    def test_state_travels_in_the_state_dict(self) -> None:
        """A new encoder with the trained one's state gives the same vectors; the file loads with `weights_only`."""
        encoder, copy = self.make(), self.make()
        if encoder.is_trainable:
            moved(encoder)
        copy.load_state_dict(through_a_file(encoder.state_dict()))
        self.near(self.vectors(copy), self.vectors(encoder))

    def test_trainable_weights_get_a_gradient_and_the_reference_stays(self) -> None:
        """A step moves the vectors and changes the hash; inside `reference()` they are those from before."""
        encoder = self.make()
        before = self.vectors(encoder)
        with encoder.reference():
            self.near(self.vectors(encoder), before)
        if not encoder.is_trainable:
            assert not [p for p in encoder.parameters() if p.requires_grad]
            return
        hashed = encoder.adapter_hash()
        weights = moved(encoder)
        assert all(weight.grad is not None and bool(weight.grad.isfinite().all()) for weight in weights)
        assert float((self.vectors(encoder) - before).norm()) > 1e-3
        assert encoder.adapter_hash() != hashed
        with encoder.reference():
            self.near(self.vectors(encoder), before)
        with tempfile.TemporaryDirectory() as folder:
            encoder.save_adapter(folder)
            assert any(Path(folder).iterdir())

    def test_bfloat16(self) -> None:
        """Under autocast the vectors are float32 still, and nearly the same."""
        encoder = self.make().eval()
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            found = encoder(list(TEXTS))
        assert found.dtype == torch.float32
        there = found.norm(dim=1) > 0
        assert float(F.cosine_similarity(found, self.vectors(encoder))[there].min()) > 0.97


def moved(encoder: TextEncoder) -> list[Tensor]:
    """Move the trainable weights of an encoder by two steps, and return them with the gradients of the second one."""
    encoder.train()
    weights: list[Tensor] = [weight for weight in encoder.parameters() if weight.requires_grad]
    generator = torch.Generator().manual_seed(0)
    goal = torch.randn(len(TEXTS), encoder.dim, generator=generator)
    for _ in range(2):  # one half of an adapter starts at zero, so that the other gets nothing from the first step
        for weight in weights:
            weight.grad = None
        (-(encoder(list(TEXTS)) * goal).sum()).backward()
        with torch.no_grad():
            for weight in weights:
                if weight.grad is not None:
                    weight.sub_(0.1 * weight.grad / weight.grad.norm().clamp_min(1e-12))
    return weights


@contextmanager
def own_cache() -> Iterator[None]:
    """Cache vectors in a folder that is gone after the block."""
    before = os.environ.get(CACHE_VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[CACHE_VARIABLE] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[CACHE_VARIABLE]
            else:
                os.environ[CACHE_VARIABLE] = before
