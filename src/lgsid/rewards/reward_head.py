"""The head of the reward: what stays when the encoder is taken away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from typing_extensions import Self

from lgsid.errors import LgsidError
from lgsid.rewards.head_inputs import HeadInput

CHECKPOINT_KEY = "reward_head"


class RewardHead(nn.Module):
    """A two-layer MLP on the features of a `HeadInput` (`r_ij = MLP(E_i^j)`, METHOD 1).

    Args:
        input: What it sees.
        dim: Width D of the encoder's vectors.
        hidden_dim: Width of the hidden layer.
        dropout: After the hidden layer.
        encoder: What the vectors come from, as `TextEncoder.describe` tells it.
    """

    def __init__(
        self,
        input: HeadInput,
        dim: int,
        hidden_dim: int,
        dropout: float = 0.0,
        encoder: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.dim, self.hidden_dim, self.dropout = dim, hidden_dim, dropout
        self.encoder = dict(encoder or {})
        self.input = input
        self.layers = nn.Sequential(
            nn.Linear(input.build(dim), hidden_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden_dim, 1)
        )

    def score(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return the reward of each candidate for its anchor, differentiable in both.

        Args:
            anchor: Vectors of the anchors' own prompts, shape (B, D).
            candidates: Vectors of the candidates' prompts, shape (B, C, D).

        Returns:
            Logits, shape (B, C).
        """
        return cast(Tensor, self.layers(self.input(anchor, candidates))).squeeze(-1)

    forward = score

    def describe(self) -> dict[str, Any]:
        """Return what `from_description` needs, as plain values."""
        return {
            "input": {"class_name": type(self.input).__name__, "init_args": self.input.arguments()},
            "dim": self.dim,
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout,
            "encoder": self.encoder,
        }

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Self:
        """Build an untrained head of the same kind.

        Raises:
            LgsidError: if the class of its input is not known here.
        """
        wanted = description["input"]
        known = {kind.__name__: kind for kind in _subclasses(HeadInput)}  # type: ignore[type-abstract]
        if wanted["class_name"] not in known:
            raise LgsidError(
                f"reward: unknown input {wanted['class_name']!r} of the head (is its package installed?); "
                f"known are {', '.join(sorted(known))}"
            )
        rest = {key: value for key, value in description.items() if key != "input"}
        return cls(known[wanted["class_name"]](**wanted["init_args"]), **rest)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read the trained head out of a checkpoint of `RewardModel`, without the encoder.

        Args:
            path: `model.ckpt` of the reward's run folder.

        Raises:
            LgsidError: if there is no such file, or it is no checkpoint of a reward.
        """
        if not Path(path).is_file():
            raise LgsidError(f"{path}: no such file (expected the checkpoint of a reward)")
        try:
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
            head = cls.from_description(checkpoint[CHECKPOINT_KEY])
        except (KeyError, TypeError, RuntimeError, EOFError, OSError, ValueError) as error:
            raise LgsidError(f"{path}: not the checkpoint of a RewardModel ({type(error).__name__})") from error
        weights = {k[len("head.") :]: v for k, v in checkpoint["state_dict"].items() if k.startswith("head.")}
        head.load_state_dict(weights)
        return head.eval()


def _subclasses(kind: type[HeadInput]) -> Iterator[type[HeadInput]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
