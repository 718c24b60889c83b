/** The API key of a server that asks for one: typed once, kept until the window is closed. */

import { byId } from "../base/elements.js";

const PLACE = "chromseg-api-key";
const dialog = byId("key-dialog", HTMLDialogElement);
const field = byId("key", HTMLInputElement);

export const keyOf = {
  known: () => sessionStorage.getItem(PLACE),

  /** Ask for it; whether one was given. */
  async ask() {
    field.value = "";
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    const given = dialog.returnValue === "ok" && field.value.trim();
    if (given) sessionStorage.setItem(PLACE, field.value.trim());
    return Boolean(given);
  },
};
