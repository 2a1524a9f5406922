"""People at the page: a real browser, gateway and nats-server; only what the models say is scripted."""

from __future__ import annotations

import asyncio
from functools import partial

import httpx
from playwright.async_api import Page, expect

from models.engine import Request
from schemas.keys import hash_key
from schemas.records import ApiKey
from schemas.subjects import FEEDBACK, KEY, Space
from services.gateway.service import ANY_PORT, gateway, listen, url_of
from services.runtime.lifecycle import Service
from services.runtime.server import EmbeddedServer
from services.runtime.wire import Entry
from tests.door import served
from tests.support import Gate, ScriptedEngine, cluster, saying, wait_until

NAMELESS = "[...document.querySelectorAll('button')].filter((one) => !(one.ariaLabel || one.textContent.trim())).length"
PERU = "What is the capital of Peru?"
TWO = "What is 15% of 240, and what is the capital of Peru?"


async def ask(page: Page, url: str, question: str) -> None:
    await page.goto(url)
    await page.get_by_label("Your question").fill(question)
    await page.keyboard.press("Enter")


async def test_votes_arrive_while_one_waits(server: EmbeddedServer, space: Space, page: Page) -> None:
    gate = Gate(saying("Lima."))
    async with served(server, space, ScriptedEngine(gate), ("n1", "n2")) as (url, _):
        await ask(page, url, PERU)
        part = page.get_by_label("Part 1", exact=True)
        await expect(part).to_contain_text(PERU)
        await expect(part.locator(".voter.waiting")).to_contain_text("thinking")
        await expect(page.locator("#pool")).to_contain_text("2 nodes, 1 busy")
        await expect(page.get_by_role("button", name="Stop")).to_be_visible()
        gate.opened.set()
        await expect(page.locator(".answer")).to_have_text("Lima.")
        await expect(part.locator(".voter.won")).to_contain_text("Lima")
        await expect(part.get_by_role("meter")).to_have_count(1)
        await expect(page.locator("#pool")).to_have_text("2 nodes")
        await expect(page.locator("#nodes details")).to_have_count(2)


async def test_an_answer_of_several_parts(server: EmbeddedServer, space: Space, page: Page) -> None:
    async with served(server, space, ScriptedEngine(saying("Lima."))) as (url, _):
        await ask(page, url, TWO)
        await expect(page.locator(".turn[data-state=complete] .receipt")).to_contain_text("2 parts")
        await expect(page.locator(".part")).to_have_count(2)
        await expect(page.locator(".part").first).to_contain_text("calculator")


async def test_feedback_reaches_the_trainer(server: EmbeddedServer, space: Space, page: Page) -> None:
    async with served(server, space, ScriptedEngine(saying("Cusco."))) as (url, deployed):
        await ask(page, url, PERU)
        part = page.get_by_label("Part 1", exact=True)
        await part.get_by_role("button", name="Give the right answer to part 1").click()
        await part.get_by_label("The right answer to part 1", exact=True).fill("Lima")
        await page.keyboard.press("Enter")
        await expect(part).to_contain_text("Thank you")
        id_ = await page.evaluate("JSON.parse(sessionStorage.getItem('dellm.conversation'))[0].id")
        told = await deployed.bus.last(FEEDBACK, id=id_)
        assert told is not None
        assert told.message.answer == "Lima"
        await page.get_by_role("button", name="The answer is bad").click()
        await expect(page.locator(".foot")).to_contain_text("Thank you")


async def test_stop_stops_the_engine(server: EmbeddedServer, space: Space, page: Page) -> None:
    gate = Gate()
    engine = ScriptedEngine(gate)
    async with served(server, space, engine) as (url, _):
        await ask(page, url, PERU)
        await asyncio.wait_for(gate.reached.wait(), 20)
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator(".turn")).to_contain_text("Stopped.")
        await wait_until(lambda: engine.cancelled > 0, "the engine stops", within_s=10)
        gate.opened.set()
        await page.get_by_role("button", name="Ask again").click()
        await expect(page.locator(".turn[data-state=complete]")).to_be_visible()


async def test_a_closed_tab_stops_the_engine(server: EmbeddedServer, space: Space, page: Page) -> None:
    gate = Gate()
    engine = ScriptedEngine(gate)
    async with served(server, space, engine) as (url, _):
        await ask(page, url, PERU)
        await asyncio.wait_for(gate.reached.wait(), 20)
        await page.close()
        await wait_until(lambda: engine.cancelled > 0, "the engine stops", within_s=10)


async def test_a_reload_in_the_middle_goes_on(server: EmbeddedServer, space: Space, page: Page) -> None:
    gate = Gate(saying("Lima."))
    async with served(server, space, ScriptedEngine(gate)) as (url, _):
        await ask(page, url, PERU)
        await asyncio.wait_for(gate.reached.wait(), 20)
        await page.reload()
        await expect(page.locator(".voter.waiting")).to_be_visible()
        gate.opened.set()
        await expect(page.locator(".answer")).to_have_text("Lima.")
        await page.reload()
        await expect(page.locator(".answer")).to_have_text("Lima.")
        await expect(page.locator(".question")).to_have_count(1)


async def test_a_page_that_was_away_too_long_asks_again(server: EmbeddedServer, space: Space, page: Page) -> None:
    gate = Gate(saying("Lima."))
    engine = ScriptedEngine(gate)
    async with served(server, space, engine) as (url, _):
        await ask(page, url, PERU)
        await asyncio.wait_for(gate.reached.wait(), 20)
        await page.goto(f"{url}/livez")
        await wait_until(lambda: engine.cancelled > 0, "the query is cancelled", within_s=10)
        await page.goto(url)
        gate.opened.set()
        await expect(page.locator(".answer")).to_have_text("Lima.")


async def test_a_gateway_that_comes_back_goes_on(server: EmbeddedServer, space: Space, page: Page) -> None:
    gate = Gate(saying("Lima."))
    engine = ScriptedEngine(gate)
    with listen(ANY_PORT) as listening:
        door = Service("gateway", partial(gateway, listening=listening))
        async with cluster(server.url, space, nodes=("n1",), engine=engine) as deployed:
            await deployed.start(door)
            await ask(page, url_of(listening), PERU)
            await asyncio.wait_for(gate.reached.wait(), 20)
            await deployed.stop("gateway")
            await deployed.start(door)
            gate.opened.set()
            await expect(page.locator(".answer")).to_have_text("Lima.")
    assert engine.cancelled == 0


async def test_what_was_said_before_is_sent_along(server: EmbeddedServer, space: Space, page: Page) -> None:
    engine = ScriptedEngine(saying("Lima."))
    async with served(server, space, engine) as (url, _):
        await ask(page, url, PERU)
        await expect(page.locator(".turn[data-state=complete]")).to_have_count(1)
        await page.get_by_label("Your question").fill("How many people live there?")
        await page.keyboard.press("Enter")
        await expect(page.locator(".turn[data-state=complete]")).to_have_count(2)
    assert [turn.content for turn in engine.asked[-1].messages if turn.role == "assistant"] == ["Lima."]


async def test_why_there_is_no_answer(server: EmbeddedServer, space: Space, page: Page) -> None:
    async def fall(request: Request) -> str:
        raise RuntimeError(request.caller)

    async with served(server, space, ScriptedEngine(fall)) as (url, _):
        await ask(page, url, PERU)
        await expect(page.get_by_role("alert")).to_be_visible()
        await expect(page.get_by_role("button", name="Ask again")).to_be_visible()
        await expect(page.locator(".voter.failed")).to_have_count(1)


async def test_a_partial_answer_says_what_is_missing(server: EmbeddedServer, space: Space, page: Page) -> None:
    async def halve(request: Request) -> str:
        if "Peru" in request.messages[-1].content:
            raise RuntimeError("no")
        return "36"

    async with served(server, space, ScriptedEngine(halve)) as (url, _):
        await ask(page, url, TWO)
        await expect(page.locator(".turn[data-state=partial] .banner")).to_contain_text("what is the capital of Peru")


async def test_what_failed_a_check_and_was_asked_again(server: EmbeddedServer, space: Space, page: Page) -> None:
    said = iter(["Peru is a country."])

    async def improve(request: Request) -> str:
        del request
        return next(said, "Peru has many a llama.")

    async with served(server, space, ScriptedEngine(improve), ("n1", "n2")) as (url, _):
        await ask(page, url, 'Write a sentence about Peru. Include the keyword "llama".')
        await expect(page.locator(".answer")).to_have_text("Peru has many a llama.")
        part = page.get_by_label("Part 1", exact=True)
        await expect(part.locator(".again")).to_contain_text('"llama" does not occur')
        await expect(part.locator(".checks .met")).to_have_count(1)
        await expect(part.locator(".voter.lost")).to_contain_text("Peru is a country.")


async def test_a_key_is_asked_for_and_kept(server: EmbeddedServer, space: Space, page: Page) -> None:
    async with served(server, space, ScriptedEngine(saying("Lima."))) as (url, deployed):
        await deployed.bus.commit(Entry(KEY, ApiKey(name="ann", sha256=hash_key("k1"), created_at=0.0)))
        async with httpx.AsyncClient() as client:

            async def is_in_force() -> bool:
                return (await client.get(f"{url}/nodes")).status_code == 401

            await wait_until(is_in_force, "the key is in force")
        await page.goto(url)
        await page.get_by_label("Key", exact=True).fill("k2")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog")).to_contain_text("not known here")
        await page.get_by_label("Key", exact=True).fill("k1")
        await page.keyboard.press("Enter")
        await expect(page.locator("#pool")).to_have_text("1 node")
        await page.reload()
        await ask(page, url, PERU)
        await expect(page.locator(".answer")).to_have_text("Lima.")
        await expect(page.get_by_role("dialog")).not_to_be_visible()


async def test_a_narrow_screen_and_the_keyboard(server: EmbeddedServer, space: Space, page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 640})
    await page.emulate_media(reduced_motion="reduce", color_scheme="dark")
    nodes = tuple(f"a-node-with-a-rather-long-name-{i}" for i in range(12))
    async with served(server, space, ScriptedEngine(saying("Lima.")), nodes) as (url, _):
        await ask(page, url, PERU)
        receipt = page.locator(".turn[data-state=complete] .receipt")
        await expect(receipt).to_be_visible()
        await expect(page.get_by_label("How it was answered")).not_to_be_in_viewport()
        await receipt.press("Enter")
        await expect(page.get_by_label("How it was answered")).to_be_in_viewport()
        await expect(page.get_by_role("button", name="Close")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.get_by_label("How it was answered")).not_to_be_in_viewport()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await page.evaluate(NAMELESS) == 0
