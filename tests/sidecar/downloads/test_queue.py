"""Downloads as a user meets them: they arrive whole, say why they cannot, and never fetch a byte twice without need."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from sidecar.errors import Conflict, DownloadNotFound, ModelNotFound
from sidecar.registry.manifest import owning_folder
from sidecar.types import DownloadRequest
from tests.helpers.gguf_models import gguf_model
from tests.helpers.hub import Blob, Fault, HubServer, model_files
from tests.sidecar.downloads.conftest import OpenYard, Yard

WEIGHTS = "model.safetensors"


async def test_a_model_arrives_whole_with_a_manifest_and_is_known(yard: Yard, hub: HubServer) -> None:
    repo = hub.add("org/model", model_files())
    info = await yard.fetch()
    assert (info.state, info.model_id, info.commit, info.bytes_done) == (
        "done",
        "org/model",
        repo.commit,
        info.bytes_total,
    )
    path = yard.store.resolve("org/model").path
    assert path == yard.models_dir / "org--model" / repo.commit[:12]
    manifest = yard.manifests.read(path)
    assert manifest is not None
    assert {file.path for file in manifest.files} == set(repo.files)
    assert all((path / name).read_bytes() == blob.content for name, blob in repo.files.items())
    assert yard.leftovers() == []


async def test_every_byte_is_served_once(yard: Yard, hub: HubServer) -> None:
    repo = hub.add("org/model", model_files())
    hub.fail(WEIGHTS, Fault("cut", after=70_001), Fault("status", status=500), Fault("stall", after=10))
    assert (await yard.fetch()).state == "done"
    assert hub.served == {path: blob.size for path, blob in repo.files.items()}


async def test_wrong_bytes_are_set_aside_and_fetched_once_more(yard: Yard, hub: HubServer) -> None:
    hub.add("org/model", model_files())
    hub.fail(WEIGHTS, Fault("wrong_bytes"))
    assert (await yard.fetch()).state == "done"
    assert len(list((yard.models_dir / ".quarantine").rglob(WEIGHTS))) == 1


async def test_what_stays_wrong_is_told_and_never_known(yard: Yard, hub: HubServer) -> None:
    hub.add("org/model", model_files())
    hub.fail(WEIGHTS, Fault("wrong_bytes", times=10))
    info = await yard.fetch()
    assert info.error is not None
    assert (info.state, info.error.code) == ("failed", "integrity_failed")
    assert "SHA-256" in info.message
    with pytest.raises(ModelNotFound):
        yard.store.get("org/model")
    assert not (yard.models_dir / "org--model").exists()


@pytest.mark.parametrize("fault", [Fault("truncate", after=9), Fault("too_long")], ids=lambda fault: fault.kind)
async def test_a_wrong_length_is_told_and_a_retry_goes_on(yard: Yard, hub: HubServer, fault: Fault) -> None:
    hub.add("org/model", model_files())
    hub.fail(WEIGHTS, fault)
    info = await yard.fetch()
    assert (info.state, "instead of" in info.message) == ("failed", True)
    await yard.queue.retry(info.job_id)
    assert (await yard.ended(info.job_id)).state == "done"


STUBBORN = {
    "cut": (Fault("cut", after=0, times=50), "could not be reached: .*what has arrived is kept"),
    "429": (Fault("status", status=429, retry_after="3600", times=50), "answered 429: it wants fewer requests. Wait"),
    "500": (Fault("status", status=500, times=50), "answered 500: it has trouble of its own. Try again later"),
    "416": (Fault("status", status=416, times=50), "answered 416: what is here is longer than its file"),
    "403": (Fault("status", status=403, times=50), "answered 403: the token does not permit this. Create one that may"),
}


@pytest.mark.parametrize("kind", STUBBORN)
async def test_a_server_that_stays_wrong_is_told_in_words_nothing_is_known_and_a_retry_goes_on(
    yard: Yard, hub: HubServer, kind: str
) -> None:
    fault, words = STUBBORN[kind]
    repo = hub.add("org/model", model_files())
    hub.fail(WEIGHTS, Fault("cut", after=70_000), fault)
    job = (await yard.queue.add(DownloadRequest("org/model"))).job_id
    info = await yard.until(job, lambda info: info.error is not None)
    assert re.search(words, info.message)
    if kind == "429":
        assert info.retry_at is not None
        assert info.retry_at > time.time() + 3000
        assert "It is tried again in 60 minutes." in info.message
    else:
        await yard.ended(job)
    with pytest.raises(ModelNotFound):
        yard.store.get("org/model")
    hub.mend()
    await (yard.queue.retry if yard.queue.get(job).state == "failed" else yard.queue.resume)(job)
    assert (await yard.ended(job)).state == "done"
    again = 70_000 if kind == "416" else 0  # whoever says that his file ends there is believed, and it begins anew
    assert hub.served[WEIGHTS] == repo.files[WEIGHTS].size + again


async def test_a_hub_in_trouble_is_tried_again_later_and_then_told(yard: Yard, hub: HubServer) -> None:
    hub.add("org/model", model_files())
    hub.fail("api", Fault("status", status=503))
    done = await yard.fetch()
    assert (done.state, done.attempts, done.error) == ("done", 2, None)
    hub.add("org/other", model_files(seed=1))
    hub.fail("api", Fault("status", status=503, times=2))
    info = await yard.fetch("org/other")
    assert (info.state, info.attempts, "503" in info.message) == ("failed", 2, True)


async def test_what_is_paused_goes_on_at_its_byte(yard: Yard, hub: HubServer) -> None:
    repo = hub.add("org/model", model_files())
    hub.rate = 200_000
    job = (await yard.queue.add(DownloadRequest("org/model"))).job_id
    await yard.until(job, lambda info: info.bytes_done > 50_000)
    assert (await yard.queue.pause(job)).state == "paused"
    await yard.queue.resume(job)
    info = await yard.ended(job)
    assert info.state == "done"
    assert hub.served[WEIGHTS] <= repo.files[WEIGHTS].size + 40_000  # what was on its way when it stopped
    assert any(seen.range for seen in hub.requests(WEIGHTS))


async def test_a_pause_outlives_a_restart_and_the_rest_goes_on_by_itself(open_yard: OpenYard, hub: HubServer) -> None:
    hub.add("org/model", model_files())
    hub.add("org/other", model_files(seed=1))
    first = await open_yard(download_limit_kb_s=50)
    running = (await first.queue.add(DownloadRequest("org/model"))).job_id
    paused = (await first.queue.add(DownloadRequest("org/other"))).job_id
    await first.until(running, lambda info: info.bytes_done > 20_000)
    await first.queue.pause(paused)
    await first.queue.close()
    second = await open_yard()
    assert (await second.ended(running)).state == "done"
    assert second.queue.get(paused).state == "paused"


async def test_cancelling_deletes_what_had_arrived(yard: Yard, hub: HubServer) -> None:
    hub.add("org/model", model_files())
    yard.set(download_limit_kb_s=50)
    job = (await yard.queue.add(DownloadRequest("org/model"))).job_id
    await yard.until(job, lambda info: info.bytes_done > 10_000)
    cancelled = await yard.queue.cancel(job)
    assert (cancelled.state, cancelled.finished_at is not None) == ("cancelled", True)
    assert yard.leftovers() == []
    yard.set(download_limit_kb_s=0)
    await yard.queue.retry(job)
    assert (await yard.ended(job)).state == "done"


async def test_one_with_a_higher_priority_goes_first(yard: Yard, hub: HubServer) -> None:
    for seed in range(4):
        hub.add(f"org/model-{seed}", model_files(seed=seed))
    yard.set(download_limit_kb_s=400)
    jobs = [(await yard.queue.add(DownloadRequest(f"org/model-{seed}", priority=seed))).job_id for seed in range(4)]
    for job in jobs:
        await yard.ended(job)
    begun = [seen.path for seen in hub.requests("main") if "revision" in seen.path]
    assert begun[2].split("/")[4] == "model-3"


async def test_the_same_again_is_the_one_there_is(yard: Yard, hub: HubServer) -> None:
    hub.add("org/model", model_files())
    one, other = [await yard.queue.add(DownloadRequest("org/model")) for _ in range(2)]
    assert one.job_id == other.job_id
    await yard.ended(one.job_id)


async def test_two_installations_that_fetch_the_same_file_fetch_it_once(open_yard: OpenYard, hub: HubServer) -> None:
    repo = hub.add("org/model", model_files())
    hub.rate = 400_000
    one, other = await open_yard("one"), await open_yard("other")
    found = await asyncio.gather(one.fetch(), other.fetch())
    assert [info.state for info in found] == ["done", "done"]
    assert hub.served[WEIGHTS] == repo.files[WEIGHTS].size


async def test_files_that_another_model_has_are_not_fetched(yard: Yard, hub: HubServer) -> None:
    hub.add("org/model", model_files())
    await yard.fetch()
    served = hub.served[WEIGHTS]
    hub.add("org/same-weights", model_files() | {"README.md": b"# Another\n"})
    info = await yard.fetch("org/same-weights")
    assert info.state == "done"
    assert hub.served[WEIGHTS] == served
    assert sum(file.reused for file in info.files) >= served


async def test_a_whole_snapshot_of_the_hub_s_cache_is_used_in_place(
    yard: Yard, hub: HubServer, hub_cache: Path
) -> None:
    repo = hub.add("org/model", model_files())
    snapshot = hub_cache / "models--org--model" / "snapshots" / repo.commit
    for path, blob in repo.files.items():
        snapshot.mkdir(parents=True, exist_ok=True)
        (snapshot / path).write_bytes(blob.part(0, blob.size))
    info = await yard.fetch()
    assert info.state == "done"
    assert yard.store.get("org/model").path == snapshot
    assert sum(hub.served.values()) == 0
    assert not yard.manifests.is_ours(snapshot)


async def test_of_a_partial_or_damaged_cache_only_what_is_sound_is_used(
    yard: Yard, hub: HubServer, hub_cache: Path
) -> None:
    repo = hub.add("org/model", model_files())
    snapshot = hub_cache / "models--org--model" / "snapshots" / repo.commit
    snapshot.mkdir(parents=True)
    (snapshot / WEIGHTS).write_bytes(repo.files[WEIGHTS].part(0, repo.files[WEIGHTS].size))
    (snapshot / "config.json").write_bytes(b"{}")
    info = await yard.fetch()
    assert info.state == "done"
    assert hub.served[WEIGHTS] == 0
    assert hub.served["config.json"] == repo.files["config.json"].size


async def test_of_a_gguf_repository_one_variant_comes(yard: Yard, hub: HubServer) -> None:
    content = gguf_model("llama-chat").read_bytes()
    hub.add("org/model-GGUF", {"m-Q4_0.gguf": content, "m-Q8_0.gguf": b"x" * 1000, "README.md": b"# It\n"})
    info = await yard.fetch("org/model-GGUF")
    assert (info.state, info.variant, hub.served["m-Q8_0.gguf"]) == ("done", "Q4_0", 0)
    path = yard.store.resolve("org/model-GGUF").path
    assert path.name == "m-Q4_0.gguf"
    assert owning_folder(yard.models_dir, path) == path.parent


async def test_gated_models_say_what_to_do(yard: Yard, hub: HubServer) -> None:
    repo = hub.add("org/model", model_files(), gated="auto")
    info = await yard.fetch()
    assert info.error is not None
    assert (info.error.code, info.error.details["url"]) == ("gated", f"{hub.url}/org/model")
    assert "hub login" in info.message
    hub.tokens["hf_mine"] = "me"
    repo.accepted.add("hf_mine")
    yard.connection.tokens.set("hf_mine")
    await yard.queue.retry(info.job_id)
    assert (await yard.ended(info.job_id)).state == "done"


@pytest.mark.parametrize("evil", ["../../evil.json", "..\\evil.json", "C:evil.json"], ids=["up", "backslash", "drive"])
async def test_names_that_lead_out_of_the_folder_are_refused_in_words_and_nothing_is_fetched(
    yard: Yard, hub: HubServer, evil: str
) -> None:
    hub.add("org/model", model_files() | {evil: b"{}"})
    info = await yard.fetch(files=[WEIGHTS, evil])
    assert info.error is not None
    assert (info.state, info.error.code) == ("failed", "unsafe_files")
    assert f"the file name {evil!r} is refused: it" in info.message
    assert sum(hub.served.values()) == 0
    assert (await yard.fetch()).state == "done"  # without that file
    assert hub.served[evil] == 0


async def test_a_disk_without_room_is_told_with_the_numbers_before_anything_is_fetched(
    yard: Yard, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("org/model", model_files())
    monkeypatch.setattr("sidecar.hardware.free_disk", lambda folder: 100_000)
    info = await yard.fetch()
    assert info.error is not None
    assert (info.error.code, info.error.details["free_mb"]) == ("disk_full", 0)
    assert sum(hub.served.values()) == 0


async def test_a_file_beyond_two_gigabytes_goes_on_near_its_end_and_is_verified_as_a_whole(
    yard: Yard, hub: HubServer
) -> None:
    weights = Blob.of_zeros_with_a_header()
    hub.add("org/model", model_files() | {WEIGHTS: weights})
    here = yard.models_dir / ".partial" / f"{weights.sha256}.part"
    here.parent.mkdir(parents=True)
    with here.open("wb") as part:
        part.write(weights.head)
        part.truncate(weights.size - 1000)
    info = await yard.fetch()
    assert (info.state, info.bytes_done > 2 << 30) == ("done", True)
    assert hub.served[WEIGHTS] == 1000
    assert yard.store.resolve("org/model").path.joinpath(WEIGHTS).stat().st_size == weights.size


async def test_a_newer_commit_does_not_mix_with_what_was_begun(open_yard: OpenYard, hub: HubServer) -> None:
    repo = hub.add("org/model", model_files())
    first = await open_yard(download_limit_kb_s=50)
    job = (await first.queue.add(DownloadRequest("org/model"))).job_id
    await first.until(job, lambda info: info.commit is not None and info.bytes_done > 10_000)
    await first.queue.pause(job)
    assert first.queue.get(job).commit == repo.commit
    first.set(download_limit_kb_s=0)
    await first.queue.resume(job)
    assert (await first.ended(job)).commit == repo.commit
    asked = [seen.path.rpartition("/")[2] for seen in hub.seen if "/revision/" in seen.path]
    assert asked == ["main", repo.commit]


async def test_progress_is_told_as_events(yard: Yard, hub: HubServer) -> None:
    hub.add("org/model", model_files())
    with yard.events.subscribe() as events:
        await yard.fetch()
        yard.events.close()
        states = [event.download.state async for event in events if event.download]
    assert states[0] == "queued"
    assert states[-1] == "done"


async def test_what_is_over_cannot_be_paused_and_can_be_forgotten(yard: Yard, hub: HubServer) -> None:
    hub.add("org/model", model_files())
    job = (await yard.fetch()).job_id
    with pytest.raises(Conflict):
        await yard.queue.pause(job)
    await yard.queue.forget(job)
    with pytest.raises(DownloadNotFound):
        yard.queue.get(job)
