import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { cancelRegistration, findEvent, findRegistration, oneAtATime, register } from "../../web/client.mjs";

const data = { eventid: "pyday-2030", eventname: "Python Day", cname: "Ada", cemail: "ada@example.org" };
const confirmed = {
  message: "Registration successful!",
  status: "confirmed",
  eventid: "pyday-2030",
  eventname: "Python Day",
};
const problem = { type: "about:blank", title: "Unprocessable Content", status: 422, code: "invalid-registration" };
const refused = { kind: "refused", problems: [], code: "invalid-registration" };

const answering = (status, body, headers = {}) => async () =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });

async function requestOf(options, fields = data) {
  const requests = [];
  const fetch = async (url, init) => {
    requests.push({ url, ...init });
    return answering(201, confirmed)();
  };
  await register(fields, { fetch, ...options });
  return requests;
}

/** Serve on a free port until the test *t* ends, even if it ends by its own time-out. */
async function serve(t, handle) {
  const server = createServer(handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  t.after(close);
  return { apiUrl: `http://127.0.0.1:${server.address().port}`, close };
}

test("a registration is one POST of the brief's four fields as JSON", async () => {
  const [request, ...others] = await requestOf({}, { ...data, extra: "not sent" });

  assert.equal(others.length, 0);
  assert.equal(request.url, "/registrations");
  assert.equal(request.method, "POST");
  assert.equal(request.headers["Content-Type"], "application/json");
  assert.deepEqual(JSON.parse(request.body), data);
});

test("an event that the catalogue names is registered for by its id alone", async () => {
  const { eventname, ...unnamed } = data;

  const [request] = await requestOf({}, unnamed);

  assert.deepEqual(JSON.parse(request.body), unnamed);
});

test("answers go along where there are questions", async () => {
  const answered = { ...data, answers: { diet: "Vegan" } };

  const [request] = await requestOf({}, answered);

  assert.deepEqual(JSON.parse(request.body), answered);
});

test("the language that somebody is written to in goes along", async () => {
  const [request] = await requestOf({}, { ...data, locale: "de" });

  assert.deepEqual(JSON.parse(request.body), { ...data, locale: "de" });
});

for (const apiUrl of ["https://api.example.org/prod", "https://api.example.org/prod/"]) {
  test(`an API at ${apiUrl} is asked below its stage`, async () => {
    const [request] = await requestOf({ apiUrl });

    assert.equal(request.url, "https://api.example.org/prod/registrations");
  });
}

for (const status of ["confirmed", "waitlisted"]) {
  test(`a ${status} registration is told with the server's message`, async () => {
    const outcome = await register(data, { fetch: answering(201, { ...confirmed, status }) });

    assert.deepEqual(outcome, { kind: "registered", ...confirmed, status });
  });
}

test("a refusal carries the problem of every field", async () => {
  const errors = [{ field: "cname", code: "required", message: "This is required." }];

  const outcome = await register(data, { fetch: answering(422, { ...problem, detail: "See the fields.", errors }) });

  assert.deepEqual(outcome, { ...refused, problems: errors, detail: "See the fields." });
});

for (const errors of [[], undefined, null, "none", [null, 5, {}]]) {
  test(`a refusal whose errors are ${JSON.stringify(errors)} is told by its detail`, async () => {
    const body = { ...problem, status: 404, code: "unknown-event", detail: "There is no such event.", errors };

    const outcome = await register(data, { fetch: answering(404, body) });

    assert.deepEqual(outcome, { ...refused, code: "unknown-event", detail: "There is no such event." });
  });
}

test("a refusal without a detail is told by its title", async () => {
  const outcome = await register(data, { fetch: answering(409, { ...problem, title: "Conflict" }) });

  assert.deepEqual(outcome, { ...refused, detail: "Conflict" });
});

test("a refusal says which one it is, so that the page can follow", async () => {
  const body = { ...problem, status: 409, code: "event-full", detail: "All seats of this event are taken." };

  const { code } = await register(data, { fetch: answering(409, body) });

  assert.equal(code, "event-full");
});

const unusable = {
  "a 503": [503, { ...problem, detail: "Later." }],
  "a 500": [500, { ...problem, detail: "Oops." }],
  "too many requests": [429, { ...problem, detail: "Slow down." }],
  "a 408": [408, { ...problem, detail: "Too slow." }],
  "a proxy's page with status 200": [200, "<!doctype html>"],
  "a proxy's page with status 403": [403, "<!doctype html>"],
  "a gateway's own 403": [403, { message: "Missing Authentication Token" }],
  "an empty 201": [201, ""],
  "a 201 without a message": [201, { status: "confirmed" }],
  "a 201 without a status": [201, { message: "Hello from a proxy" }],
  "a problem with status 200": [200, { ...problem, detail: "Hello." }],
  "a 201 that is null": [201, "null"],
  "a 404 that is null": [404, "null"],
};
for (const [name, [status, body]] of Object.entries(unusable)) {
  test(`${name} means that the service is unavailable`, async () => {
    const outcome = await register(data, { fetch: answering(status, body) });

    assert.deepEqual(outcome, { kind: "unavailable", reason: "server", retryAfter: null });
  });
}

const now = Date.parse("2030-05-01T12:00:00Z");
for (const [header, expected] of [
  ["30", 30],
  ["Wed, 01 May 2030 12:01:30 GMT", 90],
  ["Wed, 01 May 2030 11:00:00 GMT", 0],
  ["soon", null],
]) {
  test(`Retry-After: ${header} is ${expected} seconds`, async () => {
    const fetch = answering(503, problem, { "Retry-After": header });

    const { retryAfter } = await register(data, { fetch, now: () => now });

    assert.equal(retryAfter, expected);
  });
}

test("a network error means that the person or the service is offline", async () => {
  const fetch = () => Promise.reject(new TypeError("Failed to fetch"));

  const outcome = await register(data, { fetch });

  assert.deepEqual(outcome, { kind: "unavailable", reason: "offline", retryAfter: null });
});

const silent = {
  "never answers": () => {},
  "sends its headers and then nothing": (_, response) => response.writeHead(201).flushHeaders(),
  "stops in the middle of its answer": (_, response) => response.writeHead(201).write('{"message":'),
};
for (const [name, handle] of Object.entries(silent)) {
  test(`a server that ${name} times out`, { timeout: 5_000 }, async (t) => {
    const { apiUrl } = await serve(t, handle);

    const outcome = await register(data, { apiUrl, timeout: 200 });

    assert.deepEqual(outcome, { kind: "unavailable", reason: "timeout", retryAfter: null });
  });
}

test("a server that is down is reported, not thrown", async (t) => {
  const { apiUrl, close } = await serve(t, () => {});
  close();

  const outcome = await register(data, { apiUrl });

  assert.deepEqual(outcome, { kind: "unavailable", reason: "offline", retryAfter: null });
});

const card = {
  eventid: "pyday-2030",
  eventname: "Python Day",
  state: "open",
  starts_at: "2030-06-01T07:00:00Z",
  ends_at: "2030-06-01T15:00:00Z",
  time_zone: "Europe/Zurich",
  venue: null,
  opens_at: null,
  closes_at: "2030-06-01T07:00:00Z",
  questions: null,
};

async function lookedAt(eventid, options) {
  const urls = [];
  const fetch = async (url, { method }) => {
    urls.push(`${method ?? "GET"} ${url}`);
    return answering(200, card)();
  };
  return [urls, await findEvent(eventid, { fetch, ...options })];
}

test("an event's card is read with one GET", async () => {
  const [urls, outcome] = await lookedAt("pyday-2030", { apiUrl: "https://api.example.org/prod" });

  assert.deepEqual(urls, ["GET https://api.example.org/prod/events/pyday-2030"]);
  assert.deepEqual(outcome, { kind: "found", card });
});

for (const eventid of [".", ".."]) {
  test(`the id ${eventid}, which would lead to another address, is unknown without asking`, async () => {
    const [urls, outcome] = await lookedAt(eventid);

    assert.deepEqual(urls, []);
    assert.deepEqual(outcome, { kind: "unknown" });
  });
}

for (const [code, kind] of [["unknown-event", "unknown"], ["not-found", "uncatalogued"]]) {
  test(`a 404 with ${code} means that the event is ${kind}`, async () => {
    const body = { ...problem, status: 404, code, detail: "There is nothing." };

    const outcome = await findEvent("pyday-2030", { fetch: answering(404, body) });

    assert.deepEqual(outcome, { kind });
  });
}

const noCards = {
  "a 500": [500, problem],
  "a website's own 404": [404, "<!doctype html>"],
  "a gateway's own 403": [403, { message: "Missing Authentication Token" }],
  "a proxy's page with status 200": [200, "<!doctype html>"],
  "a card in a state of the future": [200, { ...card, state: "lottery" }],
  "a card with status 404": [404, card],
  "a refusal with status 200": [200, { ...problem, code: "unknown-event" }],
};
for (const [name, [status, body]] of Object.entries(noCards)) {
  test(`${name} in place of a card means that the service is unavailable`, async () => {
    const outcome = await findEvent("pyday-2030", { fetch: answering(status, body) });

    assert.deepEqual(outcome, { kind: "unavailable", reason: "server", retryAfter: null });
  });
}

test("a card that can't be had now says when to ask again", async () => {
  const fetch = answering(503, problem, { "Retry-After": "5" });

  const outcome = await findEvent("pyday-2030", { fetch });

  assert.deepEqual(outcome, { kind: "unavailable", reason: "server", retryAfter: 5 });
});

test("a card that never comes times out", { timeout: 5_000 }, async (t) => {
  const { apiUrl } = await serve(t, () => {});

  const outcome = await findEvent("pyday-2030", { apiUrl, timeout: 200 });

  assert.deepEqual(outcome, { kind: "unavailable", reason: "timeout", retryAfter: null });
});

const standing = {
  status: "confirmed",
  eventid: "pyday-2030",
  eventname: "Python Day",
  cname: "Ada",
  registered_at: "2030-04-01T12:00:00Z",
  position: null,
  answers: [],
  card,
};
for (const [call, path] of [[findRegistration, "registrations/view"], [cancelRegistration, "registrations/cancel"]]) {
  test(`${path} is a POST of the token alone, in the body`, async () => {
    const requests = [];
    const fetch = async (url, init) => {
      requests.push({ url, ...init });
      return answering(200, standing)();
    };

    const outcome = await call("v1.k1.abc.def", { fetch, apiUrl: "https://api.example.org/prod" });

    assert.deepEqual(outcome, { kind: "found", standing });
    assert.deepEqual(requests.map(({ url, method }) => [url, method]), [[`https://api.example.org/prod/${path}`, "POST"]]);
    assert.deepEqual(JSON.parse(requests[0].body), { token: "v1.k1.abc.def" });
    assert.equal(requests[0].headers["Content-Type"], "application/json");
  });

  for (const code of ["invalid-link", "not-found"]) {
    test(`${path}: a 404 with ${code} means that the link doesn't work`, async () => {
      const outcome = await call("x", { fetch: answering(404, { ...problem, status: 404, code }) });

      assert.deepEqual(outcome, { kind: "invalid" });
    });
  }

  for (const [name, [status, body]] of Object.entries({
    "a website's own 404": [404, "<!doctype html>"],
    "a gateway's own 403": [403, { message: "Missing Authentication Token" }],
    "a proxy's page with status 200": [200, "<!doctype html>"],
    "a registration in a status of the future": [200, { ...standing, status: "promoted" }],
    "a 500": [500, problem],
  })) {
    test(`${path}: ${name} means that the service is unavailable`, async () => {
      const outcome = await call("x", { fetch: answering(status, body) });

      assert.deepEqual(outcome, { kind: "unavailable", reason: "server", retryAfter: null });
    });
  }
}

test("a double click runs the task once", async () => {
  let runs = 0;
  let finish;
  const send = oneAtATime(() => {
    runs += 1;
    return new Promise((resolve) => {
      finish = resolve;
    });
  });

  const first = send();
  await send();
  finish();
  await first;

  assert.equal(runs, 1);
});

for (const [name, task] of [["ended", async () => {}], ["failed", async () => Promise.reject(new Error("broken"))]]) {
  test(`a task that ${name} can be run again`, async () => {
    let runs = 0;
    const send = oneAtATime(() => {
      runs += 1;
      return task();
    });

    await send().catch(() => {});
    await send().catch(() => {});

    assert.equal(runs, 2);
  });
}
