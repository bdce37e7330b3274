// Images: two layers under a wiping slider, zoomed and moved together, with segmentations on top.

import {card, choice, empty, h, link} from './dom.js';
import {get, imageAddress} from './api.js';
import {count} from './format.js';
import {saveText} from './plot.js';

const CHOICES_MAX = 3000;
const NAMES = {hr: 'HR', sr: 'SR', lr: 'LR', bicubic: 'bicubic', error: 'error map'};
const OVERLAYS = {'': 'none', label: 'true labels', prediction: 'predicted on SR', prediction_hr: 'predicted on HR'};

const loaded = new Map();
/** The picture, from then on at once. */
function picture(stage, layer, index, channel) {
  const address = imageAddress(stage, layer, index, channel);
  if (!loaded.has(address)) {
    const image = new Image();
    image.src = address;
    loaded.set(address, image.decode().then(() => image, () => { loaded.delete(address); throw new Error(`the picture ${layer} cannot be loaded`); }));
    if (loaded.size > 400) loaded.delete(loaded.keys().next().value);
  }
  return loaded.get(address);
}

export async function show({rest, query, setQuery}) {
  const [study] = rest;
  const data = await get(['study', study]);
  const trials = data.trials.filter(trial => trial.stages.evaluate && trial.state === 'done');
  const none = text => h('div', {}, h('div', {class: 'heading'}, h('h1', {}, 'Images')), empty('No pictures yet', text));
  if (!trials.length) return none('They come with the first evaluation that is done.');
  const wanted = trials.find(t => t.stages.evaluate === query.stage || t.name === query.trial);
  let trial = wanted, list = wanted && await get(['samples', wanted.stages.evaluate]);
  for (const candidate of wanted ? [] : [...trials.filter(t => t.stages.network), ...trials].slice(0, 20)) {
    list = await get(['samples', candidate.stages.evaluate]);
    if (list.count > 0) { trial = candidate; break; }
  }
  if (!trial) { trial = trials[0]; }
  const picker = choice('Trial', [...(trials.indexOf(trial) < CHOICES_MAX ? [] : [trial]), ...trials.slice(0, CHOICES_MAX)].map(t => [t.name, t.row]), trial.name, name => { setQuery({trial: name, stage: ''}); dispatchEvent(new Event('hashchange')); });
  if (!list || !list.count) return h('div', {}, h('div', {class: 'heading'}, h('h1', {}, 'Images'), picker), empty('No pictures of this trial', (list && list.missing) || 'Its evaluation kept no sample slices (the study\'s key "samples").'));

  const stage = trial.stages.evaluate;
  const layers = ['hr', 'bicubic', 'sr', 'lr', 'error'].filter(layer => list.layers.includes(layer));
  const pick = (name, otherwise) => (layers.includes(name) ? name : otherwise);
  const view = {index: Math.min(Math.max(0, Number(query.index) || 0), list.count - 1), channel: Math.min(Math.max(0, Number(query.channel) || 0), list.channels - 1),
    left: pick(query.left, 'bicubic'), right: pick(query.right, layers.includes('sr') ? 'sr' : 'hr'), overlay: list.layers.includes(query.overlay) ? query.overlay : '',
    wipe: 0.5, zoom: Math.max(1, Math.min(16, Number(query.zoom) || 1)), x: Number(query.x) || 0.5, y: Number(query.y) || 0.5};
  const canvas = h('canvas', {class: 'viewer', tabindex: 0, role: 'img'});
  const where = h('p', {class: 'quiet', role: 'status'});
  const problem = h('p', {class: 'bad', role: 'alert'});

  let turn = 0;
  async function draw() {
    const mine = ++turn;
    const {index, channel} = view;
    try {
      const [left, right, overlay] = await Promise.all([picture(stage, view.left, index, channel), picture(stage, view.right, index, channel), view.overlay ? picture(stage, view.overlay, index, channel) : null]);
      if (mine !== turn) return;
      problem.textContent = '';
      paint(left, right, overlay);
    } catch (error) {
      if (mine === turn) problem.textContent = error.message;
    }
  }
  function paint(left, right, overlay) {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const across = Math.max(200, Math.min(canvas.parentElement ? canvas.parentElement.clientWidth : 640, 720));
    const high = Math.round(across * list.height / list.width);
    canvas.width = across * ratio;
    canvas.height = high * ratio;
    canvas.style.width = across + 'px';
    canvas.style.height = high + 'px';
    const pen = canvas.getContext('2d');
    pen.imageSmoothingEnabled = false;  // A pixel is a pixel.
    const w = canvas.width, e = canvas.height, part = 1 / view.zoom;
    view.x = Math.min(1 - part / 2, Math.max(part / 2, view.x));
    view.y = Math.min(1 - part / 2, Math.max(part / 2, view.y));
    const put = image => pen.drawImage(image, (view.x - part / 2) * image.width, (view.y - part / 2) * image.height, part * image.width, part * image.height, 0, 0, w, e);
    const edge = Math.round(view.wipe * w);
    pen.save(); pen.beginPath(); pen.rect(0, 0, edge, e); pen.clip(); put(left); pen.restore();
    pen.save(); pen.beginPath(); pen.rect(edge, 0, w - edge, e); pen.clip(); put(right); pen.restore();
    if (overlay) put(overlay);
    pen.fillStyle = '#fff';
    pen.shadowColor = '#000';
    pen.shadowBlur = 4 * ratio;
    pen.fillRect(edge - ratio, 0, 2 * ratio, e);
    pen.font = `600 ${13 * ratio}px system-ui, sans-serif`;
    pen.textAlign = 'left';
    if (edge > 60 * ratio) pen.fillText(NAMES[view.left], 10 * ratio, 22 * ratio);
    pen.textAlign = 'right';
    if (w - edge > 60 * ratio) pen.fillText(NAMES[view.right], w - 10 * ratio, 22 * ratio);
    pen.shadowBlur = 0;
    canvas.dataset.drawn = `${view.left} ${view.right} ${view.overlay} ${view.index} ${view.channel}`;
    canvas.setAttribute('aria-label', `${NAMES[view.left]} on the left and ${NAMES[view.right]} on the right of sample ${view.index + 1}, zoom ${view.zoom.toFixed(1)}; arrow keys move, plus and minus zoom`);
    where.textContent = `Sample ${view.index + 1} of ${count(list.count)}` + (list.subjects.length > view.index ? ` · subject ${list.subjects[view.index]}` : '') + (list.slices.length > view.index ? ` · test slice ${list.slices[view.index]}` : '') + ` · zoom ${view.zoom.toFixed(1)}×`;
  }
  const keep = changes => { Object.assign(view, changes); setQuery(Object.fromEntries(Object.entries({trial: trial.name, stage: '', ...changes}).map(([k, v]) => [k, typeof v === 'number' && !Number.isInteger(v) ? v.toFixed(3) : v]))); draw(); };

  const zoomTo = (zoom, x, y) => keep({zoom: Math.max(1, Math.min(16, zoom)), x, y});
  canvas.addEventListener('wheel', event => {
    event.preventDefault();
    zoomTo(view.zoom * (event.deltaY < 0 ? 1.25 : 0.8), view.x, view.y);
  }, {passive: false});
  let drag = null;
  canvas.addEventListener('pointerdown', event => { drag = {x: event.clientX, y: event.clientY, at: [view.x, view.y]}; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener('pointermove', event => {
    if (!drag) return;
    const box = canvas.getBoundingClientRect();
    if (view.zoom > 1) Object.assign(view, {x: drag.at[0] - (event.clientX - drag.x) / box.width / view.zoom, y: drag.at[1] - (event.clientY - drag.y) / box.height / view.zoom});
    else view.wipe = (event.clientX - box.left) / box.width;
    wipe.value = view.wipe;
    draw();
  });
  canvas.addEventListener('pointerup', () => { drag = null; if (view.zoom > 1) keep({x: view.x, y: view.y}); });
  canvas.addEventListener('keydown', event => {
    const step = 0.1 / view.zoom;
    const moves = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]};
    if (moves[event.key]) zoomTo(view.zoom, view.x + moves[event.key][0], view.y + moves[event.key][1]);
    else if (event.key === '+' || event.key === '=') zoomTo(view.zoom * 1.25, view.x, view.y);
    else if (event.key === '-') zoomTo(view.zoom * 0.8, view.x, view.y);
    else return;
    event.preventDefault();
  });
  const wipe = h('input', {type: 'range', min: 0, max: 1, step: 0.005, value: 0.5, 'aria-label': 'Wipe between the two', oninput: () => { view.wipe = Number(wipe.value); draw(); }});
  const button = (text, title, action) => h('button', {type: 'button', title, 'aria-label': title, onclick: action}, text);
  const overlays = Object.entries(OVERLAYS).filter(([name]) => name === '' || list.layers.includes(name));
  requestAnimationFrame(draw);
  const onresize = () => (canvas.isConnected ? draw() : removeEventListener('resize', onresize));
  addEventListener('resize', onresize);
  return h('div', {}, h('div', {class: 'heading'}, h('h1', {}, 'Images'), picker, trials.length > CHOICES_MAX ? h('span', {class: 'quiet'}, `the first ${count(CHOICES_MAX)} of ${count(trials.length)}; any other by its address`) : null, link('Provenance', ['stage', stage])),
    h('div', {class: 'images'}, h('section', {class: 'card'}, h('div', {class: 'canvas-box'}, canvas), h('label', {class: 'field wide'}, h('span', {}, `Wipe`), wipe), where, problem),
      h('section', {class: 'card controls'},
        h('label', {class: 'field wide'}, h('span', {}, 'Slice'), h('input', {type: 'range', min: 0, max: list.count - 1, step: 1, value: view.index, 'aria-label': 'Slice', oninput: event => keep({index: Number(event.target.value)})})),
        choice('Left', layers.map(l => [l, NAMES[l]]), view.left, left => keep({left})), choice('Right', layers.map(l => [l, NAMES[l]]), view.right, right => keep({right})),
        choice('Overlay', overlays, view.overlay, overlay => keep({overlay})),
        list.channels > 1 ? choice('Channel', Array.from({length: list.channels}, (_, i) => [String(i), String(i + 1)]), String(view.channel), channel => keep({channel: Number(channel)})) : null,
        h('div', {class: 'buttons'}, button('−', 'Zoom out', () => zoomTo(view.zoom * 0.8, view.x, view.y)), button('+', 'Zoom in', () => zoomTo(view.zoom * 1.25, view.x, view.y)), button('1:1', 'Whole slice', () => zoomTo(1, 0.5, 0.5)),
          button('PNG', 'Save what is shown as PNG', () => canvas.toBlob(blob => saveText(`${trial.name}-${view.index + 1}.png`, blob, 'image/png')))),
        h('p', {class: 'quiet'}, `${list.height} × ${list.width} pixels, from ${list.height / list.scale} × ${list.width / list.scale} (×${list.scale}). Wheel or + and − zoom; drag moves, or wipes while the whole slice is shown. `,
          `The error map goes from 0 (dark) to ${list.error_max} (bright). Overlays show wrong pixels in red.`))));
}
