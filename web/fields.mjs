/** How a question is put to people: by which control, with which keyboard, and in which words. */

import { listOf, text } from "./texts.mjs";

const MAX_RADIOS = 5;
const MAX_TEXT = 4000;

/**
 * A question whose name is one of these is about the person, and browsers may fill it in (HTML, "Autofill").
 *
 * The left ones are what organisers call it, where that isn't the standard's own word.
 */
const AUTOFILL = {
  "phone": "tel",
  "telephone": "tel",
  "mobile": "tel",
  "company": "organization",
  "organisation": "organization",
  "job-title": "organization-title",
  "address": "street-address",
  "city": "address-level2",
  "town": "address-level2",
  "postcode": "postal-code",
  "zip": "postal-code",
  "country": "country-name",
  "birthday": "bday",
  "website": "url",
  ...Object.fromEntries(
    [
      ...["tel", "organization", "organization-title", "street-address", "address-level1", "address-level2"],
      ...["postal-code", "country", "country-name", "bday", "url", "nickname", "honorific-prefix", "given-name"],
      ...["additional-name", "family-name", "sex", "language"],
    ].map((word) => [word, word]),
  ),
};

/** What each kind of question says to the browser about its text. */
const TEXTS = {
  line: { type: "text", dir: "auto" },
  text: { dir: "auto", rows: "4" },
  // As with the address: not type="email" or "url", which rewrite what was typed.
  email: { type: "text", dir: "ltr", inputmode: "email", autocapitalize: "none", autocorrect: "off", spellcheck: "false" },
  link: { type: "text", dir: "ltr", inputmode: "url", autocapitalize: "none", autocorrect: "off", spellcheck: "false" },
  date: { type: "date", min: "0001-01-01", max: "9999-12-31" },
  time: { type: "time" },
  // Not type="number", whose value is gone when it isn't one and changes under a mouse's wheel.
  integer: { "type": "text", "dir": "ltr", "spellcheck": "false", "data-kind": "number" },
  number: { "type": "text", "dir": "ltr", "spellcheck": "false", "data-kind": "number" },
};

/**
 * Tell by which control *question* is asked.
 *
 * @param {object} question Of `questionsOf`.
 * @returns {{control: "input" | "textarea" | "select" | "radios" | "checkboxes" | "checkbox", attributes: object,
 *   options: {value: string, text: string, isForeign?: boolean}[]}} `options` with none to choose where the question may
 *   be left out, or where a list needs a line to begin with.
 */
export function controlOf(question) {
  const { kind, name } = question;
  if (kind === "consent") return { control: "checkbox", attributes: {}, options: [] };
  if (kind === "choices") return { control: "checkboxes", attributes: {}, options: optionsOf(question) };
  if (kind === "switch") return { control: "radios", attributes: {}, options: [...yesAndNo(), ...noneOf(question)] };
  if (kind === "choice" && question.options.length <= MAX_RADIOS) {
    return { control: "radios", attributes: {}, options: [...optionsOf(question), ...noneOf(question)] };
  }
  if (kind === "choice") {
    const first = question.isAlwaysRequired ? { value: "", text: text("questions.choose") } : noAnswer();
    return { control: "select", attributes: { autocomplete: autofillOf(name) }, options: [first, ...optionsOf(question)] };
  }
  const attributes = { ...TEXTS[kind], ...keyboardOf(question), autocomplete: autofillOf(name) };
  return { control: kind === "text" ? "textarea" : "input", attributes, options: [] };
}

function yesAndNo() {
  return [
    { value: "true", text: text("questions.yes") },
    { value: "false", text: text("questions.no") },
  ];
}

function noAnswer() {
  return { value: "", text: text("questions.none") };
}

function optionsOf({ options }) {
  return options.map((option) => ({ value: option, text: option, isForeign: true }));
}

/** A radio button, once pressed, can't be released: another one does it. */
function noneOf({ isAlwaysRequired }) {
  return isAlwaysRequired ? [] : [noAnswer()];
}

/** Keyboards of digits alone have no minus. */
function keyboardOf({ kind, name, min }) {
  if (kind === "integer" && min >= 0) return { inputmode: "numeric" };
  if (kind === "number" && min >= 0) return { inputmode: "decimal" };
  return kind === "line" && autofillOf(name) === "tel" ? { inputmode: "tel", dir: "ltr" } : {};
}

function autofillOf(name) {
  const word = name.toLowerCase().replaceAll("_", "-");
  return Object.hasOwn(AUTOFILL, word) ? AUTOFILL[word] : "off";
}

/**
 * Say within which limits an answer must be; nothing where there are none that people could meet.
 *
 * @param {object} question
 */
export function limitsOf({ kind, min, max, options }) {
  if (kind === "integer" || kind === "number") return rangeOf(min, max);
  if (kind === "choices") return countOf(min, max, options.length);
  if (kind === "text" && max < MAX_TEXT) return text("questions.characters", { count: max });
  return "";
}

function rangeOf(min, max) {
  if (min !== undefined && max !== undefined) return text(`questions.${min === max ? "number-only" : "number-from-to"}`, { min, max });
  if (min !== undefined) return text("questions.number-from", { min });
  return max === undefined ? "" : text("questions.number-to", { max });
}

function countOf(min, max, count) {
  const most = Math.min(max, count);
  if (min === most && min > 0) return text("questions.options", { count: min });
  if (min > 1 && most < count) return text("questions.options-from-to", { min, max: most });
  if (min > 1) return text("questions.options-from", { count: min });
  return most < count ? text("questions.options-to", { count: most }) : "";
}

/** The name by which the form, the errors and the server know a question's answer. */
export function fieldOf({ name }) {
  return `answers.${name}`;
}

/** The questions' labels by their fields. */
export function labelsOf(questions) {
  return Object.fromEntries(questions.map((question) => [fieldOf(question), question.title]));
}

/**
 * Say which questions an answer has brought or taken away; nothing if none.
 *
 * @param {object[]} before The questions that were asked.
 * @param {object[]} after Those that are asked now.
 */
export function changeOf(before, after) {
  const lacking = (list) => ({ name }) => !list.some((other) => other.name === name);
  const added = after.filter(lacking(before));
  if (added.length > 0) {
    const titles = added.map(({ title }) => title);
    return text("questions.added", { count: added.length, questions: listOf(titles) });
  }
  const removed = before.filter(lacking(after));
  return removed.length > 0 ? text("questions.removed", { count: removed.length }) : "";
}
