// Attention on an X-ray, painted as mrg_helpers.heatmaps paints it. Joined with browser.js into one function.

// For each pixel along one axis: the two cells it lies between, and how much of the second it takes.
function membership(edges, length, smooth) {
  const first = new Uint16Array(length), second = new Uint16Array(length), part = new Float32Array(length);
  const centres = edges.map(([start, end]) => (start + end) / 2), last = edges.length - 1;
  for (let p = 0; p < length; p++) {
    let k = 0;
    const at = p + 0.5, marks = smooth ? centres : edges.map((edge) => edge[0]);
    while (k < last && marks[k + 1] <= at) k++;
    first[p] = second[p] = k;
    if (smooth && k < last && at > marks[k]) {
      second[p] = k + 1;
      part[p] = (at - marks[k]) / (marks[k + 1] - marks[k]);
    }
  }
  return { first, second, part };
}

// weights (R,), top -> Uint8 level of each pixel, 0 to 255.
function heatLevels(weights, top, rows, columns, width, height) {
  const levels = new Uint8ClampedArray(width * height), wide = columns.count;
  const scale = top > 0 ? 1 / top : 0;
  for (let y = 0; y < height; y++) {
    const a = rows.first[y] * wide, b = rows.second[y] * wide, v = rows.part[y];
    for (let x = 0; x < width; x++) {
      const c = columns.first[x], d = columns.second[x], h = columns.part[x];
      const upper = weights[a + c] * (1 - h) + weights[a + d] * h;
      const lower = weights[b + c] * (1 - h) + weights[b + d] * h;
      levels[y * width + x] = Math.floor(255 * Math.min(1, (upper * (1 - v) + lower * v) * scale));
    }
  }
  return levels;
}

// Blend: colour and opacity grow with the level, so what got no attention stays the X-ray it was.
function paint(context, xray, levels, colours, opacity) {
  const picture = context.createImageData(xray.width, xray.height), out = picture.data, grey = xray.data;
  const alphas = Float32Array.from({ length: 256 }, (_, level) => opacity * Math.sqrt(level / 255));
  for (let i = 0, j = 0; i < levels.length; i++, j += 4) {
    const alpha = alphas[levels[i]], colour = 3 * levels[i];
    out[j] = grey[j] + alpha * (colours[colour] - grey[j]);
    out[j + 1] = grey[j + 1] + alpha * (colours[colour + 1] - grey[j + 1]);
    out[j + 2] = grey[j + 2] + alpha * (colours[colour + 2] - grey[j + 2]);
    out[j + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

// The true boxes with their names, dark under light so that they show on any ground.
function outline(context, boxes, letters = 1) {
  const size = letters * Math.max(11, Math.round(Math.max(context.canvas.width, context.canvas.height) / 36));
  context.font = `${size}px system-ui, sans-serif`;
  context.textBaseline = "top";
  for (const [name, [left, top, right, bottom]] of boxes) {
    for (const [colour, line] of [["#000", 4], ["#56B4E9", 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = line;
      context.strokeRect(left, top, right - left, bottom - top);
    }
    const wide = context.measureText(name).width + 8;
    const x = Math.max(0, Math.min(left, context.canvas.width - wide)), y = Math.max(0, top - size - 5);
    context.fillStyle = "rgba(0, 0, 0, .75)";
    context.fillRect(x, y, wide, size + 5);
    context.fillStyle = "#8fd0f5";
    context.fillText(name, x + 4, y + 3);
  }
}

function bytes(hex) {
  return Uint8Array.from({ length: hex.length / 2 }, (_, k) => parseInt(hex.slice(2 * k, 2 * k + 2), 16));
}
