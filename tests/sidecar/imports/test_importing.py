"""Importing without a service: what is found where, what is refused, a disk that fills up, a service that is killed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.client import Client
from sidecar.errors import DiskFull, EnvironmentFault, IntegrityFailed, InvalidRequest
from sidecar.hub.stopping import Stopped
from sidecar.imports import recognising, staging
from sidecar.imports.importing import Importer
from sidecar.imports.progress import Progress
from sidecar.imports.source import Source, SourceFile, model_id
from sidecar.registry.manifest import IMPORTING, Manifests
from sidecar.types import ExportRequest, ImportRequest
from tests.helpers.disks import MAY_MOUNT, small_disk
from tests.helpers.gguf_models import gguf_model, write_decoder
from tests.helpers.hub import model_files
from tests.helpers.models import tiny
from tests.helpers.sabotage import kill_at
from tests.helpers.service import running_service
from tests.helpers.stores import hub_cache_model, lm_studio_model, ollama_model

NOWHERE = {"HF_HUB_CACHE": "/nonexistent"}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama3.2:1b", "llama3.2-1b"),
        ("hf.co/org/name:Q4", "org/name-Q4"),
        (" ..\\a b ", "a-b"),
        ("日本", "model"),
        ("-x", "x"),
    ],
)
def test_any_name_becomes_one_that_a_model_may_have(name: str, expected: str) -> None:
    assert model_id(name) == expected


def test_the_stores_are_found_where_their_programs_keep_them(tmp_path: Path) -> None:
    ollama_model(tmp_path / "elsewhere", "registry.ollama.ai/library/m/latest", gguf_model("qwen2"))
    moved = tmp_path / "moved"
    lm_studio_model(moved / "models", "me/one", gguf_model("llama-base"), gguf_model("qwen2"))
    (tmp_path / ".lmstudio-home-pointer").write_text(str(moved), "utf-8")
    hub_cache_model(tmp_path / "cache", "org/bert", tiny("bert-single"))
    environment = {"OLLAMA_MODELS": str(tmp_path / "elsewhere"), "HF_HUB_CACHE": str(tmp_path / "cache")}
    found = recognising.found_on_machine(environment, tmp_path)
    assert [(one.kind, one.name, one.problem) for one in found] == [
        ("ollama", "m", None),
        ("lm_studio", "me/llama-base", None),
        ("lm_studio", "me/qwen2", None),
        ("hugging_face", "org/bert", None),
    ]
    assert [one.path for one in (*recognising.sources(found[1].path), *recognising.sources(found[3].path))] == [
        found[1].path,
        found[3].path,
    ]


def test_what_no_engine_here_reads_is_listed_with_the_reason(tmp_path: Path) -> None:
    store = tmp_path / ".lmstudio" / "models"
    write(store / "me" / "mlx", model_files(quantization={"bits": 4, "group_size": 64}))
    write(store / "me" / "strange", model_files(architectures=["StrangeForNothing"]))
    found = {one.name: one.problem for one in recognising.found_on_machine(NOWHERE, tmp_path)}
    assert "MLX" in str(found["me/mlx"])
    assert "StrangeForNothing" in str(found["me/strange"])


def test_a_folder_with_several_gguf_models_is_several(tmp_path: Path) -> None:
    lm_studio_model(tmp_path, "both", gguf_model("llama-base"), gguf_model("qwen2"))
    assert [one.name for one in recognising.sources(tmp_path / "both")] == ["llama-base", "qwen2"]
    with pytest.raises(InvalidRequest, match="holds 2 models"):
        recognising.chosen(tmp_path / "both", None)
    assert [one.name for one in recognising.chosen(tmp_path / "both", ["qwen2"])] == ["qwen2"]


def test_a_projector_and_papers_beside_a_file_come_with_it(tmp_path: Path) -> None:
    content = gguf_model("qwen2").read_bytes()
    write(tmp_path, {"m-Q8_0.gguf": content, "mmproj-m.gguf": content, "LICENSE": b"MIT", "notes.doc": b"x"})
    (found,) = recognising.sources(tmp_path / "m-Q8_0.gguf")
    assert [file.path for file in found.files] == ["m-Q8_0.gguf", "mmproj-m.gguf", "LICENSE"]


def test_shards_are_one_model_and_none_may_be_missing(tmp_path: Path) -> None:
    write_decoder(tiny("qwen2"), tmp_path / "m.gguf", split=12)
    shards = sorted(file.name for file in tmp_path.glob("*.gguf"))
    assert len(shards) > 1
    (found,) = recognising.sources(tmp_path)
    assert (found.name, [file.path for file in found.files]) == ("m", shards)
    assert recognising.sources(tmp_path / shards[1])[0].files == found.files
    (tmp_path / shards[1]).unlink()
    assert "shards are missing" in str(recognising.sources(tmp_path / shards[0])[0].problem)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "model", model_files())
    (tmp_path / "secret").write_text("secret", "utf-8")
    (folder / "README.md").unlink()
    (folder / "README.md").symlink_to(tmp_path / "secret")
    (found,) = recognising.sources(folder)
    assert "leads out of" in str(found.problem)


def test_a_blob_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    manifest = ollama_model(tmp_path / "store", "registry.ollama.ai/library/m/latest", gguf_model("qwen2"))
    (found,) = recognising.sources(manifest)
    blob = found.files[0].place
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    importer = Importer(Manifests(tmp_path / "models"))
    (tmp_path / "out").mkdir()
    with pytest.raises(IntegrityFailed, match="as where it comes from says"):
        importer.bring(found, tmp_path / "out", Progress())
    with pytest.raises(IntegrityFailed, match="as where it comes from says"):
        importer.take_note(found, Progress())


def test_a_file_that_is_shorter_than_it_was_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "m.gguf").write_bytes(b"short")
    source = Source("gguf", "m", tmp_path / "m.gguf", (SourceFile("m.gguf", tmp_path / "m.gguf", 500),), entry="m.gguf")
    with pytest.raises(EnvironmentFault, match="was changed while it was copied"):
        Importer(Manifests(tmp_path / "models")).bring(source, tmp_path / "out", Progress())


def test_a_copy_ends_when_it_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    progress = Progress()
    progress.stop.set()
    (source,) = recognising.sources(gguf_model("qwen2"))
    with pytest.raises(Stopped):
        Importer(Manifests(tmp_path / "models")).bring(source, tmp_path / "out", progress)


def test_what_another_service_works_on_is_not_swept_away(tmp_path: Path) -> None:
    mine, left = staging.Staging(tmp_path), staging.Staging(tmp_path)
    for one in (mine, left):
        one.open()
        (one.place / "file").write_bytes(b"x")
    left._lock.release()  # as when its process was killed
    staging.sweep(tmp_path)
    assert (mine.place.exists(), left.place.exists()) == (True, False)
    mine.close()
    assert list((tmp_path / IMPORTING).iterdir()) == []


async def test_an_import_that_is_cancelled_and_a_service_that_is_killed_in_the_middle_leave_nothing(
    tmp_path: Path,
) -> None:
    folder = write(tmp_path / "model", model_files())
    size = 1 << 30
    header = b'{"weight":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (size, size)
    with (folder / "model.safetensors").open("wb") as stream:
        stream.write(len(header).to_bytes(8, "little") + header)
        stream.truncate(8 + len(header) + size)  # of zeros, which take no room
    models = tmp_path / "data" / "models"
    with running_service(tmp_path / "data") as killed:
        async with killed.client() as client:
            job = await begun(client, folder, models)
            assert (await client.cancel_job(job)).state == "cancelled"
            assert list(models.glob(".importing/*")) == []
            await begun(client, folder, models)
        killed.process.send_signal(signal.SIGKILL)
        killed.wait()
    assert list(models.glob(".importing/*/model/*"))
    with running_service(tmp_path / "data") as service:
        async with service.client() as client:
            assert all(model.builtin for model in await client.models())
    assert list(models.glob(".importing/*")) == []
    assert list(models.glob("_imported/*")) == []


async def begun(client: Client, folder: Path, models: Path) -> str:
    """The job of an import that is copying now."""
    job = (await client.import_models(ImportRequest(str(folder)))).job_id
    while not list(models.glob(".importing/*/model/model.safetensors")):  # noqa: ASYNC110, ASYNC240 - another process
        await asyncio.sleep(0.001)
    return job


async def test_of_an_export_that_was_killed_nothing_stays_beside_the_target_after_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at("os.rename|mine.inglenook|1", tmp_path, monkeypatch)
    with running_service(tmp_path / "data") as killed:
        async with killed.client() as client:
            await client.export("starter-sentiment", ExportRequest(str(tmp_path / "mine.inglenook")))
        assert killed.wait() == -signal.SIGKILL
    assert beside(tmp_path) == [".mine.inglenook.part"]
    monkeypatch.delenv("PYTHONPATH")
    with running_service(tmp_path / "data"):
        assert beside(tmp_path) == []


def beside(folder: Path) -> list[str]:
    return [place.name for place in folder.iterdir() if "inglenook" in place.name]


if MAY_MOUNT:

    @pytest.fixture
    def disk(tmp_path: Path) -> Iterator[Path]:
        with small_disk(tmp_path / "small", "2m") as folder:
            yield folder

    def test_a_disk_without_room_is_told_before_and_during_the_copy(tmp_path: Path, disk: Path) -> None:
        folder = write(tmp_path / "model", model_files(5_000_000))
        (source,) = recognising.sources(folder)
        importer = Importer(Manifests(disk / "models"))
        with pytest.raises(DiskFull) as told:
            importer.check([source], [], in_place=False)
        assert told.value.details["needed_mb"] > 60 > told.value.details["free_mb"]
        place = staging.Staging(disk / "models")
        place.open()
        with pytest.raises(DiskFull, match="free some space"):
            importer.bring(source, place.place, Progress())
        place.close()
        assert list((disk / "models" / IMPORTING).iterdir()) == []
