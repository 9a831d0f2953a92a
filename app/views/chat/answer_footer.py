"""The line under a finished answer: its figures at the left, what can be done with it at the right."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.views.chat.branch_switcher import BranchSwitcher
from app.views.chat.figures import Figures
from app.widgets.icon_button import IconButton
from app.widgets.label import Label

GAP = "    "


class AnswerFooter(QWidget):
    """Figures and buttons.

    Signals:
        asked(str, object): ("copy", None), ("regenerate", None), ("fork", None), ("edit", None), ("branch", step).
    """

    asked = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.figures = FigureLine(self)
        self.switcher: BranchSwitcher | None = None  # most answers have one version only
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(2)
        self._row.addWidget(self.figures, 1)
        self._row.addSpacing(4)
        for action, icon, name in self._actions():
            button = IconButton(icon, name, size=26, icon_size=14, parent=self)
            button.clicked.connect(lambda _checked, action=action: self.asked.emit(action, None))
            button.setObjectName(action)
            self._row.addWidget(button)

    def show_place(self, index: int, count: int) -> None:
        """Show that this is version `index` (from 0) of `count`."""
        if self.switcher is None and count > 1:
            self.switcher = BranchSwitcher(self)
            self.switcher.step_requested.connect(lambda step: self.asked.emit("branch", step))
            self._row.insertWidget(1, self.switcher)
        if self.switcher is not None:
            self.switcher.show_place(index, count)

    def _actions(self) -> tuple[tuple[str, str, str], ...]:
        return (
            ("copy", "copy", self.tr("Copy the answer")),
            ("regenerate", "refresh-cw", self.tr("Answer again")),
            ("fork", "git-branch", self.tr("Continue from here in a new chat")),
            ("edit", "pencil", self.tr("Edit the answer")),
        )


class FigureLine(Label):
    """Shows as many of the figures as fit; all of them are in the tool tip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", "muted", "small", tabular=True, parent=parent)
        self._figures = Figures()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_figures(self, figures: Figures) -> None:
        """Show those of another answer."""
        self._figures = figures
        everything = GAP.join([*figures.words(), figures.computed_by()]).strip()
        self.setToolTip(everything)
        self.setAccessibleName(everything)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        parts = [part for part in (*self._figures.words(), self._figures.computed_by()) if part]
        while parts and self.fontMetrics().horizontalAdvance(GAP.join(parts)) > self.width():
            parts.pop()
        self.setText(GAP.join(parts))
