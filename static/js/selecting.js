// @ts-check
// Offers to ask about the words that are selected in an area.

import { h, icon } from './dom.js';
import { t } from './language.js';

/** Between the words and the button, in pixels. */
const GAP = 6;

/** Fewest characters that are worth a question, and most that are taken. */
const FEWEST = 8;
const MOST = 20_000;

/**
 * @param {HTMLElement} area
 * @param {AbortSignal} signal ends it
 * @param {(text: string) => void} ask
 */
export function selecting(area, signal, ask) {
  let text = '';
  const button = h('button', { class: 'b about-this', type: 'button', popover: 'manual' }, icon('quote', 's'), t('Ask about this'));
  // Pressing it must not take the selection away before it is read.
  button.addEventListener('pointerdown', (/** @type {Event} */ event) => event.preventDefault());
  button.addEventListener('click', () => {
    const asked = text;
    getSelection()?.removeAllRanges();
    hide();
    ask(asked);
  });
  const hide = () => {
    text = '';
    button.remove();
  };
  const look = () => {
    const selection = getSelection();
    const range = selection?.rangeCount ? selection.getRangeAt(0) : null;
    const words = selection?.toString().trim() ?? '';
    const sheet = area.querySelector('.page .text');
    const inside = range && sheet?.contains(range.startContainer) && sheet.contains(range.endContainer);
    if (!inside || words.length < FEWEST) return hide();
    text = words.slice(0, MOST);
    area.append(button);
    button.showPopover();
    const at = range.getBoundingClientRect();
    const { width, height } = button.getBoundingClientRect();
    const above = at.top - height - GAP;
    button.style.left = `${Math.max(GAP, Math.min(at.left, innerWidth - width - GAP))}px`;
    button.style.top = `${above > GAP ? above : at.bottom + GAP}px`;
  };
  let timer = 0;
  document.addEventListener('selectionchange', () => {
    clearTimeout(timer);
    timer = setTimeout(look, 150);
  }, { signal });
  area.addEventListener('scroll', hide, { signal, capture: true, passive: true });
  signal.addEventListener('abort', hide);
}
