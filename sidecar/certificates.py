"""Keeps the import of aiohttp from reading the machine's certificates, a tenth of the whole start.

aiohttp makes a TLS context when it is imported. Here it only ever speaks HTTP on this machine; what goes out goes through
`sidecar.hub.connection`, which reads the certificates itself when it connects. A context made meanwhile trusts nobody, so
forgetting this fails safely.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "SSL_CERT_FILE"  # what OpenSSL reads instead of the machine's file


@contextmanager
def unread() -> Iterator[None]:
    """Import aiohttp within. Nothing else may run meanwhile: the environment is one for the whole process."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = os.devnull
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
