"""The API's description of itself: `/openapi.json`, and `/docs` for people. Both are made once, from the table."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import msgspec
from aiohttp import web

from sidecar import __version__
from sidecar.openapi import document, possible_errors
from sidecar.routes.call import Answer, Call, Handler, Route

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 58rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 0.875rem/1.45 ui-monospace, monospace }
section { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: 1rem 0 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 1rem 0.25rem 0 }
h3 { margin: 0 } h3 code { font-size: 1rem }
summary { cursor: pointer }
small { opacity: 0.75 }
"""


def routes_of(described: list[Route]) -> list[Route]:
    """The two routes that describe `described` and themselves."""
    own: list[Route] = []
    own += [
        Route(
            "GET",
            "/openapi.json",
            _openapi(described, own),
            "Service",
            "This API as an OpenAPI document.",
            (dict[str, Any],),
        ),
        Route(
            "GET",
            "/docs",
            _docs(described, own),
            "Service",
            "This API for people to read.",
            (str,),
            media_type="text/html",
        ),
    ]
    return own


def _openapi(described: list[Route], own: list[Route]) -> Handler:
    made: list[bytes] = []

    async def openapi(call: Call) -> Answer:
        if not made:
            made.append(msgspec.json.encode(document(described + own)))
        return web.Response(body=made[0], content_type="application/json")

    return openapi


def _docs(described: list[Route], own: list[Route]) -> Handler:
    made: list[str] = []

    async def docs(call: Call) -> Answer:
        if not made:
            made.append(page(described + own))
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return web.Response(text=made[0], content_type="text/html", headers=headers)

    return docs


def page(routes: list[Route]) -> str:
    """The reference as one self-contained HTML page."""
    whole = document(routes)
    sections = [_section(route, whole["paths"][route.path][route.method.lower()]) for route in routes]
    schemas = [_schema(name, schema) for name, schema in sorted(whole["components"]["schemas"].items())]
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Inglenook API</title><style>{STYLE}</style>"
        f"<h1>Inglenook API</h1><p>Version {__version__}. Send a key as <code>Authorization: Bearer KEY</code> or"
        f" <code>x-api-key: KEY</code>; the owner's is in the discovery file. The same as a document for programs:"
        f" <a href='openapi.json'>openapi.json</a>.</p>{''.join(sections)}<h2>Types</h2>{''.join(schemas)}</html>"
    )


def _section(route: Route, operation: dict[str, Any]) -> str:
    parts = [f"<section><h3><code>{route.method} {html.escape(route.path)}</code></h3><p>{_prose(route.summary)}</p>"]
    parts += _table(
        "Parameters", ((p["name"], _shape(p["schema"]), p.get("description", "")) for p in operation["parameters"])
    )
    if route.body:
        parts.append(f"<p>Body: {_link(route.body.__name__)}</p>")
    parts += [f"<p>Answer: {_shape(body['schema'])} <small>{kind}</small></p>" for kind, body in _content(operation)]
    errors = (
        (str(error.status), f"<code>{error.code}</code>", _prose(error.template)) for error in possible_errors(route)
    )
    parts += ["<details><summary>Errors</summary>", *_table("", errors), "</details></section>"]
    return "".join(parts)


def _content(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from operation["responses"]["200"]["content"].items()


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = (
        (key, _shape(shape), ("Required. " if key in required else "") + _prose(shape.get("description", "")))
        for key, shape in schema.get("properties", {}).items()
    )
    about = _prose(schema.get("description", ""))
    return f"<section id='{name}'><h3><code>{name}</code></h3><p>{about}</p>{''.join(_table('', rows))}</section>"


def _table(title: str, rows: Iterator[tuple[str, str, str]]) -> list[str]:
    cells = [f"<tr><td><code>{html.escape(a)}</code></td><td>{b}</td><td>{c}</td></tr>" for a, b, c in rows]
    return [f"<h4>{title}</h4>" if title else "", "<table>", *cells, "</table>"] if cells else []


def _shape(schema: dict[str, Any]) -> str:
    """A schema in one line, its named types as links."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_shape(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{html.escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return "list of " + _shape(schema.get("items", {}))
    return html.escape(str(schema.get("type", "any value")))


def _link(name: str) -> str:
    return f"<a href='#{name}'>{name}</a>"


def _prose(text: str) -> str:
    """Escaped, with `words in backticks` as code."""
    pieces = html.escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))
