"""Starting, watching and restarting a process, with small real processes in the service's place."""

import sys

import pytest

from app import sidecar_process
from app.running_service import OwnedService
from app.sidecar_process import SidecarProcess, delay_before


def program(source):
    return lambda paths: OwnedService(paths, [sys.executable, "-c", source])


@pytest.fixture
async def supervise(paths):
    made = []

    def make(source):
        process = SidecarProcess(paths, launch=program(source))
        made.append(process)
        return process

    yield make
    for process in made:
        await process.close()


def test_the_pause_doubles_from_a_fifth_of_a_second_to_half_a_minute():
    assert [delay_before(attempt) for attempt in (1, 2, 3, 8, 9, 100)] == [0.2, 0.4, 0.8, 25.6, 30.0, 30.0]


async def test_a_service_that_fails_is_started_again_with_its_last_words_kept(supervise, until):
    states = []
    process = supervise("import sys; sys.stderr.write('no room\\n'); sys.exit(3)")
    process.state_changed.connect(states.append)
    process.start()
    await until(lambda: len(states) >= 2)
    assert [(state.kind, state.attempt, state.retry_in_s) for state in states[:2]] == [
        ("restarting", 1, 0.2),
        ("restarting", 2, 0.4),
    ]
    assert states[0].details == "no room"
    assert "code 3" in states[0].why


async def test_only_the_end_of_a_long_stderr_is_kept(supervise, until):
    outcomes = []
    process = supervise("import sys; sys.stderr.write('x' * 100_000 + 'the end'); sys.exit(1)")
    process.ended.connect(outcomes.append)
    process.start()
    await until(lambda: outcomes)
    assert len(outcomes[0].stderr) == 8192
    assert outcomes[0].stderr.endswith("the end")


async def test_a_killed_service_is_named_with_its_signal(supervise, until):
    outcomes = []
    process = supervise("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    process.ended.connect(outcomes.append)
    process.start()
    await until(lambda: outcomes)
    assert outcomes[0].signal == 9


async def test_a_program_that_is_not_there_is_a_reason_not_a_crash(paths, until):
    states = []
    process = SidecarProcess(paths, launch=lambda paths: OwnedService(paths, ["/no/such/program"]))
    process.state_changed.connect(states.append)
    process.start()
    await until(lambda: states)
    await process.close()
    assert states[0].kind == "restarting"
    assert "could not be started" in states[0].why


async def test_a_service_that_was_told_to_stop_stays_stopped_until_it_is_started(supervise, until):
    states = []
    process = supervise("import sys; sys.exit(0)")
    process.state_changed.connect(states.append)
    process.start()
    await until(lambda: states)
    assert states[-1].kind == "stopped"
    process.start()
    await until(lambda: len(states) >= 3)
    assert [state.kind for state in states[:3]] == ["stopped", "starting", "stopped"]


async def test_start_ends_the_pause_before_the_next_attempt(supervise, until, monkeypatch):
    monkeypatch.setattr(sidecar_process, "FIRST_DELAY_S", 1000.0)
    monkeypatch.setattr(sidecar_process, "LONGEST_DELAY_S", 1000.0)
    states = []
    process = supervise("import sys; sys.exit(1)")
    process.state_changed.connect(states.append)
    process.start()
    await until(lambda: len(states) == 1)
    process.start()
    await until(lambda: len(states) == 2)
    assert states[-1].attempt == 2


async def test_closing_ends_the_process_by_closing_its_input(paths, until):
    service = OwnedService(paths, [sys.executable, "-c", "import sys; sys.stdin.read()"])
    await service.stop()
    outcome = await service.ended()
    assert (outcome.exit_code, outcome.asked) == (0, True)


async def test_a_service_that_ignores_its_input_is_ended_all_the_same(paths, until, monkeypatch):
    monkeypatch.setattr("app.running_service.STOP_SECONDS", 0.2)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    service = OwnedService(paths, [sys.executable, "-c", deaf])
    await service.stop()
    assert (await service.ended()).asked
