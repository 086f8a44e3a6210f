// @ts-check
// Files that are dropped or pasted anywhere on the page, and whole folders.
// Without this the browser would leave the page and open the file.

import { t } from './language.js';

/** Files that systems put into folders for themselves. */
const OF_THE_SYSTEM = new Set(['Thumbs.db', 'desktop.ini']);

/** Where a file was in the folder that was dropped. @type {WeakMap<File, string>} */
const paths = new WeakMap();

/**
 * The folder of a file within what was chosen or dropped; empty for a file alone.
 * @param {File} file
 */
export function folderOf(file) {
  const path = paths.get(file) ?? file.webkitRelativePath;
  return path.split('/').slice(0, -1).join('/');
}

/**
 * Whether people would miss a file of a folder.
 * @param {string} name
 */
const isMeant = (name) => !name.startsWith('.') && !OF_THE_SYSTEM.has(name);

/**
 * The files of a chosen folder that people mean.
 * @param {Iterable<File>} files
 */
export const meant = (files) => [...files].filter((file) => (file.webkitRelativePath || file.name).split('/').every(isMeant));

/** @param {(files: File[]) => void} take */
export function acceptDrops(take) {
  const has = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files');
  let depth = 0;
  const show = (/** @type {number} */ now) => {
    depth = Math.max(0, now);
    document.body.dataset.drop = t('Drop to add');
    document.body.classList.toggle('dropping', depth > 0);
  };
  addEventListener('dragenter', (event) => { if (has(event)) show(depth + 1); });
  addEventListener('dragleave', (event) => { if (has(event)) show(depth - 1); });
  addEventListener('dragover', (event) => { if (has(event)) event.preventDefault(); });
  addEventListener('drop', async (event) => {
    if (!has(event) || !event.dataTransfer) return;
    event.preventDefault();
    show(0);
    const files = await dropped(event.dataTransfer);
    if (files.length) take(files);
  });
  addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (event.defaultPrevented || !files.length) return;
    event.preventDefault();
    take(files);
  });
}

/**
 * All files of a drop, those of folders included.
 * @param {DataTransfer} transfer
 * @returns {Promise<File[]>}
 */
async function dropped(transfer) {
  // The entries are there only as long as the event is.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) return [...transfer.files];
  const found = await Promise.all(entries.map((entry) => (entry ? within(entry) : [])));
  return found.flat();
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>}
 */
async function within(entry) {
  if (!isMeant(entry.name)) return [];
  try {
    if (entry.isFile) return [await fileOf(/** @type {FileSystemFileEntry} */ (entry))];
    const found = [];
    for (const child of await childrenOf(/** @type {FileSystemDirectoryEntry} */ (entry))) found.push(...await within(child));
    return found;
  } catch {
    // Gone or forbidden since it was dropped: the others are still wanted.
    return [];
  }
}

/**
 * @param {FileSystemFileEntry} entry
 * @returns {Promise<File>}
 */
function fileOf(entry) {
  return new Promise((resolve, reject) => {
    entry.file((file) => {
      paths.set(file, entry.fullPath.replace(/^\//, ''));
      resolve(file);
    }, reject);
  });
}

/**
 * @param {FileSystemDirectoryEntry} entry
 * @returns {Promise<FileSystemEntry[]>}
 */
async function childrenOf(entry) {
  const reader = entry.createReader();
  const all = [];
  for (;;) {
    // A reader gives a hundred at a time.
    const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (!some.length) return all;
    all.push(...some);
  }
}
