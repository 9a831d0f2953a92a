"""Text in a size, weight and colour of the theme. Always plain text: nothing from a model or a file is read as HTML."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.theme import theme
from app.tokens import Size


class Label(QLabel):
    """A plain-text label. `role` names a text token: text, muted, faint, accent_text, ok_text, warning_text, bad_text."""

    def __init__(
        self,
        text: str = "",
        role: str = "text",
        size: Size = "base",
        weight: str = "normal",
        *,
        tabular: bool = False,
        mono: bool = False,
        wrap: bool = False,
        selectable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(theme.font(size, weight, tabular=tabular, mono=mono))
        self.setWordWrap(wrap)
        self.setProperty("role", role)
        self.setText(text)
        if selectable:
            self.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )

    def set_role(self, role: str) -> None:
        """Change the colour token."""
        if self.property("role") == role:
            return
        self.setProperty("role", role)
        self.style().unpolish(self)
        self.style().polish(self)
