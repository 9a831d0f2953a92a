"""What the pictures of importing and exporting show. The models are made up, with the sizes of real ones."""

from __future__ import annotations

from app.importing.asking import Findings
from app.importing.dialog import ImportDialog
from app.model_drops import ModelDrops
from app.views.models.verification import Verdict
from app.views.models.view import ModelsView
from sidecar.types import Importable, JobInfo
from tests.screenshots.stage import Stage

GB = 10**9
OLLAMA = "/home/ada/.ollama/models/manifests/registry.ollama.ai/library"
CHAT = "text_generation"
FOUND = (
    Importable(
        "llama3.2:3b", f"{OLLAMA}/llama3.2/3b", "ollama", int(2.0 * GB), CHAT,
        notes=["Its system prompt is not taken over: give it with each conversation."],
    ),
    Importable("qwen3:8b", f"{OLLAMA}/qwen3/8b", "ollama", int(5.2 * GB), CHAT),
    Importable("nomic-embed-text", f"{OLLAMA}/nomic-embed-text/latest", "ollama", int(0.27 * GB), "embedding"),
    Importable(
        "lmstudio-community/gemma-3-4b-it-Q4_K_M", "/home/ada/.lmstudio/models/g.gguf", "lm_studio", int(2.5 * GB), CHAT,
        model_id="google/gemma-3-4b-it",
    ),
    Importable(
        "mlx-community/Phi-4-mini-4bit", "/home/ada/.lmstudio/models/p", "lm_studio", int(2.2 * GB),
        problem="its weights are rounded in the way of MLX, which no engine here reads: take it as GGUF",
    ),
    Importable(
        "cardiffnlp/twitter-roberta-base-sentiment", "/home/ada/.cache/huggingface/hub/s", "hugging_face", int(0.5 * GB),
        permission="pickle", in_place=False,
    ),
    Importable("BAAI/bge-small-en-v1.5", "/home/ada/.cache/huggingface/hub/b", "hugging_face", int(0.13 * GB), "embedding"),
)  # fmt: skip
DROPPED = "/home/ada/Downloads/Qwen3-1.7B-Q4_K_M.gguf"
FILE = Importable("Qwen3-1.7B-Q4_K_M", DROPPED, "gguf", int(1.1 * GB), CHAT)
DISK_FULL = (
    "This needs 5,010 MB on the disk of /home/ada/models, where 4,120 MB are free. Free some space and try again."
)


async def play(stage: Stage) -> None:
    """The dialog first, then what runs, then a model's files."""
    stage.show("models").use_model("starter-chat")
    await dialog(stage)
    await under_way(stage)
    await files(stage)


async def dialog(stage: Stage) -> None:
    stage.window.import_models()
    shown = stage.window.imports.dialog
    await stage.picture("import", "looking", before=lambda: shown.listing.show_busy())
    await told(stage, shown, ())
    await stage.picture("import", "empty")
    await told(stage, shown, FOUND)
    await stage.picture("import", "found")
    shown.found.tick([FOUND[0], FOUND[1], FOUND[5]], ticked=True)
    shown.trouble.setText(DISK_FULL)
    await stage.picture("import", "chosen", before=shown.trouble.show)
    shown.trouble.hide()
    shown.in_place.setChecked(True)
    await stage.picture("import", "in-place", before=lambda: shown.listing.table.selectRow(6))
    shown.in_place.setChecked(False)
    await told(stage, shown, (FILE,), DROPPED)
    await stage.picture("import", "dropped")
    why = "/home/ada/notes is neither a model's folder, a GGUF file, an exported bundle, nor a store of Ollama, LM Studio or the hub's library."
    await told(stage, shown, (), "/home/ada/notes", problem=why)
    await stage.picture("import", "error")
    shown.dismiss()
    drops: ModelDrops = stage.window.imports.drops
    await stage.picture(
        "import", "dragging", before=lambda: drops.veil.lift("Drop to import", "Qwen3-1.7B-Q4_K_M.gguf")
    )
    drops.veil.hide()


async def told(
    stage: Stage, shown: ImportDialog, found: tuple[Importable, ...], *paths: str, problem: str = ""
) -> None:
    """As if the service had found this."""
    shown._look(paths)
    shown.requests.stop_looking()
    await stage.until(lambda: shown.isVisible())
    shown._on_found(Findings(paths, found, tuple(filter(None, (problem,))), int(41.3 * GB)))


async def under_way(stage: Stage) -> None:
    view: ModelsView = stage.show("models")  # type: ignore[assignment]
    runs = JobInfo(
        "i1", "import", f"{OLLAMA}/qwen3/8b", "running", 0.44, "copying and verifying",
        bytes_done=int(2.3 * GB), bytes_total=int(5.2 * GB),
    )  # fmt: skip
    waits = JobInfo("i2", "import", f"{OLLAMA}/llama3.2/3b", "queued")
    failed = JobInfo("i3", "import", "/home/ada/models/gemma-3-27b.gguf", "failed", message=DISK_FULL)
    for job in (runs, waits):
        stage.session.job_changed.emit(job)
    await stage.picture("import", "busy")
    stage.session.job_changed.emit(failed)
    await stage.picture("import", "failed")
    for job in (runs, waits):
        stage.session.job_changed.emit(JobInfo(job.id, job.kind, job.model, "cancelled"))
    view.transfers.dismissed.emit("i3")


async def files(stage: Stage) -> None:
    view: ModelsView = stage.show("models")  # type: ignore[assignment]
    damaged = Verdict(
        words="Damaged, and set aside: model.safetensors. They are being fetched again; the model can be loaded when that"
        " is done.",
        bad=True,
        download="1",
    )
    view.verification._keep("starter-chat", damaged)
    await stage.picture("models", "damaged", before=lambda: view.page.ensureWidgetVisible(view.page.files))
    view.verification._forget("starter-chat")
