"""Clients of the service, for locust: each asks for recommendations as soon as it has the last ones, or a while later.

`benchmarks/serving` starts locust with this file and says by environment variables what to ask and where to write what
came of it: exact times, which locust's own report rounds.
"""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, constant, events, task
from locust.exception import StopUser

BODIES = json.loads(Path(os.environ["TRAFFIC_BODIES"]).read_text(encoding="utf-8"))
RESULT = Path(os.environ["TRAFFIC_RESULT"])
LIMIT = int(os.environ.get("TRAFFIC_REQUESTS", "0"))  # 0: as many as there is time for
turn = itertools.count()
asked: list[tuple[float, float, int, int]] = []  # end in s, ms, status, revision


class Client(FastHttpUser):
    """One client."""

    wait_time = constant(float(os.environ.get("TRAFFIC_PAUSE_S", "0")))
    connection_timeout = network_timeout = 60.0

    @task
    def recommend(self) -> None:
        """Ask for recommendations and note what came."""
        number = next(turn)
        if LIMIT and number >= LIMIT:
            if number == LIMIT:
                gevent.spawn(self.environment.runner.quit)  # waits for those who still wait for an answer
            raise StopUser
        with self.client.post("/recommend", json=BODIES[number % len(BODIES)], catch_response=True) as answer:
            content = answer.json() if answer.status_code == 200 else {}
            revision = content.get("served_by", {}).get("revision", 0)
            end = answer.request_meta["start_time"] + answer.request_meta["response_time"] / 1e3
            asked.append((end, answer.request_meta["response_time"], answer.status_code, revision))
            if revision:
                answer.success()
            else:
                answer.failure(f"status {answer.status_code}")


@events.quitting.add_listener
def write(environment: Any, **kwargs: Any) -> None:
    """Write what came of every request."""
    RESULT.write_text(json.dumps(asked), encoding="utf-8")
