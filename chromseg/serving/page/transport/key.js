/** The API key of a server that asks for one: typed once, kept until the window is closed. */

import { byId } from "../base/elements.js";

const PLACE = "chromseg-api-key";
const dialog = byId("key-dialog", HTMLDialogElement);
const field = byId("key", HTMLInputElement);

/** @type {Promise<boolean> | null} */
let asking = null; // requests that run side by side are refused side by side: a person is asked once

export const keyOf = {
  known: () => sessionStorage.getItem(PLACE),

  /**
   * Ask for a key instead of the one that was refused, unless another is known by now; whether there is one.
   *
   * @type {(refused: string | null) => Promise<boolean>}
   */
  async instead(refused) {
    if (keyOf.known() !== refused) return true;
    asking ??= ask().finally(() => (asking = null));
    return asking;
  },
};

/** Whether a key was given. */
async function ask() {
  field.value = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  const given = dialog.returnValue === "ok" && field.value.trim();
  if (given) sessionStorage.setItem(PLACE, given);
  return Boolean(given);
}
