"""A service that recommends places: in process (`Service`), and over HTTP (`lgsid serve`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lgsid.lazy_names import lazy_names

if TYPE_CHECKING:
    from lgsid.serving.limits import Limits
    from lgsid.serving.model_files import ModelFiles
    from lgsid.serving.served_model import ServedModel
    from lgsid.serving.service import Service

__all__ = ["Limits", "ModelFiles", "ServedModel", "Service"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "lgsid.serving.limits": ("Limits",),
        "lgsid.serving.model_files": ("ModelFiles",),
        "lgsid.serving.served_model": ("ServedModel",),
        "lgsid.serving.service": ("Service",),
    },
)
