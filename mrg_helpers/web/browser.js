// The controls that the panels share, and the start: DATA and KEY stand above, see mrg_helpers/export.py.

class Browser {
  constructor(root, data) {
    Object.assign(this, { root, data, smooth: false, sentence: false, boxes: false, other: true, opacity: 0.7 });
    this.footer = ["not for clinical use", "attention is a clue, not an explanation", data.note].filter(Boolean).join(" · ");
    this.pictures = data.studies.map(() => null); // image data of each study, read when it is first shown
    this.panels = [new Panel(this)];
    this.place = make("div", { className: "mrg-panels" });
    this.controls = make("div", { className: "mrg-row mrg-controls" });
    const most = (measure) => Math.max(...data.studies.map(measure));
    this.addControls(
      most((study) => study.reports.length),
      most((study) => study.boxes.length + (study.other?.boxes.length || 0)),
      most((study) => (study.other ? 1 : 0)),
    );
    root.style.setProperty("--frame", data.frame.join(" / "));
    const footer = make("p", { className: "mrg-footer mrg-soft" }, make("i", {}, this.footer));
    root.querySelector(".mrg-body").replaceChildren(this.controls, this.place, footer);
    // JupyterLab takes keys as commands if they get to it: in a menu an arrow would go to the next cell.
    root.addEventListener("keydown", (event) => event.ctrlKey || event.metaKey || event.stopPropagation());
    if ("page" in root.dataset) {
      document.addEventListener("keydown", (event) => {
        if (document.activeElement === document.body) this.panels[0].key(event);
      });
    }
    this.choose(0);
  }

  select(name, options, change) {
    const list = make("select", { "aria-label": name }, ...options.map((text, k) => make("option", { value: k }, text)));
    list.onchange = () => change(Number(list.value));
    this.controls.append(make("label", {}, make("span", {}, name), list));
    return list;
  }

  check(name, key) {
    const box = make("input", { type: "checkbox", checked: this[key] });
    box.onchange = () => {
      this[key] = box.checked;
      this.draw();
    };
    this.controls.append(make("label", {}, box, make("span", {}, name)));
  }

  addControls(reports, boxes, others) {
    const { data } = this, maps = Object.keys(data.maps);
    if (data.studies.length > 1) {
      this.select("Study", data.studies.map((study, k) => `${k + 1}. ${study.title}`), (k) => this.choose(k));
    }
    if (reports > 1) {
      this.first = this.select("Report", [], () => this.compare());
      this.beside = this.select("Beside it", [], () => this.compare());
    }
    const opacity = make("input", { type: "range", min: 0, max: 1, step: 0.05, value: this.opacity });
    opacity.oninput = () => {
      this.opacity = Number(opacity.value);
      this.draw();
    };
    this.controls.append(make("label", {}, make("span", {}, "Opacity"), opacity));
    this.colours = bytes(data.maps[maps[0]]);
    this.select("Colours", maps, (k) => {
      this.colours = bytes(data.maps[maps[k]]);
      this.draw();
    });
    this.check("smooth", "smooth");
    this.check("whole sentence", "sentence");
    if (boxes) this.check("true boxes", "boxes");
    if (others) this.check("other view", "other");
  }

  choose(k) {
    this.study = this.data.studies[k];
    const names = this.study.reports.map((report) => report.name);
    for (const [list, options] of [[this.first, names], [this.beside, ["nothing", ...names]]]) {
      if (!list) continue;
      const kept = list.selectedIndex;
      list.replaceChildren(...options.map((text, value) => make("option", { value }, text)));
      list.selectedIndex = kept >= 0 && kept < options.length ? kept : 0;
    }
    this.pictures[k] ||= Promise.all([this.study.image, this.study.other?.image].map(read));
    this.pictures[k].then((pixels) => {
      this.pixels = pixels;
      if (this.study === this.data.studies[k]) this.compare();
    });
  }

  compare() {
    const chosen = [Number(this.first?.value || 0)];
    if (Number(this.beside?.value || 0)) chosen.push(Number(this.beside.value) - 1);
    while (this.panels.length < chosen.length) this.panels.push(new Panel(this));
    this.panels.forEach((panel) => panel.play(false));
    this.panels.length = chosen.length;
    this.place.classList.toggle("mrg-pair", chosen.length > 1);
    this.place.replaceChildren(...this.panels.map((panel) => panel.node));
    this.panels.forEach((panel, k) => panel.show(this.study, this.study.reports[chosen[k]], this.pixels));
  }

  draw() {
    for (const panel of this.panels) {
      if (!panel.report) continue;
      panel.markSentence();
      panel.draw();
    }
  }
}

// A data URI -> its pixels, or null where there is none.
async function read(source) {
  if (!source) return null;
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = make("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

const place = document.querySelector(`.mrg-attention[data-key="${KEY}"]:not([data-ready])`);
if (place) {
  place.dataset.ready = "";
  place.mrgBrowser = new Browser(place, DATA);
}
