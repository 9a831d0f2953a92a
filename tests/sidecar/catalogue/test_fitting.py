"""Whether a model would fit and how quick it would be, on machines that never were; and which one is recommended."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from sidecar.catalogue import fitting, judging, recommending
from sidecar.catalogue.entries import ListedModel, read
from sidecar.catalogue.judging import Judged
from sidecar.runtime.outlook import Outlook
from sidecar.runtime.placement import Room
from sidecar.runtime.prediction import Surroundings
from sidecar.types import ModelType, Suitability
from tests.helpers.profile import made_up

GB = 10**9
LISTED = {model.id: model for model in read()}
SMALL = LISTED["bartowski/Qwen2.5-0.5B-Instruct-GGUF"]
LARGE = LISTED["bartowski/Qwen2.5-32B-Instruct-GGUF"]
MIXTURE = LISTED["ggml-org/gpt-oss-20b-GGUF"]  # of which not all is read for a token
NOT_MEASURED = "The machine is not measured."


def machine(memory: float = 16, *, used: float = 0, disk: float = 500, measured: bool = True) -> Outlook:
    """GB of memory for models, of which loaded ones use some."""
    return Outlook(
        now=Room(int(memory * GB), int(used * GB), int((memory - used) * GB)),
        alone=Room(int(memory * GB), 0, int(memory * GB)),
        free_disk=int(disk * GB),
        max_sequences=8,
        prefix_cache_mb=256,
        profile=made_up() if measured else None,
        no_speed=None if measured else NOT_MEASURED,
        around=Surroundings(),
        kin=lambda model: [],
    )


def suits(model: ListedModel, outlook: Outlook) -> Suitability:
    """With its first variant."""
    weights = model.variants[0]
    return fitting.suitability(fitting.candidate(model, weights), weights.bytes, outlook)


@pytest.mark.parametrize(
    ("model", "outlook", "verdict", "said"),
    [
        (
            SMALL,
            machine(16),
            "fits",
            r"^It takes up to [\d.]+ [MG]B of memory; 16\.0 GB can be used\. About 19 tokens a second\.$",
        ),
        (
            SMALL,
            machine(1.1),
            "tight",
            r"of memory of the 1\.1 GB that can be used; little is left for long texts\.",
        ),
        (
            SMALL,
            machine(16, used=15.5),
            "tight",
            r"500 MB can be used now, and 16\.0 GB once other models are unloaded\.",
        ),
        (
            LARGE,
            machine(16),
            "too_large",
            r"^It takes up to 23\.\d GB of memory; models can use 16\.0 GB on this machine now\.$",
        ),
        (
            MIXTURE,
            machine(16),
            "unknown",
            r"^It takes 12\.1 GB of memory and more; how much, and how quick it is, shows once",
        ),
        (MIXTURE, machine(8), "too_large", r"^Its files alone take 12\.1 GB of memory; models can use 8\.0 GB on this"),
        (SMALL, machine(16, disk=0.3), "too_large", r"^Its files take 398 MB, and the disk has 300 MB free\.$"),
    ],
)
def test_the_verdict_gives_its_numbers(model: ListedModel, outlook: Outlook, verdict: str, said: str) -> None:
    found = suits(model, outlook)
    assert found.verdict == verdict
    assert re.search(said, found.reason)


def test_before_the_machine_is_measured_memory_decides_and_it_says_so() -> None:
    found = suits(SMALL, machine(16, measured=False))
    assert (found.verdict, found.tokens_per_second) == ("fits", None)
    assert found.reason.endswith(f"Only memory was looked at. {NOT_MEASURED}")


def test_without_published_sizes_nothing_is_claimed() -> None:
    found = suits(LISTED["sshleifer/tiny-distilbert-base-uncased"], machine(16))
    assert (found.verdict, found.needed_mb) == ("unknown", None)


def test_models_that_read_have_a_speed_in_texts() -> None:
    found = suits(LISTED["sentence-transformers/all-MiniLM-L6-v2"], machine(16))
    assert found.tokens_per_second is None
    assert found.texts_per_second is not None


def test_the_variant_to_take_is_the_most_exact_that_is_quick() -> None:
    slow = LISTED["bartowski/Qwen2.5-1.5B-Instruct-GGUF"]
    assert judging.judge(SMALL, machine(16)).variant == "Q8_0"
    assert judging.judge(slow, machine(16)).variant == "Q4_K_M"


def test_the_variant_to_take_comes_first_and_alone_is_recommended() -> None:
    told = judging.variants(judging.judge(SMALL, machine(16)))
    assert [(variant.name, variant.recommended) for variant in told] == [("Q8_0", True), ("Q4_K_M", False)]


def judged(outlook: Outlook, only: Callable[[ListedModel], bool] = lambda model: True) -> list[Judged]:
    return [judging.judge(model, outlook) for model in LISTED.values() if only(model)]


def test_one_model_is_recommended_for_each_task() -> None:
    found = recommending.recommendations(judged(machine(16)), {})
    assert [one.task for one in found] == [
        "text_generation", "classification", "translation", "embedding", "reranking",
    ]  # fmt: skip


def test_a_better_machine_is_recommended_a_better_model_and_told_why_not_the_next() -> None:
    small = recommending.recommend("text_generation", judged(machine(2)), {})
    large = recommending.recommend("text_generation", judged(machine(16)), {})
    assert small is not None
    assert large is not None
    assert LISTED[small.entry.id].quality <= LISTED[large.entry.id].quality
    assert "would be better" in large.reason


@pytest.mark.parametrize("task", ["text_generation", "translation", "embedding"])
def test_before_it_is_measured_no_large_model_is_recommended(task: ModelType) -> None:
    found = recommending.recommend(task, judged(machine(64, measured=False)), {})
    assert found is not None
    assert (found.entry.bytes or 0) <= judging.MODEST_BYTES


def test_nothing_is_recommended_where_nothing_fits() -> None:
    assert recommending.recommendations(judged(machine(0.1)), {}) == []
