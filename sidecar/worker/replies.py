"""Collects what goes up the channel after an iteration, and names what went wrong. Decides nothing else."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from sidecar.errors import InferenceFailed, InglenookError, OutOfMemory
from sidecar.runtime.protocol import Delta, Failed, Finished, Outcome, Step, Up

MEMORY_IS_SPENT = ("can't allocate memory", "out of memory")


class Replies:
    """The frames of one iteration: one Step for all sequences, then what ended."""

    def __init__(self) -> None:
        self._deltas: list[Delta] = []
        self._frames: list[Up] = []

    def __bool__(self) -> bool:
        return bool(self._deltas or self._frames)

    def delta(self, request_id: int, text: str, tokens: int) -> None:
        self._deltas.append(Delta(request_id, text, tokens))

    def finish(self, request_id: int, outcome: Outcome) -> None:
        self._frames.append(Finished(request_id, outcome))

    def fail(self, request_id: int, error: Exception) -> None:
        self._frames.append(failed(request_id, error))

    def take(self) -> list[Up]:
        """Everything collected since the last call."""
        frames: list[Up] = [Step(self._deltas), *self._frames] if self._deltas else self._frames
        self._deltas, self._frames = [], []
        return frames


def unforeseen(error: Exception) -> InglenookError:
    """What went wrong amid a request, as one of ours; but for a lack of memory also on stderr, with its traceback."""
    if is_out_of_memory(error):
        return OutOfMemory(reason=str(error) or "no memory left")
    traceback.print_exception(error, file=sys.stderr)
    return InferenceFailed(reason=f"{type(error).__name__}: {error}")


def failed(request_id: int, error: Exception, otherwise: Callable[[Exception], InglenookError] = unforeseen) -> Failed:
    """The frame that tells it. `otherwise` names an error that is none of ours."""
    fault = error if isinstance(error, InglenookError) else otherwise(error)
    return Failed(request_id, fault.code, fault.message, fault.details)


def release(error: Exception) -> None:
    """Let go of what the computation that failed still holds: its frames live as long as the error, and fill the memory in
    which it is tried again."""
    traceback.clear_frames(error.__traceback__)


def is_out_of_memory(error: Exception) -> bool:
    """Python's MemoryError, torch's OutOfMemoryError, and the RuntimeErrors of processors, Apple's GPUs and CUDA's libraries."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in MEMORY_IS_SPENT)
