"""What the pictures of Catalogue and Downloads show. The hub is the tests' own, with the sizes of the real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.views.catalogue.view import CatalogueView
from app.views.downloads.view import DownloadsView
from sidecar.types import DownloadRequest
from tests.helpers.hub import Blob, Fault, model_files
from tests.helpers.stock import blob_of_size
from tests.screenshots.stage import Stage

CARD = b"""---
licence: mit
---
<p align="center"><img src="https://owls.example/logo.png"></p>

# Night Owl 7B

A **model for the night**: it answers late questions. See [the paper](https://owls.example/paper).

## How to ask it

```python
from owl import ask
print(ask("Who?"))
```

| Task | Score |
|---|---|
| Questions | 61.2 |
| Stories | 58.4 |
"""
QUANTISATIONS = {
    "Q2_K": 2.9e9, "Q3_K_S": 3.3e9, "Q3_K_M": 3.7e9, "Q4_K_S": 4.3e9, "Q4_K_M": 4.6e9, "Q5_K_M": 5.4e9, "Q6_K": 6.2e9,
    "Q8_0": 8.1e9, "F16": 15.2e9,
}  # fmt: skip
CHAT = {"pipeline_tag": "text-generation", "tags": ["gguf", "license:mit"], "downloads": 48_213}
READS = {"pipeline_tag": "text-classification", "tags": ["safetensors", "license:apache-2.0"], "downloads": 1_204}
MB = 1_000_000


async def play(stage: Stage) -> None:
    """The Catalogue first; what is downloaded there fills the Downloads."""
    fill(stage)
    await catalogue(stage)
    await downloads(stage)


def fill(stage: Stage) -> None:
    ggufs = {f"night-owl-7B-{name}.gguf": blob_of_size(name, int(size)) for name, size in QUANTISATIONS.items()}
    add(stage, "barn/night-owl-7B-GGUF", {**ggufs, "README.md": CARD}, CHAT)
    add(stage, "barn/snow-owl-1B", model_files(900_000, seed=3) | {"README.md": CARD}, READS, gated="auto")
    pickled = model_files(900_000, seed=4)
    pickled["pytorch_model.bin"] = pickled.pop("model.safetensors")
    add(stage, "barn/little-owl-1B", pickled, READS | {"tags": ["pytorch"]})


def add(stage: Stage, name: str, files: Mapping[str, bytes | Blob], info: dict[str, Any], **fields: Any) -> None:
    stage.hub.add(name, files, info=info, **fields)


# ---- the Catalogue ------------------------------------------------------------------------------------------------------


async def catalogue(stage: Stage) -> None:
    view: CatalogueView = stage.show("catalogue")  # type: ignore[assignment]
    await stage.until(lambda: view.offers.rowCount() > 40)
    await opened(stage, view, view.offers.at(0).id)
    await stage.picture("catalogue", "filled")
    await opened(stage, view, too_large(view))
    await stage.picture("catalogue", "does-not-fit")
    view.header.search.setText("owl")
    await stage.until(lambda: view.offers.rowCount() == 3)
    await opened(stage, view, "barn/night-owl-7B-GGUF")
    await stage.picture("catalogue", "search")
    await stage.picture("catalogue", "variants", before=lambda: scrolled_to(view, view.page.variants_card))
    await stage.picture("catalogue", "card", before=lambda: scrolled_to(view, view.page.card_card))
    await opened(stage, view, "barn/snow-owl-1B")
    await stage.picture("catalogue", "gated", before=view.page.show_access)
    await opened(stage, view, "barn/little-owl-1B")
    await stage.picture("catalogue", "unsafe", before=view.page.show_permissions)
    view.header.search.setText("no such bird")
    await stage.until(lambda: view._nothing.isVisible())
    await stage.picture("catalogue", "empty")
    await without_network(stage, view)


async def without_network(stage: Stage, view: CatalogueView) -> None:
    stage.session.network.set_offline(True)
    await stage.until(lambda: stage.session.network.offline)
    view.header.search.setText("whisper")
    view.header.search.setText("bert")
    await stage.until(view.notice.isVisible)
    await stage.picture("catalogue", "offline")
    stage.session.network.set_offline(False)
    await stage.until(lambda: not stage.session.network.offline)
    view.header.search.clear()
    await stage.until(lambda: view.offers.rowCount() > 40)
    gone = view.offers.at(2).id
    kept = stage.hub.repos.pop(gone)
    view.choose(gone)
    await stage.until(view.page.details.retry_button.isVisible)
    await stage.picture("catalogue", "error")
    stage.hub.repos[gone] = kept
    await opened(stage, view, view.offers.at(0).id)


async def opened(stage: Stage, view: CatalogueView, repository: str) -> None:
    view.choose(repository)
    await stage.until(lambda: view.detail is not None and view.detail.entry.id == repository)
    await stage.until(view.page.card.is_settled)


def too_large(view: CatalogueView) -> str:
    """A model of the list that does not fit here; on a machine where all do, the largest."""
    entries = [view.offers.at(row) for row in range(view.offers.rowCount())]
    return max(entries, key=lambda entry: (entry.suitability.verdict == "too_large", entry.bytes or 0)).id


def scrolled_to(view: CatalogueView, card: Any) -> None:
    view.page.verticalScrollBar().setValue(card.y() - 8)


# ---- the Downloads ------------------------------------------------------------------------------------------------------


async def downloads(stage: Stage) -> None:
    view: DownloadsView = stage.show("downloads")  # type: ignore[assignment]
    await stage.picture("downloads", "empty")
    await fetched(stage, "cardiff/sentiment-roberta", 2 * MB, "done")
    stage.hub.fail("model.safetensors", Fault("wrong_bytes", times=9))
    await fetched(stage, "barn/broken-wing", 3 * MB, "failed")
    stage.hub._faults.clear()
    stage.window.toast_overlay.hide()
    await busy(stage, view)
    await chosen(stage, view, "barn/broken-wing")
    await stage.picture("downloads", "failed")
    await chosen(stage, view, "cardiff/sentiment-roberta")
    await stage.picture("downloads", "done")
    for info in stage.session.downloads.all():
        view.requests.cancel(info)
    await stage.until(lambda: not stage.session.downloads.running())


async def busy(stage: Stage, view: DownloadsView) -> None:
    stage.hub.rate = 4 * MB
    for name, size in (("opus-mt-en-fr", 298), ("minilm-l6", 91), ("distilbert-sst2", 268), ("e5-small", 118)):
        await begun(stage, f"helsinki/{name}", size * MB)
    await stage.until(lambda: amount(stage, "helsinki/opus-mt-en-fr") > 24 * MB)
    await chosen(stage, view, "helsinki/opus-mt-en-fr")
    await stage.picture("downloads", "busy")
    view.page.main_button.click()
    await stage.until(lambda: stage.session.downloads.of("helsinki/opus-mt-en-fr").state == "paused")
    await stage.picture("downloads", "paused")


async def begun(stage: Stage, name: str, size: int) -> None:
    files: dict[str, bytes | Blob] = {**model_files(min(size, 4 * MB), seed=len(name))}
    if size > 4 * MB:
        files["model.safetensors"] = blob_of_size(name, size)  # nobody waits for its end
    add(stage, name, files, READS)
    await stage.session.client.download(DownloadRequest(name))
    await stage.until(lambda: stage.session.downloads.of(name) is not None)


async def fetched(stage: Stage, name: str, size: int, state: str) -> None:
    await begun(stage, name, size)
    await stage.until(lambda: stage.session.downloads.of(name).state == state)


async def chosen(stage: Stage, view: DownloadsView, name: str) -> None:
    view.use_model(name)
    await stage.until(lambda: view.info is not None and view.info.model == name)


def amount(stage: Stage, name: str) -> int:
    info = stage.session.downloads.of(name)
    return info.bytes_done if info else 0
