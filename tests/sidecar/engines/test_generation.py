"""Generation, compared token for token with the library's own `generate`."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from sidecar.engines.base import Model
from sidecar.engines.transformers.fused.generator import FusedGenerator
from sidecar.engines.transformers.padded_batch import can_join
from sidecar.runtime.protocol import Cancel, Generate, Load
from sidecar.types import Message, Sampling
from sidecar.worker.scheduler import Scheduler
from sidecar.worker.sequence import Sequence
from tests.helpers.models import tiny
from tests.helpers.worker import answer, ends, load, outcome, run, text_of

PROMPTS = [
    "the small model",
    "tea or coffee, what does it think about rain and sun",
    "good",
    "where is 日本語 in this text?",
]
FUSED = ["llama-chat", "llama-scaled", "mistral", "qwen2", "qwen3"]
JOINING = [*FUSED, "gpt2"]
SEQ2SEQ = ["marian", "nllb", "bart"]
COHORTS = ["mistral-sliding", "mamba", "t5"]
ALL = [*JOINING, *SEQ2SEQ, *COHORTS]


def greedy(**more: Any) -> Sampling:
    return Sampling(temperature=0.0, **more)


def task_of(name: str) -> Any:
    return "translation" if name in ("marian", "nllb") else "text_generation"


@functools.cache
def reference(name: str, prompt: str, tokens: int) -> tuple[list[int], str]:
    """What the library generates for one prompt alone: tokens of the answer and their text."""
    folder = tiny(name)
    kind = AutoModelForSeq2SeqLM if name in ("t5", *SEQ2SEQ) else AutoModelForCausalLM
    model, tokenizer = kind.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    model.generation_config.max_length = None
    inputs = tokenizer(prompt, return_tensors="pt", return_token_type_ids=False)
    sampling = {"temperature": None, "top_p": None, "top_k": None}
    with torch.inference_mode():
        ids = model.generate(**inputs, max_new_tokens=tokens, do_sample=False, num_beams=1, **sampling)[0].tolist()
    generated = ids[1:] if model.config.is_encoder_decoder else ids[inputs["input_ids"].shape[1] :]
    return generated, tokenizer.decode(generated, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def tokens_of(model: Model, request: Generate) -> list[int]:
    """The tokens that the engine generates for one request alone."""
    assert model.generator
    sequence = Sequence(1, 1, model.generator.prepare(request), 0.0)
    sequence.append(model.generator.start([sequence])[0])
    while not sequence.finish_reason:
        sequence.append(model.generator.step([sequence])[0])
    model.generator.drop([sequence])
    return sequence.generated


@pytest.mark.parametrize("name", ALL)
def test_greedy_output_is_that_of_generate(name: str) -> None:
    model = load(tiny(name), task_of(name))
    for prompt in PROMPTS:
        assert tokens_of(model, Generate(1, prompt, None, greedy(max_new_tokens=24))) == reference(name, prompt, 24)[0]


@pytest.mark.parametrize("name", ALL)
def test_prompts_generated_together_get_what_each_gets_alone(name: str) -> None:
    model = load(tiny(name), task_of(name))
    requests = [Generate(i, prompt, None, greedy(max_new_tokens=21 + i)) for i, prompt in enumerate(PROMPTS)]
    together = answer(model, *requests)
    for i, prompt in enumerate(PROMPTS):
        assert together[i][0] == reference(name, prompt, 21 + i)[1].rstrip("\ufffd")


@pytest.mark.parametrize("name", ALL)
def test_sequences_that_join_and_leave_between_steps_get_what_each_gets_alone(name: str) -> None:
    scheduler = Scheduler(load(tiny(name), task_of(name)), Load("test", "", "text_generation"))
    frames = []
    for i, prompt in enumerate(PROMPTS):
        scheduler.accept(Generate(i, prompt, None, greedy(max_new_tokens=24)))
        frames += run(scheduler, iterations=4)
    frames += run(scheduler)
    for i, prompt in enumerate(PROMPTS):
        assert text_of(frames, i) == reference(name, prompt, 24)[1].rstrip("\ufffd")


def test_models_whose_cache_forgets_are_not_stepped_in_one_padded_batch() -> None:
    joining = {name: can_join(AutoModelForCausalLM.from_pretrained(tiny(name))) for name in [*JOINING, *COHORTS[:2]]}
    assert joining == {**dict.fromkeys(JOINING, True), "mistral-sliding": False, "mamba": False}


def test_what_can_share_one_batch_does() -> None:
    joining = {name: load(tiny(name), task_of(name)).generator.joins for name in ALL}  # type: ignore[union-attr]
    assert joining == {name: name not in COHORTS for name in ALL}


def test_the_llama_family_is_computed_by_the_fused_decoder() -> None:
    fused = {name: isinstance(load(tiny(name)).generator, FusedGenerator) for name in [*JOINING, *COHORTS[:2]]}
    assert fused == {**dict.fromkeys(FUSED, True), "gpt2": False, "mistral-sliding": False, "mamba": False}


@pytest.mark.parametrize("name", ["llama-chat", "t5", "mistral-sliding"])
def test_the_same_seed_gives_the_same_text_alone_and_among_others(name: str) -> None:
    model = load(tiny(name))
    request = Generate(0, PROMPTS[1], None, Sampling(temperature=1.2, top_p=0.95, seed=11, max_new_tokens=25))
    others = [Generate(i, PROMPTS[i % 4], None, Sampling(temperature=0.9, max_new_tokens=18)) for i in range(1, 6)]
    alone = answer(model, request)[0][0]
    assert answer(model, *others, request)[0][0] == alone
    assert answer(model, request)[0][0] == alone


def test_another_seed_gives_another_text() -> None:
    model = load(tiny("llama-chat"))
    texts = {
        answer(model, Generate(0, PROMPTS[0], None, Sampling(temperature=1.0, seed=seed, max_new_tokens=20)))[0][0]
        for seed in range(4)
    }
    assert len(texts) == 4


def test_the_repetition_penalty_of_one_request_does_not_touch_another() -> None:
    model = load(tiny("llama-chat"))
    plain = Generate(1, PROMPTS[0], None, greedy(max_new_tokens=20))
    penalised = Generate(2, PROMPTS[0], None, greedy(max_new_tokens=20, repetition_penalty=2.0))
    together = answer(model, plain, penalised)
    assert together[1][0] == answer(model, plain)[1][0]
    assert together[2][0] == answer(model, penalised)[2][0]
    assert together[1][0] != together[2][0]


def test_every_end_token_of_the_generation_config_ends_an_answer() -> None:
    model = load(tiny("qwen2"))
    tokenizer = AutoTokenizer.from_pretrained(tiny("qwen2"))
    prompt = model.generator.prepare(Generate(1, "the", None, greedy()))  # type: ignore[union-attr]
    assert prompt.end_ids == {tokenizer.eos_token_id, tokenizer.pad_token_id}


def test_the_models_own_sampling_defaults_fill_the_gaps_of_a_request() -> None:
    model = load(tiny("qwen2"))
    sampling = model.generator.prepare(Generate(1, "the", None, Sampling(top_k=5))).sampling  # type: ignore[union-attr]
    assert (sampling.temperature, sampling.top_p, sampling.top_k, sampling.repetition_penalty) == (0.6, 0.8, 5, 1.3)


def test_a_chat_is_rendered_by_the_models_template() -> None:
    model = load(tiny("llama-chat"))
    messages = [Message("system", "be brief"), Message("user", "good rain?")]
    tokenizer = AutoTokenizer.from_pretrained(tiny("llama-chat"))
    turns = [{"role": message.role, "content": message.content} for message in messages]
    expected = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
    assert model.generator.prepare(Generate(1, None, messages, Sampling())).token_ids == expected  # type: ignore[union-attr]


def test_streamed_text_never_holds_half_a_character() -> None:
    model = load(tiny("llama-chat"))
    for seed in range(12):
        request = Generate(seed, "日本語 😀", None, Sampling(temperature=1.5, seed=seed, max_new_tokens=30))
        scheduler = Scheduler(model, Load("test", "", "text_generation"))
        scheduler.accept(request)
        frames = run(scheduler)
        assert not text_of(frames, seed).endswith("\ufffd")


def test_an_answer_may_be_cut_by_a_stop_string_that_spans_tokens() -> None:
    model = load(tiny("llama-chat"))
    whole = answer(model, Generate(1, PROMPTS[0], None, greedy(max_new_tokens=40)))[1][0]
    stop = whole[10:14]
    text, result = answer(model, Generate(1, PROMPTS[0], None, greedy(max_new_tokens=40, stop=stop)))[1]
    assert (text, result.finish_reason) == (whole[: whole.index(stop)], "stop")


def test_max_length_counts_prompt_and_answer() -> None:
    model = load(tiny("llama-chat"))
    result = answer(model, Generate(1, PROMPTS[1], None, greedy(max_length=40)))[1][1]
    assert result.finish_reason == "stop" or result.prompt_tokens + result.completion_tokens == 40


def fail_once(generator: Any) -> list[str]:
    """Let the next step fail after every layer's cache has grown. The list says that it did."""
    failed: list[str] = []

    def fail(*_: Any) -> None:
        failed.append("once")
        if isinstance(generator, FusedGenerator):
            del generator._processed  # type: ignore[attr-defined]  # the method is there again
        else:
            hook.remove()
        raise RuntimeError("a passing fault")

    if isinstance(generator, FusedGenerator):
        generator._processed = fail  # type: ignore[method-assign]
    else:
        hook = generator._model.get_output_embeddings().register_forward_pre_hook(fail)
    return failed


@pytest.mark.parametrize("name", ["llama-chat", "qwen2", "gpt2", "t5", "marian", "mistral-sliding"])
def test_after_a_step_that_failed_half_way_all_sequences_end_as_they_would_have(name: str) -> None:
    model = load(tiny(name), task_of(name))
    scheduler = Scheduler(model, Load("test", "", "text_generation"))
    for i, prompt in enumerate(PROMPTS):
        scheduler.accept(Generate(i, prompt, None, greedy(max_new_tokens=24)))
    frames = run(scheduler, iterations=6)
    failed = fail_once(model.generator)
    frames += run(scheduler)
    assert failed
    for i, prompt in enumerate(PROMPTS):
        assert text_of(frames, i) == reference(name, prompt, 24)[1].rstrip("\ufffd")


@pytest.mark.parametrize("name", ["llama-chat", *COHORTS, "xlnet"])
def test_a_cancelled_sequence_leaves_the_others_as_they_would_be(name: str) -> None:
    scheduler = Scheduler(load(tiny(name)), Load("test", "", "text_generation"))
    for i, prompt in enumerate(PROMPTS):
        scheduler.accept(Generate(i, prompt, None, greedy(max_new_tokens=20)))
    frames = run(scheduler, iterations=5)
    scheduler.accept(Cancel(1))
    frames += run(scheduler)
    assert outcome(ends(frames)[1]).finish_reason == "cancelled"  # type: ignore[union-attr]
    for i in (0, 2, 3):
        assert text_of(frames, i) == reference(name, PROMPTS[i], 20)[1].rstrip("\ufffd")


def test_a_cohort_whose_state_cannot_be_cut_ends_when_all_of_its_rows_are_cancelled() -> None:
    model = load(tiny("xlnet"))
    scheduler = Scheduler(model, Load("test", "", "text_generation"))
    for i in (1, 2):
        scheduler.accept(Generate(i, PROMPTS[0], None, greedy(max_new_tokens=20)))
    run(scheduler, iterations=3)
    (cohort,) = model.generator._cohorts  # type: ignore[union-attr]
    scheduler.accept(Cancel(1))
    run(scheduler, iterations=2)
    assert [answer.key for answer in cohort.answers] == [1, 2]
    scheduler.accept(Cancel(2))
    assert model.generator._cohorts == []  # type: ignore[union-attr]
    assert [end.id for end in run(scheduler)] == [2]  # type: ignore[union-attr]
