import assert from "node:assert/strict";
import { test } from "node:test";

import { announcementOf, deadlineOf, doorOf, factsOf, isCard, isNews, nextLookIn, venueOf } from "../../web/card.mjs";
import { textOf } from "../../web/time.mjs";
import "./speaking.mjs";

const card = {
  eventid: "pyday-2030",
  eventname: "Python Day",
  state: "open",
  starts_at: "2030-06-01T07:00:00Z",
  ends_at: "2030-06-01T15:00:00Z",
  time_zone: "Europe/Zurich",
  venue: "Rathaus, Zürich",
  opens_at: "2030-05-01T08:00:00Z",
  closes_at: "2030-06-01T07:00:00Z",
  questions: null,
};
const states = ["open", "waitlist", "not-open-yet", "full", "closed", "cancelled"];
const near = { zone: "Europe/Zurich", locale: "en-GB" };
const far = { zone: "America/New_York", locale: "en-GB" };

/** What can be read, whatever the platform's tables have around a dash, in a time, and between a date and a time. */
const plain = (lines) => {
  const texts = lines.map(({ runs }) => textOf(runs).replace(/\s*[–—]\s*/gu, "–").replace(/\s/gu, " "));
  return texts.map((text) => text.replace("2030, ", "2030 at "));
};
const factOf = (term, changes, reader = near) =>
  plain(factsOf({ ...card, ...changes }, reader).find((fact) => fact.term === term).lines);

test("a card says when and where the event is", () => {
  const facts = factsOf(card, near);

  assert.deepEqual(facts.map(({ term }) => term), ["When", "Where"]);
  assert.deepEqual(plain(facts[0].lines), ["Saturday, 1 June 2030", "09:00–17:00, Zurich time"]);
  assert.deepEqual(plain(facts[1].lines), ["Rathaus, Zürich"]);
});

for (const venue of [null, undefined, ""]) {
  test(`a card whose venue is ${JSON.stringify(venue)} doesn't say where`, () => {
    const facts = factsOf({ ...card, venue }, near);

    assert.deepEqual(facts.map(({ term }) => term), ["When"]);
  });
}

test("a reader whose clocks show the same isn't told twice", () => {
  assert.equal(factOf("When", {}, { ...near, zone: "Europe/Berlin" }).length, 2);
});

test("a reader elsewhere is told their own time, as an aside", () => {
  const { lines } = factsOf(card, far)[0];

  assert.equal(plain(lines)[2], "Your time: 03:00–11:00 (New York)");
  assert.deepEqual(lines.map(({ isAside }) => isAside === true), [false, false, true]);
});

test("a reader for whom it ends on another day is told which", () => {
  const lines = factOf("When", {}, { ...near, zone: "Pacific/Auckland" });

  assert.equal(lines[2], "Your time: 19:00–Sunday 03:00 (Auckland)");
});

test("a reader for whom it begins on another day is told which", () => {
  const night = { starts_at: "2030-06-01T18:00:00Z", ends_at: "2030-06-01T21:00:00Z" };

  const lines = factOf("When", night, { ...near, zone: "Pacific/Auckland" });

  assert.equal(lines[2], "Your time: Sunday, 2 June 2030 at 06:00–09:00 (Auckland)");
});

test("clocks that differ at the end alone are told", () => {
  // Lagos has Zurich's winter time; the clocks go back in this night.
  const night = { starts_at: "2030-10-26T20:00:00Z", ends_at: "2030-10-27T05:00:00Z", time_zone: "Africa/Lagos" };

  const lines = factOf("When", night, near);

  assert.deepEqual(lines, [
    "Saturday, 26 October 2030",
    "21:00–Sunday 06:00, Lagos time",
    "Your time: 22:00–Sunday 06:00 (Zurich)",
  ]);
});

test("in a zone that the browser doesn't know the reader's own clock is shown, and said to be theirs", () => {
  const lines = factOf("When", { time_zone: "Mars/Olympus_Mons" }, far);

  assert.deepEqual(lines, ["Saturday, 1 June 2030", "03:00–11:00, your time (New York)"]);
});

test("a name or venue of any script stays as it is, to be shown in its own direction", () => {
  const venue = "קפה נוח, תל אביב";

  assert.deepEqual(venueOf(venue), { text: venue, isForeign: true });
  assert.equal(announcementOf({ ...card, eventname: "مؤتمر" }), "مؤتمر: Registration open");
});

for (const venue of ["https://meet.example.org/a?b=c#d", "HTTPS://meet.example.org:8443/", "https://[2001:db8::1]/"]) {
  test(`the venue ${venue} is a link`, () => {
    assert.deepEqual(venueOf(venue), { text: venue, href: venue });
  });
}

const noLinks = [
  ...["http://example.org", "javascript:alert(1)", "data:text/html,x", "//example.org", "example.org", "https://"],
  ...["Room 5, https://example.org", "https://example.org and more", " https://example.org"],
  ...["https://bank.example@evil.example/", "https://a:b@evil.example/", "https://exämple.org", "https://x.org/\u202e"],
];
for (const venue of noLinks) {
  test(`the venue ${JSON.stringify(venue)} is text`, () => {
    assert.equal(venueOf(venue).href, undefined);
  });
}

test("a deadline of its own is told while one can register", () => {
  const early = { ...card, closes_at: "2030-05-30T21:59:00Z" };

  assert.deepEqual(deadlineOf(card, near), []);
  for (const state of states) {
    const [fact] = deadlineOf({ ...early, state }, far);
    const expected = [
      "Thursday, 30 May 2030 at 23:59, Zurich time",
      "Your time: Thursday, 30 May 2030 at 17:59 (New York)",
    ];
    if (["open", "waitlist"].includes(state)) assert.deepEqual(plain(fact.lines), expected);
    else assert.equal(fact, undefined);
  }
});

for (const state of states) {
  const { badge, tone, heading, lines, button, mayEnd } = doorOf({ ...card, state }, near);

  test(`what one meets is said in words: ${state}`, () => {
    assert.ok(badge && tone);
    assert.equal(announcementOf({ ...card, state }), `Python Day: ${badge}`);
    // A form that says nothing else is open to everybody; whatever else there is to know has a heading and a text.
    assert.equal(heading === "" && lines.length === 0, state === "open");
    assert.equal(heading !== "" && lines.length > 0, state !== "open");
  });

  test(`one can register or not: ${state}`, () => {
    const buttons = { open: "Register", waitlist: "Join the waiting list" };
    assert.equal(button, buttons[state] ?? null);
  });

  test(`one can look again where that can help: ${state}`, () => {
    assert.equal(mayEnd, ["not-open-yet", "full"].includes(state));
  });
}

test("only where there is a seat a confirmation is promised", () => {
  assert.match(doorOf(card, near).hint, /confirmation/);
  assert.doesNotMatch(doorOf({ ...card, state: "waitlist" }, near).hint, /confirmation/);
});

test("an event that isn't open yet says when it opens, on both clocks", () => {
  const { lines } = doorOf({ ...card, state: "not-open-yet" }, far);

  assert.deepEqual(plain(lines), [
    "It opens on Wednesday, 1 May 2030 at 10:00, Zurich time.",
    "Your time: Wednesday, 1 May 2030 at 04:00 (New York)",
  ]);
});

test("an event that is closed says since when", () => {
  const { lines } = doorOf({ ...card, state: "closed" }, near);

  assert.deepEqual(plain(lines), ["It closed on Saturday, 1 June 2030 at 09:00, Zurich time."]);
});

test("what can't be told isn't", () => {
  const { heading, lines } = doorOf({ ...card, state: "not-open-yet", opens_at: null }, near);

  assert.equal(heading, "Registration isn't open yet");
  assert.deepEqual(lines, []);
});

const [opening, closing] = [Date.parse(card.opens_at), Date.parse(card.closes_at)];
for (const [ahead, expected] of [
  [30 * 24 * 3_600_000, 60_000],
  [60_000, 60_000],
  [20_000, 20_000],
  [300, 1_000],
  [0, 1_000],
  [-59_000, 1_000],
  [-60_000, 60_000],
]) {
  test(`${ahead} ms before it opens the page looks again in ${expected} ms`, () => {
    assert.equal(nextLookIn({ ...card, state: "not-open-yet" }, opening - ahead), expected);
  });

  for (const state of ["open", "waitlist", "full"]) {
    test(`${ahead} ms before it closes the page looks again in ${expected} ms: ${state}`, () => {
      assert.equal(nextLookIn({ ...card, state }, closing - ahead), expected);
    });
  }
}

for (const state of ["closed", "cancelled"]) {
  test(`what is ${state} is looked at once a minute, whatever its instants`, () => {
    assert.equal(nextLookIn({ ...card, state }, closing), 60_000);
  });
}

test("without an instant the page looks once a minute", () => {
  assert.equal(nextLookIn({ ...card, state: "not-open-yet", opens_at: null }, 0), 60_000);
});

for (const code of ["event-full", "registration-closed", "not-open-yet", "event-cancelled", "unknown-event"]) {
  test(`the refusal ${code} tells that the card is out of date`, () => {
    assert.equal(isNews({ kind: "refused", code }), true);
  });
}

for (const outcome of [
  { kind: "refused", code: "already-registered" },
  { kind: "refused", code: "invalid-registration" },
  { kind: "refused" },
  { kind: "unavailable" },
]) {
  test(`${JSON.stringify(outcome)} tells nothing about the card`, () => {
    assert.equal(isNews(outcome), false);
  });
}

test("a card of every state can be shown, and so can one without what is optional", () => {
  assert.ok(states.every((state) => isCard({ ...card, state })));
  assert.ok(isCard({ ...card, venue: null, opens_at: null, closes_at: undefined }));
});

for (const changes of [
  { state: "lottery" },
  { state: "constructor" },
  { eventname: null },
  { time_zone: 5 },
  { starts_at: "soon" },
  { ends_at: null },
]) {
  test(`a card with ${JSON.stringify(changes)} can't be shown`, () => {
    assert.equal(isCard({ ...card, ...changes }), false);
  });
}

for (const body of [null, undefined, "text", 5, [], {}]) {
  test(`${JSON.stringify(body)} is no card`, () => {
    assert.equal(isCard(body), false);
  });
}
