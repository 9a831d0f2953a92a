"""Many may use the models folder together; who changes where it lies waits until they are through, and then goes alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Belongs to one event loop. Who comes while somebody changes, or waits to, waits for that."""

    def __init__(self) -> None:
        self._users = 0
        self._changing = asyncio.Lock()
        self._unused = asyncio.Event()
        self._unused.set()

    @asynccontextmanager
    async def using(self) -> AsyncIterator[None]:
        async with self._changing:
            self._users += 1
            self._unused.clear()
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        async with self._changing:
            await self._unused.wait()
            yield
