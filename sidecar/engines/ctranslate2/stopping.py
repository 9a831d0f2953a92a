"""Ends a decoding of the library early, when nobody wants its result any more."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from sidecar.engines.base import Pulse


def stopping(pulse: Pulse) -> Callable[[Any], bool]:
    """What the library calls after every token of a row: True ends the row.

    It holds the pulse weakly. The library's thread lets go of it late; was it the last to know the model, it would destroy
    the model and wait for itself, which aborts the process.
    """
    known = weakref.ref(pulse)

    def stops(_step: Any) -> bool:
        now = known()
        return now is None or not now()

    return stops
