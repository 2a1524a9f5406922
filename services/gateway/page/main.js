// The page: asks, follows, remembers, and shows.

import { Refused, ask, cancel, listModels, newId, onKeyWanted } from "./api.js";
import { h, percent } from "./dom.js";
import { Nodes } from "./nodes.js";
import { showParts } from "./parts.js";
import { load, save, toQuery } from "./store.js";
import { beginAnew, confidence, fail, isOver, newTurn, progress, take } from "./turn.js";
import { Turns } from "./turns.js";

const EXAMPLES = [
  "What is 15% of 240, and what is the capital of Peru?",
  "A train leaves at 9:40 and arrives at 13:05. How long does it take?",
  "Write a Python function that reverses the words of a sentence.",
];
const MODELS = { dellm: "The pool votes", "dellm-fast": "The best node alone" };
const AWAY_S = 60;
const LOST = "The connection was lost; trying again";
const FULL = "All is taken; waiting for a turn";
const LEFT = "the client went away";

const $ = (id) => document.getElementById(id);
const turns = load();
let selected = turns.at(-1) ?? null;
let running = null; // the turn that is being answered, and what stops listening to it
let drawing = false;

const list = new Turns($("turns"), { select: showVotes, again: askAgain, changed: () => changed(true) });
new Nodes($("nodes"), (nodes) => {
  $("pool-text").textContent = nodes.title;
  $("pool-dot").className = `dot ${nodes.state !== "here" || !nodes.num ? "off" : nodes.numBusy ? "busy" : ""}`;
});

function draw() {
  drawing = false;
  const atEnd = isAtEnd();
  list.show(turns, selected);
  showParts($("parts"), selected, () => changed(true));
  $("empty").hidden = turns.length > 0;
  $("anew").hidden = turns.length === 0;
  $("send").textContent = running ? "Stop" : "Ask";
  $("send").classList.toggle("stop", running !== null);
  $("hint").textContent = running ? "Esc stops" : "Enter sends, Shift+Enter breaks the line";
  document.body.classList.toggle("fresh", turns.length === 0);
  if (atEnd) $("scroller").scrollTop = $("scroller").scrollHeight;
}

function changed(lasting = false) {
  if (lasting) save(turns);
  if (!drawing) {
    drawing = true;
    requestAnimationFrame(draw);
  }
}

function isAtEnd() {
  const { scrollTop, scrollHeight, clientHeight } = $("scroller");
  return scrollHeight - scrollTop - clientHeight < 80;
}

function say(text) {
  if ($("said").textContent !== text) $("said").textContent = text;
}

function begin(question) {
  const turn = newTurn(newId(), question, $("model").value);
  turns.push(turn);
  selected = turn;
  follow(turn);
  changed(true);
  requestAnimationFrame(() => requestAnimationFrame(() => ($("scroller").scrollTop = $("scroller").scrollHeight)));
}

// The same id is answered once: to ask again after a break is to go on.
async function follow(turn) {
  const controller = new AbortController();
  running = { turn, controller };
  const giveUpAt = Date.now() + AWAY_S * 1000;
  let pause = 200;
  let waiting = LOST;
  while (!isOver(turn)) {
    try {
      const query = toQuery(turns, turn);
      let heard = false;
      for await (const event of ask(query, controller.signal)) {
        if (!heard) beginAnew(turn);
        heard = true;
        turn.connection = null;
        if (event.name === "answer" && isLeft(event.data)) {
          turn.id = newId(); // it was cancelled while the page was away: a slow reload, a machine that slept
          break;
        }
        take(turn, event);
        changed();
        say(isOver(turn) ? "" : progress(turn));
      }
    } catch (error) {
      if (isOver(turn)) break;
      if (error instanceof Refused) {
        if (error.status !== 429 && error.status !== 503) fail(turn, "refused", error.message);
        else if (Date.now() > giveUpAt) fail(turn, error.status === 429 ? "overloaded" : "refused", error.message);
        else [waiting, pause] = [error.status === 429 ? FULL : LOST, Math.max(pause, 1000 * (error.retryAfter || 1))];
      } else if (Date.now() > giveUpAt) fail(turn, "refused", "The gateway can't be reached.");
    }
    if (isOver(turn)) break;
    turn.connection = waiting;
    waiting = LOST;
    changed();
    await new Promise((go) => setTimeout(go, pause));
    pause = Math.min(2 * pause, 4000);
  }
  turn.connection = null;
  if (running?.turn === turn) running = null;
  changed(true);
  tellEnd(turn);
}

const isLeft = (reply) => reply.error?.code === "cancelled" && reply.error.message === LEFT;

function tellEnd(turn) {
  const sure = confidence(turn);
  const ends = { complete: "The answer is there", partial: "A partial answer is there", failed: "There is no answer", stopped: "Stopped" };
  say(`${ends[turn.state]}${sure === null ? "" : `, ${percent(sure)} sure`}.`);
}

function stop() {
  if (!running) return;
  const { turn, controller } = running;
  running = null;
  turn.state = "stopped";
  cancel(turn.id).catch(() => {});
  controller.abort();
  changed(true);
}

function askAgain(turn) {
  if (running) return;
  turns.splice(turns.indexOf(turn), 1);
  $("model").value = turn.model;
  begin(turn.question);
}

function showVotes(turn) {
  selected = turn;
  changed();
  openSide(true);
  $("side").scrollTop = 0;
}

function openSide(open) {
  document.body.classList.toggle("side-open", open);
  $("pool").setAttribute("aria-expanded", String(open));
  if (open && isNarrow()) $("close-side").focus();
}

const isNarrow = () => matchMedia("(max-width: 60rem)").matches;

function grow() {
  const field = $("question");
  field.style.setProperty("height", "auto");
  field.style.setProperty("height", `${Math.min(field.scrollHeight, 0.4 * innerHeight)}px`);
}

function submit() {
  if (running) return stop();
  const question = $("question").value.trim();
  if (!question) return $("question").focus();
  $("question").value = "";
  grow();
  begin(question);
}

async function offerModels() {
  const keep = $("model").value || sessionStorage.getItem("dellm.model") || "dellm";
  let names = Object.keys(MODELS);
  try {
    names = await listModels();
  } catch {
    // the two that are always there remain
  }
  $("model").replaceChildren(...names.map((name) => h("option", { value: name }, MODELS[name] ?? name)));
  $("model").value = names.includes(keep) ? keep : "dellm";
}

function wantKey(again) {
  $("key-why").classList.toggle("amiss", again);
  if (again) $("key-why").textContent = "That key is not known here, or was revoked. Give another one.";
  $("key").showModal();
  return new Promise((resolve) => {
    $("key").onclose = () => {
      const given = $("key-value").value.trim();
      $("key-value").value = "";
      resolve(given || null);
    };
  });
}

onKeyWanted(wantKey);
$("key").addEventListener("cancel", (event) => event.preventDefault()); // nothing here works without one
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
$("question").addEventListener("input", grow);
$("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!running) submit();
  }
});
$("model").addEventListener("change", () => sessionStorage.setItem("dellm.model", $("model").value));
$("model").addEventListener("pointerdown", offerModels);
$("anew").addEventListener("click", () => {
  stop();
  turns.length = 0;
  selected = null;
  changed(true);
  $("question").focus();
});
$("pool").addEventListener("click", () => {
  if (isNarrow()) openSide(!document.body.classList.contains("side-open"));
  else $("nodes-title").scrollIntoView({ block: "start", behavior: "smooth" });
});
$("close-side").addEventListener("click", () => {
  openSide(false);
  $("pool").focus();
});
$("main").addEventListener("pointerdown", () => isNarrow() && openSide(false), true);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || $("key").open) return;
  if (document.body.classList.contains("side-open") && isNarrow()) openSide(false);
  else stop();
});
addEventListener("pagehide", () => save(turns));
$("examples").append(...EXAMPLES.map((text) => h("li", {}, h("button", { type: "button", onclick: () => begin(text) }, text))));

offerModels();
draw();
$("scroller").scrollTop = $("scroller").scrollHeight;
if (selected && !isOver(selected)) follow(selected);
