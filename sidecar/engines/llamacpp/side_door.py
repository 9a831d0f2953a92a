"""The library's own HTTP server, locked up: a socket in a private folder and a key that nobody else has.

llama.cpp starts that server whether one wants it or not, and tokenizes and applies templates only through it. Nothing
here generates.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import shutil
import socket
import sys
import urllib.parse
from pathlib import Path
from typing import Any

from sidecar import scratch
from sidecar.errors import InferenceFailed, InvalidRequest

_TIMEOUT_S = 600.0
_BAD_REQUEST = 400
NOT_DECODED = "Failed to load image"  # what the library says of a file that its decoders do not take


class SideDoor:
    """Where the library shall listen (`host`, `port`, `key`), and then the requests to it."""

    def __init__(self) -> None:
        self.key = secrets.token_urlsafe(32)
        self.port = 0
        self.host = "127.0.0.1"
        if sys.platform != "win32":
            self.host = str(scratch.new_folder() / "side.sock")
            self.port = 1  # not used with a socket file, but 0 would be refused

    def listens_at(self, address: str) -> None:
        """Take note of the port that the library found."""
        if not self._is_file:
            self.port = urllib.parse.urlsplit(address).port or 0

    def close(self) -> None:
        """Remove the socket file; nothing can be asked any more."""
        if self._is_file:
            shutil.rmtree(Path(self.host).parent, ignore_errors=True)

    def tokens(self, text: str, *, special: bool = True) -> list[int]:
        """The tokens of a text; with `special` also those that the model wants at the beginning and end."""
        body = {"content": text, "add_special": special, "parse_special": True}
        return list(self._post("/tokenize", body)["tokens"])

    def text(self, tokens: list[int]) -> str:
        return str(self._post("/detokenize", {"tokens": tokens})["content"])

    def rendered(self, body: dict[str, Any]) -> str:
        """The prompt that the model's template makes of messages (and tools)."""
        return str(self._post("/apply-template", body)["prompt"])

    def length(self, body: dict[str, Any]) -> int:
        """How many tokens messages are, images in them included. Decodes the images, but does not read them."""
        try:
            return int(self._post("/v1/chat/completions/input_tokens", body)["input_tokens"])
        except InferenceFailed as error:
            if NOT_DECODED in error.details["reason"]:
                raise InvalidRequest(reason="an image in the messages cannot be decoded: its file is damaged") from None
            raise

    def weigh(self, body: dict[str, Any]) -> dict[str, Any]:
        """The next token of a prompt of tokens, for models with a projector; others are asked directly."""
        return dict(self._post("/completion", body))

    def slots(self) -> list[dict[str, Any]]:
        """The state of the library's slots, for tests and measurements."""
        return list(self._ask("GET", "/slots", None))

    @property
    def _is_file(self) -> bool:
        return self.host.endswith(".sock")

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._ask("POST", path, json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None) -> Any:
        connection = _FileConnection(self.host) if self._is_file else http.client.HTTPConnection(self.host, self.port)
        connection.timeout = _TIMEOUT_S
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        if response.status >= _BAD_REQUEST:
            raise refusal(answer)
        return answer


def refusal(answer: dict[str, Any]) -> InvalidRequest | InferenceFailed:
    """The library's error as ours: what it calls a bad request is the caller's."""
    error = answer.get("error")
    error = error if isinstance(error, dict) else answer
    reason = str(error.get("message") or "llama.cpp gave no reason").strip()
    if error.get("type") in ("invalid_request_error", "exceed_context_size_error"):
        return InvalidRequest(reason=reason)
    return InferenceFailed(reason=reason)


class _FileConnection(http.client.HTTPConnection):
    """HTTP over a socket file."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
