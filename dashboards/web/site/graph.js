// Stages as a graph. A few stand there whole; many get a view to zoom and move in.

import {MARKS, s} from './dom.js';
import {svgFigure} from './plot.js';
import {curveOf, HEIGHT, isSmall, layOut, WIDTH} from './graph-layout.js';
import {graphView} from './graph-view.js';

const short = text => (text.length > 25 ? text.slice(0, 24) + '…' : text);

/** The whole graph as SVG; colours are attributes, for the file that is saved. */
function wholeSvg(name, plan, here) {
  const css = key => getComputedStyle(document.documentElement).getPropertyValue(key).trim();
  const colors = {done: css('--done'), running: css('--running'), failed: css('--failed')};
  const [waiting, card, accent, text] = ['--waiting', '--card', '--accent', '--text'].map(css);
  const {width, height} = plan;
  const svg = s('svg', {viewBox: `0 0 ${width} ${height}`, width, height, class: 'graph', 'font-family': 'system-ui, sans-serif', 'font-size': 12, role: 'group', 'aria-label': name});
  svg.append(s('rect', {width, height, fill: card}));
  for (const edge of plan.edges) {
    const [x1, y1, bend, x2, y2] = curveOf(edge);
    svg.append(s('path', {d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`, fill: 'none', stroke: css('--line-strong'), 'stroke-width': 1.3}, s('title', {}, edge.role)));
  }
  for (const node of plan.nodes) {
    const tone = colors[node.state] || waiting;
    svg.append(s('a', {href: `#/stage/${encodeURIComponent(node.id)}`, 'aria-label': `${node.label || node.id}, ${node.state}`},
      s('title', {}, `${node.label}\n${node.kind}, ${node.state}\n${node.id}`),
      s('rect', {x: node.x, y: node.y, width: WIDTH, height: HEIGHT, rx: 7, fill: card, stroke: node.id === here ? accent : tone, 'stroke-width': node.id === here ? 3 : 1.3}),
      s('text', {x: node.x + 10, y: node.y + 17, fill: text, 'font-weight': 600}, short(node.label || node.id.slice(0, 12))),
      s('text', {x: node.x + 10, y: node.y + 32, fill: tone, 'font-size': 11}, `${MARKS[node.state] || '○'} ${node.kind} · ${node.state}`)));
  }
  return svg;
}

/**
 * nodes: [{id, label, kind, state, inputs: {role: id}}]. `here`: the id of the one in question.
 * `view` and `onview`: of a large graph, the part in sight as a text, and who keeps it.
 */
export function graph(name, nodes, {here, view, onview} = {}) {
  const plan = layOut(nodes);
  const table = () => [['id', 'kind', 'label', 'state', 'inputs'], ...nodes.map(n => [n.id, n.kind, n.label, n.state, Object.entries(n.inputs).map(([role, id]) => `${role}=${id}`).join(' ')])];
  if (isSmall(nodes)) return svgFigure(name, wholeSvg(name, plan, here), table);
  // The file holds all of it, whatever is in sight.
  return svgFigure(name, graphView(name, plan, {here, view, onview}), table, () => wholeSvg(name, plan, here));
}
