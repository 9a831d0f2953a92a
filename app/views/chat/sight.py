"""Whether a model sees pictures, and what to say where it does not. Pure."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from app.model_names import display_name
from sidecar.types import ModelInfo

VISION = "vision"


def sees(model: ModelInfo | None) -> bool:
    return model is not None and VISION in model.capabilities


def blind_words(model: ModelInfo | None, models: Sequence[ModelInfo]) -> str:
    """Why a picture cannot go to this model, and which one to choose; nothing where it can."""
    if model is None or sees(model):
        return ""
    able = [display_name(one) for one in models if sees(one)]
    words = _tr("{model} does not see pictures.").format(model=display_name(model))
    if able:
        return words + " " + _tr("Choose one that does: {models}.").format(models=", ".join(able[:3]))
    return words + " " + _tr("Models do that come with a projector, a file mmproj-….gguf.")


def left_out_words(model: ModelInfo | None) -> str:
    """What happens to the pictures of earlier questions with a model that does not see."""
    if model is None or sees(model):
        return ""
    return _tr("{model} does not see the pictures of this chat: they are left out.").format(model=display_name(model))


def _tr(text: str) -> str:
    return QCoreApplication.translate("Sight", text)
