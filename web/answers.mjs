/**
 * What an answer to one question may be, as on the server: for each kind of question a normal form and the rules.
 */

import {
  checkAddress,
  checkLine,
  checkText,
  isBlank,
  lengthOf,
  normaliseAddress,
  normaliseLine,
  normaliseText,
} from "./rules.mjs";

const MAX_LINE = 200;
const MAX_TEXT = 4000;
const MAX_LINK = 2000;

// A host by its characters alone, in any script, without a name and password before it, which make a link look as if it
// led elsewhere. Behind it stands what an address bar takes; programs read \ as /.
const LABEL = "[A-Za-z0-9_\\u00a1-\\u{10ffff}](?:[A-Za-z0-9_\\u00a1-\\u{10ffff}-]*[A-Za-z0-9_\\u00a1-\\u{10ffff}])?";
const LINK = new RegExp(`^[Hh][Tt][Tt][Pp][Ss]?://${LABEL}(?:\\.${LABEL})*(?::[0-9]{1,5})?(?:[/?#][^ <>"\\\\]*)?$`, "u");
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?$/;

/** Whether *value* is no answer, to whatever question: nothing, an empty list, or text that leaves no ink. */
export function isNothing(value) {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : typeof value === "string" && isBlank(value);
}

/**
 * Tell what answers to a question may be.
 *
 * @param {object} rule The question's JSON Schema.
 * @returns {{kind: string, options?: string[], min?: number, max?: number, normalise: (value: unknown) => unknown,
 *   check: (value: unknown) => string | null | undefined}} `min` and `max` bound the text's length, the number, or how
 *   many options; `check` returns the code of the rule that an answer in normal form breaks.
 */
export function kindOf(rule) {
  if (rule.type === "array") return choicesOf(rule);
  if (rule.type === "boolean") {
    const check = (value) => (typeof value === "boolean" ? null : "not-a-switch");
    return { kind: rule.const === undefined ? "switch" : "consent", normalise: asItIs, check };
  }
  if (rule.type !== "string") return numberOf(rule);
  return rule.enum ? choiceOf(rule.enum) : textOf(rule);
}

function asItIs(value) {
  return value;
}

function isDate(text) {
  const [, year, month, day] = DATE.exec(text) ?? [];
  const date = new Date(`${text}T00:00:00Z`);
  return year > 0 && date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day);
}

const FORMATS = {
  email: { kind: "email", isValid: (text) => checkAddress(text) === null },
  uri: { kind: "link", isValid: (text) => LINK.test(text) },
  date: { kind: "date", isValid: isDate },
  time: { kind: "time", isValid: (text) => TIME.test(text) },
};

function textOf({ minLength: min = 0, maxLength = MAX_TEXT, format, pattern }) {
  const isLine = maxLength <= MAX_LINE || pattern !== undefined;
  const { kind, isValid = () => true } = FORMATS[format] ?? { kind: isLine ? "line" : "text" };
  const max = kind === "link" ? Math.min(maxLength, MAX_LINK) : maxLength;
  const write = { email: normaliseAddress, text: normaliseText }[kind] ?? normaliseLine;
  // The whole text, as on the server, wherever the pattern has its alternatives.
  const expression = pattern === undefined ? /^/ : new RegExp(`^(?:${pattern})$`, "u");
  const check = (value) => {
    if (typeof value !== "string") return "not-a-string";
    const fault = kind === "text" ? checkText(value) : checkLine(value);
    if (fault) return fault;
    const length = lengthOf(value);
    if (length < min) return "text-too-short";
    if (length > max) return "text-too-long";
    if (!isValid(value)) return `invalid-${kind}`;
    return expression.test(value) ? null : "pattern-mismatch";
  };
  return { kind, min, max, normalise: (value) => (typeof value === "string" ? write(value) : value), check };
}

function choiceOf(options) {
  const check = (value) => {
    if (typeof value !== "string") return "not-a-string";
    return options.includes(value) ? null : "not-an-option";
  };
  return { kind: "choice", options, normalise: asItIs, check };
}

function choicesOf({ items: { enum: options }, minItems: min = 0, maxItems: max = options.length }) {
  const areOptions = (value) => Array.isArray(value) && value.every((each) => options.includes(each));
  const check = (value) => {
    if (!Array.isArray(value)) return "not-a-list";
    if (!areOptions(value)) return "not-an-option";
    if (value.length < min) return "too-few-options";
    return value.length > max ? "too-many-options" : null;
  };
  const normalise = (value) => (areOptions(value) ? options.filter((option) => value.includes(option)) : value);
  return { kind: "choices", options, min, max, normalise, check };
}

function numberOf({ type: kind, minimum: min, maximum: max }) {
  const most = kind === "integer" ? Number.MAX_SAFE_INTEGER : Number.MAX_VALUE;
  const check = (value) => {
    if (typeof value !== "number") return "not-a-number";
    if (kind === "integer" && Number.isFinite(value) && !Number.isInteger(value)) return "not-an-integer";
    if (value < (min ?? -most)) return "number-too-small";
    return value > (max ?? most) ? "number-too-large" : null;
  };
  return { kind, min, max, normalise: asItIs, check };
}
