import assert from "node:assert/strict";
import { test } from "node:test";

import { CHOICE, PERSON, headingOf, nextStep, prefill, summaryOf, titleOf, troubleOf, unknownEvent } from "../../web/form.mjs";
import { textOf } from "../../web/time.mjs";
import "./speaking.mjs";

const problem = (field, message) => ({ field, code: "of-the-future", message });
const refused = (problems, detail) => ({ kind: "refused", code: "of-the-future", problems, detail });

test("a link that names a valid event fills its fields and folds them away", () => {
  const event = prefill("?eventid=pyday-2030&eventname=Python+Day+in+Z%C3%BCrich");

  assert.deepEqual(event, { eventid: "pyday-2030", eventname: "Python Day in Zürich", folded: true });
});

test("a link may call the event id just event", () => {
  assert.equal(prefill("?event=pyday-2030").eventid, "pyday-2030");
});

const incomplete = ["", "?eventid=pyday", "?eventname=Day", "?eventid=a+b&eventname=Day", "?eventid=a&eventname=www.x"];
for (const search of incomplete) {
  test(`the link "${search}" leaves something to fill in, so that nothing is folded away`, () => {
    assert.equal(prefill(search).folded, false);
  });
}

test("a valid event name is the heading, in normal form", () => {
  assert.equal(headingOf("  Python   Day "), "Python Day");
});

for (const name of ["", "https://example.org", "\u202eyaD nohtyP"]) {
  test(`the event name ${JSON.stringify(name)} never gets into the heading`, () => {
    assert.equal(headingOf(name), "Register for an event");
  });
}

test("the document's title says first that there is an error", () => {
  assert.equal(titleOf("Python Day"), "Python Day – Event Registration");
  assert.equal(titleOf("Python Day", { failed: true }), "Error: Python Day – Event Registration");
});

test("the summary links the fields in the form's order, whatever the server's", () => {
  const problems = [problem("eventid", "No."), problem("cemail", "Nor."), problem("cname", "Neither.")];

  const { links } = summaryOf(refused(problems));

  assert.deepEqual(links.map(({ field, runs }) => `${field}: ${textOf(runs)}`), [
    "cname: Your name: Neither.",
    "cemail: E-mail address: Nor.",
    "eventid: Event id: No.",
  ]);
});

for (const [label, expected] of [
  ["What do you eat?", "What do you eat? This is required."],
  ["ماذا تأكل؟", "ماذا تأكل؟ This is required."],
  ["Diet", "Diet: This is required."],
]) {
  test(`a link to the question ${label} reads well, and its title keeps its direction`, () => {
    const outcome = refused([problem("answers.diet", "This is required.")]);

    const [{ runs }] = summaryOf(outcome, ["answers.diet"], { "answers.diet": label }).links;

    assert.equal(textOf(runs), expected);
    assert.deepEqual(runs[0], { text: label, isForeign: true });
  });
}

test("a problem of a field that the form doesn't have is shown all the same", () => {
  const outcome = refused([problem("answers", "Answer the question.")], "Some fields are wrong.");

  const { links, paragraphs } = summaryOf(outcome);

  assert.deepEqual(links, []);
  assert.deepEqual(paragraphs, ["Answer the question."]);
});

test("a problem of a field that isn't asked for is told, and leads nowhere", () => {
  const outcome = refused([problem("eventid", "There is none."), problem("cname", "No.")]);

  const { links, paragraphs } = summaryOf(outcome, PERSON);

  assert.deepEqual(links.map(({ field }) => field), ["cname"]);
  assert.deepEqual(paragraphs, ["There is none."]);
});

test("an unknown event is a problem of the id that was asked for", () => {
  const { links, paragraphs, retry } = summaryOf(unknownEvent(), CHOICE);

  assert.deepEqual(links.map(({ runs }) => textOf(runs)), ["Event id: There is no event with this id."]);
  assert.deepEqual(paragraphs, []);
  assert.equal(retry, false);
});

for (const reason of ["offline", "timeout", "server"]) {
  test(`a card that could not be loaded (${reason}) has nothing to do with registering twice`, () => {
    const { links, paragraphs, retry } = troubleOf({ reason, retryAfter: 5 });

    assert.deepEqual(links, []);
    assert.match(paragraphs[0], /registration service/);
    assert.deepEqual(paragraphs.slice(1), ["Please wait 5 seconds before you try again."]);
    assert.equal(retry, false);
  });
}

test("a problem is told in the page's words, in the server's only if it is newer than the page", () => {
  const errors = ["cemail", "answers.note", "answers"].map((field) => ({ field, code: "forbidden-character", message: "No." }));

  const { links, paragraphs } = summaryOf(refused([...errors, problem("cname", "New.")]), ["cname", "cemail"]);

  assert.deepEqual(links.map(({ message }) => message), ["New.", "Remove line breaks and invisible control characters."]);
  assert.match(paragraphs[0], /where one line is asked for/);
  assert.equal(paragraphs[1], paragraphs[0]);
});

for (const [code, expected] of [
  ["event-full", "All seats of this event are taken."],
  ["not-utf-8", "The registration service can't read what this page sends. Please reload the page, then try again."],
  ["constructor", "In English."],
  [undefined, "In English."],
]) {
  test(`the refusal ${code} is told in the page's words if it has some`, () => {
    const { paragraphs } = summaryOf({ kind: "refused", code, problems: [], detail: "In English." });

    assert.deepEqual(paragraphs, [expected]);
  });
}

test("a refusal without field problems shows its detail and no retry", () => {
  const summary = summaryOf(refused([], "There is no event with this id."));

  assert.deepEqual(summary, { links: [], paragraphs: ["There is no event with this id."], retry: false });
});

for (const reason of ["offline", "timeout", "server"]) {
  test(`a service that is unavailable (${reason}) may be tried again, and the text says that this is safe`, () => {
    const { links, paragraphs, retry } = summaryOf({ kind: "unavailable", reason, retryAfter: null });

    assert.deepEqual(links, []);
    assert.equal(retry, true);
    assert.equal(paragraphs.length, 2);
    assert.match(paragraphs[0], /registration service/);
    assert.equal(paragraphs[1], "Nothing was lost: trying again can't register you twice.");
  });
}

for (const [seconds, text] of [
  [1, "Please wait a second before you try again."],
  [30, "Please wait 30 seconds before you try again."],
  [89, "Please wait 89 seconds before you try again."],
  [90, "Please wait 2 minutes before you try again."],
  [121, "Please wait 3 minutes before you try again."],
]) {
  test(`a wait of ${seconds} s is told in words`, () => {
    const { paragraphs } = summaryOf({ kind: "unavailable", reason: "server", retryAfter: seconds });

    assert.equal(paragraphs.at(-1), text);
  });
}

test("only a person with a seat is promised a confirmation", () => {
  assert.match(nextStep("confirmed").text, /confirmation/);
  assert.doesNotMatch(JSON.stringify(nextStep("waitlisted")), /confirmation/);
});

test("a person without a seat is told when we write", () => {
  assert.equal(nextStep("waitlisted").text, "We write to {address} when a seat becomes free.");
});
