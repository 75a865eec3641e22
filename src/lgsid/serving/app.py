"""The HTTP side of the service: routes over a backend, on any FastAPI application."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request

from lgsid import __version__
from lgsid.serving import schemas as s
from lgsid.serving.admin_guard import AdminGuard
from lgsid.serving.backend import Backend, Reply
from lgsid.serving.desk import Desk
from lgsid.serving.error_body import error_body
from lgsid.serving.gate import Gate
from lgsid.serving.limits import Limits
from lgsid.serving.metrics import Metrics
from lgsid.serving.reference_page import reference_page

DESCRIPTION = "Recommends places, and tells semantic IDs: `lgsid serve`."
JSON = "application/json"
ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": s.ErrorAnswer, "description": "The body is not JSON."},
    404: {"model": s.ErrorAnswer, "description": "No such user, item, model or page."},
    413: {"model": s.ErrorAnswer, "description": "The body is too large."},
    422: {"model": s.ErrorAnswer, "description": "A value is wrong, or nothing is left to recommend."},
    503: {"model": s.ErrorAnswer, "description": "Too many requests wait, or it took too long; try again."},
}


def furnish(app: FastAPI, backend: Backend, limits: Limits, token: str = "", page: APIRouter | None = None) -> FastAPI:
    """Give an application the routes of the service, in place of all that it has.

    Args:
        app: The application.
        backend: The models.
        limits: How much one request may ask for.
        token: What lets others than programs of this machine swap models, empty for nothing.
        page: Routes of a page at `/`, see `page_routes`; `/docs` is shown there without.
    """
    metrics = Metrics()
    desk = Desk(backend, limits, metrics)
    app.title, app.version, app.description = "lgsid", __version__, DESCRIPTION
    app.router.routes.clear()
    app.openapi_schema = None
    app.add_middleware(Gate, limits=limits, metrics=metrics)
    app.add_exception_handler(RequestValidationError, told_validation)
    app.add_exception_handler(HTTPException, told_http)
    add_places(app, desk)
    add_state(app, desk)
    add_admin(app, desk, AdminGuard(token))
    if page is not None:
        app.include_router(page)
    add_reference(app)
    return app


def add_places(app: FastAPI, desk: Desk) -> None:
    """Add what answers about places."""

    @app.post("/recommend", response_model=s.RecommendAnswer, responses=ERRORS)
    async def recommend(body: s.RecommendRequest, request: Request) -> Response:
        """Recommend places to a user, after a history, or to somebody unknown."""
        return respond(request, await desk.ask(body))

    @app.post("/similar", response_model=s.SimilarAnswer, responses=ERRORS)
    async def similar(body: s.SimilarRequest, request: Request) -> Response:
        """Return places like a place, by semantic IDs or by vectors."""
        return respond(request, await desk.ask(body))

    @app.post("/encode", response_model=s.EncodeAnswer, responses=ERRORS)
    async def encode(body: s.EncodeRequest, request: Request) -> Response:
        """Return the semantic ID that a new place would get; published ones stay as they are."""
        return respond(request, await desk.ask(body))

    @app.post("/explain", response_model=s.ExplainAnswer, responses=ERRORS)
    async def explain(body: s.ExplainRequest, request: Request) -> Response:
        """Say why a place is, or is not, recommended for a query."""
        return respond(request, await desk.ask(body))

    @app.get("/places", response_model=s.PlacesAnswer, responses=ERRORS)
    async def places(request: Request, model: s.Id | None = None) -> Response:
        """Return all places of a model, by column."""
        return respond(request, await desk.ask(s.PlacesRequest(model=model)))


def add_state(app: FastAPI, desk: Desk) -> None:
    """Add what tells the state of the service."""

    @app.get("/health", response_model=s.HealthAnswer, responses={503: ERRORS[503]})
    async def health(request: Request) -> Response:
        """Tell whether the models answer, and which ones are served."""
        return respond(request, await desk.ask(s.HealthRequest()))

    @app.get("/version", response_model=s.VersionAnswer)
    async def versions() -> Response:
        """Return the versions of the software."""
        found = {name: installed(name) for name in ("lgsid", "litserve", "torch")}
        return JSONResponse({**found, "python": platform.python_version()})

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """Return numbers for Prometheus."""
        reply = await desk.ask(s.HealthRequest())
        text = desk.metrics.text(reply.body if reply.status == 200 else None)
        return Response(text, media_type=desk.metrics.content_type)


def add_admin(app: FastAPI, desk: Desk, guard: AdminGuard) -> None:
    """Add what changes the models."""
    denied: dict[int | str, dict[str, Any]] = {401: {"model": s.ErrorAnswer}, 403: {"model": s.ErrorAnswer}}
    guarded = Depends(guard)

    @app.post("/admin/swap", response_model=s.SwapAnswer, responses=ERRORS | denied, dependencies=[guarded])
    async def swap(body: s.SwapRequest, request: Request) -> Response:
        """Load a model beside the present one, then serve it under its name; nobody waits for it."""
        return respond(request, await desk.ask(body))

    @app.post("/admin/rollback", response_model=s.SwapAnswer, responses=ERRORS | denied, dependencies=[guarded])
    async def rollback(body: s.RollbackRequest, request: Request) -> Response:
        """Serve under a name what was served before the last swap."""
        return respond(request, await desk.ask(body))


def add_reference(app: FastAPI) -> None:
    """Add the description of all routes: as JSON, and as a page that loads nothing else."""

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return JSONResponse(app.openapi())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(reference_page(app.openapi()))

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return RedirectResponse("docs")


def respond(request: Request, reply: Reply) -> Response:
    """Send a reply, and leave for the log which model answered."""
    request.state.told = {"model": reply.model, "generation": reply.generation, "batch": reply.batch}
    headers = {"Retry-After": "1"} if reply.status == 503 else None
    return Response(reply.body, reply.status, headers, JSON)


async def told_validation(request: Request, error: Exception) -> Response:
    """Send what is wrong with a request in one line: 400 where it is no JSON, else 422."""
    assert isinstance(error, RequestValidationError)
    found: list[dict[str, Any]] = list(error.errors())
    first: dict[str, Any] = found[0] if found else {"type": "", "loc": (), "msg": "not what was expected"}
    is_body = request.method in ("POST", "PUT", "PATCH")
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if is_body and sent != JSON and not sent.endswith("+json"):
        return Response(error_body(f"body: send JSON with the header Content-Type: {JSON}"), 400, media_type=JSON)
    if first["type"] == "json_invalid":
        reason = str(first.get("ctx", {}).get("error", "not JSON"))
        return Response(error_body(f"body: not JSON: {reason}"), 400, media_type=JSON)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Response(error_body(f"{place_of(first['loc'])}: {first['msg']}{more}"), 422, media_type=JSON)


def place_of(location: tuple[int | str, ...]) -> str:
    """Return where in a body something is: names of fields and numbers, nothing of how types are called."""
    parts = [str(part)[:60] for part in location[1:] if isinstance(part, int) or part.isidentifier()]
    return ".".join(parts) or "body"


async def told_http(request: Request, error: Exception) -> Response:
    """Send an error of routing or of ours as JSON."""
    assert isinstance(error, HTTPException)
    known = {404: "no such page; /docs lists them", 405: "this page takes another method; /docs lists them"}
    line = known.get(error.status_code, str(error.detail))
    if error.status_code == 400:
        line = "body: not JSON"
    return Response(error_body(line), error.status_code, error.headers, JSON)


def installed(name: str) -> str:
    """Return the version of an installed package, empty where there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
