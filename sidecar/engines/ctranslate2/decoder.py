"""A converted decoder-only model: prompts to answers, a batch at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ctranslate2

from sidecar.engines.base import Pulse
from sidecar.engines.ctranslate2.device import Placement, opened
from sidecar.engines.ctranslate2.manifest import Manifest
from sidecar.engines.ctranslate2.stopping import stopping

VOCABULARY = "vocabulary.json"


class Decoder:
    """`names` are the vocabulary's tokens by id."""

    def __init__(self, folder: Path, placement: Placement, manifest: Manifest, pulse: Pulse) -> None:
        self.names: list[str] = json.loads((folder / VOCABULARY).read_text("utf-8"))
        self._ends = manifest.end_tokens
        self._stops = stopping(pulse)
        self._generator = opened(ctranslate2.Generator, folder, placement)

    def answers(self, prompts: list[list[str]], options: dict[str, Any]) -> list[list[str]]:
        """The tokens of each answer, its end included where it came within the limit."""
        limit = options.pop("limit")
        results = self._generator.generate_batch(
            prompts, beam_size=1, max_length=limit, include_prompt_in_result=False, return_end_token=True,
            end_token=self._ends or None, callback=self._stops, **options,
        )  # fmt: skip
        return [result.sequences[0] for result in results]
