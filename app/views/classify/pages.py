"""Small pieces of the Classify view: what it shows when there is nothing yet, its file dialog, its own shortcuts."""

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app.models.text_files import SUFFIXES
from app.widgets.button import Button
from app.widgets.empty_state import EmptyState
from app.widgets.file_dialog import FileDialog


def no_list_page(open_file: Callable[[], object]) -> EmptyState:
    """Below the text, while there is no list."""
    page = EmptyState(
        "list",
        _tr("Many texts at once"),
        _tr("Drop a TXT or CSV file here, or switch to “A list” and paste: one text per line or row, up to 100 MB."),
    )
    page.add_action(_button(_tr("Open a file…"), "folder-open", open_file))
    return page


def no_model_page(open_settings: Callable[[], object]) -> EmptyState:
    """The whole view, when the service has no classifier."""
    page = EmptyState(
        "tags",
        _tr("No classifier"),
        _tr("The service knows no model that classifies, not even its own. Look in Settings which folder it uses."),
    )
    page.add_action(_button(_tr("Open Settings"), "settings", open_settings))
    return page


def ask_for_file(owner: QWidget, take: Callable[[str], object]) -> None:
    """Let the person choose a TXT or CSV file."""
    patterns = " ".join(f"*{suffix}" for suffix in SUFFIXES)
    dialog = FileDialog(owner, _tr("Open a list of texts"), kinds=f"{_tr('Lists of texts')} ({patterns})")
    dialog.setFileMode(FileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(take)
    dialog.open()


def bind(owner: QWidget, keys: str, action: Callable[[], object]) -> None:
    """A shortcut that works while the focus is in `owner`."""
    shortcut = QShortcut(QKeySequence(keys), owner)
    shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    shortcut.activated.connect(lambda: action())


def _button(text: str, icon: str, action: Callable[[], object]) -> Button:
    button = Button(text, "secondary", icon)
    button.clicked.connect(lambda: action())
    return button


def _tr(text: str) -> str:
    return QCoreApplication.translate("ClassifyView", text)
