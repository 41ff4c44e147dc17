/** Brings the page to life: reads and shows, and leaves the decisions to the other modules. */

import { oneAtATime, register } from "./client.mjs";
import { apiUrl } from "./config.mjs";
import { fields, headingOf, nextStep, prefill, summaryOf, titleOf } from "./form.mjs";
import { validate } from "./validation.mjs";

const byId = (id) => document.getElementById(id);

const form = byId("registration");
const heading = byId("heading");
const eventDetails = byId("event-details");
const summary = byId("error-summary");
const success = byId("success");
const inputs = Object.fromEntries(Object.keys(fields).map((field) => [field, byId(field)]));

function start() {
  const { folded, ...event } = prefill(location.search);
  for (const [field, text] of Object.entries(event)) if (text) inputs[field].value = text;
  if (folded) fold();
  form.addEventListener("submit", (submission) => {
    submission.preventDefault();
    send();
  });
  byId("again").addEventListener("click", reset);
  document.title = titleOf(heading.textContent);
  byId("loading").hidden = true;
  form.hidden = false;
}

/** Put the event's fields out of the way and its name into the heading, which follows the field from now on. */
function fold() {
  eventDetails.append(byId("event-fields"));
  eventDetails.hidden = false;
  byId("eyebrow").hidden = false;
  const name = () => {
    heading.firstElementChild.textContent = headingOf(inputs.eventname.value);
  };
  inputs.eventname.addEventListener("input", name);
  name();
}

const send = oneAtATime(async () => {
  const data = Object.fromEntries(Object.entries(inputs).map(([field, input]) => [field, input.value]));
  const { problems } = validate(data);
  if (problems.length > 0) return showProblems({ kind: "refused", problems });
  setBusy(true);
  const outcome = await register(data, { apiUrl });
  setBusy(false);
  if (outcome.kind === "registered") return showSuccess(outcome, data);
  return showProblems(outcome);
});

/** Say that the form is being sent. The buttons stay focusable: a disabled one would drop the focus. */
function setBusy(busy) {
  for (const button of [byId("submit"), byId("retry")]) setAttribute(button, "aria-disabled", busy && "true");
  byId("status").textContent = busy ? "Sending your registration…" : "";
}

function showProblems(outcome) {
  const { links, paragraphs, retry } = summaryOf(outcome);
  for (const field of Object.keys(fields)) {
    setFieldError(field, links.find((link) => link.field === field)?.message);
  }
  byId("error-links").replaceChildren(...links.map(linkTo));
  byId("error-links").hidden = links.length === 0;
  byId("error-text").replaceChildren(...paragraphs.map((text) => element("p", text)));
  byId("retry").hidden = !retry;
  summary.hidden = false;
  document.title = titleOf(heading.textContent, { failed: true });
  summary.focus();
}

function setFieldError(field, message) {
  const input = inputs[field];
  const error = byId(`${field}-error`);
  const hint = byId(`${field}-hint`);
  error.lastElementChild.textContent = message ?? "";
  error.hidden = !message;
  setAttribute(input, "aria-invalid", message && "true");
  setAttribute(input, "aria-describedby", [hint?.id, message && error.id].filter(Boolean).join(" "));
  if (message && eventDetails.contains(input)) eventDetails.open = true;
}

function setAttribute(node, name, value) {
  if (value) node.setAttribute(name, value);
  else node.removeAttribute(name);
}

function linkTo({ field, text }) {
  const link = element("a", text);
  link.href = `#${field}`;
  link.addEventListener("click", (click) => {
    click.preventDefault();
    if (eventDetails.contains(inputs[field])) eventDetails.open = true;
    // The label too is to be seen, which focus alone doesn't bring into view.
    inputs[field].labels[0].scrollIntoView();
    inputs[field].focus({ preventScroll: true });
  });
  const item = element("li", "");
  item.append(link);
  return item;
}

function element(name, text) {
  const node = document.createElement(name);
  node.textContent = text;
  return node;
}

function clearProblems() {
  for (const field of Object.keys(fields)) setFieldError(field, undefined);
  summary.hidden = true;
}

function showSuccess({ message, status, eventname }, { cemail }) {
  clearProblems();
  byId("success-heading").textContent = message;
  byId("success-event").textContent = eventname ?? inputs.eventname.value;
  byId("success-next").textContent = nextStep(status);
  byId("success-address").textContent = cemail.trim();
  document.title = titleOf(message);
  byId("entry").hidden = true;
  success.hidden = false;
  success.focus();
}

/** Start over for the next person, who comes for the same event. */
function reset() {
  inputs.cname.value = "";
  inputs.cemail.value = "";
  document.title = titleOf(heading.textContent);
  success.hidden = true;
  byId("entry").hidden = false;
  inputs.cname.focus();
}

start();
