"use strict";

// `ast` interprets the expressions of the charts, because the page's policy forbids their compilation.
const OPTIONS = {
  ast: true,
  renderer: "svg",
  actions: { export: true, source: false, compiled: false, editor: false },
  tooltip: { theme: "report" },
};

async function draw({ id, spec }) {
  const result = await vegaEmbed(document.getElementById(`chart-${id}`), spec, OPTIONS);
  // The width of paper differs from that of the window.
  const svg = result.view.container().querySelector("svg");
  svg.style.maxWidth = "100%";
  svg.style.height = "auto";
}

const charts = JSON.parse(document.getElementById("charts").textContent);
Promise.all(charts.map(draw)).then(() => document.body.classList.add("drawn"));
