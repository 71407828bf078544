// Numbers with a shape, as the server sends them.
export interface ArrayJson {
  shape: number[];
  data: string; // float32, little-endian, base64
}

export class Grid {
  constructor(
    readonly shape: number[],
    readonly data: Float32Array,
  ) {
    const size = shape.reduce((product, n) => product * n, 1);
    if (size !== data.length) throw new RangeError(`${data.length} numbers do not fill the shape [${shape.join(", ")}]`);
  }

  static from(array: ArrayJson): Grid {
    const text = atob(array.data);
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const data = new Float32Array(bytes.length >> 2);
    for (let i = 0; i < data.length; i++) data[i] = view.getFloat32(4 * i, true);
    return new Grid(array.shape, data);
  }

  /** Of nested or flat numbers. */
  static of(shape: number[], values: ArrayLike<number>): Grid {
    return new Grid(shape, Float32Array.from(values));
  }

  at(...index: number[]): number {
    return this.data[this.offset(index)]!;
  }

  /** The part under the leading indices: a view, without a copy. */
  slice(...leading: number[]): Grid {
    const shape = this.shape.slice(leading.length);
    const size = shape.reduce((product, n) => product * n, 1);
    const start = this.offset(leading);
    return new Grid(shape, this.data.subarray(start, start + size));
  }

  max(): number {
    return this.data.reduce((a, b) => Math.max(a, b), -Infinity);
  }

  min(): number {
    return this.data.reduce((a, b) => Math.min(a, b), Infinity);
  }

  private offset(index: number[]): number {
    let offset = 0;
    for (let axis = 0; axis < this.shape.length; axis++) {
      const n = this.shape[axis]!;
      const i = index[axis] ?? 0;
      if (!(i >= 0 && i < n)) throw new RangeError(`index ${i} is outside axis ${axis} of ${n}`);
      offset = offset * n + i;
    }
    return offset;
  }
}
