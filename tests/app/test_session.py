"""What the session hands out between the end of one service and the beginning of the next."""

import asyncio

import pytest

from app.service_state import SidecarOutcome
from app.session import Session
from app.sidecar_process import SidecarProcess
from sidecar.client import Client

NOWHERE = "http://127.0.0.1:9"


class WatchedClient(Client):
    """A real client that calls back at the moment when it is closed."""

    def __init__(self, on_close):
        super().__init__(NOWHERE)
        self._on_close = on_close

    async def close(self):
        self._on_close()
        await super().close()


class ShortService:
    """One run of a service that is ready at once and ends when `end` is called."""

    owned = True

    def __init__(self, on_close):
        self.client = WatchedClient(on_close)
        self._over = asyncio.Event()

    def end(self):
        self._over.set()

    async def answering(self):
        return self.client

    async def ended(self):
        await self._over.wait()
        return SidecarOutcome(1.0, exit_code=1)

    async def stop(self):
        self.end()

    async def suspect(self):
        pass


class Runs:
    """A supervised service, and what others get from the session while the client of a run is being closed."""

    def __init__(self, paths):
        self.services = []
        self.got = []
        self.process = SidecarProcess(paths, launch=self._launch)
        self.session = Session(self.process)

    def _launch(self, _paths):
        self.services.append(ShortService(self._on_close))
        return self.services[-1]

    def _on_close(self):
        self.offered = self.process.client
        self.got.append(asyncio.ensure_future(self.session.ready()))


@pytest.fixture
async def runs(paths, until):
    made = Runs(paths)
    made.process.start()
    await made.session.ready()
    made.services[0].end()
    await until(lambda: made.got)
    yield made
    made.session.close()
    await made.process.close()
    for waiting in made.got[1:]:
        waiting.cancel()


async def test_nobody_is_offered_a_client_that_is_being_closed(runs):
    assert runs.offered is None


async def test_who_asks_while_one_service_ends_gets_the_next_one(runs):
    async with asyncio.timeout(30):
        client = await runs.got[0]
    assert len(runs.services) == 2
    assert client is runs.services[1].client
