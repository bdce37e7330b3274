// What a holder of the acting token may do to a running sweep.

import {act} from './api.js';
import {h, toast} from './dom.js';

function who() {
  try { return localStorage.getItem('who') || ''; } catch { return ''; }
}

/** Asks for a confirmation and, once, for the person's name; then sends the action. */
export function ask(title, text, name, body, fields = []) {
  const person = h('input', {type: 'text', value: who(), maxlength: 128, required: true, autocomplete: 'name'});
  const inputs = fields.map(field => {
    const input = field.kind === 'textarea'
      ? h('textarea', {rows: 12, required: true, spellcheck: 'false'})
      : h('input', {type: field.kind, value: field.value, min: field.min, max: field.max, required: true});
    return [field.name, field.kind, h('label', {class: 'field wide'}, h('span', {}, field.label), input), input];
  });
  const problem = h('p', {class: 'bad', role: 'alert'});
  const dialog = h('dialog', {'aria-label': title});
  const submit = async event => {
    event.preventDefault();
    const sent = {...body, who: person.value};
    for (const [key, kind, , input] of inputs) sent[key] = kind === 'number' ? Number(input.value) : input.value;
    try {
      await act(name, sent);
      try { localStorage.setItem('who', person.value); } catch { /* Asked again next time. */ }
      dialog.close();
      toast(`${title}: accepted`);
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  dialog.append(h('form', {onsubmit: submit}, h('h2', {}, title), h('p', {}, text),
    inputs.map(entry => entry[2]),
    h('label', {class: 'field wide'}, h('span', {}, 'Your name, kept with the action'), person), problem,
    h('div', {class: 'buttons'},
      h('button', {type: 'button', onclick: () => dialog.close()}, 'Not now'),
      h('button', {type: 'submit', class: 'primary'}, title))));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

const button = (text, onclick, attributes) =>
  h('button', {type: 'button', class: 'small', 'data-action': text, onclick, ...attributes}, text);

/** Buttons over a selection: {stages: [id...]}, {trial: name} or {study: name}; `what` names it. */
export function actionBar(app, what, selection, names = ['retry', 'cancel', 'prioritise']) {
  if (!app.me.may_act) return null;
  const all = {
    retry: ['Retry', 'Failed and cancelled stages start over.', []],
    cancel: ['Cancel', 'What has not ended is given up; what depends on it too.', []],
    prioritise: ['Prioritise', 'A higher number goes first; 0 is the default.',
      [{name: 'priority', kind: 'number', label: 'Priority (-1000 to 1000)', value: 10, min: -1000, max: 1000}]],
  };
  return h('span', {class: 'actions', role: 'group', 'aria-label': `Actions on ${what}`}, names.map(name => {
    const [title, text, fields] = all[name];
    return button(title, () => ask(title, `${what}: ${text}`, name, selection, fields));
  }));
}

/** Pause, resume, drain and add a study: the whole run. */
export function runActions(app, message) {
  if (!app.me.may_act || !message) return null;
  return h('span', {class: 'actions', role: 'group', 'aria-label': 'Actions on the run'},
    message.paused || message.draining
      ? button('Resume', () => ask('Resume', 'Stages start again.', 'resume', {}))
      : button('Pause', () => ask('Pause', 'No further stage starts; what runs goes on.', 'pause', {})),
    button('Drain', () => ask('Drain', 'What runs goes on to its end; then the gangs leave and the run ends.', 'drain', {})),
    button('Add a study', () => ask('Add a study', 'Its stages join this run.', 'add-study', {},
      [{name: 'text', kind: 'textarea', label: 'Study file (TOML)'}])));
}
