/** Taking a picture: chosen, dropped anywhere on the page, or pasted. */

import { all } from "../base/elements.js";

/**
 * Hand every picture that a person gives to `take(file)`.
 *
 * @type {(take: (file: File) => void) => void}
 */
export function taking(take) {
  /** @type {(files: FileList | null | undefined) => void} */
  const first = (files) => {
    if (files?.length) take(files[0]);
  };
  for (const input of all(document, "input[type=file]", HTMLInputElement)) {
    input.addEventListener("change", () => {
      first(input.files);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  document.addEventListener("paste", ({ clipboardData }) => first(clipboardData?.files));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    first(event.dataTransfer?.files);
  });
}
