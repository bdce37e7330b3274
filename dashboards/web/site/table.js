// A table that draws only the rows in sight: thousands of trials scroll as smoothly as ten.

import {h} from './dom.js';

const ROW = 34;      // Height of a row in pixels, as in style.css.
const MARGIN = 12;   // Rows drawn beyond both edges.

/** A class with these columns' widths: an inline style on every row would cost each scroll its parsing. */
function columnsClass(columns) {
  const tracks = columns.map(column => `minmax(${column.width}px, ${column.width}fr)`).join(' ');
  if (!known.has(tracks)) {
    known.set(tracks, `columns-${known.size}`);
    sheet.insertRule(`.columns-${known.size - 1} tr { grid-template-columns: ${tracks}; }`);
    document.adoptedStyleSheets = [sheet];
  }
  return known.get(tracks);
}
const known = new Map(), sheet = new CSSStyleSheet();

/**
 * columns: [{key, title, width, number?, cell(row) → text or Node, sort?(row) → value}].
 * onsort(key, descending) is told of every click on a head; the caller keeps the order in the
 * address. Returns {element, show(rows, sortKey, descending)}.
 */
export function virtualTable(label, columns, {onsort, rowClass, height: highest}) {
  const body = h('tbody', {role: 'rowgroup'});
  const heads = columns.map(column => {
    const text = column.sort
      ? h('button', {type: 'button', class: 'sort', onclick: () => onsort(column.key)}, column.title)
      : column.title;
    return h('th', {role: 'columnheader', scope: 'col', class: column.number ? 'number' : '', title: column.hint}, text);
  });
  const table = h('table', {class: `virtual ${columnsClass(columns)}`, role: 'table', 'aria-label': label}, h('thead', {role: 'rowgroup'}, h('tr', {role: 'row'}, heads)), body);
  table.style.minWidth = columns.reduce((sum, column) => sum + column.width, 0) + 'px';
  const element = h('div', {class: 'virtual-box', tabindex: 0, role: 'region', 'aria-label': label}, table);
  let rows = [];
  let height = 600;           // Of the box: kept, for asking makes the browser lay out the page.
  let drawn = [], from = 0, to = 0;  // The elements of the rows [from, to).

  function line(row, index) {
    return h('tr', {role: 'row', 'aria-rowindex': index + 2, class: rowClass ? rowClass(row) : ''},
      columns.map((column, i) => h(i === 0 ? 'th' : 'td',
        {role: i === 0 ? 'rowheader' : 'cell', scope: i === 0 ? 'row' : null, class: column.number ? 'number' : ''}, column.cell(row))));
  }

  /** Draws what is in sight and `margin` rows beyond; what stands there already stays. */
  function draw(margin) {
    const seen = Math.ceil(height / ROW);
    const top = Math.max(0, Math.min(Math.floor(element.scrollTop / ROW), rows.length - seen));
    const first = Math.max(0, top - margin), last = Math.min(rows.length, top + seen + margin);
    const lines = [];
    for (let i = first; i < last; ++i) lines.push(i >= from && i < to ? drawn[i - from] : line(rows[i], i));
    const gone = drawn.filter((_, k) => from + k < first || from + k >= last);
    if (gone.some(tr => tr.contains(document.activeElement))) element.focus({preventScroll: true});
    const before = lines.slice(0, Math.max(0, Math.min(from, last) - first));
    const after = from >= last ? [] : lines.slice(Math.max(0, Math.max(to, first) - first));
    gone.forEach(tr => tr.remove());
    body.prepend(...before);
    body.append(...after);
    body.style.paddingTop = first * ROW + 'px';
    [drawn, from, to] = [lines, first, last];
  }

  // What is in sight comes with the frame, the rows beyond once there is time.
  let waiting = false, spare = null;
  element.addEventListener('scroll', () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw(1);
      clearTimeout(spare);
      spare = setTimeout(() => draw(MARGIN), 200);
    });
  }, {passive: true});
  new ResizeObserver(() => {
    height = element.clientHeight || 600;
    // Each sticky cell is a layer of its own: only where there is something to stick against.
    element.classList.toggle('wide', element.scrollWidth > element.clientWidth);
    draw(MARGIN);
  }).observe(element);

  return {
    element,
    show(next, sortKey, descending) {
      rows = next;
      table.setAttribute('aria-rowcount', rows.length + 1);
      body.style.height = rows.length * ROW + 'px';
      element.style.maxHeight = Math.min(highest || 640, (rows.length + 1) * ROW + 24) + 'px';
      heads.forEach((head, i) => {
        if (columns[i].key === sortKey) head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
        else head.removeAttribute('aria-sort');
      });
      [drawn, from, to] = [[], 0, 0];
      body.replaceChildren();
      draw(MARGIN);
    },
  };
}

/** Sorts numbers as numbers, texts as texts, nothing last. */
export function sorted(rows, value, descending) {
  const sign = descending ? -1 : 1;
  return rows.map((row, i) => [value(row), i, row]).sort((a, b) => {
    const [x, y] = [a[0], b[0]];
    const none = v => v === null || v === undefined || v === '';
    if (none(x) || none(y)) return none(x) && none(y) ? a[1] - b[1] : none(x) ? 1 : -1;
    if (typeof x === 'number' && typeof y === 'number') return sign * (x - y) || a[1] - b[1];
    return sign * String(x).localeCompare(String(y), 'en', {numeric: true}) || a[1] - b[1];
  }).map(entry => entry[2]);
}
