"""A disk that fills up under the whole service: what the user reads, that it goes on answering, that it goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar import errors
from sidecar.types import DownloadRequest, ExportRequest, FromUrlRequest, ImportRequest
from tests.helpers.disks import MAY_MOUNT, fill, small_disk
from tests.helpers.hub import Blob, HubServer, model_files
from tests.helpers.sabotage import fill_at
from tests.helpers.service import download_ended, job_ended, running_service
from tests.sidecar.downloads.test_crashes import ON_ITS_WAY, WEIGHTS, begun


def beside(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if file.is_file()]


def everything(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


if MAY_MOUNT:

    @pytest.fixture
    def disk(tmp_path: Path) -> Iterator[Path]:
        """A disk with the whole data folder on it: the database and the log too."""
        with small_disk(tmp_path / "disk", "90m") as folder:
            yield folder

    async def test_a_download_says_so_is_refused_while_it_is_full_and_then_goes_on_where_it_was(
        hub: HubServer, disk: Path
    ) -> None:
        repo = hub.add("org/model", model_files(2_000_000))
        hub.add("org/other", model_files(seed=1))
        hub.rate = 1_000_000
        filler = disk / "filler"
        with running_service(disk / "data", hub_endpoint=hub.url) as service:
            async with service.client() as client:
                job = (await client.download(DownloadRequest("org/model"))).job_id
                await begun(client, job, 500_000)
                fill(filler)
                info = await download_ended(client, job)
                assert info.error is not None
                assert (info.state, info.error.code) == ("failed", "disk_full")
                assert "What has arrived is kept: free some space and try again." in info.message
                with pytest.raises(errors.ModelNotFound):
                    await client.load("org/model")
                with pytest.raises(errors.DiskFull, match="Free some space") as refused:
                    await client.download(DownloadRequest("org/other"))
                assert refused.value.status == 507
                assert [one.job_id for one in await client.downloads()] == [job]
                filler.unlink()
                await client.retry_download(job)
                assert (await download_ended(client, job)).state == "done"
                assert (await client.verify("org/model")).damaged == []
        assert hub.served[WEIGHTS] <= repo.files[WEIGHTS].size + ON_ITS_WAY

    async def test_a_download_that_does_not_fit_is_told_with_the_numbers_before_a_byte_of_it_comes(
        hub: HubServer, disk: Path
    ) -> None:
        hub.add("org/large", model_files(40_000_000))
        hub.add("org/far", {"far.gguf": Blob.zeros()})
        with running_service(disk / "data", hub_endpoint=hub.url) as service:
            async with service.client() as client:
                info = await download_ended(client, (await client.download(DownloadRequest("org/large"))).job_id)
                assert info.error is not None
                assert info.error.details["needed_mb"] > info.error.details["free_mb"] > 0
                assert "or choose another folder with the setting models_dir" in info.message
                with pytest.raises(errors.DiskFull) as refused:
                    await client.pull_url(FromUrlRequest(f"{hub.store_url}/blobs/org/far/far.gguf"))
                assert refused.value.status == 507
        assert hub.served == {"far.gguf": 1}  # of the other one the list of files tells the size

    async def test_an_import_and_an_export_say_so_leave_nothing_and_succeed_once_there_is_room(
        disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source, filler, models = tmp_path / "source", disk / "filler", disk / "data" / "models"
        source.mkdir()
        for name, content in model_files(3_000_000).items():
            (source / name).write_bytes(content)
        request = ImportRequest(str(source), name="mine")
        fill_at("/model/model.safetensors", filler, tmp_path, monkeypatch)
        with running_service(disk / "data") as service:
            async with service.client() as client:
                failed = await job_ended(client, (await client.import_models(request)).job_id)
                assert failed.error is not None
                assert (failed.error.code, "free some space and try again" in failed.message) == ("disk_full", True)
                assert everything(models) == []
                with pytest.raises(errors.DiskFull, match="MB are free") as refused:
                    await client.import_models(request)
                assert refused.value.status == 507
                filler.unlink()
                assert (await job_ended(client, (await client.import_models(request)).job_id)).models == ["mine"]
                fill(filler)
                with pytest.raises(errors.DiskFull, match="MB are free"):
                    await client.export("mine", ExportRequest(str(disk)))
                filler.unlink()
                assert (
                    await job_ended(client, (await client.export("mine", ExportRequest(str(disk)))).job_id)
                ).error is None
                assert beside(disk) == ["mine.inglenook"]
                assert (await client.verify("mine")).damaged == []
