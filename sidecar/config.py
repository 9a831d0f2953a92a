"""The settings of the service: one table, read from defaults < config.toml < environment < flags.

`Settings` is the table: each field is a setting with its type, default, bounds and explanation. The settings view, the
`config` command, the documentation and the check of config.toml are all made from it.
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct
from msgspec.inspect import BoolType, FloatType, IntType, ListType, LiteralType, Metadata, StructType, type_info

from sidecar import decoding
from sidecar.errors import InvalidRequest
from sidecar.types import SettingInfo

Source = Literal["default", "file", "environment", "flag"]


def _about(
    section: str, description: str, *, restart: bool = False, ge: float | None = None, le: float | None = None
) -> Meta:
    return Meta(description=description, ge=ge, le=le, extra={"section": section, "restart": restart})


class Settings(Struct, forbid_unknown_fields=True, frozen=True):
    """Every setting. Those marked restart take effect when the service starts the next time."""

    host: Annotated[
        str, _about("Service", "The address to listen on. Anything but loopback needs keys.", restart=True)
    ] = "127.0.0.1"
    port: Annotated[
        int,
        _about(
            "Service",
            "The port; if it is taken the next free one is used. 0 takes any free one.",
            restart=True,
            ge=0,
            le=65535,
        ),
    ] = 8000
    auth: Annotated[
        Literal["on", "off"],
        _about("Service", "Whether a key is required. Off is accepted on a loopback address only.", restart=True),
    ] = "on"
    allowed_hosts: Annotated[
        list[str], _about("Service", "Further host names under which the service may be addressed.", restart=True)
    ] = []
    allowed_origins: Annotated[
        list[str],
        _about("Service", "Web origins that may call the service, exactly as the browser sends them.", restart=True),
    ] = []
    max_body_mb: Annotated[int, _about("Service", "The largest request body, in MB.", restart=True, ge=1, le=4096)] = 32
    request_timeout_s: Annotated[
        float, _about("Service", "A request that is not finished after so many seconds is ended.", ge=1)
    ] = 600.0

    models_dir: Annotated[
        str, _about("Models", "The folder for models; empty means the one beside the database.", restart=True)
    ] = ""
    trash_days: Annotated[
        int,
        _about(
            "Models", "Days for which a removed model can be brought back; 0 keeps it until the trash is emptied.", ge=0
        ),
    ] = 7
    max_loaded_models: Annotated[int, _about("Models", "How many models may be in memory at once.", ge=1, le=1000)] = 4
    memory_limit_mb: Annotated[
        int, _about("Models", "Memory that models may use together, in MB; 0 means 80 % of the machine's.", ge=0)
    ] = 0
    keep_alive_s: Annotated[
        float,
        _about("Models", "Seconds a model stays in memory after its last request; 0 unloads at once, negative never."),
    ] = 300.0
    load_timeout_s: Annotated[
        float, _about("Models", "A model that is not loaded after so many seconds is given up.", ge=1)
    ] = 600.0
    auto_prepare: Annotated[
        bool,
        _about(
            "Models", "Convert models for the quicker engine in the background once they were loaded, where that works."
        ),
    ] = False
    default_chat_model: Annotated[str, _about("Models", "The model that answers when a request names none.")] = (
        "starter-chat"
    )
    default_classification_model: Annotated[str, _about("Models", "The classifier used when a request names none.")] = (
        "starter-sentiment"
    )
    default_translation_model: Annotated[str, _about("Models", "The translator used when a request names none.")] = ""
    default_embedding_model: Annotated[str, _about("Models", "The embedding model used when a request names none.")] = (
        ""
    )
    default_reranking_model: Annotated[str, _about("Models", "The reranker used when a request names none.")] = ""

    queue_limit: Annotated[
        int, _about("Performance", "Requests that may wait for one model; more are refused with 429.", ge=1)
    ] = 256
    max_sequences: Annotated[
        int, _about("Performance", "Answers that one worker generates together.", ge=1, le=1024)
    ] = 8
    batch_tokens: Annotated[int, _about("Performance", "Tokens that one batch of texts may hold.", ge=128)] = 4096
    prefix_cache_mb: Annotated[
        int,
        _about(
            "Performance",
            "Memory per model for conversations that may go on, so that they need not be read again; -1 is room for"
            " 8,192 tokens of the model, at most a twentieth of what models may use, and 0 keeps none.",
            ge=-1,
        ),
    ] = -1
    keep_rounded_weights: Annotated[
        bool,
        _about(
            "Performance",
            "Keep a model's rounded weights on disk, a quarter of its size in full precision, so that it loads in a fraction of the time.",
        ),
    ] = True
    threads: Annotated[
        int, _about("Performance", "Processor threads per model; 0 means one per physical core.", ge=0, le=1024)
    ] = 0
    dispatch: Annotated[
        Literal["least_loaded", "round_robin"],
        _about("Performance", "Which of a model's replicas gets a request: the one with least to do, or each in turn."),
    ] = "least_loaded"
    embedding_cache_entries: Annotated[
        int, _about("Performance", "Vectors of texts that are remembered; 0 remembers none.", ge=0, le=10_000_000)
    ] = 10_000
    embedding_cache_s: Annotated[
        float, _about("Performance", "Seconds after which a remembered vector is forgotten.", ge=0)
    ] = 3600.0
    embedding_cache_disk: Annotated[
        bool, _about("Performance", "Keep remembered vectors on disk too, so that they outlive the service.")
    ] = False
    spare_worker: Annotated[
        bool, _about("Performance", "Keep a process ready with the libraries imported, so that loading is quicker.")
    ] = True
    spare_worker_minutes: Annotated[
        float, _about("Performance", "End the spare process after so many unused minutes.", ge=0)
    ] = 30.0
    calibrate: Annotated[
        bool,
        _about(
            "Performance", "Measure this machine once while nothing else runs, for predictions of speed and memory."
        ),
    ] = True
    stall_timeout_s: Annotated[
        float, _about("Performance", "End a worker that makes no progress for so many seconds.", ge=1)
    ] = 120.0

    offline: Annotated[bool, _about("Network", "Make no connection to other machines, for whatever reason.")] = False
    hub_endpoint: Annotated[
        str, _about("Network", "The address of the hub of models; empty means HF_ENDPOINT, or the public one.")
    ] = ""
    proxy: Annotated[
        str, _about("Network", "The proxy for outbound connections; empty means what the environment says.")
    ] = ""
    ca_bundle: Annotated[
        str, _about("Network", "A file with the certificates to trust; empty means the usual ones.")
    ] = ""
    download_limit_kb_s: Annotated[
        int, _about("Network", "Kilobytes a second that all downloads may take together; 0 does not limit.", ge=0)
    ] = 0
    parallel_files: Annotated[
        int, _about("Network", "Files of one model that are fetched at the same time.", ge=1, le=16)
    ] = 4
    network_timeout_s: Annotated[
        float, _about("Network", "A connection over which nothing comes for so many seconds is given up.", ge=0.1)
    ] = 30.0

    history: Annotated[bool, _about("Privacy", "Keep a record of requests: time, model, sizes, timings, outcome.")] = (
        True
    )
    history_texts: Annotated[bool, _about("Privacy", "Keep the texts of requests and answers in the history too.")] = (
        False
    )
    history_days: Annotated[int, _about("Privacy", "Delete history older than so many days; 0 keeps it.", ge=0)] = 30
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _about("Privacy", "How much the log file tells. Prompts are never logged.", restart=True),
    ] = "info"


# Names of an earlier service, still accepted in the environment.
OLDER_NAMES = {
    "MODEL_SERVICE_HOST": "host",
    "MODEL_SERVICE_PORT": "port",
    "MODEL_SERVICE_MODELS_DIR": "models_dir",
    "MODEL_SERVICE_MAX_CACHE_SIZE": "max_loaded_models",
}
PREFIX = "INGLENOOK_"
LONGEST_SHOWN = 80  # characters of a wrong value that a message repeats


class Configuration(Struct, frozen=True):
    """The settings in force and where each value came from."""

    settings: Settings
    sources: dict[str, Source]

    @classmethod
    def load(
        cls, file: Path, environment: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
    ) -> Configuration:
        """Merge the layers. Raises InvalidRequest naming the file, variable or flag that is wrong."""
        layers: list[tuple[Source, dict[str, Any]]] = [
            ("file", read_file(file)),
            ("environment", from_environment(os.environ if environment is None else environment)),
            ("flag", {key: value for key, value in (flags or {}).items() if value is not None}),
        ]
        values: dict[str, Any] = {}
        sources: dict[str, Source] = dict.fromkeys(Settings.__struct_fields__, "default")
        for source, layer in layers:
            values |= layer
            sources |= dict.fromkeys(layer, source)
        settings = _validated(values)
        refuse_open_bind(settings)
        return cls(settings, sources)

    def table(self) -> list[SettingInfo]:
        """Every setting with value, default, explanation and source, in the order of the table."""
        return [self._row(field) for field in _fields()]

    def _row(self, field: msgspec.inspect.Field) -> SettingInfo:
        about, inner = _metadata(field), _inner(field)
        default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        return SettingInfo(
            key=field.name,
            section=about["section"],
            type=type(default).__name__ if not isinstance(inner, LiteralType) else "choice",
            value=getattr(self.settings, field.name),
            default=default,
            description=about["description"],
            source=self.sources[field.name],
            restart=about["restart"],
            choices=[str(value) for value in inner.values] if isinstance(inner, LiteralType) else [],
            minimum=inner.ge if isinstance(inner, IntType | FloatType) else None,
            maximum=inner.le if isinstance(inner, IntType | FloatType) else None,
        )


def read_file(file: Path) -> dict[str, Any]:
    """config.toml as a flat dict; no file is no settings. Raises InvalidRequest when it is not TOML or has a wrong value."""
    if not file.exists():
        return {}
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refusal(f"{file} is not valid TOML ({error})") from error
    _validated(values, file)
    return values


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings that INGLENOOK_<KEY> variables (and the older names) give. Raises InvalidRequest naming the variable."""
    names = {name: key for name, key in OLDER_NAMES.items() if name in environment}
    names |= {PREFIX + key.upper(): key for key in Settings.__struct_fields__ if PREFIX + key.upper() in environment}
    return {key: parse(key, environment[name], name) for name, key in names.items()}


def parse(key: str, text: str, origin: str) -> Any:
    """`text` as the type of setting `key`; lists are comma-separated. Raises InvalidRequest that names `origin`."""
    annotated = Settings.__annotations__.get(key)
    if annotated is None:
        raise _refusal(f"{origin}: there is no setting named {key!r}")
    value: Any = [part.strip() for part in text.split(",") if part.strip()] if _is_list(key) else text
    try:
        return getattr(decoding.convert({key: value}, Settings, strict=False), key)
    except msgspec.ValidationError as error:
        raise _refusal(f"{origin} {_must_be(key)}, not {text!r}") from error


def write_file(file: Path, changes: Mapping[str, Any]) -> None:
    """Put `changes` into config.toml, None removing a key; comments and order stay. Raises InvalidRequest, OSError."""
    import tomlkit  # only where settings are written: starting the service does not wait for it

    check_changes(changes)
    document = tomlkit.parse(file.read_text("utf-8")) if file.exists() else tomlkit.document()
    for key, value in changes.items():
        if value is None:
            document.pop(key, None)
        else:
            document[key] = value
    _validated(document.unwrap(), file)
    draft = file.with_suffix(".toml.new")
    draft.write_text(tomlkit.dumps(document), "utf-8")
    draft.replace(file)


def check_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values in `changes` as their settings' types, without those that are None. May look up a host's name.

    Raises InvalidRequest that names the key.
    """
    for key in changes:
        if key not in Settings.__struct_fields__:
            raise _refusal(f"there is no setting named {key!r}")
    given = {key: value for key, value in changes.items() if value is not None}
    settings = _validated(given)
    if "host" in given:
        _refuse_strange_address(settings.host)
    return {key: getattr(settings, key) for key in given}


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a service that listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def refuse_open_bind(settings: Settings) -> None:
    """Raises InvalidRequest when other machines could use the service without a key."""
    if settings.auth == "off" and not is_loopback(settings.host):
        raise _refusal(
            f"host {settings.host!r} can be reached from other machines, so auth must stay on; use 127.0.0.1 without keys"
        )


def _refuse_strange_address(host: str) -> None:
    """A service that cannot listen there would not start again."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind) as probe:
            probe.bind(address)
    except (OSError, ValueError) as error:  # ValueError: a name that no address can have
        why = getattr(error, "strerror", None) or error
        reason = f"this machine cannot listen on host {host!r} ({why}); use 127.0.0.1 for this machine alone"
        raise _refusal(reason) from error


def _validated(values: dict[str, Any], file: Path | None = None) -> Settings:
    try:
        return decoding.convert(values, Settings)
    except msgspec.ValidationError as error:
        wrong = "; ".join(_wrong(key, value) for key, value in values.items() if not _is_valid(key, value))
        raise _refusal(f"in {file}, {wrong}" if file else wrong) from error


def _refusal(reason: str) -> InvalidRequest:
    return InvalidRequest(f"The settings are not valid: {reason}.", reason=reason)


def _is_valid(key: str, value: Any) -> bool:
    try:
        decoding.convert({key: value}, Settings)
    except msgspec.ValidationError:
        return False
    return True


def _wrong(key: str, value: Any) -> str:
    if key not in Settings.__struct_fields__:
        return f"there is no setting named {key!r}"
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return f"{key} {_must_be(key)}, not {shown if len(shown) <= LONGEST_SHOWN else shown[:LONGEST_SHOWN] + '…'}"


def _must_be(key: str) -> str:
    """What a value of the setting has to be, in words: "must be a whole number from 1 to 1000"."""
    match _inner(next(field for field in _fields() if field.name == key)):
        case LiteralType(values=choices):
            return f"must be one of {', '.join(map(str, choices))}"
        case IntType(ge=lowest, le=highest):
            return f"must be a whole number{_between(lowest, highest)}"
        case FloatType(ge=lowest, le=highest):
            return f"must be a number{_between(lowest, highest)}"
        case BoolType():
            return "must be true or false"
        case ListType():
            return "must be a list of texts"
        case _:
            return "must be a text"


def _between(lowest: float | None, highest: float | None) -> str:
    if lowest is not None and highest is not None:
        return f" from {lowest:.15g} to {highest:.15g}"
    return "" if lowest is None else f" of at least {lowest:.15g}"


def _fields() -> tuple[msgspec.inspect.Field, ...]:
    return cast("StructType", type_info(Settings)).fields


def _metadata(field: msgspec.inspect.Field) -> dict[str, Any]:
    outer = cast("Metadata", field.type)
    return {"description": (outer.extra_json_schema or {})["description"], **(outer.extra or {})}


def _inner(field: msgspec.inspect.Field) -> msgspec.inspect.Type:
    return field.type.type if isinstance(field.type, Metadata) else field.type


def _is_list(key: str) -> bool:
    return any(field.name == key and isinstance(_inner(field), ListType) for field in _fields())
