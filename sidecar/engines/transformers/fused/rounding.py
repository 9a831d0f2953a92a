"""Whether a model's weights are rounded to 8 bits: what was asked, what the machine can do, what a trial showed."""

from __future__ import annotations

from typing import Any

from sidecar.engines.transformers.fused.building import Agreement
from sidecar.engines.transformers.fused.linear import Precision, int8_available
from sidecar.errors import LoadFailed

# Below, a step is bound by the number of operations and not by the bytes of the weights: rounding gains nothing.
WORTHWHILE_PARAMETERS = 50_000_000
SAMPLE_TOKENS = 160
SAMPLE = """The lighthouse keeper wrote down the weather every morning: wind from the west, a little rain, and by noon the sun.
"Why do you count the ships?" asked the child. - "Because somebody has to," he said, and poured the tea.
def mean(values): return sum(values) / len(values)  # raises ZeroDivisionError when empty
In 1969, 384,400 km away, two people walked on the Moon. Die Straße war nass, der Zug kam um 7:45 Uhr.
Les prix augmentent de 3,5 %; que faire? Dear Ms Lopez, thank you for your letter of 12 May. 今日はいい天気ですね。
{"name": "Anna", "age": 31, "tags": ["a", "b"]} <|user|> Summarise this in one sentence, please."""


class RoundedTooCoarsely(Exception):
    """The trial showed that a model's answers would change; it has to be loaded anew as it is."""

    def __init__(self, agreement: Agreement) -> None:
        super().__init__(describe(agreement))


def choose(model: str, asked: str, parameters: int) -> Precision:
    """`asked`: auto, none or int8. Raises LoadFailed for int8 on a machine without integer kernels."""
    if asked == "int8" and not int8_available():
        raise LoadFailed(model=model, reason="this processor has no int8 kernels; use quantization none or auto.")
    if asked == "int8" or (asked == "auto" and parameters >= WORTHWHILE_PARAMETERS and int8_available()):
        return "int8"
    return "float32"


def sample(tokenizer: Any, vocabulary: int) -> list[int]:
    """Token ids of a text of many kinds, to try a model on."""
    ids = tokenizer(SAMPLE, add_special_tokens=False)["input_ids"][:SAMPLE_TOKENS]
    return [token for token in ids if token < vocabulary] or [0]


def describe(agreement: Agreement) -> str:
    return (
        f"rounded to 8 bits, its next words agree with the exact ones in {agreement.same_word:.1%} of the sure cases,"
        f" mean divergence {agreement.divergence:.3f} nats"
    )
