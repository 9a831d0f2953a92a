"""What the hub tells, remembered on disk: searches and repositories, so that what was seen once is there without a network.

It asks in threads. What it reads is only data: what is made of it stands in `repositories`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from sidecar import decoding
from sidecar.errors import HubFault, InglenookError
from sidecar.hub.listing import Access, Listing, Repository
from sidecar.registry.shape import with_family

log = logging.getLogger(__name__)

SEARCH_FRESH_SECONDS = 600.0
REPOSITORY_FRESH_SECONDS = 3600.0
KEPT_FILES = 500
T = TypeVar("T")


class Snapshot(Struct, frozen=True):
    """A repository with the texts that are shown or read of it. `config`: all of its config.json, empty without one.
    `parameters`: where the hub does not count them."""

    repository: Repository
    card: str = ""
    config: dict[str, Any] = {}
    access: Access = "open"
    access_url: str | None = None
    parameters: int | None = None


class Found(Struct, frozen=True):
    """The result of a search."""

    repositories: list[Repository]
    read_at: float


class Answer(Struct, frozen=True):
    """What was asked for, and why it is not fresh: None when the hub has just told it, or lately enough."""

    found: Any
    problem: InglenookError | None = None


class Remote:
    """`folder` holds what was told; all of it can be told again."""

    def __init__(self, listing: Listing, folder: Path) -> None:
        self._listing = listing
        self._folder = folder

    async def search(self, text: str, task: str | None, library: str | None, licence: str | None,
                     gated: bool | None, limit: int) -> Answer:  # fmt: skip
        """A `Found`, from the hub or as it was last told. Raises HubFault when neither can be had."""
        asked = json.dumps([text.casefold(), task, library, licence, gated, limit])

        def ask() -> Found:
            found = self._listing.search(text, task=task, library=library, licence=licence, gated=gated, limit=limit)
            return Found(found, time.time())

        return await self._answer("search", asked, Found, lambda kept: kept.read_at, SEARCH_FRESH_SECONDS, ask)

    async def repository(self, repository: str, revision: str, *, fresh: bool = False) -> Answer:
        """A `Snapshot`, from the hub or as it was last told; with `fresh` from the hub if it can be asked.

        Raises RepositoryNotFound, InvalidRequest; HubFault when it was never told and cannot be asked for.
        """
        return await self._answer(
            "repository",
            f"{repository}@{revision}",
            Snapshot,
            lambda kept: kept.repository.read_at,
            0.0 if fresh else REPOSITORY_FRESH_SECONDS,
            lambda: self._snapshot(repository, revision),
        )

    async def _answer(
        self, kind: str, asked: str, shape: type[T], read_at: Callable[[T], float], fresh: float, ask: Callable[[], T]
    ) -> Answer:
        file = self._folder / f"{kind}-{hashlib.sha256(asked.encode()).hexdigest()[:32]}.json"
        kept = await asyncio.to_thread(_kept, file, shape)
        if kept is not None and time.time() - read_at(kept) < fresh:
            return Answer(kept)
        try:
            told = await asyncio.to_thread(ask)
        except HubFault as error:
            if kept is None:
                raise
            return Answer(kept, error)
        await asyncio.to_thread(_keep, file, told)
        return Answer(told)

    def _snapshot(self, name: str, revision: str) -> Snapshot:
        repository = self._listing.repository(name, revision)
        return Snapshot(
            repository=repository,
            card=_without_head(self._text(repository, "README.md")),
            config=with_family(_object(self._text(repository, "config.json"))),
            access=self._listing.access(repository),
            access_url=self._listing.access_url(repository.id) if repository.gated else None,
        )

    def _text(self, repository: Repository, path: str) -> str:
        """Empty where it is not shown to us, such as the files of a gated model."""
        try:
            return self._listing.text(repository, path)
        except InglenookError as error:
            log.info("%s of %s was not read: %s", path, repository.id, error.message)
            return ""


def _without_head(card: str) -> str:
    """A card without the table of metadata that stands before its text."""
    return card[4:].partition("\n---\n")[2].lstrip() if card.startswith("---\n") else card


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _kept(file: Path, shape: type[T]) -> T | None:
    """What was kept; None without it, or when it is damaged or of another release."""
    try:
        return decoding.from_json(file.read_bytes(), shape)
    except (OSError, msgspec.MsgspecError):
        return None


def _keep(file: Path, told: Any) -> None:
    """Whole or not at all. A full or read-only disk costs only the memory of it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(told))
        draft.replace(file)
        _forget_oldest(file.parent)
    except OSError as error:
        log.warning("what the hub told could not be kept: %s", error)


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
    for file in files[: max(0, len(files) - KEPT_FILES)]:
        file.unlink(missing_ok=True)
