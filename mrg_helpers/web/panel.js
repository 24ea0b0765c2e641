// One report of one study: its picture, its words, what the model considered. Joined with heat.js and browser.js.

const KINDS = { agrees: "both reports assert", missed: "missed by the model", invented: "invented by the model" };
const STOPS = new Set([".", ",", ";", ":", "?", "!", ")", "%"]);

// An element with properties, attributes (names with a dash, and role) and children; text is never read as HTML.
function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") node.setAttribute(name, value);
    else if (name === "style") node.style.cssText = value;
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

class Panel {
  constructor(app) {
    this.app = app;
    this.word = 0;
    this.picture = make("canvas", { role: "img" });
    this.caption = make("figcaption");
    this.second = make("canvas", { role: "img" });
    this.secondCaption = make("figcaption");
    this.secondFigure = make("figure", {}, this.second, this.secondCaption);
    this.scale = make("i");
    this.most = make("span");
    const scale = make("p", { className: "mrg-scale mrg-soft" }, "attention of a cell: 0", this.scale, this.most);
    this.pictures = make("div", { className: "mrg-pictures" },
      make("figure", {}, this.picture, this.caption, scale), this.secondFigure);
    this.slider = make("input", { type: "range", min: 0, "aria-label": "word" });
    this.playing = make("button", { type: "button", className: "mrg-play" });
    this.save = make("button", { type: "button" }, "Save picture");
    this.state = make("p", { className: "mrg-state", role: "status" });
    this.heading = make("h4");
    this.words = make("p", { className: "mrg-words", role: "group" });
    this.chart = make("div", { className: "mrg-chart" });
    this.others = make("ol", { className: "mrg-others" });
    this.compared = make("div", { className: "mrg-compared" });
    this.node = make("section", { className: "mrg-panel" },
      make("div", { className: "mrg-side" }, this.pictures,
        make("div", { className: "mrg-row" }, this.playing, this.slider, this.save),
        make("p", { className: "mrg-soft" }, "← and → step through the words; a click on a word goes to it.")),
      make("div", { className: "mrg-text" }, this.state, this.others, this.heading, this.words, this.chart, this.compared));
    this.slider.oninput = () => this.go(Number(this.slider.value));
    this.playing.onclick = () => this.play(!this.timer);
    this.save.onclick = () => this.savePicture();
    this.node.onkeydown = (event) => this.key(event);
    this.chart.onclick = (event) => {
      const box = this.chart.firstChild.getBoundingClientRect();
      this.go(Math.round(((event.clientX - box.left) / box.width) * (this.report.words.length - 1)));
    };
    this.play(false);
  }

  // Another study or another of its reports; `pixels` are the two X-rays as image data.
  show(study, report, pixels) {
    this.play(false);
    Object.assign(this, { study, report, pixels, word: 0 });
    this.axes = [{}, {}];
    const count = report.words.length;
    this.slider.max = Math.max(0, count - 1);
    this.slider.disabled = this.playing.disabled = count < 2;
    this.heading.replaceChildren(`Generated report (${report.name}) `, make("small", {}, "shaded where the model was unsure"));
    this.words.setAttribute("aria-label", `${report.words.length} words that the model wrote`);
    this.buttons = report.words.map((word, k) => {
      const mark = report.marks[k], kind = mark ? `; ${KINDS[mark[0]]}: ${mark[1]}` : "";
      const button = make("button", {
        type: "button", className: `mrg-word ${mark ? "mrg-" + mark[0] : ""}`, tabIndex: -1,
        style: `--unsure: ${(1 - report.p[k]).toFixed(2)}`, title: `probability ${report.p[k].toFixed(2)}${kind}`,
      }, word);
      button.onclick = () => this.go(k);
      return button;
    });
    const groups = []; // a full stop stays on the line of its word
    this.buttons.forEach((button, k) => {
      if (k && STOPS.has(report.words[k]) && !STOPS.has(report.words[k - 1])) groups.at(-1).append(button);
      else groups.push(" ", make("span", {}, button));
    });
    this.words.replaceChildren(...groups);
    if (!count) this.words.textContent = "The report is empty.";
    this.compared.replaceChildren(...this.comparison());
    const most = Math.max(0, ...(report.alternatives || []).map((some) => some.length));
    this.others.style.minHeight = most ? `${most * 1.6}em` : "0";
    this.drawChart();
    this.go(0);
  }

  go(word, focus = false) {
    const before = this.buttons[this.word];
    this.word = Math.max(0, Math.min(word, this.report.words.length - 1));
    this.markSentence();
    for (const [button, now] of [[before, false], [this.buttons[this.word], true]]) {
      if (!button) continue;
      button.classList.toggle("mrg-now", now);
      button.tabIndex = now ? 0 : -1;
      if (now) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
      if (now && focus) button.focus({ preventScroll: true });
    }
    this.slider.value = this.word;
    this.draw();
  }

  markSentence() {
    const { sentences } = this.report;
    this.buttons.forEach((button, k) =>
      button.classList.toggle("mrg-same", this.app.sentence && sentences[k] === sentences[this.word]));
  }

  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1 }, home = { Home: 0, End: this.report.words.length - 1 };
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.tagName === "SELECT") return;
    const to = event.key in steps ? this.word + steps[event.key] : home[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.go(to, event.target.classList.contains("mrg-word"));
  }

  play(on) {
    clearInterval(this.timer);
    this.timer = 0;
    if (on) {
      if (this.word === this.report.words.length - 1) this.go(0);
      this.timer = setInterval(() => {
        if (this.word < this.report.words.length - 1) this.go(this.word + 1);
        else this.play(false);
      }, 600);
    }
    this.playing.textContent = on ? "❚❚ Pause" : "▶ Play";
  }

  // The attention on the cells of a view, at the word or over its sentence.
  weights(view) {
    const { weights, sentences, axes } = this.report;
    const [start, size] = [view - 1, view].map((k) => (axes[k] ? axes[k][0].length * axes[k][1].length : 0));
    const same = this.app.sentence ? weights.filter((_, k) => sentences[k] === sentences[this.word]) : [weights[this.word]];
    return Array.from({ length: size }, (_, r) => same.reduce((sum, row) => sum + row[start + r], 0) / same.length);
  }

  // A view with the heat-map of the word, if the model looked at it, and with the true boxes.
  drawView(canvas, view, boxes, letters) {
    const { report, study, app } = this, xray = this.pixels[view], context = canvas.getContext("2d");
    if (canvas.width !== xray.width || canvas.height !== xray.height) {
      canvas.width = xray.width;
      canvas.height = xray.height;
    }
    if (!report.words.length || !report.axes[view]) context.putImageData(xray, 0, 0);
    else {
      const axes = this.axes[view][app.smooth] ||= report.axes[view].map((edges, k) => ({
        count: edges.length, ...membership(edges, k ? xray.width : xray.height, app.smooth),
      }));
      const levels = heatLevels(this.weights(view), study.top, ...axes, xray.width, xray.height);
      paint(context, xray, levels, app.colours, app.opacity);
    }
    if (app.boxes) outline(context, boxes, letters);
  }

  draw() {
    const { report, study, app } = this, word = report.words[this.word];
    this.drawView(this.picture, 0, study.boxes, 1);
    if (word !== undefined) {
      const steps = [0, 51, 102, 153, 204, 255].map((k) => `rgb(${app.colours.slice(3 * k, 3 * k + 3).join(" ")})`);
      this.scale.style.background = `linear-gradient(to right, ${steps.join(", ")})`;
      this.most.textContent = study.peak.toFixed(2);
    }
    this.caption.textContent = this.what(study.view, "X-ray");
    this.picture.setAttribute("aria-label", `${study.title}: ${this.caption.textContent}`);
    this.drawSecond();
    if (word !== undefined) this.describe(word);
    else this.state.replaceChildren("The report is empty.");
  }

  what(name, nameless) {
    const word = this.report.words[this.word], view = name ? `${name} view` : nameless;
    return word === undefined ? view : `${view}, attention at ${this.app.sentence ? "the sentence of " : ""}“${word}”`;
  }

  drawSecond() {
    const { other } = this.study, shown = Boolean(other) && this.app.other;
    this.secondFigure.hidden = !shown;
    this.pictures.classList.toggle("mrg-two", shown);
    if (!shown) return;
    this.drawView(this.second, 1, other.boxes, 2);
    this.secondCaption.textContent = this.report.axes[1] ? this.what(other.view, "other view")
      : `${other.view || "other"} view, not seen by the model`;
    this.second.setAttribute("aria-label", `${this.study.title}: ${this.secondCaption.textContent}`);
  }

  describe(word) {
    const { report } = this, p = report.p[this.word], mark = report.marks[this.word];
    const facts = [` · probability ${p.toFixed(2)}`];
    if (mark) facts.push(` · ${KINDS[mark[0]]}: ${mark[1]}`);
    this.state.replaceChildren(`Word ${this.word + 1} of ${report.words.length}: `, make("b", {}, word), ...facts);
    const some = report.alternatives ? report.alternatives[this.word] : [];
    this.others.setAttribute("aria-label", "words that the model considered here, with their probabilities");
    this.others.replaceChildren(...some.map(([other, chance]) =>
      make("li", { className: other === word ? "mrg-chosen" : "" },
        make("span", {}, other), make("i", { style: `width: ${(chance * 45).toFixed(1)}%` }), make("span", {}, chance.toFixed(2)))));
    const at = report.words.length > 1 ? (100 * this.word) / (report.words.length - 1) : 50;
    this.chart.querySelector("svg line").setAttribute("x1", at);
    this.chart.querySelector("svg line").setAttribute("x2", at);
    const [entropy, beta] = this.chart.querySelectorAll("b");
    entropy.textContent = report.entropy[this.word].toFixed(2);
    if (beta) beta.textContent = report.beta[this.word].toFixed(2);
  }

  drawChart() {
    const { report } = this, n = Math.max(1, report.words.length - 1);
    const curve = (values, name) => values
      ? `<polyline class="${name}" points="${values.map((v, k) => `${((100 * k) / n).toFixed(2)},${(2 + 36 * (1 - v)).toFixed(2)}`).join(" ")}"/>`
      : "";
    const svg = `<svg viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true"><line y1="0" y2="40"/>${
      curve(report.entropy, "mrg-entropy")}${curve(report.beta, "mrg-beta")}</svg>`; // numbers only
    const entry = (name, text) => make("span", {}, make("i", { className: name }), ` ${text} `, make("b"));
    const key = [entry("mrg-entropy", "entropy (1, at the top: looks everywhere alike)")];
    if (report.beta) key.push(" ", entry("mrg-beta", "gate beta"));
    this.chart.innerHTML = svg;
    this.chart.append(make("p", { className: "mrg-soft" }, ...key));
    this.chart.hidden = !report.words.length;
  }

  comparison() {
    const { reference } = this.report;
    if (reference === null) return [];
    if (!reference.length) return [make("h4", {}, "Reference"), make("p", {}, "This study has no reference text.")];
    const pieces = reference.map(([text, kind, name]) =>
      kind ? make("mark", { className: `mrg-${kind}`, title: `${KINDS[kind]}: ${name}` }, text) : text);
    const found = Object.keys(KINDS).map((kind) => {
      const names = [...reference.filter((piece) => piece[1] === kind).map((piece) => piece[2]),
        ...this.report.marks.filter((mark) => mark && mark[0] === kind).map((mark) => mark[1])];
      return make("li", {}, make("span", { className: `mrg-${kind}` }, KINDS[kind]), `: ${[...new Set(names)].join(", ") || "nothing"}`);
    });
    return [make("h4", {}, "Reference report"), make("p", {}, ...pieces), make("ul", { className: "mrg-found" }, ...found)];
  }

  savePicture() {
    const from = this.picture, line = Math.max(16, Math.round(from.width / 26)), word = this.report.words[this.word];
    const canvas = make("canvas"), context = canvas.getContext("2d"), font = `${Math.round(line * 0.72)}px system-ui, sans-serif`;
    context.font = font;
    const rows = [];
    for (const text of [`${this.study.title} · ${this.report.name} · ${this.caption.textContent}`, this.app.footer]) {
      rows.push("");
      for (const part of text.split(" ")) {
        const longer = `${rows.at(-1)} ${part}`.trim();
        if (context.measureText(longer).width > from.width - 12) rows.push(part);
        else rows[rows.length - 1] = longer;
      }
    }
    canvas.width = from.width;
    canvas.height = from.height + line * rows.length + 8;
    Object.assign(context, { font, textBaseline: "middle", fillStyle: "#fff" });
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(from, 0, 0);
    context.fillStyle = "#111";
    rows.forEach((text, k) => context.fillText(text, 6, from.height + 4 + line * (k + 0.5)));
    const name = `${this.study.title}-word${this.word + 1}-${word || "none"}`.replace(/[^\w.-]+/g, "_");
    make("a", { href: canvas.toDataURL("image/png"), download: `${name}.png` }).click();
  }
}
