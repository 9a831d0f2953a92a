"""The names of devices that a request may use. Whether the machine has one is found out by the engine at the load."""

from __future__ import annotations

import re

from sidecar.errors import InvalidRequest

_NAMES = re.compile(r"auto|cpu|gpu|(cuda|xpu)(:\d{1,3})?|mps")


def check_device(device: str) -> str:
    """The name itself. Raises InvalidRequest."""
    if not _NAMES.fullmatch(device):
        raise InvalidRequest(reason=f"device: {device!r} is none of auto, cpu, gpu, cuda, cuda:N, xpu, xpu:N, mps")
    return device
