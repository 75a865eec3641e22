"""Where the page and its data are served."""

from __future__ import annotations

from collections.abc import Awaitable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from lgsid.serving.error_body import error_body
from lgsid.serving.page.packed import Packed
from lgsid.serving.page.page_files import PageFiles
from lgsid.serving.page.page_source import NotNow, PageSource

# Scripts, styles, the map's worker and all questions come from and go to the own address, and nothing else may load.
POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ASK_AGAIN = "no-cache"
KEEP = "public, max-age=31536000, immutable"
JSON = "application/json"


def page_routes(source: PageSource) -> APIRouter:
    """Return the routes of the page: `/`, its files and its data.

    The page asks the service beside it: `POST /recommend` and `POST /explain`.

    Args:
        source: Gives the city to show.
    """
    files = PageFiles()
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def page(request: Request) -> Response:
        return files.packed["index.html"].answer(request, ASK_AGAIN, Content_Security_Policy=POLICY)

    @routes.get("/page/places")
    async def places(request: Request) -> Response:
        return await data(request, source.places())

    @routes.get("/page/boundaries")
    async def ground(request: Request) -> Response:
        return await data(request, source.ground())

    @routes.get("/page/{digest}/{name:path}")
    async def file(request: Request, digest: str, name: str) -> Response:
        if digest != files.digest or name not in files.packed:
            return Response(error_body("no such file of the page; load the page again"), 404, media_type=JSON)
        return files.packed[name].answer(request, KEEP)

    return routes


async def data(request: Request, making: Awaitable[Packed]) -> Response:
    """Send data of the page, or why there are none."""
    try:
        return (await making).answer(request, ASK_AGAIN)
    except NotNow as error:
        return Response(error.reply.body, error.reply.status, media_type=JSON)
