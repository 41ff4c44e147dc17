/** Talks to the API: one request out, one of a few outcomes back, and never an exception. */

import { isCard } from "./card.mjs";
import { isStanding } from "./standing.mjs";

/** How long the server may take, in milliseconds, until the person is told that it didn't answer. */
export const TIMEOUT = 15_000;

/** A link that is wrong, and one to a service that has no such links any more. */
const NO_LINK = new Set(["invalid-link", "not-found"]);
const JSON_OR_PROBLEM = "application/json, application/problem+json";

/**
 * @typedef {{fetch?: typeof fetch, apiUrl?: string, timeout?: number, now?: () => number}} Options
 * @typedef {{kind: "unavailable", retryAfter: number | null, reason: "offline" | "timeout" | "server"}} Unavailable
 *   Not now; `retryAfter` is in seconds.
 */

/**
 * Send one registration.
 *
 * Repeating the call is harmless: the server stores a person once per event and gives the same answer again.
 *
 * @param {{eventid: string, eventname?: string, cname: string, cemail: string, answers?: object, locale?: string}} data
 *   Without the event's name where the catalogue has it; the answers only where there are questions; the language in
 *   which the person is written to.
 * @param {Options} [options]
 * @returns {Promise<
 *   {kind: "registered", message: string, status: string, eventid: string, eventname: string} |
 *   {kind: "refused", problems: {field: string, code: string, message: string}[], detail: string, code: string} |
 *   Unavailable
 * >} What became of it.
 */
export function register({ eventid, eventname, cname, cemail, answers, locale }, options) {
  return post("registrations", { eventid, eventname, cname, cemail, answers, locale }, registrationIn, options);
}

/**
 * Ask what became of a registration.
 *
 * @param {string} token What its manage link holds.
 * @param {Options} [options]
 * @returns {Promise<{kind: "found", standing: object} | {kind: "invalid"} | Unavailable>} `invalid` if the link is wrong,
 *   or is true no more.
 */
export function findRegistration(token, options) {
  return post("registrations/view", { token }, standingIn, options);
}

/**
 * Cancel a registration. Repeating the call is harmless.
 *
 * @param {string} token
 * @param {Options} [options]
 * @returns {Promise<{kind: "found", standing: object} | {kind: "invalid"} | Unavailable>} What became of it.
 */
export function cancelRegistration(token, options) {
  return post("registrations/cancel", { token }, standingIn, options);
}

function post(path, document, read, options) {
  const headers = { "Content-Type": "application/json", "Accept": JSON_OR_PROBLEM };
  return call(path, { method: "POST", headers, body: JSON.stringify(document) }, read, options);
}

/**
 * Ask for an event's card.
 *
 * @param {string} eventid A valid one.
 * @param {Options} [options]
 * @returns {Promise<
 *   {kind: "found", card: object} | {kind: "unknown"} | {kind: "uncatalogued"} | Unavailable
 * >} `uncatalogued` if the service has no catalogue and takes any event.
 */
export async function findEvent(eventid, options) {
  // In an address these two mean something else, encoded too; no event is called so.
  if (eventid === "." || eventid === "..") return { kind: "unknown" };
  return call(`events/${encodeURIComponent(eventid)}`, { headers: { Accept: JSON_OR_PROBLEM } }, cardIn, options);
}

async function call(
  path,
  request,
  read,
  { fetch = globalThis.fetch, apiUrl = "", timeout = TIMEOUT, now = Date.now } = {},
) {
  try {
    const address = `${apiUrl.replace(/\/+$/, "")}/${path}`;
    const response = await fetch(address, { ...request, signal: AbortSignal.timeout(timeout) });
    // The signal holds for the body too: a server may send its headers and then nothing.
    const body = parse(await response.text());
    return read(response, body) ?? unavailable("server", retryAfter(response.headers.get("Retry-After"), now()));
  } catch (error) {
    return unavailable(error?.name === "TimeoutError" ? "timeout" : "offline");
  }
}

function registrationIn(response, body) {
  if (response.ok && isText(body?.message) && isText(body?.status)) {
    const { message, status, eventid, eventname } = body;
    return { kind: "registered", message, status, eventid, eventname };
  }
  if (isRefusal(response.status) && (isText(body?.detail) || isText(body?.title))) {
    const problems = Array.isArray(body.errors) ? body.errors.filter((error) => isText(error?.message)) : [];
    return { kind: "refused", problems, detail: isText(body.detail) ? body.detail : body.title, code: body.code };
  }
  return null;
}

function cardIn(response, body) {
  if (response.ok && isCard(body)) return { kind: "found", card: body };
  if (response.status === 404 && body?.code === "unknown-event") return { kind: "unknown" };
  return response.status === 404 && body?.code === "not-found" ? { kind: "uncatalogued" } : null;
}

function standingIn(response, body) {
  if (response.ok && isStanding(body)) return { kind: "found", standing: body };
  // What isn't in our words (a gateway's own page, a body that is too long) says nothing of the link.
  return response.status === 404 && NO_LINK.has(body?.code) ? { kind: "invalid" } : null;
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
