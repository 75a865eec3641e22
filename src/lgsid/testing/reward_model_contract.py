"""Contract tests of reward models, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

import torch

from lgsid.datamodules.reward_data import RewardData
from lgsid.module import LgsidDataModule, LgsidModule
from lgsid.rewards.reward_head import RewardHead
from lgsid.testing.module_contract import ModuleContract
from lgsid.testing.relevance_contract import DIM, frozen_encoder
from lgsid.testing.toy_city import toy_dataset_folder


class RewardModelContract(ModuleContract):
    """Contract tests of a reward model, beside those of all modules.

    Derive a class whose name starts with `Test` and give it `make`. An alignment reads the head of its checkpoint.
    """

    @abstractmethod
    def make(self) -> tuple[LgsidModule, LgsidDataModule]:
        """Return a new reward model on a text encoder, and lists to train it on."""

    @classmethod
    def made(cls, part: Any) -> Any:
        """Make it with a tiny text encoder."""
        data = RewardData(toy_dataset_folder(), n_candidates=4, batch_size=8)
        return part(encoder=frozen_encoder()), data

    def check_checkpoint(self, path: Path, module: LgsidModule) -> None:
        """Check that the head of the checkpoint judges candidates: (B, C) finite numbers, the same every time."""
        head = RewardHead.load(path)
        g = torch.Generator().manual_seed(0)
        anchor, candidates = torch.randn(3, DIM, generator=g), torch.randn(3, 5, DIM, generator=g)
        found = head.score(anchor, candidates)
        assert found.shape == (3, 5)
        assert bool(found.isfinite().all())
        assert torch.equal(RewardHead.load(path).score(anchor, candidates), found)
        assert float((found - found[:1]).abs().max().detach()) > 0
