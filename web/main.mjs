/** Brings the page to life: what follows what. What is said is decided in the other modules, `view.mjs` shows it. */

import { calendarOf } from "./calendar.mjs";
import { announcementOf, deadlineOf, doorOf, factsOf, isNews, nextLookIn } from "./card.mjs";
import { findEvent, oneAtATime, register } from "./client.mjs";
import { apiUrl, managed } from "./config.mjs";
import { isSeen, whenSeen } from "./dom.mjs";
import { draftFor } from "./draft.mjs";
import { changeOf, fieldOf, labelsOf } from "./fields.mjs";
import { CHOICE, FIELDS, PERSON, headingOf, labelsOfFields, prefill, summaryOf, troubleOf, unknownEvent } from "./form.mjs";
import { answersOf, questionsOf, validateAnswers } from "./questions.mjs";
import * as shown from "./shown.mjs";
import { language, text } from "./texts.mjs";
import { readerOf } from "./time.mjs";
import { alike, begin } from "./translation.mjs";
import { validate } from "./validation.mjs";
import * as view from "./view.mjs";

/** How many milliseconds at most the page waits before it looks: not all who wait are to ask at once. */
const JITTER = 3_000;

const { form, inputs } = view;
let reader;
/** The catalogue's event that the page is about; null while there is none, and where there is no catalogue. */
let eventid = null;
/** Its card, once it is known, and its questions: all of them, and those that are due as the answers are. */
let card = null;
let questions = [];
let due = [];
/** The fields besides the questions that are there. */
let asked = FIELDS;
let draft;
/** Counts the looks at the card: the answer to an earlier one has nothing to say any more. */
let look = 0;
let nextLook;
/** Whether the card is to be looked at again. */
let isWatching = false;

/** Say in another language all that is there. */
function sayAgain() {
  reader = readerOf();
  const typed = view.entries();
  view.showQuestions(questions);
  view.enter(typed);
  shown.sayAgain();
  if (card) ask(card.questions);
}

function start() {
  reader = readerOf();
  view.showTitle();
  const { folded, ...event } = prefill(location.search);
  for (const [field, text] of Object.entries(event)) if (text) inputs[field].value = text;
  draft = draftFor(event.eventid, () => sessionStorage);
  const { fields: typed } = draft.read();
  for (const field of FIELDS) inputs[field].value ||= typed[field] ?? "";
  form.addEventListener("submit", (submission) => {
    submission.preventDefault();
    if (asked === CHOICE) choose();
    else send();
  });
  form.addEventListener("input", follow);
  for (const button of [view.reload, view.recheck]) button.addEventListener("click", loadAgain);
  view.again.addEventListener("click", reset);
  view.hideLoading();
  if (!managed) return showPlainForm(folded);
  whenSeen(() => {
    if (isWatching) load({ quietly: true });
  });
  return event.eventid ? visit(event) : showChoice();
}

/** Take whatever event the person names. */
function showPlainForm(folded) {
  forget();
  asked = FIELDS;
  const name = () => view.showHeading(headingOf(inputs.eventname.value));
  if (folded) {
    inputs.eventname.addEventListener("input", name);
    view.fold();
  }
  shown.show(() => {
    if (folded) name();
    view.showTitle();
    view.showForm(asked, { button: text("form.register"), hint: text("form.confirmation") });
  });
}

function forget() {
  rest();
  eventid = null;
  card = null;
  questions = [];
  due = [];
  view.showQuestions(questions);
  view.hideCard();
}

/** Ask for an event's id alone. */
function showChoice() {
  forget();
  asked = CHOICE;
  shown.show(() => {
    view.showTitle();
    view.showForm(asked, { button: text("form.continue"), hint: "" });
  });
}

function choose() {
  const { value, problems } = validate({ eventid: inputs.eventid.value }, CHOICE);
  if (problems.length > 0) return refuse({ kind: "refused", problems });
  return location.assign(alike(`?event=${encodeURIComponent(value.eventid)}`));
}

/** Show the event that the address names, if it can be one. */
function visit(named) {
  const { value, problems } = validate(named, CHOICE);
  if (problems.length > 0) {
    showChoice();
    return refuse({ kind: "refused", problems });
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
  rest();
  const mine = look;
  if (!quietly) shown.setBusy("form.loading");
  const outcome = await findEvent(eventid, { apiUrl });
  if (!quietly) shown.setBusy("");
  if (mine !== look) return;
  if (quietly && !["found", "unknown"].includes(outcome.kind)) return watch();
  if (outcome.kind === "unavailable") return shown.complain(() => troubleOf(outcome), { isReload: true });
  view.keepFocus(() => {
    if (!quietly) shown.clearProblems();
    showFound(outcome, quietly);
  });
}

function showFound(outcome, quietly) {
  if (outcome.kind === "found") return showCard(outcome.card, quietly);
  if (outcome.kind === "uncatalogued") return showPlainForm(prefill(location.search).folded);
  showChoice();
  return refuse(unknownEvent());
}

function showCard(found, quietly) {
  const isNew = JSON.stringify(found) !== JSON.stringify(card);
  if (JSON.stringify(found.questions) !== JSON.stringify(card?.questions)) showQuestions(found.questions);
  card = found;
  shown.show(showDoor);
  if (isNew) {
    shown.say("");
    view.announce(announcementOf(card));
  } else if (!quietly) {
    shown.say("form.unchanged");
  }
  watch();
}

function showDoor() {
  const door = doorOf(card, reader);
  asked = door.button ? PERSON : [];
  view.showCard(card.eventname, door, [...factsOf(card, reader), ...deadlineOf(card, reader)]);
  view.showForm(asked, door);
}

/** Ask the event's questions; what is typed in those that stay stays, and what was before the page was loaded. */
function showQuestions(schema) {
  const typed = { ...draft.read().entries, ...view.entries() };
  questions = questionsOf(schema);
  view.showQuestions(questions);
  view.enter(typed);
  ask(schema);
}

/** Ask the questions that are due as the answers are. */
function ask(schema) {
  const { value } = validateAnswers(schema, answersOf(questions, view.entries()));
  due = questions.filter((question) => question.isAsked(value));
  view.askFor(due, value);
}

/** Have page and draft follow what is typed. */
function follow() {
  if (card) {
    const before = due;
    ask(card.questions);
    view.announce(changeOf(before, due));
  }
  if (asked !== CHOICE) draft.keep({ fields: typedIn(asked), entries: view.entries() });
}

function typedIn(names) {
  return Object.fromEntries(names.map((field) => [field, inputs[field].value]));
}

/** Look at the card again before long, as long as somebody looks at the page. */
function watch() {
  rest();
  isWatching = true;
  if (isSeen()) nextLook = setTimeout(() => load({ quietly: true }), nextLookIn(card, Date.now()) + Math.random() * JITTER);
}

/** Look no more, and at no answer that is still under way. */
function rest() {
  isWatching = false;
  look += 1;
  clearTimeout(nextLook);
}

const send = oneAtATime(async () => {
  const data = typedIn(asked);
  const { problems } = validate(data, asked);
  const { value: answers, problems: more } = validateAnswers(card?.questions, answersOf(due, view.entries()));
  if (problems.length + more.length > 0) return refuse({ kind: "refused", problems: [...problems, ...more] });
  rest();
  shown.setBusy("form.sending");
  const person = { ...data, ...(questions.length > 0 && { answers }), locale: language().code };
  const outcome = await register({ ...person, ...(card && { eventid }) }, { apiUrl });
  shown.setBusy("");
  if (outcome.kind === "registered") return showSuccess(outcome, data);
  refuse(outcome);
  if (!card) return undefined;
  return isNews(outcome) ? load({ quietly: true }) : watch();
});

/** Show what stands in the way of *outcome*, with links to the fields that are there. */
function refuse(outcome) {
  const labels = () => ({ ...labelsOfFields(), ...labelsOf(questions) });
  shown.complain(() => summaryOf(outcome, [...asked, ...due.map(fieldOf)], labels()));
}

function showSuccess(outcome, { cemail, eventname }) {
  draft.drop();
  shown.clearProblems();
  const registered = {
    status: outcome.status,
    eventname: outcome.eventname ?? card?.eventname ?? eventname,
    address: cemail.trim(),
    calendar: card && outcome.status === "confirmed" ? calendarOf(card, { host: location.hostname, now: Date.now() }) : null,
  };
  shown.succeed(() => view.showSuccess({ ...registered, facts: card ? factsOf(card, reader) : [] }));
}

/** Start over for the next person, who comes for the same event. */
function reset() {
  for (const field of PERSON) inputs[field].value = "";
  view.showQuestions(questions);
  if (card) ask(card.questions);
  shown.startOver();
  if (card) return load({ quietly: true });
}

if (await begin(sayAgain)) start();
