/** What the page of a manage link says: how a registration stands, and what its owner can do about it. */

import { factsOf, isCard, isInstant, momentOf } from "./card.mjs";
import { listOf, text } from "./texts.mjs";

/** How each status looks. */
const TONES = { confirmed: "good", waitlisted: "wait", cancelled: "off" };

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
    Object.hasOwn(TONES, body.status) &&
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
  const isOff = card.state === "cancelled";
  const isOver = !isOff && Date.parse(card.ends_at) <= now;
  const isAhead = !isOff && !isOver;
  return {
    badge: text(`manage.${status}.badge`),
    tone: TONES[status],
    heading: headingOf(standing),
    text: text((isOff && "manage.event-off") || (isOver && "manage.event-over") || `manage.${status}.text`),
    facts: factsOf(card, reader),
    details: detailsOf(standing, reader),
    cancel: isAhead && status !== "cancelled" ? stepOf(status) : null,
    again: isAhead && status === "cancelled" ? againOf(eventid, card) : null,
  };
}

/**
 * Say why there is no registration to show.
 *
 * @param {"no-link" | "invalid"} reason
 * @returns {{heading: string, paragraphs: string[]}}
 */
export function nothingOf(reason) {
  const paragraphs = [text(`manage.${reason}.first`), text(`manage.${reason}.second`)];
  return { heading: text(`manage.${reason}.heading`), paragraphs };
}

function headingOf({ status, position }) {
  if (status !== "waitlisted" || !position) return text(`manage.${status}.heading`);
  return position === 1 ? text("manage.waitlisted.next") : text("manage.waitlisted.position", { position });
}

function stepOf(status) {
  return {
    button: text(`manage.${status}.cancel`),
    heading: text(`manage.${status}.question`),
    text: text(`manage.${status}.warning`),
    yes: text(`manage.${status}.yes`),
    no: text(`manage.${status}.no`),
  };
}

function detailsOf({ cname, answers, registered_at: registeredAt, card }, reader) {
  const written = (term, words) => ({ term, isForeign: true, lines: [{ runs: [{ text: words, isForeign: true }] }] });
  return [
    written(text("manage.name"), cname),
    ...answers.map((answer) => written(answer.title, answerOf(answer))),
    { term: text("manage.registered"), lines: momentOf(card, registeredAt, reader) },
  ];
}

/** An answer as people read it: the service writes it in English, where the person may only have pressed a button. */
function answerOf({ text: words, value }) {
  if (typeof value === "boolean") return text(value ? "questions.yes" : "questions.no");
  return Array.isArray(value) ? listOf(value) : words;
}

function againOf(eventid, { state }) {
  const [words, link] = [text(`manage.again.${state}.text`), text(`manage.again.${state}.link`)];
  return { text: words, link, href: `index.html?event=${encodeURIComponent(eventid)}` };
}
