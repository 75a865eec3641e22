"""How much one request may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from lgsid.errors import LgsidError


@dataclass(frozen=True)
class Limits:
    """Bounds of a service; what is beyond them is refused in one line.

    Args:
        k: Longest list of places.
        history: Longest history of a request. Of a user of the dataset, the latest as many check-ins are read.
        body_bytes: Largest body of a request.
        waiting: Requests that may wait for an answer at a time; further ones are told to come back.
        timeout_s: Seconds after which a request that has no answer is given up.
    """

    k: int = 100
    history: int = 1000
    body_bytes: int = 1 << 20
    waiting: int = 256
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise LgsidError(f"limit {name} {value:g}: must be positive")
