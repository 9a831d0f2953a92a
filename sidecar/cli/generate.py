"""`generate`: one question, one answer."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
import typer

from sidecar.cli import answering
from sidecar.cli.connection import Start, ask
from sidecar.cli.declaring import command
from sidecar.cli.output import say_json
from sidecar.cli.status import Options
from sidecar.client import Client
from sidecar.types import GenerateRequest, Message

Model = Annotated[str | None, typer.Option("--model", "-m", help="The model; else the one the settings name.")]
System = Annotated[str | None, typer.Option(help="An instruction that goes before the conversation.")]
MaxNewTokens = Annotated[int | None, typer.Option(help="The longest answer, in tokens.")]
Temperature = Annotated[float | None, typer.Option(help="0 always takes the likeliest token.")]


def generate(
    options: Options,
    text: Annotated[list[str] | None, typer.Argument(help="The question; else it is read from standard input.")] = None,
    model: Model = None,
    system: System = None,
    max_new_tokens: MaxNewTokens = None,
    temperature: Temperature = None,
    top_p: Annotated[float | None, typer.Option(help="Take from the likeliest tokens of this total.")] = None,
    top_k: Annotated[int | None, typer.Option(help="Take from so many likeliest tokens.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same answer.")] = None,
    stop: Annotated[list[str] | None, typer.Option(help="End before this text; may be given several times.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Continue the text instead of answering it.")] = False,
    start: Start = False,
) -> None:
    """Answer a question, or continue a text."""
    request = GenerateRequest(
        prompt=" ".join(text) if text else sys.stdin.read().rstrip("\n"),
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        seed=seed,
        stop=stop or None,
    )
    ask(options, lambda client: _answer(options, client, model, request, system, raw), start=start)


def add(app: typer.Typer) -> None:
    command(app, generate)


async def _answer(
    options: Options, client: Client, model: str | None, request: GenerateRequest, system: str | None, raw: bool
) -> None:
    chosen = await answering.chosen_model(client, model)
    if not raw and await answering.can_chat(client, chosen):
        messages = [*answering.conversation(system), Message("user", request.prompt or "")]
        request = msgspec.structs.replace(request, prompt=None, messages=messages)
    if options.as_json:
        say_json(await client.generate(chosen, request))
    else:
        await answering.show(client, chosen, request, [])
