"""Makes sure that a JSON schema binds the answer.

The library takes a schema that it cannot turn into a grammar for no schema at all, and says so only in its log. So each
schema is tried once before it is used: one token, with all weight on one that no JSON begins with.
"""

from __future__ import annotations

import json
from typing import Any

import xllamacpp

from sidecar.engines.llamacpp import chunks
from sidecar.errors import InvalidRequest

NOT_JSON = "%"
BIAS = 1000.0
REMEMBERED = 256


class Schemas:
    """Remembers which schemas bind. `not_json`: the tokens of NOT_JSON."""

    def __init__(self, not_json: list[int]) -> None:
        self._not_json = not_json
        self._bind: dict[str, bool] = {}

    def check(self, server: xllamacpp.Server, schema: dict[str, Any]) -> None:
        """Raises InvalidRequest where answers would not be bound by the schema."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self._bind:
            while len(self._bind) >= REMEMBERED:
                self._bind.pop(next(iter(self._bind)), None)
            self._bind[key] = self._try(server, schema)
        if not self._bind[key]:
            raise InvalidRequest(reason="json_schema: llama.cpp can make no grammar of this schema")

    def _try(self, server: xllamacpp.Server, schema: dict[str, Any]) -> bool:
        body = {
            "prompt": NOT_JSON,
            "max_tokens": 1,
            "temperature": 0.0,
            "logit_bias": [[self._not_json[0], BIAS]],
            "json_schema": schema,
        }
        answers: list[bytes] = []
        server.handle_completions(json.dumps(body).encode(), answers.append)
        return not any(choice.text == NOT_JSON for answer in answers for choice in chunks.read(answer).choices)
