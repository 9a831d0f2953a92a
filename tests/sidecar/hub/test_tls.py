"""A hub behind a certificate authority of one's own network, on the whole service: refused in words, trusted when it is named."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from sidecar.types import CatalogueQuery, DownloadRequest
from tests.helpers.hub import HubServer, hub_server, model_files
from tests.helpers.service import download_ended, running_service


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def private_hub(authority: trustme.CA) -> Iterator[HubServer]:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    with hub_server(tls) as server:
        yield server


async def test_an_unknown_authority_is_refused_in_words_until_the_setting_names_it(
    private_hub: HubServer, authority: trustme.CA, tmp_path: Path
) -> None:
    private_hub.add("org/model", model_files())
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with running_service(tmp_path / "data", hub_endpoint=private_hub.url) as service:
        async with service.client() as client:
            info = await download_ended(client, (await client.download(DownloadRequest("org/model"))).job_id)
            assert info.error is not None
            assert (info.state, info.error.code) == ("failed", "certificate_untrusted")
            assert "name the file with its certificate in the setting ca_bundle" in info.message
            assert "ca_bundle" in str((await client.catalogue(CatalogueQuery(query="anything"))).notice)
            assert private_hub.seen == []
            await client.change_settings({"ca_bundle": str(tmp_path / "authority.pem")})
            await client.retry_download(info.job_id)
            assert (await download_ended(client, info.job_id)).state == "done"
            assert (await client.verify("org/model")).damaged == []
