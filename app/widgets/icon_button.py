"""A button that shows only an icon. Its name is its tool tip and what screen readers say."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QToolButton, QWidget

from app.theme import theme


class IconButton(QToolButton):
    """A square icon button; `name` is required, because the icon alone tells a screen reader nothing."""

    def __init__(
        self,
        icon: str,
        name: str,
        role: str = "muted",
        *,
        size: int = 34,
        icon_size: int = 16,
        framed: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._role = role
        self.setProperty("framed", framed)
        self.setFixedSize(size, size)
        self.setIconSize(QSize(icon_size, icon_size))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_icon(icon)
        self.set_name(name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def set_icon(self, icon: str, role: str | None = None) -> None:
        """Show another icon, in another colour if `role` is given."""
        self._role = role or self._role
        self.setIcon(theme.icon(icon, self._role, on_role="text"))

    def set_name(self, name: str) -> None:
        """Change what the button is called."""
        self.setAccessibleName(name)
        self.setToolTip(name)
