// How the page talks with its gateway: queries and the nodes as streams of events, and a key where one is wanted.

const KEY = "dellm.key";

export class Refused extends Error {
  constructor(status, message, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

let askForKey = async () => null;
let asking = null;

export function onKeyWanted(ask) {
  askForKey = ask;
}

async function send(path, { method = "GET", body, accept = "application/json", signal, keepalive } = {}) {
  const key = sessionStorage.getItem(KEY);
  const headers = { Accept: accept };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers.Authorization = `Bearer ${key}`;
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, keepalive });
  if (response.status === 401) {
    if (sessionStorage.getItem(KEY) === key) sessionStorage.removeItem(KEY);
    asking ??= askForKey(Boolean(key)).finally(() => (asking = null));
    const given = sessionStorage.getItem(KEY) ?? (await asking);
    if (given) {
      sessionStorage.setItem(KEY, given);
      return send(path, { method, body, accept, signal, keepalive });
    }
  }
  if (!response.ok) {
    const told = await response.json().catch(() => null);
    throw new Refused(response.status, told?.error?.message ?? `the gateway answered ${response.status}`, Number(response.headers.get("retry-after")));
  }
  return response;
}

export async function* events(path, options = {}) {
  const response = await send(path, { ...options, accept: "text/event-stream" });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      buffer += value;
      let end = buffer.indexOf("\n\n");
      while (end >= 0) {
        const event = read(buffer.slice(0, end));
        buffer = buffer.slice(end + 2);
        if (event) yield event;
        end = buffer.indexOf("\n\n");
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function read(block) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  return data.length ? { name, data: JSON.parse(data.join("\n")) } : null;
}

export const ask = (query, signal) => events("/query", { method: "POST", body: query, signal });

export const watchNodes = (signal) => events("/nodes", { signal });

export const cancel = (id) => send(`/query/${id}/cancel`, { method: "POST", keepalive: true });

export const giveFeedback = (id, words) => send(`/query/${id}/feedback`, { method: "POST", body: words });

export async function listModels() {
  const list = await (await send("/v1/models")).json();
  return list.data.map((model) => model.id);
}

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
