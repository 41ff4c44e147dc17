/** Shows what the other modules decided about the form. */

import { FILE_NAME } from "./calendar.mjs";
import * as controls from "./controls.mjs";
import { byId, element, fill, lineOf, nodeOf, setAttribute, showFacts } from "./dom.mjs";
import { FIELDS, nextStep, titleOf } from "./form.mjs";
import { text } from "./texts.mjs";

export { enter, entries, showQuestions } from "./controls.mjs";

export const form = byId("registration");
export const inputs = Object.fromEntries(FIELDS.map((field) => [field, byId(field)]));
/** The buttons that aren't the form's own. */
export const reload = byId("reload");
export const recheck = byId("recheck");
export const again = byId("again");

const heading = byId("heading");
const eventDetails = byId("event-details");
const eventFields = byId("event-fields");
const summary = byId("error-summary");
const success = byId("success");
const body = byId("body");

/** Take away what is said until the scripts run, and leave the place empty: what is to be there is nowhere else before. */
export function hideLoading() {
  byId("loading").hidden = true;
  body.hidden = true;
}

/** Put the event's fields out of the way. */
export function fold() {
  eventDetails.append(eventFields);
  eventDetails.hidden = false;
  byId("eyebrow").hidden = false;
}

/**
 * Show the form with the fields that are *asked* for, or no form if there are none.
 *
 * @param {string[]} asked
 * @param {{button: string, hint: string}} words The button's, and what becomes of the address.
 */
export function showForm(asked, { button, hint }) {
  for (const [field, input] of Object.entries(inputs)) input.closest(".field").hidden = !asked.includes(field);
  eventFields.hidden = eventFields.querySelector(".field:not([hidden])") === null;
  byId("submit").textContent = button;
  byId("cemail-hint").textContent = hint;
  form.hidden = asked.length === 0;
  body.hidden = false;
}

export function showHeading(words) {
  heading.firstElementChild.textContent = words;
}

/** Have the document's title say what the heading says, and whether there is a problem. */
export function showTitle() {
  document.title = titleOf(heading.textContent, { failed: !summary.hidden });
}

/**
 * Show an event's card.
 *
 * @param {string} name
 * @param {{badge: string, tone: string, heading: string, lines: object[], mayEnd: boolean}} door What one meets there.
 * @param {{term: string, lines: object[]}[]} facts
 */
export function showCard(name, door, facts) {
  showHeading(name);
  showTitle();
  byId("state").textContent = door.badge;
  byId("state").dataset.tone = door.tone;
  byId("state").hidden = false;
  showFacts(byId("facts"), facts);
  byId("notice").hidden = door.heading === "";
  if (door.heading) showNotice(door);
}

function showNotice({ tone, heading: words, lines, mayEnd }) {
  byId("notice").dataset.tone = tone;
  byId("notice-heading").textContent = words;
  byId("notice-text").replaceChildren(...lines.map((line) => lineOf("p", line)));
  recheck.hidden = !mayEnd;
}

/** Show no event. */
export function hideCard() {
  showHeading(text("form.heading"));
  showTitle();
  for (const id of ["state", "facts", "notice"]) byId(id).hidden = true;
}

/** Say what is going on, or nothing. The buttons stay focusable: a disabled one would drop the focus. */
export function setBusy(words) {
  for (const button of [byId("submit"), byId("retry"), reload, recheck]) {
    setAttribute(button, "aria-disabled", words && "true");
  }
  if (words) announce("");
  say(words);
}

export function say(words) {
  byId("progress").textContent = words;
}

/** Tell what can be seen to who doesn't see it. */
export function announce(words) {
  byId("announcement").textContent = words;
}

/** Do *task*. If it hides what has the focus, the heading gets it, so that nobody starts at the page's top again. */
export function keepFocus(task) {
  const focused = document.activeElement;
  task();
  // Browsers let go of what is hidden, some at once and some later.
  const isLost = [focused, document.body].includes(document.activeElement) && focused?.closest("[hidden]");
  if (isLost) heading.focus();
}

/**
 * Show what stands in the way.
 *
 * @param {{links: {field: string, message: string, runs: object[]}[], paragraphs: string[], retry: boolean}} problems
 * @param {{isReload?: boolean}} [options] Whether loading the event again can help.
 */
export function showProblems({ links, paragraphs, retry }, { isReload = false } = {}) {
  clearErrors();
  for (const { field, message } of links) setFieldError(field, message);
  byId("error-links").replaceChildren(...links.map(linkTo));
  byId("error-links").hidden = links.length === 0;
  byId("error-text").replaceChildren(...paragraphs.map((words) => element("p", words)));
  byId("retry").hidden = !retry;
  reload.hidden = !isReload;
  summary.hidden = false;
  body.hidden = false;
  showTitle();
}

/** Take the person to what stands in the way. */
export function focusProblems() {
  summary.focus();
}

/**
 * Show those questions alone that are *asked*; an error of another one leads nowhere any more.
 *
 * @param {object[]} asked
 * @param {object} answers In normal form.
 */
export function askFor(asked, answers) {
  controls.askFor(asked, answers);
  for (const link of summary.querySelectorAll("a")) {
    link.parentElement.hidden = byId(link.dataset.field).closest("[hidden]") !== null;
  }
}

export function clearProblems() {
  clearErrors();
  summary.hidden = true;
  showTitle();
}

function clearErrors() {
  for (const field of [...FIELDS, ...controls.fields()]) setFieldError(field, undefined);
}

function setFieldError(field, message) {
  if (!Object.hasOwn(inputs, field)) return controls.setError(field, message);
  const input = inputs[field];
  const error = byId(`${field}-error`);
  const hint = byId(`${field}-hint`);
  error.lastElementChild.textContent = message ?? "";
  error.hidden = !message;
  setAttribute(input, "aria-invalid", message && "true");
  setAttribute(input, "aria-describedby", [hint?.id, message && error.id].filter(Boolean).join(" "));
  if (message && eventDetails.contains(input)) eventDetails.open = true;
}

function linkTo({ field, runs }) {
  const link = element("a", "", { "href": `#${field}`, "data-field": field });
  link.append(...runs.map(nodeOf));
  link.addEventListener("click", (click) => {
    click.preventDefault();
    if (!Object.hasOwn(inputs, field)) return controls.focus(field);
    if (eventDetails.contains(inputs[field])) eventDetails.open = true;
    // The label too is to be seen, which focus alone doesn't bring into view.
    inputs[field].labels[0].scrollIntoView();
    inputs[field].focus({ preventScroll: true });
  });
  const item = element("li");
  item.append(link);
  return item;
}

/**
 * Show what became of a registration.
 *
 * @param {{status: string, eventname: string, address: string, facts: object[], calendar: string | null}} registered With
 *   the event's entry for calendar programs, if there is one.
 */
export function showSuccess({ status, eventname, address, facts, calendar }) {
  const { heading: words, text: sentence, hint } = nextStep(status);
  success.dataset.status = status;
  byId("success-heading").textContent = words;
  byId("success-event").textContent = eventname;
  showFacts(byId("success-facts"), facts);
  byId("success-address").textContent = address;
  fill(byId("success-text"), sentence);
  byId("success-hint").textContent = hint;
  offer(calendar);
  document.title = titleOf(words);
  byId("entry").hidden = true;
  success.hidden = false;
}

export function focusSuccess() {
  success.focus();
}

/** Offer a calendar entry as a file to keep, or nothing. */
function offer(calendar) {
  const link = byId("calendar");
  URL.revokeObjectURL(link.href);
  byId("to-calendar").hidden = calendar === null;
  setAttribute(link, "download", calendar && FILE_NAME);
  setAttribute(link, "href", calendar && URL.createObjectURL(new Blob([calendar], { type: "text/calendar;charset=utf-8" })));
}

/** Show the form again, for the next person. */
export function showEntry() {
  showTitle();
  success.hidden = true;
  byId("entry").hidden = false;
  inputs.cname.focus();
}
