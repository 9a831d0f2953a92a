"""What is told about a model: its row in the registry and its state in memory as one public record. Pure."""

from __future__ import annotations

from sidecar.registry.gguf_model import VISION
from sidecar.registry.inspect import Inspection
from sidecar.registry.store import Model
from sidecar.runtime.choosing import Choice
from sidecar.runtime.protocol import ModelFacts
from sidecar.runtime.resident import Resident
from sidecar.runtime.sampling import effective
from sidecar.runtime.worker import Worker
from sidecar.types import GenerationDefaults, ModelInfo, Preparation

MB = 1024 * 1024


def model_info(
    model: Model, resident: Resident[Worker] | None, now: float, choice: Choice, preparation: Preparation | None
) -> ModelInfo:
    """`now`: the clock by which the resident's time runs out. `choice`: the engine of the next load."""
    seen, facts = model.inspection, _facts(model, resident)
    loaded = resident is not None and bool(resident.live)
    own = effective(model.options, seen.defaults if seen else GenerationDefaults())
    return ModelInfo(
        id=model.id,
        name=model.id,
        model_type=model.model_type,
        model_path=str(model.path),
        tokenizer_path=str(model.path),
        device=facts.device if loaded and facts else model.options.device,
        dtype=facts.precision if facts else None,
        max_length=own.max_length,
        temperature=own.temperature,
        top_p=own.top_p,
        top_k=own.top_k,
        is_loaded=loaded,
        memory_usage_mb=round(resident.memory_bytes / MB, 1) if resident and loaded else None,
        parameters_count=_parameters(facts, seen),
        version=model.version,
        engine=facts.engine if loaded and facts else choice.engine,
        capabilities=_capabilities(facts, seen),
        description=model.problem or (seen.description if seen else ""),
        state="loaded" if loaded else "loading" if resident else "unloaded",
        context_length=facts.context_length if facts else seen.context_length if seen else None,
        size_mb=round(seen.file_bytes / MB, 2) if seen else 0.0,
        labels=list(facts.labels if facts else seen.labels if seen else ()),
        multi_label=facts.multi_label if facts else seen.multi_label if seen else False,
        languages=list(facts.languages) if facts else [],
        pinned=model.options.pinned,
        builtin=model.builtin,
        keep_alive=resident.keep_alive if resident and resident.keep_alive is not None else model.options.keep_alive,
        num_workers=resident.wanted if resident else model.options.num_workers,
        active_requests=resident.active + resident.waiting if resident else 0,
        expires_in_s=_expires_in(resident, now),
        last_used_at=model.last_used_at,
        quantization=model.options.quantization,
        min_p=own.min_p,
        repetition_penalty=own.repetition_penalty,
        max_new_tokens=own.max_new_tokens,
        engine_choice=model.options.engine,
        device_choice=model.options.device,
        engine_reason=_reason(facts if loaded else None, choice),
        precision=facts.precision if loaded and facts else choice.precision,
        preparation=preparation,
        projector=seen.projector.name if seen and seen.projector else None,
        use_projector=model.options.use_projector,
        origin=model.origin,
        adapters=model.options.adapters,
        draft_model=model.options.draft_model,
    )


def _reason(loaded: ModelFacts | None, choice: Choice) -> str:
    if loaded is None or loaded.engine == choice.engine:
        return choice.reason
    return f"it was loaded before; the next load uses {choice.engine}: {choice.reason}"


def _facts(model: Model, resident: Resident[Worker] | None) -> ModelFacts | None:
    """Those of the loaded replica, else what the last load taught."""
    live = resident.live if resident else []
    return live[0].worker.facts if live else model.facts


def _capabilities(facts: ModelFacts | None, seen: Inspection | None) -> list[str]:
    """Whether it sees is an option of the next load, and nothing that the last one taught."""
    if facts is None:
        return list(seen.capabilities) if seen else []
    return [*facts.capabilities, VISION] if seen and VISION in seen.capabilities else list(facts.capabilities)


def _parameters(facts: ModelFacts | None, seen: Inspection | None) -> int | None:
    if facts is not None:
        return facts.parameters
    return seen.weights.parameters if seen else None


def _expires_in(resident: Resident[Worker] | None, now: float) -> float | None:
    if resident is None or resident.expires_at is None:
        return None
    return round(max(0.0, resident.expires_at - now), 1)
