"""What an address means: a repository of the hub, one of its files, a file elsewhere, or nothing that is fetched. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit

from sidecar.errors import InvalidRequest
from sidecar.hub.safety import bad_name

HUBS = ("huggingface.co", "www.huggingface.co", "hf.co")
OLLAMA = ("ollama.com", "www.ollama.com", "registry.ollama.ai")
GGUF = ".gguf"
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_VARIANT = re.compile(r"[\w.-]+", re.ASCII)
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+", re.ASCII)
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})(?=\.gguf$)")


@dataclass(frozen=True)
class OnHub:
    """A repository, or with `files` exactly those of it."""

    repository: str
    revision: str = "main"
    variant: str | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Elsewhere:
    """One GGUF file on another server."""

    url: str
    file: str


def understood(text: str, hub: str) -> OnHub | Elsewhere:
    """What `text` stands for; `hub` is the address of the hub in use. Raises InvalidRequest that says what can be given."""
    text = text.strip()
    parts, home = _split(text if "://" in text else f"https://{text}"), urlsplit(hub)
    if parts.hostname in OLLAMA or _is_ollama_name(text):
        raise _refused(
            f"{text} looks like a name in Ollama's own registry, which is not asked here; look for the model on the hub with"
            " 'inglenook search', or import Ollama's store where it has it already"
        )
    if parts.hostname in HUBS or (parts.scheme, parts.netloc) == (home.scheme, home.netloc):
        return _on_hub(text, [unquote(part) for part in parts.path.split("/") if part])
    if "://" not in text:
        return _on_hub(text, text.split("/"))
    return _elsewhere(parts)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise _refused(f"{url} is not an address ({error})") from None


def _is_ollama_name(text: str) -> bool:
    """`llama3.2` or `llama3.2:1b`: repositories of the hub that can be fetched have an owner."""
    return "/" not in text


def _on_hub(text: str, path: list[str]) -> OnHub:
    repository, _, variant = "/".join(path[:2]).partition(":")
    if not _REPOSITORY.fullmatch(repository) or ".." in repository or (variant and not _VARIANT.fullmatch(variant)):
        raise _refused(f"{text} names no repository like org/name")
    match path[2:]:
        case []:
            return OnHub(repository, variant=variant or None)
        case ["tree", revision]:
            return OnHub(repository, revision)
        case ["blob" | "resolve" | "raw", revision, *file] if file:
            return OnHub(repository, revision, files=_files(text, "/".join(file)))
    raise _refused(f"{text} is neither a repository nor a file in one")


def _files(text: str, file: str) -> tuple[str, ...]:
    """The file, or all its shards; none for what belongs to a model that is more than one file."""
    if file.lower().endswith(GGUF):
        if shard := _SHARD.search(file):
            count = int(shard[2])
            return tuple(_SHARD.sub(f"-{n:05}-of-{count:05}", file) for n in range(1, min(count, 999) + 1))
        return (file,)
    raise _refused(f"{text} is one file of a model; give the address of its repository, or of a GGUF file")


def _elsewhere(parts: SplitResult) -> Elsewhere:
    url = parts.geturl()
    name = PurePosixPath(unquote(parts.path)).name
    if not _has_sound_host(parts):
        raise _refused(f"{url} is not an address")
    if parts.username or parts.password:
        raise _refused("an address with a name or password in it is not fetched")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        raise _refused(f"{url} is not fetched: only https addresses are, and http ones of this machine")
    if not name.lower().endswith(GGUF) or bad_name(name):
        raise _refused(f"{url} is not the address of a GGUF file; other models come from the hub by their repository")
    if _SHARD.search(name):
        raise _refused(f"{url} is one of several parts of a model; fetch all of them and import their folder")
    return Elsewhere(url, name)


def _has_sound_host(parts: SplitResult) -> bool:
    try:
        return bool(_HOST.fullmatch(parts.hostname or "")) and parts.port != 0
    except ValueError:  # of the port
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(reason: str) -> InvalidRequest:
    return InvalidRequest(reason=f"url: {reason}")
