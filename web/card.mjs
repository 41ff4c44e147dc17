/** What an event's card says: its time and place, and what a newcomer meets at its door. */

import { clockOf, clocksDiffer, isZone, momentIn, placeOf, spanIn, textOf } from "./time.mjs";

/**
 * What the page shows in each state. Only where there is a `button` can one register.
 *
 * `at` names the instant that the state is about, `next` the one that ends it; `mayEnd` tells that somebody may want to
 * look again.
 */
const STATES = {
  "open": {
    badge: "Registration open",
    tone: "good",
    button: "Register",
    hint: "We send your confirmation there.",
    next: "closes_at",
  },
  "waitlist": {
    badge: "Waiting list",
    tone: "wait",
    heading: "All seats are taken",
    text: "You can join the waiting list. A seat that becomes free goes to whoever has waited longest.",
    button: "Join the waiting list",
    hint: "We write there when a seat becomes free.",
    next: "closes_at",
  },
  "not-open-yet": {
    badge: "Not open yet",
    tone: "soon",
    heading: "Registration isn't open yet",
    at: ["It opens on ", "opens_at"],
    next: "opens_at",
    mayEnd: true,
  },
  "full": {
    badge: "Fully booked",
    tone: "off",
    heading: "All seats are taken",
    text: "There is no waiting list. If somebody cancels, their seat can be taken here again.",
    next: "closes_at",
    mayEnd: true,
  },
  "closed": {
    badge: "Registration closed",
    tone: "off",
    heading: "Registration has closed",
    at: ["It closed on ", "closes_at"],
  },
  "cancelled": {
    badge: "Cancelled",
    tone: "bad",
    heading: "This event has been cancelled",
    text: "It won't take place, and nobody can register for it any more.",
  },
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
  const facts = [{ term: "When", lines: whenOf(card, reader) }];
  if (card.venue) facts.push({ term: "Where", lines: [{ runs: [venueOf(card.venue)] }] });
  return facts;
}

/** Say by when one must register, as a fact; as none if that goes without saying. */
export function deadlineOf(card, reader) {
  const isTaking = STATES[card.state].button !== undefined;
  // Without an instant of its own, registration closes when the event starts.
  const isSpecial = isInstant(card.closes_at) && Date.parse(card.closes_at) !== Date.parse(card.starts_at);
  return isTaking && isSpecial ? [{ term: "Register by", lines: momentOf(card, card.closes_at, reader) }] : [];
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
  const { badge, tone, heading = "", text, at, button = null, hint = "", mayEnd = false } = STATES[card.state];
  const lines = text ? [{ runs: [{ text }] }] : [];
  if (at && isInstant(card[at[1]])) {
    const [first, ...others] = momentOf(card, card[at[1]], reader);
    lines.push({ runs: [{ text: at[0] }, ...first.runs, { text: "." }] }, ...others);
  }
  return { badge, tone, heading, lines, button, hint, mayEnd };
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
  return `${card.eventname}: ${STATES[card.state].badge}`;
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
  const lines = [{ runs: days }, { runs: [...hours, nameOfClock(card, zone)] }];
  if (clocksDiffer(zone, reader.zone, [start, end])) {
    const yours = spanIn(reader.zone, start, end, reader.locale);
    const isSameDay = textOf(yours.days) === textOf(days);
    lines.push(aside(reader, isSameDay ? yours.hours : [...yours.days, { text: ", " }, ...yours.hours]));
  }
  return lines;
}

/** An instant on the clock of the card's event and, if it differs, on the reader's, as lines. */
export function momentOf(card, text, reader) {
  const instant = new Date(text);
  const zone = zoneOf(card, reader);
  const lines = [{ runs: [...momentIn(zone, instant, reader.locale), nameOfClock(card, zone)] }];
  if (clocksDiffer(zone, reader.zone, [instant])) {
    lines.push(aside(reader, momentIn(reader.zone, instant, reader.locale)));
  }
  return lines;
}

/** The event's zone; the reader's if their browser doesn't know it. */
function zoneOf({ time_zone: zone }, reader) {
  return isZone(zone) ? zone : reader.zone;
}

function nameOfClock({ time_zone: zone }, shown) {
  return { text: zone === shown ? `, ${clockOf(zone)}` : `, your time (${placeOf(shown)})` };
}

function aside({ zone }, runs) {
  return { runs: [{ text: "Your time: " }, ...runs, { text: ` (${together(placeOf(zone))})` }], isAside: true };
}

/** The words of *text* on one line. */
function together(text) {
  return text.replaceAll(" ", "\u00a0");
}

/** Whether *value* is an instant that this page can tell. */
export function isInstant(value) {
  return typeof value === "string" && !Number.isNaN(Date.parse(value));
}
