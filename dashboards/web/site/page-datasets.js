// Data sets: what stages are computed from.

import {card, emptyPage, h} from './dom.js';
import {get} from './api.js';
import {count, plain} from './format.js';

function facts(info) {
  const rows = Object.entries(info).filter(([, value]) => value === null || typeof value !== 'object' || (Array.isArray(value) && value.every(v => typeof v !== 'object')));
  return rows.length ? h('dl', {class: 'facts'}, rows.map(([key, value]) => [h('dt', {}, key.replaceAll('_', ' ')), h('dd', {}, Array.isArray(value) ? value.join(', ') : typeof value === 'number' ? plain(value) : String(value))])) : null;
}

function subjects(list) {
  if (!Array.isArray(list) || !list.length || typeof list[0] !== 'object') return null;
  const keys = Object.keys(list[0]).filter(key => typeof list[0][key] !== 'object' || Array.isArray(list[0][key]));
  return h('details', {}, h('summary', {}, `${count(list.length)} subjects${list.length > 2000 ? ', the first 2,000 of them here' : ''}`), h('div', {class: 'scroll-x scroll-y', tabindex: 0, role: 'region', 'aria-label': 'Subjects'},
    h('table', {class: 'plain'}, h('thead', {}, h('tr', {}, keys.map(key => h('th', {scope: 'col'}, key.replaceAll('_', ' '))))),
      h('tbody', {}, list.slice(0, 2000).map(subject => h('tr', {}, keys.map((key, i) => h(i ? 'td' : 'th', {scope: i ? null : 'row'}, Array.isArray(subject[key]) ? subject[key].map(plain).join(' × ') : plain(subject[key])))))))));
}

export async function show() {
  const {datasets} = await get(['datasets']);
  if (!datasets.length) return emptyPage('Data sets', 'No data set is registered', 'A run registers those of its study.');
  return h('div', {}, h('div', {class: 'heading'}, h('h1', {}, 'Data sets')), datasets.map(entry => card(entry.name,
    h('dl', {class: 'facts'}, h('dt', {}, 'file'), h('dd', {}, entry.path), h('dt', {}, 'content digest'), h('dd', {class: 'mono'}, entry.digest)),
    facts(entry.info), subjects(entry.info.subjects))));
}
