"""Whether and how a model's weights are rounded: what was asked, what the machine can do, what a trial showed."""

from __future__ import annotations

from typing import Any

from sidecar.engines.transformers.fused.linear import Precision, int8_available
from sidecar.engines.transformers.fused.trial import Agreement
from sidecar.errors import LoadFailed

# Measured on two cores: a step of a decoder of 30 million takes 0.4 of its time, a short text of an encoder of 23 million 0.6.
# Much smaller ones are quick as they are, and not worth a trial.
WORTHWHILE_PARAMETERS = 10_000_000
SAMPLE_TOKENS = 160
KEPT: dict[str, Precision] = {"auto": "int8", "int8": "int8", "int4": "int4"}  # what may lie on disk for what is asked
SAMPLE = """The lighthouse keeper wrote down the weather every morning: wind from the west, a little rain, and by noon the sun.
"Why do you count the ships?" asked the child. - "Because somebody has to," he said, and poured the tea.
def mean(values): return sum(values) / len(values)  # raises ZeroDivisionError when empty
In 1969, 384,400 km away, two people walked on the Moon. Die Straße war nass, der Zug kam um 7:45 Uhr.
Les prix augmentent de 3,5 %; que faire? Dear Ms Lopez, thank you for your letter of 12 May. 今日はいい天気ですね。
{"name": "Anna", "age": 31, "tags": ["a", "b"]} <|user|> Summarise this in one sentence, please."""


class RoundedTooCoarsely(Exception):
    """The trial showed that a model's answers would change; it has to be loaded anew, `instead` being what is asked."""

    def __init__(self, agreement: Agreement) -> None:
        eight = agreement.precision == "int8"
        super().__init__(f"The model runs {'in full precision' if eight else 'in more than 4 bits'}: {agreement}.")
        self.instead = "none" if eight else "auto"


def judge(asked: str, agreement: Agreement) -> list[str]:
    """Warnings. Raises RoundedTooCoarsely unless the trial went well or 8 bits were asked for."""
    if agreement.enough:
        return []
    if asked != "int8":
        raise RoundedTooCoarsely(agreement)
    return [f"Answers may differ from the exact model's: {agreement}."]


def choose(model: str, asked: str, parameters: int) -> Precision:
    """`asked`: auto, none, int8 or int4. Raises LoadFailed for those on a machine without integer kernels."""
    if asked in ("int8", "int4") and not int8_available():
        raise LoadFailed(model=model, reason=f"this processor has no {asked} kernels; use quantization none or auto.")
    if asked == "int4":
        return "int4"
    if asked == "int8" or (asked == "auto" and parameters >= WORTHWHILE_PARAMETERS and int8_available()):
        return "int8"
    return "float32"


def sample(tokenizer: Any, vocabulary: int) -> list[int]:
    """Token ids of a text of many kinds, to try a model on."""
    ids = tokenizer(SAMPLE, add_special_tokens=False)["input_ids"][:SAMPLE_TOKENS]
    return [token for token in ids if token < vocabulary] or [0]
