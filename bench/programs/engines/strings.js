// Strings, Map and Set, closures handed to array methods.
function main() {
  const words = [];
  let seed = 42;
  const next = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff);
  for (let n = 0; n < 4000; n++) {
    let word = '';
    for (let k = (next() >> 8) % 5; k >= 0; k--) word += String.fromCharCode(97 + ((next() >> 8) % 6));
    words.push(word);
  }
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const unique = new Set(words);
  const top = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, 10);
  const lengths = words.map((word) => word.length).filter((length) => length > 2);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const adders = Array.from({ length: 200 }, (_, k) => (n) => n + k);
  let through = 0;
  for (const add of adders) through = add(through);
  const text = top.map(([word, count]) => `${word}=${count}`).join('&');
  const { length } = text.split('&').flatMap((pair) => pair.split('='));
  let reversed = '';
  for (let i = text.length - 1; i >= 0; i--) reversed += text[i];
  return `${unique.size} ${total} ${through} ${length} ${reversed}`;
}

globalThis.main = main;
