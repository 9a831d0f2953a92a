"""The socket that the service listens on."""

from __future__ import annotations

import pytest

from sidecar import errors
from sidecar.listener import bind


def test_port_0_takes_any_free_one() -> None:
    with bind("127.0.0.1", 0) as bound:
        assert bound.getsockname()[1] > 0


def test_an_address_that_is_not_ours_is_an_error_that_names_it() -> None:
    with pytest.raises(errors.PortUnavailable, match=r"192\.0\.2\.1"):
        bind("192.0.2.1", 0)


def test_a_host_that_does_not_exist_is_an_error_that_names_it() -> None:
    with pytest.raises(errors.PortUnavailable, match="no-such-host"):
        bind("no-such-host.invalid", 0)
