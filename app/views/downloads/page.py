"""The page of one download: how it stands, what can be done with it, and its files. Holds no logic: view.py connects it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.download_words import bar_role, figures, main_action, name, remedy, share, speed, standing
from app.downloads import RUNNING, UNFINISHED
from app.figures import ago, file_size, time_left
from app.model_uses import use_of
from app.widgets.bar import Bar
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.card_column import CardColumn
from app.widgets.fact_list import FactList
from app.widgets.file_lines import FileLine
from app.widgets.file_view import FileView
from app.widgets.icon_button import IconButton
from app.widgets.label import Label
from app.widgets.pill import Pill
from sidecar.types import DownloadFile, DownloadInfo, ModelInfo

SHORT_COMMIT = 12
WORTH_TELLING = 0.01  # of all bytes


class DownloadPage(CardColumn):
    """Signals:
    acted: the main button.
    cancel_wanted, first_wanted, verify_wanted, forget_wanted: the others.
    """

    acted = Signal()
    cancel_wanted = Signal()
    first_wanted = Signal()
    verify_wanted = Signal()
    forget_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._name = Label(size="title", weight="strong", wrap=True)
        self._standing = Pill("")
        self._repository = Label(role="muted", size="small", wrap=True, selectable=True)
        self._bar = Bar()
        self.figures = Label(size="control", wrap=True, tabular=True, selectable=True)
        self.remedy = Label(role="muted", size="control", wrap=True)
        self.facts = FactList()
        self.main_button = Button("", "primary")
        self.cancel_button = IconButton("x", self.tr("Cancel"), framed=True)
        self.first_button = Button(self.tr("Do it first"), "secondary", "arrow-up")
        self.verify_button = Button(self.tr("Verify"), "secondary", "shield-check")
        self.forget_button = IconButton("x", self.tr("Take off the list"), framed=True)
        self.files = FileView(self.tr("Files"))
        self.files_card = Card(self.tr("Files"), padding=20, parent=self.inside)
        self._files_sum = Label(role="muted", size="small", tabular=True)
        self._lay_out()
        self.main_button.clicked.connect(self.acted)
        self.cancel_button.clicked.connect(self.cancel_wanted)
        self.first_button.clicked.connect(self.first_wanted)
        self.verify_button.clicked.connect(self.verify_wanted)
        self.forget_button.clicked.connect(self.forget_wanted)

    def show_download(self, info: DownloadInfo, model: ModelInfo | None, *, can_be_first: bool) -> None:
        """How it stands now. `model`: what came of it; `can_be_first`: others would run before it."""
        self.setAccessibleName(name(info))
        self._name.setText(name(info))
        state = standing(info)
        self._standing.set_state(state.text, state.tone)
        self._repository.setText(" · ".join(filter(None, (info.model, info.variant))))
        self._bar.setVisible(info.state in UNFINISHED)
        self._bar.set_value(share(info), bar_role(info))
        self.figures.setText(figures(info))
        self.figures.set_role("bad_text" if info.state == "failed" else "text")
        hint = " ".join(filter(None, (remedy(info), *info.warnings)))
        self.remedy.setText(hint)
        self.remedy.setVisible(bool(hint))
        self._show_facts(info)
        self._show_actions(info, model, can_be_first=can_be_first)
        self._show_files(info)

    def set_verifying(self, verifying: bool) -> None:
        """Comparing gigabytes with their hashes takes a while."""
        self.verify_button.setEnabled(not verifying)
        self.verify_button.setText(self.tr("Verifying…") if verifying else self.tr("Verify"))

    def _show_facts(self, info: DownloadInfo) -> None:
        going = info.state == "downloading"
        reused = sum(file.reused for file in info.files)
        facts = {
            self.tr("Size"): file_size(info.bytes_total) if info.bytes_total else "",
            self.tr("Speed"): speed(info.speed) if going else "",
            self.tr("Time left"): time_left(info.eta_s) if going and info.eta_s is not None and info.speed else "",
            self.tr("Was here already"): file_size(reused) if reused > WORTH_TELLING * info.bytes_total else "",
            self.tr("Commit"): (info.commit or "")[:SHORT_COMMIT],
            self.tr("Began"): ago(info.created_at),
            self.tr("Ended"): ago(info.finished_at) if info.finished_at else "",
        }
        for title, value in facts.items():
            self.facts.set(title, value)

    def _show_actions(self, info: DownloadInfo, model: ModelInfo | None, *, can_be_first: bool) -> None:
        action = main_action(info)
        words, icon = action.words, action.icon
        if action.kind == "open" and model is not None:
            words, icon = use_of(model.model_type).place, use_of(model.model_type).icon
        self.main_button.setText(words)
        self.main_button.set_kind("secondary" if action.kind == "pause" else "primary", icon)
        self.main_button.setVisible(action.kind != "open" or model is not None)
        self.cancel_button.setVisible(info.state in UNFINISHED)
        self.first_button.setVisible(can_be_first)
        self.verify_button.setVisible(info.state == "done" and model is not None)
        self.forget_button.setVisible(info.state not in UNFINISHED)

    def _show_files(self, info: DownloadInfo) -> None:
        self.files.set_lines([_line(file, going=info.state in RUNNING) for file in info.files])
        done = sum(file.state == "done" for file in info.files)
        self._files_sum.setText(self.tr("{0} of {1} here").format(done, len(info.files)))
        self.files_card.setVisible(bool(info.files))

    def _lay_out(self) -> None:
        details = Card(padding=20, parent=self.inside)
        details.header.addWidget(self._name, 1)
        details.header.addWidget(self._standing)
        details.body.addLayout(details.header)
        for widget in (self._repository, self._bar, self.figures, self.remedy):
            details.body.addWidget(widget)
        details.body.addSpacing(4)
        details.body.addWidget(self.facts)
        details.body.addSpacing(8)
        details.body.addLayout(self._buttons())
        self.files_card.header.addWidget(self._files_sum)
        self.files_card.body.addWidget(self.files)
        self.show_cards(details, self.files_card)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in (self.main_button, self.first_button, self.verify_button):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.cancel_button)
        row.addWidget(self.forget_button)
        return row


def _line(file: DownloadFile, *, going: bool) -> FileLine:
    """Its size, or how far it is; a bar that does not grow is quiet."""
    if file.state == "failed":
        return FileLine(file.path, QCoreApplication.translate("Downloads", "failed"), bad=True)
    if file.state == "downloading":
        part = file.done / file.bytes if file.bytes else 0.0
        return FileLine(file.path, f"{int(100 * part)} % · {file_size(file.bytes)}", part, quiet=not going)
    return FileLine(file.path, file_size(file.bytes), quiet=file.state == "waiting")
