// Study: trials × axes as a table, parallel coordinates, and one panel an axis.

import {card, choice, emptyPage, h, link, state, toast} from './dom.js';
import {get, liveStages} from './api.js';
import {csv, duration, metric, plain, plural} from './format.js';
import {color, label, plot, saveText, SYMBOLS} from './plot.js';
import {sorted, virtualTable} from './table.js';
import {matcher} from './filter.js';
import {parallel} from './parallel.js';

const POINTS_MAX = 600;    // More trials than that are not drawn one by one.
const chosen = new Map();  // Study → set of trial names ticked for comparison.

export async function show({rest, query, app, setQuery, actionBar, redraw}) {
  const [study] = rest;
  const [data, now] = await Promise.all([get(['study', study]), liveStages(app)]);
  for (const trial of data.trials) {  // What a person gave up is known to the coordinator only.
    if (Object.values(trial.stages).some(id => ['cancelled', 'aborted'].includes((now.get(id) || {}).state))) trial.state = 'cancelled';
  }
  if (!data.trials.length) return emptyPage(study, 'No trials', `The study ${study} has none.`);
  const ticked = chosen.get(study) || chosen.set(study, new Set()).get(study);
  const metricAt = name => data.metrics.indexOf(name);
  const mean = (trial, name) => { const cell = trial.metrics[metricAt(name)]; return cell ? cell[0] : null; };
  const axisAt = name => data.axes.indexOf(name);
  const valueOf = (trial, key) => {
    if (key === 'row') return trial.row;
    if (key === 'state') return trial.state;
    if (key === 'seconds') return trial.seconds;
    if (axisAt(key) >= 0) return trial.axes[axisAt(key)];
    return metricAt(key) >= 0 ? mean(trial, key) : null;
  };

  const view = {filter: query.filter || '', sort: query.sort || '', desc: query.desc === '1',
    group: query.group || '', metric: data.metrics.includes(query.metric) ? query.metric : data.metrics[0] || ''};

  const compare = h('a', {class: 'button primary', href: '#'}, 'Compare');
  const drawCompare = () => {
    compare.textContent = `Compare ${ticked.size || ''}`.trim();
    compare.classList.toggle('off', ticked.size < 2);
    compare.href = ticked.size < 2 ? location.hash
      : `#/compare/${encodeURIComponent(study)}?` + new URLSearchParams({rows: JSON.stringify([...ticked])});
  };
  compare.addEventListener('click', event => {
    if (ticked.size >= 2) return;
    event.preventDefault();
    toast('Tick at least two rows first.');
  });

  const columns = [
    {key: 'row', title: 'Trial', width: 230, sort: true, cell: trial => trial.group
      ? h('strong', {}, trial.row)
      : h('label', {class: 'tick'}, h('input', {type: 'checkbox', checked: ticked.has(trial.name), 'aria-label': `Compare ${trial.row}`,
        onchange: event => { if (event.target.checked) ticked.add(trial.name); else ticked.delete(trial.name); drawCompare(); }}),
      link(trial.row, ['stage', trial.stages.evaluate || Object.values(trial.stages)[0]], null, {title: trial.row}))},
    {key: 'state', title: 'State', width: 110, sort: true, cell: trial => (trial.group ? '' : state(trial.state))},
    ...data.axes.map(name => ({key: name, title: name, hint: name, width: Math.max(90, Math.min(200, 22 + 8 * name.length)), sort: true,
      cell: trial => (trial.group ? '' : h('span', {title: String(trial.axes[axisAt(name)] ?? '')}, trial.axes[axisAt(name)] === null ? '' : plain(trial.axes[axisAt(name)])))})),
    ...data.metrics.map(name => ({key: name, title: name, width: 138, number: true, sort: true, cell: trial => {
      const cell = trial.metrics[metricAt(name)];
      if (!cell) return h('span', {class: 'quiet'}, '–');
      return h('span', {title: `${name}: mean ${cell[0]}, std ${cell[1]}, ${cell[2]} slices`}, metric(name, cell[0]),
        h('span', {class: 'quiet'}, ` ±${plain(Number(cell[1].toPrecision(2)))}`));
    }})),
    {key: 'seconds', title: 'Gang time', width: 90, number: true, sort: true, cell: trial => (trial.group ? '' : duration(trial.seconds))},
    ...(app.me.may_act ? [{key: 'actions', title: 'Actions', width: 210, cell: trial => (trial.group ? ''
      : actionBar(app, trial.row, {trial: trial.name}))}] : []),
  ];
  const table = virtualTable(`Trials of ${study}`, columns, {
    onsort: key => {
      view.desc = view.sort === key ? !view.desc : data.metrics.includes(key);
      view.sort = key;
      setQuery({sort: key, desc: view.desc ? '1' : ''});
      fill();
    },
    rowClass: trial => (trial.group ? 'group' : ''),
  });

  /** Rows of one axis value under a head with their mean. */
  function grouped(rows) {
    if (!view.group) return rows;
    const groups = new Map();
    for (const trial of rows) {
      const key = plain(valueOf(trial, view.group));
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(trial);
    }
    return [...groups].flatMap(([key, members]) => [{group: true, row: `${view.group} = ${key} (${members.length})`,
      metrics: data.metrics.map((name, i) => {
        const values = members.map(m => m.metrics[i]).filter(Boolean).map(cell => cell[0]);
        if (!values.length) return null;
        const average = values.reduce((a, b) => a + b, 0) / values.length;
        return [average, Math.sqrt(values.reduce((a, b) => a + (b - average) ** 2, 0) / values.length), values.length];
      })}, ...members]);
  }

  const count = h('span', {class: 'quiet', role: 'status'});
  const problem = h('span', {class: 'bad', role: 'alert'});
  const plots = h('div', {class: 'plots'});  // Out of sight, it costs the table's frames nothing.
  let shown = [];
  function rowsNow() {
    const {test, error} = matcher(view.filter, valueOf, [...data.axes, ...data.metrics, 'row', 'state', 'seconds']);
    problem.textContent = error || '';
    let rows = data.trials.filter(test);
    if (view.sort) rows = sorted(rows, trial => valueOf(trial, view.sort), view.desc);
    return rows;
  }
  function fill() {
    shown = rowsNow();
    count.textContent = shown.length === data.trials.length ? plural(shown.length, 'trial')
      : `${shown.length} of ${plural(data.trials.length, 'trial')}`;
    table.show(grouped(shown), view.sort, view.desc);
  }
  let later = null;
  const refill = () => { clearTimeout(later); later = setTimeout(() => { fill(); drawPlots(); }, 150); };

  function drawPlots() {
    const parts = [];
    const metrics = [view.metric].filter(Boolean);
    if (metrics.length && data.axes.length) {
      parts.push(parallel(`Parallel coordinates of ${study}`, data, shown, view.metric, expression => {
        filter.value = view.filter = expression;
        setQuery({filter: expression});
        fill();
        drawPlots();
      }, view.filter, valueOf));
      const panels = axisPanels(data, shown, view.metric, valueOf);
      if (panels.length) parts.push(h('div', {class: 'panels'}, panels));
    }
    if (!parts.length) parts.push(h('p', {class: 'quiet'}, data.metrics.length ? 'The trials do not differ in any key of their configuration.' : 'Plots come with the first evaluation.'));
    plots.replaceChildren(...parts);
  }

  const filter = h('input', {type: 'search', value: view.filter, placeholder: 'words, network.width=60, PSNR>30 …', 'aria-label': 'Filter',
    oninput: () => { view.filter = filter.value; setQuery({filter: view.filter}); refill(); }});
  drawCompare();
  fill();
  drawPlots();
  return h('div', {},
    h('div', {class: 'heading'}, h('h1', {}, data.title), actionBar(app, study, {study}), compare),
    h('section', {class: 'card'},
      h('div', {class: 'tools'},
        h('label', {class: 'field grow'}, h('span', {}, 'Filter'), filter),
        choice('Group by', [['', 'nothing'], ...data.axes.map(a => [a, a]), ['state', 'state']], view.group, value => {
          view.group = value; setQuery({group: value}); fill();
        }),
        h('button', {type: 'button', class: 'small', 'data-export': 'table', onclick: () => saveText(`${study}-trials.csv`, csv([
          ['trial', 'state', ...data.axes, ...data.metrics.flatMap(m => [m, `${m} std`, `${m} count`]), 'seconds'],
          ...shown.map(t => [t.row, t.state, ...t.axes, ...t.metrics.flatMap(c => c || ['', '', '']), t.seconds])]))}, 'CSV'),
        count, problem),
      table.element),
    h('section', {class: 'card'},
      h('div', {class: 'tools'}, h('h2', {class: 'grow'}, 'What the axes do'),
        data.metrics.length ? choice('Metric', data.metrics.map(m => [m, m]), view.metric, value => {
          view.metric = value; setQuery({metric: value}); drawPlots();
        }) : null),
      plots));
}

/** The paper's Fig. 8: a panel an axis. Where trials vary one axis from a common base, only those. */
function axisPanels(data, trials, name, valueOf) {
  const measured = trials.filter(trial => valueOf(trial, name) !== null);
  const mode = data.axes.map((_, a) => {
    const seen = new Map();
    for (const trial of measured) seen.set(JSON.stringify(trial.axes[a]), (seen.get(JSON.stringify(trial.axes[a])) || 0) + 1);
    return [...seen].sort((x, y) => y[1] - x[1]).map(entry => entry[0])[0];
  });
  return data.axes.map((axis, a) => {
    const values = new Set(measured.map(t => JSON.stringify(t.axes[a])));
    if (values.size < 2 || values.size > 60) return null;
    const star = measured.filter(t => data.axes.every((_, b) => b === a || JSON.stringify(t.axes[b]) === mode[b]));
    const starValues = new Set(star.map(t => JSON.stringify(t.axes[a])));
    const used = starValues.size > 1 ? star : measured;
    const points = used.filter(t => t.axes[a] !== null);
    if (new Set(points.map(t => JSON.stringify(t.axes[a]))).size < 2) return null;
    const numeric = points.every(t => typeof t.axes[a] === 'number');
    const by = new Map();
    for (const t of points) {
      const key = numeric ? t.axes[a] : String(t.axes[a]);
      if (!by.has(key)) by.set(key, []);
      by.get(key).push(valueOf(t, name));
    }
    const keys = [...by.keys()].sort((x, y) => (numeric ? x - y : String(x).localeCompare(String(y), 'en', {numeric: true})));
    const short = text => (typeof text === 'string' && text.length > 14 ? text.slice(0, 13) + '…' : text);
    const traces = [{type: 'scatter', mode: numeric ? 'lines+markers' : 'markers', name: 'mean', x: keys.map(k => label(short(k))),
      y: keys.map(k => by.get(k).reduce((p, q) => p + q, 0) / by.get(k).length),
      line: {color: color(0), width: 2}, marker: {size: 9, color: color(0)}, text: keys.map(k => label(String(k))), hovertemplate: `%{text}: %{y:.4f}<extra>mean</extra>`}];
    if (points.length > POINTS_MAX) {
      // Thousands of points are a smear, and slow: where most of them lie says more.
      const sorted = keys.map(k => by.get(k).slice().sort((p, q) => p - q)), at = (values, share) => values[Math.round(share * (values.length - 1))];
      const mean = traces[0].y;
      Object.assign(traces[0], {name: 'mean, 10 to 90 % of the trials', error_y: {type: 'data', symmetric: false, color: color(0), thickness: 1, array: sorted.map((v, i) => at(v, 0.9) - mean[i]), arrayminus: sorted.map((v, i) => mean[i] - at(v, 0.1))}});
    } else if (points.length > keys.length) {
      traces.unshift({type: 'scatter', mode: 'markers', name: 'trials', x: points.map(t => label(short(numeric ? t.axes[a] : String(t.axes[a])))),
        y: points.map(t => valueOf(t, name)), text: points.map(t => label(t.row)), hovertemplate: '%{text}: %{y:.4f}<extra></extra>',
        marker: {size: 5, color: color(1), opacity: 0.5, symbol: SYMBOLS[1]}});
    }
    return plot(points.length > POINTS_MAX ? `${name} by ${axis}: mean, and 10 to 90 % of ${plural(points.length, 'trial')}` : `${name} by ${axis}`, `${name} against ${axis}: ${keys.map((k, i) => `${k}: ${metric(name, traces[traces.length - 1].y[i])}`).slice(0, 12).join(', ')}`,
      traces, {showlegend: false, xaxis: {title: {text: label(axis)}, type: numeric ? 'linear' : 'category', tickvals: numeric && keys.length < 9 ? keys : undefined},
        yaxis: {title: {text: label(name)}}}, {height: 260});
  }).filter(Boolean);
}
