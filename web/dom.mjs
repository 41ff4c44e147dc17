/** What the views of both pages are made with. */

import { split } from "./texts.mjs";

export const byId = (id) => document.getElementById(id);

/** Make an element with a text and attributes; those that are undefined are left out. */
export function element(name, text = "", attributes = {}) {
  const node = document.createElement(name);
  if (text) node.textContent = text;
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== undefined) node.setAttribute(attribute, value);
  }
  return node;
}

/** Give *node* an attribute, or none where there is no value. */
export function setAttribute(node, name, value) {
  if (value) node.setAttribute(name, value);
  else node.removeAttribute(name);
}

/** Say *words* in *node*, and keep its elements, each where the words have the placeholder of its `data-slot`. */
export function fill(node, words) {
  const slots = [...node.children];
  const nodes = split(words).map(({ text, name }) => text ?? slots.find(({ dataset }) => dataset.slot === name) ?? "");
  node.replaceChildren(...nodes);
}

/** Show *facts* in a list of terms, or no list. */
export function showFacts(list, facts) {
  list.replaceChildren(
    ...facts.map(({ term, lines, isForeign }) => {
      const group = element("div");
      const name = element("dt");
      name.append(nodeOf({ text: term, isForeign }));
      group.append(name, ...lines.map((line) => lineOf("dd", line)));
      return group;
    }),
  );
  list.hidden = facts.length === 0;
}

/** Make a line of its runs. */
export function lineOf(name, { runs, isAside }) {
  const line = element(name);
  line.append(...runs.map(nodeOf));
  if (isAside) line.className = "aside";
  return line;
}

/** Make what shows a run: text of any language in its own direction, a time, a link. */
export function nodeOf({ text, datetime, href, isForeign }) {
  if (datetime) return element("time", text, { datetime });
  // In a tab of its own: what is typed stays.
  if (href) return element("a", text, { href, target: "_blank", rel: "noopener noreferrer" });
  return isForeign ? element("bdi", text) : document.createTextNode(text);
}

/** Have *task* run when somebody looks at the page again. */
export function whenSeen(task) {
  document.addEventListener("visibilitychange", () => {
    if (isSeen()) task();
  });
}

export function isSeen() {
  return document.visibilityState === "visible";
}
