"""Run one service alone: `python -m services NAME --nats URL`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from models.engine import ModelError
from schemas.line import one_line
from schemas.subjects import Space
from schemas.topology import TopologyError, load
from services.gateway.service import ANY_PORT, gateway, listen, url_of
from services.hosting import NAMES, WITH_MODELS, build, check_files, inference, models_of
from services.runtime.connection import FLAGS, resolve
from services.runtime.lifecycle import Deployment, Service, run
from services.runtime.limits import load_limits
from services.runtime.logging import LogLevelError, configure
from services.runtime.loop import new_event_loop
from services.runtime.telemetry.process import observing
from services.runtime.wire import BusError

GATEWAY = "gateway"


def main() -> int:
    """Run until a signal comes; 0 when stopped in order, 1 when it can't run."""
    parser = argparse.ArgumentParser(prog="python -m services", description=__doc__)
    parser.add_argument("name", choices=(*NAMES, GATEWAY))
    for setting in FLAGS:
        told = f"{setting.help} [env: {setting.variable}]" if setting.variable else setting.help
        parser.add_argument(setting.flag, dest=setting.name, metavar=setting.metavar, help=told)
    parser.add_argument("--topology", default="topology.json", type=Path, metavar="FILE")
    parser.add_argument("--node", action="append", default=[], metavar="ID", help="only this node; may be repeated")
    parser.add_argument("--prefix", default="dellm", help="first token of every subject")
    parser.add_argument("--replicas", type=int, help="copies of the stream in a NATS cluster")
    parser.add_argument(
        "--canaries", default=0.0, type=float, metavar="RATE", help="trainer: known-answer questions asked a query"
    )
    parser.add_argument(
        "--run-code", action="store_true", help="node: run the examples of a request for code, confined"
    )
    parser.add_argument(
        "--node-keys", type=Path, metavar="FILE", help="assembler: count only votes signed with a key of this file"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="limits of the deployment, in JSON or TOML")
    parser.add_argument("--max-in-flight", type=int, metavar="N", help="queries at once")
    parser.add_argument("--stream-max-bytes", type=int, metavar="BYTES", help="what the stream may hold")
    parser.add_argument("--stream-max-age", type=float, metavar="SECONDS", help="how long the stream keeps a message")
    parser.add_argument("--max-fan-out", type=int, metavar="N", help="decomposer: nodes asked for one chunk at most")
    parser.add_argument("--min-confidence", type=float, metavar="P", help="decomposer: how sure an answer is at least")
    parser.add_argument(
        "--ledger-days", type=float, metavar="DAYS", help="how long queries are on record; 0: not at all"
    )
    parser.add_argument("--ledger-max-bytes", type=int, metavar="BYTES", help="what the record may hold")
    parser.add_argument(
        "--text", action=argparse.BooleanOptionalAction, default=None, help="keep texts on record, or hashes of them"
    )
    parser.add_argument("--max-tokens", type=int, metavar="N", help="decomposer: tokens of a generation at most")
    parser.add_argument("--max-per-client", type=int, metavar="N", help="decomposer: queries of one client at once")
    parser.add_argument("--http", default=ANY_PORT, metavar="HOST:PORT", help="gateway: where it is served")
    parser.add_argument(
        "--cors-origin", action="append", default=[], metavar="URL", help="gateway: whose pages may ask"
    )
    parser.add_argument(
        "--metrics", metavar="HOST:PORT", help="where Prometheus finds the figures; a port alone: loopback"
    )
    parser.add_argument("--otel", action="store_true", help="send traces and metrics by OTLP, as OTEL_* variables say")
    arguments = parser.parse_args()
    if not 0 <= arguments.canaries <= 1:
        parser.error("--canaries RATE must lie in 0 to 1")
    try:
        configure(for_good=True)
        limits = load_limits(
            arguments.config,
            max_in_flight=arguments.max_in_flight,
            stream_max_bytes=arguments.stream_max_bytes,
            stream_max_age_s=arguments.stream_max_age,
            max_fan_out=arguments.max_fan_out,
            min_confidence=arguments.min_confidence,
            ledger_days=arguments.ledger_days,
            ledger_max_bytes=arguments.ledger_max_bytes,
            ledger_text=arguments.text,
            max_tokens=arguments.max_tokens,
            max_per_client=arguments.max_per_client,
        )
        space = Space(arguments.prefix)
        connection = resolve({setting.name: getattr(arguments, setting.name) for setting in FLAGS})
        if connection is None:
            parser.error("give --nats URL or --context NAME, or set NATS_URL")
        with (
            observing(f"dellm-{arguments.name}", metrics=arguments.metrics, otel=arguments.otel) as telemetry,
            asyncio.Runner(loop_factory=new_event_loop) as runner,
        ):
            deployment = Deployment(
                url=connection, space=space, replicas=arguments.replicas, limits=limits, telemetry=telemetry
            )
            if arguments.name == GATEWAY:
                runner.run(_serve(arguments.http, arguments.cors_origin, deployment))
            else:
                runner.run(_run(arguments, deployment))
    except (BusError, ModelError, TopologyError, LogLevelError, ValueError) as error:
        print(f"{arguments.name}: {one_line(error)}", file=sys.stderr)  # noqa: T201  # the one line that a user reads
        return 1
    return 0


async def _run(arguments: argparse.Namespace, deployment: Deployment) -> None:
    async with AsyncExitStack() as stack:
        topology = load(arguments.topology) if arguments.name in WITH_MODELS else None
        if topology is not None:
            needed = models_of(topology, arguments.topology.parent, [arguments.name], arguments.node)
            check_files(needed)  # before anything is started
        engine = await stack.enter_async_context(inference(topology, needed)) if topology is not None else None
        services = build(
            topology,
            arguments.topology.parent,
            engine,
            names=[arguments.name],
            nodes=arguments.node,
            canary_rate=arguments.canaries,
            run_code=arguments.run_code,
            limits=deployment.limits,
            node_keys=arguments.node_keys,
        )
        await run(services, deployment)


async def _serve(address: str, origins: list[str], deployment: Deployment) -> None:
    with listen(address) as listening:

        def tell() -> None:
            print(url_of(listening), flush=True)  # noqa: T201  # the one line that a user, or a script, reads

        await run([Service(GATEWAY, partial(gateway, listening=listening, origins=origins))], deployment, tell)


if __name__ == "__main__":
    sys.exit(main())
