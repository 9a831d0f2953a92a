"""The panel in which a chat's system prompt is written, with a few ready ones."""

from PySide6.QtCore import QCoreApplication, QRect, Signal
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.button import Button
from app.widgets.label import Label
from app.widgets.overlay import Overlay

WIDTH = 560
HEIGHT = 380


class SystemPromptPanel(Overlay):
    """Opens over the window.

    Signals:
        saved(str): the text the person wants; empty means none.
    """

    saved = Signal(str)

    def __init__(self, host: QWidget) -> None:
        super().__init__(host, dim=True)
        self.field = QPlainTextEdit()
        self.field.setAccessibleName(self.tr("System prompt"))
        self.field.setPlaceholderText(self.tr("For instance: Answer briefly, in British English."))
        self.field.setFont(theme.font("base"))
        self.field.setTabChangesFocus(True)
        self.save_button = Button(self.tr("Save"), "primary")
        self.cancel_button = Button(self.tr("Cancel"), "secondary")
        self.remove_button = Button(self.tr("Remove"), "ghost")
        self._lay_out()
        self.panel.setFocusProxy(self.field)
        self.save_button.clicked.connect(lambda: self._save(self.field.toPlainText().strip()))
        self.remove_button.clicked.connect(lambda: self._save(""))
        self.cancel_button.clicked.connect(self.dismiss)

    def edit(self, text: str) -> None:
        """Open with the chat's present prompt."""
        self.field.setPlainText(text)
        self.remove_button.setVisible(bool(text))
        self.open()

    def panel_geometry(self) -> QRect:
        width, height = min(WIDTH, self.width() - 48), min(HEIGHT, self.height() - 48)
        return QRect((self.width() - width) // 2, (self.height() - height) // 3, width, height)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self.panel)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(Label(self.tr("System prompt"), size="title", weight="strong"))
        explanation = self.tr("Tells the model how to behave in this chat. It is sent before the first question.")
        column.addWidget(Label(explanation, "muted", "control", wrap=True))
        presets = QHBoxLayout()
        presets.setSpacing(6)
        for name, text in prompts().items():
            button = Button(name, "secondary", compact=True)
            button.clicked.connect(lambda _checked, text=text: self.field.setPlainText(text))
            presets.addWidget(button)
        presets.addStretch(1)
        column.addLayout(presets)
        column.addWidget(self.field, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.remove_button)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.save_button)
        column.addLayout(buttons)

    def _save(self, text: str) -> None:
        self.dismiss()
        self.saved.emit(text)


def prompts() -> dict[str, str]:
    """Name → a ready system prompt."""
    return {
        _tr("Brief"): _tr("Answer in at most three sentences. No introductions, no summaries."),
        _tr("Patient teacher"): _tr(
            "Explain step by step, in plain words and with one small example. Say what you assume."
        ),
        _tr("Programmer"): _tr(
            "You are a careful programmer. Give working code first, then the reasons in a few lines. Name edge cases."
        ),
        _tr("Editor"): _tr("Correct and tighten the text I send. Keep its meaning and tone. Return only the text."),
    }


def _tr(text: str) -> str:
    return QCoreApplication.translate("SystemPromptPanel", text)
