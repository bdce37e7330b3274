// Stages as a graph: inputs on the left, what stands on them to the right.

import {s} from './dom.js';
import {svgFigure} from './plot.js';

const WIDTH = 190, HEIGHT = 40, GAP_X = 54, GAP_Y = 12;
const MARKS = {done: '●', running: '▶', failed: '▲'};

/** nodes: [{id, label, kind, state, inputs: {role: id}}]; `here` is drawn as the one in question. */
export function graph(name, nodes, here) {
  const css = key => getComputedStyle(document.documentElement).getPropertyValue(key).trim();
  const byId = new Map(nodes.map(node => [node.id, {...node, depth: 0}]));
  // Nodes come after their inputs, so one pass finds the longest way to each.
  for (const node of byId.values()) {
    for (const id of Object.values(node.inputs)) {
      if (byId.has(id)) node.depth = Math.max(node.depth, byId.get(id).depth + 1);
    }
  }
  const layers = [];
  for (const node of byId.values()) (layers[node.depth] ||= []).push(node);
  layers.forEach((layer, depth) => {
    // Near their inputs: ordered by the mean place of those.
    if (depth > 0) {
      const place = node => {
        const places = Object.values(node.inputs).filter(id => byId.has(id)).map(id => byId.get(id).row);
        return places.length ? places.reduce((a, b) => a + b, 0) / places.length : 0;
      };
      layer.sort((a, b) => place(a) - place(b));
    }
    layer.forEach((node, row) => { node.row = row; });
  });
  const rows = Math.max(1, ...layers.map(layer => layer.length));
  const width = layers.length * (WIDTH + GAP_X) - GAP_X + 24;
  const height = rows * (HEIGHT + GAP_Y) - GAP_Y + 24;
  for (const node of byId.values()) {
    const offset = (rows - layers[node.depth].length) * (HEIGHT + GAP_Y) / 2;
    node.x = 12 + node.depth * (WIDTH + GAP_X);
    node.y = 12 + offset + node.row * (HEIGHT + GAP_Y);
  }
  const colors = {done: css('--done'), running: css('--running'), failed: css('--failed')};
  const svg = s('svg', {viewBox: `0 0 ${width} ${height}`, width, height, class: 'graph', 'font-family': 'system-ui, sans-serif', 'font-size': 12, role: 'group', 'aria-label': name});
  svg.append(s('rect', {width, height, fill: css('--card')}));
  for (const node of byId.values()) {
    for (const [role, id] of Object.entries(node.inputs)) {
      const from = byId.get(id);
      if (!from) continue;
      const x1 = from.x + WIDTH, y1 = from.y + HEIGHT / 2, x2 = node.x, y2 = node.y + HEIGHT / 2, bend = Math.max(24, (x2 - x1) / 2);
      svg.append(s('path', {d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`, fill: 'none', stroke: css('--line-strong'), 'stroke-width': 1.3}, s('title', {}, role)));
    }
  }
  const short = text => (text.length > 25 ? text.slice(0, 24) + '…' : text);
  for (const node of byId.values()) {
    const tone = colors[node.state] || css('--waiting');
    svg.append(s('a', {href: `#/stage/${encodeURIComponent(node.id)}`, 'aria-label': `${node.label || node.id}, ${node.state}`},
      s('title', {}, `${node.label}\n${node.kind}, ${node.state}\n${node.id}`),
      s('rect', {x: node.x, y: node.y, width: WIDTH, height: HEIGHT, rx: 7, fill: css('--card'), stroke: node.id === here ? css('--accent') : tone, 'stroke-width': node.id === here ? 3 : 1.3}),
      s('text', {x: node.x + 10, y: node.y + 17, fill: css('--text'), 'font-weight': 600}, short(node.label || node.id.slice(0, 12))),
      s('text', {x: node.x + 10, y: node.y + 32, fill: tone, 'font-size': 11}, `${MARKS[node.state] || '○'} ${node.kind} · ${node.state}`)));
  }
  return svgFigure(name, svg, () => [['id', 'kind', 'label', 'state', 'inputs'], ...nodes.map(n => [n.id, n.kind, n.label, n.state, Object.entries(n.inputs).map(([role, id]) => `${role}=${id}`).join(' ')])]);
}
