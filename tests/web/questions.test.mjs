import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { answersOf, questionsOf, validateAnswers } from "../../web/questions.mjs";
import { languages, speakIn } from "./speaking.mjs";

const read = (name) => JSON.parse(readFileSync(new URL(`../wire/${name}`, import.meta.url), "utf8"));
const cases = read("answers.json");

test("there are shared cases to agree on", () => {
  assert.ok(cases.length > 0);
});

describe("the page judges as the server does: answers.json", () => {
  for (const { description, questions, answers, expected } of cases) {
    test(description, () => {
      const { value, problems } = validateAnswers(questions, answers);

      assert.deepEqual(problems.map(({ field, code }) => ({ field, code })), expected.problems ?? []);
      if (expected.value) assert.equal(JSON.stringify(value), JSON.stringify(expected.value));
    });
  }
});

test("the page and the server say the same sentence for each code", () => {
  assert.deepEqual(languages.en.site.problems.answers, read("answer-messages.json"));
});

const schema = {
  type: "object",
  properties: {
    hotel: { type: "boolean" },
    age: { type: "integer", title: "Your age", description: "In years." },
    days: { type: "array", items: { type: "string", enum: ["Friday", "Saturday"] } },
    agree: { type: "boolean", const: true },
    note: { type: "string" },
  },
  required: ["agree"],
  if: { properties: { hotel: { const: true } }, required: ["hotel"] },
  then: { properties: { nights: { type: "number" }, wish: { type: "string" } }, required: ["nights", "note"] },
};
const questions = questionsOf(schema);
const named = (name) => questions.find((question) => question.name === name);

for (const none of [null, undefined]) {
  test(`an event whose questions are ${none} asks nothing`, () => {
    assert.deepEqual(questionsOf(none), []);
    assert.deepEqual(validateAnswers(none, undefined), { value: {}, problems: [] });
  });
}

test("questions come in the form's order, with their own words or their names", () => {
  assert.deepEqual(questions.map(({ name }) => name), ["hotel", "age", "days", "agree", "note", "nights", "wish"]);
  assert.deepEqual([named("age").title, named("age").description], ["Your age", "In years."]);
  assert.deepEqual([named("note").title, named("note").description], ["note", ""]);
});

test("what depends on an answer is asked, and asked for, as long as the answer is given", () => {
  for (const [answers, holds] of [[{}, false], [{ hotel: false }, false], [{ hotel: true }, true]]) {
    const required = questions.filter((each) => each.isAsked(answers) && each.isRequired(answers));

    assert.equal(named("wish").isAsked(answers), holds);
    assert.deepEqual(required.map(({ name }) => name), holds ? ["agree", "note", "nights"] : ["agree"]);
  }
});

test("only what may never be left out is always required", () => {
  const always = questions.filter(({ isAlwaysRequired }) => isAlwaysRequired);

  assert.deepEqual(always.map(({ name }) => name), ["agree", "nights"]);
});

test("a question may be called like something that every object has", () => {
  const strange = { type: "object", properties: { constructor: { type: "string" }, toString: { type: "boolean" } } };

  assert.deepEqual(validateAnswers({ ...strange, required: ["constructor"] }, {}).problems.length, 1);
  assert.deepEqual(validateAnswers(strange, { constructor: "a" }), { value: { constructor: "a" }, problems: [] });
  assert.deepEqual(answersOf(questionsOf(strange), {}), {});
});

test("a problem names the field and the rule", () => {
  const { problems } = validateAnswers(schema, {});

  assert.deepEqual(problems, [{ field: "answers.agree", code: "must-be-ticked" }]);
});

for (const [name, entry, expected] of [
  ["hotel", "true", true],
  ["hotel", "false", false],
  ["hotel", "", null],
  ["agree", "true", true],
  ["agree", "", null],
  ["days", ["Friday"], ["Friday"]],
  ["note", " as typed\n", " as typed\n"],
  ["age", "", ""],
  ["age", " 7\u00a0", 7],
  ["age", "+7", 7],
  ["age", "-7", -7],
  ["age", "1e3", 1000],
  ["age", "7.0", 7],
  ["nights", ".5", 0.5],
  ["nights", "5.", 5],
  ["nights", "1.5E-7", 1.5e-7],
  ["nights", "1e999", Infinity],
  ["nights", "1,5", "1,5"],
  ["nights", "0x10", "0x10"],
  ["nights", "Infinity", "Infinity"],
  ["nights", "five", "five"],
  ["nights", "1 000", "1 000"],
]) {
  test(`what is entered as ${JSON.stringify(entry)} answers ${name} with ${expected}`, () => {
    assert.deepEqual(answersOf(questions, { [name]: entry }), { [name]: expected });
  });
}

for (const [locale, entry, expected] of [
  ["de", "1,5", 1.5],
  ["de", "-0,25", -0.25],
  ["de", "1.5", 1.5],
  ["de", "0.125", 0.125],
  // A thousand and a half, or a half: nobody is to guess.
  ["de", "1.500", "1.500"],
  ["de", "1.500,5", "1.500,5"],
  ["es-MX", "1,5", "1,5"],
  ["ar-EG", "١٢٫٥", 12.5],
  ["ar", "۷", 7],
]) {
  test(`in ${locale} the number ${entry} is read as it is written there: ${expected}`, () => {
    speakIn(locale.slice(0, 2), locale);

    const answers = answersOf(questions, { nights: entry });
    speakIn("en", "en-GB");

    assert.deepEqual(answers, { nights: expected });
  });
}

test("what is entered in no question's control is no answer", () => {
  assert.deepEqual(answersOf(questions.filter(({ name }) => name !== "note"), { note: "typed" }), {});
});
