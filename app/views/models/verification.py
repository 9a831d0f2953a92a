"""Whether a model's files are what they were: the latest answer for each model. Repairs nothing; the service does."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QObject, Signal

from app import operations
from app.session import Session
from app.transfer_words import trouble
from sidecar.errors import InglenookError
from sidecar.types import JobInfo, ModelInfo, VerifyResponse


@dataclass(frozen=True)
class Verdict:
    """`running`: it is being looked at; else `words` say what was found, and `bad` whether something is wrong.

    `download`: the download that fetches again what is damaged. `again`: it has to be imported again.
    """

    running: bool = False
    words: str = ""
    bad: bool = False
    download: str | None = None
    again: bool = False


class Verification(QObject):
    """Signals:
    changed(str): there is another verdict on this model.
    """

    changed = Signal(str)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._verdicts: dict[str, Verdict] = {}
        session.downloads.arrived.connect(lambda info: self._forget(info.model_id))
        session.transfers.arrived.connect(self._on_imported)

    def of(self, model: ModelInfo) -> Verdict | None:
        """The latest; None where it was not looked at."""
        return self._verdicts.get(model.id)

    def verify(self, model: ModelInfo) -> None:
        """Compare every file with its hash. Gigabytes take a while."""
        self._keep(model.id, Verdict(running=True))
        operations.run(
            self,
            self._answer(model.id),
            on_success=lambda answer: self._keep(model.id, _verdict(answer)),
            on_failure=lambda error: self._keep(model.id, _failure(error)),
        )

    async def _answer(self, model_id: str) -> VerifyResponse:
        return await self._session.client.verify(model_id)

    def _on_imported(self, job: JobInfo) -> None:
        for name in job.models:
            self._forget(name)

    def _forget(self, model_id: str) -> None:
        """It came here anew: what was found before does not hold any more."""
        if self._verdicts.pop(model_id, None) is not None:
            self.changed.emit(model_id)

    def _keep(self, model_id: str, verdict: Verdict) -> None:
        self._verdicts[model_id] = verdict
        self.changed.emit(model_id)


def _verdict(answer: VerifyResponse) -> Verdict:
    if answer.job_id is not None:
        return Verdict(words=_being_fetched(answer), bad=True, download=answer.job_id)
    whole = not answer.damaged and not answer.missing
    return Verdict(words=answer.message, bad=not whole, again=not whole)


def _being_fetched(answer: VerifyResponse) -> str:
    parts = []
    if answer.damaged:
        parts.append(_tr("Damaged, and set aside: {0}.").format(", ".join(answer.damaged)))
    if answer.missing:
        parts.append(_tr("Missing: {0}.").format(", ".join(answer.missing)))
    return " ".join((*parts, _tr("They are being fetched again; the model can be loaded when that is done.")))


def _failure(error: BaseException) -> Verdict:
    if isinstance(error, InglenookError):
        return Verdict(words=trouble(error), bad=error.code != "invalid_request")
    operations.report(error)
    return Verdict(words=str(error), bad=True)


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelsView", text)
