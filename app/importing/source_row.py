"""Where the dialog looks: what other programs keep here, or files and folders that the person names; and an address."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from app.theme import theme
from app.widgets.button import Button
from app.widgets.elided_label import ElidedLabel
from app.widgets.file_dialog import FileDialog

KINDS = "(*.gguf *.inglenook)"


class SourceRow(QWidget):
    """Signals:
    chosen(list): paths that the person named.
    machine_wanted: look at what other programs keep here.
    """

    chosen = Signal(list)
    machine_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.place = ElidedLabel(role="muted", size="control", middle=True)
        self.machine_button = Button(self.tr("Look on this machine"), "ghost", "hard-drive", compact=True)
        self.machine_button.setToolTip(self.tr("What Ollama, LM Studio and the hub's library keep on this machine"))
        self.file_button = Button(self.tr("Choose a file…"), "secondary", "file-up", compact=True)
        self.folder_button = Button(self.tr("Choose a folder…"), "secondary", "folder-open", compact=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.place, 1)
        for button in (self.machine_button, self.file_button, self.folder_button):
            row.addWidget(button)
        self.machine_button.clicked.connect(self.machine_wanted)
        self.file_button.clicked.connect(self.choose_files)
        self.folder_button.clicked.connect(self.choose_folder)

    def show_paths(self, paths: Sequence[str]) -> None:
        """Say where is looked; without paths that is everywhere on this machine."""
        self.machine_button.setVisible(bool(paths))
        self.place.setText(", ".join(paths) or self.tr("What Ollama, LM Studio and the hub's library keep here"))

    def choose_files(self) -> None:
        """Ask for GGUF files and bundles."""
        kinds = ";;".join((self.tr("Models") + f" {KINDS}", self.tr("All files") + " (*)"))
        dialog = FileDialog(self, self.tr("Import a GGUF file or a bundle"), kinds=kinds)
        dialog.setFileMode(FileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self.chosen.emit)
        dialog.open()

    def choose_folder(self) -> None:
        """Ask for the folder of a model, or another program's store."""
        dialog = FileDialog(self, self.tr("Import a model's folder"))
        dialog.setFileMode(FileDialog.FileMode.Directory)
        dialog.setOption(FileDialog.Option.ShowDirsOnly)
        dialog.filesSelected.connect(self.chosen.emit)
        dialog.open()


class AddressRow(QWidget):
    """Signals:
    wanted(str): fetch from this address.
    """

    wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = QLineEdit()
        self.field.setFont(theme.font("control"))
        self.field.setPlaceholderText(self.tr("Or an address: org/name on the hub, or https://…/model.gguf"))
        self.field.setAccessibleName(self.tr("Address of a model"))
        self.button = Button(self.tr("Fetch"), "secondary", "download")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.field, 1)
        row.addWidget(self.button)
        self.field.textChanged.connect(lambda _text: self._show())
        self.field.returnPressed.connect(self._say)
        self.button.clicked.connect(self._say)
        self._show()

    def _show(self) -> None:
        self.button.setEnabled(bool(self.field.text().strip()))

    def _say(self) -> None:
        if self.field.text().strip():
            self.wanted.emit(self.field.text().strip())
