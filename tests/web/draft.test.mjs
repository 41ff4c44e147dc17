import assert from "node:assert/strict";
import { test } from "node:test";

import { draftFor } from "../../web/draft.mjs";

/** What a tab keeps, with the storage's methods that the page uses. */
const tab = () => {
  const items = new Map();
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, text) => items.set(key, text),
    removeItem: (key) => items.delete(key),
  };
};
const typed = { fields: { cname: "Ada" }, entries: { days: ["Friday"] } };
const nothing = { fields: {}, entries: {} };

test("what is typed is there again", () => {
  const storage = tab();
  draftFor("pyday", () => storage).keep(typed);

  assert.deepEqual(draftFor("pyday", () => storage).read(), typed);
});

test("each event has a draft of its own", () => {
  const storage = tab();
  draftFor("pyday", () => storage).keep(typed);

  assert.deepEqual(draftFor("devconf", () => storage).read(), nothing);
});

test("what is dropped leaves nothing", () => {
  const storage = tab();
  const draft = draftFor("pyday", () => storage);
  draft.keep(typed);

  draft.drop();

  assert.deepEqual(draft.read(), nothing);
  assert.equal(storage.items.size, 0);
});

for (const text of ["{", "5", "null", '"text"', "[]", '{"fields": null}', '{"fields": 5, "entries": "text"}']) {
  test(`${text} that something else has stored is no draft`, () => {
    const storage = tab();
    storage.setItem("draft:pyday", text);

    assert.deepEqual(draftFor("pyday", () => storage).read(), nothing);
  });
}

test("a browser that stores nothing is no obstacle", () => {
  const draft = draftFor("pyday", () => {
    throw new Error("SecurityError");
  });

  draft.keep(typed);
  draft.drop();

  assert.deepEqual(draft.read(), nothing);
});
