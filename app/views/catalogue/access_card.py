"""The way from a gated model to an accepted one: open its page, accept there, keep a token, try again."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.label import Label
from sidecar.types import CatalogueDetail, HubAccount


class AccessCard(Card):
    """Signals:
    page_wanted(str): open the model's page on the hub; the person is asked first.
    token_given(str): keep this token.
    retry_wanted: ask the hub whether it is accepted now.
    """

    page_wanted = Signal(str)
    token_given = Signal(str)
    retry_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("How to get access"), padding=20, highlighted=True, parent=parent)
        self._address = ""
        self._why = Label(role="muted", size="control", wrap=True)
        self.page_button = Button(self.tr("Open its page"), "secondary", "external-link")
        self.token = QLineEdit()
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setPlaceholderText(self.tr("Paste a token that may read it"))
        self.token.setAccessibleName(self.tr("Hub token"))
        self.token.setFont(theme.font("control"))
        self.keep_button = Button(self.tr("Keep"), "secondary", "key-round")
        self.account = Label(role="muted", size="small", wrap=True)
        self.retry_button = Button(self.tr("Try again"), "secondary", "refresh-cw")
        self._lay_out()
        self.page_button.clicked.connect(lambda: self.page_wanted.emit(self._address))
        self.keep_button.clicked.connect(self._keep)
        self.token.returnPressed.connect(self._keep)
        self.token.textChanged.connect(lambda text: self.keep_button.setEnabled(bool(text.strip())))
        self.retry_button.clicked.connect(self.retry_wanted)

    def show_detail(self, detail: CatalogueDetail) -> None:
        """Show it where access is missing, and say what is."""
        self._address = detail.access_url or ""
        self.page_button.setEnabled(bool(self._address))
        if detail.access == "needs_acceptance":
            words = self.tr("Your token is known, but the licence was not accepted with it yet.")
        else:
            words = self.tr("Its makers want to know who uses it, and that you accept its licence.")
        self._why.setText(words)
        self.setVisible(detail.access != "open")

    def show_account(self, account: HubAccount) -> None:
        """Whether a token is kept, whose, and where."""
        places = {
            "keyring": self.tr("in the system's keyring"),
            "environment": self.tr("in the environment"),
            "file": self.tr("in a file that only you can read"),
            "nowhere": "",
        }
        if account.has_token:
            user = account.user or self.tr("an unknown user")
            self.account.setText(self.tr("The token of {0} is kept {1}.").format(user, places[account.kept_in]))
        else:
            self.account.setText(self.tr("No token is kept yet. You make one in your settings on the hub."))
        self.token.clear()

    def set_busy(self, busy: bool) -> None:
        """Asking the hub takes a moment."""
        for widget in (self.keep_button, self.retry_button):
            widget.setEnabled(not busy)
        if not busy:
            self.keep_button.setEnabled(bool(self.token.text().strip()))

    def _keep(self) -> None:
        if self.token.text().strip():
            self.token_given.emit(self.token.text().strip())

    def _lay_out(self) -> None:
        self.keep_button.setEnabled(False)
        self.body.addWidget(self._why)
        self.body.addSpacing(4)
        self._add_step("1", self.tr("Accept the licence on the model's page."), self.page_button)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.token, 1)
        row.addWidget(self.keep_button)
        token = QVBoxLayout()
        token.setSpacing(4)
        token.addLayout(row)
        token.addWidget(self.account)
        self._add_step("2", self.tr("Give Inglenook a token of yours, once for all models."), token)
        self._add_step("3", self.tr("Some makers answer after hours or days."), self.retry_button)

    def _add_step(self, number: str, words: str, content: QWidget | QVBoxLayout) -> None:
        step = QVBoxLayout()
        step.setSpacing(6)
        step.addWidget(Label(words, size="control", wrap=True))
        if isinstance(content, QWidget):
            beside = QHBoxLayout()
            beside.addWidget(content)
            beside.addStretch(1)
            step.addLayout(beside)
        else:
            step.addLayout(content)
        row = QHBoxLayout()
        row.setSpacing(12)
        mark = QVBoxLayout()
        mark.addWidget(Label(number, "accent_text", "control", "strong", tabular=True))
        mark.addStretch(1)
        row.addLayout(mark)
        row.addLayout(step, 1)
        self.body.addLayout(row)
        self.body.addSpacing(6)
