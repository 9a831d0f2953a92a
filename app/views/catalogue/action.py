"""What the one big button of a model's page does now, and what it says. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QCoreApplication

from app.download_words import percent
from app.downloads import UNFINISHED
from app.figures import file_size
from app.model_uses import use_of
from sidecar.types import CatalogueDetail, CatalogueEntry, DownloadInfo, Variant

Kind = Literal["download", "permit", "access", "follow", "open", "wait", "nothing"]


@dataclass(frozen=True)
class PageAction:
    """`primary`: whether it is what one should do; a model that does not fit can be fetched, but is not urged upon one."""

    kind: Kind
    words: str
    icon: str = "download"
    primary: bool = True


def page_action(
    entry: CatalogueEntry,
    detail: CatalogueDetail | None,
    variant: Variant | None,
    download: DownloadInfo | None,
    permitted: frozenset[str],
) -> PageAction:
    """`permitted`: what the person allows for this model."""
    if download is not None and download.state in UNFINISHED:
        return PageAction("follow", _following(download), "arrow-right", primary=False)
    if entry.installed:
        return PageAction("open", _tr("Installed · {0}").format(use_of(entry.task).place), use_of(entry.task).icon)
    if detail is None:
        ready = entry.curated and not entry.gated and entry.formats != ["pickle"]
        return _download(entry, None) if ready else PageAction("wait", _tr("Looking at its files"), "clock")
    if any(one.severity == "refused" and one.kind == "format" for one in detail.safety):
        return PageAction("nothing", _tr("Nothing in it can be used here"), "circle-alert", primary=False)
    if detail.access != "open":
        return PageAction("access", _tr("Gated: how to get access"), "key-round")
    if wanted_permissions(detail) - permitted:
        return PageAction("permit", _tr("Download ({0})…").format(_size(entry, variant)))
    return _download(entry, variant)


def wanted_permissions(detail: CatalogueDetail) -> frozenset[str]:
    """What the person would have to allow."""
    return frozenset(one.permission for one in detail.safety if one.severity == "ask" and one.permission)


def _download(entry: CatalogueEntry, variant: Variant | None) -> PageAction:
    suits = variant.suitability if variant else entry.suitability
    if suits.verdict == "too_large":
        return PageAction("download", _tr("Download anyway ({0})").format(_size(entry, variant)), primary=False)
    return PageAction("download", _tr("Download ({0})").format(_size(entry, variant)))


def _size(entry: CatalogueEntry, variant: Variant | None) -> str:
    count = variant.bytes if variant else entry.bytes
    return file_size(count) if count else _tr("size not known")


def _following(download: DownloadInfo) -> str:
    if download.state == "downloading":
        return _tr("Downloading {0}").format(percent(download))
    if download.state == "paused":
        return _tr("Paused at {0}").format(percent(download))
    return _tr("Verifying") if download.state == "verifying" else _tr("In the queue")


def _tr(text: str) -> str:
    return QCoreApplication.translate("Catalogue", text)
