/** The bar that says what a started action waits for, with its buttons. */

import { announce } from "./announce.js";

const bar = document.getElementById("task");
const text = document.getElementById("task-text");
const buttons = {
  finish: document.getElementById("task-finish"),
  back: document.getElementById("task-back"),
  cancel: document.getElementById("task-cancel"),
};

/** Ask for something. `acts` names what each button does; those without an act are hidden. */
export function startTask(asked, acts) {
  text.textContent = asked;
  for (const [name, button] of Object.entries(buttons)) {
    button.hidden = !acts[name];
    button.onclick = acts[name];
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
