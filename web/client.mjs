/** Talks to the API: one registration out, one of three outcomes back, and never an exception. */

/** How long the server may take, in milliseconds, until the person is told that it didn't answer. */
export const TIMEOUT = 15_000;

/**
 * Send one registration.
 *
 * Repeating the call is harmless: the server stores a person once per event and gives the same answer again.
 *
 * @param {{eventid: string, eventname: string, cname: string, cemail: string}} data
 * @param {{fetch?: typeof fetch, apiUrl?: string, timeout?: number, now?: () => number}} [options]
 * @returns {Promise<
 *   {kind: "registered", message: string, status: string, eventid: string, eventname: string} |
 *   {kind: "refused", problems: {field: string, code: string, message: string}[], detail: string} |
 *   {kind: "unavailable", retryAfter: number | null, reason: "offline" | "timeout" | "server"}
 * >} What became of it; `retryAfter` is in seconds.
 */
export async function register(
  data,
  { fetch = globalThis.fetch, apiUrl = "", timeout = TIMEOUT, now = Date.now } = {},
) {
  const { eventid, eventname, cname, cemail } = data;
  try {
    const response = await fetch(`${apiUrl.replace(/\/+$/, "")}/registrations`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept": "application/json, application/problem+json" },
      body: JSON.stringify({ eventid, eventname, cname, cemail }),
      signal: AbortSignal.timeout(timeout),
    });
    // The signal holds for the body too: a server may send its headers and then nothing.
    return outcomeOf(response, await response.text(), now());
  } catch (error) {
    return unavailable(error?.name === "TimeoutError" ? "timeout" : "offline");
  }
}

function outcomeOf(response, text, now) {
  const body = parse(text);
  if (response.ok && isText(body?.message) && isText(body?.status)) {
    const { message, status, eventid, eventname } = body;
    return { kind: "registered", message, status, eventid, eventname };
  }
  if (isRefusal(response.status) && (isText(body?.detail) || isText(body?.title))) {
    const problems = Array.isArray(body.errors) ? body.errors.filter((error) => isText(error?.message)) : [];
    return { kind: "refused", problems, detail: isText(body.detail) ? body.detail : body.title };
  }
  return unavailable("server", retryAfter(response.headers.get("Retry-After"), now));
}

/** Whether the status blames the request. A time-out and too many requests (408, 429) ask for a later try instead. */
function isRefusal(status) {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

function unavailable(reason, seconds = null) {
  return { kind: "unavailable", retryAfter: seconds, reason };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isText(value) {
  return typeof value === "string" && value !== "";
}

/** Seconds from now, of the header's two forms (RFC 9110: whole seconds, or a date); null if it says neither. */
function retryAfter(header, now) {
  if (!header) return null;
  if (/^\d+$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - now) / 1000));
}

/**
 * Guard *task* against a double click: while it runs, further calls do nothing.
 *
 * @template {unknown[]} A
 * @param {(...args: A) => Promise<void>} task
 * @returns {(...args: A) => Promise<void>}
 */
export function oneAtATime(task) {
  let running = false;
  return async (...args) => {
    if (running) return;
    running = true;
    try {
      await task(...args);
    } finally {
      running = false;
    }
  };
}
