"""The storage over HTTP, on the shared service; what needs a service of its own is with the package's tests."""

from __future__ import annotations

import pytest

from sidecar import errors
from sidecar.client import Client
from sidecar.types import CleanRequest, RegisterRequest
from tests.helpers.models import echo_model
from tests.helpers.service import RunningService


@pytest.fixture
async def model(client: Client, service: RunningService) -> str:
    """One in the models folder."""
    folder = echo_model(service.paths.models_dir / "org--stored" / "c1")
    await client.register(RegisterRequest(name="org/stored", model_type="text_generation", model_path=str(folder)))
    return "org/stored"


async def test_a_model_goes_to_the_trash_and_comes_back(client: Client, service: RunningService, model: str) -> None:
    before = await client.storage()
    assert model in {stored.id for stored in before.models}
    assert before.total_bytes > before.free_bytes > 0
    removed = await client.remove(model)
    assert (removed.status, removed.model) == ("removed", model)
    entry = (await client.trash())[0]
    assert (entry.id, entry.bytes) == (removed.trash_id, removed.bytes)
    assert entry.expires_at is not None
    assert (await client.storage()).trash_bytes == entry.bytes
    assert (await client.restore(entry.id)).id == model
    assert (await client.load(model)).status == "loaded"
    again = await client.clean(CleanRequest(models=[model]))
    assert (await client.delete_trashed(again.removed[0].trash_id)).deleted == again.trashed_bytes > 0
    assert not (service.paths.models_dir / "org--stored").exists()


@pytest.mark.parametrize("trash_id", ["nope", "../../x", ".."])
async def test_what_is_not_in_the_trash_is_a_404(client: Client, trash_id: str) -> None:
    with pytest.raises(errors.TrashNotFound):
        await client.restore(trash_id)
    with pytest.raises(errors.TrashNotFound):
        await client.delete_trashed(trash_id)


@pytest.mark.parametrize("folder", ["relative", "/proc/nowhere", "a\0b"])
async def test_a_folder_that_cannot_be_one_is_refused(client: Client, folder: str) -> None:
    with pytest.raises(errors.InglenookError) as caught:
        await client.move_models(folder)
    assert caught.value.status in {400, 503}


async def test_a_request_that_names_nothing_cleans_nothing(client: Client) -> None:
    with pytest.raises(errors.InvalidRequest, match="name what to clean"):
        await client.clean(CleanRequest())
    assert (await client.clean(CleanRequest(partial=True, dry_run=True))).partial_bytes == 0
