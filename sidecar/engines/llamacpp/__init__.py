"""GGUF models through llama.cpp, in this process: its own server engine schedules, caches prefixes and samples.

The library is told requests and answers through callbacks on threads of ours; see `slots`. A private socket of the
library serves what it offers only there: tokenizing, templates, the state of its slots; see `side_door`.
"""

from __future__ import annotations

from sidecar.engines.llamacpp.loading import load
from sidecar.engines.llamacpp.measuring import measure

__all__ = ["load", "measure"]
