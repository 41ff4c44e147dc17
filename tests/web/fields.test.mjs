import assert from "node:assert/strict";
import { test } from "node:test";

import { changeOf, controlOf, fieldOf, labelsOf, limitsOf } from "../../web/fields.mjs";
import { questionsOf } from "../../web/questions.mjs";
import "./speaking.mjs";

const questionOf = (rule, name = "q", required = []) =>
  questionsOf({ type: "object", properties: { [name]: rule }, required })[0];
const options = (count) => Array.from({ length: count }, (_, index) => `Option ${index + 1}`);
const choices = (rule) => ({ type: "array", items: { type: "string", enum: options(4) }, ...rule });

for (const [name, rule, control] of [
  ["a short text", { type: "string", maxLength: 200 }, "input"],
  ["a long text", { type: "string", maxLength: 201 }, "textarea"],
  ["a text of any length", { type: "string" }, "textarea"],
  ["a text with a pattern", { type: "string", maxLength: 1000, pattern: "^a$" }, "input"],
  ["an address", { type: "string", format: "email" }, "input"],
  ["a link", { type: "string", format: "uri" }, "input"],
  ["a whole number", { type: "integer" }, "input"],
  ["a few options", { type: "string", enum: options(5) }, "radios"],
  ["many options", { type: "string", enum: options(6) }, "select"],
  ["yes or no", { type: "boolean" }, "radios"],
  ["a consent", { type: "boolean", const: true }, "checkbox"],
  ["several options", choices(), "checkboxes"],
]) {
  test(`${name} is asked by ${control}`, () => {
    assert.equal(controlOf(questionOf(rule)).control, control);
  });
}

for (const [format, type] of [["date", "date"], ["time", "time"]]) {
  test(`a ${format} is asked by the browser's own picker`, () => {
    assert.equal(controlOf(questionOf({ type: "string", format })).attributes.type, type);
  });
}

test("what a browser would rewrite, cut off or change under the mouse is plain text", () => {
  for (const rule of [{ type: "string", format: "email" }, { type: "string", format: "uri" }, { type: "number" }]) {
    const { attributes } = controlOf(questionOf({ ...rule, maxLength: 5 }));

    assert.equal(attributes.type, "text");
    assert.equal(attributes.maxlength, undefined);
  }
});

for (const [rule, inputmode] of [
  [{ type: "string", format: "email" }, "email"],
  [{ type: "string", format: "uri" }, "url"],
  [{ type: "integer", minimum: 0 }, "numeric"],
  [{ type: "number", minimum: 0.5 }, "decimal"],
  // Keyboards of digits have no minus.
  [{ type: "integer" }, undefined],
  [{ type: "number", minimum: -1 }, undefined],
]) {
  test(`${JSON.stringify(rule)} brings up the keyboard ${inputmode}`, () => {
    assert.equal(controlOf(questionOf(rule)).attributes.inputmode, inputmode);
  });
}

for (const [name, word] of [
  ["tel", "tel"],
  ["Phone", "tel"],
  ["company", "organization"],
  ["job_title", "organization-title"],
  ["postal-code", "postal-code"],
  ["companion", "off"],
  ["constructor", "off"],
]) {
  test(`a browser that knows it fills in the question ${name}: ${word}`, () => {
    assert.equal(controlOf(questionOf({ type: "string", maxLength: 50 }, name)).attributes.autocomplete, word);
  });
}

test("a telephone number has its keyboard, and is written from left to right", () => {
  const { attributes } = controlOf(questionOf({ type: "string", maxLength: 50 }, "phone"));

  assert.deepEqual([attributes.inputmode, attributes.dir], ["tel", "ltr"]);
});

for (const rule of [{ type: "boolean" }, { type: "string", enum: options(3) }, { type: "string", enum: options(6) }]) {
  test(`who may leave out ${JSON.stringify(rule)} can choose no answer`, () => {
    const texts = (question) => controlOf(question).options.map(({ text }) => text);

    assert.ok(texts(questionOf(rule)).includes("No answer"));
    assert.ok(!texts(questionOf(rule, "q", ["q"])).includes("No answer"));
  });
}

test("nothing is chosen before somebody chooses", () => {
  const { options: list } = controlOf(questionOf({ type: "string", enum: options(6) }, "q", ["q"]));

  assert.deepEqual(list[0], { value: "", text: "Please choose" });
});

for (const [rule, expected] of [
  [{ type: "integer" }, ""],
  [{ type: "integer", minimum: 1 }, "1 or more."],
  [{ type: "integer", maximum: 9 }, "9 or less."],
  [{ type: "number", minimum: 0, maximum: 0.5 }, "From 0 to 0.5."],
  [{ type: "integer", minimum: 3, maximum: 3 }, "3."],
  [choices(), ""],
  [choices({ minItems: 1 }), ""],
  [choices({ minItems: 2 }), "Choose at least 2."],
  [choices({ maxItems: 2 }), "Choose at most 2."],
  [choices({ maxItems: 9 }), ""],
  [choices({ minItems: 2, maxItems: 3 }), "Choose 2 to 3."],
  [choices({ minItems: 2, maxItems: 2 }), "Choose 2."],
  [choices({ minItems: 1, maxItems: 1 }), "Choose one."],
  [choices({ minItems: 4 }), "Choose 4."],
  [{ type: "string", maxLength: 500 }, "At most 500 characters."],
  [{ type: "string", maxLength: 50 }, ""],
  [{ type: "string" }, ""],
]) {
  test(`the limits of ${JSON.stringify(rule)} are said: "${expected}"`, () => {
    assert.equal(limitsOf(questionOf(rule)), expected);
  });
}

test("the form and the server know an answer by one name", () => {
  const diet = questionOf({ type: "string", title: "What do you eat?" }, "diet");

  assert.equal(fieldOf(diet), "answers.diet");
  assert.deepEqual(labelsOf([diet]), { "answers.diet": "What do you eat?" });
});

test("who doesn't see a question come or go is told", () => {
  const [one, two, three] = ["One", "Two", "Three"].map((name) => questionOf({ type: "boolean", title: `${name}?` }, name));

  assert.equal(changeOf([one], [one, two]), "1 question added: Two?");
  assert.equal(changeOf([one], [one, two, three]), "2 questions added: Two?, Three?");
  assert.equal(changeOf([one, two, three], [one]), "2 questions removed.");
  assert.equal(changeOf([one], [one]), "");
});
