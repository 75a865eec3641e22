"""Logs of the service: one JSON object on each line, without a word of what was asked."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone

LOGGER = "lgsid.serving"


class JsonLines(logging.Formatter):
    """Write a record as one line of JSON: time, level, event, and the fields that came with it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; the traceback of an error is left out, for its text may quote a request."""
        when = datetime.fromtimestamp(record.created, tz=timezone.utc).isoformat(timespec="milliseconds")
        content = {"time": when, "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps({**content, **getattr(record, "fields", {})})


def log_as_json() -> None:
    """Send what the service logs, and what libraries warn of, to the standard error stream."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.getLogger().handlers[:] = [handler]
    logging.getLogger(LOGGER).setLevel(logging.INFO)
    logging.captureWarnings(True)


def log(event: str, level: int = logging.INFO, **fields: object) -> None:
    """Log an event with its fields."""
    logging.getLogger(LOGGER).log(level, event, extra={"fields": fields})
