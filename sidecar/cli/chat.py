"""`chat`: a conversation in the terminal. Ctrl-C ends the answer, Ctrl-D leaves."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field

import typer

from sidecar.cli import answering
from sidecar.cli.connection import Start, reach
from sidecar.cli.declaring import command
from sidecar.cli.generate import MaxNewTokens, Model, System, Temperature
from sidecar.cli.output import note, say, say_json
from sidecar.cli.status import Options, tell
from sidecar.client import Client
from sidecar.errors import InglenookError, ServiceUnreachable
from sidecar.types import GenerateRequest, Message

PROMPT = "> "
HELP = """/clear         begin a new conversation
/model NAME    talk to another model
/system TEXT   begin anew with this instruction
/exit          leave (so does Ctrl-D); Ctrl-C ends an answer"""


@dataclass
class Conversation:
    """What was said so far, and to whom."""

    model: str
    system: str | None
    max_new_tokens: int | None = None
    temperature: float | None = None
    messages: list[Message] = field(default_factory=list)

    def begin(self) -> None:
        self.messages = answering.conversation(self.system)

    def request(self) -> GenerateRequest:
        return GenerateRequest(messages=self.messages, max_new_tokens=self.max_new_tokens, temperature=self.temperature)


def chat(
    options: Options,
    model: Model = None,
    system: System = None,
    max_new_tokens: MaxNewTokens = None,
    temperature: Temperature = None,
    start: Start = False,
) -> None:
    """Talk with a model. Ctrl-C ends the answer, Ctrl-D leaves, /help lists what else there is."""
    with asyncio.Runner() as runner:
        client = reach(options, start=start)
        try:
            chosen = runner.run(answering.chosen_model(client, model))
            talk = Conversation(chosen, system, max_new_tokens, temperature)
            talk.begin()
            _talk(options, runner, client, talk)
        finally:
            runner.run(client.close())


def add(app: typer.Typer) -> None:
    command(app, chat)


def _talk(options: Options, runner: asyncio.Runner, client: Client, talk: Conversation) -> None:
    if sys.stdin.isatty():
        import readline  # noqa: F401 - gives the prompt line editing and a history

        say(f"Talking with {talk.model}. /help lists the commands.")
    while (line := _read()) is not None:
        if line in {"/exit", "/quit"}:
            return
        if line.startswith("/"):
            _obey(talk, line)
        elif line:
            _ask(options, runner, client, talk, line)


def _read() -> str | None:
    """The next line; None when the person leaves."""
    while True:
        try:
            return input(PROMPT if sys.stdin.isatty() else "").strip()
        except EOFError:
            return None
        except KeyboardInterrupt:
            note("\nCtrl-D leaves.")


def _obey(talk: Conversation, line: str) -> None:
    word, _, rest = line.partition(" ")
    match word, rest.strip():
        case "/clear", "":
            talk.begin()
        case "/model", name if name:
            talk.model = name
        case "/system", text:
            talk.system = text or None
            talk.begin()
        case _:
            say(HELP)


def _ask(options: Options, runner: asyncio.Runner, client: Client, talk: Conversation, question: str) -> None:
    """Ask and show the answer. One that was stopped stays in the conversation as far as it came; a failed one does not."""
    talk.messages.append(Message("user", question))
    shown: list[str] = []
    try:
        runner.run(_answer(options, client, talk, shown))
    except KeyboardInterrupt:
        note("\nStopped.")
    except ServiceUnreachable:
        raise
    except InglenookError as error:
        tell(options, error)
        talk.messages.pop()
        return
    talk.messages.append(Message("assistant", "".join(shown)))


async def _answer(options: Options, client: Client, talk: Conversation, shown: list[str]) -> None:
    if not options.as_json:
        await answering.show(client, talk.model, talk.request(), shown)
        return
    async for chunk in client.stream(talk.model, talk.request()):
        shown.append(chunk.text)
        say_json(chunk)
