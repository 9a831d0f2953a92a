"""A file dialog that opens where a file was chosen last, at first in the person's documents, and frees itself."""

from pathlib import Path

from PySide6.QtCore import QStandardPaths
from PySide6.QtWidgets import QFileDialog, QWidget


class FileDialog(QFileDialog):
    """Connect `fileSelected` or `filesSelected`, then `open()`."""

    last_folder = Path()  # of this run, for all dialogs

    def __init__(self, parent: QWidget, title: str, file_name: str = "", kinds: str = "") -> None:
        super().__init__(parent, title, str(self._folder() / file_name), kinds)
        self.filesSelected.connect(self._remember)
        self.finished.connect(self.deleteLater)

    def _folder(self) -> Path:
        """Where a program was started from, which is what Qt would take, means nothing to a person."""
        documents = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation))
        places = [place for place in (FileDialog.last_folder, documents) if place.is_absolute() and place.is_dir()]
        return places[0] if places else Path.home()

    def _remember(self, files: list[str]) -> None:
        FileDialog.last_folder = Path(files[0]).parent
