"""The options that say how the text is drawn and what governs it, as fields of a query."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import reduce, wraps
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

R = TypeVar("R")


def generation_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add --system, --model, --max-tokens, --temperature, --top-p, --seed, --stop, --json-object and --json-schema.

    They come as one `generation`: fields of a query; `system` is among them, for the caller to make a turn of.
    """

    @wraps(command)
    def with_generation(
        *,
        system: str | None,
        model: str | None,
        max_tokens: int | None,
        temperature: float | None,
        top_p: float | None,
        seed: int | None,
        stop: tuple[str, ...],
        json_object: bool,
        json_schema: Path | None,
        **rest: Any,
    ) -> R:
        given: dict[str, Any] = {
            "system": system,
            "model": model,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "seed": seed,
            "stop": list(stop) or None,
            "response_format": _form(json_schema, wanted=json_object),
            "local_time": datetime.now().astimezone().isoformat(timespec="minutes"),
        }
        return command(generation={key: value for key, value in given.items() if value is not None}, **rest)

    options = (
        click.option("--system", metavar="TEXT", help="A system prompt, for every model that answers."),
        click.option("--model", metavar="NAME", help="Ask this model of the pool alone; `dellm status` names them."),
        click.option("--max-tokens", type=int, help="At most so many tokens a generation."),
        click.option("--temperature", type=float, help="0 is greedy; else the models' makers' advice is the default."),
        click.option("--top-p", type=float, help="Draw from the likeliest tokens that have this share."),
        click.option("--seed", type=int, help="The same seed draws the same text."),
        click.option("--stop", multiple=True, metavar="TEXT", help="End before this text; up to four times."),
        click.option("--json-object", is_flag=True, help="The answer is a JSON object."),
        click.option(
            "--json-schema",
            type=click.Path(path_type=Path, dir_okay=False),
            help="The answer is JSON by this schema.",
        ),
    )
    return reduce(lambda decorated, option: option(decorated), reversed(options), with_generation)


def _form(schema: Path | None, *, wanted: bool) -> dict[str, Any] | None:
    if schema is None:
        return {"type": "json_object"} if wanted else None
    try:
        return {"type": "json_schema", "schema": msgspec.json.decode(schema.read_bytes(), type=dict[str, Any])}
    except OSError as error:
        raise click.UsageError(f"--json-schema: {schema}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise click.UsageError(f"--json-schema: {schema}: {error}") from None
