"""What the pictures show: each view empty, busy, filled and in trouble. The window is used as a person uses it."""

from __future__ import annotations

import shutil

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea

from app.views.chat.view import ChatView
from app.views.classify.input_card import LIST, ONE
from tests.screenshots import hub_scenes
from tests.screenshots.stage import Stage, configure

QUESTION = "What is Inglenook?"
FOLLOW_UP = "How do I use the API?"
LONG_QUESTION = (
    "Say again, slowly: a quiet window, one accent, hairlines instead of boxes in boxes, and numbers in plain sight."
)
HAPPY = "Could not be happier with the new version. It starts at once, and the answers are really helpful."
REVIEWS = [
    "I love this product!",
    "Arrived on Tuesday, as announced.",
    "It is not good at all, and nobody answers.",
    "Well, it works. Mostly.",
    "Could not be happier with the new version",
    "Third time that it breaks within a month",
    "The manual has forty pages.",
    "Not bad, not bad at all.",
]


async def play(stage: Stage) -> None:
    """Every scene, in an order in which each leaves what the next needs."""
    await welcome(stage)
    await settings(stage)
    await chat(stage)
    await classify(stage)
    await models(stage)
    await hub_scenes.play(stage)
    await stage.register_echoes()
    await busy_chat(stage)
    await busy_classify(stage)
    await failing_model(stage)
    await trouble(stage)


async def welcome(stage: Stage) -> None:
    view = stage.show("welcome")
    await stage.picture("welcome", "starting")
    await stage.until(lambda: stage.session.model("starter-chat") and stage.session.model("starter-sentiment"))
    stage.session.machine.measure()
    await stage.until(lambda: stage.session.machine.measured)
    await stage.until(lambda: view.suggestions.cards and view.suggestions.cards[0].has_speed())
    await stage.picture("welcome", "filled")


async def settings(stage: Stage) -> None:
    view = stage.show("settings")
    await stage.until(view.is_settled)
    await stage.picture("settings", "filled")
    view.search.setText("memory")
    await stage.picture("settings", "searched")
    view.search.setText("no such thing")
    await stage.picture("settings", "empty")
    view.search.setText("log")
    view.rows["log_level"].editor.control.setCurrentText("debug")
    await stage.until(lambda: view.rows["log_level"].info.source == "file")
    await stage.picture("settings", "changed")
    view.rows["log_level"].changed.emit("log_level", "loud")
    await stage.until(lambda: view.rows["log_level"].error())
    await stage.picture("settings", "error")
    view.rows["log_level"].changed.emit("log_level", None)
    view.search.clear()
    stage.window.open_palette()
    await stage.picture("palette", "filled")
    stage.window.palette_overlay.dismiss()


async def chat(stage: Stage) -> None:
    view = stage.show("chat")
    view.use_model("starter-chat")
    await stage.picture("chat", "empty")
    for question in (QUESTION, FOLLOW_UP):
        await _ask(stage, view, question)
        await stage.until(lambda: not _answering(view))
    await stage.picture("chat", "filled")


async def busy_chat(stage: Stage) -> None:
    view = stage.show("chat")
    view.use_model("slow-echo")
    await _ask(stage, view, LONG_QUESTION)
    await stage.until(lambda: stage.session.state.kind == "busy")
    await stage.picture("chat", "busy")
    QTest.mouseClick(view.page.composer.send_button, Qt.MouseButton.LeftButton)
    await stage.until(lambda: not _answering(view))
    view.use_model("echo")
    await _ask(stage, view, "Tell me what happens when the model crashes: [[crash]]")
    await stage.until(lambda: not _answering(view))
    await stage.picture("chat", "error")


async def classify(stage: Stage) -> None:
    view = stage.show("classify")
    await stage.picture("classify", "empty")
    view.input.one.setPlainText(HAPPY)
    QTest.mouseClick(view.input.button, Qt.MouseButton.LeftButton)
    await stage.until(lambda: view.single.answer is not None)
    view.input.set_mode(LIST)
    view.input.many.setPlainText("\n".join(REVIEWS))
    QTest.mouseClick(view.input.button, Qt.MouseButton.LeftButton)
    await stage.until(lambda: view.list.results.classified == len(REVIEWS))
    await stage.picture("classify", "list")
    view.input.set_mode(ONE)
    await stage.picture("classify", "filled")


async def models(stage: Stage) -> None:
    view = stage.show("models")
    view.use_model("starter-chat")
    view.activated()
    await stage.until(lambda: any(line.interval for line in view.page.forecast.lines))
    await stage.picture("models", "filled")
    await stage.picture("models", "options", before=lambda: _to_the_end(view.page))
    view.header.search.setText("no such model")
    await stage.picture("models", "empty")
    view.use_model("starter-sentiment")
    view.page.preparation.button.click()
    await stage.until(view.page.preparation.cancel_button.isVisible)
    await stage.picture("models", "busy", before=lambda: _to_the_end(view.page))
    await stage.until(view.page.preparation.button.isVisible)
    await stage.until(lambda: view.model.preparation is not None)
    await stage.picture("models", "prepared", before=lambda: _to_the_end(view.page))


async def failing_model(stage: Stage) -> None:
    """The folder of a model is gone."""
    view = stage.show("models")
    view.use_model("echo")
    await stage.until(lambda: view.model.state != "loading")
    view.page.details.unload_button.click()
    await stage.until(lambda: view.model.state == "unloaded")
    shutil.rmtree(stage.paths.data_dir / "echoes" / "echo")
    view.page.details.load_button.click()
    await stage.until(stage.window.banners.shown)
    await stage.picture("models", "error")
    for banner in stage.window.banners.shown():
        banner.closed.emit()


def _to_the_end(page: QScrollArea) -> None:
    page.verticalScrollBar().setValue(page.verticalScrollBar().maximum())


async def busy_classify(stage: Stage) -> None:
    view = stage.show("classify")
    view.use_model("slow-labels")
    view.input.set_mode(LIST)
    view.input.many.setPlainText("\n".join(REVIEWS * 400))
    QTest.mouseClick(view.input.button, Qt.MouseButton.LeftButton)
    await stage.until(lambda: view.list.results.classified > 100)
    await stage.picture("classify", "busy")
    view.list.cancel()
    view.input.set_mode(ONE)
    view.input.one.setPlainText("What happens when it crashes: [[crash]]")
    QTest.mouseClick(view.input.button, Qt.MouseButton.LeftButton)
    await stage.until(lambda: view.single.failure is not None)
    await stage.picture("classify", "error")


async def trouble(stage: Stage) -> None:
    """The service cannot start, and then is stopped."""
    stage.show("welcome")
    configure(stage.paths, stage.hub, "max_loaded_models = 0")
    await stage.session.process.restart()
    await stage.until(lambda: stage.session.state.kind == "restarting" and stage.session.state.attempt >= 4)
    await stage.picture("welcome", "error")
    stage.show("chat")
    await stage.picture("chat", "offline")
    configure(stage.paths, stage.hub)
    stage.session.process.start()
    await stage.until(lambda: stage.session.state.usable)
    await stage.session.process.stop()
    await stage.until(lambda: stage.session.state.kind == "stopped" and not stage.window.toast_overlay.isVisible())
    await stage.picture("chat", "stopped")


async def _ask(stage: Stage, view: ChatView, question: str) -> None:
    view.page.composer.field.setPlainText(question)
    QTest.keyClick(view.page.composer.field, Qt.Key.Key_Return)
    await stage.until(lambda: _answering(view))


def _answering(view: ChatView) -> bool:
    return view.page.composer.send_button.text() == "Stop"
