/** Brings the page to life: what follows what. What is said is decided in the other modules, `view.mjs` shows it. */

import { announcementOf, deadlineOf, doorOf, factsOf, isNews, nextLookIn } from "./card.mjs";
import { findEvent, oneAtATime, register } from "./client.mjs";
import { apiUrl, managed } from "./config.mjs";
import { CHOICE, PERSON, fields, headingOf, prefill, summaryOf, troubleOf, unknownEvent } from "./form.mjs";
import { localeOf } from "./time.mjs";
import { validate } from "./validation.mjs";
import * as view from "./view.mjs";

/** How many milliseconds at most the page waits once registration opens: not all who wait are to ask at once. */
const JITTER = 3_000;

const { form, inputs } = view;
const reader = {
  locale: localeOf(navigator.languages),
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
};
/** The catalogue's event that the page is about; null while there is none, and where there is no catalogue. */
let eventid = null;
/** Its card, once it is known. */
let card = null;
let asked = Object.keys(fields);
/** Counts the looks at the card: the answer to an earlier one has nothing to say any more. */
let look = 0;
let opening;

function start() {
  const { folded, ...event } = prefill(location.search);
  for (const [field, text] of Object.entries(event)) if (text) inputs[field].value = text;
  form.addEventListener("submit", (submission) => {
    submission.preventDefault();
    if (asked === CHOICE) choose();
    else send();
  });
  for (const button of [view.reload, view.recheck]) button.addEventListener("click", loadAgain);
  view.again.addEventListener("click", reset);
  view.hideLoading();
  if (!managed) return showPlainForm(folded);
  return event.eventid ? visit(event) : showChoice();
}

/** Take whatever event the person names. */
function showPlainForm(folded) {
  forget();
  asked = Object.keys(fields);
  if (folded) {
    const name = () => view.showHeading(headingOf(inputs.eventname.value));
    inputs.eventname.addEventListener("input", name);
    view.fold();
    name();
  }
  view.showTitle();
  view.showForm(asked);
}

function forget() {
  eventid = null;
  card = null;
  clearTimeout(opening);
  view.hideCard();
}

/** Ask for an event's id alone. */
function showChoice() {
  forget();
  asked = CHOICE;
  view.showForm(asked, { button: "Continue" });
}

function choose() {
  const { value, problems } = validate({ eventid: inputs.eventid.value }, CHOICE);
  if (problems.length > 0) return view.showProblems(summaryOf({ kind: "refused", problems }, asked));
  return location.assign(`?event=${encodeURIComponent(value.eventid)}`);
}

/** Show the event that the address names, if it can be one. */
function visit(named) {
  const { value, problems } = validate(named, CHOICE);
  if (problems.length > 0) {
    showChoice();
    return view.showProblems(summaryOf({ kind: "refused", problems }, asked));
  }
  eventid = value.eventid;
  return load();
}

const loadAgain = oneAtATime(() => load());

/**
 * Look at the event's card, and have the page follow it.
 *
 * @param {{quietly?: boolean}} [options] Whether the page is fine as it is if the card can't be had now.
 */
async function load({ quietly = false } = {}) {
  const mine = ++look;
  if (!quietly) view.setBusy("Loading the event…");
  const outcome = await findEvent(eventid, { apiUrl });
  if (!quietly) view.setBusy("");
  if (mine !== look) return;
  if (outcome.kind === "unavailable") {
    return quietly ? watch() : view.showProblems(troubleOf(outcome), { isReload: true });
  }
  view.keepFocus(() => {
    if (!quietly) view.clearProblems();
    follow(outcome, quietly);
  });
}

function follow(outcome, quietly) {
  if (outcome.kind === "found") return showCard(outcome.card, quietly);
  if (outcome.kind === "uncatalogued") return showPlainForm(prefill(location.search).folded);
  showChoice();
  return view.showProblems(summaryOf(unknownEvent(), asked));
}

function showCard(found, quietly) {
  const isNew = JSON.stringify(found) !== JSON.stringify(card);
  card = found;
  const door = doorOf(card, reader);
  asked = door.button ? PERSON : [];
  view.showCard(card.eventname, door, [...factsOf(card, reader), ...deadlineOf(card, reader)]);
  view.showForm(asked, door);
  if (isNew) view.announce(announcementOf(card));
  else if (!quietly) view.say("Nothing has changed yet.");
  watch();
}

/** Look at the card again when registration opens. */
function watch() {
  clearTimeout(opening);
  const wait = nextLookIn(card, Date.now());
  if (wait === null) return;
  opening = setTimeout(async () => {
    view.say("");
    await load({ quietly: true });
  }, wait + Math.random() * JITTER);
}

const send = oneAtATime(async () => {
  const data = Object.fromEntries(asked.map((field) => [field, inputs[field].value]));
  const { problems } = validate(data, asked);
  if (problems.length > 0) return view.showProblems(summaryOf({ kind: "refused", problems }, asked));
  view.setBusy("Sending your registration…");
  const outcome = await register(card ? { ...data, eventid } : data, { apiUrl });
  view.setBusy("");
  if (outcome.kind === "registered") return showSuccess(outcome, data);
  view.showProblems(summaryOf(outcome, asked));
  if (card && isNews(outcome)) return load({ quietly: true });
});

function showSuccess(outcome, { cemail, eventname }) {
  // What the card says now is for the next person.
  look += 1;
  view.clearProblems();
  view.showSuccess({
    ...outcome,
    eventname: outcome.eventname ?? card?.eventname ?? eventname,
    address: cemail.trim(),
    facts: card ? factsOf(card, reader) : [],
  });
}

/** Start over for the next person, who comes for the same event. */
function reset() {
  for (const field of PERSON) inputs[field].value = "";
  view.showEntry();
  if (card) return load({ quietly: true });
}

start();
