/** What the page says and when: decisions about the form as pure functions, which `main.mjs` carries out. */

import { validate } from "./validation.mjs";

/** The fields in the form's order, each with its label. */
export const fields = {
  cname: "Your name",
  cemail: "E-mail address",
  eventid: "Event id",
  eventname: "Event name",
};

/** What is asked for before a card is there, and beside it. */
export const CHOICE = ["eventid"];
export const PERSON = ["cname", "cemail"];

const SITE = "Event Registration";
export const PLAIN_HEADING = "Register for an event";
const NO_SUCH_EVENT = "There is no event with this id.";
const ENDS_A_SENTENCE = /[?!.:\u061f\u3002\uff01\uff1a\uff1f]$/u;
const SAFE_TO_REPEAT = "Nothing was lost: trying again can't register you twice.";

const REASONS = {
  offline: "The registration service can't be reached. Check your internet connection, then try again.",
  timeout: "The registration service took too long to answer.",
  server: "The registration service isn't available at the moment.",
};

/**
 * Read the event that a link to the page names: `?eventid=…&eventname=…`, or `?event=…` for the id.
 *
 * @param {string} search The query string.
 * @returns {{eventid: string, eventname: string, folded: boolean}} `folded` if both are valid, so that the person has
 *   nothing to fill in about the event.
 */
export function prefill(search) {
  const query = new URLSearchParams(search);
  const event = { eventid: query.get("eventid") ?? query.get("event") ?? "", eventname: query.get("eventname") ?? "" };
  return { ...event, folded: validate(event, Object.keys(event)).problems.length === 0 };
}

/** The card's heading: the event's name if it is one, else what the page is for. */
export function headingOf(eventname) {
  const { value, problems } = validate({ eventname }, ["eventname"]);
  return problems.length > 0 ? PLAIN_HEADING : value.eventname;
}

/** The document's title, which is what a screen reader says first and a tab shows. */
export function titleOf(heading, { failed = false } = {}) {
  return `${failed ? "Error: " : ""}${heading} – ${SITE}`;
}

/**
 * Say what stands in the way, for the summary and beside each field.
 *
 * @param {{kind: "refused", problems: object[], detail?: string} | {kind: "unavailable", reason: string,
 *   retryAfter: number | null}} outcome Of the server, or of `validate` in the same shape.
 * @param {string[]} [asked] The fields that are there to be linked to.
 * @param {{[field: string]: string}} [labels] All fields' labels, in the form's order.
 * @returns {{links: {field: string, message: string, runs: object[]}[], paragraphs: string[], retry: boolean}} Problems
 *   of those fields in the form's order, whatever else is to be said, and whether trying again can help.
 */
export function summaryOf(outcome, asked = Object.keys(fields), labels = fields) {
  if (outcome.kind === "unavailable") {
    const paragraphs = [REASONS[outcome.reason], SAFE_TO_REPEAT, ...wait(outcome.retryAfter)];
    return { links: [], paragraphs, retry: true };
  }
  const links = Object.entries(labels).flatMap(([field, label]) => {
    const problem = asked.includes(field) && outcome.problems.find((candidate) => candidate.field === field);
    return problem ? [{ field, message: problem.message, runs: runsOf(label, problem.message) }] : [];
  });
  const others = outcome.problems.filter(({ field }) => !asked.includes(field)).map(({ message }) => message);
  const paragraphs = links.length + others.length > 0 ? others : [outcome.detail];
  return { links, paragraphs, retry: false };
}

/** A label, which may be of any language, and what is wrong there. */
function runsOf(label, message) {
  return [{ text: label, isForeign: true }, { text: ENDS_A_SENTENCE.test(label) ? ` ${message}` : `: ${message}` }];
}

/** The same for a card that could not be loaded. */
export function troubleOf({ reason, retryAfter }) {
  return { links: [], paragraphs: [REASONS[reason], ...wait(retryAfter)], retry: false };
}

/** An event id that the catalogue doesn't have, as a refusal of that field. */
export function unknownEvent() {
  return { kind: "refused", problems: [{ field: "eventid", code: "unknown-event", message: NO_SUCH_EVENT }] };
}

function wait(seconds) {
  if (!seconds) return [];
  if (seconds < 90) return [`Please wait ${seconds === 1 ? "a second" : `${seconds} seconds`} before you try again.`];
  return [`Please wait ${Math.ceil(seconds / 60)} minutes before you try again.`];
}

/**
 * Say what happens next to a person who has registered.
 *
 * @param {string} status `confirmed` or `waitlisted`.
 * @returns {{before: string, after: string, hint: string}} The words around the address, and a sentence more.
 */
export function nextStep(status) {
  if (status === "waitlisted") {
    return {
      before: "We write to",
      after: " when a seat becomes free.",
      hint: "Seats go to whoever has waited longest, so there is nothing more to do.",
    };
  }
  return {
    before: "We send your confirmation to",
    after: ".",
    hint: "If it isn't there in a few minutes, please look into your spam folder too.",
  };
}
