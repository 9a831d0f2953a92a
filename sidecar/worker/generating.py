"""Generation requests: one sequence each, its text sent as it becomes certain."""

from __future__ import annotations

from collections.abc import Callable

from sidecar.engines.base import Generator
from sidecar.runtime.protocol import Generate, Generated
from sidecar.worker.decoding import Decoding
from sidecar.worker.replies import Replies
from sidecar.worker.sequence import Sequence


class Generating:
    """The generation requests of a model, at most `max_sequences` stepped together, the others waiting in order."""

    def __init__(self, generator: Generator, replies: Replies, max_sequences: int, clock: Callable[[], float]) -> None:
        self._generator = generator
        self._replies = replies
        self._clock = clock
        self._decoding = Decoding(generator, self, max_sequences, clock)

    @property
    def busy(self) -> bool:
        return self._decoding.busy

    @property
    def running(self) -> int:
        return self._decoding.active

    @property
    def waiting(self) -> int:
        return len(self._decoding.waiting)

    def add(self, request: Generate) -> None:
        """Tokenize and put in line. Raises InglenookError, or whatever a template or tokenizer raises."""
        prompt = self._generator.prepare(request)
        self._decoding.waiting.append(Sequence(request.id, request.id, prompt, self._clock()))

    def cancel(self, request_id: int) -> None:
        """End a request with what it has."""
        for sequence in self._decoding.remove(request_id):
            sequence.cancel()
            self.finished(sequence)

    def iterate(self) -> None:
        self._decoding.iterate()

    def gained(self, sequence: Sequence, text: str) -> None:
        self._replies.delta(sequence.request_id, text, len(sequence.generated))

    def finished(self, sequence: Sequence) -> None:
        self._replies.finish(sequence.request_id, _outcome(sequence, self._clock()))

    def failed(self, sequence: Sequence, error: Exception) -> None:
        self._replies.fail(sequence.request_id, error)


def _outcome(sequence: Sequence, now: float) -> Generated:
    started = sequence.started or now
    first = sequence.first_token or now
    return Generated(
        finish_reason=sequence.finish_reason or "stop",
        prompt_tokens=len(sequence.prompt.token_ids),
        completion_tokens=len(sequence.generated),
        cached_tokens=sequence.cached_tokens,
        padding=sequence.padding,
        queue_ms=1000 * (started - sequence.received),
        prefill_ms=1000 * (first - started),
        decode_ms=1000 * (now - first),
        warnings=sequence.prompt.warnings,
    )
