// One long turn: `long.js MILLIONS STRETCH` executes about so many million statements: calls, loops, objects, closures, host functions that call
// back, throws, and a question to the outside world every ten thousand. It calls `mark` after the first million and then every STRETCH.
'use strict';

const CHUNKS = 100;
const millions = Number(process.argv[2]);
const stretch = Number(process.argv[3]);

class Account {
  constructor(name) {
    this.name = name;
    this.balance = 0;
    this.history = [];
  }

  deposit(amount) {
    if (amount < 0) {
      throw new RangeError(`cannot deposit ${amount}`);
    }
    this.balance += amount;
    this.history.push(amount);
    if (this.history.length > 50) {
      this.history = this.history.slice(25);
    }
    return this.balance;
  }
}

const accounts = new Map();
for (let i = 0; i < 200; i++) {
  accounts.set(`account ${i}`, new Account(`account ${i}`));
}

let seed = 1;
function random(limit) {
  seed = (seed * 16807) % 2147483647;
  return seed % limit;
}

function depth(n) {
  if (n === 0) {
    return 0;
  }
  const below = depth(n - 1);
  return below + 1;
}

function sum(numbers) {
  let total = 0;
  for (const n of numbers) {
    total += n;
  }
  return total;
}

function sorted(account) {
  return account.history.slice(-12).sort((a, b) => {
    const difference = a - b;
    return difference;
  });
}

function transaction() {
  const account = accounts.get(`account ${random(200)}`);
  let refused = 0;
  for (let i = 0; i < 4; i++) {
    const amount = random(1000) - 20;
    try {
      account.deposit(amount);
    } catch {
      refused++;
    }
  }
  const best = sorted(account);
  return sum(best) + depth(10) + refused;
}

// About ten thousand statements.
function chunk() {
  let checksum = Date.now() & 1;
  for (let i = 0; i < 58; i++) {
    checksum = (checksum * 31 + transaction()) | 0;
  }
  return checksum;
}

function mark(million) {
  return million;
}

let checksum = 0;
for (let million = 1; million <= millions; million++) {
  for (let i = 0; i < CHUNKS; i++) {
    checksum = (checksum + chunk()) | 0;
  }
  if (million % stretch === 1 % stretch) {
    mark(million);
  }
}
console.log(checksum);
