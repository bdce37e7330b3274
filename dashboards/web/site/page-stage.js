// Provenance: everything behind one result.

import {card, choice, h, link, state} from './dom.js';
import {get} from './api.js';
import {bytes, count, duration, metric, plain, time} from './format.js';
import {color, plot} from './plot.js';
import {graph} from './graph.js';

/** {a: {b: 1}} → [['a.b', 1]] */
function flat(value, prefix = '') {
  if (value === null || typeof value !== 'object') return [[prefix, value]];
  if (Array.isArray(value) && value.every(v => v === null || typeof v !== 'object')) return [[prefix, value.map(plain).join(', ')]];
  return Object.entries(value).flatMap(([key, v]) => flat(v, prefix ? `${prefix}.${key}` : key));
}

const facts = rows => h('dl', {class: 'facts'}, rows.map(([key, value]) => [h('dt', {}, key), h('dd', {class: String(value).length > 40 ? 'mono' : ''}, value instanceof Node ? value : plain(value))]));

function logCard(id, attempts) {
  const box = h('pre', {class: 'log', tabindex: 0, 'aria-label': 'Log'}, 'Choose an attempt.');
  const load = async fence => {
    const log = await get(['log', id], {fence});
    box.textContent = log.missing || (log.cut ? '… (only the end is shown)\n' : '') + log.text || 'The log is empty.';
    box.scrollTop = box.scrollHeight;
  };
  if (!attempts.length) return null;
  const newest = attempts[attempts.length - 1];
  const details = h('details', {class: 'card', ontoggle: () => { if (details.open && !details.dataset.loaded) { details.dataset.loaded = 'yes'; load(newest.fence); } }},
    h('summary', {}, 'Log of the gang'), attempts.length > 1 ? choice('Attempt', attempts.map(a => [String(a.fence), `${a.fence} on ${a.gang}`]), String(newest.fence), load) : null, box);
  return details;
}

function resultCards(stage, curve) {
  const {result} = stage;
  if (!result) return [];
  const cards = [];
  if (result.metrics.length) {
    cards.push(card('Metrics', h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': 'Metrics'}, h('table', {class: 'plain'}, h('thead', {}, h('tr', {}, ['Metric', 'Mean', 'Std', 'Slices'].map((t, i) => h('th', {scope: 'col', class: i ? 'number' : ''}, t)))),
      h('tbody', {}, result.metrics.map(([name, mean, std, n]) => h('tr', {}, h('th', {scope: 'row'}, name), h('td', {class: 'number'}, metric(name, mean)), h('td', {class: 'number'}, plain(Number(std.toPrecision(3)))), h('td', {class: 'number'}, count(n)))))))));
  }
  if (curve && curve.points.length) {
    const ys = curve.points.map(p => p[1]);
    cards.push(h('section', {class: 'card'}, plot('Training loss', `Training loss over ${curve.total} points, from ${plain(ys[0])} to ${plain(ys[ys.length - 1])}`,
      [{type: 'scatter', mode: 'lines', name: 'loss', x: curve.points.map(p => p[0]), y: ys, line: {color: color(0), width: 2}}],
      {xaxis: {title: {text: 'step'}}, yaxis: {title: {text: 'loss'}, type: ys.every(v => v > 0) ? 'log' : 'linear'}, showlegend: false}, {height: 280}),
    curve.total > curve.points.length ? h('p', {class: 'quiet'}, `${count(curve.points.length)} of ${count(curve.total)} points, chosen so that the shape stays.`) : null));
  }
  const scalars = flat(result.scalars), provenance = flat(result.provenance), artifacts = flat(result.artifacts);
  cards.push(card('Result', facts([...scalars, ...provenance, ...artifacts.map(([key, value]) => [`artifact ${key}`, value])])));
  return cards;
}

export async function show({rest, app, actionBar}) {
  const [id] = rest;
  const stage = await get(['stage', id]);
  const curve = stage.result && stage.result.curve_points ? await get(['curve', id], {points: 800}) : null;
  const studies = [...new Set(stage.used_by.map(user => user.study))];
  const samples = stage.result && stage.result.artifacts && stage.result.artifacts.samples;
  return h('div', {}, h('div', {class: 'heading'}, h('h1', {}, stage.label || id.slice(0, 12)), state(stage.state), actionBar(app, stage.label, {stages: [id]}),
    samples && studies[0] ? h('a', {class: 'button', href: `#/images/${encodeURIComponent(studies[0])}?` + new URLSearchParams({stage: id})}, 'Images') : null),
  card('What it stands on', graph(`Provenance of ${stage.label || id}`, stage.graph, {here: id})),
  h('div', {class: 'two'}, h('div', {}, ...resultCards(stage, curve)), h('div', {},
    card('Identity', facts([['stage', h('span', {class: 'mono'}, id)], ['kind', stage.kind], ['data set', stage.dataset], ['data digest', stage.dataset_digest], ['steps', stage.steps]])),
    card('Configuration', facts([...flat(stage.config), ...flat(stage.options).map(([key, value]) => [`${key} (how it runs)`, value])].filter(([, value]) => value !== undefined))),
    stage.checkpoints.length ? card(`Checkpoints (${stage.checkpoints.length})`, facts(stage.checkpoints.map(entry => [entry.file, bytes(entry.bytes)]))) : null,
    card(`Trials that use it (${stage.used_by.length})`, h('ul', {class: 'plain-list'}, stage.used_by.slice(0, 200).map(user => h('li', {}, link(user.trial, ['study', user.study], {filter: `"${user.trial}"`}), h('span', {class: 'quiet'}, ` in ${user.study}`))), stage.used_by.length > 200 ? h('li', {class: 'quiet'}, `and ${stage.used_by.length - 200} more`) : null)))),
  card(`Attempts (${stage.attempts.length})`, stage.attempts.length ? h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': 'Attempts'}, h('table', {class: 'plain'},
      h('thead', {}, h('tr', {}, ['Fence', 'Outcome', 'Gang', 'Host', 'Device', 'Started', 'Took', 'Message'].map(t => h('th', {scope: 'col'}, t)))),
      h('tbody', {}, stage.attempts.map(a => h('tr', {}, h('th', {scope: 'row'}, a.fence), h('td', {}, state(a.outcome || 'running')), h('td', {class: 'nowrap'}, a.gang), h('td', {class: 'nowrap'}, a.host), h('td', {class: 'nowrap'}, `${a.ranks} × ${a.device}`), h('td', {class: 'nowrap'}, time(a.started)), h('td', {class: 'nowrap'}, a.ended ? duration((a.ended - a.started) / 1000) : ''), h('td', {class: 'wrap'}, a.message)))))) : h('p', {class: 'quiet'}, 'It has not run yet.')),
  logCard(id, stage.attempts));
}
