"""What the hub tells: repositories with their hashes, searches, who may fetch what."""

from __future__ import annotations

import pytest

from sidecar.errors import HubRefused, InvalidRequest, RepositoryNotFound
from sidecar.hub.connection import HubConnection
from sidecar.hub.listing import Listing
from tests.helpers.hub import Fault, HubServer, model_files


def test_a_repository_is_told_with_the_hash_of_every_file(hub: HubServer, listing: Listing) -> None:
    repo = hub.add("org/model", model_files(), info={"pipeline_tag": "text-classification"})
    found = listing.repository("org/model")
    assert (found.commit, found.task, found.licence) == (repo.commit, "text-classification", "apache-2.0")
    weights, config = found.file("model.safetensors"), found.file("config.json")
    assert weights is not None
    assert config is not None
    assert weights.sha256 == repo.files["model.safetensors"].sha256
    assert config.git_id == repo.files["config.json"].git_id


@pytest.mark.parametrize("name", ["org/none", "nowhere/at-all"])
def test_what_is_not_there_is_told(hub: HubServer, listing: Listing, name: str) -> None:
    with pytest.raises(RepositoryNotFound, match=name):
        listing.repository(name)


def test_a_refusal_without_a_reason_is_that_of_what_is_not_there(hub: HubServer, listing: Listing) -> None:
    hub.fail("api", Fault("status", status=401))
    with pytest.raises(RepositoryNotFound, match=r"no org/none at main.*Check the name"):
        listing.repository("org/none")


@pytest.mark.parametrize("name", ["", "a/b/c", "https://hub.example/org/model", "org/../x", "org/mo del"])
def test_what_cannot_be_a_repository_s_name_is_refused_unasked(hub: HubServer, listing: Listing, name: str) -> None:
    with pytest.raises(InvalidRequest):
        listing.repository(name)
    assert hub.seen == []


def test_a_search_finds_by_words_and_task(hub: HubServer, listing: Listing) -> None:
    hub.add("org/small-chat", {}, info={"pipeline_tag": "text-generation"})
    hub.add("org/small-embedder", {}, info={"pipeline_tag": "feature-extraction"})
    assert [one.id for one in listing.search("small", task="text-generation")] == ["org/small-chat"]
    assert len(listing.search("small")) == 2


def test_gated_models_say_what_is_missing(hub: HubServer, listing: Listing, connection: HubConnection) -> None:
    repo = hub.add("org/gated", model_files(), gated="auto")
    hub.tokens["hf_mine"] = "me"
    found = listing.repository("org/gated")
    assert listing.access(found) == "needs_token"
    connection.tokens.set("hf_mine")
    assert listing.access(found) == "needs_acceptance"
    repo.accepted.add("hf_mine")
    assert listing.access(found) == "open"
    assert listing.user() == "me"


def test_a_refusal_says_why(hub: HubServer, listing: Listing) -> None:
    hub.fail("api", Fault("status", status=503))
    with pytest.raises(HubRefused, match="Try again later"):
        listing.repository("org/model")


def test_the_library_asks_nothing_of_its_own(hub: HubServer, listing: Listing) -> None:
    hub.add("org/model", model_files())
    listing.repository("org/model")
    assert [seen.path for seen in hub.seen] == ["/api/models/org/model/revision/main"]
