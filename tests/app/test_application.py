"""The whole window in this process, with the real service."""

import os
import signal

import pytest
from PySide6.QtWidgets import QApplication, QPushButton

from app.application import Application
from app.single_instance import SingleInstance
from app.theme import theme
from sidecar.types import RegisterRequest
from tests.helpers.models import echo_model
from tests.helpers.service import running_service


@pytest.fixture
async def application(paths, qapp, quick_start):
    instance = SingleInstance(paths)
    assert instance.claim()
    made = Application(QApplication.instance(), paths, instance, "light")
    yield made
    await made.end()
    made.window.deleteLater()
    made.deleteLater()
    instance.release()


@pytest.fixture
async def ready(application):
    application.start(hidden=False)
    await application.session.ready()
    return application


def status(application):
    return application.window.status.state.text()


async def test_the_window_shows_before_the_service_answers(application):
    application.start(hidden=False)
    assert application.window.isVisible()
    assert status(application) == "Starting the service"


async def test_the_first_start_shows_the_welcome_page_and_the_next_the_last_view(ready):
    assert ready.window.pages.currentWidget() is ready.window.view("welcome")
    ready.window.show_view("classify")
    assert ready.window.last_view() == "classify"
    assert ready.preferences.table.first_run_done


async def test_a_hidden_start_shows_no_window_until_it_is_asked_for(application):
    application.start(hidden=True)
    assert not application.window.isVisible()
    application.come_to_front()
    assert application.window.isVisible()


async def test_the_status_bar_names_the_address_and_the_memory_in_use(ready, paths, until):
    assert status(ready) == f"Ready on {ready.session.state.address}"
    path = str(echo_model(paths.data_dir / "echo"))
    await ready.session.client.register(RegisterRequest(name="echo", model_type="text_generation", model_path=path))
    await until(lambda: ready.window.status.models.text().startswith("1 model in memory · "))


async def test_a_killed_service_is_said_in_the_status_bar_and_comes_back(ready, until):
    said = []
    ready.session.state_changed.connect(lambda _state: said.append(status(ready)))
    os.kill(ready.process.service.pid, signal.SIGKILL)
    await until(lambda: len(said) >= 2 and ready.session.state.usable, 120)
    assert said[0].startswith("Restarting the service in 0.2 s: The service was ended by signal 9 (SIGKILL)")
    assert status(ready).startswith("Ready on ")


async def test_no_model_is_said_to_be_in_memory_once_the_service_is_gone(ready, paths, until):
    path = str(echo_model(paths.data_dir / "echo"))
    await ready.session.client.register(RegisterRequest(name="echo", model_type="text_generation", model_path=path))
    await until(lambda: (model := ready.session.model("echo")) is not None and model.is_loaded)
    seen = []
    ready.session.state_changed.connect(lambda _state: seen.append(ready.session.model("echo").state))
    os.kill(ready.process.service.pid, signal.SIGKILL)
    await until(lambda: seen)
    assert seen[0] == "unloaded"


async def test_the_models_are_known_again_after_a_crash(ready, paths, until):
    path = str(echo_model(paths.data_dir / "echo"))
    await ready.session.client.register(RegisterRequest(name="echo", model_type="text_generation", model_path=path))
    await until(lambda: ready.session.model("echo") and ready.session.model("echo").is_loaded)
    os.kill(ready.process.service.pid, signal.SIGKILL)
    await until(lambda: ready.session.model("echo") and not ready.session.model("echo").is_loaded, 120)


async def test_a_stopped_service_stays_stopped_and_the_banner_starts_it(ready, until):
    await ready.process.stop()
    await until(lambda: ready.session.state.kind == "stopped")
    assert status(ready).startswith("Stopped: The service stopped after")

    def starts():
        buttons = [button for banner in ready.window.banners.shown() for button in banner.findChildren(QPushButton)]
        return [button for button in buttons if button.text() == "Start"]

    await until(starts)
    starts()[-1].click()
    await until(lambda: ready.session.state.usable, 120)


async def test_a_restart_on_request_does_not_pass_through_stopped(ready, until):
    kinds = []
    ready.session.state_changed.connect(lambda state: kinds.append(state.kind))
    await ready.process.restart()
    await until(lambda: "ready" in kinds, 120)
    assert kinds[0] == "starting"
    assert "stopped" not in kinds


async def test_a_running_service_is_adopted_and_said_to_be_another_programs(application, paths, until):
    with running_service(paths.data_dir) as service:
        application.start(hidden=True)
        await until(lambda: application.session.state.usable, 120)
        assert not application.session.state.owned
        assert application.session.client.url == service.url
        service.process.kill()
        await until(lambda: application.session.state.usable and application.session.state.owned, 120)


async def test_a_service_stopped_by_another_program_is_not_started_against_its_will(ready, until):
    await ready.session.client.shutdown()
    await until(lambda: ready.session.state.kind == "stopped")


async def test_a_stopped_service_that_another_program_starts_is_adopted(ready, paths, until):
    await ready.process.stop()
    await until(lambda: ready.session.state.kind == "stopped")
    with running_service(paths.data_dir):
        await until(lambda: ready.session.state.usable, 120)
        assert not ready.session.state.owned
        await ready.process.stop()
        await until(lambda: ready.session.state.kind == "stopped", 120)


async def test_closing_without_a_tray_ends_the_application(ready):
    ready.preferences.set("close_to_tray", True)
    ready.window.close()
    assert ready.quitting.is_set()


async def test_the_theme_follows_the_preference(ready):
    ready.preferences.set("theme", "dark")
    assert theme.tokens.name == "dark"
    ready.preferences.set("theme", "light")
    assert theme.tokens.name == "light"
