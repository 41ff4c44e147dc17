/** The questions on the page: native controls with their labels, explanations and errors. */

import { byId, element, nodeOf, setAttribute } from "./dom.mjs";
import { controlOf, fieldOf, limitsOf } from "./fields.mjs";
import { text } from "./texts.mjs";

const place = byId("questions");
/** What the page has of each question, by its field. */
let blocks = new Map();

/**
 * Ask *questions* in place of those before. What has the focus keeps it, if it is still there.
 *
 * @param {object[]} questions
 */
export function showQuestions(questions) {
  const focused = document.activeElement?.id;
  blocks = new Map(questions.map((question) => [fieldOf(question), blockOf(question)]));
  for (const field of blocks.keys()) setError(field);
  place.replaceChildren(...[...blocks.values()].map(({ root }) => root));
  if (focused && place.contains(byId(focused))) byId(focused).focus();
}

/**
 * Show those questions alone that are *asked*, and which of them may be left out.
 *
 * @param {object[]} asked
 * @param {object} answers In normal form.
 */
export function askFor(asked, answers) {
  for (const { question, root, optional, bearers } of blocks.values()) {
    const isRequired = question.isRequired(answers);
    root.hidden = !asked.includes(question);
    optional.hidden = isRequired;
    // A group of checkboxes has no such attribute.
    if (question.kind !== "choices") for (const node of bearers) setAttribute(node, "aria-required", isRequired && "true");
  }
  place.hidden = asked.length === 0;
}

/** What is typed and chosen, by the questions' names. */
export function entries() {
  const list = [...blocks.values()];
  return Object.fromEntries(list.map(({ question, controls }) => [question.name, entryOf(question, controls)]));
}

/** Type and choose *kept* anew, as far as the questions are still there. */
export function enter(kept) {
  for (const { question: { name }, controls } of blocks.values()) {
    if (Object.hasOwn(kept, name)) enterInto(controls, kept[name]);
  }
}

/** The fields of the questions that are there. */
export function fields() {
  return [...blocks.keys()];
}

/** Show what is wrong with a field's answer; without a *message* nothing is. */
export function setError(field, message) {
  const { described, error, hints, bearers } = blocks.get(field);
  error.lastElementChild.textContent = message ?? "";
  error.hidden = !message;
  setAttribute(described, "aria-describedby", [...hints, message && error.id].filter(Boolean).join(" "));
  for (const node of bearers) setAttribute(node, "aria-invalid", message && "true");
}

/** Take the person to a field, with its label in view. */
export function focus(field) {
  const { root, controls } = blocks.get(field);
  root.scrollIntoView();
  (controls.find(({ checked }) => checked) ?? controls[0]).focus({ preventScroll: true });
}

function blockOf(question) {
  const { control, attributes, options } = controlOf(question);
  const id = fieldOf(question);
  const { nodes, controls } = MAKERS[control](id, attributes, options);
  const isGroup = control === "radios" || control === "checkboxes";
  const root = isGroup ? element("fieldset", "", { class: "field" }) : element("div", "", { class: "field" });
  if (control === "radios") root.setAttribute("role", "radiogroup");
  const optional = element("span", ` ${text("form.optional")}`, { class: "optional" });
  const name = isGroup ? element("legend") : element("label", "", { for: id });
  name.append(nodeOf({ text: question.title, isForeign: true }), optional);
  const hints = [
    element("p", question.description, { id: `${id}.hint`, class: "hint", dir: "auto" }),
    element("p", limitsOf(question), { id: `${id}.limits`, class: "hint" }),
  ].filter(({ textContent }) => textContent);
  const error = element("p", "", { id: `${id}.error`, class: "error" });
  error.append(element("span", text("problems.mark"), { class: "visually-hidden" }), " ", element("span"));
  if (control === "checkbox") {
    nodes[0].append(name);
    root.append(error, ...nodes, ...hints);
  } else {
    root.append(name, ...hints, error, ...nodes);
  }
  const [described, bearers] = [isGroup ? root : controls[0], control === "radios" ? [root] : controls];
  return { question, root, described, bearers, optional, error, controls, hints: hints.map((hint) => hint.id) };
}

const MAKERS = {
  input: (id, attributes) => alone(element("input", "", { id, name: id, ...attributes })),
  textarea: (id, attributes) => alone(element("textarea", "", { id, name: id, ...attributes })),
  select: (id, attributes, options) => {
    const select = element("select", "", { id, name: id, ...attributes });
    select.append(...options.map(({ value, text, isForeign }) => element("option", text, { value, dir: isForeign ? "auto" : undefined })));
    return alone(select);
  },
  checkbox: (id) => {
    const box = element("input", "", { id, name: id, type: "checkbox", value: "true" });
    const row = element("div", "", { class: "option" });
    row.append(box);
    return { nodes: [row], controls: [box] };
  },
  radios: (id, _, options) => rows("radio", id, options),
  checkboxes: (id, _, options) => rows("checkbox", id, options),
};

function alone(control) {
  return { nodes: [control], controls: [control] };
}

function rows(type, id, options) {
  const made = options.map(({ value, text, isForeign }, index) => {
    // The group's first has its field's own id: it is what an error leads to.
    const own = index === 0 ? id : `${id}.${index + 1}`;
    const control = element("input", "", { id: own, name: id, type, value });
    const label = element("label", "", { for: own });
    label.append(nodeOf({ text, isForeign }));
    const row = element("div", "", { class: "option" });
    row.append(control, label);
    return { row, control };
  });
  return { nodes: made.map(({ row }) => row), controls: made.map(({ control }) => control) };
}

function entryOf({ kind }, controls) {
  const [first] = controls;
  if (kind === "choices") return controls.filter(({ checked }) => checked).map(({ value }) => value);
  if (isPicked(first)) return controls.find(({ checked }) => checked)?.value ?? "";
  // A date or time that is typed in part has no value, and is no answer that was left out either.
  return first.validity.badInput ? "?" : first.value;
}

function enterInto(controls, entry) {
  const chosen = [entry].flat();
  if (isPicked(controls[0])) for (const control of controls) control.checked = chosen.includes(control.value);
  else [controls[0].value] = chosen;
}

function isPicked({ type }) {
  return type === "radio" || type === "checkbox";
}
