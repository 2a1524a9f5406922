"""The page in headless Chromium, where there is one: Debian's, or any that `CHROMIUM` names."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT_MS = 20_000


def find_chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("there is no Chromium here, so the page is not tested: install chromium, or set CHROMIUM")
    expect.set_options(timeout=WAIT_MS)
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=path, args=flags)
        yield launched
        await launched.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A tab in which nothing may go wrong unseen: an error of a script, or what the policy refused, fails the test."""
    context = await browser.new_context()
    context.set_default_timeout(WAIT_MS)
    tab, faults = await context.new_page(), list[str]()
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda message: faults.append(message.text) if is_fault(message.type, message.text) else None)
    yield tab
    await context.close()
    assert faults == []


def is_fault(kind: str, text: str) -> bool:
    return kind == "error" and not text.startswith("Failed to load resource")  # the page tells those itself
