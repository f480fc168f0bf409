"""``serve``: score images for a trainer, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from countcheck.cli.main import SET_UP, app
from countcheck.cli.output import note

if TYPE_CHECKING:
    import socket

_Counter: TypeAlias = Annotated[
    str, typer.Option("-d", "--counter", metavar="COUNTER", help="Counter: a card or a spec.")
]
_Host: TypeAlias = Annotated[str, typer.Option(metavar="HOST", help="Address to listen on.")]
_Port: TypeAlias = Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port; 0 takes a free one.")]
_Wire: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FORMAT", help="Format of the requests: flow-factory, unirl, flow-grpo or verl-omni; repeatable."
    ),
]
_Kind: TypeAlias = Annotated[str, typer.Option(metavar="KIND", help="Reward: dense, or strict (1 if exact, else 0).")]
_Device: TypeAlias = Annotated[str, typer.Option(metavar="DEVICES", help="Devices, one worker each: cuda:0,cuda:1.")]
_Batch: TypeAlias = Annotated[int, typer.Option(metavar="N", min=1, help="Images judged together at most.")]
_MaxQueued: TypeAlias = Annotated[
    int, typer.Option(metavar="N", min=1, help="Images that may wait; beyond it the answer is 503.")
]
_MaxBody: TypeAlias = Annotated[int, typer.Option(min=1, metavar="MIB", help="Size of a request at most, in MiB.")]
_IKnow: TypeAlias = Annotated[
    bool, typer.Option("--i-know", help="Take pickled requests on an address that other machines reach.")
]


@app.command(rich_help_panel=SET_UP)
def serve(
    counter: _Counter,
    host: _Host = "127.0.0.1",
    port: _Port = 18085,
    wire: _Wire = None,
    kind: _Kind = "dense",
    device: _Device = "",
    batch: _Batch = 16,
    max_queued: _MaxQueued = 4096,
    max_body: _MaxBody = 512,
    i_know: _IKnow = False,
) -> None:
    """Score images for a trainer, over HTTP.

    POST /compute (Flow-Factory) and POST /score (UniRL) take JSON. --wire flow-grpo and --wire verl-omni take the pickled
    bodies of those trainers at POST /. GET /health and GET /metrics tell how the server is. Set COUNTCHECK_SERVE_TOKEN to
    require a bearer token.

    Raises:
        BadSettings: For an unknown kind of reward, or pickled requests on an address that other machines reach.
        MissingExtra: When the extra is not installed.

    Examples:
        countcheck serve -d tiny
        countcheck serve -d owlv2 --device cuda:0,cuda:1 --port 18085
    """
    from countcheck.errors import BadSettings, MissingExtra
    from countcheck.library.reward import KINDS

    try:
        import prometheus_client  # noqa: F401
        import uvicorn

        from countcheck.serve.app import build_app
        from countcheck.serve.batching import JudgingPool, counters_for
        from countcheck.serve.wires import PLAIN_WIRES, WIRES
    except ImportError as error:
        raise MissingExtra("serve", feature="the reward server") from error
    chosen = wire or list(PLAIN_WIRES)
    if kind not in KINDS:
        raise BadSettings(f"--kind is {kind!r}. Give dense or strict.")
    pickled = [name for name in chosen if name in WIRES and WIRES[name].pickled]
    if pickled and not _is_loopback(host) and not i_know:
        raise BadSettings(
            f"the format {pickled[0]} accepts pickled requests, which is safe only from this machine: {host} is reachable from "
            "others. "
            "Listen on 127.0.0.1, or give --i-know."
        )
    pool = JudgingPool(
        counters_for(counter, [name for name in device.split(",") if name]), batch_size=batch, max_queued=max_queued
    )
    application = build_app(pool, wires=chosen, kind=kind, max_body=max_body * 2**20)
    listening = _listen(host, port)
    note(f"serving {counter} at http://{host}:{listening.getsockname()[1]} ({', '.join(chosen)}); Ctrl-C ends")
    config = uvicorn.Config(application, log_level="warning", access_log=False, server_header=False)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        pool.close()


def _is_loopback(host: str) -> bool:
    import ipaddress

    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    import socket

    from countcheck.errors import BadInput

    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise BadInput(f"cannot listen on {host}:{port} ({error.strerror}). Choose another with --port.") from error
