"""The service's life, as real processes: start, second start, ports, files, every way to end, and what it leaves behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from sidecar import discovery, errors
from sidecar.client import Client
from sidecar.paths import Paths
from sidecar.types import GenerateChunk, GenerateRequest, RegisterRequest
from tests.helpers.models import echo_model
from tests.helpers.service import RunningService, end, running_service, service_process

StartService = Callable[..., RunningService]


async def endless_stream(client: Client, folder: Path) -> AsyncGenerator[GenerateChunk, None]:
    """A stream that has begun and does not end by itself."""
    model = echo_model(folder / "endless", repeat=0, delay_ms=5, context_length=1_000_000)
    await client.register(RegisterRequest(name="endless", model_type="text_generation", model_path=str(model)))
    chunks = client.stream("endless", GenerateRequest(prompt="again", max_new_tokens=1_000_000))
    await anext(chunks)
    return chunks


async def rest_of(chunks: AsyncGenerator[GenerateChunk, None]) -> None:
    async for _ in chunks:
        pass


def workers_of(service: RunningService) -> list[psutil.Process]:
    return psutil.Process(service.process.pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=30)[1]


# ---- start ----------------------------------------------------------------------------------------------------------


def test_it_says_where_it_is_ready_without_the_token(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        assert service.process.stdout is not None
        line = service.process.stdout.readline().decode()
    assert line == f"Inglenook is ready at {service.url}\n"


def test_it_says_so_in_json_when_asked(tmp_path: Path) -> None:
    with running_service(tmp_path, "--json") as service:
        assert service.process.stdout is not None
        said = json.loads(service.process.stdout.readline())
    assert said == {"url": service.url, "pid": service.process.pid, "version": service.found.version}


def test_the_discovery_file_is_its_owner_s_alone(start_service: StartService) -> None:
    service = start_service()
    assert stat.S_IMODE(service.paths.runtime_file.stat().st_mode) == 0o600
    assert service.found.pid == service.process.pid
    assert len(service.token) >= 32


def test_a_second_start_says_the_first_is_running_and_where(start_service: StartService) -> None:
    first = start_service()
    second = service_process(first.paths.data_dir)
    _, stderr = second.communicate(timeout=60)
    assert second.returncode == 3
    assert first.url in stderr.decode()
    assert str(first.process.pid) in stderr.decode()
    assert discovery.read(first.paths.runtime_file) == first.found


def test_two_starts_at_once_leave_one_running(tmp_path: Path) -> None:
    processes = [service_process(tmp_path, spare_worker="false") for _ in range(2)]
    try:
        assert first_to_end(processes).returncode == 3
        assert sum(process.poll() is None for process in processes) == 1
    finally:
        for process in processes:
            end(process)


def first_to_end(processes: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    while True:
        for process in processes:
            if process.poll() is not None:
                return process
        time.sleep(0.05)


def test_a_taken_port_makes_it_use_the_next_free_one(start_service: StartService) -> None:
    with taken_port() as port:
        service = start_service("--port", str(port))
        assert port < service.port < port + 100


def test_a_discovery_file_that_a_killed_service_left_is_replaced(tmp_path: Path) -> None:
    with running_service(tmp_path) as first:
        first.process.kill()
        first.wait()
        assert first.paths.runtime_file.exists()
        with pytest.raises(errors.ServiceUnreachable):
            Client.connect(first.paths)
    with running_service(tmp_path) as second:
        assert discovery.read(second.paths.runtime_file).token != first.token


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_it_refuses_to_be_reached_from_elsewhere_without_keys(host: str, tmp_path: Path) -> None:
    process = service_process(tmp_path, "--host", host, "--auth", "off")
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "auth must stay on" in stderr.decode()


async def test_without_keys_loopback_is_answered_and_the_history_says_local(
    start_service: StartService, tmp_path: Path
) -> None:
    service = start_service("--auth", "off")
    async with Client(service.url) as client:
        path = str(echo_model(tmp_path / "echo"))
        await client.register(RegisterRequest(name="echo", model_type="text_generation", model_path=path))
        await client.generate("echo", GenerateRequest(prompt="a"))
        assert (await client.history()).entries[0].key == "local"


def test_a_wrong_settings_file_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("port = -1\n")
    process = service_process(tmp_path)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "port" in stderr.decode()
    assert "Traceback" not in stderr.decode()


def test_a_folder_that_cannot_be_used_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = service_process(tmp_path / "file")
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in stderr.decode()


def test_a_settings_file_of_one_s_own_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('auth = "off"\n')
    with running_service(tmp_path / "data", "--config", str(tmp_path / "mine.toml")) as service:
        assert asyncio.run(models_without_a_key(service)) == 0


async def models_without_a_key(service: RunningService) -> int:
    async with Client(service.url) as client:
        return (await client.summary()).loaded


# ---- ports ----------------------------------------------------------------------------------------------------------


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


# ---- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "stdin", "shutdown"])
async def test_every_polite_end_ends_streams_with_an_error_workers_and_files(
    how: str, start_service: StartService, tmp_path: Path
) -> None:
    service = start_service()
    async with service.client() as client, service.client() as other:
        chunks = await endless_stream(client, tmp_path)
        workers = workers_of(service)
        assert workers
        if how == "shutdown":
            await other.shutdown()
        elif how == "stdin":
            service.close_stdin()
        else:
            os.kill(service.process.pid, getattr(signal, how))
        with pytest.raises(errors.NotReady, match="stopping"):
            await rest_of(chunks)
    assert service.wait() == 0
    assert gone(workers)
    assert not service.paths.runtime_file.exists()


async def test_a_short_request_may_finish_while_it_stops(start_service: StartService, tmp_path: Path) -> None:
    service = start_service()
    async with service.client() as client:
        path = str(echo_model(tmp_path / "slow", delay_ms=100))
        await client.register(RegisterRequest(name="slow", model_type="text_generation", model_path=path))
        chunks = client.stream("slow", GenerateRequest(prompt="one two three four five"))
        await anext(chunks)
        service.process.terminate()
        last = [chunk async for chunk in chunks][-1]
    assert last.finish_reason == "stop"
    assert service.wait() == 0


async def test_history_that_was_just_made_is_on_disk_after_the_end(tmp_path: Path) -> None:
    with running_service(tmp_path / "data") as service:
        async with service.client() as client:
            path = str(echo_model(tmp_path / "echo"))
            await client.register(RegisterRequest(name="echo", model_type="text_generation", model_path=path))
            await client.generate("echo", GenerateRequest(prompt="a"))
            service.process.terminate()
            service.wait()
    with running_service(tmp_path / "data") as again:
        async with again.client() as client:
            assert [entry.model for entry in (await client.history()).entries] == ["echo"]


async def test_a_killed_service_leaves_no_worker_behind(start_service: StartService, tmp_path: Path) -> None:
    service = start_service()
    async with service.client() as client:
        chunks = await endless_stream(client, tmp_path)
        workers = workers_of(service)
        service.process.kill()
        with pytest.raises(errors.ServiceUnreachable):
            await rest_of(chunks)
    assert gone(workers)


async def test_event_listeners_do_not_delay_the_end(start_service: StartService) -> None:
    service = start_service()
    async with service.client() as client:
        events = client.events()
        listening = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.2)
        began = asyncio.get_running_loop().time()
        service.process.terminate()
        await asyncio.to_thread(service.wait)
        took = asyncio.get_running_loop().time() - began
        listening.cancel()
        await asyncio.wait([listening])
        await events.aclose()
    assert took < 2.5  # less than what running requests are given


# ---- what it costs --------------------------------------------------------------------------------------------------


def test_the_front_never_imports_an_engine_library(start_service: StartService) -> None:
    service = start_service()
    mapped = {Path(entry.path).name for entry in psutil.Process(service.process.pid).memory_maps()}
    assert not any("torch" in name or "tokenizers" in name for name in mapped)


def test_the_front_stays_small(start_service: StartService) -> None:
    service = start_service()
    assert psutil.Process(service.process.pid).memory_info().rss < 80e6


def test_two_folders_have_two_services(tmp_path: Path) -> None:
    with running_service(tmp_path / "a") as a, running_service(tmp_path / "b") as b:
        assert Client.connect(Paths.in_folder(tmp_path / "a")).url == a.url != b.url
