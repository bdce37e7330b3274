// Stages: the graph of what stands on what, and who ran what when.

import {card, choice, emptyPage, h, link, state} from './dom.js';
import {get, liveStages} from './api.js';
import {count, duration, percent, plural, time} from './format.js';
import {color, cssColor, label, plot} from './plot.js';
import {graph} from './graph.js';
import {sorted, virtualTable} from './table.js';

const BARS_MAX = 1500;
const KINDS = ['train-unet', 'pretrain', 'finetune', 'evaluate', 'profile', 'import-weights'];  // In the order of their colours.

/** Bars of attempts, a line a gang; failed ones are hatched. */
function gantt(study, data) {
  const labels = new Map(data.stages.map(stage => [stage.id, stage]));
  const attempts = data.attempts.slice(-BARS_MAX);
  if (!attempts.length) return h('p', {class: 'quiet'}, 'Nothing ran yet.');
  const now = Date.now();
  const gangs = [...new Set(attempts.map(a => a.gang))].sort((a, b) => b.localeCompare(a, 'en', {numeric: true}));
  const kinds = [...KINDS, ...new Set(data.stages.map(stage => stage.kind).filter(kind => !KINDS.includes(kind)))];
  const traces = kinds.map((kind, k) => {
    const own = attempts.filter(a => labels.get(a.stage) && labels.get(a.stage).kind === kind);
    return {type: 'bar', orientation: 'h', name: kind, base: own.map(a => new Date(a.started).toISOString()), x: own.map(a => Math.max(1, (a.ended || now) - a.started)), y: own.map(a => label(a.gang)),
      text: own.map(a => label(`${labels.get(a.stage).label}, ${a.outcome || 'running'}, ${duration(((a.ended || now) - a.started) / 1000)}`)),
      textposition: 'none', hovertemplate: '%{text}<extra></extra>', customdata: own.map(a => a.stage),
      marker: {color: color(k), line: {width: own.map(a => (a.outcome === 'done' ? 0 : 1.5)), color: own.map(a => (a.outcome === 'done' || !a.outcome ? color(k) : cssColor('failed')))},
        pattern: {shape: own.map(a => (a.outcome === 'done' ? '' : a.outcome ? 'x' : '/')), size: 5}}};
  }).filter(trace => trace.y.length);
  const figure = plot(`Gangs of ${study} over time`, `${plural(attempts.length, 'attempt')} on ${plural(gangs.length, 'gang')}; the table below holds the same`, traces,
    {barmode: 'overlay', bargap: 0.25, xaxis: {type: 'date'}, yaxis: {categoryorder: 'array', categoryarray: gangs.map(label), type: 'category'}, margin: {l: 80, b: 64}, legend: {y: -0.3, yanchor: 'top'}},
    {height: Math.min(900, 170 + 34 * gangs.length), onclick: event => { location.hash = `#/stage/${event.points[0].customdata}`; },
      table: () => [['fence', 'gang', 'host', 'device', 'ranks', 'stage', 'label', 'started', 'ended', 'outcome', 'message'], ...data.attempts.map(a => [a.fence, a.gang, a.host, a.device, a.ranks, a.stage, (labels.get(a.stage) || {}).label, new Date(a.started).toISOString(), a.ended ? new Date(a.ended).toISOString() : '', a.outcome, a.message])]});
  const left = data.attempts.length - attempts.length;
  return left ? [figure, h('p', {class: 'quiet'}, `The newest ${count(attempts.length)} of ${count(data.attempts.length)} attempts are drawn; the CSV holds all.`)] : figure;
}

/** The stages that fit the filter and all they stand on. */
function withInputs(stages, chosen) {
  const byId = new Map(stages.map(stage => [stage.id, stage]));
  const kept = new Set();
  const add = stage => {
    if (!stage || kept.has(stage.id)) return;
    kept.add(stage.id);
    Object.values(stage.inputs).forEach(id => add(byId.get(id)));
  };
  chosen.forEach(add);
  return stages.filter(stage => kept.has(stage.id));
}

export async function show({rest, query, app, setQuery, actionBar}) {
  const [study] = rest;
  const [data, now] = await Promise.all([get(['stages', study]), liveStages(app)]);
  for (const stage of data.stages) {  // A person's actions are known to the coordinator only.
    const {state: told, priority, progress, progress_end: end} = now.get(stage.id) || {};
    if (told === 'cancelled' || told === 'aborted') stage.state = told;
    Object.assign(stage, {priority: priority || 0, progress: told === 'running' && end ? progress / end : null});
  }
  if (!data.stages.length) return emptyPage('Stages', 'No stages', `The study ${study} has none.`);
  const view = {filter: query.filter || '', state: query.state || '', sort: query.sort || '', desc: query.desc === '1'};
  const last = new Map(data.attempts.map(attempt => [attempt.stage, attempt]));
  const values = {label: s => s.label, kind: s => s.kind, state: s => s.state, users: s => s.users, steps: s => s.steps, attempts: s => s.attempts, priority: s => s.priority, progress: s => s.progress,
    gang: s => (last.get(s.id) || {}).gang, seconds: s => { const a = last.get(s.id); return a && a.ended ? (a.ended - a.started) / 1000 : null; }, committed: s => s.committed || null};
  const columns = [
    {key: 'label', title: 'Stage', width: 260, sort: true, cell: s => link(s.label || s.id.slice(0, 12), ['stage', s.id], null, {title: s.id})},
    {key: 'state', title: 'State', width: 110, sort: true, cell: s => state(s.state)},
    {key: 'kind', title: 'Kind', width: 100, sort: true, cell: s => s.kind},
    {key: 'users', title: 'Trials', hint: 'Trials that stand on it', width: 80, number: true, sort: true, cell: s => count(s.users)},
    ...(now.size ? [{key: 'priority', title: 'Priority', width: 85, number: true, sort: true, cell: s => s.priority || ''},
      {key: 'progress', title: 'Progress', width: 90, number: true, sort: true, cell: s => (s.progress === null ? '' : percent(s.progress))}] : []),
    {key: 'steps', title: 'Steps', width: 90, number: true, sort: true, cell: s => count(s.steps)},
    {key: 'attempts', title: 'Attempts', width: 95, number: true, sort: true, cell: s => count(s.attempts)},
    {key: 'gang', title: 'Last gang', width: 120, sort: true, cell: s => values.gang(s) || ''},
    {key: 'seconds', title: 'Last took', width: 100, number: true, sort: true, cell: s => duration(values.seconds(s))},
    {key: 'committed', title: 'Done at', width: 170, sort: true, cell: s => time(s.committed)},
    ...(app.me.may_act ? [{key: 'actions', title: 'Actions', width: 220, cell: s => actionBar(app, s.label, {stages: [s.id]})}] : []),
  ];
  const table = virtualTable(`Stages of ${study}`, columns, {height: 480, onsort: key => {
    view.desc = view.sort === key ? !view.desc : false;
    view.sort = key;
    setQuery({sort: key, desc: view.desc ? '1' : ''});
    fill();
  }});
  const picture = h('div');
  let sight = query.view || '';
  const amount = h('span', {class: 'quiet', role: 'status'});
  let word = view.filter.toLowerCase();
  const fits = s => (!view.state || s.state === view.state) && (!word || `${s.label} ${s.kind} ${s.id} ${s.dataset}`.toLowerCase().includes(word));
  function fill() {
    let rows = data.stages.filter(fits);
    amount.textContent = rows.length === data.stages.length ? plural(rows.length, 'stage') : `${rows.length} of ${plural(data.stages.length, 'stage')}`;
    if (view.sort) rows = sorted(rows, values[view.sort], view.desc);
    table.show(rows, view.sort, view.desc);
  }
  function drawGraph() {
    const nodes = withInputs(data.stages, data.stages.filter(fits));
    picture.replaceChildren(nodes.length === 0 ? h('p', {class: 'quiet'}, 'No stage fits the filter.')
      : graph(`Stages of ${study}`, nodes, {view: sight, onview: now => { sight = now; setQuery({view: now}); }}));
  }
  let later = null;
  function narrow(changes) {
    Object.assign(view, changes);
    word = view.filter.toLowerCase();
    sight = '';
    setQuery({...changes, view: ''});
    fill();
    clearTimeout(later);
    later = setTimeout(drawGraph, 150);
  }
  drawGraph();
  fill();
  return h('div', {}, h('div', {class: 'heading'}, h('h1', {}, 'Stages'), actionBar(app, study, {study})),
    h('section', {class: 'card'}, h('div', {class: 'tools'},
      h('label', {class: 'field grow'}, h('span', {}, 'Filter'), h('input', {type: 'search', value: view.filter, placeholder: 'label, kind or id', 'aria-label': 'Filter', oninput: event => narrow({filter: event.target.value})})),
      choice('State', [['', 'all'], ['done', 'done'], ['running', 'running'], ['failed', 'failed'], ['waiting', 'waiting'], ['cancelled', 'cancelled'], ['aborted', 'aborted']], view.state, value => narrow({state: value})), amount),
    picture), card('Gangs over time', gantt(study, data)), card('All of them', table.element));
}
