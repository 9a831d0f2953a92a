"""The engine for models converted to CTranslate2: quick on processors. Imports neither torch nor the models' code.

It serves what `preparing` made of a model folder (in `Load.prepared`); the tokenizer and the configuration are still read
from the folder itself.
"""

from __future__ import annotations

from dataclasses import replace

import psutil

from sidecar.engines.base import Model
from sidecar.engines.ctranslate2.assembly import assemble
from sidecar.engines.openmp import shared_cores
from sidecar.runtime.protocol import Load


def load(frame: Load) -> Model:
    """Load the preparation in `frame.prepared`. Raises LoadFailed, or whatever the library raises."""
    model = assemble(frame)
    model.facts.memory_bytes = psutil.Process().memory_info().rss
    return replace(model, cores=shared_cores(frame.threads))
