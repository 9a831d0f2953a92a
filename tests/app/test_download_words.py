"""How a download stands, as words."""

import time

import pytest

from app.download_words import figures, main_action, remedy, standing
from sidecar.types import DownloadInfo, ErrorBody


def a_download(state, **fields):
    return DownloadInfo(job_id="1", model="org/owl", revision="main", state=state, **fields)


def failed(code, message="It went wrong."):
    return a_download("failed", error=ErrorBody(code, message, {}))


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (
            a_download("downloading", bytes_done=217 * 10**6, bytes_total=301 * 10**6, speed=18e6, eta_s=4.7),
            "217 of 301 MB · 18 MB/s · 5 s left",
        ),
        (a_download("downloading", bytes_done=900_000, bytes_total=2 * 10**9), "900 kB of 2.0 GB"),
        (a_download("paused", bytes_done=270 * 10**6, bytes_total=2_500 * 10**6), "Paused at 270 MB of 2.5 GB"),
        (a_download("queued"), "Waits for its turn"),
        (a_download("done", bytes_total=300_000), "300 kB, every file verified"),
        (failed("integrity_failed"), "It went wrong."),
        (failed("gated"), "Its makers ask you to accept its licence first."),
    ],
    ids=lambda value: value.state if isinstance(value, DownloadInfo) else "",
)
def test_one_line_says_how_it_stands(info, words):
    assert figures(info) == words


def test_an_interruption_says_when_it_is_tried_again():
    info = a_download("queued", bytes_done=10**6, bytes_total=3 * 10**6, retry_at=time.time() + 14.5)
    assert figures(info).startswith("Interrupted at 1.0 of 3.0 MB; tries again in 1")
    assert (standing(info).text, main_action(info).kind) == ("tries again", "resume")


def test_it_is_never_whole_before_it_is_here():
    assert standing(a_download("downloading", bytes_done=999, bytes_total=1000)).text == "99 %"


@pytest.mark.parametrize(
    ("info", "kind"),
    [
        (a_download("checking"), "pause"),
        (a_download("paused"), "resume"),
        (a_download("cancelled"), "retry"),
        (a_download("done"), "open"),
        (failed("disk_full"), "retry"),
        (failed("gated"), "access"),
        (failed("unsafe_files"), "look"),
    ],
    ids=lambda value: value.state if isinstance(value, DownloadInfo) else "",
)
def test_what_one_would_do_follows_from_how_it_stands(info, kind):
    assert main_action(info).kind == kind


def test_what_to_do_is_said_where_the_message_does_not():
    assert "damaged" in remedy(failed("integrity_failed"))
    assert remedy(failed("disk_full")) == ""
