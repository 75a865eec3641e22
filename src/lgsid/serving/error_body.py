"""An error as the body of a reply."""

from __future__ import annotations

import json

from lgsid.escaping import one_line

LONGEST = 500


def error_body(error: str) -> bytes:
    """Return `{"error": one line}` as JSON of ASCII characters; what a client wrote in it is cut short."""
    line = one_line(error)
    return json.dumps({"error": line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."}).encode("ascii")
