"""Who may import whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(path for folder in ("schemas", "services", "models") for path in (ROOT / folder).rglob("*.py"))
SERVICES = ("decomposer", "node", "assembler", "synthesizer", "trainer", "gateway")
HTTP = ("starlette", "uvicorn")
TELEMETRY = ("prometheus_client", "opentelemetry")
PURE = (
    "services.decomposer.cutting",
    "services.gateway.census",
    "services.gateway.chat",
    "services.gateway.choices",
    "services.gateway.completion",
    "services.gateway.errors",
    "services.gateway.origin",
    "services.gateway.progress",
    "services.gateway.reading",
    "services.gateway.responses.request",
    "services.gateway.responses.resource",
    "services.gateway.responses.script",
    "services.gateway.tools",
    "services.decomposer.route",
    "services.kinds",
    "services.assembler.assembly",
    "services.assembler.outcome",
    "services.assembler.receipts",
    "services.assembler.seal",
    "services.decomposer.conversation",
    "services.synthesizer.notes",
    "services.synthesizer.check",
    "services.synthesizer.merge",
    "services.trainer.fitness",
    "services.ledger",
    "services.trainer.judgement",
    "services.trainer.questions",
    "services.trainer.refit",
    "services.language",
    "services.voting",
    "services.checks",
    "services.language",
    "services.evaluation",
    "services.receipts",
)
EDGES = {  # all other modules of the services decide, and touch nothing outside
    *("services.__main__", "services.hosting"),
    *(f"services.decomposer.{name}" for name in ("admission", "cut_in_time", "intake", "overdue", "recall", "replan")),
    *(f"services.decomposer.{name}" for name in ("roster", "service")),
    "services.assembler.service",
    *(f"services.node.{name}" for name in ("request", "service", "work")),
    "services.synthesizer.service",
    *(f"services.trainer.{name}" for name in ("canary", "records", "service")),
}
EDGE_ROOMS = ("services.runtime", "services.cli", "services.gateway")
OUTSIDE = (
    *("asyncio", "threading", "concurrent", "multiprocessing", "subprocess", "signal", "socket", "ctypes"),
    *("nats", "llama_cpp", "click", *HTTP, *TELEMETRY),
)
IMPURE = ("asyncio", "nats", "services.runtime", "models", "socket", "subprocess")


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)  # which may be a module, too


def inside(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


IMPORTS = {name_of(path).removesuffix(".__init__"): set(imports_of(path)) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_import_rules(path: Path) -> None:
    name = name_of(path)
    for imported in imports_of(path):
        ours = inside(imported, "schemas", "services", "models")
        if inside(name, "schemas"):
            assert inside(imported, "schemas") or not ours, f"schemas imports {imported}"
            assert not inside(imported, "nats", "structlog", "llama_cpp"), f"schemas imports {imported}"
        if inside(name, "models"):
            assert inside(imported, "models") or not ours, f"models imports {imported}"
        if inside(imported, "nats"):
            assert inside(name, "services.runtime"), f"{name} imports nats"
        if inside(imported, "llama_cpp"):
            assert inside(name, "models"), f"{name} imports llama_cpp"
        for service in SERVICES:
            if inside(name, f"services.{service}"):
                others = [f"services.{other}" for other in (*SERVICES, "cli") if other != service]
                assert not inside(imported, *others), f"{name} imports another service: {imported}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_rooms_that_services_stand_on_know_no_service(path: Path) -> None:
    name = name_of(path)
    for imported in imports_of(path):
        ours = inside(imported, "schemas", "services", "models")
        if inside(
            name, *(f"services.{room}" for room in ("runtime", "kinds", "checks", "language", "voting", "receipts"))
        ):
            assert not inside(imported, *(f"services.{service}" for service in (*SERVICES, "cli"))), (
                f"{name}: {imported}"
            )
        if inside(name, "services.checks"):
            assert inside(imported, "services.checks", "services.language") or not ours, f"{name} imports {imported}"


@pytest.mark.parametrize("framework", HTTP)
def test_only_the_gateway_speaks_http(framework: str) -> None:
    users = {name_of(path) for path in FILES if any(inside(module, framework) for module in imports_of(path))}
    assert users
    assert all(inside(name, "services.gateway") for name in users)


@pytest.mark.parametrize("library", TELEMETRY)
def test_only_telemetry_knows_what_it_is_sent_by(library: str) -> None:
    users = {name_of(path) for path in FILES if any(inside(each, library) for each in imports_of(path))}
    assert users
    assert all(inside(name, "services.runtime.telemetry") for name in users)


@pytest.mark.parametrize(
    ("module", "files"),
    [
        ("llama_cpp", {"models.native", "models.quantizer"}),
        ("models.native", {"models.gguf", "models.gpu", "models.llama", "models.runner"}),
        ("httpx", {"models.remote", "models.server"}),
    ],
)
def test_what_stands_in_few_files(module: str, files: set[str]) -> None:
    assert {name_of(path) for path in FILES if any(inside(imported, module) for imported in imports_of(path))} == files


def test_files_stay_readable() -> None:
    long = {name_of(path): n for path in FILES if (n := len(path.read_text().splitlines())) > 300}
    assert not long, f"files over 300 lines: {long}"


def reached_from(name: str) -> set[str]:
    """List all that a module imports, also by way of others."""
    reached, waiting = set[str](), {name}
    while waiting:
        module = waiting.pop()
        reached.add(module)
        waiting |= IMPORTS.get(module, set()) - reached
    return reached


def test_what_is_pure_imports_nothing_impure_by_way_of_others() -> None:
    for name in IMPORTS:
        if inside(name, *PURE):
            impure = {module for module in reached_from(name) if inside(module, *IMPURE)}
            assert not impure, f"{name} is pure, yet reaches {impure}"


def test_every_module_is_pure_or_known_as_an_edge() -> None:
    ours = {name for name in IMPORTS if inside(name, "services", "schemas") and not inside(name, *EDGE_ROOMS)}
    touching = {name for name in ours if any(inside(module, *OUTSIDE) for module in reached_from(name))}
    assert touching - EDGES == set(), "make it pure, or add it to EDGES"
    assert EDGES - touching == set(), "it is pure now, or gone: take it out of EDGES"


def test_what_is_listed_exists() -> None:
    for name in (*PURE, *EDGES, *EDGE_ROOMS):
        assert name in IMPORTS, f"there is no {name}"


def test_no_service_reaches_another_by_way_of_others() -> None:
    for name in IMPORTS:
        for service in SERVICES:
            if inside(name, f"services.{service}"):
                others = [f"services.{other}" for other in (*SERVICES, "cli", "hosting") if other != service]
                met = {module for module in reached_from(name) if inside(module, *others)}
                assert not met, f"{name} reaches {met}"
