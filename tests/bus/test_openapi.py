"""The document that the gateway serves, and the gateway held to it by requests that schemathesis makes."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok
from schemathesis.generation.modes import GenerationMode

from schemas.subjects import Space
from services.runtime.server import EmbeddedServer
from tests.door import served
from tests.support import ScriptedEngine, saying

NUM_EXAMPLES = 12
LEFT_OUT = {
    "positive_data_acceptance",  # not all that is refused can be said in a schema: that the last message is the user's
    "missing_required_header",
}


async def test_every_route_is_described(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine()) as (url, _), httpx.AsyncClient() as client:
        document = (await client.get(f"{url}/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert {"/v1/chat/completions", "/v1/responses/{id}", "/query", "/metrics", "/nodes"} <= document["paths"].keys()
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["summary"]
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                jsonschema.Draft202012Validator.check_schema({**schema, "components": document["components"]})


@pytest.mark.parametrize("mode", list(GenerationMode))
async def test_the_gateway_does_as_its_document_says(
    server: EmbeddedServer, space: Space, mode: GenerationMode
) -> None:
    engine = ScriptedEngine(saying("Lima."))
    async with served(server, space, engine, max_in_flight=1000) as (url, _):
        failures = await asyncio.to_thread(hold, f"{url}/openapi.json", mode)
    assert not failures, "\n\n".join(failures)


def hold(address: str, mode: GenerationMode) -> list[str]:
    """Send requests to every route; tell what is not as it should be."""
    schema = schemathesis.openapi.from_url(address)
    checks: list[Any] = [check for check in CHECKS.get_all() if check.__name__ not in LEFT_OUT]
    failures = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        try:
            strategy = operation.as_strategy(generation_mode=mode)

            @given(case=strategy)
            @settings(
                max_examples=NUM_EXAMPLES,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            def send(case: schemathesis.Case[Any]) -> None:
                case.call_and_validate(checks=checks, timeout=30)

            send()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # there is nothing that could be wrong with it
        except Exception as error:  # noqa: BLE001  each failure is told, whatever it is
            failures.append(f"{operation.label}: {error}")
    return failures
