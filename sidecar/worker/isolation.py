"""How a worker that opens a stranger's file gives up the network first. There is no way back within the process."""

from __future__ import annotations

import sys


def give_up_the_network() -> None:
    """No connection is made from here on, by whatever code: the process is cut off where the system can do that, and its
    own calls are refused everywhere."""
    sys.addaudithook(_refuse_connections)
    _leave_the_network()


def _refuse_connections(event: str, _arguments: object) -> None:
    if event in {"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}:
        raise PermissionError("this process has no network")


def _leave_the_network() -> None:
    """A namespace without network interfaces, on Linux and where that is permitted."""
    if sys.platform != "linux":
        return
    import ctypes

    clone_newuser, clone_newnet = 0x10000000, 0x40000000
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(clone_newnet) != 0:
        library.unshare(
            clone_newuser | clone_newnet
        )  # a process of several threads may not; then the refusal has to do
