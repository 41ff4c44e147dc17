import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { hasText, language, listOf, plainNumber, runsOf, speak, split, text } from "../../web/texts.mjs";
import { speakIn } from "./speaking.mjs";

const english = { greeting: "Hello {name}", seats: { one: "a seat", other: "{count} seats" }, only: "Only English" };
const speaking = (texts, locale = "ar-EG") => speak({ code: "ar", locale, texts }, english);

afterEach(() => speakIn("en", "en-GB"));

test("a text has what is told in place of its placeholders, and keeps those that nothing is told of", () => {
  speaking({ greeting: "{name}، {other}" });

  assert.equal(text("greeting", { name: "Ada" }), "Ada، {other}");
});

test("what is told is taken as it is, whatever it looks like", () => {
  speaking(english);

  assert.equal(text("greeting", { name: "{name} $& {count}" }), "Hello {name} $& {count}");
});

for (const [count, expected] of [[0, "zero"], [1, "one"], [2, "two"], [3, "few ٣"], [11, "many ١١"], [100, "other ١٠٠"]]) {
  test(`${count} takes its language's form`, () => {
    speaking({ seats: { zero: "zero", one: "one", two: "two", few: "few {count}", many: "many {count}", other: "other {count}" } });

    assert.equal(text("seats", { count }), expected);
  });
}

test("a form that a language's file lacks gives way to the one for all others", () => {
  speaking({ seats: { other: "{count}!" } }, "de");

  assert.equal(text("seats", { count: 1 }), "1!");
});

test("what a language lacks is said in English, and what English lacks is an error", () => {
  speaking({});

  assert.equal(text("only"), "Only English");
  assert.throws(() => text("nothing"), /no text nothing/);
  assert.throws(() => text("only.more"), /no text only\.more/);
});

for (const key of ["constructor", "seats.toString", "nothing.at.all", ""]) {
  test(`there is no text "${key}"`, () => {
    speaking(english);

    assert.equal(hasText(key), false);
  });
}

test("numbers are written in the locale, without groups of digits: a year may be among them", () => {
  speaking(english, "de-AT");

  assert.equal(text("greeting", { name: 1990.125 }), "Hello 1990,125");
  assert.deepEqual(language(), { code: "ar", locale: "de-AT" });
});

test("runs stand where the language has them", () => {
  speaking({ greeting: "{name}، مرحبا {count}" });
  const name = [{ text: "Ada", isForeign: true }, { text: "!" }];

  const runs = runsOf("greeting", { name, count: 2 });

  assert.deepEqual(runs, [...name, { text: "، مرحبا " }, { text: "٢" }]);
});

test("a text is taken apart at its placeholders", () => {
  assert.deepEqual(split("{a}b{c}"), [{ name: "a" }, { text: "b" }, { name: "c" }]);
  assert.deepEqual(split("no {Placeholder} {}"), [{ text: "no {Placeholder} {}" }]);
});

for (const [locale, expected] of [["en-GB", "A, B"], ["de", "A, B"], ["ar", "A وB"]]) {
  test(`a list in ${locale} is ${expected}`, () => {
    speaking({}, locale);

    assert.equal(listOf(["A", "B"]), expected);
  });
}

test("a number that may mean either of two is none", () => {
  speaking({}, "de");

  assert.equal(plainNumber("1.500"), null);
  assert.equal(plainNumber("1,500"), "1.500");
});
