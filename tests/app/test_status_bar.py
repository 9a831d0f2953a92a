"""The words of the status bar."""

import pytest

from app.service_state import ServiceState
from app.status_bar import models_in_memory, sentence
from sidecar.types import Event


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ServiceState("ready", "http://127.0.0.1:8000"), "Ready on 127.0.0.1:8000"),
        (ServiceState("busy", "http://127.0.0.1:8000"), "Busy on 127.0.0.1:8000"),
        (ServiceState("starting"), "Starting the service"),
        (ServiceState("restarting", why="It ended.", retry_in_s=0.8), "Restarting the service in 0.8 s: It ended."),
        (ServiceState("stopped", why="It was asked to."), "Stopped: It was asked to."),
    ],
)
def test_each_state_is_said(state, words):
    assert sentence(state) == words


@pytest.mark.parametrize(
    ("count", "used", "words"),
    [
        (0, 0.0, "No model in memory"),
        (1, 95.0, "1 model in memory · 95 MB of 16 GB"),
        (2, 1331.0, "2 models in memory · 1.3 GB of 16 GB"),
    ],
)
def test_models_in_memory_are_counted_and_weighed(count, used, words):
    figures = Event("system", 0.0, models_loaded=count, models_memory_mb=used, memory_total_mb=16384.0)
    assert models_in_memory(figures) == words
