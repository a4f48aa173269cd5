// Generators, destructuring, try/catch/finally and exceptions.
function* numbers(limit) {
  try {
    for (let n = 0; n < limit; n++) yield n;
  } finally {
    closed++;
  }
}
let closed = 0;
function* pairs(source) {
  let previous;
  for (const n of source) {
    if (previous !== undefined) yield [previous, n];
    previous = n;
  }
}
function checked([a, b]) {
  try {
    if (b % 7 === 0) throw new RangeError(`seven at ${b}`);
    return a * b;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return error.message.length;
  } finally {
    finals++;
  }
}
let finals = 0;
function main() {
  closed = 0;
  finals = 0;
  let sum = 0;
  for (let round = 0; round < 20; round++) {
    for (const pair of pairs(numbers(300))) {
      sum = (sum + checked(pair)) % 1_000_003;
      if (round % 3 === 0 && pair[0] > 200) break;
    }
  }
  const [first, , third, ...rest] = numbers(20);
  return `${sum} ${closed} ${finals} ${first} ${third} ${rest.length}`;
}

globalThis.main = main;
