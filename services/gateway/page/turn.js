// One question and what becomes of it: the events of the query, put together.  No element is known here.

export function newTurn(id, question, model) {
  return { id, question, model, state: "asking", text: "", pieceIndex: -1, parts: [], assembled: false, reply: null, error: null, notes: [], askedAt: Date.now() / 1000, told: {} };
}

export const isOver = (turn) => turn.state !== "asking";

export function take(turn, { name, data }) {
  TAKING[name]?.(turn, data);
}

// What was heard is heard again when the connection is made again.
export function beginAnew(turn) {
  Object.assign(turn, { state: "asking", text: "", pieceIndex: -1, parts: [], assembled: false, error: null });
}

export function fail(turn, code, message) {
  turn.state = "failed";
  turn.error = { code, message };
}

const TAKING = {
  plan(turn, plan) {
    turn.parts = plan.chunks.map((chunk) => {
      const before = turn.parts[chunk.index];
      const asked = plan.asked.filter((assignment) => assignment.chunk === chunk.index);
      return { ...chunk, asked, results: before?.results ?? {}, outcome: before?.outcome ?? null, cached: plan.cached.includes(chunk.index) };
    });
  },
  result(turn, result) {
    const part = turn.parts[result.chunk];
    if (part) part.results[result.node] = result;
  },
  decided(turn, outcome) {
    settle(turn, outcome);
  },
  assembled(turn, assembled) {
    turn.assembled = true;
    assembled.chunks.forEach((outcome) => settle(turn, outcome));
  },
  piece(turn, piece) {
    if (piece.revised) turn.text = "";
    turn.text += piece.text;
  },
  answer(turn, reply) {
    turn.reply = { status: reply.status, timings: reply.timings ?? null, synthesis: reply.synthesis ?? null };
    turn.notes = reply.notes ?? [];
    (reply.chunks ?? []).forEach((outcome) => settle(turn, outcome));
    turn.state = reply.error?.code === "cancelled" ? "stopped" : reply.status;
    turn.error = reply.error ?? null;
    if (reply.answer) turn.text = reply.answer;
  },
  lost(turn, lost) {
    fail(turn, "internal", lost.message);
  },
};

function settle(turn, outcome) {
  const part = (turn.parts[outcome.index] ??= { index: outcome.index, text: outcome.text, kind: outcome.kind, depends_on: outcome.depends_on ?? [], asked: [], results: {}, cached: false });
  part.outcome = outcome;
}

// The voters on a part, as they are shown: who won first, then who lost, who is awaited, and who gave nothing.
export function voters(part) {
  const { outcome } = part;
  const rows = new Map();
  for (const assignment of part.asked) rows.set(assignment.node, { node: assignment.node, state: "waiting", complaint: assignment.complaint });
  for (const result of Object.values(part.results)) {
    const row = rows.get(result.node) ?? { node: result.node };
    const tokens = result.answers.reduce((sum, answer) => sum + answer.completion_tokens, 0);
    const models = result.answers.map((answer) => answer.model);
    rows.set(result.node, { ...row, state: result.error ? "failed" : "in", final: result.final, models, confidence: result.confidence, latency: result.latency_s, reason: result.error, checks: result.checks ?? [], tokens });
  }
  for (const missing of outcome?.missing ?? []) {
    const row = rows.get(missing.node) ?? { node: missing.node };
    rows.set(missing.node, { ...row, state: missing.failed || row.state === "failed" ? "failed" : "missing", reason: missing.reason });
  }
  for (const vote of outcome?.votes ?? []) {
    const row = rows.get(vote.node) ?? { node: vote.node };
    rows.set(vote.node, { models: [vote.model], tokens: 0, ...row, state: vote.won ? "won" : "lost", final: vote.final, confidence: vote.confidence, latency: vote.latency_s });
  }
  if (outcome) for (const row of rows.values()) if (row.state === "waiting") row.state = "spared";
  const order = ["won", "lost", "in", "failed", "waiting", "missing", "spared"];
  return [...rows.values()].sort((one, other) => order.indexOf(one.state) - order.indexOf(other.state));
}

export const isVoted = (part) => !["text", "code"].includes(part.kind);

export function progress(turn) {
  if (turn.connection) return turn.connection;
  if (!turn.parts.length) return "Reading the question";
  if (turn.assembled) return "Writing the answer";
  const asked = turn.parts.reduce((sum, part) => sum + part.asked.length, 0);
  const arrived = turn.parts.reduce((sum, part) => sum + Object.keys(part.results).length, 0);
  if (turn.parts.every((part) => !isVoted(part))) return `${turn.parts[0].asked[0]?.node ?? "The best node"} is writing`;
  return `${arrived} of ${asked} ${asked === 1 ? "answer is" : "answers are"} in`;
}

export function confidence(turn) {
  const shares = turn.parts.filter((part) => isVoted(part) && part.outcome?.votes?.length).map((part) => part.outcome.confidence);
  return shares.length ? Math.min(...shares) : null;
}
