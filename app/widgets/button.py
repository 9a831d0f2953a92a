"""Push buttons: primary (one per view), secondary, ghost (quiet), danger (destroys) and link."""

from typing import Literal

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QWidget

from app.theme import theme

Kind = Literal["primary", "secondary", "ghost", "danger", "link"]

ICON_ROLES: dict[str, str] = {
    "primary": "on_accent",
    "secondary": "text",
    "ghost": "muted",
    "danger": "bad_text",
    "link": "accent_text",
}
ICON_SIZE = 16
ICON_GAP = 4  # Qt adds four more pixels between icon and text


class Button(QPushButton):
    """A text button of one kind, with an optional Lucide icon."""

    def __init__(
        self,
        text: str,
        kind: Kind = "secondary",
        icon: str | None = None,
        *,
        compact: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._kind = kind
        self.setProperty("kind", kind)
        self.setProperty("compact", compact)
        self.setFont(theme.font("small" if compact else "control", "medium"))
        self.setCursor(Qt.CursorShape.PointingHandCursor if kind == "link" else Qt.CursorShape.ArrowCursor)
        self.setAutoDefault(True)  # Enter presses it, as Space does
        if icon:
            self.set_icon(icon)

    def set_icon(self, name: str) -> None:
        """Show a Lucide icon before the text, in the colour of this kind."""
        self.setIcon(theme.icon(name, ICON_ROLES[self._kind]))
        self.setIconSize(QSize(ICON_SIZE + ICON_GAP, ICON_SIZE))

    def set_kind(self, kind: Kind, icon: str | None = None) -> None:
        """Change what the button means, for instance from Send to Stop."""
        self._kind = kind
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        if icon:
            self.set_icon(icon)
