"""Numbers of a running service, as Prometheus reads them."""

from __future__ import annotations

import json

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from lgsid.serving.memory import resident_bytes

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
BATCHES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counts requests by route, never by what is in them."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("lgsid_requests", "Requests answered.", ["route", "status"], registry=self.registry)
        self.seconds = Histogram(
            "lgsid_request_seconds", "Time to an answer.", ["route"], buckets=SECONDS, registry=self.registry
        )
        self.batch = Histogram(
            "lgsid_batch_size", "Requests answered together.", buckets=BATCHES, registry=self.registry
        )
        self.waiting = Gauge("lgsid_requests_waiting", "Requests without an answer yet.", registry=self.registry)
        self.swaps = Counter("lgsid_swaps", "Models swapped or rolled back.", ["model"], registry=self.registry)
        self.revision = Gauge(
            "lgsid_model_revision", "Revision served.", ["model", "title", "hash", "generation"], registry=self.registry
        )
        self.memory = Gauge("lgsid_resident_bytes", "Memory of a process.", ["process"], registry=self.registry)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self, health: bytes | None) -> bytes:
        """Return all numbers in the text format of Prometheus.

        Args:
            health: Body of `HealthAnswer`, none where the models do not answer.
        """
        self.revision.clear()
        self._set_memory("http", resident_bytes())
        if health is not None:
            state = json.loads(health)
            self._set_memory("models", state["resident_bytes"])
            for model in state["models"]:
                labels = (model["model"], model["title"], model["hash"], model["generation"])
                self.revision.labels(*labels).set(model["revision"])
        return generate_latest(self.registry)

    def _set_memory(self, process: str, size: int | None) -> None:
        if size is not None:
            self.memory.labels(process).set(size)
