// A table that draws only the rows in sight: thousands of trials scroll as smoothly as ten.

import {h} from './dom.js';

const ROW = 34;      // Height of a row in pixels, as in style.css.
const MARGIN = 12;   // Rows drawn beyond both edges.

/**
 * columns: [{key, title, width, number?, cell(row) → text or Node, sort?(row) → value}].
 * onsort(key, descending) is told of every click on a head; the caller keeps the order in the
 * address. Returns {element, show(rows, sortKey, descending)}.
 */
export function virtualTable(label, columns, {onsort, rowClass, height}) {
  const body = h('tbody');
  const heads = columns.map(column => {
    const text = column.sort
      ? h('button', {type: 'button', class: 'sort', onclick: () => onsort(column.key)}, column.title)
      : column.title;
    const head = h('th', {scope: 'col', class: column.number ? 'number' : '', title: column.hint}, text);
    head.style.width = column.width + 'px';
    return head;
  });
  const width = columns.reduce((sum, column) => sum + column.width, 0);
  const table = h('table', {class: 'virtual', 'aria-label': label}, h('thead', {}, h('tr', {}, heads)), body);
  table.style.minWidth = width + 'px';
  const element = h('div', {class: 'virtual-box', tabindex: 0, role: 'region', 'aria-label': label}, table);
  let rows = [];
  let drawn = [-1, -1];

  function spacer(count) {
    const tr = h('tr', {class: 'spacer', 'aria-hidden': 'true'}, h('td', {colspan: columns.length}));
    tr.firstChild.style.height = count * ROW + 'px';
    return tr;
  }

  function line(row, index) {
    return h('tr', {'aria-rowindex': index + 2, class: rowClass ? rowClass(row) : ''},
      columns.map((column, i) => h(i === 0 ? 'th' : 'td',
        {scope: i === 0 ? 'row' : null, class: column.number ? 'number' : ''}, column.cell(row))));
  }

  function draw(force) {
    const seen = Math.ceil((element.clientHeight || 600) / ROW);
    const top = Math.max(0, Math.min(Math.floor(element.scrollTop / ROW), rows.length - seen));
    const first = Math.max(0, top - MARGIN);
    const last = Math.min(rows.length, top + seen + MARGIN);
    if (!force && first === drawn[0] && last === drawn[1]) return;
    drawn = [first, last];
    const lines = [];
    if (first > 0) lines.push(spacer(first));
    for (let i = first; i < last; ++i) lines.push(line(rows[i], i));
    if (last < rows.length) lines.push(spacer(rows.length - last));
    body.replaceChildren(...lines);
  }

  let waiting = false;
  element.addEventListener('scroll', () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(false); });
  }, {passive: true});
  new ResizeObserver(() => draw(false)).observe(element);

  return {
    element,
    show(next, sortKey, descending) {
      rows = next;
      table.setAttribute('aria-rowcount', rows.length + 1);
      element.style.maxHeight = Math.min(height || 640, (rows.length + 1) * ROW + 24) + 'px';
      heads.forEach((head, i) => {
        if (columns[i].key === sortKey) head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
        else head.removeAttribute('aria-sort');
      });
      draw(true);
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
