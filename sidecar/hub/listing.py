"""What the hub tells of repositories: one of them at a commit, and those that match a search.

Names and texts come from strangers: they are passed on as data, and judged in `safety`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from msgspec import Struct

from sidecar.errors import HubRefused, InvalidRequest
from sidecar.hub.connection import HubConnection
from sidecar.hub.faults import refused
from sidecar.types import RemoteFile

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

Access = Literal["open", "needs_token", "needs_acceptance"]
MAX_TEXT_BYTES = 1 << 20
LONGEST_NAME = 200
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)


class Repository(Struct, frozen=True):
    """A repository as the hub told it at `read_at` (Unix seconds). `revision` is what was asked, `commit` what it stands for.

    `config`: the few keys of config.json that the hub repeats. `elements`: parameters per data type, of safetensors.
    Search results have no files and no commit that can be relied on.
    """

    id: str
    revision: str
    commit: str
    read_at: float
    files: list[RemoteFile] = []
    licence: str | None = None
    gated: bool = False
    private: bool = False
    task: str | None = None
    library: str | None = None
    tags: list[str] = []
    downloads: int | None = None
    likes: int | None = None
    config: dict[str, Any] = {}
    elements: dict[str, int] = {}

    @property
    def parameters(self) -> int | None:
        return sum(self.elements.values()) or None

    def file(self, path: str) -> RemoteFile | None:
        return next((file for file in self.files if file.path == path), None)


class Listing:
    """Questions to the hub. Every method raises Offline, NetworkUnavailable, HubRefused, RepositoryNotFound."""

    def __init__(self, connection: HubConnection) -> None:
        self._connection = connection

    def repository(self, repository: str, revision: str = "main") -> Repository:
        """One repository with its files. Raises InvalidRequest for what cannot be a repository's name."""
        _check_name(repository)
        with self._connection.purpose(f"the files of {repository}"):
            path = f"models/{repository}/revision/{quote(revision, safe='')}"
            return _repository(self._connection.ask(path, blobs=True), revision)

    def search(
        self,
        text: str = "",
        *,
        task: str | None = None,
        library: str | None = None,
        licence: str | None = None,
        gated: bool | None = None,
        limit: int = 50,
    ) -> list[Repository]:
        """The most downloaded that match; `task` is the hub's word for it, such as text-generation."""
        tags = [tag for tag in (library, f"license:{licence}" if licence else None) if tag]
        with self._connection.purpose(f"a search for {text!r}"):
            found = self._connection.ask(
                "models", search=text or None, pipeline_tag=task, filter=tags or None, gated=gated, limit=limit,
                sort="downloads", full=True,
            )  # fmt: skip
        return [_repository(told, "main") for told in found]

    def access(self, repository: Repository) -> Access:
        """Whether its files may be fetched with the token there is."""
        if not repository.gated:
            return "open"
        if not self._connection.tokens.get():
            return "needs_token"
        try:
            with self._connection.purpose(f"whether {repository.id} may be fetched"):
                self._connection.ask(f"models/{repository.id}/auth-check")
        except HubRefused as error:
            if error.details.get("status") not in {401, 403}:
                raise
            return "needs_acceptance"
        return "open"

    def access_url(self, repository: str) -> str:
        """The page where its licence is accepted."""
        return f"{self._connection.endpoint}/{repository}"

    def text(self, repository: Repository, path: str) -> str:
        """A small text file of it, such as the model card; empty when it has none. Raises InvalidRequest for a large one."""
        file = repository.file(path)
        if file is None:
            return ""
        if file.bytes > MAX_TEXT_BYTES:
            raise InvalidRequest(reason=f"{path} of {repository.id} is too large to be shown")
        url = self._connection.file_url(repository.id, repository.commit, path)
        with self._connection.purpose(f"{path} of {repository.id}"), self._connection.open(url, {}) as response:
            if response.status_code != 200:
                raise refused(self._connection.host, response)
            return b"".join(response.iter_bytes())[:MAX_TEXT_BYTES].decode("utf-8", "replace")

    def user(self) -> str | None:
        """The name of the token's owner; None without a token."""
        if not self._connection.tokens.get():
            return None
        with self._connection.purpose("whose token it is"):
            return str(self._connection.ask("whoami-v2")["name"])


def _check_name(repository: str) -> None:
    if not _NAME.fullmatch(repository) or ".." in repository or len(repository) > LONGEST_NAME:
        raise InvalidRequest(reason=f"a repository is named like org/name, not {repository[:LONGEST_NAME]!r}")


def _repository(told: dict[str, Any], revision: str) -> Repository:
    """The API's JSON, read by the library. Raises HubRefused for what is no such thing."""
    from huggingface_hub.hf_api import ModelInfo

    read: Callable[..., ModelInfo] = ModelInfo
    try:
        return _from_library(read(**told), revision)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"it describes a repository in an unknown way ({error})."
        raise HubRefused(host="the hub", answer="strangely", reason=reason) from error


def _from_library(info: ModelInfo, revision: str) -> Repository:
    card: dict[str, Any] = dict(vars(info.card_data)) if info.card_data else {}
    return Repository(
        id=info.id,
        revision=revision,
        commit=info.sha or "",
        read_at=time.time(),
        files=[_file(sibling) for sibling in info.siblings or []],
        licence=_licence(card, info.tags or []),
        gated=bool(info.gated),
        private=bool(info.private),
        task=info.pipeline_tag,
        library=info.library_name,
        tags=list(info.tags or []),
        downloads=info.downloads,
        likes=info.likes,
        config=info.config or {},
        elements=dict(info.safetensors.parameters) if info.safetensors else {},
    )


def _file(sibling: Any) -> RemoteFile:
    sha256 = sibling.lfs.sha256 if sibling.lfs else None
    size = sibling.lfs.size if sibling.lfs else sibling.size
    return RemoteFile(sibling.rfilename, size or 0, sha256, None if sha256 else sibling.blob_id)


def _licence(card: dict[str, Any], tags: list[str]) -> str | None:
    if isinstance(name := card.get("license"), str):
        return name
    return next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), None)
