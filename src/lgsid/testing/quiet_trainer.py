"""Options of a trainer for tests."""

from __future__ import annotations

from typing import Any

QUIET_TRAINER: dict[str, Any] = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}
"""Of a Lightning trainer that trains on the CPU, writes nothing and shows nothing: `L.Trainer(**QUIET_TRAINER)`."""
