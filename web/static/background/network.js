/**
 * A model that is ready to run.
 * @module
 */

import { activation, combine, convolution, depthwise, doubling, mean, resize } from "./kernels.js";
import { readModel } from "./tflite.js";

/** @typedef {import("./kernels.js").Plane} Plane */
/** @typedef {import("./kernels.js").Kernel} Kernel */
/** @typedef {import("./tflite.js").Operator} Operator */
/** @typedef {import("./tflite.js").Graph} Graph */

const [SAME] = [0];

export class Network {
  /**
   * @param {ArrayBuffer} file
   * @throws {Error} If the model needs what is not known here.
   */
  constructor(file) {
    const graph = readModel(file);
    /** @type {Map<number, Plane>} */
    this.planes = new Map();
    this.input = this.#plane(graph, graph.inputs[0]);
    /** @type {Kernel[]} */
    this.kernels = graph.operators.flatMap((operator) => this.#kernel(graph, operator) ?? []);
    this.output = this.#plane(graph, graph.outputs[0]);
  }

  /** Computes `output` from what was written into `input`. */
  run() {
    for (const kernel of this.kernels) kernel();
  }

  /**
   * @param {Graph} graph
   * @param {number} index
   * @returns {Plane}
   */
  #plane(graph, index) {
    const known = this.planes.get(index);
    if (known) return known;
    const [, height, width, channels] = graph.tensors[index].shape;
    const plane = { height, width, channels, data: new Float32Array(height * width * channels) };
    this.planes.set(index, plane);
    return plane;
  }

  /**
   * @param {Graph} graph
   * @param {Operator} operator
   * @returns {Kernel | null} null for what was done when the model was read.
   */
  #kernel(graph, { name, inputs, outputs, option }) {
    if (name === "DEQUANTIZE") {
      // Weights are kept in 16 bits; they were widened when they were read.
      graph.tensors[outputs[0]].data = graph.tensors[inputs[0]].data;
      return null;
    }
    const input = this.#plane(graph, inputs[0]);
    const output = this.#plane(graph, outputs[0]);
    const constant = (/** @type {number} */ index) => /** @type {Float32Array} */ (graph.tensors[inputs[index]].data);
    const strides = () => ({ same: option(0, "int8", SAME) === SAME, stride: option(1, "int32", 1) });
    const filter = () => ({ data: constant(1), height: graph.tensors[inputs[1]].shape[1], width: graph.tensors[inputs[1]].shape[2] });
    switch (name) {
      case "CONV_2D":
        return convolution(input, filter(), constant(2), output, strides());
      case "DEPTHWISE_CONV_2D":
        return depthwise(input, filter(), constant(2), output, strides());
      case "Convolution2DTransposeBias":
        return doubling(input, constant(1), constant(2), output);
      case "RESIZE_BILINEAR":
        return resize(input, output, { alignCorners: option(2, "int8", 0) === 1, halfPixels: option(3, "int8", 0) === 1 });
      case "MEAN":
        return mean(input, output);
      case "ADD":
      case "MUL":
        return combine(input, this.#plane(graph, inputs[1]), output, name === "ADD" ? "add" : "multiply");
      case "RELU":
      case "LOGISTIC":
      case "HARD_SWISH":
        return activation(name, input, output);
      default:
        throw new Error(`the operator ${name} is not known here`);
    }
  }
}
