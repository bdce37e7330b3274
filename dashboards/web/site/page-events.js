// Events: who did what and when, and what went wrong.

import {emptyPage, h, link} from './dom.js';
import {get} from './api.js';
import {csv, time} from './format.js';
import {saveText} from './plot.js';

/** Stage ids in a text become links. */
function linked(text) {
  return text.split(/\b([0-9a-f]{64})\b/).map((part, i) => (i % 2 ? link(part.slice(0, 10), ['stage', part], null, {title: part, class: 'mono'}) : part));
}

export async function show({query, setQuery}) {
  const first = await get(['events'], {limit: 200});
  if (!first.events.length) return emptyPage('Events', 'Nothing happened yet', 'Actions of people, failures and killed gangs are kept here.');
  let rows = first.events;
  let next = first.next;
  const body = h('tbody');
  const filter = h('input', {type: 'search', value: query.filter || '', 'aria-label': 'Filter', placeholder: 'kind, person or text', oninput: () => { setQuery({filter: filter.value}); fill(); }});
  const shown = () => rows.filter(event => `${event.kind} ${event.who} ${event.text}`.toLowerCase().includes(filter.value.toLowerCase()));
  const more = h('button', {type: 'button', onclick: async () => {
    const page = await get(['events'], {limit: 200, before: next});
    rows = [...rows, ...page.events];
    next = page.next;
    fill();
  }}, 'Older events');
  function fill() {
    body.replaceChildren(...shown().map(event => h('tr', {}, h('th', {scope: 'row', class: 'nowrap'}, time(event.time)), h('td', {}, h('span', {class: 'kind'}, event.kind)), h('td', {}, event.who), h('td', {class: 'wrap'}, linked(event.text)))));
    more.hidden = next === null;
  }
  fill();
  return h('div', {}, h('div', {class: 'heading'}, h('h1', {}, 'Events')), h('section', {class: 'card'},
    h('div', {class: 'tools'}, h('label', {class: 'field grow'}, h('span', {}, 'Filter'), filter),
      h('button', {type: 'button', class: 'small', 'data-export': 'table', onclick: () => saveText('events.csv', csv([['time', 'kind', 'who', 'text'], ...shown().map(e => [new Date(e.time).toISOString(), e.kind, e.who, e.text])]))}, 'CSV')),
    h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': 'Events'}, h('table', {class: 'plain'}, h('thead', {}, h('tr', {}, ['Time', 'Kind', 'Who', 'What'].map(t => h('th', {scope: 'col'}, t)))), body)), more));
}
