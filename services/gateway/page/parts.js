// How an answer came to be: its parts, who voted for what, how sure, what failed a check and was asked again.

import { arrange, h, icon, iconButton, percent, plural, seconds } from "./dom.js";
import { giveFeedback } from "./api.js";
import { isOver, isVoted, voters } from "./turn.js";

const STATES = {
  won: "won the vote",
  lost: "outvoted",
  in: "is in",
  failed: "has no answer",
  waiting: "thinking",
  missing: "gave no vote",
  spared: "not needed",
};
const KINDS = {
  fact: "fact",
  list: "list",
  sum: "sum",
  problem: "problem",
  choice: "choice",
  compare: "comparison",
  code: "code",
  text: "text",
};

export function showParts(panel, turn, onchange) {
  if (!turn) {
    panel.replaceChildren(h("p", { class: "faint" }, "The parts of an answer and the votes on them appear here."));
    return;
  }
  if (!turn.parts.length) {
    panel.replaceChildren(h("p", { class: "faint" }, isOver(turn) ? "Nothing was voted on." : "The question is being cut into parts."));
    return;
  }
  const cards = turn.parts.map((part) => card(panel, turn, part, onchange));
  arrange(panel, cards);
}

// A card is built anew only when what it shows has changed, so that what is focused and unfolded stays.
function card(panel, turn, part, onchange) {
  const key = `${turn.id}/${part.index}`;
  panel.cards ??= new Map();
  const shown = JSON.stringify([part, turn.told[part.index], isOver(turn), turn.parts.length]);
  const there = panel.cards.get(key);
  if (there?.shown === shown) return there.node;
  const node = build(turn, part, onchange);
  const typed = there?.node.querySelector("input");
  if (typed?.value && node.querySelector("input")) node.querySelector("input").value = typed.value;
  panel.cards.set(key, { shown, node });
  return node;
}

function build(turn, part, onchange) {
  const { outcome } = part;
  const rows = voters(part);
  const arrived = rows.filter((row) => ["won", "lost", "in"].includes(row.state)).length;
  const complaints = [...new Set(rows.map((row) => row.complaint).filter(Boolean))];
  return h(
    "article",
    { class: `part ${outcome ? "decided" : "open"}`, "aria-label": `Part ${part.index + 1}` },
    h("header", {}, h("span", { class: "kind" }, KINDS[part.kind] ?? part.kind), h("span", { class: "verdict" }, verdict(part, arrived, rows.length))),
    h("p", { class: "asked", title: part.text }, part.text),
    part.depends_on.length ? h("p", { class: "faint" }, `builds on part ${part.depends_on.map((index) => index + 1).join(" and ")}`) : null,
    isVoted(part) && outcome?.votes?.length ? meter(outcome.confidence, `${percent(outcome.confidence)} sure`) : null,
    h("ul", { class: "voters" }, rows.map((row) => voter(part, row))),
    checks(outcome?.checks ?? []),
    complaints.map((complaint) => h("p", { class: "again" }, icon("again"), h("span", {}, h("b", {}, "Asked again: "), complaint))),
    outcome?.reason ? h("p", { class: "again" }, outcome.reason) : null,
    outcome?.winner && isOver(turn) ? judging(turn, part, onchange) : null,
  );
}

function verdict(part, arrived, num) {
  const { outcome } = part;
  if (!outcome) return part.cached ? "known" : num ? `${arrived} of ${num}` : part.depends_on.length ? "waits" : "";
  if (outcome.decided === "cached") return "answered before";
  if (outcome.decided === "unsure") return "not sure enough";
  if (outcome.decided === "none" || !outcome.winner) return "no answer";
  if (!isVoted(part)) return "written";
  const votes = plural(outcome.votes.length, "vote");
  return outcome.decided === "deadline" ? `${votes} in time` : votes;
}

export function meter(share, label) {
  const value = Math.round(share * 100);
  return h(
    "div",
    { class: "meter", role: "meter", "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": value, "aria-label": label },
    h("span", { class: "track" }, h("span", { class: share < 0.5 ? "fill low" : "fill", style: { width: `${value}%` } })),
    h("span", { class: "figure" }, label),
  );
}

function voter(part, row) {
  const said = row.final ?? null;
  const what = said ?? (row.state === "missing" && row.reason ? row.reason : STATES[row.state]);
  const why = said === null && row.state === "failed" ? row.reason : null;
  const detail = [row.models?.length ? [...new Set(row.models)].map(short).join(" + ") : null, row.tokens && !isVoted(part) ? plural(row.tokens, "token") : null, row.latency ? seconds(row.latency) : null].filter(Boolean).join(", ");
  const failed = (row.checks ?? []).filter((check) => check.reason);
  return h(
    "li",
    { class: `voter ${row.state}` },
    h("span", { class: "mark", "aria-hidden": "true" }, row.state === "won" ? icon("check") : null),
    h("span", { class: "who" }, row.node, h("span", { class: "unseen" }, ` ${STATES[row.state]}: `)),
    h("span", { class: "what", title: what }, what),
    isVoted(part) && said !== null && row.confidence ? h("span", { class: "sure" }, percent(row.confidence)) : h("span"),
    detail ? h("span", { class: "detail" }, detail) : null,
    why ? h("span", { class: "detail why", title: why }, why) : null,
    failed.map((check) => h("span", { class: "detail amiss" }, `${check.demand}: ${check.reason}`)),
  );
}

function short(model) {
  return model.replace(/-instruct/i, "").replace(/-(q\d\w*|f16|bf16)$/i, "");
}

function checks(list) {
  if (!list.length) return null;
  return h(
    "ul",
    { class: "checks", "aria-label": "Checks" },
    list.map((check) =>
      h("li", { class: check.reason ? "amiss" : "met" }, icon(check.reason ? "cross" : "check"), h("span", {}, check.demand, check.reason ? h("span", { class: "why" }, ` ${check.reason}`) : null, check.repaired ? h("span", { class: "why" }, " mended") : null)),
    ),
  );
}

function judging(turn, part, onchange) {
  const told = turn.told[part.index];
  if (told) return h("p", { class: "thanks" }, told);
  const tell = async (words, thanks) => {
    try {
      await giveFeedback(turn.id, { chunk: part.index, ...words });
      turn.told[part.index] = thanks;
    } catch (error) {
      turn.told[part.index] = error.message;
    }
    onchange(turn);
  };
  const field = h("input", { type: "text", placeholder: "The right answer", "aria-label": `The right answer to part ${part.index + 1}`, maxlength: "4096" });
  const form = h("form", { class: "right", hidden: true }, field, h("button", { type: "submit", class: "quiet" }, "Tell"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value.trim()) tell({ answer: field.value.trim() }, "Thank you. The nodes learn from it.");
  });
  const show = () => {
    form.hidden = !form.hidden;
    if (!form.hidden) field.focus();
  };
  return h(
    "div",
    { class: "judging" },
    iconButton("good", `Part ${part.index + 1} is right`, () => tell({ good: true }, "Marked as right. Thank you.")),
    iconButton("bad", `Part ${part.index + 1} is wrong`, () => tell({ good: false }, "Marked as wrong. Thank you.")),
    isVoted(part) ? iconButton("pen", `Give the right answer to part ${part.index + 1}`, show) : null,
    form,
  );
}
