"""What a person does with Qt's own file dialog, and with files dragged in from elsewhere."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit, QWidget


def open_dialog(owner: QWidget) -> QFileDialog | None:
    """The file dialog that `owner` has opened and that is still there."""
    return next((dialog for dialog in owner.findChildren(QFileDialog) if dialog.isVisible()), None)


def choose(dialog: QFileDialog, *paths: Path) -> None:
    """Type the paths into the dialog's field and press Open or Save."""
    field = dialog.findChild(QLineEdit, "fileNameEdit")
    field.setText(" ".join(f'"{path}"' for path in paths) if len(paths) > 1 else str(paths[0]))
    box = dialog.findChild(QDialogButtonBox)
    button = box.button(QDialogButtonBox.StandardButton.Save) or box.button(QDialogButtonBox.StandardButton.Open)
    button.click()


def drop(target: QWidget, paths: Sequence[Path]) -> bool:
    """Drag local files over `target` and let go; whether it wanted them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    where, buttons, keys = QPointF(20, 20), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(where.toPoint(), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(target, enter)
    if enter.isAccepted():
        QApplication.sendEvent(target, QDropEvent(where, Qt.DropAction.CopyAction, data, buttons, keys))
    return enter.isAccepted()
