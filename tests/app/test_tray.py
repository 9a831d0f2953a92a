"""The tray's menu, with the real service. Whether a desktop shows it is the desktop's affair."""

import pytest
from PySide6.QtWidgets import QWidget

from app.session import Session
from app.sidecar_process import SidecarProcess
from app.tray import Tray
from sidecar.types import RegisterRequest
from tests.helpers.models import echo_model


@pytest.fixture
async def session(paths, quick_start):
    process = SidecarProcess(paths)
    made = Session(process)
    process.start()
    yield made
    made.close()
    await process.close()


@pytest.fixture
def tray(session, qapp):
    owner = QWidget()
    yield Tray(session, owner)
    owner.deleteLater()


def words(tray):
    return [action.text() for action in tray.menu.actions() if action.text()]


async def test_the_menu_begins_with_the_state_and_ends_with_quit(tray):
    assert words(tray) == ["Starting the service", "Open Inglenook", "Quit"]


async def test_a_model_in_memory_can_be_unloaded_from_the_menu(tray, session, paths, until):
    client = await session.ready()
    path = str(echo_model(paths.data_dir / "echo"))
    await client.register(RegisterRequest(name="echo", model_type="text_generation", model_path=path))
    await until(lambda: any(text.startswith("Echo") for text in words(tray)))
    entry = next(action for action in tray.menu.actions() if action.text().startswith("Echo"))
    entry.menu().actions()[0].trigger()
    await until(lambda: not any(text.startswith("Echo") for text in words(tray)))
    assert not (await client.model("echo")).is_loaded


async def test_open_and_quit_are_announced(tray, qtbot):
    actions = {action.text(): action for action in tray.menu.actions()}
    with qtbot.waitSignal(tray.open_wanted):
        actions["Open Inglenook"].trigger()
    with qtbot.waitSignal(tray.quit_wanted):
        actions["Quit"].trigger()
