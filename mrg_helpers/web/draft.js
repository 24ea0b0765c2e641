"use strict";
const text = document.querySelector(".text"), said = document.querySelector(".said"), root = document.documentElement;
document.querySelectorAll("[data-script]").forEach((one) => { one.hidden = false; });
text.contentEditable = "plaintext-only"; // pasted text comes without its looks
if (text.contentEditable !== "plaintext-only") text.contentEditable = "true";

text.addEventListener("input", () => {
  document.querySelector(".edited").hidden = false;
  for (const sentence of text.querySelectorAll("span")) // a mark is about the model's sentence, not about yours
    if (sentence.textContent !== sentence.dataset.text) sentence.removeAttribute("class");
});

document.querySelector(".copy").addEventListener("click", async () => {
  const copied = `${text.innerText.trim()}\n\n[${document.querySelector(".notice").textContent}]`;
  let done = true;
  try { await navigator.clipboard.writeText(copied); } catch { // pages that were opened as files may not, in some browsers
    const area = document.createElement("textarea");
    area.value = copied;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
  }
  said.textContent = done ? "Copied." : "This browser does not allow it: select the text and copy it by hand.";
});

document.querySelector(".print").addEventListener("click", () => window.print());

document.querySelector(".enlarge").addEventListener("click", (event) => {
  const large = document.querySelector(".columns").classList.toggle("large");
  event.target.textContent = large ? "make it smaller" : "enlarge";
});

// The page is to fit on one sheet, A4 or Letter, also after somebody wrote more: try it with the looks of print, and shrink the letters.
window.addEventListener("beforeprint", () => {
  const ruler = document.createElement("div");
  ruler.style.cssText = "position: absolute; height: 100mm";
  document.body.append(ruler);
  const millimetre = ruler.offsetHeight / 100;
  ruler.remove();
  root.classList.add("printing");
  const room = 253 * millimetre; // Letter's height without the margins, less a little
  for (let size = 1; size >= 0.55; size -= 0.03) {
    root.style.setProperty("--size", size);
    if (document.body.scrollHeight <= room) break;
  }
  root.classList.remove("printing");
});
