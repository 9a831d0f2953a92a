"""What is unsafe in a model: what is refused, what the person may allow for this model, what is only worth knowing."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.card import Card
from app.widgets.icon_label import IconLabel
from app.widgets.label import Label
from sidecar.types import SafetyFinding

ICONS = {
    "refused": ("circle-alert", "bad_text"),
    "ask": ("shield-question-mark", "warning_text"),
    "note": ("info", "muted"),
}
MOST_FILES = 6


class SafetyCard(Card):
    """Signals:
    permitted(): the person allowed something, or no longer allows it; see `allowed`.
    """

    permitted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Safety"), padding=20, parent=parent)
        self.boxes: dict[str, QCheckBox] = {}
        self._findings: list[SafetyFinding] | None = None
        self._content = QWidget()
        self.body.addWidget(self._content)

    def show_findings(self, findings: list[SafetyFinding]) -> None:
        """Say them, the gravest first; permissions begin as not given."""
        self.boxes = {}
        fresh = QWidget()
        column = QVBoxLayout(fresh)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(14)
        for finding in findings:
            column.addLayout(self._line(finding))
        if not findings:
            column.addLayout(
                _told("shield-check", "ok_text", self.tr("Only weights and texts: no code, no pickle."), "")
            )
        self.body.replaceWidget(self._content, fresh)
        self._content.deleteLater()
        self._content = fresh

    def allowed(self) -> frozenset[str]:
        """The permissions that were given."""
        return frozenset(permission for permission, box in self.boxes.items() if box.isChecked())

    def ask(self) -> QWidget | None:
        """Put the focus on the first permission that is missing; returns its box."""
        missing = next((box for box in self.boxes.values() if not box.isChecked()), None)
        if missing is not None:
            missing.setFocus()
        return missing

    def _line(self, finding: SafetyFinding) -> QVBoxLayout:
        icon, role = ICONS[finding.severity]
        line = _told(icon, role, finding.message, _files(finding.files))
        if finding.severity == "ask" and finding.permission:
            line.addLayout(self._permission(finding.permission))
        return line

    def _permission(self, permission: str) -> QHBoxLayout:
        words = {
            "pickle": self.tr("I trust its makers: convert it once"),
            "custom_code": self.tr("Fetch it; its code is not run"),
        }
        box = QCheckBox(words.get(permission, self.tr("Allow it for this model")))
        box.setFont(theme.font("control", "medium"))
        box.toggled.connect(lambda _on: self.permitted.emit())
        self.boxes[permission] = box
        row = QHBoxLayout()
        row.setContentsMargins(28, 2, 0, 0)
        row.addWidget(box)
        row.addStretch(1)
        return row


def _told(icon: str, role: str, message: str, files: str) -> QVBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(10)
    side = QVBoxLayout()
    side.addWidget(IconLabel(icon, role, 18))
    side.addStretch(1)
    words = QVBoxLayout()
    words.setSpacing(2)
    words.addWidget(Label(message, size="control", wrap=True))
    if files:
        words.addWidget(Label(files, "muted", "small", wrap=True))
    row.addLayout(side)
    row.addLayout(words, 1)
    line = QVBoxLayout()
    line.setSpacing(6)
    line.addLayout(row)
    return line


def _files(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_FILES])
    return f"{shown}, …" if len(names) > MOST_FILES else shown
