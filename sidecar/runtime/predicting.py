"""Predicts for the models that are known: brings together the registry, the profile, the evidence and what is in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from sidecar import hardware
from sidecar.config import Settings
from sidecar.registry import exported
from sidecar.registry.inspect import Inspection
from sidecar.registry.store import Model, ModelStore, ModelVersion
from sidecar.runtime import learning, placement, prediction
from sidecar.runtime.calibration import Calibrator
from sidecar.runtime.description import Description, describe
from sidecar.runtime.engines import EngineChooser
from sidecar.runtime.evidence import Evidence, Observation
from sidecar.runtime.launcher import Launcher
from sidecar.runtime.learning import Runs
from sidecar.runtime.outlook import NOT_FOR_GGUF, Outlook
from sidecar.runtime.prediction import Surroundings
from sidecar.runtime.residency import Residency
from sidecar.runtime.worker import Worker
from sidecar.types import Calibration, Fit, Prediction, PredictRequest, PredictResponse

MB = 1e6
ON_GPU = "It runs, or would run, on a GPU; only the processor has been measured."


class Predictor:
    """Knows what the machine can do, what models are, and what their runs took."""

    def __init__(
        self,
        store: ModelStore,
        chooser: EngineChooser,
        residency: Residency[Worker],
        launcher: Launcher,
        calibrator: Calibrator,
        evidence: Evidence,
    ) -> None:
        self._store = store
        self._chooser = chooser
        self._residency = residency
        self._launcher = launcher
        self._calibrator = calibrator
        self._evidence = evidence

    async def predict(self, name: str, asked: PredictRequest) -> PredictResponse:
        """Raises ModelNotFound, LoadFailed when its folder is unusable."""
        version = self._store.resolve(name)
        chosen = self._chooser.engine(version, version.options.device).name
        model = replace(self._store.get(name), engine=chosen)
        profile = self._calibrator.profile
        described = self._described(model, profile)
        runs = self._runs(described, model)
        reason = await self._why_not(model, profile, runs)
        return PredictResponse(
            model=model.id,
            version=version.version,
            request=asked,
            fit=await self._fit(version),
            measured=learning.measured(runs),
            prediction=None if reason or profile is None else await self._predicted(model, described, asked, profile),
            reason=reason,
        )

    async def outlook(self, models_dir: Path, settings: Settings) -> Outlook:
        """What can be said now of models that are not here. `models_dir`: where their files would go."""
        profile = self._calibrator.profile
        available, disk, gpu = await asyncio.to_thread(_machine, models_dir)
        used = sum(resident.memory_bytes for resident in self._residency.residents())
        limit = self._launcher.memory_limit
        no_speed = self._calibrator.reason if profile is None else ON_GPU if gpu else None
        return Outlook(
            now=placement.Room(limit=limit, used=used, available=available),
            alone=placement.Room(limit=limit, used=0, available=available + used),
            free_disk=disk,
            max_sequences=settings.max_sequences,
            prefix_cache_mb=settings.prefix_cache_mb,
            profile=None if no_speed else profile,
            no_speed=no_speed,
            around=Surroundings(spare_worker=True, batch_tokens=settings.batch_tokens),
            kin=lambda model: self._kin(model, ""),
        )

    async def _predicted(
        self, model: Model, described: Description, asked: PredictRequest, profile: Calibration
    ) -> Prediction:
        version = self._store.resolve(model.id)
        engine = self._chooser.engine(version, version.options.device)
        around = await asyncio.to_thread(self._launcher.surroundings, version, engine)
        own: Runs = (described, self._runs(described, model))
        corrections = learning.corrections(own, self._kin(described, model.id), profile)
        return prediction.predict(described, profile, asked, around, corrections)

    def _runs(self, described: Description, model: Model) -> list[Observation]:
        return _comparable(self._evidence.of(model.id, model.version), described)

    async def _why_not(self, model: Model, profile: Calibration | None, runs: list[Observation]) -> str | None:
        if profile is None:
            return self._calibrator.reason
        measured = {rate.precision for rate in profile.gemm}
        if model.engine == "llamacpp" and "q8_0" not in measured and not runs:
            return NOT_FOR_GGUF
        device = model.facts.device if model.facts else model.options.device
        gpu = await asyncio.to_thread(hardware.gpu_name)
        elsewhere = device not in ("auto", "cpu") or (device == "auto" and gpu is not None)
        return ON_GPU if elsewhere else None

    def _kin(self, model: Description, name: str) -> list[Runs]:
        """The other models that are computed in the same way, with their runs."""
        kin: list[Runs] = []
        for other in self._store.all():
            if other.id == name or other.inspection is None or other.engine != model.engine:
                continue
            runs = self._evidence.of(other.id, other.version)
            described = self._described(other, self._calibrator.profile) if runs else None
            if described and (described.way, described.precision) == (model.way, model.precision):
                kin.append((described, _comparable(runs, described)))
        return kin

    def _described(self, model: Model, profile: Calibration | None) -> Description:
        version = self._store.resolve(model.id)
        seen, as_stored = version.inspection, model.engine in placement.IN_FILE_TYPE
        rates = {rate.precision for rate in profile.gemm} if profile else set()
        return describe(
            engine=model.engine,
            task=model.model_type,
            shape=seen.shape,
            parameters=seen.weights.parameters,
            file_bytes=seen.file_bytes,
            cache_bytes_per_token=seen.cache_bytes_per_token,
            weight_bytes=seen.weights.stored_bytes if as_stored else 0,
            reserved_bytes=self._launcher.reserved(version) if as_stored else 0,
            stored=seen.weights.commonest,
            precision=model.facts.precision if model.facts else None,
            quantization=model.options.quantization,
            can_round="int8" in rates,
            half="bfloat16" in rates and _mostly_bf16(seen),
            exported=seen.architecture == exported.ARCHITECTURE,
        )

    async def _fit(self, version: ModelVersion) -> Fit:
        needed = self._launcher.needed(version, version.options.device)
        residents = self._residency.residents()
        own = sum(resident.memory_bytes for resident in residents if resident.model == version.model)
        used = sum(resident.memory_bytes for resident in residents)
        available = await asyncio.to_thread(hardware.available_memory)
        limit = self._launcher.memory_limit
        now = placement.Room(limit=limit, used=used - own, available=available + own)
        alone = placement.Room(limit=limit, used=0, available=available + used)
        verdict = "fits" if needed <= now.free else "after_unloading" if needed <= alone.free else "too_large"
        return Fit(verdict, round(needed / MB, 1), round(max(0, now.free) / MB, 1), round(limit / MB, 1))  # type: ignore[arg-type]


def _comparable(runs: list[Observation], described: Description) -> list[Observation]:
    """Those of the engine and precision with which a model would run now: others say nothing about it."""
    return [run for run in runs if (run.engine, run.precision) == (described.engine, described.precision)]


def _mostly_bf16(seen: Inspection) -> bool:
    elements = seen.weights.elements
    return 2 * elements.get("BF16", 0) > sum(elements.values())


def _machine(models_dir: Path) -> tuple[int, int, str | None]:
    return hardware.available_memory(), hardware.free_disk(models_dir), hardware.gpu_name()
