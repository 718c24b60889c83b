/** The API key of a server that asks for one: typed once, kept until the window is closed. */

const PLACE = "chromseg-api-key";
const dialog = document.getElementById("key-dialog");
const field = document.getElementById("key");

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
