/** Shows how a registration stands, as the other modules decided. */

import { byId, element, setAttribute, showFacts } from "./dom.mjs";
import { titleOf } from "./form.mjs";
import { text } from "./texts.mjs";
import { alike } from "./translation.mjs";

export const retry = byId("retry");
export const cancel = byId("cancel");
/** The two buttons of the step that asks once more. */
export const keep = byId("keep");
export const giveUp = byId("give-up");

const heading = byId("heading");
const summary = byId("error-summary");
const body = byId("body");
const notice = byId("notice");
const dialog = byId("confirm");

/** Take away what is said until the scripts run, and leave the place empty: what is to be there is nowhere else before. */
export function hideLoading() {
  byId("loading").hidden = true;
  body.hidden = true;
}

/**
 * Show a registration.
 *
 * @param {string} name The event's.
 * @param {object} standing Of `standingOf`.
 */
export function showStanding(name, { badge, tone, heading: words, text: sentence, facts, details, cancel: step, again }) {
  showHeading(name);
  byId("state").textContent = badge;
  byId("state").dataset.tone = tone;
  byId("state").hidden = false;
  showFacts(byId("facts"), facts);
  showNotice(words, [sentence, ...(again ? [again.text] : [])], tone);
  byId("again").hidden = !again;
  if (again) {
    byId("again-link").textContent = again.link;
    byId("again-link").href = alike(again.href);
  }
  showFacts(byId("details"), details);
  cancel.hidden = !step;
  if (step) showStep(step);
}

function showStep({ button, heading: words, text: sentence, yes, no }) {
  cancel.textContent = button;
  byId("confirm-heading").textContent = words;
  byId("confirm-text").textContent = sentence;
  giveUp.textContent = yes;
  keep.textContent = no;
}

/** Show that there is no registration, and why. */
export function showNothing({ heading: words, paragraphs }) {
  showHeading(text("manage.heading"));
  for (const each of [byId("state"), byId("facts"), byId("details"), byId("again"), cancel]) each.hidden = true;
  showNotice(words, paragraphs, "off");
}

function showHeading(words) {
  summary.hidden = true;
  heading.firstElementChild.textContent = words;
  showTitle();
}

/** Have the document's title say what the heading says, and whether there is a problem. */
export function showTitle() {
  document.title = titleOf(heading.textContent, { failed: !summary.hidden });
}

function showNotice(words, paragraphs, tone) {
  notice.dataset.tone = tone;
  byId("notice-heading").textContent = words;
  byId("notice-text").replaceChildren(...paragraphs.map((sentence) => element("p", sentence)));
  notice.hidden = false;
  body.hidden = false;
}

/** Show what stands in the way. */
export function showProblem(paragraphs) {
  byId("error-text").replaceChildren(...paragraphs.map((sentence) => element("p", sentence)));
  summary.hidden = false;
  body.hidden = false;
  showTitle();
}

/** Take the person to what stands in the way. */
export function focusProblem() {
  summary.focus();
}

/** Ask once more. The focus goes to what changes nothing, and comes back when the question is taken away. */
export function showConfirm() {
  dialog.showModal();
  keep.focus();
}

export function hideConfirm() {
  dialog.close();
}

/** Take the person to what has become of it. */
export function focusNotice() {
  byId("notice-heading").focus();
}

/** Say what is going on, or nothing. The buttons stay focusable: a disabled one would drop the focus. */
export function setBusy(words) {
  for (const button of [retry, cancel]) setAttribute(button, "aria-disabled", words && "true");
  byId("progress").textContent = words;
}

/** Tell what can be seen to who doesn't see it. */
export function announce(words) {
  byId("announcement").textContent = words;
}
