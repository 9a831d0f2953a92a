"""Asks what a model would take, like for like: for texts as long as those that were measured."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from PySide6.QtCore import QObject, Signal

from app import operations
from app.session import Session
from sidecar.errors import InglenookError, ServiceUnreachable
from sidecar.types import ModelInfo, PredictRequest, PredictResponse

Answer = tuple[PredictResponse, bool]
SOON_S = 0.12  # events come in bursts; one question for all of them


class Forecaster(QObject):
    """One question at a time; a new one takes the place of the last.

    Signals:
        asked(): an answer is on its way.
        found(str, PredictResponse, bool): of this model; and whether measuring the machine would help.
        failed(str, str): of this model; why there is no answer.
    """

    asked = Signal()
    found = Signal(str, object, bool)
    failed = Signal(str, str)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._model = ""
        self._operation: operations.Operation[Answer] | None = None

    def ask(self, model: ModelInfo) -> None:
        """Find out about this model, in a moment."""
        self._model = model.id
        self._start(self._answer_soon())

    def measure(self) -> None:
        """Measure this machine, then ask again."""
        self._start(self._measured())

    def _start(self, work: Coroutine[Any, Any, Answer]) -> None:
        if self._operation is not None:
            self._operation.cancel()
        model = self._model
        self._operation = operations.run(
            self,
            work,
            on_success=lambda answer: self.found.emit(model, *answer),
            on_failure=lambda error: self._fail(model, error),
        )
        self.asked.emit()

    async def _answer_soon(self) -> Answer:
        await asyncio.sleep(SOON_S)
        return await self._answer()

    async def _measured(self) -> Answer:
        await self._session.client.calibrate()
        self._session.machine.refresh()
        return await self._answer()

    async def _answer(self) -> Answer:
        client = await self._session.ready()
        found = await client.predict(self._model)
        if found.prediction is None:
            return found, (await client.system()).calibration is None
        if found.measured.prompt_tokens:
            tokens = max(1, round(found.measured.prompt_tokens))
            found = await client.predict(self._model, PredictRequest(prompt_tokens=tokens))
        return found, False

    def _fail(self, model: str, error: BaseException) -> None:
        if isinstance(error, ServiceUnreachable):
            return  # the window says so already, and the view asks again once a service is there
        if isinstance(error, InglenookError):
            self.failed.emit(model, error.message)
        else:
            operations.report(error)
