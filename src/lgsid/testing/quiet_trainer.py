"""A trainer for tests."""

from __future__ import annotations

from typing import Any

import lightning as L

QUIET = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)


def quiet_trainer(**options: Any) -> L.Trainer:
    """Return a Lightning trainer on the CPU that writes nothing, shows nothing and validates only when it is time.

    Args:
        **options: Options of `lightning.Trainer`; they win over these.
    """
    return L.Trainer(**{"accelerator": "cpu", "num_sanity_val_steps": 0, **QUIET, **options})
