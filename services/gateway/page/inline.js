// Inline Markdown as nodes: code, emphasis, links, line breaks.  Links lead to the web or to mail, nowhere else.

import { h } from "./dom.js";

const MAX_DEPTH = 8;
const ESCAPED = /^\\([!-/:-@[-`{-~])/;
const LINK = /^\[([^[\]]{1,500})\]\(\s*<?([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?:\s+"[^"\n]{0,300}")?\s*\)/;
const ADDRESS = /^<?(https?:\/\/[^\s<>"'`]{1,2000})>?/;
const PLAIN = /^[^\\`*_~[<\nh!]+/;
const DELIMITERS = [["**", "strong"], ["__", "strong"], ["~~", "s"], ["*", "em"], ["_", "em"]];
const WORD = /[\p{L}\p{N}]/u;

export function inline(text, depth = 0) {
  const nodes = [];
  const missing = new Set(); // delimiters that do not occur again: looked for once
  let plain = "";
  let at = 0;
  const flush = () => {
    if (plain) nodes.push(document.createTextNode(plain));
    plain = "";
  };
  const push = (node, length) => {
    flush();
    nodes.push(node);
    at += length;
  };
  while (at < text.length) {
    const rest = text.slice(at, at + 3000);
    const run = PLAIN.exec(rest);
    if (run) {
      plain += run[0];
      at += run[0].length;
      continue;
    }
    const first = rest[0];
    const before = text[at - 1] ?? " ";
    if (first === "\n") {
      plain = plain.replace(/ +$/, "");
      push(h("br"), 1);
    } else if (first === "\\" && ESCAPED.test(rest)) {
      plain += rest[1];
      at += 2;
    } else if (first === "`" && takeCode(text, at, missing, push)) {
      continue;
    } else if ((first === "[" || (first === "!" && rest[1] === "[")) && depth < MAX_DEPTH && takeLink(rest, push, depth)) {
      continue;
    } else if ((first === "<" || (first === "h" && !WORD.test(before))) && takeAddress(rest, push)) {
      continue;
    } else if ("*_~".includes(first) && depth < MAX_DEPTH && takeEmphasis(text, at, missing, push, depth)) {
      continue;
    } else {
      plain += first;
      at += 1;
    }
  }
  flush();
  return nodes;
}

function takeCode(text, at, missing, push) {
  const fence = /^`+/.exec(text.slice(at, at + 64))[0];
  if (missing.has(fence)) return false;
  let end = text.indexOf(fence, at + fence.length);
  while (end >= 0 && text[end + fence.length] === "`") {
    let past = end + fence.length;
    while (text[past] === "`") past += 1;
    end = text.indexOf(fence, past);
  }
  if (end < 0) {
    missing.add(fence);
    return false;
  }
  const inside = text.slice(at + fence.length, end).replace(/\n/g, " ");
  const trimmed = /^ .*\S.* $/.test(inside) ? inside.slice(1, -1) : inside;
  push(h("code", {}, trimmed), end + fence.length - at);
  return true;
}

function takeLink(rest, push, depth) {
  const skip = rest[0] === "!" ? 1 : 0; // a picture would be fetched from elsewhere: it is shown as a link
  const found = LINK.exec(rest.slice(skip));
  if (!found) return false;
  const target = safe(found[2]);
  const label = inline(found[1], depth + 1);
  push(target ? anchor(target, label) : h("span", {}, ...label), skip + found[0].length);
  return true;
}

function takeAddress(rest, push) {
  const found = ADDRESS.exec(rest);
  if (!found) return false;
  const written = found[1].replace(/[.,;:!?)\]*_~]+$/, "");
  const target = safe(written);
  if (!target) return false;
  const whole = rest[0] === "<" && found[0].endsWith(">") ? found[0].length : written.length;
  if (rest[0] === "<" && whole === written.length) return false;
  push(anchor(target, [written]), whole);
  return true;
}

function takeEmphasis(text, at, missing, push, depth) {
  for (const [mark, tag] of DELIMITERS) {
    if (!text.startsWith(mark, at) || missing.has(mark)) continue;
    const from = at + mark.length;
    if (!text[from] || /\s/.test(text[from])) return false;
    if (mark[0] === "_" && WORD.test(text[at - 1] ?? " ")) return false;
    const end = closing(text, from, mark);
    if (end < 0) {
      missing.add(mark);
      continue;
    }
    push(h(tag, {}, ...inline(text.slice(from, end), depth + 1)), end + mark.length - at);
    return true;
  }
  return false;
}

function closing(text, from, mark) {
  let end = text.indexOf(mark, from + 1);
  while (end >= 0) {
    const after = text[end + mark.length] ?? " ";
    const tight = !/\s/.test(text[end - 1]) && text[end - 1] !== "\\";
    const alone = mark.length > 1 || (after !== mark && text[end - 1] !== mark);
    if (tight && alone && !(mark[0] === "_" && WORD.test(after))) return end;
    end = text.indexOf(mark, end + 1);
  }
  return -1;
}

function anchor(target, children) {
  return h("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

export function safe(target) {
  try {
    const url = new URL(target);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
