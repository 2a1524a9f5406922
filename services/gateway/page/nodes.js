// The nodes, live: who is there, busy, how fit for what, how fast.

import { arrange, h, percent, plural } from "./dom.js";
import { watchNodes } from "./api.js";

const MAX_PAUSE_MS = 8000;

export class Nodes {
  constructor(panel, onchange) {
    this.views = new Map();
    this.tokensPerS = 0;
    this.state = "connecting";
    this.field = h("ul", { class: "field", "aria-hidden": "true" });
    this.summary = h("p", { class: "summary" });
    this.list = h("ul", { class: "rows" });
    this.cells = new Map();
    this.rows = new Map();
    this.onchange = onchange;
    panel.append(this.summary, this.field, this.list);
    this.controller = null;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.controller?.abort() : this.follow()));
    this.follow();
  }

  // A hidden page asks for nothing; a connection that was lost is made again.
  async follow() {
    if (this.following) return;
    this.following = true;
    let pause = 300;
    while (!document.hidden) {
      this.controller = new AbortController();
      try {
        this.fresh = true;
        for await (const { name, data } of watchNodes(this.controller.signal)) {
          pause = 300;
          if (name === "nodes") this.take(data);
        }
      } catch {
        // told by the state below
      }
      if (document.hidden) break;
      this.state = "away";
      this.show();
      await new Promise((go) => setTimeout(go, pause));
      pause = Math.min(2 * pause, MAX_PAUSE_MS);
    }
    this.following = false;
  }

  take({ changed, gone, tokens_per_s: rate }) {
    if (this.fresh) this.views.clear();
    this.fresh = false;
    this.state = "here";
    this.tokensPerS = rate;
    for (const view of changed) this.views.set(view.node, view);
    for (const node of gone) this.views.delete(node);
    this.show();
  }

  get num() {
    return this.views.size;
  }

  get numBusy() {
    return [...this.views.values()].filter((view) => view.busy > 0).length;
  }

  get title() {
    if (this.state === "away") return "no connection";
    if (this.state === "connecting") return "connecting";
    if (!this.num) return "no node is alive";
    return this.numBusy ? `${plural(this.num, "node")}, ${this.numBusy} busy` : plural(this.num, "node");
  }

  show() {
    const views = [...this.views.values()].sort((one, other) => one.supercluster.localeCompare(other.supercluster) || one.cluster.localeCompare(other.cluster) || one.node.localeCompare(other.node, undefined, { numeric: true }));
    this.summary.textContent = this.num ? `${this.numBusy} of ${plural(this.num, "node")} busy, ${this.tokensPerS} tokens/s` : this.title;
    arrange(this.field, views.map((view) => this.cell(view)));
    this.field.hidden = views.length < 8;
    arrange(this.list, views.map((view) => this.row(view)));
    this.onchange(this);
  }

  cell(view) {
    const cell = this.cells.get(view.node) ?? h("li");
    this.cells.set(view.node, cell);
    cell.className = view.busy ? "busy" : "";
    cell.title = `${view.node}: fitness ${percent(view.fitness)}`;
    cell.style.setProperty("--fitness", view.fitness);
    return cell;
  }

  row(view) {
    const shown = JSON.stringify(view);
    const there = this.rows.get(view.node);
    if (there?.shown === shown) return there.node;
    const node = h("li", {}, build(view, there?.node.querySelector("details")?.open ?? false));
    if (there?.node.contains(document.activeElement)) requestAnimationFrame(() => node.querySelector("summary").focus());
    this.rows.set(view.node, { shown, node });
    return node;
  }
}

function build(view, open) {
  const busy = view.busy ? `busy with ${view.busy} of ${plural(view.slots, "slot")}` : "idle";
  const queued = view.queued ? `, ${view.queued} waiting` : "";
  const rate = view.tokens_per_s === null ? "" : `${Math.round(view.tokens_per_s)} tok/s`;
  const kinds = Object.entries(view.kinds);
  const down = Object.entries(view.down);
  const off = down.length === view.models.length;
  const state = off ? "down" : busy + queued;
  return h(
    "details",
    { open },
    h(
      "summary",
      {},
      h("span", { class: off ? "dot off" : view.busy ? "dot busy" : "dot", title: state }),
      h("span", { class: "name" }, view.node, h("span", { class: "unseen" }, `, ${state}`)),
      h("span", { class: view.busy ? "rate busy" : "rate" }, view.busy ? (view.queued ? `busy +${view.queued}` : "busy") : rate),
      bar(view.fitness, `fitness ${percent(view.fitness)}`),
    ),
    h(
      "div",
      { class: "more" },
      h("p", {}, `${view.supercluster} / ${view.cluster}`),
      h("p", {}, view.models.join(", ")),
      down.map(([model, why]) => h("p", { class: "faint" }, `${model} is down: ${why}`)),
      kinds.length
        ? h("table", {}, h("caption", { class: "unseen" }, `Fitness of ${view.node} by kind`), h("tbody", {}, kinds.map(([kind, skill]) => h("tr", {}, h("th", { scope: "row" }, kind), h("td", {}, bar(skill.fitness, `${percent(skill.fitness)} for ${kind}`)), h("td", { class: "seen" }, `${skill.judged} judged`)))))
        : h("p", { class: "faint" }, "Nothing is known of its work yet."),
    ),
  );
}

function bar(share, label) {
  return h(
    "span",
    { class: "bar-figure", role: "img", "aria-label": label },
    h("span", { class: "track" }, h("span", { class: share < 0.5 ? "fill low" : "fill", style: { width: `${Math.round(share * 100)}%` } })),
    h("span", { class: "figure" }, percent(share)),
  );
}
