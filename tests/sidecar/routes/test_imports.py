"""Imports, exports and addresses over HTTP, on the real service: the models load and answer afterwards."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar import errors
from sidecar.client import Client
from sidecar.types import (
    ExportRequest,
    FromUrlRequest,
    GenerateRequest,
    GenerateResponse,
    ImportRequest,
    JobInfo,
    ModelInfo,
    UpdateRequest,
)
from tests.helpers.gguf_models import gguf_model, write_adapter
from tests.helpers.hub import Fault, HubServer, hub_server, model_files
from tests.helpers.models import tiny
from tests.helpers.service import RunningService, download_ended, job_ended, running_service
from tests.helpers.stores import hub_cache_model, lm_studio_model, ollama_model

ANSWERING = GenerateRequest(prompt="the quick", max_new_tokens=4, temperature=0)


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with hub_server() as server:
        yield server


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder, with the stores of other programs."""
    folder = tmp_path_factory.mktemp("home")
    parts = {"params": b'{"temperature": 0.25, "stop": ["x"]}', "system": b"Be kind.", "license": b"MIT"}
    store = folder / ".ollama" / "models"
    ollama_model(store, "registry.ollama.ai/library/tiny/1b", gguf_model("llama-chat"), **parts)
    write_adapter(folder / "adapter.gguf")
    adapter = (folder / "adapter.gguf").read_bytes()
    ollama_model(store, "registry.ollama.ai/library/tuned/latest", gguf_model("llama-chat"), adapter=adapter)
    ollama_model(store, "registry.ollama.ai/library/broken/latest", b"GGUF, but not really")
    lm_studio_model(folder / ".lmstudio" / "models", "me/Base-GGUF", gguf_model("llama-base"))
    hub_cache_model(folder / ".cache" / "huggingface" / "hub", "org/bert", tiny("bert-single"))
    return folder


@pytest.fixture(scope="module")
def service(hub: HubServer, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "OLLAMA_MODELS"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(home))
        with running_service(tmp_path_factory.mktemp("imports"), hub_endpoint=hub.url) as service:
            yield service


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Another machine's service, without a network."""
    with running_service(tmp_path_factory.mktemp("elsewhere")) as service:
        yield service


async def imported(client: Client, path: Path, **fields: object) -> JobInfo:
    job = await job_ended(client, (await client.import_models(ImportRequest(str(path), **fields))).job_id)
    assert job.error is None, job.message
    return job


async def answer(client: Client, model: str) -> str:
    answered = await client.generate(model, ANSWERING)
    assert isinstance(answered, GenerateResponse)
    return answered.generated_text


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def weights(model: ModelInfo) -> bytes:
    return (Path(model.model_path) / "model.safetensors").read_bytes()


async def test_what_other_programs_keep_is_found_with_its_task_or_its_problem(client: Client) -> None:
    found = {one.name: one for one in await client.found_imports()}
    assert set(found) >= {"tiny:1b", "broken", "me/Base-GGUF", "org/bert"}
    assert (found["tiny:1b"].source, found["tiny:1b"].model_type) == ("ollama", "text_generation")
    assert "not a sound GGUF file" in str(found["broken"].problem)
    assert (found["me/Base-GGUF"].source, found["me/Base-GGUF"].problem) == ("lm_studio", None)
    assert (found["org/bert"].source, found["org/bert"].model_type) == ("hugging_face", "classification")


async def test_a_model_of_ollama_is_copied_and_answers_with_its_parameters(client: Client, home: Path) -> None:
    store = home / ".ollama" / "models"
    before = contents(store)
    one = next(one for one in await client.found_imports() if one.name == "tiny:1b")
    job = await imported(client, Path(one.path))
    assert (job.models, job.bytes_total) == (["tiny-1b"], one.bytes)
    assert any("system prompt" in text for text in job.warnings)
    assert any("stop" in text for text in job.warnings)
    model = await client.model("tiny-1b")
    assert (model.origin, model.temperature) == ("imported", 0.25)
    assert len(await answer(client, "tiny-1b")) > 0
    assert (await client.verify("tiny-1b")).damaged == []
    again = next(one for one in await client.found_imports() if one.name == "tiny:1b")
    assert again.model_id == "tiny-1b"
    await client.remove("tiny-1b")
    assert contents(store) == before


async def test_a_folder_is_imported_and_the_same_content_is_not_copied_twice(client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "sorter"
    shutil.copytree(tiny("bert-single"), folder)
    job = await imported(client, folder)
    first = await client.model(job.models[0])
    assert first.model_type == "classification"
    (folder / "README.md").write_text("# Another\n", "utf-8")
    second = await client.model((await imported(client, folder, name="other")).models[0])
    assert second.model_path != first.model_path
    weights = [Path(model.model_path) / "model.safetensors" for model in (first, second)]
    assert weights[0].samefile(weights[1])
    assert not weights[0].samefile(folder / "model.safetensors")
    assert (await imported(client, folder)).models == ["other"]
    third = await client.model((await imported(client, folder, name="third")).models[0])
    assert (third.id, third.model_path) == ("third", second.model_path)


async def test_what_is_damaged_is_healed_by_importing_it_again(client: Client, tmp_path: Path) -> None:
    for name, content in model_files(seed=7).items():
        (tmp_path / name).write_bytes(content)
    name = (await imported(client, tmp_path, name="healed")).models[0]
    before = weights(await client.model(name))
    file = Path((await client.model(name)).model_path) / "model.safetensors"
    overwrite(file, b"other bytes")
    answered = await client.verify(name)
    assert (answered.damaged, "import it again from there" in answered.message) == (["model.safetensors"], True)
    with pytest.raises(errors.LoadFailed):
        await client.load(name)
    assert (await imported(client, tmp_path)).models == [name]
    assert (weights(await client.model(name)), (await client.verify(name)).damaged) == (before, [])


def overwrite(file: Path, content: bytes) -> None:
    file.write_bytes(content)


async def test_a_model_of_lm_studio_is_used_where_it_is_until_it_vanishes(client: Client, home: Path) -> None:
    file = home / ".lmstudio" / "models" / "me" / "Base-GGUF" / "llama-base.gguf"
    before = contents(file.parent)
    job = await imported(client, file, in_place=True, name="theirs")
    model = await client.model("theirs")
    assert (job.models, model.origin, model.model_path) == (["theirs"], "in_place", str(file))
    said = await answer(client, "theirs")
    assert contents(file.parent) == before
    await client.unload("theirs")
    file.rename(file.with_suffix(".away"))
    with pytest.raises(errors.LoadFailed, match="its file is gone"):
        await client.generate("theirs", ANSWERING)
    assert "its file is gone" in (await client.model("theirs")).description
    file.with_suffix(".away").rename(file)
    assert await answer(client, "theirs") == said
    await client.unload("theirs")
    with file.open("r+b") as stream:
        stream.seek(-8, 2)
        stream.write(b"changed!")
    with pytest.raises(errors.LoadFailed, match="has changed since"):
        await client.load("theirs")
    await client.remove("theirs")
    assert file.exists()


async def test_a_blob_of_ollama_and_a_snapshot_of_the_hub_s_cache_are_used_where_they_are(
    client: Client, home: Path
) -> None:
    found = {one.name: one for one in await client.found_imports()}
    await imported(client, Path(found["tiny:1b"].path), in_place=True, name="blob")
    await imported(client, Path(found["tuned"].path), in_place=True, name="with-adapter")
    assert await answer(client, "blob") != await answer(client, "with-adapter")
    await imported(client, Path(found["org/bert"].path), in_place=True)
    model = await client.model("org/bert")
    assert (model.origin, Path(model.model_path).parent.name) == ("hub_cache", "snapshots")
    assert (await client.verify("org/bert")).missing == []
    for name in ("blob", "with-adapter", "org/bert"):
        await client.remove(name)
    assert "model.safetensors" in contents(Path(found["org/bert"].path))


async def test_a_store_with_several_models_asks_which(client: Client, home: Path) -> None:
    with pytest.raises(errors.InvalidRequest, match="holds 3 models; name those"):
        await client.import_models(ImportRequest(str(home / ".ollama")))
    job = await imported(client, home / ".ollama", models=["*"])
    assert job.models == ["tiny-1b", "tuned"]
    for name in job.models:
        await client.remove(name)


async def test_pickled_weights_are_converted_with_permission(client: Client, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = tmp_path / "old"
    shutil.copytree(tiny("bert-single"), folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert (await client.found_imports(str(folder)))[0].permission == "pickle"
    with pytest.raises(errors.UnsafeFiles, match="permission"):
        await client.import_models(ImportRequest(str(folder)))
    job = await imported(client, folder, allow=["pickle"])
    there = contents(Path((await client.model(job.models[0])).model_path))
    assert "model.safetensors" in there
    assert not [name for name in there if name.startswith("pytorch_model")]


@pytest.mark.parametrize("kind", ["gguf", "folder", "starter"])
async def test_a_bundle_carries_a_model_to_another_machine(
    client: Client, tmp_path: Path, elsewhere: RunningService, kind: str
) -> None:
    if kind == "starter":
        name = next(
            model.id for model in await client.models() if model.builtin and model.model_type == "text_generation"
        )
    else:
        source = {"gguf": gguf_model("qwen2"), "folder": tiny("llama-base")}[kind]
        name = (await imported(client, source, name=f"carried-{kind}")).models[0]
    await client.update(name, UpdateRequest(temperature=0.5))
    job = await job_ended(client, (await client.export(name, ExportRequest(str(tmp_path)))).job_id)
    assert job.error is None, job.message
    bundle = tmp_path / f"{name}.inglenook"
    assert job.path == str(bundle)
    assert bundle.stat().st_size > (job.bytes_total or 0) > 0
    async with elsewhere.client() as there:
        arrived = (await imported(there, bundle, name=f"arrived-{kind}")).models[0]
        model = await there.model(arrived)
        assert (model.origin, model.temperature) == ("imported", 0.5)
        if kind == "gguf":
            assert await answer(there, arrived) == await answer(client, name)
        else:
            assert weights(model) == weights(await client.model(name))
        if kind == "starter":  # the other folder takes as long to load, and shows no more
            assert len(await answer(there, arrived)) > 0
        assert (await there.verify(arrived)).damaged == []
    await client.update(name, UpdateRequest(temperature=None))


async def test_a_bundle_is_not_written_over_another_file(client: Client, tmp_path: Path) -> None:
    (tmp_path / "mine.inglenook").write_text("mine", "utf-8")
    name = (await client.models())[0].id
    with pytest.raises(errors.Conflict, match="is there already"):
        await client.export(name, ExportRequest(str(tmp_path / "mine.inglenook")))


async def test_a_file_from_an_address_goes_on_where_it_broke_and_is_checked(client: Client, hub: HubServer) -> None:
    content = gguf_model("qwen2-q8").read_bytes()
    hub.add("org/far", {"far.gguf": content})
    hub.fail("far.gguf", Fault("cut", after=20), Fault("cut", after=5_000))
    url, digest = f"{hub.store_url}/blobs/org/far/far.gguf", hashlib.sha256(content).hexdigest()
    started = await client.pull_url(FromUrlRequest(url, sha256=digest))
    job = await job_ended(client, started.job_id)
    assert (started.kind, job.error, job.models) == ("job", None, ["far"])
    assert hub.served["far.gguf"] <= len(content) + 5_020
    assert any(seen.range == "bytes=5000-" for seen in hub.requests("far.gguf"))
    assert all(seen.authorization is None for seen in hub.requests("far.gguf") if seen.server == "store")
    assert len(await answer(client, "far")) > 0
    assert any(one.reason.startswith("far.gguf") for one in await client.connections())


async def test_a_file_that_is_not_what_it_should_be_is_not_kept(
    client: Client, hub: HubServer, service: RunningService
) -> None:
    hub.add("org/wrong", {"wrong.gguf": gguf_model("qwen2").read_bytes(), "noise.gguf": b"GGUF" + bytes(1000)})
    for name, sha256, reason in (("wrong.gguf", "0" * 64, "SHA-256"), ("noise.gguf", None, "not a sound GGUF")):
        request = FromUrlRequest(f"{hub.store_url}/blobs/org/wrong/{name}", sha256=sha256)
        job = await job_ended(client, (await client.pull_url(request)).job_id)
        assert (job.state, reason in job.message) == ("failed", True)
        assert name.partition(".")[0] not in {model.id for model in await client.models()}
    assert contents(service.paths.models_dir / ".importing") == {}


async def test_an_address_on_the_hub_becomes_a_download(client: Client, hub: HubServer) -> None:
    hub.add("org/model-GGUF", {"m-Q4_0.gguf": gguf_model("qwen2").read_bytes(), "m-Q8_0.gguf": b"x" * 99})
    started = await client.pull_url(FromUrlRequest(f"{hub.url}/org/model-GGUF/blob/main/m-Q4_0.gguf"))
    assert started.kind == "download"
    info = await download_ended(client, started.job_id)
    assert (info.state, [file.path for file in info.files]) == ("done", ["m-Q4_0.gguf"])


@pytest.mark.parametrize("folder", [{}, {"config.json": b"{}"}], ids=["empty", "no-model"])
async def test_what_is_no_model_is_told_as_such(client: Client, tmp_path: Path, folder: dict[str, bytes]) -> None:
    for name, content in folder.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(errors.InvalidRequest, match="neither a model's folder"):
        await client.import_models(ImportRequest(str(tmp_path)))


async def test_a_model_that_no_engine_can_use_leaves_nothing(
    client: Client, tmp_path: Path, service: RunningService
) -> None:
    for name, content in model_files(architectures=["StrangeForNothing"]).items():
        (tmp_path / name).write_bytes(content)
    before = sorted(path.name for path in (service.paths.models_dir / "_imported").glob("*"))
    job = await job_ended(client, (await client.import_models(ImportRequest(str(tmp_path)))).job_id)
    assert job.error is not None
    assert "StrangeForNothing" in job.message
    assert sorted(path.name for path in (service.paths.models_dir / "_imported").glob("*")) == before
    assert contents(service.paths.models_dir / ".importing") == {}
