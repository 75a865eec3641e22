"""What an update makes of a generation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lgsid.generations.delta import Delta
from lgsid.generations.register import Register
from lgsid.generations.tokenizer_file import TokenizerFile


@dataclass(frozen=True)
class Change:
    """The places of the next generation.

    Args:
        register: All places.
        delta: Those that changed.
        tokenizer: Checkpoint for the places that come later.
        told: What else there is to say: plain values.
        is_new: Whether there is anything to write: otherwise the places are as they were.
    """

    register: Register
    delta: Delta
    tokenizer: TokenizerFile | None
    told: Mapping[str, Any] = field(default_factory=dict)
    is_new: bool = True
