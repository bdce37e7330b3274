// Where the stages of a graph stand: inputs on the left, what stands on them to the right. Pure.

export const WIDTH = 190, HEIGHT = 40, GAP_X = 54, GAP_Y = 12;
const MARGIN = 12, INNER_GAP = 14;
const WHOLE_MAX = 60;  // So few stand a layer a column, however high.
const ROWS = 10;       // Of more, a layer up to this high is one column;
const ASPECT = 2;      // higher ones become several, until the whole has about this shape.

function widthOf(layers, rows) {
  return layers.reduce((sum, layer) => sum + Math.ceil(layer.length / rows) * (WIDTH + INNER_GAP) - INNER_GAP + GAP_X, -GAP_X);
}

/** Whether a graph is read as it stands; more stages need a view to zoom in. */
export const isSmall = nodes => nodes.length <= WHOLE_MAX;

/** The least number of rows that does not make the picture too wide. */
function rowsFor(layers, small) {
  const highest = Math.max(1, ...layers.map(layer => layer.length));
  if (small) return highest;
  let rows = Math.min(ROWS, highest);
  while (rows < highest && widthOf(layers, rows) > ASPECT * rows * (HEIGHT + GAP_Y)) rows = Math.ceil(rows * 1.08);
  return Math.min(rows, highest);
}

/**
 * nodes: [{id, label, kind, state, inputs: {role: id}}], inputs before what stands on them. Returns
 * {nodes: [node with x, y], layers: [{x, width, nodes}], edges: [{from, to, role}], width, height}.
 */
export function layOut(given) {
  const byId = new Map(given.map(node => [node.id, {...node, depth: 0}]));
  const edges = [];
  for (const to of byId.values()) {
    for (const [role, id] of Object.entries(to.inputs)) {
      const from = byId.get(id);
      if (!from) continue;
      edges.push({from, to, role});
      to.depth = Math.max(to.depth, from.depth + 1);
    }
  }
  const layers = [];
  for (const node of byId.values()) (layers[node.depth] ||= []).push(node);
  const rows = rowsFor(layers, isSmall(given));
  const height = rows * (HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN;
  let x = MARGIN;
  const placed = layers.map(layer => {
    // Kinds together, and each stage near its inputs.
    const place = new Map(layer.map(node => {
      const ranks = Object.values(node.inputs).map(id => byId.get(id)).filter(Boolean).map(input => input.rank);
      return [node, ranks.length ? ranks.reduce((a, b) => a + b, 0) / ranks.length : 0];
    }));
    layer.sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : place.get(a) - place.get(b)));
    const columns = Math.ceil(layer.length / rows), high = Math.ceil(layer.length / columns);
    layer.forEach((node, i) => {
      node.rank = i / layer.length;
      node.x = x + Math.floor(i / high) * (WIDTH + INNER_GAP);
      node.y = MARGIN + (rows - high) * (HEIGHT + GAP_Y) / 2 + i % high * (HEIGHT + GAP_Y);
    });
    const part = {x, width: columns * (WIDTH + INNER_GAP) - INNER_GAP, nodes: layer};
    x += part.width + GAP_X;
    return part;
  });
  return {nodes: [...byId.values()], layers: placed, edges, width: x - GAP_X + MARGIN, height};
}

/** Both ends and the bend of an edge's curve. */
export function curveOf({from, to}) {
  const x1 = from.x + WIDTH, y1 = from.y + HEIGHT / 2, x2 = to.x, y2 = to.y + HEIGHT / 2;
  return [x1, y1, Math.max(24, (x2 - x1) / 2), x2, y2];
}
