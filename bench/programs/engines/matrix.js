// Nested integer loops over typed arrays.
function main() {
  const size = 70;
  const a = new Int32Array(size * size);
  const b = new Int32Array(size * size);
  const c = new Int32Array(size * size);
  for (let i = 0; i < size * size; i++) {
    a[i] = (i * 7) % 13;
    b[i] = (i * 5) % 11;
  }
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let sum = 0;
      for (let k = 0; k < size; k++) sum = (sum + a[i * size + k] * b[k * size + j]) | 0;
      c[i * size + j] = sum;
    }
  }
  let hash = 0;
  for (let i = 0; i < c.length; i++) hash = (Math.imul(hash, 31) + c[i]) | 0;
  return hash;
}

globalThis.main = main;
