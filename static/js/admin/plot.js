// @ts-check
// Small plots of one figure over time, drawn as SVG. Knows nothing of satchel.

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 120;
const HEIGHT = 36;

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 */
function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/**
 * A line over the last hour, the latest at the end. What is not known is a gap.
 * @param {string} label says what a screen reader cannot see
 * @param {(number | null)[]} values
 * @param {{room: number, least?: number}} options `room`: values for which there is room; `least`: the scale goes up to this at least
 */
export function plot(label, values, { room, least = 0 }) {
  const svg = shape('svg', { class: 'plot', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label });
  svg.append(shape('path', { class: 'g', d: `M0 ${HEIGHT}h${WIDTH}` }));
  const most = Math.max(least, ...values.map((value) => value ?? 0)) || 1;
  const first = room - values.length;
  const at = (/** @type {number} */ n) => ((first + n) / Math.max(1, room - 1)) * WIDTH;
  const up = (/** @type {number} */ value) => HEIGHT - (value / most) * (HEIGHT - 2);
  for (const run of runs(values)) {
    const points = run.map(([n, value]) => `${at(n).toFixed(1)},${up(value).toFixed(1)}`);
    const [from, to] = [at(run[0][0]), at(run[run.length - 1][0])].map((x) => x.toFixed(1));
    svg.append(
      shape('polygon', { class: 'a', points: `${from},${HEIGHT} ${points.join(' ')} ${to},${HEIGHT}` }),
      shape('polyline', { points: points.join(' ') }));
  }
  return svg;
}

/**
 * The stretches of known values, each with its place.
 * @param {(number | null)[]} values
 */
function runs(values) {
  /** @type {[number, number][][]} */
  const found = [];
  let open = false;
  values.forEach((value, n) => {
    if (value === null) {
      open = false;
      return;
    }
    if (!open) found.push([]);
    found[found.length - 1].push([n, value]);
    open = true;
  });
  return found;
}
