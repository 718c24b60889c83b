/** Taking pictures: chosen, dropped anywhere on the page, one, several or a folder of them, or pasted. */

import { all } from "../base/elements.js";

/**
 * Hand all files that a person gives at once to `take(files)`; of a folder those with one of the `suffixes`, by name.
 *
 * @type {(suffixes: string[], take: (files: File[]) => void) => void}
 */
export function taking(suffixes, take) {
  /** @type {(files: Iterable<File> | null | undefined) => void} */
  const give = (files) => {
    const given = [...(files ?? [])];
    if (given.length) take(given);
  };
  /** @type {(files: Iterable<File>) => File[]} */
  const pictures = (files) => {
    const usable = [...files].filter(({ name }) => suffixes.some((suffix) => name.toLowerCase().endsWith(suffix)));
    return usable.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  };
  for (const input of all(document, "input[type=file]", HTMLInputElement)) {
    input.addEventListener("change", () => {
      give(input.webkitdirectory ? pictures(input.files ?? []) : input.files);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  document.addEventListener("paste", ({ clipboardData }) => give(clipboardData?.files));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    const places = [...(event.dataTransfer?.items ?? [])].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
    const isFolder = places.some((place) => place.isDirectory);
    const files = [...(event.dataTransfer?.files ?? [])]; // read now: they are gone after the event
    give(isFolder ? pictures((await Promise.all(places.map(filesBelow))).flat()) : files);
  });
}

/** @type {(place: FileSystemEntry) => Promise<File[]>} */
async function filesBelow(place) {
  if (place instanceof FileSystemFileEntry) return [await new Promise((found, failed) => place.file(found, failed))];
  if (!(place instanceof FileSystemDirectoryEntry)) return [];
  const reader = place.createReader();
  /** @type {FileSystemEntry[]} */
  const inside = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((found, failed) => reader.readEntries(found, failed)); // a hundred at a time
    if (!some.length) break;
    inside.push(...some);
  }
  return (await Promise.all(inside.map(filesBelow))).flat();
}
