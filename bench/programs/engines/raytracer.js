// Classes, floats, short-lived objects.
class Vector {
  constructor(x, y, z) {
    this.x = x;
    this.y = y;
    this.z = z;
  }
  plus(o) {
    return new Vector(this.x + o.x, this.y + o.y, this.z + o.z);
  }
  minus(o) {
    return new Vector(this.x - o.x, this.y - o.y, this.z - o.z);
  }
  times(k) {
    return new Vector(this.x * k, this.y * k, this.z * k);
  }
  dot(o) {
    return this.x * o.x + this.y * o.y + this.z * o.z;
  }
  get length() {
    return Math.sqrt(this.dot(this));
  }
  unit() {
    return this.times(1 / this.length);
  }
}
class Sphere {
  constructor(centre, radius, colour, mirror) {
    this.centre = centre;
    this.radius = radius;
    this.colour = colour;
    this.mirror = mirror;
  }
  hit(origin, direction) {
    const to = origin.minus(this.centre);
    const b = to.dot(direction);
    const d = b * b - to.dot(to) + this.radius * this.radius;
    if (d < 0) return Infinity;
    const t = -b - Math.sqrt(d);
    return t > 1e-4 ? t : Infinity;
  }
  normal(point) {
    return point.minus(this.centre).unit();
  }
}
class Floor {
  colour = 0.6;
  mirror = 0.1;
  hit(origin, direction) {
    const t = -(origin.y + 1) / direction.y;
    return t > 1e-4 ? t : Infinity;
  }
  normal() {
    return new Vector(0, 1, 0);
  }
}
function main() {
  const scene = [
    new Sphere(new Vector(0, 0, 4), 1, 0.9, 0.3),
    new Sphere(new Vector(1.6, -0.4, 3), 0.6, 0.5, 0.5),
    new Sphere(new Vector(-1.5, 0.3, 5), 1.2, 0.7, 0),
    new Floor(),
  ];
  const light = new Vector(-4, 6, -3).unit();
  function trace(origin, direction, depth) {
    let near = Infinity;
    let thing;
    for (const one of scene) {
      const t = one.hit(origin, direction);
      if (t < near) {
        near = t;
        thing = one;
      }
    }
    if (!thing) return 0.1 + 0.2 * Math.max(0, direction.y);
    const point = origin.plus(direction.times(near));
    const normal = thing.normal(point);
    const shade = scene.some((one) => one.hit(point, light) < Infinity) ? 0.1 : Math.max(0.1, normal.dot(light));
    let colour = thing.colour * shade;
    if (thing.mirror && depth < 3) {
      const reflected = direction.minus(normal.times(2 * direction.dot(normal)));
      colour = colour * (1 - thing.mirror) + thing.mirror * trace(point, reflected, depth + 1);
    }
    return colour;
  }
  let sum = 0;
  const [width, height] = [64, 48];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const direction = new Vector((x - width / 2) / width, (height / 2 - y) / width, 1).unit();
      sum += trace(new Vector(0, 0, 0), direction, 0);
    }
  }
  return sum.toFixed(6);
}

globalThis.main = main;
