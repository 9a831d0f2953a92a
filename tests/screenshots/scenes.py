"""What the pictures show: each view empty, busy, filled and in trouble. The window is used as a person uses it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea

from app.views.chat.view import ChatView
from app.views.classify.input_card import LIST, ONE
from app.views.storage.view import ALL, TRASH, UNUSED, StorageView
from sidecar.types import JobInfo, RegisterRequest
from tests.helpers.models import echo_model
from tests.screenshots import hub_scenes, import_scenes
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
    await import_scenes.play(stage)
    await hub_scenes.play(stage)
    await stage.register_echoes()
    await storage(stage)
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
    await pictures_in_chat(stage, view)


async def pictures_in_chat(stage: Stage, view: ChatView) -> None:
    view.use_model("seeing-echo")
    for name in ("evening", "morning"):
        view.page.composer.attach([str(_landscape(stage.paths.data_dir / f"{name}.jpg", name))])
    await stage.until(lambda: len(view.page.composer.pictures()) == 2)
    await _ask(stage, view, "Which of these is the evening?")
    await stage.until(lambda: not _answering(view))
    view.page.composer.attach([str(stage.paths.data_dir / "evening.jpg")])
    await stage.until(view.page.composer.pictures)
    view.page.composer.set_text("And what stands on the hill?")
    await stage.picture("chat", "pictures")
    view.page.header.picked.emit("echo")
    await stage.picture("chat", "blind")
    view.page.composer.clear()


def _landscape(file: Path, name: str) -> Path:
    """Hills under a sky, as a photograph's file."""
    low, high, hills = {
        "evening": ("#F2A65A", "#5B3F7A", "#2B2340"),
        "morning": ("#FCE9C8", "#8CC0DE", "#4E7A5B"),
    }[name]
    image = QImage(1200, 800, QImage.Format.Format_RGB32)
    sky = QLinearGradient(0, 0, 0, 800)
    sky.setColorAt(0, QColor(high))
    sky.setColorAt(1, QColor(low))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(image.rect(), sky)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#FFF6DC"))
    painter.drawEllipse(820, 260, 120, 120)
    painter.setBrush(QColor(hills))
    painter.drawEllipse(-300, 480, 1100, 900)
    painter.drawEllipse(450, 560, 1300, 900)
    painter.end()
    image.save(str(file))
    return file


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


async def storage(stage: Stage) -> None:
    """Models of some size, used at different times; some litter; the trash; a folder that moves to another disk."""
    client = await stage.session.ready()
    await _store_models(stage)
    view = stage.show("storage")
    await stage.until(lambda: view.entries.row_of("quiet/Summariser-300M") >= 0)
    await stage.picture("storage", "filled", before=lambda: _choose(view, "quiet/Summariser-300M"))
    await stage.picture("storage", "unused", before=lambda: _show_unused(view))
    view.tabs.set_current(ALL)
    _choose(view, "quiet/Summariser-300M", "old/Chat-1.1B-Instruct")
    view.delete_button.click()
    await stage.until(lambda: view.entries.row_of("old/Chat-1.1B-Instruct") < 0)
    await stage.picture("storage", "deleted", before=lambda: _age(view))
    view.tabs.set_current(TRASH)
    _choose(view, view.entries.at(0).key)
    await stage.picture("storage", "trash")
    view.tabs.set_current(ALL)
    job = JobInfo("1", "move", "/media/large/models", "running", 0.42, "copying model.safetensors")
    stage.session.job_changed.emit(job)
    await stage.picture("storage", "busy")
    message = "Moving the models to /media/large/models needs 4,120 MB there, where 812 MB are free. Free some space, or choose another folder."
    stage.session.job_changed.emit(JobInfo("1", "move", "/media/large/models", "failed", message=message))
    await stage.picture("storage", "error")
    for model in ("new/Embedder-110M",):
        await client.remove(model)
    await client.empty_trash()


async def _store_models(stage: Stage) -> None:
    """Sparse files: they look large and take nothing."""
    client = await stage.session.ready()
    models_dir = stage.paths.models_dir
    sizes = {"quiet/Summariser-300M": 612, "old/Chat-1.1B-Instruct": 2210, "new/Embedder-110M": 219}
    for name, megabytes in sizes.items():
        folder = echo_model(models_dir / name.replace("/", "--") / "0123456789ab")
        with (folder / "model.safetensors").open("wb") as file:
            file.truncate(megabytes * 1_000_000)
        await client.register(RegisterRequest(name=name, model_type="text_generation", model_path=str(folder)))
    for place, megabytes in ((".quarantine/damaged", 38), (".partial/0123.part", 104)):
        (models_dir / place).parent.mkdir(parents=True, exist_ok=True)
        with (models_dir / place).open("wb") as file:
            file.truncate(megabytes * 1_000_000)


def _age(view: StorageView) -> None:
    """As if the models had been here for months."""
    days = {"quiet/Summariser-300M": 96, "old/Chat-1.1B-Instruct": 41, "new/Embedder-110M": 2}
    for model in view.info.models:
        ago = days.get(model.id, 60) * 86_400
        model.created_at = time.time() - ago - 20 * 86_400
        model.last_used_at = time.time() - ago if model.id in days else None
    view.requests.looked.emit(view.info, view.trash)


def _show_unused(view: StorageView) -> None:
    view.tabs.set_current(UNUSED)
    _choose(view, "quiet/Summariser-300M", "old/Chat-1.1B-Instruct")


def _choose(view: StorageView, *keys: str) -> None:
    _age(view)
    view.table.clearSelection()
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    for key in keys:
        view.table.selectionModel().select(view.entries.index(view.entries.row_of(key), 0), flags)


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
