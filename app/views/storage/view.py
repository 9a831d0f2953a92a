"""The Storage view: what lies on the disk at the left; the disk, moving it and cleaning up at the right."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.figures import file_size
from app.models.stored import Entry, StoredEntries
from app.view import Frame, View
from app.views.storage import words
from app.views.storage.asking import StorageRequests
from app.views.storage.clean_card import CleanCard
from app.views.storage.disk_card import DiskCard
from app.views.storage.header import StorageHeader
from app.views.storage.table import StorageTable
from app.views.storage.words import Cleanable
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.command_palette import Command
from app.widgets.confirm_dialog import ConfirmDialog
from app.widgets.elided_label import ElidedLabel
from app.widgets.hairline import Hairline
from app.widgets.label import Label
from app.widgets.segmented import SegmentedControl
from sidecar.types import JobInfo, StorageInfo, StoredModel, TrashedModel

ALL, UNUSED, TRASH = range(3)
UNUSED_DAYS = 30
SIDE = 24
NARROW_BELOW = 900  # logical pixels of the view's width
CARDS_WIDTH, NARROW_CARDS_WIDTH = 380, 284
BESIDE_SCROLL_BAR = 12
LOOK_AGAIN_S = 0.3  # events come in bursts


class StorageView(View):
    """A page of the window; see the package's modules for its parts. It asks the disk only while it is in front."""

    name = "storage"
    title = "Storage"
    icon = "hard-drive"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.info: StorageInfo | None = None
        self.trash: list[TrashedModel] = []
        self.job: JobInfo | None = None
        self.entries = StoredEntries(self)
        self.requests = StorageRequests(self.session, self)
        self.header = StorageHeader(self)
        self.table = StorageTable(self.entries)
        self.tabs = SegmentedControl(
            [self.tr("All"), self.tr("Not used for {0} days").format(UNUSED_DAYS), self.tr("Trash")],
            self.tr("What is shown"),
        )
        self.chosen = ElidedLabel(role="muted", size="small")
        self.delete_button = Button(self.tr("Delete"), "secondary", "trash-2", compact=True)
        self.restore_button = Button(self.tr("Bring back"), "secondary", "undo-2", compact=True)
        self.nothing = Label("", "muted", "control", wrap=True)
        self._nothing_page = QWidget()
        self.disk = DiskCard()
        self.clean = CleanCard()
        self._below = QWidget()
        self._cards = QScrollArea()
        self._columns = QHBoxLayout()
        self._lay_out()
        self._connect()
        self._show()

    # ---- View -------------------------------------------------------------------------------------------------------

    def activated(self) -> None:
        self.requests.look()
        self.table.setFocus()

    def kept_clear(self) -> int:
        return self._below.height() + self._columns.contentsMargins().bottom()

    def commands(self) -> list[Command]:
        return [
            Command("storage", self.tr("What takes space"), lambda: self.frame.show_view(self.name), icon=self.icon)
        ]

    # ---- what the person does ---------------------------------------------------------------------------------------

    def delete(self) -> None:
        """What is chosen: a model to the trash, what is in the trash for good."""
        found = [entry for entry in self.table.chosen() if not entry.kept]
        if not found:
            return
        if self.tabs.current() == TRASH:
            self._confirm_delete(found)
        else:
            self.requests.remove(found)

    def restore(self) -> None:
        """Bring back what is chosen in the trash."""
        self.requests.restore([entry.key for entry in self.table.chosen()])

    def choose_folder(self) -> None:
        """Ask where the models folder shall go."""
        dialog = QFileDialog(self, self.tr("Move the models to"), self.info.folder if self.info else "")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.requests.move)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _cancel_move(self) -> None:
        if self.job is not None:
            self.requests.cancel(self.job.id)

    def _show_folder(self) -> None:
        if self.info is not None:
            self.requests.show_folder(self.info.folder)

    def _confirm_delete(self, found: list[Entry]) -> None:
        question = self.tr("Delete {0} for good?").format(words.chosen(found))
        self._confirm(question, lambda: self.requests.delete([entry.key for entry in found]))

    def _confirm_clean(self, found: list[Cleanable]) -> None:
        question = self.tr("Delete {0} for good?").format(file_size(sum(one.bytes for one in found)))
        self._confirm(question, lambda: self.requests.clean(found))

    def _confirm(self, question: str, agreed: Callable[[], object]) -> None:
        dialog = ConfirmDialog(question, self.tr("That cannot be undone."), self.tr("Delete"), self.tr("Keep it"), self)
        dialog.accepted.connect(agreed)
        dialog.open()

    # ---- what the service tells -------------------------------------------------------------------------------------

    def _on_looked(self, info: StorageInfo, trash: list[TrashedModel]) -> None:
        self.info, self.trash = info, trash
        self._show()

    def _on_job(self, job: JobInfo) -> None:
        """Events and answers come by two ways: what was asked before the end may arrive after it."""
        known_end = self.job is not None and self.job.id == job.id and self.job.finished_at is not None
        if job.kind == "move" and not known_end:
            self.job = job
            self.disk.show_job(job)

    def _look_soon(self) -> None:
        if self.isVisible():
            self.requests.look(LOOK_AGAIN_S)

    def _show(self) -> None:
        """Everything, as it was last told."""
        self._show_entries()
        if self.info is not None:
            self.header.show_info(self.info)
            self.disk.show_info(self.info)
            self.clean.show_found(words.cleanables(self.info))

    def _show_entries(self) -> None:
        in_trash = self.tabs.current() == TRASH
        if in_trash:
            self.entries.set_entries([words.trash_entry(one) for one in self.trash], self.tr("Removed"))
        else:
            self.entries.set_entries([words.model_entry(one) for one in self._models()], self.tr("Last used"))
        nothing = self.entries.rowCount() == 0
        self.table.setVisible(not nothing)
        self._nothing_page.setVisible(nothing)
        self.nothing.setText(self._why_nothing())
        self.restore_button.setVisible(in_trash)
        self.delete_button.set_kind("danger" if in_trash else "secondary", "trash-2")
        self._on_selection()

    def _models(self) -> list[StoredModel]:
        models = self.info.models if self.info is not None else []
        return words.unused(models, UNUSED_DAYS) if self.tabs.current() == UNUSED else models

    def _why_nothing(self) -> str:
        if self.info is None:
            return self.tr("Shown as soon as the service has looked at the disk.")
        if self.tabs.current() == TRASH:
            return self.tr("The trash is empty. Models that you delete stay here for a while and can be brought back.")
        return self.tr("Every model was used within {0} days.").format(UNUSED_DAYS)

    def _on_selection(self) -> None:
        found = self.table.chosen() if self.table.isVisibleTo(self) else []
        kept = next((entry.kept for entry in found if entry.kept), "")
        self.chosen.setText(kept if len(found) == 1 and kept else words.chosen(found))
        self.delete_button.setEnabled(any(not entry.kept for entry in found))
        self.restore_button.setEnabled(bool(found))

    # ---- building ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._columns.setSpacing(20)
        self._columns.addWidget(self._listing(), 1)
        self._columns.addWidget(self._side())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(Hairline())
        column.addLayout(self._columns, 1)

    def _listing(self) -> Card:
        listing = Card(padding=0)
        listing.body.setSpacing(0)
        above = QHBoxLayout()
        above.setContentsMargins(13, 9, 13, 9)
        above.addWidget(self.tabs)
        below = QHBoxLayout(self._below)
        below.setContentsMargins(16, 10, 14, 10)
        below.setSpacing(8)
        below.addWidget(self.chosen, 1)
        below.addWidget(self.restore_button)
        below.addWidget(self.delete_button)
        nothing = QVBoxLayout(self._nothing_page)
        nothing.setContentsMargins(16, 16, 16, 16)
        nothing.addWidget(self.nothing)
        nothing.addStretch(1)
        listing.body.addLayout(above)
        listing.body.addWidget(Hairline())
        listing.body.addWidget(self.table, 1)
        listing.body.addWidget(self._nothing_page, 1)
        listing.body.addWidget(Hairline())
        listing.body.addWidget(self._below)
        return listing

    def _side(self) -> QScrollArea:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, BESIDE_SCROLL_BAR, 0)
        column.setSpacing(16)
        column.addWidget(self.disk)
        column.addWidget(self.clean)
        column.addStretch(1)
        self._cards.setWidget(inside)
        self._cards.setWidgetResizable(True)
        self._cards.setFrameShape(QScrollArea.Shape.NoFrame)
        return self._cards

    def _connect(self) -> None:
        self.session.storage_changed.connect(self._look_soon)
        self.session.models_changed.connect(self._look_soon)
        self.session.job_changed.connect(self._on_job)
        self.requests.looked.connect(self._on_looked)
        self.requests.job_found.connect(self._on_job)
        self.requests.said.connect(self.frame.toast)
        self.requests.busy.connect(self.header.set_busy)
        self.header.back_wanted.connect(lambda: self.frame.show_view("models"))
        self.tabs.changed.connect(lambda _tab: self._show_entries())
        self.table.selection_changed.connect(self._on_selection)
        self.table.delete_wanted.connect(self.delete)
        self.delete_button.clicked.connect(self.delete)
        self.restore_button.clicked.connect(self.restore)
        self.disk.move_wanted.connect(self.choose_folder)
        self.disk.cancel_wanted.connect(self._cancel_move)
        self.disk.folder_wanted.connect(self._show_folder)
        self.clean.clean_wanted.connect(self._confirm_clean)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < NARROW_BELOW
        edge = 14 if narrow else SIDE
        self._columns.setContentsMargins(edge, edge, edge, edge)
        self._columns.setSpacing(edge)
        self._cards.setFixedWidth(NARROW_CARDS_WIDTH if narrow else CARDS_WIDTH)
