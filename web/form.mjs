/** What the page says and when: decisions about the form as pure functions, which `main.mjs` carries out. */

import { hasText, runsOf, text } from "./texts.mjs";
import { validate } from "./validation.mjs";

/** The fields in the form's order. */
export const FIELDS = ["cname", "cemail", "eventid", "eventname"];

/** What is asked for before a card is there, and beside it. */
export const CHOICE = ["eventid"];
export const PERSON = ["cname", "cemail"];

const ENDS_A_SENTENCE = /[?!.:\u061f\u3002\uff01\uff1a\uff1f]$/u;

/** What only a defect makes the service answer: whichever it is, there is one thing to do. */
const UNREADABLE = new Set([
  ...["empty-body", "not-json", "not-an-object", "duplicate-key", "too-deep", "number-out-of-range", "not-utf-8"],
  ...["lone-surrogate", "not-base64", "not-a-registration", "unknown-payload", "method-not-allowed"],
  ...["unsupported-media-type"],
]);

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
  return problems.length > 0 ? text("form.heading") : value.eventname;
}

/** The document's title, which is what a screen reader says first and a tab shows. */
export function titleOf(heading, { failed = false } = {}) {
  const title = text("title", { heading, site: text("name") });
  return failed ? text("title-with-error", { title }) : title;
}

/** The fields' labels, in the form's order. */
export function labelsOfFields() {
  return Object.fromEntries(FIELDS.map((field) => [field, text(`form.${field}`)]));
}

/**
 * Say what stands in the way, for the summary and beside each field.
 *
 * @param {{kind: "refused", problems: object[], code?: string, detail?: string} | {kind: "unavailable", reason: string,
 *   retryAfter: number | null}} outcome Of the server, or of `validate` in the same shape.
 * @param {string[]} [asked] The fields that are there to be linked to.
 * @param {{[field: string]: string}} [labels] All fields' labels, in the form's order.
 * @returns {{links: {field: string, message: string, runs: object[]}[], paragraphs: string[], retry: boolean}} Problems
 *   of those fields in the form's order, whatever else is to be said, and whether trying again can help.
 */
export function summaryOf(outcome, asked = FIELDS, labels = labelsOfFields()) {
  if (outcome.kind === "unavailable") {
    const paragraphs = [text(`problems.${outcome.reason}`), text("problems.safe-to-repeat"), ...wait(outcome.retryAfter)];
    return { links: [], paragraphs, retry: true };
  }
  const links = Object.entries(labels).flatMap(([field, label]) => {
    const problem = asked.includes(field) && outcome.problems.find((candidate) => candidate.field === field);
    if (!problem) return [];
    const message = sentenceFor(problem);
    return [{ field, message, runs: runsFor(label, message) }];
  });
  const others = outcome.problems.filter(({ field }) => !asked.includes(field)).map(sentenceFor);
  const paragraphs = links.length + others.length > 0 ? others : [refusalOf(outcome)];
  return { links, paragraphs, retry: false };
}

/** What is wrong, in the page's words; in the server's, which are English, where it is newer than the page. */
function sentenceFor({ field, code, message }) {
  const topic = /^answers(?:\.|$)/.test(field) ? "answers" : "fields";
  const key = [`problems.${topic}.${code}`, `problems.refusals.${code}`].find(hasText);
  return key ? text(key) : message;
}

function refusalOf({ code, detail }) {
  const key = UNREADABLE.has(code) ? "problems.refusals.unreadable" : `problems.refusals.${code}`;
  return hasText(key) ? text(key) : detail;
}

/** A label, which may be of any language, and what is wrong there. */
function runsFor(label, problem) {
  const key = ENDS_A_SENTENCE.test(label) ? "problems.of-question" : "problems.of-field";
  return runsOf(key, { label: [{ text: label, isForeign: true }], problem });
}

/** The same for a card that could not be loaded. */
export function troubleOf({ reason, retryAfter }) {
  return { links: [], paragraphs: [text(`problems.${reason}`), ...wait(retryAfter)], retry: false };
}

/** An event id that the catalogue doesn't have, as a refusal of that field. */
export function unknownEvent() {
  return { kind: "refused", problems: [{ field: "eventid", code: "unknown-event" }] };
}

function wait(seconds) {
  if (!seconds) return [];
  if (seconds < 90) return [text("problems.wait-seconds", { count: seconds })];
  return [text("problems.wait-minutes", { count: Math.ceil(seconds / 60) })];
}

/**
 * Say what happens next to a person who has registered.
 *
 * @param {string} status `confirmed` or `waitlisted`.
 * @returns {{heading: string, text: string, hint: string}} What became of it; a sentence with a place for the `{address}`;
 *   and a sentence more.
 */
export function nextStep(status) {
  const say = (name) => text(`success.${status === "waitlisted" ? status : "confirmed"}.${name}`);
  return { heading: say("heading"), text: say("text"), hint: say("hint") };
}
