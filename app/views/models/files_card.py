"""A model's files: how they came here and where they lie, whether they are whole, and the way out as one file."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.model_words import keeper, origin
from app.views.models.verification import Verdict
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.elided_label import ElidedLabel
from app.widgets.fact_list import FactList
from app.widgets.label import Label
from app.widgets.spinner import Spinner
from sidecar.types import ModelInfo


class FilesCard(Card):
    """Signals:
    verify_wanted, export_wanted: the buttons.
    download_wanted(str): show the download that fetches again what is damaged.
    import_wanted: import it again.
    """

    verify_wanted = Signal()
    export_wanted = Signal()
    download_wanted = Signal(str)
    import_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Files"), padding=20, parent=parent)
        self.facts = FactList()
        self.place = ElidedLabel(role="muted", size="small", middle=True, mono=True)
        self.words = Label(role="muted", size="small", wrap=True, selectable=True)
        self.repair_button = Button("", "secondary", compact=True)
        self.verify_button = Button(self.tr("Verify"), "secondary", "shield-check", compact=True)
        self.export_button = Button(self.tr("Export…"), "secondary", "upload", compact=True)
        self.export_button.setToolTip(self.tr("Write it into one file, for a machine without network"))
        self._busy = Spinner(self.tr("Comparing every file with its hash"), 14)
        self._verdict: Verdict | None = None
        self._lay_out()
        self.verify_button.clicked.connect(self.verify_wanted)
        self.export_button.clicked.connect(self.export_wanted)
        self.repair_button.clicked.connect(self._repair)

    def show_model(self, model: ModelInfo, verdict: Verdict | None, *, exporting: bool) -> None:
        """`verdict`: the latest on its files; `exporting`: it is being written into a file."""
        self.facts.set(self.tr("Origin"), _came(model))
        self.place.setText(model.model_path)
        self.export_button.setEnabled(not exporting)
        self.export_button.setText(self.tr("Exporting…") if exporting else self.tr("Export…"))
        self._show_verdict(verdict)

    def _show_verdict(self, verdict: Verdict | None) -> None:
        self._verdict = verdict
        running = verdict is not None and verdict.running
        self._busy.setVisible(running)
        self.verify_button.setEnabled(not running)
        self.verify_button.setText(self.tr("Verifying…") if running else self.tr("Verify"))
        self.words.setText(verdict.words if verdict is not None else "")
        self.words.setVisible(bool(self.words.text()))
        self.words.set_role("bad_text" if verdict is not None and verdict.bad else "muted")
        fetched = verdict is not None and verdict.download is not None
        self.repair_button.setText(self.tr("Show the download") if fetched else self.tr("Fetch again…"))
        self.repair_button.set_icon("download" if fetched else "file-up")
        self.repair_button.setVisible(fetched or (verdict is not None and verdict.again))

    def _repair(self) -> None:
        if self._verdict is not None and self._verdict.download is not None:
            self.download_wanted.emit(self._verdict.download)
        else:
            self.import_wanted.emit()

    def _lay_out(self) -> None:
        self.header.addWidget(self._busy)
        self.body.addWidget(self.facts)
        self.body.addWidget(self.place)
        self.body.addWidget(self.words)
        repair = QHBoxLayout()
        repair.addWidget(self.repair_button)
        repair.addStretch(1)
        self.body.addLayout(repair)
        self.body.addSpacing(4)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.verify_button, self.export_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        self.body.addLayout(buttons)


def _came(model: ModelInfo) -> str:
    """Used where it is · Ollama."""
    words = origin(model.origin)
    told = keeper(model.model_path) if model.origin == "in_place" else ""
    return " · ".join(filter(None, (words[:1].upper() + words[1:], told)))
