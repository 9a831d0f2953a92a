"""A hub of models in this process: it speaks what the real client asks, and misbehaves on command.

Two servers run in one thread: the hub, and a store of large files on another port that the hub redirects to. Every
request and every byte of a body is counted. A `Fault` is used up by the next request for its file.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import ssl
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

CHUNK = 64 << 10
LARGE = (".safetensors", ".gguf", ".bin")
GIGABYTES_OF_ZEROS = 2 << 30
HASH_OF_ZEROS = "a7c744c13cc101ed66c29f672f92455547889cc586ce6d44fe76ae824958ea51"
HEADER = b'{"weight":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (GIGABYTES_OF_ZEROS, GIGABYTES_OF_ZEROS)
HASH_WITH_HEADER = "f31dfb2679eed6f50d238871094c11642c87c383a081db15285cf5848aeb221e"

Kind = Literal["cut", "stall", "throttle", "truncate", "wrong_bytes", "too_long", "status", "redirect", "whole"]


@dataclass
class Fault:
    """What goes wrong, `times` times. `after`: bytes of the body that are served before; `rate`: bytes a second."""

    kind: Kind
    after: int = 0
    status: int = 0
    retry_after: str = ""
    rate: int = 0
    target: str = ""
    times: int = 1


@dataclass
class Blob:
    """A file. Without `content` it is zeros after its `head`."""

    content: bytes | None
    size: int
    sha256: str
    git_id: str
    large: bool
    head: bytes = b""

    @classmethod
    def of(cls, path: str, content: bytes) -> Blob:
        git_id = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        return cls(content, len(content), hashlib.sha256(content).hexdigest(), git_id, path.endswith(LARGE))

    @classmethod
    def zeros(cls) -> Blob:
        return cls(None, GIGABYTES_OF_ZEROS, HASH_OF_ZEROS, "0" * 40, True)

    @classmethod
    def of_zeros_with_a_header(cls) -> Blob:
        """Weights in one file of more than two gigabytes."""
        head = len(HEADER).to_bytes(8, "little") + HEADER
        return cls(None, len(head) + GIGABYTES_OF_ZEROS, HASH_WITH_HEADER, "0" * 40, True, head)

    @property
    def etag(self) -> str:
        return self.sha256 if self.large else self.git_id

    def part(self, start: int, end: int) -> bytes:
        return self.head[start:end].ljust(end - start, b"\0") if self.content is None else self.content[start:end]


@dataclass
class Repo:
    """One repository. `accepted`: the tokens of those who accepted its licence."""

    files: dict[str, Blob]
    commit: str
    gated: Literal[False, "auto", "manual"] = False
    private: bool = False
    accepted: set[str] = field(default_factory=set)
    info: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """One request, as it came: `server` is "hub" or "store"."""

    server: str
    method: str
    path: str
    range: str | None
    authorization: str | None
    host: str


class HubServer:
    """Made by `hub_server`. `tokens` maps each valid token to its user."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.tokens: dict[str, str] = {}
        self.seen: list[Seen] = []
        self.served: Counter[str] = Counter()
        self.url = self.store_url = ""
        self.rate = 0  # bytes a second of every body; 0 does not limit
        self._faults: dict[str, list[Fault]] = {}
        self._ended = asyncio.Event()

    def add(self, repo_id: str, files: Mapping[str, bytes | Blob], **fields: Any) -> Repo:
        """A repository with these files; its commit follows from them."""
        blobs = {path: it if isinstance(it, Blob) else Blob.of(path, it) for path, it in files.items()}
        told = "".join(f"{path}{blob.sha256}" for path, blob in blobs.items())
        commit = hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()
        self.repos[repo_id] = Repo(blobs, commit, **fields)
        return self.repos[repo_id]

    def fail(self, path: str, *faults: Fault) -> None:
        """The next requests for the file `path` of any repository go wrong; `api` names the listings."""
        self._faults.setdefault(path, []).extend(faults)

    def mend(self) -> None:
        """Nothing goes wrong from here on."""
        self._faults.clear()

    def requests(self, path: str = "") -> list[Seen]:
        """The requests whose path ends in `path`."""
        return [seen for seen in self.seen if seen.path.endswith(path)]

    # ---- both servers -----------------------------------------------------------------------------------------------

    def hub_app(self) -> web.Application:
        app = web.Application(middlewares=[self._noting("hub")])
        model = "/api/models/{org}/{name}"
        app.router.add_get(f"{model}/revision/{{revision}}", self._info)
        app.router.add_get(f"{model}/auth-check", self._auth_check)
        app.router.add_get(model, self._info)
        app.router.add_get("/api/models", self._search)
        app.router.add_get("/api/whoami-v2", self._whoami)
        app.router.add_get("/{org}/{name}/resolve/{revision}/{path:.+}", self._resolve)
        return app

    def store_app(self) -> web.Application:
        app = web.Application(middlewares=[self._noting("store")])
        app.router.add_get("/blobs/{org}/{name}/{path:.+}", self._from_store)
        return app

    def _noting(self, server: str) -> Any:
        @web.middleware
        async def noting(request: web.Request, handler: Any) -> web.StreamResponse:
            headers = request.headers
            self.seen.append(
                Seen(server, request.method, request.path, headers.get("Range"), headers.get("Authorization"), request.host)
            )  # fmt: skip
            answer: web.StreamResponse = await handler(request)
            return answer

        return noting

    # ---- the hub ----------------------------------------------------------------------------------------------------

    async def _info(self, request: web.Request) -> web.Response:
        if (fault := self._fault("api")) is not None:
            return _status(fault)
        repo_id, repo = self._repo(request)
        revision = request.match_info.get("revision", "main")
        if revision not in {"main", repo.commit}:
            raise _refusal(404, "RevisionNotFound")
        return web.json_response(self._told(repo_id, repo, files="blobs" in request.query))

    def _told(self, repo_id: str, repo: Repo, *, files: bool) -> dict[str, Any]:
        told: dict[str, Any] = {"id": repo_id, "modelId": repo_id, "sha": repo.commit, "private": repo.private}
        told |= {"gated": repo.gated, "downloads": 7, "likes": 1, "tags": ["license:apache-2.0"], **repo.info}
        if files:
            told["siblings"] = [_sibling(path, blob) for path, blob in repo.files.items()]
        return told

    async def _auth_check(self, request: web.Request) -> web.Response:
        _, repo = self._repo(request)
        self._check_access(request, repo)
        return web.json_response({})

    async def _search(self, request: web.Request) -> web.Response:
        if (fault := self._fault("api")) is not None:
            return _status(fault)
        words = request.query.get("search", "").lower()
        task = request.query.get("pipeline_tag")
        found = [
            self._told(repo_id, repo, files=False)
            for repo_id, repo in self.repos.items()
            if words in repo_id.lower() and (task is None or repo.info.get("pipeline_tag") == task)
        ]
        return web.json_response(found[: int(request.query.get("limit", 100))])

    async def _whoami(self, request: web.Request) -> web.Response:
        user = self.tokens.get(_token(request))
        if user is None:
            raise _refusal(401, "", "Invalid credentials in Authorization header")
        return web.json_response({"type": "user", "name": user, "auth": {"type": "access_token"}})

    async def _resolve(self, request: web.Request) -> web.StreamResponse:
        repo_id, repo = self._repo(request)
        self._check_access(request, repo)
        path = request.match_info["path"]
        blob = repo.files.get(path)
        if blob is None or request.match_info["revision"] not in {"main", repo.commit}:
            raise _refusal(404, "EntryNotFound")
        fault = self._peek(path)
        if fault is not None and fault.kind == "redirect":
            self._fault(path)
            raise web.HTTPFound(fault.target)
        if blob.large:
            headers = {"X-Repo-Commit": repo.commit, "X-Linked-Size": str(blob.size), "X-Linked-Etag": f'"{blob.etag}"'}
            raise web.HTTPFound(f"{self.store_url}/blobs/{repo_id}/{path}", headers=headers)
        return await self._serve(request, path, blob)

    async def _from_store(self, request: web.Request) -> web.StreamResponse:
        repo = self.repos[f"{request.match_info['org']}/{request.match_info['name']}"]
        path = request.match_info["path"]
        return await self._serve(request, path, repo.files[path])

    def _repo(self, request: web.Request) -> tuple[str, Repo]:
        repo_id = f"{request.match_info['org']}/{request.match_info['name']}"
        repo = self.repos.get(repo_id)
        if repo is None or (repo.private and _token(request) not in self.tokens):
            raise _refusal(401, "RepoNotFound")
        return repo_id, repo

    def _check_access(self, request: web.Request, repo: Repo) -> None:
        if repo.gated and _token(request) not in repo.accepted:
            raise _refusal(403 if _token(request) in self.tokens else 401, "GatedRepo")

    # ---- files ------------------------------------------------------------------------------------------------------

    async def _serve(self, request: web.Request, path: str, blob: Blob) -> web.StreamResponse:
        fault = self._fault(path) or Fault("throttle", rate=self.rate)
        if fault.kind == "status":
            return _status(fault)
        start, end = _range(request, blob.size) if fault.kind != "whole" else (0, blob.size)
        if start >= blob.size > 0:
            raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{blob.size}"})
        partly = (start, end) != (0, blob.size)
        length = _length(fault, end - start)
        response = web.StreamResponse(status=206 if partly else 200, headers={"ETag": f'"{blob.etag}"'})
        response.content_length = length
        if partly:
            response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{blob.size}"
        await response.prepare(request)
        await self._write(request, response, path, _content(blob, start, length, fault), fault)
        return response

    async def _write(
        self, request: web.Request, response: web.StreamResponse, path: str, content: Iterator[bytes], fault: Fault
    ) -> None:
        sent = 0
        for piece in content:
            if fault.kind in {"cut", "stall"} and sent + len(piece) >= fault.after:
                await self._send(response, path, piece[: fault.after - sent])
                await self._leave(request, fault)
                return
            await self._send(response, path, piece)
            sent += len(piece)
            if fault.rate:
                await asyncio.sleep(len(piece) / fault.rate)
        await response.write_eof()

    async def _send(self, response: web.StreamResponse, path: str, piece: bytes) -> None:
        self.served[path] += len(piece)  # before it leaves: who has received it may look here at once
        await response.write(piece)

    async def _leave(self, request: web.Request, fault: Fault) -> None:
        if fault.kind == "stall":
            await self._ended.wait()
        elif request.transport is not None:
            request.transport.close()

    def _peek(self, path: str) -> Fault | None:
        waiting = self._faults.get(path)
        return waiting[0] if waiting else None

    def _fault(self, path: str) -> Fault | None:
        fault = self._peek(path)
        if fault is not None:
            fault.times -= 1
            if fault.times == 0:
                self._faults[path].pop(0)
        return fault

    # ---- its life ---------------------------------------------------------------------------------------------------

    async def run(self, ready: threading.Event, stop: asyncio.Event, tls: ssl.SSLContext | None) -> None:
        self._ended = asyncio.Event()
        hub, self.url = await _listen(self.hub_app(), tls)
        store, self.store_url = await _listen(self.store_app(), tls)
        ready.set()
        await stop.wait()
        self._ended.set()
        await _close(hub)
        await _close(store)


@contextmanager
def hub_server(tls: ssl.SSLContext | None = None) -> Iterator[HubServer]:
    """A hub that answers within the block; with `tls`, over https and under the name localhost."""
    server, ready, loop = HubServer(), threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=_run, args=(loop, server, ready, stop, tls), name="hub")
    thread.start()
    ready.wait(30)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def _run(
    loop: asyncio.AbstractEventLoop,
    server: HubServer,
    ready: threading.Event,
    stop: asyncio.Event,
    tls: ssl.SSLContext | None,
) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(server.run(ready, stop, tls))


async def _listen(app: web.Application, tls: ssl.SSLContext | None) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    address = "https://localhost" if tls else "http://127.0.0.1"
    return runner, f"{address}:{runner.addresses[0][1]}"


async def _close(runner: web.AppRunner) -> None:
    """A connection whose reader takes no more would otherwise wait to send the rest, beyond the life of the loop."""
    assert runner.server is not None
    transports = [connection.transport for connection in runner.server.connections]
    await runner.cleanup()
    for transport in transports:
        if transport is not None:
            transport.abort()


def _sibling(path: str, blob: Blob) -> dict[str, Any]:
    told: dict[str, Any] = {"rfilename": path, "size": blob.size, "blobId": blob.git_id}
    if blob.large:
        told["lfs"] = {"sha256": blob.sha256, "size": blob.size, "pointerSize": 134}
    return told


def _token(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def _range(request: web.Request, size: int) -> tuple[int, int]:
    """Where the part that is asked for begins, and the byte after its last."""
    first, _, last = request.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
    return int(first), min(int(last) + 1, size) if last else size


def _length(fault: Fault, length: int) -> int:
    if fault.kind == "truncate":
        return fault.after
    return length + 100 if fault.kind == "too_long" else length


def _content(blob: Blob, start: int, length: int, fault: Fault) -> Iterator[bytes]:
    chunk = max(1024, min(CHUNK, fault.rate // 20)) if fault.rate else CHUNK
    for place in range(start, start + length, chunk):
        end = min(place + chunk, start + length)
        piece = blob.part(place, min(end, blob.size)).ljust(end - place, b"?")
        yield bytes(byte ^ 1 for byte in piece) if fault.kind == "wrong_bytes" else piece


def _status(fault: Fault) -> web.Response:
    headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
    return web.Response(status=fault.status, headers=headers, text=f"it is {fault.status}")


def _refusal(status: int, code: str, message: str = "") -> web.HTTPException:
    kinds = {401: web.HTTPUnauthorized, 403: web.HTTPForbidden, 404: web.HTTPNotFound}
    headers = {"X-Error-Code": code} | ({"X-Error-Message": message} if message else {})
    body = json.dumps({"error": message or code})
    return kinds[status](headers=headers, text=body, content_type="application/json")


def model_files(size: int = 200_000, *, seed: int = 0, **config: Any) -> dict[str, bytes]:
    """The files of a classifier whose weights are `size` bytes of noise: sound enough to be registered, not to be loaded."""
    noise = random.Random(seed).randbytes(size - size % 4)
    tensor = {"dtype": "F32", "shape": [len(noise) // 4], "data_offsets": [0, len(noise)]}
    header = json.dumps({"weight": tensor}).encode()
    told = {"architectures": ["BertForSequenceClassification"], "model_type": "bert", **config}
    return {
        "config.json": json.dumps(told).encode(),
        "tokenizer.json": b'{"version": "1.0"}',
        "README.md": b"# A model\n",
        "model.safetensors": len(header).to_bytes(8, "little") + header + noise,
    }
