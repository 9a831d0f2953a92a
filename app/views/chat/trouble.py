"""What to tell the person when an answer fails: what happened and what to do, in plain words, by the error's code.

Pure. The error's own message and details are shown one click away.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QCoreApplication

Remedy = Literal["retry", "truncate", "model"]


@dataclass(frozen=True)
class Trouble:
    """`remedies` are the buttons to offer, the most promising first."""

    title: str
    advice: str
    remedies: tuple[Remedy, ...] = ("retry",)


def explain(code: str, details: dict[str, Any]) -> Trouble:
    """The words for an error of `sidecar.errors`, or a general sentence for a code that is not known here."""
    if code == "context_exceeded":
        return _context_exceeded(details)
    return _by_code().get(code) or Trouble(
        _tr("The answer failed"), _tr("Try again. If it happens again, the details say more."), ("retry", "model")
    )


def technical(code: str, message: str, details: dict[str, Any]) -> str:
    """Everything the service said, for the details box."""
    listed = json.dumps(details, indent=2, ensure_ascii=False, default=str) if details else ""
    return "\n\n".join(part for part in (f"{code}: {message}", listed) if part)


def _context_exceeded(details: dict[str, Any]) -> Trouble:
    prompt, context = details.get("prompt_tokens"), details.get("context_tokens")
    title = _tr("This chat is longer than the model can read")
    if isinstance(prompt, int) and isinstance(context, int):
        title = _tr("This chat has {0} tokens; the model reads {1}").format(f"{prompt:,}", f"{context:,}")
    advice = _tr(
        "Leave out the oldest turns when answering (nothing is deleted), shorten the question, or start a new chat."
    )
    return Trouble(title, advice, ("truncate", "model"))


def _by_code() -> dict[str, Trouble]:
    restarted = _tr("Inglenook starts it again by itself. What was written so far is kept.")
    return {
        "service_unreachable": Trouble(_tr("The connection to the service was lost"), restarted),
        "not_ready": Trouble(_tr("The service is not ready yet"), _tr("Try again in a moment.")),
        "worker_crashed": Trouble(
            _tr("The model's process ended unexpectedly"),
            _tr("Trying again starts a fresh one. If it ends again, the machine may lack memory for this model."),
            ("retry", "model"),
        ),
        "worker_stalled": Trouble(
            _tr("The model stopped making progress"), _tr("It was ended. Trying again starts a fresh one.")
        ),
        "out_of_memory": Trouble(
            _tr("The model ran out of memory"),
            _tr("Shorten the chat, close other applications, or choose a smaller model."),
            ("retry", "model"),
        ),
        "does_not_fit": Trouble(
            _tr("The model does not fit into memory"),
            _tr("Unload another model or choose a smaller one. The details give the numbers."),
            ("retry", "model"),
        ),
        "load_failed": Trouble(
            _tr("The model could not be loaded"),
            _tr("Its files may be damaged or of a kind this version cannot read. Choose another model."),
            ("retry", "model"),
        ),
        "model_not_found": Trouble(
            _tr("This chat's model is not installed"), _tr("Choose another model for this chat."), ("model",)
        ),
        "unsupported": Trouble(_tr("This model cannot chat"), _tr("Choose another model for this chat."), ("model",)),
        "queue_full": Trouble(
            _tr("Too many requests are waiting for this model"), _tr("Try again in a moment.")
        ),
        "timeout": Trouble(
            _tr("The answer took too long"),
            _tr("Try again, ask for a shorter answer, or raise the time limit in the settings."),
        ),
        "unauthorized": Trouble(
            _tr("The service refused this window's key"), _tr("Restart the service, then try again.")
        ),
    }  # fmt: skip


def _tr(text: str) -> str:
    return QCoreApplication.translate("Trouble", text)
