/**
 * The arithmetic of neural networks that see pictures. All tensors are rows of pixels of channels (NHWC, N = 1) in 32-bit
 * floats. The sizes are known beforehand, so that each kernel is made once and then only runs.
 * @module
 */

/** @typedef {{ height: number, width: number, channels: number, data: Float32Array }} Plane */
/** @typedef {{ data: Float32Array, height: number, width: number }} Filter */
/** @typedef {() => void} Kernel */

/**
 * How much is added before the first pixel so that the output has the size that "SAME" means.
 * @param {number} size
 * @param {number} filter
 * @param {number} stride
 * @param {number} outputs
 */
export function paddingBefore(size, filter, stride, outputs) {
  return Math.floor(Math.max((outputs - 1) * stride + filter - size, 0) / 2);
}

/**
 * Each output channel of a pixel is a sum over all channels of that pixel: most of the work there is.
 * @param {Plane} input
 * @param {Float32Array} weights One row of input channels for each output channel.
 * @param {Float32Array} bias
 * @param {Plane} output
 * @returns {Kernel}
 */
export function pointwise(input, weights, bias, output) {
  const { channels: depth, data: from } = input;
  const { channels: outputs, data: to } = output;
  const pixels = output.height * output.width;
  const inFours = outputs - (outputs % 4);
  return () => {
    for (let pixel = 0, source = 0, target = 0; pixel < pixels; pixel += 1, source += depth) {
      let row = 0;
      // Four sums at a time: each value is fetched once for them.
      for (let channel = 0; channel < inFours; channel += 4, row += 4 * depth, target += 4) {
        let [one, two, three, four] = [bias[channel], bias[channel + 1], bias[channel + 2], bias[channel + 3]];
        const [second, third, fourth] = [row + depth, row + 2 * depth, row + 3 * depth];
        for (let index = 0; index < depth; index += 1) {
          const value = from[source + index];
          one += value * weights[row + index];
          two += value * weights[second + index];
          three += value * weights[third + index];
          four += value * weights[fourth + index];
        }
        to[target] = one;
        to[target + 1] = two;
        to[target + 2] = three;
        to[target + 3] = four;
      }
      for (let channel = inFours; channel < outputs; channel += 1, row += depth, target += 1) {
        let sum = bias[channel];
        for (let index = 0; index < depth; index += 1) sum += from[source + index] * weights[row + index];
        to[target] = sum;
      }
    }
  };
}

/**
 * @param {Plane} input
 * @param {Filter} filter One filter of rows, columns and input channels for each output channel.
 * @param {Float32Array} bias
 * @param {Plane} output
 * @param {{ stride: number, same: boolean }} options
 * @returns {Kernel}
 */
export function convolution(input, filter, bias, output, { stride, same }) {
  if (filter.height === 1 && filter.width === 1 && stride === 1) return pointwise(input, filter.data, bias, output);
  const top = same ? paddingBefore(input.height, filter.height, stride, output.height) : 0;
  const left = same ? paddingBefore(input.width, filter.width, stride, output.width) : 0;
  const depth = input.channels;
  // What one output pixel sees is laid out in a row; what is beyond the border stays zero.
  const patch = { height: 1, width: 1, channels: filter.height * filter.width * depth, data: new Float32Array(filter.height * filter.width * depth) };
  const pixel = { height: 1, width: 1, channels: output.channels, data: new Float32Array(output.channels) };
  const sum = pointwise(patch, filter.data, bias, pixel);
  return () => {
    for (let y = 0, target = 0; y < output.height; y += 1) {
      for (let x = 0; x < output.width; x += 1, target += output.channels) {
        let place = 0;
        for (let row = 0; row < filter.height; row += 1) {
          const sourceY = y * stride + row - top;
          for (let column = 0; column < filter.width; column += 1) {
            const sourceX = x * stride + column - left;
            const inside = sourceY >= 0 && sourceY < input.height && sourceX >= 0 && sourceX < input.width;
            const source = (sourceY * input.width + sourceX) * depth;
            for (let index = 0; index < depth; index += 1, place += 1) patch.data[place] = inside ? input.data[source + index] : 0;
          }
        }
        sum();
        output.data.set(pixel.data, target);
      }
    }
  };
}

/**
 * Each channel has a filter of its own.
 * @param {Plane} input
 * @param {Filter} filter Rows, columns, channels.
 * @param {Float32Array} bias
 * @param {Plane} output
 * @param {{ stride: number, same: boolean }} options
 * @returns {Kernel}
 */
export function depthwise(input, filter, bias, output, { stride, same }) {
  const { channels, data: from } = input;
  const { data: to } = output;
  const top = same ? paddingBefore(input.height, filter.height, stride, output.height) : 0;
  const left = same ? paddingBefore(input.width, filter.width, stride, output.width) : 0;
  return () => {
    for (let y = 0, target = 0; y < output.height; y += 1) {
      for (let x = 0; x < output.width; x += 1, target += channels) {
        for (let channel = 0; channel < channels; channel += 1) to[target + channel] = bias[channel];
        for (let row = 0; row < filter.height; row += 1) {
          const sourceY = y * stride + row - top;
          if (sourceY < 0 || sourceY >= input.height) continue;
          for (let column = 0; column < filter.width; column += 1) {
            const sourceX = x * stride + column - left;
            if (sourceX < 0 || sourceX >= input.width) continue;
            const source = (sourceY * input.width + sourceX) * channels;
            const weight = (row * filter.width + column) * channels;
            for (let channel = 0; channel < channels; channel += 1) to[target + channel] += from[source + channel] * filter.data[weight + channel];
          }
        }
      }
    }
  };
}

/**
 * A filter of two by two with stride two, backwards: each pixel becomes four, and none is touched twice.
 * @param {Plane} input
 * @param {Float32Array} weights Output channels, rows, columns, input channels.
 * @param {Float32Array} bias
 * @param {Plane} output Twice as high and wide.
 * @returns {Kernel}
 */
export function doubling(input, weights, bias, output) {
  const { channels: depth, data: from, width } = input;
  return () => {
    let target = 0;
    for (let y = 0; y < output.height; y += 1) {
      for (let x = 0; x < output.width; x += 1) {
        const source = ((y >> 1) * width + (x >> 1)) * depth;
        for (let channel = 0; channel < output.channels; channel += 1, target += 1) {
          const weight = ((channel * 2 + (y & 1)) * 2 + (x & 1)) * depth;
          let sum = bias[channel];
          for (let index = 0; index < depth; index += 1) sum += from[source + index] * weights[weight + index];
          output.data[target] = sum;
        }
      }
    }
  };
}

/**
 * @param {Plane} input
 * @param {Plane} output
 * @param {{ alignCorners: boolean, halfPixels: boolean }} options
 * @returns {Kernel}
 */
export function resize(input, output, { alignCorners, halfPixels }) {
  const { channels } = input;
  const rows = samples(input.height, output.height, alignCorners, halfPixels);
  const columns = samples(input.width, output.width, alignCorners, halfPixels);
  return () => {
    let target = 0;
    for (const { low: top, high: bottom, part: down } of rows) {
      for (const { low: left, high: right, part: across } of columns) {
        const [a, b] = [(top * input.width + left) * channels, (top * input.width + right) * channels];
        const [c, d] = [(bottom * input.width + left) * channels, (bottom * input.width + right) * channels];
        const [aPart, bPart, cPart, dPart] = [(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across];
        for (let channel = 0; channel < channels; channel += 1, target += 1) {
          output.data[target] =
            input.data[a + channel] * aPart + input.data[b + channel] * bPart + input.data[c + channel] * cPart + input.data[d + channel] * dPart;
        }
      }
    }
  };
}

/**
 * @param {number} size
 * @param {number} wanted
 * @param {boolean} alignCorners
 * @param {boolean} halfPixels
 */
function samples(size, wanted, alignCorners, halfPixels) {
  const scale = alignCorners && wanted > 1 ? (size - 1) / (wanted - 1) : size / wanted;
  return Array.from({ length: wanted }, (_, index) => {
    const at = Math.max(0, halfPixels ? (index + 0.5) * scale - 0.5 : index * scale);
    const low = Math.min(Math.floor(at), size - 1);
    return { low, high: Math.min(low + 1, size - 1), part: at - low };
  });
}

/**
 * The mean of each channel over all pixels.
 * @param {Plane} input
 * @param {Plane} output
 * @returns {Kernel}
 */
export function mean(input, output) {
  const { channels, data } = input;
  const pixels = input.height * input.width;
  return () => {
    output.data.fill(0);
    for (let source = 0; source < data.length; source += channels) {
      for (let channel = 0; channel < channels; channel += 1) output.data[channel] += data[source + channel];
    }
    for (let channel = 0; channel < channels; channel += 1) output.data[channel] /= pixels;
  };
}

/**
 * @param {Plane} one
 * @param {Plane} other As large, or one pixel that is for all.
 * @param {Plane} output
 * @param {"add" | "multiply"} operation
 * @returns {Kernel}
 */
export function combine(one, other, output, operation) {
  const [large, small] = one.data.length >= other.data.length ? [one.data, other.data] : [other.data, one.data];
  const { length } = small;
  const add = operation === "add";
  return () => {
    for (let start = 0; start < large.length; start += length) {
      if (add) for (let index = 0; index < length; index += 1) output.data[start + index] = large[start + index] + small[index];
      else for (let index = 0; index < length; index += 1) output.data[start + index] = large[start + index] * small[index];
    }
  };
}

/** @type {Record<string, (value: number) => number>} */
const FUNCTIONS = {
  RELU: (value) => (value > 0 ? value : 0),
  LOGISTIC: (value) => 1 / (1 + Math.exp(-value)),
  HARD_SWISH: (value) => (value <= -3 ? 0 : value >= 3 ? value : (value * (value + 3)) / 6),
};

/**
 * @param {string} name RELU, LOGISTIC or HARD_SWISH.
 * @param {Plane} input
 * @param {Plane} output
 * @returns {Kernel}
 */
export function activation(name, input, output) {
  const { data: from } = input;
  const { data: to } = output;
  // The two that see whole pictures are written out: a call for each value would cost more than its arithmetic.
  if (name === "RELU") {
    return () => {
      for (let index = 0; index < from.length; index += 1) to[index] = from[index] > 0 ? from[index] : 0;
    };
  }
  if (name === "HARD_SWISH") {
    return () => {
      for (let index = 0; index < from.length; index += 1) {
        const value = from[index];
        to[index] = value <= -3 ? 0 : value >= 3 ? value : (value * (value + 3)) / 6;
      }
    };
  }
  const apply = FUNCTIONS[name];
  return () => {
    for (let index = 0; index < from.length; index += 1) to[index] = apply(from[index]);
  };
}
