/** Corrections that are not saved yet, kept in this browser so that a reload loses nothing: the last few pictures. */

const DATABASE = "chromseg-drafts";
const STORE = "drafts";
const MOST = 20; // pictures; the oldest go

/**
 * Work on a picture: `key` is of the picture (see api.keyOf), `annotations` are those of annotationsOf.
 *
 * @typedef {{ key: string, file: File, page: number, time: number, annotations: object[] }} Draft
 */

/** @type {(draft: Draft) => Promise<void>} */
export async function keepDraft(draft) {
  await asked("readwrite", (store) => store.put(draft));
  const all = await drafts();
  for (const { key } of all.slice(MOST)) await dropDraft(key);
}

/** @type {(key: string) => Promise<void>} */
export async function dropDraft(key) {
  await asked("readwrite", (store) => store.delete(key));
}

/** @type {(key: string) => Promise<Draft | undefined>} */
export async function draftOf(key) {
  return asked("readonly", (store) => store.get(key));
}

/**
 * All of them, the newest first.
 *
 * @type {() => Promise<Draft[]>}
 */
export async function drafts() {
  /** @type {Draft[]} */
  const found = await asked("readonly", (store) => store.getAll());
  return found.sort((one, other) => other.time - one.time);
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} ask
 */
async function asked(mode, ask) {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "key" });
  const database = await answered(opening);
  try {
    return await answered(ask(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function answered(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
