// The conversation: a question, its answer as it is written, and in one line how it came to be.

import { arrange, copy, h, icon, iconButton, percent, plural, seconds } from "./dom.js";
import { giveFeedback } from "./api.js";
import { showMarkdown } from "./markdown.js";
import { confidence, isOver, isVoted, progress } from "./turn.js";

const FAULTS = {
  overloaded: "All nodes are taken. Ask again in a moment.",
  no_nodes: "No node is alive, so nobody could answer.",
  deadline: "The time ran out before there was an answer.",
  too_large: "This is more text than a question may hold.",
  internal: "Something went wrong on the way.",
};

export class Turns {
  constructor(list, actions) {
    this.list = list;
    this.actions = actions;
    this.items = new Map();
  }

  show(turns, selected) {
    arrange(this.list, turns.map((turn) => this.item(turn, turn === selected)));
    for (const id of this.items.keys()) if (!turns.some((turn) => turn.id === id)) this.items.delete(id);
  }

  item(turn, selected) {
    let item = this.items.get(turn.id);
    if (!item) {
      item = this.build(turn);
      this.items.set(turn.id, item);
    }
    item.update(turn, selected);
    return item.node;
  }

  build(turn) {
    const answer = h("div", { class: "answer" });
    const state = h("div", { class: "state" });
    const foot = h("div", { class: "foot" });
    const node = h(
      "li",
      { class: "turn" },
      h("div", { class: "question" }, h("span", { class: "unseen" }, "You asked: "), turn.question),
      h("div", { class: "reply", role: "group", "aria-label": "Answer" }, answer, state, foot),
    );
    let shown = "";
    let written = null;
    const update = (now, selected) => {
      node.classList.toggle("selected", selected);
      node.dataset.state = now.state;
      answer.setAttribute("aria-busy", String(!isOver(now)));
      answer.classList.toggle("writing", !isOver(now) && now.text !== "");
      if (written !== now.text) showMarkdown(answer, now.text);
      written = now.text;
      const stateShown = JSON.stringify([now.state, progress(now), now.error, now.notes, now.told, now.text === "", selected]);
      if (stateShown === shown) return;
      shown = stateShown;
      state.replaceChildren(...this.state(now));
      foot.replaceChildren(...(isOver(now) ? this.foot(now, selected) : []));
    };
    return { node, update };
  }

  state(turn) {
    if (!isOver(turn)) return [h("p", { class: "progress" }, h("span", { class: "thinking", "aria-hidden": "true" }, h("i"), h("i"), h("i")), progress(turn))];
    const notes = turn.notes.length ? h("ul", { class: "notes" }, turn.notes.map((note) => h("li", {}, note))) : null;
    if (turn.state === "stopped") return [h("p", { class: "banner" }, turn.text ? "Stopped. What was written so far stands above." : "Stopped."), notes].filter(Boolean);
    if (turn.state === "failed") {
      const code = turn.error?.code;
      const told = turn.error?.message;
      return [h("div", { class: "banner bad", role: "alert" }, h("p", {}, FAULTS[code] ?? told ?? "There is no answer."), told && FAULTS[code] ? h("p", { class: "why" }, told) : null)];
    }
    if (turn.state === "partial") {
      const missing = turn.parts.filter((part) => part.outcome && !part.outcome.winner);
      const told = missing.length ? `Without an answer: ${missing.map((part) => `“${part.text}”`).join(", ")}.` : "Something is missing or was cut off.";
      return [h("div", { class: "banner warn" }, h("p", {}, h("b", {}, "This answer is partial. "), told), ...missing.map((part) => (why(part) ? h("p", { class: "why" }, why(part)) : null)).filter(Boolean), notes ?? "")];
    }
    return notes ? [notes] : [];
  }

  foot(turn, selected) {
    const votes = turn.parts.filter(isVoted).reduce((sum, part) => sum + (part.outcome?.votes?.length ?? 0), 0);
    const writer = votes ? null : turn.parts[0]?.outcome?.votes?.find((vote) => vote.won)?.node;
    const several = turn.parts.length > 1;
    const answered = turn.parts.filter((part) => part.outcome?.winner).length;
    const sure = answered < turn.parts.length ? null : confidence(turn);
    const facts = [
      several ? (answered < turn.parts.length ? `${answered} of ${turn.parts.length} parts` : plural(turn.parts.length, "part")) : turn.parts[0]?.kind,
      votes ? plural(votes, "vote") : writer ? `by ${writer}` : null,
      sure === null ? null : `${percent(sure)} sure`,
      turn.reply?.timings ? seconds(turn.reply.timings.total_s) : null,
    ].filter(Boolean);
    const tell = (good) => this.tell(turn, good);
    const votesButton = h("button", { type: "button", class: "receipt", "aria-pressed": String(selected), title: "Show how it was answered", onclick: () => this.actions.select(turn) }, icon("votes"), facts.join(" · ") || "Votes");
    const judge = turn.told.all
      ? [h("span", { class: "thanks" }, turn.told.all)]
      : turn.parts.some((part) => part.outcome?.winner)
        ? [iconButton("good", several ? "All of it is right" : "The answer is good", () => tell(true)), iconButton("bad", several ? "A part is wrong: say which" : "The answer is bad", () => (several ? this.actions.select(turn) : tell(false)))]
        : [];
    const again = ["failed", "stopped"].includes(turn.state) ? h("button", { type: "button", class: "quiet", onclick: () => this.actions.again(turn) }, icon("again"), "Ask again") : null;
    const copying = turn.text ? iconButton("copy", "Copy the answer", (event) => copy(turn.text, event.currentTarget)) : null;
    return [turn.parts.length ? votesButton : null, again, h("span", { class: "spring" }), copying, ...judge].filter(Boolean);
  }

  async tell(turn, good) {
    try {
      await giveFeedback(turn.id, { good });
      turn.told.all = good ? "Thank you" : "Thank you, noted";
    } catch (error) {
      turn.told.all = error.message;
    }
    this.actions.changed(turn);
  }
}

function why(part) {
  const { outcome } = part;
  const [first, ...others] = outcome.missing ?? [];
  if (outcome.reason || !first) return outcome.reason;
  return `${first.node}: ${first.reason}${others.length ? `; and ${plural(others.length, "other node")} had none` : ""}`;
}
