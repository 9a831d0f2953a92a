"""The dialog that imports models: choose what, say whether it is copied, begin. What runs is shown by the Models view."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from app.figures import file_size
from app.importing.asking import Findings, ImportRequests
from app.importing.listing import Listing
from app.importing.source_row import AddressRow, SourceRow
from app.models.importables import Importables
from app.session import Session
from app.theme import theme
from app.transfer_words import bytes_to_copy
from app.widgets.button import Button
from app.widgets.icon_button import IconButton
from app.widgets.label import Label
from app.widgets.overlay import Overlay
from sidecar.types import FromUrlStarted, Importable

WIDTH, HEIGHT = 700, 660
FEW, HEIGHT_FOR_FEW = 3, 500  # of one file, which is what is mostly named
AROUND = 16


class ImportDialog(Overlay):
    """Opens over the window of `host`.

    Signals:
        begun(list): imports of these have begun; it has closed.
        fetching(FromUrlStarted): something is fetched from an address; it has closed.
    """

    begun = Signal(list)
    fetching = Signal(object)

    def __init__(self, host: QWidget, session: Session) -> None:
        super().__init__(host, dim=True)
        self.requests = ImportRequests(session, self)
        self.found = Importables(self)
        self._paths: tuple[str, ...] = ()
        self._free_bytes = 0
        self._begun: list[Importable] = []
        self.close_button = IconButton("x", self.tr("Close"), size=28, icon_size=16)
        self.source = SourceRow()
        self.listing = Listing(self.found)
        self.in_place = QCheckBox(self.tr("Use the files where they are"))
        self.in_place_words = Label(role="muted", size="small", wrap=True)
        self.permission = QCheckBox(self.tr("I trust the makers of the old checkpoints: convert them once"))
        self.trouble = Label(role="bad_text", size="control", wrap=True, selectable=True)
        self.address = AddressRow()
        self.space = Label(role="muted", size="small", tabular=True, wrap=True)
        self.cancel_button = Button(self.tr("Cancel"), "secondary")
        self.import_button = Button(self.tr("Import"), "primary", "file-up")
        self._lay_out()
        self._connect()
        self._show()

    # ---- what the window asks for -----------------------------------------------------------------------------------

    def open_for(self, paths: Sequence[str] = (), address: str = "") -> None:
        """Show what importing these would bring, ticked; without paths what other programs keep here, not ticked."""
        self.address.field.setText(address)
        self._look(paths)
        if self.isHidden():
            self.open()
        if address:
            self.address.field.setFocus()

    def panel_geometry(self) -> QRect:
        few = self._paths and self.found.rowCount() <= FEW
        width = min(WIDTH, self.width() - 2 * AROUND)
        height = min(HEIGHT_FOR_FEW if few else HEIGHT, self.height() - 2 * AROUND)
        return QRect((self.width() - width) // 2, (self.height() - height) // 2, width, height)

    def dismiss(self) -> None:
        self.requests.stop_looking()
        super().dismiss()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click beside it does not throw away what was chosen; Escape and Cancel do."""
        event.accept()

    # ---- what is chosen ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Import what is ticked."""
        if self.import_button.isEnabled():
            self._begun = []
            self._tell("")
            self.requests.start(self.found.chosen(), in_place=self.in_place.isChecked())

    def _look(self, paths: Sequence[str]) -> None:
        self._paths = tuple(paths)
        self._tell("")
        self._fit()
        self.source.show_paths(self._paths)
        self.listing.show_busy()
        self.requests.look(self._paths)

    def _fetch(self, address: str) -> None:
        self._tell("")
        self.requests.fetch(address)

    # ---- what the service tells -------------------------------------------------------------------------------------

    def _on_found(self, findings: Findings) -> None:
        self._free_bytes = findings.free_bytes
        self.listing.show_findings(findings)
        self._fit()
        if findings.found and findings.problems:  # else what an address was refused for may stand there
            self._tell(" ".join(findings.problems))
        if self.found.chosen() and self.import_button.isEnabled():
            self.import_button.setFocus()
        elif findings.found and not self.address.field.hasFocus():
            self.listing.table.setFocus()

    def _on_begun(self, found: Importable) -> None:
        self._begun.append(found)
        self.found.tick([found], ticked=False)

    def _on_all_begun(self) -> None:
        self.dismiss()
        self.begun.emit(self._begun)

    def _on_fetching(self, started: FromUrlStarted) -> None:
        self.dismiss()
        self.fetching.emit(started)

    def _on_busy(self, busy: bool) -> None:
        self.import_button.setText(self.tr("Starting…") if busy else self.tr("Import"))
        self.import_button.setEnabled(not busy)
        self.address.setEnabled(not busy)
        if not busy:
            self._show()

    def _tell(self, trouble: str) -> None:
        self.trouble.setText(trouble)
        self.trouble.setVisible(bool(trouble))

    # ---- what is shown ----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        chosen, in_place = self.found.chosen(), self.in_place.isChecked()
        old = any(one.permission for one in chosen)
        self.permission.setVisible(old)
        wanted = sum(bytes_to_copy(one, in_place=in_place) for one in chosen)
        fits = wanted <= self._free_bytes
        self.space.setText(self._space(chosen, wanted))
        self.space.set_role("muted" if fits or not chosen else "bad_text")
        allowed = not old or self.permission.isChecked()
        self.import_button.setEnabled(bool(chosen) and fits and allowed)

    def _space(self, chosen: Sequence[Importable], wanted: int) -> str:
        if not chosen:
            return ""
        count = self.tr("1 model") if len(chosen) == 1 else self.tr("{0} models").format(len(chosen))
        free = file_size(self._free_bytes)
        if wanted > self._free_bytes:
            words = self.tr("{0} · needs {1}, {2} are free: free some space, or use the files where they are")
            return words.format(count, file_size(wanted), free)
        if not wanted:
            return self.tr("{0} · nothing is copied").format(count)
        return self.tr("{0} · {1} to copy, {2} free").format(count, file_size(wanted), free)

    def _on_in_place(self) -> None:
        in_place = self.in_place.isChecked()
        self.found.set_in_place(in_place)
        self.in_place_words.setText(
            self.tr("Nothing is copied. A model works only as long as its files stay there unchanged.")
            if in_place
            else self.tr("Models are copied and verified, and stay when the other program deletes its own.")
        )
        self._show()

    # ---- building ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.panel.setAccessibleName(self.tr("Import models"))
        self.panel.setFocusProxy(self.source.folder_button)
        for box in (self.in_place, self.permission):
            box.setFont(theme.font("control", "medium"))
        title = QHBoxLayout()
        title.addWidget(Label(self.tr("Import models"), size="title", weight="strong"), 1)
        title.addWidget(self.close_button)
        column = QVBoxLayout(self.panel)
        column.setContentsMargins(24, 16, 24, 18)
        column.setSpacing(10)
        column.addLayout(title)
        column.addWidget(self.source)
        column.addWidget(self.address)
        column.addWidget(self.listing, 1)
        column.addLayout(self._choices())
        column.addWidget(self.trouble)
        column.addLayout(self._buttons())

    def _choices(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(2)
        self.in_place_words.setIndent(26)
        column.addWidget(self.in_place, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.in_place_words)
        column.addSpacing(4)
        column.addWidget(self.permission, 0, Qt.AlignmentFlag.AlignLeft)
        return column

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.space, 1)
        row.addWidget(self.cancel_button)
        row.addWidget(self.import_button)
        return row

    def _connect(self) -> None:
        self.source.chosen.connect(self._look)
        self.source.machine_wanted.connect(lambda: self._look(()))
        self.listing.retry_wanted.connect(lambda: self._look(self._paths))
        self.listing.confirmed.connect(self.start)
        self.found.ticked.connect(self._show)
        self.in_place.toggled.connect(lambda _on: self._on_in_place())
        self.permission.toggled.connect(lambda _on: self._show())
        self.address.wanted.connect(self._fetch)
        self.close_button.clicked.connect(self.dismiss)
        self.cancel_button.clicked.connect(self.dismiss)
        self.import_button.clicked.connect(self.start)
        self.requests.found.connect(self._on_found)
        self.requests.not_looked.connect(self.listing.show_failure)
        self.requests.begun.connect(self._on_begun)
        self.requests.all_begun.connect(self._on_all_begun)
        self.requests.fetching.connect(self._on_fetching)
        self.requests.refused.connect(self._tell)
        self.requests.busy.connect(self._on_busy)
        self._on_in_place()
