// What the server knows, asked for once a revision.

const kept = new Map();
let revision = -1;

export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function read(response) {
  let body = null;
  try {
    body = await response.json();
  } catch {
    throw new Refused(response.status, `the server sent no JSON (${response.status})`);
  }
  if (!response.ok) throw new Refused(response.status, body.error || `answer ${response.status}`);
  return body;
}

/** GET /api/...; `parts` are path segments. */
export function get(parts, query) {
  return once('/api/' + parts.map(encodeURIComponent).join('/') + (query ? '?' + new URLSearchParams(query) : ''));
}

/** What the coordinator says of each stage, by id; empty where none runs. */
export async function liveStages(app) {
  if (!app.overview.live) return new Map();
  const {stages} = await once('/status').catch(() => ({stages: []}));  // It ends just now.
  return new Map(stages.map(stage => [stage.id, stage]));
}

function once(path) {
  if (kept.has(path)) return kept.get(path);
  const answer = fetch(path, {credentials: 'same-origin'}).then(read);
  kept.set(path, answer);
  answer.catch(() => kept.delete(path));
  return answer;
}

/** The address of a picture. */
export function imageAddress(stage, layer, index, channel) {
  return `/api/image/${encodeURIComponent(stage)}?` + new URLSearchParams({layer, index, channel});
}

/** POST /api/actions/NAME. */
export async function act(name, body) {
  const response = await fetch('/api/actions/' + encodeURIComponent(name), {
    method: 'POST', credentials: 'same-origin',
    headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body),
  });
  return read(response);
}

/** Forgets what an older revision said. True if there was something to forget. */
export function sawRevision(now) {
  if (now === revision) return false;
  const first = revision === -1;
  revision = now;
  kept.clear();
  return !first;
}

export const forget = () => kept.clear();
