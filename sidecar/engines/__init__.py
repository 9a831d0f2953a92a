"""The engines: each runs one family of model files, in a worker process and never in the service itself."""

from __future__ import annotations

import importlib
from typing import cast

from sidecar.engines.base import Engine

ENGINES = ("echo", "ctranslate2", "llamacpp", "transformers")
# Their workers are kept from importing torch: they need none of it, and start sooner and smaller.
WITHOUT_TORCH = ("ctranslate2",)


def load_engine(name: str) -> Engine:
    """Import an engine with its libraries, which may take seconds. Raises ValueError for a name that is not one of ENGINES."""
    if name not in ENGINES:
        raise ValueError(f"there is no engine named {name!r}; there are {', '.join(ENGINES)}")
    return cast("Engine", importlib.import_module(f"sidecar.engines.{name}"))
