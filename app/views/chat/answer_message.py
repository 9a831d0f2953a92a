"""An answer of the transcript: its Markdown, growing while it is written, and below it notes, figures and buttons."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.views.chat.answer_facts import AnswerFacts
from app.views.chat.answer_footer import AnswerFooter
from app.views.chat.answer_notes import AnswerNotes
from app.views.chat.message_edit import MessageEdit
from app.widgets.markdown_view import MarkdownView

BELOW = 22


class AnswerMessage(QWidget):
    """Shows AnswerFacts; showing facts whose text only grew is cheap.

    Signals:
        asked(str, object): what the person wants: "copy", "regenerate", "continue", "retry", "truncate", "model", "fork",
            each with None; ("branch", step); ("edit", new text); ("link", target).
    """

    asked = Signal(str, object)

    def __init__(self, facts: AnswerFacts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facts = facts
        self._edit: MessageEdit | None = None
        self._writing = False
        self.markdown = MarkdownView(self)
        self.notes = AnswerNotes(self)
        self.footer: AnswerFooter | None = None  # once there is something to say about the whole answer
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, BELOW)
        self._column.setSpacing(8)
        self._column.addWidget(self.markdown)
        self._column.addWidget(self.notes)
        self._column.addStretch(1)
        self.markdown.link_activated.connect(lambda target: self.asked.emit("link", target))
        self.notes.asked.connect(self.asked)
        self.show_facts(facts)

    def show_facts(self, facts: AnswerFacts) -> None:
        """Show what is known now."""
        self.facts = facts
        self.setAccessibleName(self.tr("Answer: {0}").format(facts.text[:200]))
        self._show_text(facts)
        self.notes.show_facts(facts)
        self._show_footer(facts)

    def edit(self) -> None:
        """Turn the answer into a field."""
        if self._edit is not None or self.facts.running:
            return
        self._edit = MessageEdit(self.facts.text, self.tr("Save"))
        self._edit.cancelled.connect(self._end_edit)
        self._edit.submitted.connect(self._submit)
        self._column.insertWidget(0, self._edit)
        self.markdown.hide()
        self._show_footer(self.facts)
        self._edit.field.setFocus()

    def _show_text(self, facts: AnswerFacts) -> None:
        shown = self.markdown.markdown()
        if not facts.text.startswith(shown):
            self.markdown.set_markdown(facts.text)
        elif not shown:
            self.markdown.set_markdown(facts.text)  # at once, where appending would show it a moment later
        elif len(facts.text) > len(shown):
            self.markdown.append(facts.text[len(shown) :])
        if self._writing != (facts.state == "writing"):
            self._writing = not self._writing
            self.markdown.set_streaming(self._writing)
        self.markdown.setVisible(bool(facts.text) and self._edit is None)

    def _show_footer(self, facts: AnswerFacts) -> None:
        if self.footer is None and not facts.running:
            self.footer = AnswerFooter(self)
            self.footer.asked.connect(self._on_footer)
            self._column.insertWidget(self._column.count() - 1, self.footer)
        if self.footer is not None:
            self.footer.figures.show_figures(facts.figures)
            self.footer.show_place(*facts.place)
            self.footer.setVisible(not facts.running and self._edit is None)

    def _on_footer(self, action: str, value: object) -> None:
        if action == "edit":
            self.edit()
        else:
            self.asked.emit(action, value)

    def _submit(self, text: str) -> None:
        self._end_edit()
        self.asked.emit("edit", text)

    def _end_edit(self) -> None:
        if self._edit is not None:
            self._edit.hide()
            self._edit.deleteLater()
        self._edit = None
        self.show_facts(self.facts)
