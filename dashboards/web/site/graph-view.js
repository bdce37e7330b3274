// A graph of many stages on a canvas: far away only coloured boxes, near by their names and links.

import {h, MARKS} from './dom.js';
import {count, plural} from './format.js';
import {curveOf, GAP_X, HEIGHT, WIDTH} from './graph-layout.js';

const NAMES_FROM = 0.45;  // Scale from which names can be read.
const LINKS_MAX = 200;    // So many boxes in sight become links for the keyboard.
const HEAD = 40;          // Pixels above the graph where layers are named.

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** "120 pretrain, 4 failed" of a layer. */
function headOf(nodes) {
  const kinds = new Map();
  for (const node of nodes) kinds.set(node.kind, (kinds.get(node.kind) || 0) + 1);
  const of = state => nodes.filter(node => node.state === state).length;
  const states = ['failed', 'running', 'done'].map(state => [state, of(state)]).filter(([, n]) => n)
    .map(([state, n]) => `${MARKS[state]} ${count(n)} ${state}`).join('  ');
  return [[...kinds].map(([kind, n]) => `${count(n)} ${kind}`).join(', '), states];
}

export function graphView(name, plan, {here, view, onview}) {
  const canvas = h('canvas', {'aria-hidden': 'true'});
  const links = h('div', {class: 'graph-links'});
  const box = h('div', {class: 'graph-view', tabindex: 0, role: 'group',
    'aria-label': `${name}: ${plural(plan.nodes.length, 'stage')}; arrow keys move, plus and minus zoom, 0 shows all; near by, each stage is a link`}, canvas, links);
  const said = h('p', {class: 'quiet', role: 'status'});
  const heads = plan.layers.map(layer => headOf(layer.nodes));
  const anchors = new Map();
  let at = null;        // {x, y, scale}: the world's point in the middle, pixels per unit.
  let size = [0, 0];
  let waiting = false, resting = null;

  const fitting = () => Math.min((size[0] - 16) / plan.width, (size[1] - HEAD - 16) / plan.height, 1);
  const whole = () => ({x: plan.width / 2, y: plan.height / 2, scale: fitting()});
  const parsed = text => {
    const [x, y, scale] = String(text || '').split(',').map(Number);
    return [x, y, scale].every(Number.isFinite) && scale > 0 ? {x, y, scale} : null;
  };

  function move(next) {
    const scale = clamp(next.scale, Math.min(fitting(), 0.02), 2);
    at = {x: clamp(next.x, 0, plan.width), y: clamp(next.y, 0, plan.height), scale};
    if (onview) {  // Once it rests: browsers refuse addresses that change at every frame.
      clearTimeout(resting);
      resting = setTimeout(() => onview([at.x.toFixed(0), at.y.toFixed(0), at.scale.toFixed(3)].join(',')), 300);
    }
    if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; draw(); }); }
  }
  const toScreen = (x, y) => [(x - at.x) * at.scale + size[0] / 2, (y - at.y) * at.scale + (size[1] + HEAD) / 2];
  const toWorld = (x, y) => [(x - size[0] / 2) / at.scale + at.x, (y - (size[1] + HEAD) / 2) / at.scale + at.y];
  /** Zooms so that the point under (px, py) stays there. */
  function zoom(factor, px = size[0] / 2, py = (size[1] + HEAD) / 2) {
    const [x, y] = toWorld(px, py), scale = clamp(at.scale * factor, Math.min(fitting(), 0.02), 2);
    move({x: x - (px - size[0] / 2) / scale, y: y - (py - (size[1] + HEAD) / 2) / scale, scale});
  }

  function draw() {
    const css = getComputedStyle(box), color = key => css.getPropertyValue(key).trim();
    const tones = {done: color('--done'), running: color('--running'), failed: color('--failed')};
    const waitingTone = color('--waiting'), card = color('--card'), text = color('--text');
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    if (canvas.width !== size[0] * ratio || canvas.height !== size[1] * ratio) {
      canvas.width = size[0] * ratio;
      canvas.height = size[1] * ratio;
    }
    const pen = canvas.getContext('2d', {alpha: false});
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = card;
    pen.fillRect(0, 0, size[0], size[1]);
    const [left, top] = toWorld(0, 0), [right, bottom] = toWorld(...size);
    const [dx, dy] = toScreen(0, 0);
    pen.setTransform(ratio * at.scale, 0, 0, ratio * at.scale, ratio * dx, ratio * dy);
    pen.strokeStyle = color('--line-strong');
    pen.globalAlpha = clamp(600 / plan.edges.length, 0.15, 1);
    pen.lineWidth = 1 / at.scale;
    pen.beginPath();
    for (const edge of plan.edges) {
      const [x1, y1, bend, x2, y2] = curveOf(edge);
      if (x2 < left || x1 > right || Math.max(y1, y2) < top || Math.min(y1, y2) > bottom) continue;
      pen.moveTo(x1, y1);
      pen.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
    }
    pen.stroke();
    pen.globalAlpha = 1;
    const seen = plan.nodes.filter(node => node.x < right && node.x + WIDTH > left && node.y < bottom && node.y + HEIGHT > top);
    const near = at.scale >= NAMES_FROM;
    const short = label => (label.length > 25 ? label.slice(0, 24) + '…' : label);
    for (const node of seen) {
      const tone = tones[node.state] || waitingTone, chosen = node.id === here;
      pen.fillStyle = near ? card : tone;
      pen.fillRect(node.x, node.y, WIDTH, HEIGHT);
      if (near || chosen) {
        pen.strokeStyle = chosen ? color('--accent') : tone;
        pen.lineWidth = (chosen ? 4 : 1.3) / Math.min(1, at.scale);
        pen.strokeRect(node.x, node.y, WIDTH, HEIGHT);
      }
      if (!near) continue;
      pen.fillStyle = text;
      pen.font = '600 12px system-ui, sans-serif';
      pen.fillText(short(node.label || node.id.slice(0, 12)), node.x + 10, node.y + 17, WIDTH - 16);
      pen.fillStyle = tone;
      pen.font = '11px system-ui, sans-serif';
      pen.fillText(`${MARKS[node.state] || '○'} ${node.kind} · ${node.state}`, node.x + 10, node.y + 32, WIDTH - 16);
    }
    drawHeads(pen, ratio, card, text, color('--quiet'));
    // Links lie over the boxes: for the keyboard, for screen readers, and to open in a new tab.
    const linked = near && seen.length <= LINKS_MAX ? seen : [], ids = new Set(linked.map(node => node.id));
    for (const [id, a] of anchors) if (!ids.has(id)) { a.remove(); anchors.delete(id); }
    for (const node of linked) {  // Those that stay keep the focus.
      const a = anchors.get(node.id) || h('a', {href: `#/stage/${encodeURIComponent(node.id)}`, draggable: 'false', 'aria-label': `${node.label || node.id}, ${node.kind}, ${node.state}`, title: `${node.label}\n${node.kind}, ${node.state}\n${node.id}`});
      const [x, y] = toScreen(node.x, node.y);
      Object.assign(a.style, {left: `${x}px`, top: `${y}px`, width: `${WIDTH * at.scale}px`, height: `${HEIGHT * at.scale}px`});
      if (!anchors.has(node.id)) { anchors.set(node.id, a); links.append(a); }
    }
    said.textContent = `${seen.length === plan.nodes.length ? 'All' : count(seen.length) + ' of'} ${plural(plan.nodes.length, 'stage')} in sight`
      + (near ? '' : '; zoom in for their names');
    box.dataset.drawn = `${seen.length} ${near ? 'near' : 'far'}`;
  }

  function drawHeads(pen, ratio, card, text, quiet) {
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = card;
    pen.fillRect(0, 0, size[0], HEAD);
    plan.layers.forEach((layer, i) => {
      const [x] = toScreen(layer.x, 0), wide = layer.width * at.scale;
      if (x > size[0] || x + wide < 0 || wide < 24) return;
      const start = Math.max(4, x), room = Math.min(size[0], x + wide + GAP_X * at.scale - 6) - start;
      if (room < 24) return;
      pen.fillStyle = text;
      pen.font = '600 12px system-ui, sans-serif';
      pen.save();  // Cut, not squeezed.
      pen.beginPath();
      pen.rect(start, 0, room, HEAD);
      pen.clip();
      pen.fillText(heads[i][0], start, 15);
      pen.fillStyle = quiet;
      pen.font = '11px system-ui, sans-serif';
      pen.fillText(heads[i][1], start, 31);
      pen.restore();
    });
  }

  const place = event => { const r = box.getBoundingClientRect(); return [event.clientX - r.left, event.clientY - r.top]; };
  const nodeAt = event => {
    const [x, y] = toWorld(...place(event));
    return plan.nodes.find(node => x >= node.x && x <= node.x + WIDTH && y >= node.y && y <= node.y + HEIGHT);
  };
  const fingers = new Map();
  let moved = 0;
  box.addEventListener('pointerdown', event => { fingers.set(event.pointerId, place(event)); moved = 0; });
  box.addEventListener('pointermove', event => {
    const before = fingers.get(event.pointerId), now = place(event);
    if (!before) {
      const node = event.pointerType === 'mouse' && nodeAt(event);
      if (node) said.textContent = `${node.label || node.id.slice(0, 12)} · ${node.kind} · ${node.state}`;
      return;
    }
    const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    fingers.set(event.pointerId, now);
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    moved += Math.abs(dx) + Math.abs(dy);
    if (moved > 4 && !box.hasPointerCapture(event.pointerId)) box.setPointerCapture(event.pointerId);
    if (others.length === 1) {
      const far = point => Math.hypot(point[0] - others[0][0], point[1] - others[0][1]);
      zoom(far(now) / Math.max(1, far(before)), ...others[0]);
    } else move({...at, x: at.x - dx / at.scale, y: at.y - dy / at.scale});
  });
  const lift = event => fingers.delete(event.pointerId);
  box.addEventListener('pointerup', lift);
  box.addEventListener('pointercancel', lift);
  box.addEventListener('click', event => {
    if (moved > 4) { event.preventDefault(); return; }  // It was a drag, not a click on a link.
    if (!event.target.closest('a') && at.scale < NAMES_FROM) zoom(0.8 / at.scale, ...place(event));
  });
  box.addEventListener('wheel', event => {
    // Whoever scrolls the page past it does not mean it.
    if (!event.ctrlKey && !box.contains(document.activeElement)) return;
    event.preventDefault();
    zoom(Math.exp(-clamp(event.deltaY, -200, 200) / 400), ...place(event));
  }, {passive: false});
  box.addEventListener('keydown', event => {
    const step = 80 / at.scale;
    const moves = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]};
    if (moves[event.key]) move({...at, x: at.x + moves[event.key][0], y: at.y + moves[event.key][1]});
    else if (event.key === '+' || event.key === '=') zoom(1.4);
    else if (event.key === '-') zoom(1 / 1.4);
    else if (event.key === '0') move(whole());
    else return;
    event.preventDefault();
  });
  new ResizeObserver(() => {
    size = [box.clientWidth, box.clientHeight];
    if (size[0] === 0) return;
    if (at) { draw(); return; }
    at = parsed(view) || whole();
    draw();
  }).observe(box);
  const button = (text, title, action) => h('button', {type: 'button', class: 'small', title, 'aria-label': title, onclick: action}, text);
  return h('div', {}, box, h('div', {class: 'graph-tools'},
    button('−', 'Zoom out', () => zoom(1 / 1.4)), button('+', 'Zoom in', () => zoom(1.4)), button('Whole', 'Show the whole graph', () => move(whole())),
    said, h('span', {class: 'quiet'}, 'Drag to move; click into it, then the wheel zooms.')));
}
