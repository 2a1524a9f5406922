"""What a model writes, as nodes: it looks as it was meant, and can do nothing."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page

from schemas.subjects import Space
from services.runtime.server import EmbeddedServer
from tests.door import served
from tests.support import ScriptedEngine

HTML = """async (texts) => {
  const { showMarkdown } = await import("/page/markdown.js");
  return texts.map((text) => {
    const place = document.createElement("div");
    showMarkdown(place, text);
    return place.innerHTML;
  });
}"""
STRANGE = """async (texts) => {
  const { showMarkdown } = await import("/page/markdown.js");
  const inlines = "A BR CODE EM S SPAN STRONG BUTTON".split(" ");
  const blocks = "P PRE H3 H4 H5 H6 UL OL LI BLOCKQUOTE HR TABLE THEAD TBODY TR TH TD DIV FIGURE FIGCAPTION".split(" ");
  const fine = new Set([...inlines, ...blocks]);
  const place = document.createElement("div");
  return texts.filter((text) => {
    showMarkdown(place, text);
    return [...place.querySelectorAll("*")].some((node) =>
      !fine.has(node.tagName) ||
      [...node.attributes].some(({ name }) => name.startsWith("on") || name === "src" || name === "style") ||
      (node.tagName === "A" && !/^(https?|mailto):/.test(node.href)));
  });
}"""
GROWN = """async (text) => {
  const { showMarkdown } = await import("/page/markdown.js");
  const grown = document.createElement("div"), whole = document.createElement("div");
  for (let end = 1; end <= text.length; end += 1) showMarkdown(grown, text.slice(0, end));
  const first = grown.firstChild;
  showMarkdown(grown, text + "\\n\\nMore.");
  showMarkdown(whole, text + "\\n\\nMore.");
  return [grown.innerHTML === whole.innerHTML, first === grown.firstChild];
}"""
TOKENS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "[a](https://b.c)",
    "![p](https://e.vil/x.png)", "<https://b.c>", "https://b.c/(d)", "[x](data:text/html,hi)", "mailto:a@b.c",
    "[m](mailto:a@b.c)", "](", "[", "**", "*", "_", "__", "~~", "`", "```", "```js\n", "\n", "\n\n", "  ", "- ", "1. ",
    "> ", "# ", "|", "|---|", "\\", "word", "é", "0", "<", ">", "&lt;", "---", "\t", "'", '"', "(", ")",
    "\u202e", "\x00",
)  # fmt: skip


@pytest.fixture
async def blank(server: EmbeddedServer, space: Space, page: Page) -> AsyncIterator[Page]:
    async with served(server, space, ScriptedEngine(), ()) as (url, _):
        await page.goto(url)
        yield page


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Hi **there**, *you* and `<b>`", "<p>Hi <strong>there</strong>, <em>you</em> and <code>&lt;b&gt;</code></p>"),
        ("snake_case_name 2 * 3 * 4", "<p>snake_case_name 2 * 3 * 4</p>"),
        ("# Title\ntext", "<h3>Title</h3><p>text</p>"),
        ("one\ntwo", "<p>one<br>two</p>"),
        ("- a\n- b\n  - c", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("> said\n> so", "<blockquote><p>said<br>so</p></blockquote>"),
        ("a\n\n---\n\nb", "<p>a</p><hr><p>b</p>"),
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>"),
        ("[x](javascript:alert(1))", "<p><span>x</span></p>"),
        (r"\*no\* ~~gone~~", "<p>*no* <s>gone</s></p>"),
    ],
)
async def test_what_is_meant(blank: Page, text: str, html: str) -> None:
    assert await blank.evaluate(HTML, [text]) == [html]


async def test_links_leave_no_trace(blank: Page) -> None:
    (html,) = await blank.evaluate(HTML, ["See https://a.b/c. And ![p](https://e.vil/x.png)"])
    assert '<a href="https://a.b/c" target="_blank" rel="noopener noreferrer">https://a.b/c</a>. And' in html
    assert "<img" not in html


async def test_code_that_is_not_closed_yet(blank: Page) -> None:
    (html,) = await blank.evaluate(HTML, ["```python\nprint('<b>')"])
    assert "<code>print('&lt;b&gt;')</code>" in html


async def test_nothing_strange_comes_of_anything(blank: Page) -> None:
    draw = random.Random(14)
    texts = ["".join(draw.choices(TOKENS, k=draw.randint(1, 40))) for _ in range(3000)]
    assert await blank.evaluate(STRANGE, texts) == []


async def test_a_growing_text_ends_as_the_whole_one(blank: Page) -> None:
    text = "# A\n\nb *c*\n\n- d\n  - e\n\n```py\nf\n```\n\n| g | h |\n|---|---|\n| i | j |\n\n> k"
    assert await blank.evaluate(GROWN, text) == [True, True]


@pytest.mark.parametrize(
    "token", ["[", "*", "_ ", "`", "**a ", "> ", "- ", "|", "<http", "![", "\\", "~~", "* a\n", "`a ``"]
)
async def test_no_text_takes_long(blank: Page, token: str) -> None:
    started = time.monotonic()
    await blank.evaluate(HTML, [token * (32_000 // len(token))])
    assert time.monotonic() - started < 20
