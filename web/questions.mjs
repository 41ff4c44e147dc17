/**
 * What an event asks: who is asked which questions, and what is wrong with all that one person answers.
 *
 * An event's questions are a JSON Schema of a small kind, which the server has checked when they were set up. Page and
 * server judge answers alike: both run the cases in tests/wire.
 */

import { isNothing, kindOf } from "./answers.mjs";
import { trim } from "./rules.mjs";
import { plainNumber } from "./texts.mjs";

const MAX_ANSWERS = 8192; // octets

// JSON's numbers, and what people write besides: a plus, no digit before the point or after it.
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/**
 * Read *schema*, whose order is the form's.
 *
 * @param {object | null | undefined} schema An event's `questions`.
 * @returns {object[]} Questions: what `kindOf` tells of each, and its `name`, `title`, `description`; whether it is
 *   ever left out (`isAlwaysRequired`); `isRequired(answers)` and `isAsked(answers)`, which want answers in normal form.
 */
export function questionsOf(schema) {
  const { properties = {}, required = [], if: condition, then: more = {} } = schema ?? {};
  const holds = (answers) => condition !== undefined && meets(answers, condition);
  const alsoRequired = more.required ?? [];
  const read = (isMore) => ([name, rule]) => {
    const isAlwaysRequired = required.includes(name) || (isMore && alsoRequired.includes(name));
    return {
      name,
      title: rule.title ?? name,
      description: rule.description ?? "",
      ...kindOf(rule),
      isAlwaysRequired,
      isRequired: (answers) => isAlwaysRequired || (alsoRequired.includes(name) && holds(answers)),
      isAsked: isMore ? holds : () => true,
    };
  };
  return [...Object.entries(properties).map(read(false)), ...Object.entries(more.properties ?? {}).map(read(true))];
}

function meets(answers, { properties }) {
  return Object.entries(properties).every(([name, rule]) => Object.hasOwn(answers, name) && fits(answers[name], rule));
}

function fits(answer, { contains, enum: options = [], ...rule }) {
  if (contains) return answer.includes(contains.const);
  return Object.hasOwn(rule, "const") ? answer === rule.const : options.includes(answer);
}

/**
 * Normalise *given*, whatever JSON it is, and name everything that is wrong with it.
 *
 * @param {object | null | undefined} schema
 * @param {unknown} given `null` is no answers.
 * @returns {{value: object, problems: {field: string, code: string}[]}} The right answers in normal
 *   form and in the form's order, and the problems in the server's.
 */
export function validateAnswers(schema, given) {
  const sheet = given ?? {};
  if (typeof sheet !== "object" || Array.isArray(sheet)) {
    return { value: {}, problems: [{ field: "answers", code: "not-an-object" }] };
  }
  const questions = questionsOf(schema);
  const value = {};
  const faults = new Map();
  for (const question of questions.filter((each) => isAnswered(each, sheet))) {
    const { name } = question;
    const answer = question.normalise(sheet[name]);
    const fault = question.isAsked(value) ? question.check(answer) : "unexpected-answer";
    if (fault) faults.set(name, fault);
    else value[name] = answer;
  }
  for (const question of questions.filter((each) => each.isAsked(value) && each.isRequired(value))) {
    const fault = question.kind === "consent" ? "must-be-ticked" : "required";
    if (!isAnswered(question, sheet)) faults.set(question.name, fault);
  }
  const wrong = questions.filter(({ name }) => faults.has(name));
  const problems = [
    ...wrong.map(({ name }) => ({ field: `answers.${name}`, code: faults.get(name) })),
    ...faultsOfAll(questions, sheet, value).map((code) => ({ field: "answers", code })),
  ];
  return { value, problems };
}

/** Whether *sheet* has an answer; a box that isn't ticked is none. */
function isAnswered({ name, kind }, sheet) {
  return Object.hasOwn(sheet, name) && !isNothing(sheet[name]) && !(kind === "consent" && sheet[name] === false);
}

function faultsOfAll(questions, sheet, value) {
  const names = new Set(questions.map(({ name }) => name));
  const isStrange = Object.entries(sheet).some(([name, answer]) => !names.has(name) && !isNothing(answer));
  const isLong = new TextEncoder().encode(JSON.stringify(value)).length > MAX_ANSWERS;
  return [...(isStrange ? ["unexpected-answer"] : []), ...(isLong ? ["answers-too-long"] : [])];
}

/**
 * Turn what the form's controls hold into answers, as yet unchecked.
 *
 * @param {object[]} questions
 * @param {{[name: string]: string | string[]}} entries By name: a text, or the ticked ones of several options.
 */
export function answersOf(questions, entries) {
  const answered = questions.filter(({ name }) => Object.hasOwn(entries, name));
  return Object.fromEntries(answered.map(({ name, kind }) => [name, answerOf(kind, entries[name])]));
}

function answerOf(kind, entry) {
  if (kind === "integer" || kind === "number") return numberIn(entry);
  if (kind === "switch" || kind === "consent") return entry === "" ? null : entry === "true";
  return entry;
}

/** The number that *text* writes; if it writes none, the text, for the rules to refuse. */
function numberIn(text) {
  const trimmed = trim(text);
  const plain = plainNumber(trimmed) ?? "";
  return NUMBER.test(plain) ? Number(plain) : trimmed;
}
