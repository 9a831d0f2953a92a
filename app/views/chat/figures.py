"""The figures under an answer, as words: speed, first token, context used, what computed it. Pure."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from PySide6.QtCore import QCoreApplication

from sidecar.types import GenerateChunk

CHARACTERS_PER_TOKEN = 4  # a usual average for English; only for the estimate before the model has counted
TOKENS_PER_MESSAGE = 6  # what a chat template puts around a message


@dataclass(frozen=True)
class Figures:
    """What is known of a finished answer; None where the service did not say."""

    tokens_per_second: float | None = None
    first_token_ms: float | None = None
    used_tokens: int | None = None
    context_tokens: int | None = None
    engine: str = ""
    precision: str = ""
    device: str = ""

    @classmethod
    def of(cls, chunk: GenerateChunk) -> Self:
        """The figures of a stream's last chunk."""
        timings, usage, execution = chunk.timings, chunk.usage, chunk.execution
        return cls(
            tokens_per_second=timings.tokens_per_second if timings else None,
            first_token_ms=timings.time_to_first_token_ms if timings else None,
            used_tokens=usage.total_tokens if usage else None,
            context_tokens=chunk.context_length,
            engine=execution.engine if execution else "",
            precision=execution.precision if execution else "",
            device=execution.device if execution else "",
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """What `to_dict` gave; entries of another version are passed over."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in known})

    def to_dict(self) -> dict[str, Any]:
        """For the store."""
        return {key: value for key, value in asdict(self).items() if value not in (None, "")}

    def words(self) -> list[str]:
        """Speed, first token and context, those that are known."""
        words = []
        if self.tokens_per_second:
            words.append(_tr("{0} tok/s").format(_short(self.tokens_per_second)))
        if self.first_token_ms is not None:
            words.append(_tr("first token {0}").format(duration(self.first_token_ms)))
        if self.used_tokens is not None and self.context_tokens:
            words.append(_tr("{0} of {1} tokens").format(f"{self.used_tokens:,}", f"{self.context_tokens:,}"))
        return words

    def computed_by(self) -> str:
        """Engine, precision and device, for instance "transformers · float32 · cpu"."""
        return " · ".join(part for part in (self.engine, self.precision, self.device) if part)


def estimated_tokens(text: str) -> int:
    """About how many tokens a message of this text takes, the chat template's part included."""
    return len(text) // CHARACTERS_PER_TOKEN + TOKENS_PER_MESSAGE


def duration(milliseconds: float) -> str:
    """ "0.21 s", "12 s", "3 min"."""
    seconds = milliseconds / 1000
    if seconds < 10:
        return f"{seconds:.2f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _short(number: float) -> str:
    return f"{number:.1f}" if number < 100 else f"{number:,.0f}"


def _tr(text: str) -> str:
    return QCoreApplication.translate("Figures", text)
