"""How the window words what happened to the service."""

from app.service_state import ServiceState, SidecarOutcome


def test_a_killed_service_is_described_by_its_signal():
    assert str(SidecarOutcome(3.21, signal=9)) == "The service was ended by signal 9 (SIGKILL) after 3.2 s."


def test_a_signal_without_a_name_is_still_described():
    assert "signal 4711" in str(SidecarOutcome(1.0, signal=4711))


def test_a_failing_service_is_described_by_its_code():
    assert str(SidecarOutcome(200, exit_code=2)) == "The service ended with code 2 after 3 min."


def test_a_service_that_could_not_be_started_says_why():
    assert str(SidecarOutcome(0, problem="No such file.")) == "No such file."


def test_code_zero_is_an_orderly_end_and_a_signal_is_not():
    assert SidecarOutcome(1, exit_code=0).orderly
    assert not SidecarOutcome(1, signal=15).orderly


def test_any_end_that_was_asked_for_is_orderly():
    assert SidecarOutcome(1, signal=9, asked=True).orderly


def test_the_address_has_no_scheme():
    assert ServiceState("ready", "http://127.0.0.1:8000").address == "127.0.0.1:8000"
