/** What the page of a manage link says: how a registration stands, and what its owner can do about it. */

import { factsOf, isCard, isInstant, momentOf } from "./card.mjs";

/** What the page shows in each status. */
const STATUSES = {
  confirmed: {
    badge: "Confirmed",
    tone: "good",
    heading: () => "You are registered",
    text: "Your place is reserved.",
    cancel: {
      button: "Cancel my registration",
      heading: "Cancel your registration?",
      text: "Your seat can then go to somebody else, and you may not get it back.",
      yes: "Yes, cancel it",
      no: "No, keep it",
      busy: "Cancelling your registration…",
    },
  },
  waitlisted: {
    badge: "Waiting list",
    tone: "wait",
    heading: placeInLine,
    text: "A seat that becomes free goes to whoever has waited longest. We write to you when it is your turn.",
    cancel: {
      button: "Leave the waiting list",
      heading: "Leave the waiting list?",
      text: "You give up your place in line. If you come back later, you start at the end.",
      yes: "Yes, leave it",
      no: "No, keep my place",
      busy: "Taking you off the list…",
    },
  },
  cancelled: {
    badge: "Cancelled",
    tone: "off",
    heading: () => "Your registration is cancelled",
    text: "You don't have a place at this event any more.",
  },
};

/** How one registers again, as the event's door is now. */
const AGAIN = {
  "open": ["If you change your mind, you can register again.", "Register again"],
  "waitlist": ["If you change your mind, you can join the waiting list.", "Join the waiting list"],
  "full": ["All seats are taken at the moment.", "Look at the event"],
  "not-open-yet": ["Registration isn't open at the moment.", "Look at the event"],
  "closed": ["Registration has closed.", "Look at the event"],
};

const EVENT_OFF = "This event has been cancelled. It won't take place, and there is nothing you need to do.";
const EVENT_OVER = "This event is over.";

/** What the page says where there is no registration to show. */
export const NOTHING = {
  "no-link": {
    heading: "Open the link in your mail",
    paragraphs: [
      "This page shows a registration to whoever has its link, which is in the mails that we sent about it.",
      "If it was shown here before you reloaded the page: the link isn't kept on this device, so that nobody who uses " +
        "it after you can cancel for you. Please open it in the mail again.",
    ],
  },
  "invalid": {
    heading: "This link doesn't work",
    paragraphs: [
      "It may have been cut off: please open it in the mail itself, or copy it from there as a whole.",
      "It may have ended: links do some time after the event, and after a cancellation only those of newer mails work. If " +
        "the newest mail's doesn't either, please ask whoever organises the event.",
    ],
  },
};

/**
 * Read the token that a manage link holds, in the part of the address that browsers send to nobody.
 *
 * @param {string} hash With its sign, as `location.hash` has it.
 * @returns {string | null}
 */
export function tokenIn(hash) {
  return hash.length > 1 ? hash.slice(1) : null;
}

/**
 * Tell whether *body*, whatever JSON it is, is a registration that this page can show.
 *
 * @param {unknown} body
 */
export function isStanding(body) {
  return (
    typeof body?.eventid === "string" &&
    typeof body.eventname === "string" &&
    typeof body.cname === "string" &&
    typeof body.status === "string" &&
    Object.hasOwn(STATUSES, body.status) &&
    isInstant(body.registered_at) &&
    isCard(body.card) &&
    Array.isArray(body.answers) &&
    body.answers.every((answer) => typeof answer?.title === "string" && typeof answer.text === "string")
  );
}

/**
 * Say how a registration stands.
 *
 * @param {object} standing What the service tells of it.
 * @param {{zone: string, locale: string}} reader
 * @param {number} now In milliseconds since 1970.
 * @returns {{badge: string, tone: string, heading: string, text: string, facts: object[], details: object[],
 *   cancel: object | null, again: {text: string, link: string, href: string} | null}} `cancel` has the words of the step
 *   that cancels, where there is something to give up; `again` the way back.
 */
export function standingOf(standing, reader, now) {
  const { status, eventid, card } = standing;
  const { badge, tone, heading, text, cancel } = STATUSES[status];
  const isOff = card.state === "cancelled";
  const isOver = !isOff && Date.parse(card.ends_at) <= now;
  const isAhead = !isOff && !isOver;
  return {
    badge,
    tone,
    heading: heading(standing),
    text: (isOff && EVENT_OFF) || (isOver && EVENT_OVER) || text,
    facts: factsOf(card, reader),
    details: detailsOf(standing, reader),
    cancel: isAhead && cancel ? cancel : null,
    again: isAhead && status === "cancelled" ? againOf(eventid, card) : null,
  };
}

function placeInLine({ position }) {
  if (position === 1) return "You are next";
  return position ? `Number ${position} in line` : "You are on the waiting list";
}

function detailsOf({ cname, answers, registered_at: registeredAt, card }, reader) {
  const written = (term, text) => ({ term, isForeign: true, lines: [{ runs: [{ text, isForeign: true }] }] });
  return [
    written("Name", cname),
    ...answers.map(({ title, text }) => written(title, text)),
    { term: "Registered on", lines: momentOf(card, registeredAt, reader) },
  ];
}

function againOf(eventid, { state }) {
  const [text, link] = AGAIN[state];
  return { text, link, href: `index.html?event=${encodeURIComponent(eventid)}` };
}
