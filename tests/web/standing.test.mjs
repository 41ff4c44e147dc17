import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { isStanding, nothingOf, standingOf, tokenIn } from "../../web/standing.mjs";
import { textOf } from "../../web/time.mjs";
import { speakIn } from "./speaking.mjs";

const card = {
  eventid: "pyday-2030",
  eventname: "Python Day",
  state: "open",
  starts_at: "2030-06-01T07:00:00Z",
  ends_at: "2030-06-01T15:00:00Z",
  time_zone: "Europe/Zurich",
  venue: "Rathaus, Zürich",
  opens_at: null,
  closes_at: "2030-06-01T07:00:00Z",
  questions: null,
};
const standing = {
  status: "confirmed",
  eventid: "pyday-2030",
  eventname: "Python Day",
  cname: "نیلوفر علی‌زاده",
  registered_at: "2030-04-01T12:00:00Z",
  position: null,
  answers: [{ title: "ما الذي تأكله؟", text: "Vegan" }],
  card,
};
const reader = { zone: "Europe/Zurich", locale: "en-GB" };
const before = Date.parse("2030-05-01T12:00:00Z");
const shown = (changes = {}, now = before) => standingOf({ ...standing, ...changes }, reader, now);
const inState = (state, status) => shown({ status, card: { ...card, state } });

for (const [hash, token] of [["#v1.k1.abc.def", "v1.k1.abc.def"], ["#", null], ["", null]]) {
  test(`the address's end "${hash}" holds the token ${token}`, () => {
    assert.equal(tokenIn(hash), token);
  });
}

test("whoever has a seat is told so, and can give it up", () => {
  const { badge, tone, heading, cancel, again } = shown();

  assert.deepEqual([badge, tone, heading], ["Confirmed", "good", "You are registered"]);
  assert.equal(cancel.button, "Cancel my registration");
  assert.equal(again, null);
});

for (const [position, expected] of [
  [1, "You are next"],
  [3, "Number 3 in line"],
  [null, "You are on the waiting list"],
]) {
  test(`whoever waits at position ${position} reads: ${expected}`, () => {
    const { badge, heading, cancel } = shown({ status: "waitlisted", position });

    assert.deepEqual([badge, heading], ["Waiting list", expected]);
    assert.equal(cancel.button, "Leave the waiting list");
  });
}

test("whoever has cancelled has nothing to give up, and finds the way back", () => {
  const { heading, cancel, again } = shown({ status: "cancelled", eventid: "py~day" });

  assert.equal(heading, "Your registration is cancelled");
  assert.equal(cancel, null);
  assert.deepEqual([again.link, again.href], ["Register again", "index.html?event=py~day"]);
});

test("the way back leads to what is there", () => {
  const links = ["open", "waitlist", "full", "not-open-yet", "closed"].map((state) => inState(state, "cancelled").again.link);

  assert.deepEqual(links, ["Register again", "Join the waiting list", ...Array(3).fill("Look at the event")]);
});

for (const status of ["confirmed", "waitlisted", "cancelled"]) {
  describe(`a registration that is ${status}`, () => {
    test("is not to be cancelled, or made again, once the event is called off", () => {
      const { text, cancel, again } = inState("cancelled", status);

      assert.match(text, /This event has been cancelled/);
      assert.deepEqual([cancel, again], [null, null]);
    });

    test("is not to be cancelled, or made again, once the event is over", () => {
      const { text, cancel, again } = shown({ status }, Date.parse(card.ends_at));

      assert.equal(text, "This event is over.");
      assert.deepEqual([cancel, again], [null, null]);
    });

    test("can be shown", () => {
      assert.ok(isStanding({ ...standing, status }));
    });
  });
}

test("what was registered is told, every text in its own direction", () => {
  const { facts, details } = shown();

  assert.deepEqual(facts.map(({ term }) => term), ["When", "Where"]);
  assert.deepEqual(details.map(({ term }) => term), ["Name", "ما الذي تأكله؟", "Registered on"]);
  assert.deepEqual(details.map(({ lines }) => textOf(lines[0].runs)).slice(0, 2), ["نیلوفر علی‌زاده", "Vegan"]);
  assert.ok(details.slice(0, 2).every(({ isForeign, lines }) => isForeign && lines[0].runs[0].isForeign));
});

test("an event without questions has no answers to show", () => {
  assert.deepEqual(shown({ answers: [] }).details.map(({ term }) => term), ["Name", "Registered on"]);
});

test("buttons and boxes that were pressed are told in the page's language, and words as they were written", () => {
  const values = [true, "No", false, ["Mo", "Di"], 5];
  const answers = values.map((value) => ({ title: "?", text: typeof value === "string" ? value : "English", value }));
  speakIn("de");

  const { details } = shown({ answers });
  speakIn("en", "en-GB");

  const said = details.slice(1, 6).map(({ lines }) => textOf(lines[0].runs));
  assert.deepEqual(said, ["Ja", "No", "Nein", "Mo, Di", "English"]);
});

test("who has no link, or a wrong one, is told where to find it", () => {
  for (const { heading, paragraphs } of ["no-link", "invalid"].map(nothingOf)) {
    assert.ok(heading);
    assert.match(paragraphs.join(" "), /mail/);
  }
});

for (const changes of [
  { status: "promoted" },
  { status: "constructor" },
  { cname: null },
  { eventname: 5 },
  { eventid: undefined },
  { registered_at: "yesterday" },
  { answers: null },
  { answers: [{ title: "Diet" }] },
  { answers: [null] },
  { card: null },
  { card: { ...card, state: "lottery" } },
]) {
  test(`a registration with ${JSON.stringify(changes)} can't be shown`, () => {
    assert.equal(isStanding({ ...standing, ...changes }), false);
  });
}

for (const body of [null, undefined, "text", 5, [], {}]) {
  test(`${JSON.stringify(body)} is no registration`, () => {
    assert.equal(isStanding(body), false);
  });
}
