// The conversation, kept for this tab: a reload goes on where it was.

const PLACE = "dellm.conversation";
const MAX_TURNS_BYTES = 100_000; // of what was said before; the gateway takes 128 KiB

export function load() {
  try {
    const turns = JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
    return Array.isArray(turns) ? turns : [];
  } catch {
    return [];
  }
}

export function save(turns) {
  let kept = turns;
  for (;;) {
    try {
      sessionStorage.setItem(PLACE, JSON.stringify(kept));
      return;
    } catch {
      if (!kept.length) return;
      kept = kept.slice(Math.ceil(kept.length / 2)); // the tab's store is full: the oldest turns give way
    }
  }
}

export function toQuery(turns, turn) {
  const earlier = turns.slice(0, turns.indexOf(turn)).filter((before) => ["complete", "partial"].includes(before.state) && before.text);
  const said = [];
  let room = MAX_TURNS_BYTES;
  for (const before of earlier.reverse()) {
    room -= new Blob([before.question, before.text]).size;
    if (room < 0) break;
    said.unshift({ role: "user", content: before.question }, { role: "assistant", content: before.text });
  }
  const asked = said.length ? { messages: [...said, { role: "user", content: turn.question }] } : { query: turn.question };
  const query = { id: turn.id, local_time: localTime(), ...asked };
  if (turn.model === "dellm-fast") query.policy = { alone: true };
  else if (turn.model && turn.model !== "dellm") query.model = turn.model;
  return query;
}

function localTime() {
  const now = new Date();
  const minutes = -now.getTimezoneOffset();
  const two = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
  const local = new Date(now.getTime() + minutes * 60_000).toISOString().slice(0, 16);
  return `${local}${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}
