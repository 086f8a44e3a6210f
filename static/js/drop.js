// @ts-check
// Files that are dropped anywhere on the page. Without this the browser would
// leave the page and open the file.

/** @param {(files: File[]) => void} take */
export function acceptDrops(take) {
  const has = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files');
  document.body.dataset.drop = 'Drop to add';
  let depth = 0;
  const show = (/** @type {number} */ now) => {
    depth = Math.max(0, now);
    document.body.classList.toggle('dropping', depth > 0);
  };
  addEventListener('dragenter', (event) => { if (has(event)) show(depth + 1); });
  addEventListener('dragleave', (event) => { if (has(event)) show(depth - 1); });
  addEventListener('dragover', (event) => { if (has(event)) event.preventDefault(); });
  addEventListener('drop', (event) => {
    if (!has(event)) return;
    event.preventDefault();
    show(0);
    take([...(event.dataTransfer?.files ?? [])]);
  });
}
