"""The head of the Catalogue: title, search, what this machine is; and below it the filters and the order."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.catalogue_words import licence
from app.figures import memory
from app.model_words import task
from app.theme import theme
from app.widgets.button import Button
from app.widgets.elided_label import ElidedLabel
from app.widgets.filter_field import FilterField
from app.widgets.label import Label
from app.widgets.search_field import SearchField
from app.widgets.spinner import Spinner
from sidecar.types import CatalogueEntry, CataloguePage, CatalogueQuery, ModelType, SystemInfo

SEARCH_WIDTH = 420
MOST = 100  # of the hub's answers; who wants more says more
TASKS: tuple[ModelType, ...] = ("text_generation", "classification", "translation", "embedding", "reranking")
SIZES_MB = (100, 500, 1_000, 2_000, 5_000, 10_000)
USUAL_LICENCES = ("apache-2.0", "mit")


class CatalogueHeader(QWidget):
    """Signals:
    changed(): the person typed something else.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(theme.metrics.spacing["header_height"])
        self.search = SearchField(self.tr("Search the hub and the built-in list"))
        self.search.setMaximumWidth(SEARCH_WIDTH)
        self.search.setMinimumWidth(200)
        self.busy = Spinner(self.tr("Searching"), 14)
        self.machine = ElidedLabel(role="muted", size="small")
        self.measure_button = Button(self.tr("Measure"), "secondary", "gauge", compact=True)
        self.measure_button.setToolTip(self.tr("Measure this machine now: speeds can be predicted then"))
        self.measure_button.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 0, 24, 0)
        row.setSpacing(12)
        row.addWidget(Label(self.tr("Catalogue"), size="title", weight="strong"))
        row.addWidget(self.search, 3)
        row.addWidget(self.busy)
        row.addStretch(1)
        row.addWidget(self.machine)
        row.addWidget(self.measure_button)
        self.busy.hide()
        self.search.textChanged.connect(lambda _text: self.changed.emit())

    def show_system(self, system: SystemInfo) -> None:
        """4 cores · 16 GB · no GPU · measured 24 GB/s."""
        cores = self.tr("1 core") if system.physical_cores == 1 else self.tr("{0} cores").format(system.physical_cores)
        measured = self.tr("not measured yet")
        if system.calibration is not None:
            words = (
                self.tr("measured {0} GB/s, while busy") if system.calibration.rough else self.tr("measured {0} GB/s")
            )
            measured = words.format(f"{system.calibration.memory_gb_s:.0f}")
        parts = (cores, memory(system.memory_total_mb), system.gpu or self.tr("no GPU"), measured)
        self.machine.setText(" · ".join(parts))
        self.measure_button.setVisible(system.calibration is None or system.calibration.rough)


class CatalogueFilters(QWidget):
    """Signals:
    changed(): the person chose another filter.
    ordered(Order): the person wants another order.
    """

    changed = Signal()
    ordered = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tasks = FilterField(
            self.tr("Task"), [(None, self.tr("Any task")), *((kind, task(kind)) for kind in TASKS)]
        )
        self.fits = Button(self.tr("Fits this machine"), "secondary")
        self.fits.setCheckable(True)
        self.sizes = FilterField(self.tr("Size"), [(0, self.tr("Any size")), *(self._size(mb) for mb in SIZES_MB)])
        self.licences = FilterField(self.tr("Licence"), [(None, self.tr("Any licence"))])
        self.order = FilterField(self.tr("Order"), self._orders())
        self.count = ElidedLabel(role="muted", size="small")
        self.offer_licences(())
        self._lay_out()
        for field in (self.tasks, self.sizes, self.licences):
            field.chosen.connect(lambda _value: self.changed.emit())
        self.fits.toggled.connect(self._on_fits)
        self.order.chosen.connect(self.ordered)

    def query(self, words: str) -> CatalogueQuery:
        """What to ask for: these words, and what is chosen here."""
        return CatalogueQuery(
            query=words.strip(),
            task=self.tasks.value(),
            licence=self.licences.value(),
            fits=self.fits.isChecked(),
            largest_mb=self.sizes.value(),
            limit=MOST if words.strip() else 2 * MOST,
        )

    def narrows(self) -> bool:
        """Whether anything but the words keeps models out."""
        return bool(self.tasks.value() or self.licences.value() or self.fits.isChecked() or self.sizes.value())

    def clear(self) -> None:
        """Let everything pass."""
        for field in (self.tasks, self.sizes, self.licences):
            field.setCurrentIndex(0)
        self.fits.setChecked(False)
        self.changed.emit()

    def offer_licences(self, entries: Sequence[CatalogueEntry]) -> None:
        """Those that occur, and the usual ones; the chosen one stays."""
        chosen = self.licences.value()
        found = sorted({*USUAL_LICENCES, *(entry.licence for entry in entries if entry.licence)}, key=str.casefold)
        self.licences.set_choices([(None, self.tr("Any licence")), *((name, licence(name)) for name in found)])
        self.licences.set_value(chosen, licence(chosen))

    def show_count(self, page: CataloguePage) -> None:
        """How many there are."""
        shown, total = len(page.entries), page.total
        words = self.tr("1 model") if total == 1 else self.tr("{0} models").format(total)
        self.count.setText(self.tr("{0} of {1}").format(shown, words) if shown < total else words)

    def _on_fits(self, on: bool) -> None:
        if on:
            self.fits.set_icon("check")
        else:
            self.fits.setIcon(QIcon())
        self.changed.emit()

    def _size(self, megabytes: int) -> tuple[int, str]:
        words = f"{megabytes} MB" if megabytes < 1000 else f"{megabytes // 1000} GB"
        return megabytes, self.tr("Up to {0}").format(words)

    def _orders(self) -> list[tuple[str, str]]:
        return [
            ("best", self.tr("Best first")),
            ("size", self.tr("Smallest first")),
            ("speed", self.tr("Quickest first")),
            ("name", self.tr("By name")),
            ("downloads", self.tr("Most downloaded")),
        ]

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.tasks, self.fits, self.sizes, self.licences, self.order):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.count)
