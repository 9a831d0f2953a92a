"""The API's description says exactly what the code does: a route, a type or a setting without words fails here."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import aiohttp
import msgspec
import pytest

from sidecar.openapi import document
from sidecar.routes.table import ROUTES
from tests.helpers.service import RunningService


async def get(service: RunningService, path: str) -> tuple[str, bytes]:
    async with aiohttp.ClientSession(headers=service.headers) as session, session.get(service.url + path) as answer:
        assert answer.status == 200
        return answer.content_type, await answer.read()


async def test_the_served_document_is_the_table_s(service: RunningService) -> None:
    kind, content = await get(service, "/openapi.json")
    assert kind == "application/json"
    assert msgspec.json.decode(content) == msgspec.to_builtins(document(ROUTES))


async def test_every_route_is_in_the_document_and_in_the_reference(service: RunningService) -> None:
    _, page = await get(service, "/docs")
    paths = document(ROUTES)["paths"]
    for route in ROUTES:
        assert route.method.lower() in paths[route.path]
        assert f"<code>{route.method} {route.path}</code>" in page.decode()


def test_every_route_has_words_and_a_name_of_its_own() -> None:
    assert all(route.summary.endswith(".") for route in ROUTES)
    names = [operation["operationId"] for path in document(ROUTES)["paths"].values() for operation in path.values()]
    assert len(set(names)) == len(names)


def test_every_body_and_answer_has_a_schema() -> None:
    components = document(ROUTES)["components"]["schemas"]
    for reference in references(document(ROUTES)):
        assert reference.removeprefix("#/components/schemas/") in components


def test_every_query_parameter_is_described_once() -> None:
    for path in document(ROUTES)["paths"].values():
        for operation in path.values():
            names = [parameter["name"] for parameter in operation["parameters"]]
            assert len(set(names)) == len(names)


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [found for child in value.values() for found in references(child)]
    return [found for child in value for found in references(child)] if isinstance(value, list) else []


class Assets(HTMLParser):
    """Whatever a page would fetch, and the places its links lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids |= {given["id"] or ""} if "id" in given else set()
        if tag == "a":
            self.links.append(given.get("href") or "")
        elif tag in {"script", "link", "img", "iframe"} or "src" in given:
            self.fetched.append(tag)


async def test_the_reference_fetches_nothing_and_its_links_lead_somewhere(service: RunningService) -> None:
    kind, content = await get(service, "/docs")
    page = Assets()
    page.feed(content.decode())
    assert kind == "text/html"
    assert page.fetched == []
    assert not re.search(rb"url\(|@import", content)
    assert all(link == "openapi.json" or link.removeprefix("#") in page.ids for link in page.links)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_the_errors_a_route_documents_are_errors_it_can_name(route: Any) -> None:
    responses = document(ROUTES)["paths"][route.path][route.method.lower()]["responses"]
    assert {"200", "400", "403", "500", "503"} <= responses.keys()
    assert ("401" in responses) is not route.public
