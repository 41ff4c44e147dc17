import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { validate } from "../../web/validation.mjs";
import { languages } from "./speaking.mjs";

const wire = new URL("../wire/", import.meta.url);
const files = readdirSync(wire).filter((name) => /^registrations-.*\.json$/.test(name));
const read = (name) => JSON.parse(readFileSync(new URL(name, wire), "utf8"));

const valid = { eventid: "pyday-2030", eventname: "Python Day", cname: "Ada", cemail: "ada@example.org" };
const codesOf = (data) => validate({ ...valid, ...data }).problems.map(({ field, code }) => `${field} ${code}`);

test("there are shared cases to agree on", () => {
  const cases = files.flatMap(read);

  assert.ok(cases.length > 0);
});

for (const name of files) {
  describe(`the page judges as the server does: ${name}`, () => {
    for (const { description, data, valid: isValid, problems, normal } of read(name)) {
      test(description, () => {
        const result = validate(data);

        assert.deepEqual(result.problems.map(({ field, code }) => ({ field, code })), problems);
        assert.equal(result.problems.length === 0, isValid);
        if (normal) assert.deepEqual({ ...result.value, ...normal }, result.value);
      });
    }
  });
}

test("the page and the server say the same sentence for each code", () => {
  assert.deepEqual(languages.en.site.problems.fields, read("messages.json"));
});

test("a problem names the field and the rule", () => {
  const { problems } = validate({ ...valid, cemail: "nobody" });

  assert.deepEqual(problems, [{ field: "cemail", code: "invalid-address" }]);
});

test("all wrong fields are named at once, in the server's order", () => {
  const { problems } = validate({});

  assert.deepEqual(problems.map(({ field }) => field), ["eventid", "eventname", "cname", "cemail"]);
});

test("only the fields that are asked for are looked at", () => {
  const { value, problems } = validate({ cname: " Ada ", cemail: "nobody" }, ["cname", "cemail"]);

  assert.deepEqual(value, { cname: "Ada", cemail: "nobody" });
  assert.deepEqual(problems.map(({ field }) => field), ["cemail"]);
});

for (const data of [undefined, null, [], "text", 5]) {
  test(`${JSON.stringify(data)} in place of an object lacks every field`, () => {
    const { problems } = validate(data);

    assert.deepEqual(problems.map(({ code }) => code), Array(4).fill("required"));
  });
}

for (const value of [0, 1.5, true, false, [], ["Ada"], {}]) {
  test(`the JSON value ${JSON.stringify(value)} is refused as no text and left as it is`, () => {
    const result = validate({ ...valid, cname: value });

    assert.deepEqual(result.problems.map(({ code }) => code), ["not-a-string"]);
    assert.equal(result.value.cname, value);
  });
}

test("a length counts characters, not UTF-16 units", () => {
  assert.deepEqual(codesOf({ cname: "𠮷".repeat(100) }), []);
  assert.deepEqual(codesOf({ cname: "𠮷".repeat(101) }), ["cname name-too-long"]);
});

test("white space that only JavaScript would trim is not trimmed", () => {
  assert.deepEqual(codesOf({ eventid: "\u000bpyday" }), ["eventid invalid-event-id"]);
  assert.deepEqual(codesOf({ eventid: "\ufeffpyday" }), ["eventid invalid-event-id"]);
});

const domains = {
  "BÜCHER.example": "xn--bcher-kva.example",
  "bücher。example": "xn--bcher-kva.example",
  "ｅｘａｍｐｌｅ．ｏｒｇ": "example.org",
  "straße.example": "xn--strae-oqa.example",
  "उदाहरण.भारत": "xn--p1b6ci4b4b3a.xn--h2brj9c",
  "💌.example": "xn--rr8h.example",
  "１.２.３": "1.2.3",
  "１２３.bücher.７": "123.xn--bcher-kva.7",
  "１２３．موقع": "123.xn--4gbrim",
  "xn--0。bücher.example": "xn--0.xn--bcher-kva.example",
};
for (const [domain, expected] of Object.entries(domains)) {
  test(`the domain ${domain} is ${expected} in A-labels`, () => {
    const { value, problems } = validate({ ...valid, cemail: `ada@${domain}` });

    assert.deepEqual(problems, []);
    assert.equal(value.cemail, `ada@${expected}`);
  });
}

const noDomains = [
  ...["ü.example/x", "ü.example:80", "ü.example?x", "ü.example#x", "ü\\x.example", "%C3%BC.ü.example", "ü.exam_ple.org"],
  ...["ü..example", ".ü.example", "ü.example.", "ü\t.example", "ü＠.example", "ü／.example", "ü\ufffd.example"],
];
for (const domain of noDomains) {
  test(`the domain ${JSON.stringify(domain)} is refused, not read as part of a URL`, () => {
    assert.deepEqual(codesOf({ cemail: `ada@${domain}` }), ["cemail invalid-address"]);
  });
}

test("validating a normal form again changes nothing", () => {
  const data = { eventid: " e ", eventname: " Cafe\u0301\u3000 day ", cname: " A  B ", cemail: " A@BÜCHER.example " };
  const once = validate(data);

  const twice = validate(once.value);

  assert.deepEqual(once.problems, []);
  assert.deepEqual(twice, once);
});
