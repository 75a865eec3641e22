"""Run the service on LitServe: one process for HTTP, one for the models."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from litserve import LitServer

from lgsid.errors import LgsidError
from lgsid.serving.app import furnish
from lgsid.serving.json_log import log, log_as_json
from lgsid.serving.limits import Limits
from lgsid.serving.page import PageSource, page_routes
from lgsid.serving.queued import Queued, QueuedApi, Served
from lgsid.serving.stopping import Stopping

if TYPE_CHECKING:
    from lgsid.serving.model_files import ModelFiles

HOSTS = {"localhost": "127.0.0.1"}


def serve(
    served: Served,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    batch: int = 16,
    batch_wait_s: float = 0.0,
    token: str = "",
) -> None:
    """Serve models until the process is told to stop (SIGINT, SIGTERM); requests under way are answered then.

    Args:
        served: What to load.
        host: Address to listen at: 127.0.0.1, 0.0.0.0 or ::.
        port: Port to listen at.
        limits: How much one request may ask for.
        batch: Requests answered together at most.
        batch_wait_s: Seconds to wait for more of them.
        token: What lets others than programs of this machine swap models.

    Raises:
        LgsidError: if a model cannot be loaded, or the port is taken.
    """
    limits = limits or Limits()
    host = HOSTS.get(host, host)
    check_address(host, port)
    log_as_json()
    stopping = Stopping()
    stopping.start()
    with tempfile.TemporaryDirectory(prefix="lgsid-serve-") as folder:
        failure = Path(folder) / "failure"
        api = QueuedApi(served, limits, failure, batch, batch_wait_s)
        server = LitServer(api, accelerator="cpu", timeout=limits.timeout_s)
        backend = Queued(api, server)
        page = page_routes(PageSource(backend, lambda: files_of(served)))
        furnish(server.app, backend, limits, token, page)
        log("starting", host=host, port=port)
        try:
            server.run(
                host=host,
                port=port,
                num_api_servers=1,
                log_level="error",
                generate_client_file=False,
                access_log=False,
                log_config=None,
            )
        except RuntimeError as error:
            if failure.exists():
                raise LgsidError(failure.read_text(encoding="utf-8")) from error
            raise
        except (EOFError, ConnectionError, BrokenPipeError) as error:  # LitServe has stopped all that was left
            raise LgsidError("the process of the models died; start again") from error
        finally:
            stopping.end()
    if stopping.http_died:
        raise LgsidError("the process of HTTP died; start again")
    log("stopped")


def files_of(served: Served) -> dict[str, ModelFiles]:
    """Return the files of what is served; imports torch, which this process needs for the data of the page only."""
    from lgsid.serving import model_files

    return model_files.files_of(served.models, served.files)


def check_address(host: str, port: int) -> None:
    """Refuse an address that cannot be listened at.

    Raises:
        LgsidError: saying why.
    """
    if host not in ("127.0.0.1", "0.0.0.0", "::"):
        raise LgsidError(f"--host {host}: give 127.0.0.1 (this machine), 0.0.0.0 or :: (every address of it)")
    if not 1024 <= port <= 65535:
        raise LgsidError(f"--port {port}: must be within 1024..65535")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise LgsidError(
                f"--port {port}: {error.strerror or error}; give another, or stop what listens there"
            ) from error
