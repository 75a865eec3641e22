"""The OpenAPI description as a page of plain HTML: no script, no style sheet or font from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 0.875rem/1.45 ui-monospace, monospace; }
pre { padding: 0.75rem; overflow-x: auto; border: 1px solid #8886; border-radius: 4px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid #8884; }
h2 { margin-top: 2.5rem; } h2 code { font-size: 1.25rem; }
details { margin: 0.5rem 0; } summary { cursor: pointer; }
"""
EXAMPLES = {
    "/recommend": {"latitude": 40.758, "longitude": -73.9855, "time": "2012-10-05T19:00", "radius_km": 2, "k": 5},
    "/similar": {"item": "p00001", "k": 5, "by": "sid"},
    "/encode": {"name": "Joe's", "category": "Pizza Place", "latitude": 40.7305, "longitude": -74.0021},
    "/explain": {"item": "p00001", "latitude": 40.758, "longitude": -73.9855, "time": "2012-10-05T19:00"},
    "/admin/swap": {"model": "place_generator", "checkpoint": "runs/demo/place_generator"},
    "/admin/rollback": {"model": "place_generator"},
}


def reference_page(openapi: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        openapi: The description of all routes.
    """
    info = openapi["info"]
    parts = [
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
        f"<p>{escape(info.get('description', ''))} The same for programs: <a href='openapi.json'>openapi.json</a>.</p>",
    ]
    for path, methods in openapi["paths"].items():
        for method, route in methods.items():
            parts += section(path, method, route)
    parts.append("<h1>Bodies</h1>")
    for name, schema in openapi["components"]["schemas"].items():
        parts += body(name, schema)
    head = "<meta charset='utf-8'><meta name='viewport' content='width=device-width'><title>lgsid</title>"
    return (
        f"<!doctype html><html lang='en'><head>{head}<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def section(path: str, method: str, route: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part of one route."""
    yield f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(route.get('description', ''))}</p>"
    example = EXAMPLES.get(path)
    if example is not None:
        data = json.dumps(example).replace("'", "'\\''")
        line = f"curl localhost:8000{path} -H 'Content-Type: application/json' -d '{data}'"
        yield f"<pre>{escape(line)}</pre>"
    for parameter in route.get("parameters", []):
        yield f"<p>Parameter <code>{escape(parameter['name'])}</code>: {kind(parameter['schema'])}</p>"
    sent = content(route.get("requestBody", {}))
    if sent:
        yield f"<p>Body: {sent}</p>"
    answers = [
        f"<tr><td>{escape(status)}</td><td>{content(answer)}</td><td>{escape(answer['description'])}</td></tr>"
        for status, answer in sorted(route["responses"].items())
    ]
    yield f"<table><tr><th>Status</th><th>Answer</th><th></th></tr>{''.join(answers)}</table>"


def content(part: Mapping[str, Any]) -> str:
    """Return what a request or an answer holds."""
    schemas = [kind(held["schema"]) for held in part.get("content", {}).values() if held.get("schema")]
    return ", ".join(schemas)


def body(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part of one body."""
    yield f"<h2 id='{escape(name)}'><code>{escape(name)}</code></h2><p>{escape(schema.get('description', ''))}</p>"
    required = schema.get("required", [])
    rows = []
    for field, found in schema.get("properties", {}).items():
        default = "" if field in required or "default" not in found else json.dumps(found["default"])
        must = "required" if field in required else escape(default)
        rows.append(
            f"<tr><td><code>{escape(field)}</code></td><td>{kind(found)}</td><td>{must}</td>"
            f"<td>{escape(found.get('description', ''))}</td></tr>"
        )
    yield f"<table><tr><th>Field</th><th>Type</th><th>Default</th><th></th></tr>{''.join(rows)}</table>"


def kind(schema: Mapping[str, Any]) -> str:
    """Return the type of a value, as HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href='#{name}'>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(kind(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(escape(json.dumps(value)) for value in schema["enum"])
    if "prefixItems" in schema:
        return f"[{', '.join(kind(held) for held in schema['prefixItems'])}]"
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items', {}))}"
    limits = [
        f"{sign} {schema[key]:g}"
        for key, sign in (("minimum", "≥"), ("maximum", "≤"), ("exclusiveMinimum", ">"))
        if key in schema
    ]
    return escape(" ".join([str(schema.get("type", "anything")), *limits]))
