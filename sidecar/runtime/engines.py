"""Brings together what the choice of an engine depends on: the registry, the preparations, the machine."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from sidecar import hardware
from sidecar.registry.derived import Derived
from sidecar.registry.store import ModelVersion
from sidecar.runtime.choosing import LIBRARIES, Choice, Situation, check, choose

MB = 1024 * 1024


class Engine(Struct, frozen=True):
    """An engine that can run a model now. `prepared`: the folder that it needs beside the model's own; `derived`: the one
    where it may keep what it makes itself."""

    name: str
    precision: str | None
    reason: str
    prepared: Path | None = None
    derived: Path | None = None
    prepared_bytes: int = 0


class EngineChooser:
    """Made by `create`, in a thread: it looks at what is installed and what the machine has, once."""

    def __init__(self, derived: Derived, installed: frozenset[str], has_gpu: bool) -> None:
        self._derived = derived
        self._installed = installed
        self._has_gpu = has_gpu

    @classmethod
    def create(cls, derived: Derived) -> EngineChooser:
        installed = frozenset(engine for engine, package in LIBRARIES.items() if find_spec(package) is not None)
        return cls(derived, installed, hardware.gpu_name() is not None)

    def situation(self, version: ModelVersion, device: str) -> Situation:
        return Situation(
            format=version.engine,
            task=version.task,
            architecture=version.inspection.architecture,
            preparation=self._derived.preparation(version.version, version.task),
            device=device,
            has_gpu=self._has_gpu,
            installed=self._installed,
        )

    def choice(self, version: ModelVersion, device: str) -> Choice:
        """What would be chosen, whether it is possible or not."""
        return choose(self.situation(version, device), version.options.engine)

    def preparable(self, version: ModelVersion) -> bool:
        """Whether it can be converted for a quicker engine here."""
        return self.situation(version, "cpu").preparable

    def engine(self, version: ModelVersion, device: str) -> Engine:
        """What runs the model. Raises LoadFailed when the model's option asks for what is not possible."""
        choice = self.choice(version, device)
        situation = self.situation(version, device)
        check(version.model, choice, situation)
        if choice.engine != "ctranslate2" or situation.preparation is None:
            own = self._derived.own_folder(version.version, choice.engine)
            return Engine(choice.engine, choice.precision, choice.reason, derived=own)
        folder = self._derived.folder(version.version, version.task)
        size = int(situation.preparation.size_mb * MB)
        return Engine(choice.engine, choice.precision, choice.reason, folder, prepared_bytes=size)
