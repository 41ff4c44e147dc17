/** What an event's card says: its time and place, and what a newcomer meets at its door. */

import { runsOf, text } from "./texts.mjs";
import { clockOf, clocksDiffer, isZone, momentIn, placeOf, spanIn, textOf } from "./time.mjs";

/**
 * What the page shows in each state, besides its words. Only where there is a `button` can one register.
 *
 * `button` and `hint` are texts' keys; `at` names the instant that the state is about, `next` the one that ends it;
 * `mayEnd` tells that somebody may want to look again.
 */
const STATES = {
  "open": { tone: "good", button: "form.register", hint: "form.confirmation", next: "closes_at" },
  "waitlist": { tone: "wait", button: "states.waitlist.button", hint: "states.waitlist.hint", next: "closes_at" },
  "not-open-yet": { tone: "soon", at: "opens_at", next: "opens_at", mayEnd: true },
  "full": { tone: "off", next: "closes_at", mayEnd: true },
  "closed": { tone: "off", at: "closes_at" },
  "cancelled": { tone: "bad" },
};

const A_SECOND = 1000;
const A_MINUTE = 60 * A_SECOND;

/** The refusals that tell of a state which the page doesn't show yet. */
const NEWS = new Set(["event-full", "registration-closed", "not-open-yet", "event-cancelled", "unknown-event"]);

/**
 * Tell whether *body*, whatever JSON it is, is a card that this page can show.
 *
 * @param {unknown} body
 */
export function isCard(body) {
  return (
    typeof body?.eventname === "string" &&
    Object.hasOwn(STATES, body.state) &&
    typeof body.time_zone === "string" &&
    isInstant(body.starts_at) &&
    isInstant(body.ends_at)
  );
}

/** Whether the card should be looked at again after *outcome*, a refusal. */
export function isNews({ kind, code }) {
  return kind === "refused" && NEWS.has(code);
}

/**
 * Say when and where an event is.
 *
 * @param {object} card
 * @param {{zone: string, locale: string}} reader Their time zone, and how they write dates.
 * @returns {{term: string, lines: {runs: object[], isAside?: boolean}[]}[]} A run
 *   may have a `datetime`, a `href`, or be `isForeign`: text of any language, written in any direction.
 */
export function factsOf(card, reader) {
  const facts = [{ term: text("facts.when"), lines: whenOf(card, reader) }];
  if (card.venue) facts.push({ term: text("facts.where"), lines: [{ runs: [venueOf(card.venue)] }] });
  return facts;
}

/** Say by when one must register, as a fact; as none if that goes without saying. */
export function deadlineOf(card, reader) {
  const isTaking = STATES[card.state].button !== undefined;
  // Without an instant of its own, registration closes when the event starts.
  const isSpecial = isInstant(card.closes_at) && Date.parse(card.closes_at) !== Date.parse(card.starts_at);
  return isTaking && isSpecial ? [{ term: text("facts.deadline"), lines: momentOf(card, card.closes_at, reader) }] : [];
}

/**
 * Say what a newcomer meets, and what there is to do.
 *
 * @param {object} card
 * @param {{zone: string, locale: string}} reader
 * @returns {{badge: string, tone: string, heading: string, lines: object[], button: string | null, hint: string,
 *   mayEnd: boolean}} `heading` and `lines` are empty where the form says it all; without a `button` there is no form.
 */
export function doorOf(card, reader) {
  const { state } = card;
  const { tone, button = null, hint, mayEnd = false } = STATES[state];
  const isPlain = state === "open";
  return {
    badge: text(`states.${state}.badge`),
    tone,
    heading: isPlain ? "" : text(`states.${state}.heading`),
    lines: isPlain ? [] : linesOf(card, reader),
    button: button && text(button),
    hint: hint ? text(hint) : "",
    mayEnd,
  };
}

function linesOf(card, reader) {
  const key = `states.${card.state}.text`;
  const { at } = STATES[card.state];
  if (!at) return [{ runs: [{ text: text(key) }] }];
  if (!isInstant(card[at])) return [];
  const [first, ...others] = momentOf(card, card[at], reader);
  return [{ runs: runsOf(key, { moment: first.runs }) }, ...others];
}

/**
 * Tell when to look again at a card that somebody looks at: about once a minute, and when registration opens or closes.
 *
 * @param {object} card
 * @param {number} now In milliseconds since 1970, as the page's clock has it.
 * @returns {number} In how many milliseconds. A page whose clock is fast looks until the server's has come to the
 *   instant too.
 */
export function nextLookIn(card, now) {
  const change = card[STATES[card.state].next];
  const wait = isInstant(change) ? Date.parse(change) - now : Infinity;
  return Math.abs(wait) < A_MINUTE ? Math.max(wait, A_SECOND) : A_MINUTE;
}

/** What is said, to who doesn't see it, when a card appears or its state has changed. */
export function announcementOf(card) {
  return text("announcement", { event: card.eventname, state: text(`states.${card.state}.badge`) });
}

/** A venue is text, and a link if it is the plain address of a secure page: none that seems to name another host. */
export function venueOf(venue) {
  return isPageAddress(venue) ? { text: venue, href: venue } : { text: venue, isForeign: true };
}

function isPageAddress(text) {
  if (!/^https:\/\/[!-~]+$/i.test(text)) return false;
  try {
    const { username, password } = new URL(text);
    return !username && !password;
  } catch {
    return false;
  }
}

function whenOf(card, reader) {
  const [start, end] = [new Date(card.starts_at), new Date(card.ends_at)];
  const zone = zoneOf(card, reader);
  const { days, hours } = spanIn(zone, start, end, reader.locale);
  const lines = [{ runs: days }, { runs: onClock(hours, card, zone) }];
  if (clocksDiffer(zone, reader.zone, [start, end])) {
    const yours = spanIn(reader.zone, start, end, reader.locale);
    const isSameDay = textOf(yours.days) === textOf(days);
    lines.push(aside(reader, isSameDay ? yours.hours : runsOf("time.days-and-hours", yours)));
  }
  return lines;
}

/** An instant on the clock of the card's event and, if it differs, on the reader's, as lines. */
export function momentOf(card, written, reader) {
  const instant = new Date(written);
  const zone = zoneOf(card, reader);
  const lines = [{ runs: onClock(momentIn(zone, instant, reader.locale), card, zone) }];
  if (clocksDiffer(zone, reader.zone, [instant])) {
    lines.push(aside(reader, momentIn(reader.zone, instant, reader.locale)));
  }
  return lines;
}

/** The event's zone; the reader's if their browser doesn't know it. */
function zoneOf({ time_zone: zone }, reader) {
  return isZone(zone) ? zone : reader.zone;
}

/** Say by which clock the times of *runs* are. */
function onClock(runs, { time_zone: zone }, shown) {
  if (zone === shown) return runsOf("time.on-clock", { time: runs, clock: clockOf(zone) });
  return runsOf("time.on-your-clock", { time: runs, place: placeOf(shown) });
}

function aside({ zone }, runs) {
  return { runs: runsOf("time.aside", { time: runs, place: together(placeOf(zone)) }), isAside: true };
}

/** The words of *text* on one line. */
function together(text) {
  return text.replaceAll(" ", "\u00a0");
}

/** Whether *value* is an instant that this page can tell. */
export function isInstant(value) {
  return typeof value === "string" && !Number.isNaN(Date.parse(value));
}
