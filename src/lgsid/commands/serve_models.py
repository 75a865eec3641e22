"""`lgsid serve`."""

from __future__ import annotations

from collections.abc import Sequence

from lgsid.errors import LgsidError
from lgsid.pipeline.command import command

TOKEN_VARIABLE = "LGSID_ADMIN_TOKEN"


@command()
def serve(
    checkpoint: str | None = None,
    *,
    model: Sequence[str] = (),
    dataset: str | None = None,
    rank_with: str | None = None,
    sids: str | None = None,
    embeddings: str | None = None,
    tokenizer: str | None = None,
    encoder: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    batch: int = 16,
    batch_wait_ms: float = 0.0,
    threads: int = 1,
    max_k: int = 100,
    max_history: int = 1000,
    max_body_kb: int = 1024,
    max_waiting: int = 256,
    timeout_s: float = 30.0,
) -> None:
    """Serve recommendations over HTTP, until it is stopped.

    POST /recommend, /similar, /encode, /explain; GET /places, /health, /version, /metrics, /docs. What belongs to a
    model is found by what its training has left beside it.

    Args:
        checkpoint: model.ckpt of a recommender, its folder, or the run folder of a pipeline, which serves all in it.
        model: NAME=CHECKPOINT, once for each model; the first one answers where a request names none.
        dataset: Folder of the dataset that the models were trained on.
        rank_with: model.ckpt of a click model; it orders the proposed places where a request says so.
        sids: Semantic IDs of the places, or a root of generations: places retired in the current one are not proposed.
        embeddings: Vectors of the places, Parquet, for similar places by vector.
        tokenizer: model.ckpt of the tokenizer, for semantic IDs of new places.
        encoder: model.ckpt of the aligner whose text encoder made the vectors, for semantic IDs of new places.
        host: Address to listen at; 127.0.0.1 for programs of this machine only, 0.0.0.0 or :: for others, too.
        port: Port.
        batch: Requests answered together at most.
        batch_wait_ms: Time to wait for more of them.
        threads: Threads of the models; more are slower where others use the machine.
        max_k: Longest list of places.
        max_history: Longest history of a request.
        max_body_kb: Largest body of a request.
        max_waiting: Requests that may wait at a time.
        timeout_s: Time after which a request without an answer is given up.
    """
    import os

    try:
        import litserve  # noqa: F401
        import prometheus_client  # noqa: F401
    except ImportError as error:
        raise LgsidError(f"lgsid serve needs {error.name}: pip install lgsid[serve]") from error
    from lgsid.serving.limits import Limits
    from lgsid.serving.queued import Served
    from lgsid.serving.server import serve as run

    files = {"dataset": dataset, "rank_with": rank_with, "sids": sids, "embeddings": embeddings}
    files |= {"tokenizer": tokenizer, "encoder": encoder}
    limits = Limits(max_k, max_history, max_body_kb * 1024, max_waiting, timeout_s)
    for name, number in (("batch", batch), ("threads", threads)):
        if number < 1:
            raise LgsidError(f"--{name} {number}: must be at least 1")
    if batch_wait_ms < 0:
        raise LgsidError(f"--batch-wait-ms {batch_wait_ms:g}: must not be negative")
    token = os.environ.get(TOKEN_VARIABLE, "")
    run(
        Served(models_of(checkpoint, model), files, threads),
        host,
        port,
        limits,
        batch,
        batch_wait_ms / 1e3,
        token,
    )


def models_of(checkpoint: str | None, named: Sequence[str]) -> dict[str, str]:
    """Return the models by name: a pipeline's run folder under an empty name, a model under that of its folder.

    Raises:
        LgsidError: if there is none, or two have one name.
    """
    from pathlib import Path

    from lgsid.artefacts.names import check_name
    from lgsid.serving.run_folders import is_run

    found: dict[str, str] = {}
    for text in named:
        name, equals, path = text.partition("=")
        if not equals or not path:
            raise LgsidError(f"--model {text!r}: expected NAME=CHECKPOINT")
        check_name(name, "--model")
        if name in found:
            raise LgsidError(f"--model {name}: there is one of that name already")
        found[name] = path
    if checkpoint is not None:
        given = Path(checkpoint)
        folder = given.resolve() if given.is_dir() else given.resolve().parent
        found[("" if is_run(given) else folder.name or "model")] = checkpoint
    if not found:
        raise LgsidError("what to serve? Give a checkpoint, the folder of a run, or --model NAME=CHECKPOINT")
    return found
