// Parallel coordinates: one line a trial over its axes and metrics. Dragging along an axis of numbers
// limits it, a click on a value of a text axis picks it; both become part of the filter.

import {s} from './dom.js';
import {plain} from './format.js';
import {isDark, svgFigure} from './plot.js';
import {withRange, withValue} from './filter.js';

const STEPS = 12;  // Colours by the metric: so many groups of lines, each one path.
// Cividis, which colour-blind readers see as well.
const CIVIDIS = [[0, 32, 77], [33, 56, 111], [76, 85, 108], [108, 110, 114], [137, 136, 121], [169, 162, 119], [203, 186, 105], [255, 234, 70]];

function shade(share) {
  const place = Math.min(Math.max(share, 0), 1) * (CIVIDIS.length - 1);
  const low = Math.min(Math.floor(place), CIVIDIS.length - 2);
  const mix = CIVIDIS[low].map((v, i) => Math.round(v + (CIVIDIS[low + 1][i] - v) * (place - low)));
  return isDark() && share < 0.35 ? `rgb(${mix.map(v => Math.min(255, v + 90)).join(',')})` : `rgb(${mix.join(',')})`;
}

export function parallel(name, data, trials, metric, onfilter, filter, valueOf) {
  const names = [...data.axes.slice(0, 10), metric, ...data.metrics.filter(m => m !== metric).slice(0, 3)];
  const css = key => getComputedStyle(document.documentElement).getPropertyValue(key).trim();
  const gap = Math.max(96, Math.min(170, 1000 / Math.max(1, names.length - 1)));
  const left = 70, top = 44, height = 240;
  const width = left * 2 + gap * (names.length - 1);
  const axes = names.map((key, i) => {
    const values = data.trials.map(t => valueOf(t, key)).filter(v => v !== null && v !== undefined);
    const numeric = values.length > 0 && values.every(v => typeof v === 'number');
    const x = left + i * gap;
    if (numeric) {
      const low = Math.min(...values), high = Math.max(...values);
      const span = high - low || 1;
      return {key, x, numeric, low, high, y: v => top + height - (v - low) / span * height, value: y => low + (top + height - y) / height * span};
    }
    const kinds = [...new Set(values.map(String))].sort((a, b) => a.localeCompare(b, 'en', {numeric: true}));
    return {key, x, numeric, kinds, y: v => top + height - (kinds.length < 2 ? 0.5 : kinds.indexOf(String(v)) / (kinds.length - 1)) * height};
  });

  const scale = axes.find(axis => axis.key === metric);
  const groups = Array.from({length: STEPS}, () => []);
  for (const trial of trials) {
    const value = valueOf(trial, metric);
    if (value === null) continue;
    const share = scale.high > scale.low ? (value - scale.low) / (scale.high - scale.low) : 1;
    let line = '', pen = 'M';
    for (const axis of axes) {
      const v = valueOf(trial, axis.key);
      if (v === null || v === undefined) { pen = 'M'; continue; }
      line += `${pen}${axis.x} ${axis.y(v).toFixed(1)}`;
      pen = 'L';
    }
    groups[Math.min(STEPS - 1, Math.floor(share * STEPS))].push(line);
  }
  const svg = s('svg', {viewBox: `0 0 ${width} ${top + height + 40}`, width, height: top + height + 40, class: 'parallel', role: 'img',
    'aria-label': `${name}: ${trials.length} trials over ${names.join(', ')}; the filter above does the same by keyboard`, 'font-family': 'system-ui, sans-serif', 'font-size': 11});
  svg.append(s('rect', {width, height: top + height + 40, fill: css('--card')}));
  groups.forEach((lines, i) => {
    if (lines.length) svg.append(s('path', {d: lines.join(''), fill: 'none', stroke: shade(i / (STEPS - 1)), 'stroke-width': trials.length > 500 ? 0.7 : 1.5, 'stroke-opacity': trials.length > 500 ? 0.45 : 0.85}));
  });
  const short = text => (text.length > 15 ? text.slice(0, 14) + '…' : text);
  for (const axis of axes) {
    svg.append(s('line', {x1: axis.x, x2: axis.x, y1: top, y2: top + height, stroke: css('--line-strong'), 'stroke-width': 1.5}),
      s('text', {x: axis.x, y: 18, 'text-anchor': 'middle', fill: css('--text'), 'font-weight': axis.key === metric ? 700 : 500}, s('title', {}, axis.key), short(axis.key)));
    const label = (y, text, title) => s('text', {x: axis.x + 5, y: y + 4, fill: css('--quiet')}, s('title', {}, title), short(text));
    if (axis.numeric) {
      svg.append(label(top - 8, plain(axis.high), ''), label(top + height + 14, plain(axis.low), ''));
      const band = s('rect', {x: axis.x - 9, width: 18, y: top, height: 0, fill: css('--accent'), 'fill-opacity': 0.25});
      const handle = s('rect', {x: axis.x - 12, width: 24, y: top - 4, height: height + 8, fill: 'transparent', class: 'brush'});
      let from = null;
      const at = event => {
        const box = svg.getBoundingClientRect();
        return Math.min(top + height, Math.max(top, (event.clientY - box.top) / box.height * (top + height + 40)));
      };
      handle.addEventListener('pointerdown', event => { from = at(event); handle.setPointerCapture(event.pointerId); });
      handle.addEventListener('pointermove', event => {
        if (from === null) return;
        const to = at(event);
        band.setAttribute('y', Math.min(from, to));
        band.setAttribute('height', Math.abs(to - from));
      });
      handle.addEventListener('pointerup', event => {
        const to = at(event), start = from;
        from = null;
        if (Math.abs(to - start) < 4) onfilter(withRange(filter, axis.key, null, null));
        else onfilter(withRange(filter, axis.key, axis.value(Math.max(start, to)), axis.value(Math.min(start, to))));
      });
      svg.append(band, handle);
    } else {
      const step = Math.ceil(axis.kinds.length / 14);
      axis.kinds.forEach((kind, i) => {
        if (i % step) return;
        const text = label(axis.y(kind), kind, kind);
        text.setAttribute('class', 'pick');
        text.addEventListener('click', () => onfilter(withValue(filter, axis.key, kind)));
        svg.append(s('circle', {cx: axis.x, cy: axis.y(kind), r: 2.5, fill: css('--line-strong')}), text);
      });
    }
  }
  return svgFigure(name, svg, () => [['trial', ...names], ...trials.map(t => [t.row, ...names.map(key => valueOf(t, key))])]);
}
