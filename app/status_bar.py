"""The line at the bottom of the window: always the truth about the service and the memory in use."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from app.figures import duration, memory
from app.service_state import ServiceState
from app.session import Session
from app.theme import theme
from app.widgets.button import Button
from app.widgets.elided_label import ElidedLabel
from app.widgets.icon_label import IconLabel
from app.widgets.label import Label
from app.widgets.spinner import State, StateDot
from sidecar.types import Event

DOTS: dict[str, State] = {"starting": "busy", "ready": "ok", "busy": "busy", "restarting": "warning", "stopped": "bad"}


class StatusBar(QFrame):
    """State, models in memory, processor; at the right what stays private and the palette's key.

    Signals:
        palette_wanted: the person clicked the palette's key.
    """

    palette_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setProperty("ground", "rail")
        self.setProperty("hairline", "top")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(theme.metrics.spacing["status_height"])
        self.setAccessibleName(self.tr("Status"))
        self.dot = StateDot()
        self.state = ElidedLabel(size="small", role="muted")
        self.models = Label(size="small", role="muted", tabular=True)
        self.processor = Label(size="small", role="muted", tabular=True)
        self.network = Label(size="small", role="muted")
        self._network_icon = IconLabel("shield-check", "muted", 13)
        self._lay_out()
        session.network.changed.connect(self._show_network)
        self._show_network()
        session.state_changed.connect(self._show_state)
        session.system_changed.connect(self._show_figures)
        self._show_state(session.state)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 8, 0)
        row.setSpacing(7)
        row.addWidget(self.dot)
        row.addWidget(self.state)
        for figure in (self.models, self.processor):
            row.addSpacing(14)
            row.addWidget(figure)
        row.addStretch(1)
        row.addWidget(self._network_icon)
        row.addWidget(self.network)
        row.addSpacing(6)
        row.addWidget(self._palette_key())

    def _show_network(self) -> None:
        """Whether models may be fetched; what is typed stays here in either case."""
        offline = self._session.network.offline
        self._network_icon.set_icon("wifi-off" if offline else "shield-check")
        self.network.setText(self.tr("Offline") if offline else self.tr("Private"))
        words = self.tr("No connection to other machines is made.")
        if not offline:
            words = self.tr("Nothing you type leaves this machine; the network only brings models.")
        self.network.setToolTip(words)

    def _palette_key(self) -> Button:
        keys = QKeySequence("Ctrl+K").toString(QKeySequence.SequenceFormat.NativeText).replace("+", " ")
        button = Button(keys, "ghost", compact=True)
        button.setToolTip(self.tr("All commands"))
        button.setAccessibleName(self.tr("Command palette"))
        button.clicked.connect(self.palette_wanted)
        return button

    def _show_state(self, state: ServiceState) -> None:
        self.dot.set_state(DOTS[state.kind])
        self.state.setText(sentence(state))
        self._show_figures()

    def _show_figures(self) -> None:
        figures = self._session.system_figures
        self.models.setVisible(figures is not None)
        self.processor.setVisible(figures is not None)
        if figures is not None:
            self.models.setText(models_in_memory(figures))
            self.processor.setText(self.tr("CPU {0} %").format(round(figures.cpu_percent or 0)))


def sentence(state: ServiceState) -> str:
    """The state in a few words."""
    match state.kind:
        case "ready":
            return _tr("Ready on {0}").format(state.address)
        case "busy":
            return _tr("Busy on {0}").format(state.address)
        case "starting":
            return _tr("Starting the service")
        case "restarting":
            return _tr("Restarting the service in {0}: {1}").format(duration(state.retry_in_s), state.why)
        case "stopped":
            return _tr("Stopped: {0}").format(state.why)


def models_in_memory(figures: Event) -> str:
    """2 models in memory · 1.3 GB of 16 GB."""
    total = memory(figures.memory_total_mb or 0)
    count = figures.models_loaded or 0
    if count == 0:
        return _tr("No model in memory")
    words = _tr("1 model in memory") if count == 1 else _tr("{0} models in memory").format(count)
    return f"{words} · {_tr('{0} of {1}').format(memory(figures.models_memory_mb or 0), total)}"


def _tr(text: str) -> str:
    return QCoreApplication.translate("StatusBar", text)
