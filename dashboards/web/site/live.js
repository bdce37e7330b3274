// The WebSocket: says when something changed and what runs now; comes back by itself when lost.

const listeners = {message: [], connection: []};
let socket = null;
let pause = 500;
let lastHeard = 0;
export let latest = null;      // The newest message.
export let connected = null;   // null: not yet known.

export const on = (kind, listener) => listeners[kind].push(listener);
const tell = (kind, value) => listeners[kind].forEach(listener => listener(value));

function setConnected(now) {
  if (connected === now) return;
  connected = now;
  tell('connection', now);
}

export function connect() {
  const scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
  socket = new WebSocket(scheme + location.host + '/api/live');
  socket.onmessage = event => {
    lastHeard = Date.now();
    pause = 500;
    latest = JSON.parse(event.data);
    setConnected(true);
    tell('message', latest);
  };
  socket.onclose = () => {
    setConnected(false);
    setTimeout(connect, pause);
    pause = Math.min(pause * 1.6, 8000);
  };
}

// A half-open connection closes by itself never: the server speaks at least every five seconds.
setInterval(() => {
  if (connected && Date.now() - lastHeard > 15000) socket.close();
}, 2000);
