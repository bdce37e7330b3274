// Elements without HTML: every text goes in as text, so that no name can ever become markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.setAttribute('class', value);
    else if (name === 'value') element.value = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** An HTML element: h('p', {class: 'quiet'}, 'text', otherElement). */
export const h = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);

/** The same in SVG. */
export const s = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

/** A link to a page of this site: link('Study', ['study', name], {sort: 'PSNR'}). */
export function link(text, parts, query, attributes) {
  return h('a', {href: address(parts, query), ...attributes}, text);
}

/** The address of a page. */
export function address(parts, query) {
  const path = '#/' + parts.map(encodeURIComponent).join('/');
  const pairs = Object.entries(query || {}).filter(([, v]) => v !== '' && v !== null && v !== undefined);
  return pairs.length ? path + '?' + new URLSearchParams(pairs).toString() : path;
}

/** A select box over [value, label] pairs. */
export function choice(label, options, selected, onchange) {
  const select = h('select', {onchange: () => onchange(select.value), 'aria-label': label});
  for (const [value, text] of options) {
    select.append(h('option', {value, selected: value === selected}, text));
  }
  select.value = selected;
  return h('label', {class: 'field'}, h('span', {}, label), select);
}

/** Each state's shape. */
export const MARKS = {done: '●', running: '▶', failed: '▲', waiting: '○', blocked: '○', ready: '◐',
    aborted: '■', cancelled: '■', lost: '▲', revoked: '▲', 'handed-back': '○'};

/** A state with a shape besides its colour. */
export function state(name) {
  return h('span', {class: 'state state-' + name.replace(/[^a-z-]/g, '')},
    h('span', {'aria-hidden': 'true'}, MARKS[name] || '·'), ' ', name);
}

/** Says something for a few seconds. */
export function toast(text, bad) {
  const box = document.getElementById('toast');
  const note = h('p', {class: bad ? 'bad' : ''}, text);
  box.append(note);
  setTimeout(() => note.remove(), bad ? 12000 : 5000);
}

/** What a page shows while it has nothing. */
export const empty = (title, text) =>
  h('div', {class: 'empty'}, h('h2', {}, title), h('p', {}, text));

/** A whole page that has nothing. */
export const emptyPage = (name, title, text) =>
  h('div', {}, h('div', {class: 'heading'}, h('h1', {}, name)), empty(title, text));

/** A card: a titled part of a page. */
export const card = (title, ...children) =>
  h('section', {class: 'card'}, title ? h('h2', {}, title) : null, ...children);
