"""Translation requests: their texts become sequences, a batch of similar length at a time, and come back together.

Where the generator lets sequences join, a batch is filled up while it runs, and no request waits for another one's end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from sidecar.engines.base import Generator, TranslationPlan, Translator
from sidecar.errors import Cancelled
from sidecar.runtime.protocol import Translate, Translated
from sidecar.worker.batching import Batcher, Piece
from sidecar.worker.decoding import Decoding
from sidecar.worker.replies import Replies
from sidecar.worker.sequence import Sequence

# Keys of translated texts are negative, so that they differ from those of generation requests, which are request ids.
FIRST_KEY = -1
REFILL = 0.25  # of the budget: for less it does not pay to read texts apart from others, unless somebody waits


@dataclass
class TranslationJob:
    """A request whose texts are being translated, in any order. `texts` and `tokens` are by the text's index."""

    plan: TranslationPlan
    received: float
    started: float | None = None
    texts: dict[int, str] = field(default_factory=dict)
    tokens: dict[int, int] = field(default_factory=dict)
    padding: int = 0  # in tokens
    cut: int = 0  # texts whose translation reached the model's limit before its end


class Translating:
    """The translation requests of a model. `budget`: tokens of the texts that are translated at once."""

    def __init__(
        self,
        generator: Generator,
        translator: Translator,
        replies: Replies,
        budget: int,
        clock: Callable[[], float],
    ) -> None:
        self._generator = generator
        self._translator = translator
        self._budget = budget
        self._replies = replies
        self._clock = clock
        self._jobs: dict[int, TranslationJob] = {}
        self._pieces: dict[int, Piece] = {}  # of the running sequences, by their key
        self._batcher = Batcher(budget)
        self._keys = itertools.count(FIRST_KEY, -1)
        self._decoding = Decoding(generator, self, max_sequences=budget, clock=clock)

    @property
    def busy(self) -> bool:
        return bool(self._jobs)

    @property
    def running(self) -> int:
        return len({piece.job for piece in self._pieces.values()})

    @property
    def waiting(self) -> int:
        return len(self._jobs) - self.running

    def add(self, request: Translate) -> None:
        """Tokenize and put in line. Raises InglenookError, or whatever a tokenizer raises."""
        plan = self._translator.prepare(request)
        prompts = plan.prompts
        self._jobs[request.id] = TranslationJob(plan, self._clock())
        self._batcher.add(request.id, prompts, [len(prompt.token_ids) for prompt in prompts])

    def cancel(self, request_id: int) -> None:
        if request_id in self._jobs:
            self._end(request_id)
            self._replies.fail(request_id, Cancelled())

    def iterate(self) -> None:
        if not self._decoding.busy:
            self._begin(self._batcher.take())
        elif len(self._batcher) and (room := self._room()):
            self._begin(self._batcher.take(room))
        self._decoding.iterate()

    def _room(self) -> int:
        """Tokens of texts that may join those that run; 0 where it is not worth it."""
        if not self._generator.joins:
            return 0
        room = max(0, self._budget - sum(piece.length for piece in self._pieces.values()))
        return room if self.waiting or room >= REFILL * self._budget else 0

    def gained(self, sequence: Sequence, text: str) -> None:
        piece = self._pieces[sequence.key]
        job = self._jobs[piece.job]
        job.started = job.started or sequence.started
        job.texts[piece.index] = job.texts.get(piece.index, "") + text

    def finished(self, sequence: Sequence) -> None:
        piece = self._pieces.pop(sequence.key)
        job = self._jobs[piece.job]
        job.tokens[piece.index] = len(sequence.generated)
        job.padding += sequence.padding
        job.cut += sequence.finish_reason == "length"
        if len(job.tokens) == len(job.plan.prompts):
            del self._jobs[piece.job]
            self._replies.finish(piece.job, _outcome(job))

    def failed(self, sequence: Sequence, error: Exception) -> None:
        """One text that cannot be translated fails its request; the request's other texts are given up."""
        if sequence.key in self._pieces:
            self._end(sequence.request_id)
            self._replies.fail(sequence.request_id, error)

    def _begin(self, batch: list[Piece]) -> None:
        for piece in batch:
            sequence = Sequence(next(self._keys), piece.job, piece.input, self._jobs[piece.job].received, whole=True)
            self._pieces[sequence.key] = piece
            self._decoding.waiting.append(sequence)

    def _end(self, request_id: int) -> None:
        del self._jobs[request_id]
        self._batcher.remove(request_id)
        self._pieces = {key: piece for key, piece in self._pieces.items() if piece.job != request_id}
        self._decoding.remove(request_id)


def _outcome(job: TranslationJob) -> Translated:
    prompts = job.plan.prompts
    warnings = [*job.plan.warnings, *(warning for prompt in prompts for warning in prompt.warnings)]
    if job.cut:
        warnings.append(f"{job.cut} of {len(prompts)} translations were cut at the model's length limit.")
    return Translated(
        texts=job.plan.join([job.texts[index] for index in range(len(prompts))]),
        prompt_tokens=sum(len(prompt.token_ids) for prompt in prompts),
        completion_tokens=sum(job.tokens.values()),
        queue_ms=1000 * ((job.started or job.received) - job.received),
        padding=job.padding,
        warnings=list(dict.fromkeys(warnings)),
    )
