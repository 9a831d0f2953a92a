"""The beginning of a generation exactly as the library's own `generate` begins it.

`generate` is asked to hand over instead of decoding (`custom_generate`): it has then chosen decoder start, cache, masks
and every score processor that the model's generation config asks for, and each model family keeps its peculiarities.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from sidecar.engines.base import Answer
from sidecar.engines.transformers.processors import Processors

# What would make `generate` do something else than plain greedy decoding; sampling is done by this engine.
NOT_GREEDY = (
    "temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff", "max_new_tokens",
    "max_time", "stop_strings", "cache_implementation", "cache_config", "prefill_chunk_size", "token_healing",
    "guidance_scale", "watermarking_config", "num_return_sequences", "prompt_lookup_num_tokens", "penalty_alpha",
    "dola_layers", "num_beam_groups", "diversity_penalty", "constraints", "force_words_ids", "assistant_early_exit",
    "length_penalty", "early_stopping", "renormalize_logits", "low_memory", "compile_config", "use_mtp",
)  # fmt: skip


@dataclass
class Prefilled:
    """Rows whose prompt has been computed. `ids`: shape (rows, length); `logits`: (rows, vocabulary), float32."""

    ids: torch.Tensor
    logits: torch.Tensor
    processors: Processors
    state: dict[str, Any]


@dataclass(frozen=True)
class Beginning:
    """What the answers of one `kind` to an encoder-decoder begin with: the decoder's first tokens, and what is done to scores."""

    ids: list[int]
    processors: Processors


@dataclass
class _Handover:
    """What `generate` passes to a custom decoding loop."""

    ids: Any = None
    processors: Processors = field(init=False)
    config: Any = None
    state: Any = None

    # The parameters' names are part of the library's protocol for custom decoding loops.
    def __call__(
        self,
        model: Any,
        input_ids: Any,
        logits_processor: Any,
        stopping_criteria: Any,
        generation_config: Any,
        **state: Any,
    ) -> Any:
        self.ids, self.config, self.state = input_ids, generation_config, state
        self.processors = Processors(logits_processor)
        return input_ids


def make_greedy(generation_config: Any) -> None:
    """Reduce a model's generation config to what bears on greedy decoding."""
    for name in NOT_GREEDY:
        setattr(generation_config, name, None)
    generation_config.do_sample = False
    generation_config.num_beams = 1
    generation_config.use_cache = True
    generation_config.return_dict_in_generate = False
    generation_config.output_scores = generation_config.output_logits = False
    generation_config.output_attentions = generation_config.output_hidden_states = False


def prefill(model: Any, answers: list[Answer], pad_id: int) -> Prefilled:
    """Compute the prompts, and tokens generated before, of answers that agree in `family`."""
    handover = _handed_over(model, answers, pad_id)
    ids, state = _with_generated(model, handover, answers)
    outputs = model._prefill(ids, handover.config, state)
    return Prefilled(ids, last_logits(outputs), handover.processors, _advance(model, outputs, state, 1))


def score_processors(model: Any, answer: Answer, pad_id: int) -> Processors:
    """What the library would apply to the scores of this answer; nothing of the model is computed."""
    return _handed_over(model, [answer], pad_id).processors


def begin(model: Any, answer: Answer, pad_id: int) -> Beginning:
    """What the library begins an encoder-decoder's answers with, for all that agree in `kind`."""
    handover = _handed_over(model, [answer], pad_id)
    return Beginning(handover.ids[0].tolist(), handover.processors)


def _handed_over(model: Any, answers: list[Answer], pad_id: int) -> _Handover:
    arguments = encoder_inputs(answers, pad_id) if model.config.is_encoder_decoder else _decoder_only(answers)
    handover = _Handover()
    model.generate(
        **{name: value.to(model.device) for name, value in arguments.items()},
        custom_generate=handover,
        max_length=_longest(model, answers[0]),
        repetition_penalty=answers[0].prompt.sampling.repetition_penalty,
        **(answers[0].prompt.extra or {}),
    )
    return handover


def _with_generated(model: Any, handover: _Handover, answers: list[Answer]) -> tuple[torch.Tensor, dict[str, Any]]:
    """Append the tokens generated before; processors still count from the prompt's end."""
    done = len(answers[0].generated)
    if not done:
        return handover.ids, handover.state
    generated = torch.tensor([answer.generated for answer in answers], device=handover.ids.device)
    return torch.cat([handover.ids, generated], dim=-1), _advance(model, {}, handover.state, done)


def _advance(model: Any, outputs: Any, state: dict[str, Any], tokens: int) -> dict[str, Any]:
    """Masks and positions for so many more tokens."""
    encoder_decoder = model.config.is_encoder_decoder
    advanced: dict[str, Any] = model._update_model_kwargs_for_generation(outputs, state, encoder_decoder, tokens)
    return advanced


def kind(model: Any, answer: Answer) -> tuple[Any, ...]:
    """Answers of one kind are begun alike by the library."""
    prompt = answer.prompt
    config = model.generation_config
    # These processors keep the whole batch's encoder input, so no row could leave later.
    alone = answer.key if config.encoder_repetition_penalty or config.encoder_no_repeat_ngram_size else None
    extra = tuple(sorted((prompt.extra or {}).items()))
    return prompt.limit, prompt.sampling.repetition_penalty, extra, alone


def family(model: Any, answer: Answer) -> tuple[Any, ...]:
    """Answers of one family may be prefilled together without padding of what the decoder reads."""
    length = 0 if model.config.is_encoder_decoder else len(answer.prompt.token_ids)
    return length, len(answer.generated), *kind(model, answer)


def last_logits(outputs: Any) -> torch.Tensor:
    """The last position's, shape (rows, vocabulary), as a float32 copy that does not keep the others alive."""
    logits: torch.Tensor = outputs.logits[:, -1].to(copy=True, dtype=torch.float32)
    return logits


def _longest(model: Any, answer: Answer) -> int:
    before = 1 if model.config.is_encoder_decoder else len(answer.prompt.token_ids)
    return before + answer.prompt.limit


def _decoder_only(answers: list[Answer]) -> dict[str, torch.Tensor]:
    ids = torch.tensor([answer.prompt.token_ids for answer in answers])
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def encoder_inputs(answers: list[Answer], pad_id: int) -> dict[str, torch.Tensor]:
    """What the encoder reads, padded on the right."""
    width = max(len(answer.prompt.token_ids) for answer in answers)
    rows = [answer.prompt.token_ids for answer in answers]
    return {
        "input_ids": torch.tensor([row + [pad_id] * (width - len(row)) for row in rows]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows]),
    }
