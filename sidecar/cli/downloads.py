"""`pull`, `downloads`, `verify`, and the group `hub`: login, logout, connections."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Annotated, Literal, cast

import typer

from sidecar.cli.connection import Start, ask
from sidecar.cli.declaring import command
from sidecar.cli.following import MB, POLL_SECONDS, followed_job, say_ended
from sidecar.cli.output import progress, say, say_json, size, table, working
from sidecar.cli.status import Options
from sidecar.client import Client
from sidecar.errors import InvalidRequest, LoadFailed, from_wire
from sidecar.types import DownloadInfo, DownloadRequest, FromUrlRequest, HubAccount, JobInfo

HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co", "ollama.com", "registry.ollama.ai")
Action = Literal["pause", "resume", "cancel", "retry", "forget"]
Permission = Literal["pickle", "custom_code"]


def pull(
    options: Options,
    model: Annotated[
        str,
        typer.Argument(
            help="The repository on the hub, such as org/name or org/name:Q4_K_M, or the address of a GGUF file.",
            show_default=False,
        ),
    ],
    revision: Annotated[str, typer.Option(help="Branch, tag or commit.")] = "main",
    variant: Annotated[str | None, typer.Option(help="Which precision, such as Q4_K_M.")] = None,
    file: Annotated[list[str] | None, typer.Option(help="Exactly this file; may be given more than once.")] = None,
    name: Annotated[str | None, typer.Option(help="The model's name here.")] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="What you permit for this model: pickle or custom_code.")
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="What a file from an address has to be.")] = None,
    start: Start = False,
) -> None:
    """Fetch a model from the hub, verify it and make it known. Ctrl-C pauses it; the same command goes on."""
    if is_address(model):
        if revision != "main" or variant or file or allow:
            raise InvalidRequest(
                "An address says itself which revision, variant and files it means; give org/name instead."
            )
        wanted = FromUrlRequest(model, name, sha256=sha256)
        say_ended(options, ask(options, lambda client: _from_address(client, wanted), start=start))
        return
    permissions = cast("list[Permission]", allow or [])  # the service refuses those it does not know
    request = DownloadRequest(
        model=model, revision=revision, variant=variant, files=file or None, name=name, allow=permissions
    )

    async def work(client: Client) -> DownloadInfo:
        started = await client.download(request)
        await _wake(client, started.job_id)
        with progress(f"Fetching {model}") as show:
            return await followed(client, started.job_id, show)

    say_ended(options, ask(options, work, start=start))


def downloads(
    options: Options,
    job: Annotated[str | None, typer.Argument(help="The download to act on.", show_default=False)] = None,
    action: Annotated[Action | None, typer.Argument(help="What to do with it.", show_default=False)] = None,
) -> None:
    """List the downloads; or pause, resume, cancel, retry or forget one."""
    found = ask(options, lambda client: _asked(client, job, action))
    if options.as_json:
        say_json(found[0] if job else found)
        return
    table(["Download", "Model", "State", "Done", "Speed", "Left", ""], [_row(info) for info in found])


def verify(options: Options, model: Annotated[str, typer.Argument(help="The model's id.", show_default=False)]) -> None:
    """Compare every file of a model with its hash; what is damaged is set aside and fetched again."""
    with working(f"Verifying {model}"):
        answer = ask(options, lambda client: client.verify(model))
    if options.as_json:
        say_json(answer)
    elif not answer.damaged and not answer.missing:
        say(answer.message)
    if answer.damaged or answer.missing:
        raise LoadFailed(answer.message, model=model, reason=answer.message)


def login(
    options: Options,
    token: Annotated[
        str | None, typer.Option(help="Better left out: it is then asked for, or read from stdin.")
    ] = None,
    start: Start = False,
) -> None:
    """Keep a token of the hub, for private and gated models."""
    given = token or (typer.prompt("Token", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not given:
        raise InvalidRequest(reason="no token was given")
    _say_account(options, ask(options, lambda client: client.set_hub_token(given), start=start))


def logout(options: Options, start: Start = False) -> None:
    """Forget the token."""
    _say_account(options, ask(options, lambda client: client.set_hub_token(""), start=start))


def connections(options: Options) -> None:
    """Every connection to other machines since the service started, with its reason and its bytes."""
    found = ask(options, lambda client: client.connections())
    if options.as_json:
        say_json(found)
        return
    rows = [[_clock(one.at), one.host, one.method, one.status, one.bytes, one.reason] for one in found]
    table(["At", "Host", "Method", "Status", "Bytes", "For"], rows)


def add(app: typer.Typer) -> None:
    for function in (pull, downloads, verify):
        command(app, function)
    group = typer.Typer(no_args_is_help=True, help="The hub of models: your token, and what was asked of it.")
    for call in (login, logout, connections):
        command(group, call)
    app.add_typer(group, name="hub")


async def _from_address(client: Client, wanted: FromUrlRequest) -> DownloadInfo | JobInfo:
    """What came of the address. Interrupted, a download of the hub is paused and any other ends."""
    started = await client.pull_url(wanted)
    with progress(f"Fetching {wanted.url}") as show:
        if started.kind == "job":
            return await followed_job(client, started.job_id, show)
        await _wake(client, started.job_id)
        return await followed(client, started.job_id, show)


async def _wake(client: Client, job_id: str) -> None:
    """The same command again goes on with what was paused."""
    if (await client.download_info(job_id)).state == "paused":
        await client.resume_download(job_id)


async def followed(client: Client, job_id: str, show: Callable[[str, float], None]) -> DownloadInfo:
    """The download once it has ended; when the command is interrupted it is paused.

    Raises what is wrong with the network or the hub when nothing came since the command began: it is paused then too.
    """
    before = (await client.download_info(job_id)).bytes_done
    try:
        while (info := await client.download_info(job_id)).finished_at is None:
            if info.state == "paused":
                return info
            if info.retry_at is not None and info.error is not None and info.bytes_done <= before:
                await client.pause_download(job_id)
                again = f"{info.error.message} The same command tries it again."
                raise from_wire(info.error.code, again, info.error.details)
            show(_stage(info), info.bytes_done / max(info.bytes_total, 1))
            await asyncio.sleep(POLL_SECONDS)
    except asyncio.CancelledError:
        await client.pause_download(job_id)
        raise
    return info


async def _asked(client: Client, job: str | None, action: Action | None) -> list[DownloadInfo]:
    if job is None:
        return await client.downloads()
    calls = {
        None: client.download_info,
        "pause": client.pause_download,
        "resume": client.resume_download,
        "cancel": client.cancel_download,
        "retry": client.retry_download,
        "forget": client.forget_download,
    }
    return [await calls[action](job)]


def is_address(model: str) -> bool:
    """Whether it is more than the id of a repository: an address, or one with a variant."""
    return ":" in model or model.partition("/")[0] in HOSTS


def _stage(info: DownloadInfo) -> str:
    speed = f" at {info.speed / MB:.1f} MB/s" if info.speed else ""
    return info.message or f"{info.state}{speed}"


def _row(info: DownloadInfo) -> list[object]:
    done = f"{size(info.bytes_done / MB)} of {size(info.bytes_total / MB)}" if info.bytes_total else None
    speed = f"{info.speed / MB:.1f} MB/s" if info.speed else None
    left = f"{info.eta_s:.0f} s" if info.eta_s is not None else None
    return [info.job_id, info.model, info.state, done, speed, left, info.message]


def _say_account(options: Options, account: HubAccount) -> None:
    if options.as_json:
        say_json(account)
        return
    if not account.has_token:
        say("No token is kept.")
        return
    place = {"keyring": "the keyring", "environment": "the environment's HF_TOKEN"}
    where = place.get(account.kept_in, "a file that only you can read, because this machine has no keyring")
    say(f"The token{f' of {account.user}' if account.user else ''} is kept in {where}.")


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
