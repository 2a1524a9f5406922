// Markdown as nodes, block by block.  A block whose source has not changed keeps its nodes while a text grows.

import { copy, h } from "./dom.js";
import { inline } from "./inline.js";

const MAX_DEPTH = 5;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^(\s{0,8})([-*+]|\d{1,9}[.)])(\s+)(?=\S)/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

export function showMarkdown(container, text) {
  const blocks = split(text.replace(/\r\n?/g, "\n").split("\n"), 0);
  const old = container.shown ?? [];
  const kept = [];
  blocks.forEach((block, place) => {
    const before = old[place];
    kept.push(before?.source === block.source && before.type === block.type ? before : { ...block, node: block.build() });
  });
  container.shown = kept;
  const nodes = kept.map((block) => block.node);
  nodes.forEach((node, place) => {
    const there = container.childNodes[place];
    if (there !== node) there ? container.replaceChild(node, there) : container.append(node);
  });
  while (container.childNodes.length > nodes.length) container.lastChild.remove();
}

function build(lines, depth) {
  return split(lines, depth).map((block) => block.build());
}

function split(lines, depth) {
  const blocks = [];
  let at = 0;
  const add = (type, end, make) => {
    const source = lines.slice(at, end).join("\n");
    blocks.push({ type, source, build: make });
    at = end;
  };
  while (at < lines.length) {
    const line = lines[at];
    if (!line.trim()) {
      at += 1;
      continue;
    }
    const fence = FENCE.exec(line);
    if (fence) {
      const end = fenceEnd(lines, at, fence[1]);
      const body = lines.slice(at + 1, end.closed ? end.at - 1 : end.at);
      add("code", end.at, () => code(body.join("\n"), fence[2]));
      continue;
    }
    const heading = HEADING.exec(line);
    if (heading) {
      add("heading", at + 1, () => h(`h${Math.min(6, heading[1].length + 2)}`, {}, ...inline(heading[2])));
    } else if (RULE.test(line)) {
      add("rule", at + 1, () => h("hr"));
    } else if (depth < MAX_DEPTH && QUOTE.test(line)) {
      const end = until(lines, at, (next) => !QUOTE.test(next));
      const body = lines.slice(at, end).map((next) => next.replace(QUOTE, ""));
      add("quote", end, () => h("blockquote", {}, ...build(body, depth + 1)));
    } else if (depth < MAX_DEPTH && ITEM.test(line)) {
      const end = listEnd(lines, at);
      const body = lines.slice(at, end);
      add("list", end, () => list(body, depth));
    } else if (line.includes("|") && DIVIDER.test(lines[at + 1] ?? "") && (lines[at + 1] ?? "").includes("-")) {
      const end = until(lines, at + 2, (next) => !next.includes("|"));
      const body = lines.slice(at, end);
      add("table", end, () => table(body));
    } else {
      const end = until(lines, at + 1, (next, place) => !next.trim() || begins(lines, place, depth));
      const body = lines.slice(at, end).map((next) => next.trimStart()).join("\n");
      add("paragraph", end, () => h("p", {}, ...inline(body.replace(/ *$/, ""))));
    }
  }
  return blocks;
}

function begins(lines, place, depth) {
  const line = lines[place];
  if (FENCE.test(line) || HEADING.test(line) || RULE.test(line)) return true;
  return depth < MAX_DEPTH && (QUOTE.test(line) || ITEM.test(line));
}

function until(lines, from, stops) {
  let at = from;
  while (at < lines.length && !stops(lines[at], at)) at += 1;
  return at;
}

function fenceEnd(lines, from, mark) {
  for (let at = from + 1; at < lines.length; at += 1) {
    const line = lines[at].trim();
    if (line.length >= mark.length && line === mark[0].repeat(line.length)) return { at: at + 1, closed: true };
  }
  return { at: lines.length, closed: false };
}

function listEnd(lines, from) {
  let at = from + 1;
  let fence = null;
  while (at < lines.length) {
    const line = lines[at];
    const indented = /^\s{2,}\S/.test(line);
    const mark = FENCE.exec(line.trimStart());
    if (mark) fence = fence ? null : indented ? mark[1] : null;
    if (!fence && line.trim() && !indented && !ITEM.test(line)) {
      if (!lines[at - 1].trim() || begins(lines, at, 0)) break;
    }
    if (!fence && !line.trim() && !/^\s{2,}\S/.test(lines[at + 1] ?? "") && !ITEM.test(lines[at + 1] ?? "")) break;
    at += 1;
  }
  return at;
}

function list(lines, depth) {
  const [, indent, mark] = ITEM.exec(lines[0]);
  const ordered = /\d/.test(mark);
  const items = [];
  for (const line of lines) {
    const found = ITEM.exec(line);
    if (found && found[1].length <= indent.length + 1 && /\d/.test(found[2]) === ordered) {
      items.push({ width: found[0].length, lines: [line.slice(found[0].length)] });
    } else {
      const item = items.at(-1);
      const space = /^\s*/.exec(line)[0].length;
      item.lines.push(line.slice(Math.min(space, item.width)));
    }
  }
  const entries = items.map((item) => {
    const nodes = build(item.lines, depth + 1);
    return h("li", {}, ...nodes.flatMap((node) => (node.tagName === "P" && nodes.filter((other) => other.tagName === "P").length === 1 ? [...node.childNodes] : [node])));
  });
  const start = Number.parseInt(mark, 10);
  return h(ordered ? "ol" : "ul", ordered && start !== 1 ? { start } : {}, ...entries);
}

function table(lines) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, "|"));
  const aligned = cells(lines[1]).map((cell) => (cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "end") : "start"));
  const row = (line, tag) => h("tr", {}, ...cells(line).map((cell, place) => h(tag, { class: `to-${aligned[place] ?? "start"}` }, ...inline(cell))));
  const body = lines.slice(2).map((line) => row(line, "td"));
  return h("div", { class: "wide", tabindex: "0", role: "group", "aria-label": "Table" }, h("table", {}, h("thead", {}, row(lines[0], "th")), h("tbody", {}, ...body)));
}

function code(text, language) {
  const button = h("button", { type: "button", class: "quiet", onclick: () => copy(text, button) }, "Copy");
  return h(
    "figure",
    { class: "code" },
    h("figcaption", {}, h("span", {}, language || "text"), button),
    h("pre", { tabindex: "0" }, h("code", {}, text)),
  );
}
