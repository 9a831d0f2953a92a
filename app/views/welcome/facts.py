"""What this machine can do: processor, memory, graphics and disk, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QGridLayout

from app.figures import memory
from app.widgets.card import Card
from app.widgets.elided_label import ElidedLabel
from app.widgets.label import Label
from sidecar.types import SystemInfo

UNKNOWN = "–"
WORTH_NAMING = (("amx", "AMX"), ("avx512", "AVX-512"), ("avx2", "AVX2"), ("sve", "SVE"), ("neon", "NEON"))


class Facts(Card):
    """Processor, memory, graphics and disk, side by side."""

    def __init__(self) -> None:
        super().__init__(padding=20)
        self.known = False
        self.setAccessibleName(self.tr("This machine"))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(3)
        self.body.addLayout(self._grid)
        self._labels: dict[str, tuple[Label, Label]] = {}
        self._folder = ElidedLabel("", "muted", "small", middle=True)
        self._folder.setContentsMargins(0, 10, 0, 0)
        self._folder.hide()
        self._grid.addWidget(self._folder, 3, 0, 1, 4)
        titles = (self.tr("Processor"), self.tr("Memory"), self.tr("Graphics"), self.tr("Disk"))
        for column, (key, title) in enumerate(zip(("processor", "memory", "graphics", "disk"), titles, strict=True)):
            self._add(column, key, title)

    def show_system(self, system: SystemInfo) -> None:
        """Fill in the figures of this machine."""
        self.known = True
        self._set("processor", _cores(system.physical_cores), _processor_note(system))
        free = self.tr("{0} free").format(memory(system.memory_available_mb))
        self._set("memory", memory(system.memory_total_mb), free)
        self._set("graphics", system.gpu or self.tr("None usable"), "" if system.gpu else self.tr("processor only"))
        at_home = Path(system.models_dir).is_relative_to(Path.home())
        note = self.tr("models go to your home folder") if at_home else ""
        self._set("disk", self.tr("{0} free").format(memory(system.disk_free_mb)), note)
        self._folder.setText(self.tr("Models go to {0}").format(system.models_dir))
        self._folder.setVisible(not at_home)  # a path of any length needs the whole width

    def text(self, key: str) -> str:
        """Figure and note under one heading."""
        return " ".join(label.text() for label in self._labels[key])

    def folder(self) -> str:
        """The line about the models' folder; empty when it is in the home folder, which the note under Disk says."""
        return self._folder.text() if self._folder.isVisibleTo(self) else ""

    def _add(self, column: int, key: str, title: str) -> None:
        value = ElidedLabel(UNKNOWN, weight="strong")
        note = ElidedLabel(" ", "muted", "small", middle=True)
        self._grid.addWidget(Label(title, "muted", "small"), 0, column)
        self._grid.addWidget(value, 1, column)
        self._grid.addWidget(note, 2, column)
        self._grid.setColumnStretch(column, 1)
        self._labels[key] = (value, note)

    def _set(self, key: str, value: str, note: str) -> None:
        for label, text in zip(self._labels[key], (value, note), strict=True):
            label.setText(text)


def instruction_set(offered: Sequence[str]) -> str:
    """The one that matters most for speed, as its makers write it; empty when none is known."""
    names = [name.casefold().replace("-", "").replace("_", "") for name in offered]
    return next((shown for start, shown in WORTH_NAMING if any(name.startswith(start) for name in names)), "")


def _processor_note(system: SystemInfo) -> str:
    """AVX2, 24 GB/s: what was measured of it."""
    measured = system.calibration
    rate = _tr("{0} GB/s").format(f"{measured.memory_gb_s:.0f}") if measured else ""
    return ", ".join(filter(None, (instruction_set(system.instruction_sets), rate)))


def _cores(count: int) -> str:
    return _tr("1 core") if count == 1 else _tr("{0} cores").format(count)


def _tr(text: str) -> str:
    return QCoreApplication.translate("WelcomeView", text)
