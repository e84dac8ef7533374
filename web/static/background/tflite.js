/**
 * Reads TensorFlow Lite models: a FlatBuffer with tensors, and the operators between them.
 * @module
 */

/**
 * @typedef {object} Tensor
 * @property {number[]} shape
 * @property {Float32Array | Int32Array | null} data Constants; null for what is computed.
 */

/**
 * @typedef {object} Operator
 * @property {string} name Of the builtin, or of the custom operator.
 * @property {number[]} inputs Indices of tensors; -1 for one that is absent.
 * @property {number[]} outputs
 * @property {(index: number, kind: "int8" | "int32", otherwise: number) => number} option By its place in the schema.
 */

/** @typedef {{ tensors: Tensor[], operators: Operator[], inputs: number[], outputs: number[] }} Graph */

/** The builtin operators that we know. @type {Record<number, string>} */
const BUILTINS = { 0: "ADD", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 6: "DEQUANTIZE", 14: "LOGISTIC", 18: "MUL", 19: "RELU", 23: "RESIZE_BILINEAR", 32: "CUSTOM", 40: "MEAN", 117: "HARD_SWISH" };
const IDENTIFIER = "TFL3";
const [FLOAT32, FLOAT16, INT32] = [0, 1, 2];

/**
 * @param {ArrayBuffer} file
 * @returns {Graph} Of the first subgraph.
 * @throws {Error} If it is no such model, or of types that are not known here.
 */
export function readModel(file) {
  const view = new DataView(file);
  if (file.byteLength < 8 || String.fromCharCode(...new Uint8Array(file, 4, 4)) !== IDENTIFIER) throw new Error("not a TensorFlow Lite model");
  const model = new Table(view, view.getUint32(0, true));
  const codes = model.tables(1).map(operatorName);
  const buffers = model.tables(4);
  const [graph] = model.tables(2);
  return {
    tensors: graph.tables(0).map((table) => readTensor(table, buffers)),
    inputs: graph.ints(1),
    outputs: graph.ints(2),
    operators: graph.tables(3).map((table) => readOperator(table, codes)),
  };
}

/** @param {Table} code */
function operatorName(code) {
  // Small codes stand in the older, narrower field.
  const builtin = Math.max(code.scalar(0, "int8", 0), code.scalar(3, "int32", 0));
  const name = BUILTINS[builtin] ?? `builtin ${builtin}`;
  return name === "CUSTOM" ? code.text(1) : name;
}

/**
 * @param {Table} table
 * @param {Table[]} buffers
 * @returns {Tensor}
 */
function readTensor(table, buffers) {
  const bytes = buffers[table.scalar(2, "int32", 0)].bytes(0);
  return { shape: table.ints(0), data: bytes.length > 0 ? decode(bytes, table.scalar(1, "int8", FLOAT32)) : null };
}

/**
 * @param {Uint8Array} bytes
 * @param {number} type
 */
function decode(bytes, type) {
  // The bytes stand anywhere in the file: a copy is aligned.
  const { buffer } = bytes.slice();
  if (type === FLOAT32) return new Float32Array(buffer);
  if (type === INT32) return new Int32Array(buffer);
  if (type === FLOAT16) return Float32Array.from(new Uint16Array(buffer), halfToFloat);
  throw new Error(`tensors of type ${type} are not known here`);
}

/**
 * @param {number} half The sixteen bits of an IEEE 754 binary16.
 * @returns {number}
 */
export function halfToFloat(half) {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * @param {Table} table
 * @param {string[]} codes
 * @returns {Operator}
 */
function readOperator(table, codes) {
  const options = table.table(4);
  return {
    name: codes[table.scalar(0, "int32", 0)],
    inputs: table.ints(1),
    outputs: table.ints(2),
    option: (index, kind, otherwise) => options?.scalar(index, kind, otherwise) ?? otherwise,
  };
}

/** A table of a FlatBuffer: its fields are found by a list of offsets, absent ones have their default. */
class Table {
  /**
   * @param {DataView} view
   * @param {number} at
   */
  constructor(view, at) {
    this.view = view;
    this.at = at;
    this.fields = at - view.getInt32(at, true);
    this.count = (view.getUint16(this.fields, true) - 4) / 2;
  }

  /**
   * @param {number} index
   * @returns {number} Where the field stands, 0 if it is absent.
   */
  #field(index) {
    const offset = index < this.count ? this.view.getUint16(this.fields + 4 + 2 * index, true) : 0;
    return offset && this.at + offset;
  }

  /**
   * @param {number} index
   * @returns {number} Where what the field refers to stands, 0 if it is absent.
   */
  #target(index) {
    const field = this.#field(index);
    return field && field + this.view.getUint32(field, true);
  }

  /**
   * @param {number} index
   * @param {"int8" | "int32"} kind
   * @param {number} otherwise
   */
  scalar(index, kind, otherwise) {
    const field = this.#field(index);
    if (!field) return otherwise;
    return kind === "int8" ? this.view.getInt8(field) : this.view.getInt32(field, true);
  }

  /** @param {number} index */
  table(index) {
    const target = this.#target(index);
    return target ? new Table(this.view, target) : null;
  }

  /** @param {number} index */
  tables(index) {
    return this.#vector(index, (at) => new Table(this.view, at + this.view.getUint32(at, true)));
  }

  /** @param {number} index */
  ints(index) {
    return this.#vector(index, (at) => this.view.getInt32(at, true));
  }

  /** @param {number} index */
  bytes(index) {
    const target = this.#target(index);
    if (!target) return new Uint8Array(0);
    return new Uint8Array(this.view.buffer, target + 4, this.view.getUint32(target, true));
  }

  /** @param {number} index */
  text(index) {
    return new TextDecoder().decode(this.bytes(index));
  }

  /**
   * @template T
   * @param {number} index
   * @param {(at: number) => T} read
   * @returns {T[]}
   */
  #vector(index, read) {
    const target = this.#target(index);
    if (!target) return [];
    return Array.from({ length: this.view.getUint32(target, true) }, (_, place) => read(target + 4 + 4 * place));
  }
}
