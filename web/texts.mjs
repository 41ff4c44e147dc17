/** The page's words: texts in the language that is spoken now, with its plurals, numbers and lists. */

/** What a text has in place of something that is told: `{name}`. */
const PLACEHOLDER = /\{([a-z]+)\}/;

let spoken = { code: "en", locale: "en", texts: {} };
let english = {};

/**
 * Speak a language from now on.
 *
 * @param {{code: string, locale: string, texts: object}} language Its texts by topic, and the locale by which numbers and
 *   dates are written: perhaps a country's own kind of that language.
 * @param {object} [fallback] English's texts, for what the language lacks.
 */
export function speak(language, fallback = english) {
  spoken = language;
  english = fallback;
}

/** The language that is spoken: its code, and its locale. */
export function language() {
  return { code: spoken.code, locale: spoken.locale };
}

/** Whether there is a text for *key*. */
export function hasText(key) {
  return (find(spoken.texts, key) ?? find(english, key)) !== undefined;
}

/**
 * Say something.
 *
 * @param {string} key The text's topics and its name: `success.confirmed.heading`.
 * @param {{[name: string]: string | number}} [values] What takes the place of its placeholders; one that isn't given
 *   stays. By the `count` a text of several forms is chosen.
 * @throws {Error} English has no such text either.
 */
export function text(key, values = {}) {
  return partsOf(key, values).map((part) => part.text ?? spellOut(values, part.name)).join("");
}

/**
 * Say something with *values* that are themselves made of runs, `{text, …}`.
 *
 * @param {string} key
 * @param {{[name: string]: string | number | object[]}} values
 * @returns {object[]} The whole as runs.
 */
export function runsOf(key, values) {
  const runs = ({ name, text: words }) => (Array.isArray(values[name]) ? values[name] : { text: words ?? spellOut(values, name) });
  return partsOf(key, values).flatMap(runs);
}

/**
 * Take a text apart.
 *
 * @param {string} words
 * @returns {{text?: string, name?: string}[]} Its parts in order: words, and the names of its placeholders.
 */
export function split(words) {
  const parts = words.split(PLACEHOLDER).map((part, index) => (index % 2 ? { name: part } : { text: part }));
  return parts.filter((part) => part.text !== "");
}

/**
 * Read a number as the language writes it.
 *
 * @param {string} words Digits of ASCII or Arabic, and before the fraction a point or what the language has there.
 * @returns {string | null} As programs write it, if it is a number at all; `null` where 1.500 may mean either.
 */
export function plainNumber(words) {
  const digits = words.replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => digit.charCodeAt(0) & 0xf).replace("\u066b", ".");
  const parts = new Intl.NumberFormat(spoken.locale).formatToParts(0.5);
  if (parts.find(({ type }) => type === "decimal").value !== ",") return digits;
  if (/^[+-]?[1-9]\d{0,2}(?:\.\d{3})+$/.test(digits)) return null;
  return digits.includes(".") ? digits : digits.replace(",", ".");
}

/** *items* as a list. */
export function listOf(items) {
  return new Intl.ListFormat(spoken.locale, { type: "unit", style: "short" }).format(items);
}

function partsOf(key, values) {
  const found = find(spoken.texts, key) ?? find(english, key);
  if (found === undefined) throw new Error(`There is no text ${key}.`);
  return split(typeof found === "string" ? found : formOf(found, values.count));
}

function find(texts, key) {
  return key.split(".").reduce((topic, name) => (Object.hasOwn(topic ?? {}, name) ? topic[name] : undefined), texts);
}

/** The form that the language has for *count*. */
function formOf(forms, count) {
  return forms[new Intl.PluralRules(spoken.locale).select(count)] ?? forms.other;
}

/** Without groups of digits: a number is shown as it may be typed, and a year as a year. */
function spellOut(values, name) {
  const value = Object.hasOwn(values, name) ? values[name] : `{${name}}`;
  if (typeof value !== "number") return value;
  return new Intl.NumberFormat(spoken.locale, { useGrouping: false, maximumFractionDigits: 20 }).format(value);
}
