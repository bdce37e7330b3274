// Plots: Plotly in the page's colours, and the export of any plot as SVG, PNG and CSV.

import {h} from './dom.js';
import {csv} from './format.js';

let loading = null;

/** Plotly is 4.8 MB: pages without plots never load it. */
export function plotly() {
  loading ||= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = new URL('plotly.min.js', import.meta.url).href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error('plotly.min.js cannot be loaded'));
    document.head.append(script);
  });
  return loading;
}

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
/** A colour of style.css by its name. */
export const cssColor = name => css(`--${name}`);

/** The seven colours of style.css, which colour-blind readers can tell apart; a dash and a symbol go with each. */
export const color = i => cssColor(`series-${i % 7}`);
export const DASHES = ['solid', 'dash', 'dot', 'dashdot', 'longdash', 'longdashdot'];
export const SYMBOLS = ['circle', 'square', 'diamond', 'cross', 'triangle-up', 'x', 'star'];
export const isDark = () => css('--scheme') === 'dark';

/** A text for Plotly, which would take < for markup. Numbers stay numbers. */
export const label = text => (typeof text !== 'string' ? text
  : text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'));

function layoutOf(own) {
  const axis = {gridcolor: css('--line'), zerolinecolor: css('--line'), linecolor: css('--line-strong'),
    automargin: true, tickfont: {size: 11}, title: {font: {size: 12}, standoff: 8}};
  const merge = (base, extra) => {
    const merged = {...base};
    for (const [key, value] of Object.entries(extra || {})) {
      const both = value && merged[key] && typeof value === 'object' && !Array.isArray(value);
      merged[key] = both ? merge(merged[key], value) : value;
    }
    return merged;
  };
  const base = {
    paper_bgcolor: css('--card'), plot_bgcolor: css('--card'), colorway: Array.from({length: 7}, (_, i) => color(i)),
    font: {family: css('--font'), size: 12, color: css('--text')},
    margin: {l: 48, r: 12, t: 12, b: 40}, hovermode: 'closest', xaxis: axis, yaxis: axis,
    legend: {orientation: 'h', y: -0.22, font: {size: 11}},
    hoverlabel: {font: {family: css('--font')}},
  };
  for (const key of Object.keys(own)) if (/^[xy]axis\d+$/.test(key)) base[key] = axis;
  return merge(base, own);
}

function save(name, blob) {
  const a = h('a', {href: URL.createObjectURL(blob), download: name});
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10000);
}

export const saveText = (name, text, type) => save(name, new Blob([text], {type: type || 'text/csv'}));

/** Buttons that save a plot: `svg()` gives its text, `table()` its numbers as rows. */
function exportButtons(name, svg, table) {
  const file = ending => name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 80) + ending;
  const button = (text, title, action) =>
    h('button', {class: 'small', type: 'button', title, 'data-export': text, onclick: action}, text);
  const png = async () => {
    const text = await svg();
    const image = new Image();
    image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(text);
    await image.decode();
    const canvas = h('canvas', {width: image.width * 2, height: image.height * 2});
    const pen = canvas.getContext('2d');
    pen.scale(2, 2);
    pen.drawImage(image, 0, 0);
    canvas.toBlob(blob => save(file('.png'), blob));
  };
  return h('div', {class: 'exports', role: 'group', 'aria-label': `Save ${name}`},
    button('SVG', 'Save as SVG', async () => saveText(file('.svg'), await svg(), 'image/svg+xml')),
    button('PNG', 'Save as PNG', png),
    button('CSV', 'Save the numbers as CSV', () => saveText(file('.csv'), csv(table()))));
}

/** Numbers of Plotly traces as rows. */
function rowsOf(traces) {
  const rows = [['series', 'x', 'y', 'low', 'high']];
  for (const trace of traces) {
    const bars = trace.error_y;
    (trace.x || []).forEach((x, i) => rows.push([trace.name || '', x, trace.y[i], ...(bars ? [trace.y[i] - bars.arrayminus[i], trace.y[i] + bars.array[i]] : ['', ''])]));
  }
  return rows;
}

/**
 * A figure with a plot by Plotly. `describe` is what a screen reader says. `table`, if given, makes
 * the rows of the CSV.
 */
export function plot(name, describe, traces, layout, options = {}) {
  const box = h('div', {class: 'plot', role: 'img', 'aria-label': describe});
  if (options.height) box.style.height = options.height + 'px';
  const svg = async () => {
    const Plotly = await plotly();
    const url = await Plotly.toImage(box, {format: 'svg', width: box.clientWidth, height: box.clientHeight});
    return decodeURIComponent(url.slice(url.indexOf(',') + 1));
  };
  const element = h('figure', {class: 'figure'},
    h('figcaption', {}, h('span', {}, name), exportButtons(name, svg, options.table || (() => rowsOf(traces)))), box);
  const draw = async () => {
    const Plotly = await plotly();
    if (!box.isConnected) return;
    await Plotly.react(box, traces, layoutOf(layout), {displayModeBar: false, responsive: true});
    box.dataset.drawn = 'yes';
    if (options.onclick && !box.dataset.clicks) {
      box.dataset.clicks = 'yes';
      box.on('plotly_click', options.onclick);
    }
  };
  // Only once it is in the page has it a size; a page may still wait for its other parts.
  const patience = performance.now() + 60000;
  const start = () => {
    if (box.isConnected) draw().catch(error => box.replaceChildren(String(error.message)));
    else if (performance.now() < patience) requestAnimationFrame(start);
  };
  requestAnimationFrame(start);
  return element;
}

/**
 * A figure around our own element, an SVG of which the colours are attributes, not classes. What is
 * saved is `whole()`, if given, else the element.
 */
export function svgFigure(name, element, table, whole) {
  const svg = async () => {
    const copy = whole ? whole() : element.cloneNode(true);
    copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    const box = copy.viewBox.baseVal;
    copy.setAttribute('width', box.width);
    copy.setAttribute('height', box.height);
    return new XMLSerializer().serializeToString(copy);
  };
  return h('figure', {class: 'figure'},
    h('figcaption', {}, h('span', {}, name), exportButtons(name, svg, table)),
    whole ? element : h('div', {class: 'scroll-x', tabindex: 0, role: 'group', 'aria-label': name}, element));
}
