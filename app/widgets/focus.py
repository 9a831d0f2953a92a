"""Where the keyboard goes when the control that has it leaves."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget


def hand_over_focus(leaving: QWidget) -> None:
    """If the focus is inside `leaving`, give it to the nearest widget around that takes it. To be called before hiding: Qt would
    hand it to whatever control comes first in the window."""
    focus, around = QApplication.focusWidget(), leaving.parentWidget()
    if focus is None or not leaving.isAncestorOf(focus):
        return
    while around is not None and around.focusPolicy() == Qt.FocusPolicy.NoFocus:
        around = around.parentWidget()
    if around is not None:
        around.setFocus()
