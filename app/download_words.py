"""How a download stands, as words: a badge, figures, and what to do when it went wrong. Pure; knows no widget."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QCoreApplication

from app.figures import file_size, time_left
from app.model_words import Standing
from sidecar.types import DownloadInfo


def name(info: DownloadInfo) -> str:
    """The repository without whose it is."""
    return info.model.rpartition("/")[2]


def share(info: DownloadInfo) -> float:
    """How far it is, 0 to 1."""
    if info.state == "done":
        return 1.0
    return min(1.0, info.bytes_done / info.bytes_total) if info.bytes_total else 0.0


def percent(info: DownloadInfo) -> str:
    """34 %: never 100 before it is there."""
    return _tr("{0} %").format(min(99, int(100 * share(info))))


def standing(info: DownloadInfo) -> Standing:
    """The badge."""
    if info.state == "queued" and info.retry_at is not None:
        return Standing(_tr("tries again"), "warning")
    found: dict[str, Standing] = {
        "queued": Standing(_tr("waiting"), "neutral"),
        "checking": Standing(_tr("checking"), "accent"),
        "downloading": Standing(percent(info), "accent"),
        "verifying": Standing(_tr("verifying"), "accent"),
        "paused": Standing(_tr("paused"), "neutral"),
        "done": Standing(_tr("here"), "ok"),
        "failed": Standing(_tr("failed"), "bad"),
        "cancelled": Standing(_tr("cancelled"), "neutral"),
    }
    return found[info.state]


def bar_role(info: DownloadInfo) -> str:
    """The colour of its bar."""
    return {"paused": "faint", "queued": "faint", "failed": "bad", "cancelled": "faint", "done": "ok"}.get(
        info.state, "accent"
    )


def figures(info: DownloadInfo) -> str:
    """One line that says how it stands: 217 MB of 301 MB · 18 MB/s · 5 s left."""
    match info.state:
        case "downloading":
            return _progress(info)
        case "queued" if info.retry_at is not None:
            return _tr("Interrupted at {0}; tries again in {1}").format(_amount(info), _until(info.retry_at))
        case "queued":
            return _tr("Waits for its turn")
        case "checking":
            return _tr("Asking the hub what there is, and whether it is safe")
        case "verifying":
            return info.message or _tr("Comparing every file with its hash")
        case "paused":
            return _tr("Paused at {0}").format(_amount(info)) if info.bytes_done else _tr("Paused")
        case "done":
            return _tr("{0}, every file verified").format(file_size(info.bytes_total))
        case "failed":
            return _failure(info)
    return _tr("Cancelled; what had arrived is deleted")


def pace(info: DownloadInfo) -> str:
    """Where there is little room: 18 MB/s · 5 s left, else how it stands."""
    if info.state != "downloading" or not info.speed:
        return standing(info).text
    left = _tr("{0} left").format(time_left(info.eta_s)) if info.eta_s is not None else ""
    return " · ".join(filter(None, (speed(info.speed), left)))


def speed(bytes_a_second: float | None) -> str:
    """18 MB/s; empty where it is not known."""
    return _tr("{0}/s").format(file_size(bytes_a_second)) if bytes_a_second else ""


@dataclass(frozen=True)
class MainAction:
    """What one would do with a download now: `short` on a row, `words` on its page."""

    kind: Literal["pause", "resume", "retry", "access", "look", "open"]
    words: str
    short: str
    icon: str


def main_action(info: DownloadInfo) -> MainAction:
    """Pause what runs, go on with what does not, use what is here."""
    if info.state == "done":
        return MainAction("open", _tr("Use it"), _tr("Use it"), "arrow-right")
    if info.state == "paused" or (info.state == "queued" and info.retry_at is not None):
        return MainAction("resume", _tr("Resume"), _tr("Resume"), "play")
    if info.state == "cancelled":
        return MainAction("retry", _tr("Download again"), _tr("Again"), "rotate-cw")
    if info.state != "failed":
        return MainAction("pause", _tr("Pause"), _tr("Pause"), "pause")
    if code(info) == "gated":
        return MainAction("access", _tr("How to get access"), _tr("Access"), "key-round")
    if code(info) == "unsafe_files":
        return MainAction("look", _tr("See what is unsafe"), _tr("See"), "eye")
    return MainAction("retry", _tr("Try again"), _tr("Retry"), "rotate-cw")


def remedy(info: DownloadInfo) -> str:
    """What to do about what went wrong, where its own message does not say."""
    words = {
        "offline": _tr("Turn the offline switch off, then try again."),
        "network_unavailable": _tr("What has arrived is kept: it goes on where it was."),
        "hub_refused": _tr("What has arrived is kept: it goes on where it was."),
        "integrity_failed": _tr("Trying again fetches only the files that were damaged."),
        "unsafe_files": _tr("Its page in the Catalogue says what you may allow."),
    }
    return words.get(code(info), "")


def code(info: DownloadInfo) -> str:
    """The code of what went wrong; empty where nothing did."""
    return info.error.code if info.error else ""


def _failure(info: DownloadInfo) -> str:
    if code(info) == "gated":
        return _tr("Its makers ask you to accept its licence first.")  # how that is done here, its page says
    return info.error.message if info.error else info.message


def _progress(info: DownloadInfo) -> str:
    left = _tr("{0} left").format(time_left(info.eta_s)) if info.eta_s is not None and info.speed else ""
    return " · ".join(filter(None, (_amount(info), speed(info.speed), left)))


def _amount(info: DownloadInfo) -> str:
    """217 of 301 MB, the unit once where both have it."""
    done, whole = file_size(info.bytes_done), file_size(info.bytes_total)
    if done.partition(" ")[2] == whole.partition(" ")[2]:
        done = done.partition(" ")[0]
    return _tr("{0} of {1}").format(done, whole)


def _until(moment: float) -> str:
    return time_left(max(1.0, moment - time.time()))


def _tr(text: str) -> str:
    return QCoreApplication.translate("DownloadWords", text)
