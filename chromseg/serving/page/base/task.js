/** The bar that says what a started action waits for, with its buttons. */

import { announce } from "./announce.js";
import { byId } from "./elements.js";

const NAMES = /** @type {const} */ (["finish", "back", "cancel"]);

const bar = byId("task");
const text = byId("task-text");
const buttons = { finish: byId("task-finish"), back: byId("task-back"), cancel: byId("task-cancel") };

/**
 * Ask for something. `acts` names what each button does; those without an act are hidden.
 *
 * @type {(asked: string, acts: { [name in keyof typeof buttons]?: () => void }) => void}
 */
export function startTask(asked, acts) {
  text.textContent = asked;
  for (const name of NAMES) {
    buttons[name].hidden = !acts[name];
    buttons[name].onclick = acts[name] ?? null;
  }
  bar.hidden = false;
  announce(asked, { seen: false });
}

/** It is done, or given up. */
export function endTask() {
  bar.hidden = true;
}

/** Whether something is being asked for. */
export function taskRuns() {
  return !bar.hidden;
}

/** Give up what is being asked for. */
export function cancelTask() {
  if (taskRuns()) buttons.cancel.click();
}
