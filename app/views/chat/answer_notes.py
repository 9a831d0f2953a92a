"""What is said below an answer's text: what is waited for, warnings, why it ended, what went wrong and what to do."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.views.chat.answer_facts import AnswerFacts, note
from app.views.chat.trouble import Remedy, explain, technical
from app.widgets.banner import Banner
from app.widgets.button import Button
from app.widgets.focus import hand_over_focus
from app.widgets.icon_label import IconLabel
from app.widgets.label import Label
from app.widgets.spinner import Spinner


class AnswerNotes(QWidget):
    """Built anew whenever what it says changes.

    Signals:
        asked(str, object): ("continue", None), ("regenerate", None), ("retry", None), ("truncate", None), ("model", None).
    """

    asked = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._said: object = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self.hide()

    def show_facts(self, facts: AnswerFacts) -> None:
        """Say what there is to say."""
        waiting = facts.waiting_for if facts.state == "waiting" else ""
        said = (waiting, facts.warnings, note(facts), facts.failure, facts.can_continue)
        if said == self._said:
            return
        self._said = said
        hand_over_focus(self)
        while item := self._column.takeAt(0):
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for widget in self._widgets(facts, waiting):
            self._column.addWidget(widget)
        self.setVisible(self._column.count() > 0)

    def _widgets(self, facts: AnswerFacts, waiting: str) -> list[QWidget]:
        widgets: list[QWidget] = [_warning(text) for text in facts.warnings]
        if waiting:
            widgets.append(_waiting(waiting))
        if note(facts):
            widgets.append(self._ending(facts))
        if facts.failure is not None:
            widgets.append(self._failure(facts))
        return widgets

    def _ending(self, facts: AnswerFacts) -> QWidget:
        line, row = _line()
        row.addWidget(Label(note(facts), "muted", "control"))
        if facts.can_continue:
            row.addWidget(self._button("continue", self.tr("Continue"), "play"))
        if facts.state == "interrupted":
            row.addWidget(self._button("regenerate", self.tr("Answer again"), "refresh-cw"))
        row.addStretch(1)
        return line

    def _failure(self, facts: AnswerFacts) -> QWidget:
        failure = facts.failure
        assert failure is not None  # noqa: S101  the caller looked
        trouble = explain(failure.code, failure.details)
        details = technical(failure.code, failure.message, failure.details)
        banner = Banner("bad", trouble.title, trouble.advice, details, closable=False)
        if facts.can_continue and "retry" in trouble.remedies:
            banner.add_action(self._button("continue", self.tr("Continue from here"), "play"))
        for remedy in trouble.remedies:
            banner.add_action(self._remedy(remedy))
        return banner

    def _remedy(self, remedy: Remedy) -> Button:
        words = {
            "retry": (self.tr("Retry"), "refresh-cw"),
            "truncate": (self.tr("Drop the oldest turns"), "history"),
            "model": (self.tr("Choose another model"), "cpu"),
        }
        return self._button(remedy, *words[remedy])

    def _button(self, action: str, words: str, icon: str) -> Button:
        button = Button(words, "secondary", icon, compact=True)
        button.setObjectName(action)
        button.clicked.connect(lambda: self.asked.emit(action, None))
        return button


def _line() -> tuple[QWidget, QHBoxLayout]:
    line = QWidget()
    row = QHBoxLayout(line)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    return line, row


def _waiting(text: str) -> QWidget:
    line, row = _line()
    row.addWidget(Spinner(text, 14))
    row.addWidget(Label(text, "muted", "control"))
    row.addStretch(1)
    return line


def _warning(text: str) -> QWidget:
    line, row = _line()
    row.addWidget(IconLabel("triangle-alert", "warning_text", 14))
    row.addWidget(Label(text, "warning_text", "control", wrap=True, selectable=True), 1)
    return line
