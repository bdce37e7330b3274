// The filter of the trials' table: words, and comparisons like PSNR>30 or network.width=60.

/**
 * Returns {test(trial), error}. Tokens are joined by "and"; "a b" in quotes is one token. A token
 * with = != < <= > >= compares the value of the name before it; any other must occur in the row.
 */
export function matcher(text, valueOf, names) {
  const tokens = text.match(/"[^"]*"|[^\s"]*"[^"]*"|\S+/g) || [];
  let error = '';
  const tests = tokens.map(token => {
    const parts = /^([^<>=!"]+)(!=|<=|>=|=|<|>)(.*)$/s.exec(token);
    if (!parts) {
      const word = token.replaceAll('"', '').toLowerCase();
      return trial => [trial.row, trial.name, trial.state, ...trial.axes].some(v =>
        v !== null && String(v).toLowerCase().includes(word));
    }
    const [, given, operator, raw] = parts;
    const name = names.find(n => n === given) || names.find(n => n.toLowerCase() === given.toLowerCase());
    if (!name) {
      error = `no column is called ${given}`;
      return () => false;
    }
    const wanted = raw.replaceAll('"', '');
    const number = Number(wanted);
    const numeric = wanted !== '' && Number.isFinite(number);
    return trial => {
      const value = valueOf(trial, name);
      if (operator === '=' || operator === '!=') {
        const equal = numeric && typeof value === 'number' ? value === number
          : String(value ?? '').toLowerCase() === wanted.toLowerCase();
        return equal === (operator === '=');
      }
      if (value === null || typeof value !== 'number' || !numeric) return false;
      return {'<': value < number, '<=': value <= number, '>': value > number, '>=': value >= number}[operator];
    };
  });
  return {error, test: trial => tests.every(test => test(trial))};
}

/** The filter with `name` limited to [low, high]; null for both takes the limit away. */
export function withRange(text, name, low, high) {
  const tokens = (text.match(/"[^"]*"|[^\s"]*"[^"]*"|\S+/g) || []).filter(token =>
    !token.startsWith(name + '>=') && !token.startsWith(name + '<='));
  if (low !== null) tokens.push(`${name}>=${Number(low.toPrecision(6))}`, `${name}<=${Number(high.toPrecision(6))}`);
  return tokens.join(' ');
}

/** The filter with `name` equal to a text; the same again takes it away. */
export function withValue(text, name, value) {
  const token = /\s/.test(value) ? `${name}="${value}"` : `${name}=${value}`;
  const tokens = text.match(/"[^"]*"|[^\s"]*"[^"]*"|\S+/g) || [];
  const rest = tokens.filter(t => !t.startsWith(name + '='));
  return (tokens.includes(token) ? rest : [...rest, token]).join(' ');
}
