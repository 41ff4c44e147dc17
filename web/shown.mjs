/** What the form's page shows at the moment, so that it can be said anew in another language. */

import { text } from "./texts.mjs";
import * as view from "./view.mjs";

/** Shows what the page is about; so does the next one what stands in the way, if anything does. */
let page = view.showTitle;
let trouble = null;
/** What is going on, as a text's key, and what the last to register is told; nothing and nobody are "" and `null`. */
let progress = "";
let success = null;

/** Show by *task* what the page is about. */
export function show(task) {
  page = task;
  page();
}

/**
 * Show what stands in the way, and take the person there.
 *
 * @param {() => object} problems Says it, as `view.showProblems` wants it.
 * @param {object} [options] The same one's.
 */
export function complain(problems, options) {
  trouble = () => view.showProblems(problems(), options);
  trouble();
  view.focusProblems();
}

export function clearProblems() {
  trouble = null;
  view.clearProblems();
}

/** Show by *task* what became of a registration, and take the person there. */
export function succeed(task) {
  success = task;
  success();
  view.focusSuccess();
}

/** Show the form again, for the next person. */
export function startOver() {
  success = null;
  view.showEntry();
}

/** Say what a key stands for, or nothing. */
export function say(key) {
  progress = key;
  view.say(key && text(key));
}

/** Say what is going on, or that nothing is any more. */
export function setBusy(key) {
  progress = key;
  view.setBusy(key && text(key));
}

/** Say all that in the language that is spoken now. */
export function sayAgain() {
  page();
  trouble?.();
  view.announce("");
  view.say(progress && text(progress));
  success?.();
}
