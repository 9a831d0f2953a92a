"""A worker that gave up the network reaches nothing, not even this machine."""

import socket
import subprocess
import sys

TRY = """
import socket, sys
from sidecar.worker.isolation import give_up_the_network
give_up_the_network()
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
except OSError as error:
    print(type(error).__name__)
"""


def test_no_connection_can_be_made_afterwards() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        done = subprocess.run([sys.executable, "-c", TRY, port], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "PermissionError\n"
