"""What this machine could do for a model that is not here: its memory and its speed, from published sizes alone.

A snapshot that is made once for many models. It decides nothing: whether that is good enough is the catalogue's matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct, field

from sidecar.registry.shape import Shape
from sidecar.runtime import learning, placement, prediction
from sidecar.runtime.correction import Correction, Quantity
from sidecar.runtime.description import Description, describe
from sidecar.runtime.learning import Runs
from sidecar.runtime.placement import Room
from sidecar.runtime.prediction import Surroundings
from sidecar.types import Calibration, ModelType, Prediction, PredictRequest

WRITERS: tuple[ModelType, ...] = ("text_generation", "translation")
NOT_FOR_GGUF = "The machine is not measured for llama.cpp; once the model has run, it is predicted from that."
CACHED_BYTES = {"llamacpp": 2, "transformers": 4}  # of one kept key or value


class Candidate(Struct, frozen=True):
    """A model as it would be loaded. `precision`: that of the files, such as bfloat16 or q4_k_m; `file_bytes`: of its
    weights; `kept_width`: of the keys of one token in one layer, heads times their width."""

    engine: str
    task: ModelType
    precision: str
    parameters: int
    file_bytes: int
    shape: Shape
    kept_width: int = 0
    context: int | None = None

    @property
    def cache_bytes_per_token(self) -> int:
        """Keys and values of one token in all layers; nothing for models that only read."""
        if self.task not in WRITERS:
            return 0
        return 2 * self.shape.layers * self.kept_width * CACHED_BYTES.get(self.engine, 4)


class Outlook(Struct, frozen=True):
    """`now`: room for models beside those in memory, `alone`: without them. `free_disk` in bytes. `prefix_cache_mb`: the
    setting. `profile` is None, and `no_speed` says why, while nothing can be said of speed. `kin(model)`: real runs of models
    that are computed alike."""

    now: Room
    alone: Room
    free_disk: int
    max_sequences: int
    prefix_cache_mb: int
    profile: Calibration | None
    no_speed: str | None
    around: Surroundings
    kin: Callable[[Description], Iterable[Runs]]
    _corrections: dict[tuple[str, str, str], dict[Quantity, Correction]] = field(default_factory=dict)

    def needed(self, model: Candidate) -> int:
        """Bytes of memory that it takes at most while it is loaded."""
        kept = placement.prefix_cache_mb(self.prefix_cache_mb, model.cache_bytes_per_token, self.alone.limit)
        return self._estimate(model, kept).total

    def why_no_speed(self, model: Candidate) -> str | None:
        """None where a speed can be told."""
        if self.profile is None:
            return self.no_speed
        measured = {rate.precision for rate in self.profile.gemm}
        return NOT_FOR_GGUF if model.engine == "llamacpp" and "q8_0" not in measured else None

    def prediction(self, model: Candidate, asked: PredictRequest) -> Prediction | None:
        if self.profile is None or self.why_no_speed(model):
            return None
        described = self._described(model, self.profile)
        return prediction.predict(described, self.profile, asked, self.around, self._learned(described, self.profile))

    def _estimate(self, model: Candidate, prefix_cache_mb: int) -> placement.Estimate:
        context = model.context
        if context is not None:
            context = placement.fitting_context(
                context, model.cache_bytes_per_token, self.max_sequences, self.alone.limit
            )
        return placement.estimate(
            engine=model.engine,
            parameters=model.parameters,
            stored_bytes=model.file_bytes,
            on_cpu=True,
            cache_bytes_per_token=model.cache_bytes_per_token,
            context_length=context,
            max_sequences=self.max_sequences,
            limit=self.alone.limit,
            prefix_cache_mb=prefix_cache_mb,
        )

    def _described(self, model: Candidate, profile: Calibration) -> Description:
        rates, as_stored = {rate.precision for rate in profile.gemm}, model.engine in placement.IN_FILE_TYPE
        return describe(
            engine=model.engine,
            task=model.task,
            shape=model.shape,
            parameters=model.parameters,
            file_bytes=model.file_bytes,
            cache_bytes_per_token=model.cache_bytes_per_token,
            weight_bytes=model.file_bytes if as_stored else 0,
            reserved_bytes=self._estimate(model, 0).cache if as_stored else 0,
            stored=model.precision,
            can_round="int8" in rates,
            half="bfloat16" in rates and model.precision == "bfloat16",
        )

    def _learned(self, model: Description, profile: Calibration) -> dict[Quantity, Correction]:
        """Looking through all runs for every model of a catalogue would take long: kin share what they teach."""
        key = (model.engine, model.way, model.precision)
        if key not in self._corrections:
            self._corrections[key] = learning.corrections((model, []), self.kin(model), profile)
        return self._corrections[key]
