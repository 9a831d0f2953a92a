"""The OpenAPI 3.1 document, made from the table of routes and the types it names. Pure: it serves nothing."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from sidecar import __version__, errors
from sidecar.routes.call import Route
from sidecar.types import ErrorResponse

REFERENCE = "#/components/schemas/{name}"
# What any route may answer before its handler is reached, and while the service stops.
ALWAYS = (errors.InvalidRequest, errors.HostNotAllowed, errors.OriginNotAllowed, errors.NotReady, errors.InternalError)
WITH_KEY = (errors.Unauthorized,)
WITH_BODY = (errors.BodyTooLarge, errors.UnsupportedMediaType)
PATH_PARAMETERS = {
    "model_id": "The model's id; a slash in it may be percent-encoded or not.",
    "job_id": "The job's id.",
    "trash_id": "What the removal answered.",
    "key": "The short name of a small model.",
}


def document(routes: list[Route], url: str = "/") -> dict[str, Any]:
    """The whole document, as values that JSON can hold."""
    schemas, components = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Inglenook",
            "version": __version__,
            "description": "AI models on this machine, lent to its applications.",
        },
        "servers": [{"url": url}],
        "security": [{"bearer": []}, {"apiKey": []}],
        "tags": [{"name": name} for name in dict.fromkeys(route.group for route in routes)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


def possible_errors(route: Route) -> list[type[errors.InglenookError]]:
    """Every error that a route documents, by status and then by code."""
    found = {*ALWAYS, *route.errors, *(() if route.public else WITH_KEY), *(WITH_BODY if route.body else ())}
    return sorted(found, key=lambda error: (error.status, error.code))


def _schemas(routes: list[Route]) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    types: list[Any] = [ErrorResponse]
    for route in routes:
        types += [*route.answers, *filter(None, (route.body, route.events))]
    unique = list(dict.fromkeys(types))
    found, components = msgspec.json.schema_components(unique, ref_template=REFERENCE)
    return dict(zip(unique, found, strict=True)), components


def _operation(route: Route, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "tags": [route.group],
        "parameters": _path_parameters(route) + _query_parameters(route.query),
        "responses": {"200": _success(route, schemas)} | _failures(route, schemas),
    }
    if route.body:
        content = {"application/json": {"schema": schemas[route.body]}}
        operation["requestBody"] = {"required": not route.may_be_empty, "content": content}
    if route.public:
        operation["security"] = []
    return operation


def _success(route: Route, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if route.answers:
        shapes = [schemas[answer] for answer in route.answers]
        content[route.media_type] = {"schema": shapes[0] if len(shapes) == 1 else {"anyOf": shapes}}
    if route.events:
        content["text/event-stream"] = {"schema": schemas[route.events]}
    return {"description": route.summary, "content": content}


def _failures(route: Route, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    by_status: dict[str, list[str]] = {}
    for error in possible_errors(route):
        by_status.setdefault(str(error.status), []).append(error.code)
    content = {"application/json": {"schema": schemas[ErrorResponse]}}
    return {status: {"description": ", ".join(codes), "content": content} for status, codes in by_status.items()}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "description": about, "schema": {"type": "string"}}
        for name, about in PATH_PARAMETERS.items()
        if f"{{{name}}}" in route.path
    ]


def _query_parameters(query: type[Struct] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    schema = msgspec.json.schema(query)["$defs"][query.__name__]["properties"]
    return [
        {"name": field.name, "in": "query", "required": field.required, "schema": schema[field.name]}
        for field in msgspec.structs.fields(query)
    ]
