"""`config`: where things lie. `config list | get | set | unset`: the settings, through the service if one runs, else in
config.toml itself.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sidecar.cli.connection import ask
from sidecar.cli.declaring import AsJson, DataDir, command
from sidecar.cli.output import note, say, say_json, table
from sidecar.cli.status import Options, reported
from sidecar.config import Configuration, check_changes, parse, write_file
from sidecar.errors import EnvironmentFault, InvalidRequest, ServiceUnreachable
from sidecar.types import SettingInfo

Key = Annotated[str, typer.Argument(help="The setting's name.", show_default=False)]


def places(options: Options) -> None:
    """Print the files and folders of this installation, whether they exist yet or not."""
    paths = options.paths
    models_dir = Configuration.load(paths.config_file).settings.models_dir
    found = {
        "settings": paths.config_file,
        "window": paths.window_settings,
        "database": paths.database,
        "chats": paths.conversations,
        "models": models_dir or paths.models_dir,
        "logs": paths.log_dir,
        "discovery": paths.runtime_file,
    }
    if options.as_json:
        say_json({name: str(place) for name, place in found.items()})
        return
    table(["What", "Where"], list(found.items()))
    note("'inglenook config list' shows the settings, 'inglenook config --help' how to change them.")


def list_settings(options: Options) -> None:
    """Every setting with its value, where that comes from, and what it is for."""
    rows = _settings(options)
    if options.as_json:
        say_json(rows)
        return
    table(["Setting", "Value", "From", "About"], [[row.key, row.value, row.source, row.description] for row in rows])


def get(options: Options, key: Key) -> None:
    """One setting's value."""
    row = _row(_settings(options), key)
    if options.as_json:
        say_json(row)
    else:
        say(", ".join(row.value) if isinstance(row.value, list) else str(row.value))


def set_value(
    options: Options,
    key: Key,
    value: Annotated[str, typer.Argument(help="The new value; a list's parts are separated by commas.")],
) -> None:
    """Change a setting."""
    _change(options, key, parse(key, value, key))


def unset(options: Options, key: Key) -> None:
    """Return a setting to its default."""
    _change(options, key, None)


def add(app: typer.Typer) -> None:
    group = typer.Typer(help="Where things lie; read and change the settings.")
    group.callback(invoke_without_command=True)(_alone)
    command(group, list_settings, "list")
    command(group, get)
    command(group, set_value, "set")
    command(group, unset)
    app.add_typer(group, name="config")


def _alone(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    before: Options = context.obj
    context.obj = Options(data_dir or before.data_dir, as_json or before.as_json)
    if context.invoked_subcommand is None:
        with reported(context.obj):
            places(context.obj)


def _settings(options: Options) -> list[SettingInfo]:
    try:
        return ask(options, lambda client: client.settings())
    except ServiceUnreachable:
        return Configuration.load(options.paths.config_file).table()


def _change(options: Options, key: str, value: Any) -> None:
    changes = {key: value}
    check_changes(changes)
    try:
        row = _row(ask(options, lambda client: client.change_settings(changes)), key)
        waits = row.restart
    except ServiceUnreachable:
        row, waits = _row(_written(options, changes), key), False
    if options.as_json:
        say_json(row)
        return
    say(f"{key} is {row.value}.")
    if row.source in {"environment", "flag"}:
        note(f"The {row.source} sets it for the present; config.toml counts once that is gone.")
    if waits:
        note("It takes effect when the service starts the next time.")


def _written(options: Options, changes: dict[str, Any]) -> list[SettingInfo]:
    file = options.paths.config_file
    try:
        options.paths.create()
        write_file(file, changes)
    except OSError as error:
        raise EnvironmentFault(f"{file} could not be written: {error}.", path=str(file)) from error
    return Configuration.load(file).table()


def _row(rows: list[SettingInfo], key: str) -> SettingInfo:
    for row in rows:
        if row.key == key:
            return row
    raise InvalidRequest(reason=f"there is no setting named {key!r}; 'inglenook config list' shows those there are")
