"""The page to try a service on: a map of the city, served by the same process, that loads nothing from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lgsid.lazy_names import lazy_names

if TYPE_CHECKING:
    from lgsid.serving.page.page_files import PageFiles
    from lgsid.serving.page.page_source import PageSource
    from lgsid.serving.page.routes import page_routes

__all__ = ["PageFiles", "PageSource", "page_routes"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "lgsid.serving.page.page_files": ("PageFiles",),
        "lgsid.serving.page.page_source": ("PageSource",),
        "lgsid.serving.page.routes": ("page_routes",),
    },
)
