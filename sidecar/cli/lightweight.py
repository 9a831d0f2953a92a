"""`lightweight` and `lightweight-run`: the small models, and a port that serves nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sidecar.cli.catalogue import VERDICTS, advise_measuring, download_size, speed
from sidecar.cli.connection import Start, ask
from sidecar.cli.declaring import command
from sidecar.cli.downloads import followed
from sidecar.cli.following import ended_well
from sidecar.cli.output import note, progress, say, say_json, table
from sidecar.cli.serve import announce
from sidecar.cli.status import Options
from sidecar.client import Client
from sidecar.config import Configuration
from sidecar.errors import NotFound
from sidecar.types import DownloadRequest, LightweightDownload, LightweightModels, LoadResponse

if TYPE_CHECKING:
    from sidecar.routes.call import Service

MB = 1e6
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="The port; 0 takes any free one.")]


def lightweight(
    options: Options,
    list_: Annotated[
        bool, typer.Option("--list", help="List the small models; what is done without another option.")
    ] = False,
    auto: Annotated[
        bool, typer.Option("--auto", help="Fetch and load the small model that suits this machine best.")
    ] = False,
    download: Annotated[str | None, typer.Option("--download", metavar="KEY", help="Fetch this small model.")] = None,
    start_server: Annotated[
        bool, typer.Option("--start-server", help="Open a second port that serves only small models.")
    ] = False,
    port: Port = None,
    start: Start = False,
) -> None:
    """The small models: list them, fetch one, load the best, or serve them alone on a port of their own."""
    if download:
        _say_download(options, ask(options, lambda client: fetched(client, download), start=start))
    if auto:
        _auto(options, start)
    if start_server:
        _start_server(options, port, start)
    if list_ or not (auto or download or start_server):
        _list(options, start)


def lightweight_run(
    options: Options,
    auto: Annotated[
        bool, typer.Option("--auto", help="Load the small model that suits this machine best first.")
    ] = False,
    port: Port = None,
    until_stdin_closes: Annotated[
        bool, typer.Option("--until-stdin-closes", help="End when standard input does.")
    ] = False,
) -> None:
    """Run a service that serves only small models, until Ctrl-C, a signal, or `inglenook stop`."""
    from sidecar.server import serve

    flags = {"port": port}
    file = options.paths.config_file
    serve(
        Configuration.load(file, flags=flags),
        options.paths,
        config_file=file,
        flags=flags,
        announce=lambda found: announce(options, found),
        until_stdin_closes=until_stdin_closes,
        only_small=True,
        prepare=_load_best if auto else None,
    )


def add(app: typer.Typer) -> None:
    command(app, lightweight)
    command(app, lightweight_run, "lightweight-run")


def _list(options: Options, start: bool) -> None:
    found = ask(options, lambda client: client.lightweight_models(), start=start)
    if options.as_json:
        say_json(found)
        return
    table(["Key", "Model", "Task", "Size", "Here", "Speed", "State"], _rows(found))
    advise_measuring([model.suitability for model in found.models.values()])
    if found.recommended:
        say(f"To begin with: {found.recommended}")


def _rows(found: LightweightModels) -> list[list[object]]:
    return [
        [
            key,
            model.name,
            model.task,
            download_size(model.size_mb * MB),
            VERDICTS[model.suitability.verdict],
            speed(model.suitability),
            "loaded" if model.is_loaded else "downloaded" if model.is_downloaded else None,
        ]
        for key, model in found.models.items()
    ]


def _auto(options: Options, start: bool) -> None:
    async def work(client: Client) -> LoadResponse:
        found = await client.lightweight_models()
        if found.recommended and not found.models[found.recommended].is_downloaded:
            await fetched(client, found.recommended)
            found = await client.lightweight_models()
        return await client.load(best_here(found))

    loaded = ask(options, work, start=start)
    if options.as_json:
        say_json(loaded)
        return
    for warning in loaded.warnings:
        note(warning)
    say(f"{loaded.model_id} is loaded.")


async def fetched(client: Client, key: str) -> LightweightDownload:
    """The small model once it is here. Raises NotFound, and what went wrong with its download."""
    started = await client.download_lightweight(key)
    if started.job_id is None:
        return started
    with progress(f"Fetching {started.model}") as show:
        info = await followed(client, started.job_id, show)
    ended_well(info)
    return LightweightDownload("downloaded", started.model, started.job_id)


def _say_download(options: Options, answer: LightweightDownload) -> None:
    if options.as_json:
        say_json(answer)
    else:
        say(f"{answer.model} is {answer.status}.")


def _start_server(options: Options, port: int | None, start: bool) -> None:
    started = ask(options, lambda client: client.start_lightweight(port), start=start)
    if options.as_json:
        say_json(started)
    else:
        say(f"Small models are served at {started.url}")


def best_here(found: LightweightModels) -> str:
    """The recommended small model if it is here, else another one that is. Raises NotFound."""
    wanted = [found.recommended, *found.downloaded]
    here = [name for key in wanted if key and (name := found.models[key].model_id)]
    if not here:
        raise NotFound("No small model is here yet. Download one first.", path="/lightweight/models")
    return here[0]


async def _load_best(service: Service) -> None:
    """The recommended one, fetched if need be; without a network another one, and at the least what came with us."""
    catalogue, manager = service.catalogue, service.manager
    found = await catalogue.small()
    if found.recommended and not found.models[found.recommended].is_downloaded:
        wanted = await catalogue.small_request(found.recommended)
        note(f"Fetching {wanted.model}")
        await _until_fetched(service, wanted)
        found = await catalogue.small()
    try:
        name = best_here(found)
    except NotFound:
        name = next(model.id for model in manager.models() if model.builtin)
    await manager.load(name)


async def _until_fetched(service: Service, wanted: DownloadRequest) -> None:
    """Until the download has ended, or waits for a network; what went wrong is said."""
    queue = service.manager.hub.downloads
    with service.manager.events.subscribe() as changes:
        job = await queue.add(wanted)
        async for _ in changes:
            job = queue.get(job.job_id)
            if job.finished_at is not None or job.retry_at is not None:
                break
    if job.error is not None:
        note(job.error.message)
