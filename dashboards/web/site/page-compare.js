// Compare: any rows beside each other, against the first: metrics, paired tests, curves, pictures.

import {card, choice, empty, h, link} from './dom.js';
import {get, imageAddress} from './api.js';
import {metric, plain, plural, csv} from './format.js';
import {color, DASHES, label, plot, saveText, SYMBOLS} from './plot.js';

const CHOICES_MAX = 2000;
const STAGES_WITH_CURVES = ['finetune', 'pretrain', 'segmenter'];

function wanted(text) {
  try { const rows = JSON.parse(text || '[]'); return Array.isArray(rows) ? rows.map(String) : []; } catch { return []; }
}

const sign = (name, value) => `${value >= 0 ? '+' : '−'}${metric(name, Math.abs(value))}`;
const pText = p => (p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`);

const interval = (name, entry) => `[${sign(name, entry.interval[0])}, ${sign(name, entry.interval[1])}]`;
const overWhat = entry => `over ${plural(entry.count, entry.unit.slice(0, -1))}`;

/** The paired differences of one cell, each with its interval: over slices, and over subjects. */
function difference(name, tests) {
  return tests.filter(entry => entry.metric === name).map((entry, i) => {
    const sure = entry.wilcoxon.p < 0.05;
    return h('div', {class: `difference ${i ? 'quiet' : sure ? (entry.difference > 0 ? 'good' : 'bad') : 'quiet'}`},
      `${sign(name, entry.difference)} ${interval(name, entry)}, ${pText(entry.wilcoxon.p)}`, h('span', {class: 'over'}, overWhat(entry)));
  });
}

/** A point and a bar a row: the difference to the first row and its interval, one panel a metric. */
function intervalPlots(data, trials, tests) {
  return data.metrics.map(name => {
    const rows = trials.slice(1).map((trial, i) => ({trial, i: i + 1, entry: (tests.get(trial.name) || []).find(entry => entry.metric === name)})).filter(row => row.entry);
    if (!rows.length) return null;
    const names = rows.map(({trial}) => label(trial.row.length > 26 ? trial.row.slice(0, 25) + '…' : trial.row));
    return plot(`${name}: difference to the first row`, `${name}, difference to ${trials[0].row} with its 95 % interval: ${rows.map(({trial, entry}) => `${trial.row} ${sign(name, entry.difference)} ${interval(name, entry)}`).join(', ')}`,
      rows.map(({trial, i, entry}, k) => ({type: 'scatter', mode: 'markers', name: label(trial.row), x: [entry.difference], y: [names[k]], marker: {size: 10, color: color(i), symbol: SYMBOLS[i % SYMBOLS.length]},
        error_x: {type: 'data', symmetric: false, array: [entry.interval[1] - entry.difference], arrayminus: [entry.difference - entry.interval[0]], color: color(i), thickness: 2},
        hovertemplate: `%{x:.4f} ${interval(name, entry)}<extra></extra>`})),
      {showlegend: false, xaxis: {title: {text: label(`${name}: difference`)}, zeroline: true, zerolinewidth: 2}, yaxis: {type: 'category', autorange: 'reversed'}, margin: {l: 120}},
      {height: 110 + 34 * rows.length, table: () => [['row', 'difference', 'low', 'high', 'p'], ...rows.map(({trial, entry}) => [trial.row, entry.difference, ...entry.interval, entry.wilcoxon.p])]});
  }).filter(Boolean);
}

/** Metrics at once; the paired tests as they come, for ten thousand resamplings take their time. */
function metricsCard(study, data, trials) {
  const [base] = trials;
  const tests = new Map();  // Trial name → its comparisons with the first row.
  const head = ['trial', ...data.metrics.flatMap(m => [m, `${m} difference`, `${m} low`, `${m} high`, `${m} p`])];
  const table = () => [head, ...trials.map(trial => [trial.row, ...data.metrics.flatMap((name, i) => {
    const cell = trial.metrics[i], test = (tests.get(trial.name) || []).find(entry => entry.metric === name);
    return [cell ? cell[0] : '', ...(test ? [test.difference, ...test.interval, test.wilcoxon.p] : ['', '', '', ''])];
  })])];
  const body = h('tbody');
  const fill = () => body.replaceChildren(...trials.map((trial, t) => h('tr', {},
    h('th', {scope: 'row', class: 'nowrap'}, h('span', {class: 'swatch swatch-' + t % 7, 'aria-hidden': 'true'}),
      link(trial.row, ['stage', trial.stages.evaluate || Object.values(trial.stages)[0]])),
    data.metrics.map((name, i) => (trial.metrics[i]
      ? h('td', {class: 'number'}, metric(name, trial.metrics[i][0]), tests.has(trial.name) ? difference(name, tests.get(trial.name)) : null)
      : h('td', {class: 'number quiet'}, '–'))))));
  fill();
  const panels = h('div', {class: 'panels'});
  const note = h('p', {class: 'quiet', role: 'status', 'data-tests': 'waiting'}, 'Paired tests are computed …');
  const done = trial => trial.stages.evaluate && trial.metrics.some(Boolean);
  Promise.all(trials.slice(1).filter(trial => done(trial) && done(base)).map(async trial => {
    tests.set(trial.name, (await get(['compare', base.stages.evaluate, trial.stages.evaluate])).comparisons);
    fill();
  })).then(() => {
    note.dataset.tests = 'there';
    note.textContent = 'Below each mean: the mean difference to the first row, its 95 % bootstrap interval, and the p value of Wilcoxon\'s signed-rank test on the pairs that both rows have; '
      + 'over slices, and over subjects, whose slices are alike. Coloured: p < 0.05, green for more. Many comparisons find small p values by chance.';
    panels.replaceChildren(...intervalPlots(data, trials, tests));
  }, error => { note.textContent = `The paired tests failed: ${error.message}`; });
  return h('section', {class: 'card'},
    h('div', {class: 'tools'}, h('h2', {class: 'grow'}, 'Metrics against the first row'),
      h('button', {type: 'button', class: 'small', 'data-export': 'table', onclick: () => saveText(`${study}-compare.csv`, csv(table()))}, 'CSV')),
    h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': 'Metrics'}, h('table', {class: 'plain'},
      h('thead', {}, h('tr', {}, ['Trial', ...data.metrics].map((name, i) => h('th', {scope: 'col', class: i ? 'number' : ''}, name)))), body)),
    note, panels);
}

async function curvesCard(trials) {
  const kinds = STAGES_WITH_CURVES.filter(kind => trials.some(trial => trial.stages[kind]));
  const plots = (await Promise.all(kinds.map(async kind => {
    const stages = new Map();  // Shared stages are one curve.
    for (const trial of trials) {
      const id = trial.stages[kind];
      if (id) stages.set(id, [...(stages.get(id) || []), trial]);
    }
    const curves = (await Promise.all([...stages].map(async ([id, users]) => ({users, curve: await get(['curve', id], {points: 400})}))))
      .filter(entry => entry.curve.points.length);
    if (!curves.length) return null;
    const traces = curves.map(({users, curve}) => {
      const first = trials.indexOf(users[0]);
      return {type: 'scatter', mode: 'lines', name: label(users.map(u => u.row).join(', ').slice(0, 60)), x: curve.points.map(p => p[0]), y: curve.points.map(p => p[1]),
        line: {color: color(first), dash: DASHES[first % DASHES.length], width: 2}};
    });
    return plot(`Training loss: ${kind}`, `Training loss of ${kind} over its steps, ${plural(curves.length, 'curve')}; last values ${traces.map(t => `${t.name}: ${plain(t.y[t.y.length - 1])}`).join(', ')}`,
      traces, {xaxis: {title: {text: 'step'}}, yaxis: {title: {text: 'loss'}, type: traces.every(t => t.y.every(v => v > 0)) ? 'log' : 'linear'}}, {height: 300});
  }))).filter(Boolean);
  return card('Training curves', plots.length ? h('div', {class: 'panels'}, plots) : h('p', {class: 'quiet'}, 'No stage with a curve is done yet.'));
}

async function picturesCard(trials, query, setQuery) {
  const lists = await Promise.all(trials.map(trial => trial.stages.evaluate
    ? get(['samples', trial.stages.evaluate]).catch(() => ({count: 0})) : {count: 0}));
  const most = Math.max(...lists.map(list => list.count || 0));
  if (most === 0) return card('Pictures', h('p', {class: 'quiet'}, 'No evaluation of these rows kept sample slices.'));
  const view = {index: Math.min(Number(query.index) || 0, most - 1), layer: query.layer || 'sr'};
  const strip = h('div', {class: 'strip'});
  const fill = () => {
    const picture = (stage, layer, caption) => h('figure', {}, h('img', {src: imageAddress(stage, layer, view.index, 0), alt: `${layer} of ${caption}, sample ${view.index + 1}`}), h('figcaption', {}, caption));
    const first = trials.find((_, i) => lists[i].count > view.index);
    strip.replaceChildren(picture(first.stages.evaluate, 'hr', 'HR'), ...trials.map((trial, i) => (lists[i].count > view.index
      ? picture(trial.stages.evaluate, lists[i].layers.includes(view.layer) ? view.layer : 'hr', trial.row) : null)).filter(Boolean));
  };
  fill();
  return card('Pictures', h('div', {class: 'tools'},
    h('label', {class: 'field grow'}, h('span', {}, 'Sample'), h('input', {type: 'range', min: 0, max: most - 1, value: view.index, 'aria-label': 'Sample',
      oninput: event => { view.index = Number(event.target.value); setQuery({index: view.index}); fill(); }})),
    choice('Show', [['sr', 'super-resolved'], ['error', 'error map'], ['bicubic', 'bicubic']], view.layer, value => { view.layer = value; setQuery({layer: value}); fill(); })),
  strip);
}

export async function show({rest, query, setQuery}) {
  const [study] = rest;
  const data = await get(['study', study]);
  const names = wanted(query.rows);
  const trials = names.map(name => data.trials.find(trial => trial.name === name)).filter(Boolean);
  const others = data.trials.filter(t => !names.includes(t.name));
  const adder = h('select', {'aria-label': 'Add a row', onchange: () => {
    location.hash = `#/compare/${encodeURIComponent(study)}?` + new URLSearchParams({rows: JSON.stringify([...names, adder.value])});
  }}, h('option', {value: ''}, 'Add a row …'), others.slice(0, CHOICES_MAX).map(t => h('option', {value: t.name}, t.row)),
    others.length > CHOICES_MAX ? h('option', {disabled: true}, `… ${others.length - CHOICES_MAX} more: tick them on the study's page`) : null);
  const without = name => `#/compare/${encodeURIComponent(study)}?` + new URLSearchParams({rows: JSON.stringify(names.filter(n => n !== name))});
  const head = h('div', {}, h('div', {class: 'heading'}, h('h1', {}, 'Compare'), adder, link('All trials', ['study', study])),
    h('p', {class: 'chips'}, trials.map((trial, i) => h('span', {class: 'chip'}, h('span', {class: 'swatch swatch-' + i % 7, 'aria-hidden': 'true'}), trial.row, ' ',
      h('a', {href: without(trial.name), 'aria-label': `Take ${trial.row} out`}, '×')))));
  if (trials.length < 2) return h('div', {}, head, empty('Choose two rows or more', 'Tick them on the study\'s page, or add them here. The first one is what the others are compared with.'));
  return h('div', {}, head, metricsCard(study, data, trials), await curvesCard(trials), await picturesCard(trials, query, setQuery));
}
