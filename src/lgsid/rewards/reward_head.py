"""The head of the reward model: the part that remains without the encoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn
from typing_extensions import Self

from lgsid.checkpoint_file import read_checkpoint_file
from lgsid.errors import LgsidError
from lgsid.rewards.head_inputs import HeadInput

CHECKPOINT_KEY = "reward_head"


class RewardHead(nn.Module):
    """Two-layer MLP on the features of a `HeadInput` (`r_ij = MLP(E_i^j)`, arXiv 2511.14221).

    Args:
        input: Features that the head scores.
        dim: Width D of the encoder's vectors.
        hidden_dim: Width of the hidden layer.
        dropout: Dropout probability after the hidden layer.
        encoder: Description of the encoder that the vectors come from, see `TextEncoder.describe`.
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
        """Return the arguments of `from_description`, as plain values."""
        return {
            "input": {"class_name": type(self.input).__name__, "init_args": self.input.arguments()},
            "dim": self.dim,
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout,
            "encoder": self.encoder,
        }

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Self:
        """Build an untrained head from its description.

        Raises:
            LgsidError: if the class of its input is unknown.
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
        """Load the trained head from a checkpoint of `RewardModel`, without the encoder.

        Args:
            path: Checkpoint of the reward model, `model.ckpt` of its run folder.

        Raises:
            LgsidError: if the file does not exist or is not the checkpoint of a reward model.
        """
        checkpoint = read_checkpoint_file(path)
        try:
            head = cls.from_description(checkpoint[CHECKPOINT_KEY])
            weights = {k[len("head.") :]: v for k, v in checkpoint["state_dict"].items() if k.startswith("head.")}
            head.load_state_dict(weights)
        except LgsidError:
            raise
        except Exception as error:  # whatever arguments, sizes and tensors of somebody else make of our classes
            raise LgsidError(f"{path}: not the checkpoint of a RewardModel ({type(error).__name__})") from error
        return head.eval()


def _subclasses(kind: type[HeadInput]) -> Iterator[type[HeadInput]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
